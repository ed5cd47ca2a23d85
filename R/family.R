# What R knows of a family: names, packing, simulation, labels. The formulas that a fit
# runs on are in C. A family is a list of functions; a fit holds only its name and
# options, so that it survives saveRDS() and a new version of the package.
#
#   title           for print
#   smooth          is the density smooth along a single column of rows, with peaks at and of width
#   discrete        does the distribution function jump at whole numbers
#   blocks          names of the parameters of a component, in the order of theta
#   links           by block: the scale on which any value is legal, of which the C family's coordinates are
#   required        the block that a start must give
#   options         the constants of the C family, from the rows
#   rows            what the user gave -> rows as the C family reads them
#   affine          where the C core should put and scale the rows
#   to_core, from_core  parameters in users' units <-> in the core's
#   offset          what the core leaves out of the log-likelihood
#   legal           is each value of a block legal, and what is expected
#   coordinate      a number per row by which rows can be put in order
#   estimate        parameters of each component from shares of the rows
#   complete        fills the blocks that a start left out
#   statistics      columns per row whose sums over a group of rows give its parameters,
#   from_sums       from weights and such sums, matrices of a column per start
#   within          starts of one wide component and narrow ones within it
#   spurious        may a component be a chance cluster: for each of many runs (a column of each block)
#   apart           moves components with equal parameters apart
#   log_density, cdf, quantile, draw   of one component
#   centre          expected value of a row of a component
#   overlap         for em_overlap(): see family-overlap.R
#
# For em_step(), which shows what the core's step did (x: rows as above; `names`: of the response's columns):
#
#   columns_of      the columns of a row as print shows them, by name
#   expected        the statistics of a row whose expected sums the M-step divides, for one component with its new parameters
#   expected_note   what a reader must know of these (may be left out)
#   ratios          by block the division: over, under (lists of one value per component), before (what the prior
#                   adds to both), root (is the square root taken); shared blocks: the components' are summed
#   density_text    the density of one row as R code, each number through show()

family_names <- c("normal", "binomial")

# The list of a family, from <name>_family() in family-<name>.R.
family_of <- function(name) {
  get(paste0(check_choice(name, "family", family_names), "_family"), topenv(), mode = "function")()
}

#' Families of mixture components
#'
#' What the components of a mixture are. [emix()] takes the name (`"normal"`, `"binomial"`) or,
#' where there are options, the value of one of these functions.
#'
#' - `mix_normal()`: univariate normal, parameters `mean` and `sd`. Units: those of the data.
#' - `mix_binomial()`: successes among a number of trials that may differ by row,
#'   parameter `prob`, the probability of a success.
#'
#' @param size numbers of trials for a response that holds successes only: one for all rows or
#'   one per row, whole numbers not below the successes. `NULL` (default) where the
#'   response has two columns, successes and failures.
#' @return a list of class `"emix_family"` with the element `name` and the options.
#' @section Errors:
#' `emix_error_input` when `size` is not numeric, negative, fractional or missing.
#' @examples
#' mix_normal()
#' emix(coins$heads, k = 2, family = mix_binomial(size = 10), equal = "prop")
#' @export
mix_normal <- function() {
  structure(list(name = "normal"), class = "emix_family")
}

#' @rdname mix_normal
#' @export
mix_binomial <- function(size = NULL) {
  if (!is.null(size)) {
    size <- check_numeric(size, "size")
    if (!length(size)) stop_input("size", "one number or one per row", "empty")
    check_counts(size, "size")
  }
  structure(list(name = "binomial", size = size), class = "emix_family")
}

#' @export
print.emix_family <- function(x, ...) {
  size <- if (is.null(x$size)) "" else paste0(", size ", listing(x$size))
  cat(family_of(x$name)$title, " components", size, "\n", sep = "")
  invisible(x)
}

# The family argument of emix(), whatever way it was given.
as_family <- function(family, columns) {
  if (is.null(family)) {
    if (columns == 1L) return(mix_normal())
    emix_stop("input", "`x` has ", columns, " columns: for successes and failures use ",
      "`family = \"binomial\"`; other families of several columns do not exist yet.", argument = "x")
  }
  if (is.function(family)) family <- tryCatch(family(), error = function(e) NULL)
  if (inherits(family, "emix_family")) return(family)
  do.call(paste0("mix_", check_choice(family, "family", family_names)), list())
}

check_counts <- function(x, argument) {
  if (.Call(C_emix_counts, x)) return(invisible())
  bad <- which(!is.finite(x) | x < 0 | x != round(x))
  if (length(bad)) {
    stop_input(argument, "whole and not negative",
      sprintf("%s (row %s)", format(x[bad[1L]], digits = 8), listing(bad)))
  }
  high <- which(x > 2^53)
  if (length(high)) stop_input(argument, "at most 2^53", sprintf("%g", x[high[1L]]))
}

# theta, the core's flat vector, and the list of parameters that users see.
unpack <- function(theta, family, k, affine, components = NULL) {
  names <- c("prop", family$blocks)
  core <- lapply(seq_along(names), function(b) theta[(b - 1L) * k + seq_len(k)])
  parameters <- family$from_core(stats::setNames(core, names), affine)
  if (is.null(components)) parameters else lapply(parameters, stats::setNames, components)
}

# prop.1, prop.2, mean.1, ...: the names of theta as users see it.
theta_names <- function(family, components) {
  paste(rep(c("prop", family$blocks), each = length(components)), components, sep = ".")
}

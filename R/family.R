# What R knows of a family: names, packing, simulation, labels. The formulas that a fit
# runs on are in C. A family is a list of functions; a fit holds only its name and
# options, so that it survives saveRDS() and a new version of the package.
#
#   name, title     in fits, and for print
#   columns         how many a row may have as the C family reads it
#   sizes           how many values a component has in each block, of rows of so many columns
#   smooth          is the density smooth along a single column of rows, with peaks at and of width
#   discrete        does the distribution function jump at whole numbers
#   blocks          names of the parameters of a component, in the order of theta
#   links           by block: the scale on which any value is legal, of which the C family's coordinates are; NULL: it has none
#   required        the block that a start must give
#   shared          blocks that all components share by the family's nature (may be left out, as what follows)
#   restrict        the family with what `equal` shares
#   check_rows      stops for rows of which nothing can be estimated
#   read_block      a block as users give it, checked, as a flat vector
#   df              free parameters of a spec
#   conform         parameters brought to what the family demands of them
#   bring           a start's parameters brought to all that the family demands, by its M-step; NULL: conform does
#   options         the constants of the C family, from the rows
#   rows            what the user gave -> rows as the C family reads them
#   affine          where the C core should put and scale the rows
#   to_core, from_core  parameters in users' units <-> in the core's
#   row_offset      what the core leaves out of each row's log density
#   legal           is each value of a block legal, and what is expected
#   coordinate      a number per row by which rows can be put in order
#   order           the order in which components are numbered
#   spreads         may components differ in width about one place, so that starts do too
#   estimate        parameters of each component from shares of the rows
#   complete        fills the blocks that a start left out
#   statistics      columns per row whose sums over a group of rows give its parameters,
#   from_sums       from weights and such sums, matrices of a column per start
#   within          starts of one wide component and narrow ones within it
#   spurious        may a component be a chance cluster: for each of many runs (a column of each block)
#   apart           moves components with equal parameters apart
#   log_density, cdf, quantile, draw   of one component
#   below           of rows of several columns, which have no cdf and no quantile: the chance of values not above theirs in every column
#   centre          expected value of a row of a component
#   incomplete      of how many columns rows with missing values may be (left out: rows have none)
#   fill            such rows with what a component expects of the values that are missing
#   overlap         for em_overlap(): see family-overlap.R
#
# For em_step(), which shows what the core's step did (x: rows as above; `names`: of the response's columns):
#
#   columns_of      the columns of a row as print shows them, by name
#   expected        the statistics of a row whose expected sums the M-step divides, for one component with its new parameters
#   expected_note   what a reader must know of these (may be left out)
#   ratios          by block the division: over, under (lists of one value per component), before (what the prior
#                   adds to both), root (is the square root taken); shared blocks: the components' are summed
#   ratios_note     what a reader must know of these (may be left out)
#   density_text    the density of one row as R code, each number through show()

family_names <- c("normal", "binomial", "mvnormal")

# The list of a family, from <name>_family() in family-<name>.R: of a name, or of a value of mix_<name>() with its options.
family_of <- function(family) {
  name <- if (is.list(family)) family$name else family
  table <- get(paste0(check_choice(name, "family", family_names), "_family"), topenv(), mode = "function")
  if (is.list(family)) table(family) else table()
}

#' Families of mixture components
#'
#' What the components of a mixture are. [emix()] takes the name (`"normal"`, `"binomial"`, `"mvnormal"`) or,
#' where there are options, the value of one of these functions. [mix_mvnormal()], for rows of several columns, has its own page.
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
  more <- if (!is.null(x$size)) paste0(", size ", listing(x$size))
  if (!is.null(x$cov)) more <- paste0(" (", if (length(x$cov) == 1L) name_covariance(x$cov) else listing(x$cov, 14L), ")")
  cat(family_of(x)$title, " components", more, "\n", sep = "")
  invisible(x)
}

# The family argument of emix(), whatever way it was given.
as_family <- function(family, columns) {
  if (is.null(family)) {
    return(if (columns == 1L) mix_normal() else mix_mvnormal())
  }
  if (is.function(family)) family <- tryCatch(family(), error = function(e) NULL)
  if (inherits(family, "emix_family")) return(family)
  if (is.character(family) && all(family %in% c(covariance_structures, "all")) && length(family)) {
    stop_input("family", sprintf("mix_mvnormal(\"%s\") where a structure of covariances is wanted", family[1L]), describe(family))
  }
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

# How many values a component has in each block of theta; `d`: how many columns the rows have.
block_sizes <- function(family, d) c(prop = 1L, family$sizes(as.integer(d)))

# Where the blocks are in theta, each with its components one after the other; `components`: which, in what order.
block_places <- function(sizes, k, components = seq_len(k)) {
  before <- c(0L, cumsum(sizes * k))
  places <- lapply(seq_along(sizes), function(b) {
    before[b] + as.integer(outer(seq_len(sizes[[b]]), (components - 1L) * sizes[[b]], "+"))
  })
  stats::setNames(places, names(sizes))
}

# theta, the core's flat vector, and the list of parameters: as users see them with names of components, else by block.
unpack <- function(theta, family, k, affine, components = NULL, columns = NULL) {
  sizes <- block_sizes(family, length(affine$factor))
  core <- lapply(block_places(sizes, k), function(at) theta[at])
  parameters <- family$from_core(core, affine)
  if (is.null(components)) parameters else shape_parameters(parameters, sizes, components, columns)
}

# A value per component as a vector; one per column as a matrix of a column per component; one per pair of columns as
# an array of a matrix per component.
shape_parameters <- function(parameters, sizes, components, columns = NULL) {
  k <- length(components)
  shape <- function(v, size) {
    if (size == 1L) return(stats::setNames(v, components))
    if (size == length(columns)) return(array(v, c(size, k), list(columns, components)))
    array(v, c(length(columns), length(columns), k), list(columns, columns, components))
  }
  Map(shape, parameters, sizes[names(parameters)])
}

# The same without names and shapes, by block.
flat_parameters <- function(parameters) lapply(parameters, as.vector)

# What coef() lists of theta: of a symmetric matrix the lower triangle, column by column. Places in theta.
listed_places <- function(sizes, k, columns = NULL) {
  lower <- which(lower.tri(diag(length(columns)), diag = TRUE))
  at <- Map(function(places, size) {
    if (size <= max(1L, length(columns))) return(places)
    as.vector(matrix(places, nrow = size)[lower, ])
  }, block_places(sizes, k), sizes)
  unlist(at, use.names = FALSE)
}

# For each place of theta that of its value among those that coef() lists.
places_in_list <- function(sizes, k, columns = NULL) {
  d <- length(columns)
  twin <- seq_len(sum(sizes) * k)
  for (b in which(sizes > max(1L, d))) {
    own <- matrix(block_places(sizes, k)[[b]], nrow = sizes[[b]])
    pair <- matrix(seq_len(d * d), d)
    upper <- which(upper.tri(pair))
    twin[own[upper, ]] <- own[t(pair)[upper], ]
  }
  match(twin, listed_places(sizes, k, columns))
}

# By block the names of a component's values that coef() lists: "" where there is one; columns, or the pairs of the lower triangle.
cell_names <- function(sizes, columns = NULL) {
  d <- length(columns)
  lower <- which(lower.tri(diag(d), diag = TRUE), arr.ind = TRUE)
  lapply(sizes, function(size) {
    if (size == 1L) "" else if (size == d) columns else paste(columns[lower[, "col"]], columns[lower[, "row"]], sep = ".")
  })
}

# prop.1, prop.2, mean.1, ...: what coef() lists; mean.1.width and cov.1.width.height where there are columns.
theta_names <- function(family, components, columns = NULL) {
  cells <- cell_names(block_sizes(family, length(columns)), columns)
  names <- Map(function(b, own) {
    if (identical(own, "")) return(paste(b, components, sep = "."))
    paste(b, rep(components, each = length(own)), own, sep = ".")
  }, names(cells), cells)
  unlist(names, use.names = FALSE)
}

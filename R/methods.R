# The usual questions, answered from the object alone.

# What each element of a fit must be like; a fit that passes can be asked anything. In order: later
# rules rely on the elements of earlier ones.
fit_rules <- list(
  family = function(v, o) is.list(v) && is.character(v$name) && length(v$name) == 1L && v$name %in% family_names &&
    (v$name != "mvnormal" || (length(v$cov) == 1L && v$cov %in% covariance_structures)),
  k = function(v, o) is_number(v) && v >= 1,
  n = function(v, o) is_number(v) && v >= 1,
  components = function(v, o) is.character(v) && length(v) == o$k && !anyNA(v),
  parameters = function(v, o) sound_parameters(v, family_of(o$family), o$k, names_of_columns(o$x)),
  core = function(v, o) {
    is.list(v) && is.double(v$theta) && length(v$theta) == o$k * sum(fit_sizes(o)) && !anyNA(v$theta) &&
      is.double(v$factor) && is.double(v$shift) && length(v$factor) == length(v$shift) && !anyNA(c(v$factor, v$shift))
  },
  x = function(v, o) is.double(v) && NCOL(v) == length(o$core$factor) && NCOL(v) %in% family_of(o$family)$columns &&
    NROW(v) == o$n && (uses_missing(o) || !anyNA(v)),
  nobs = function(v, o) is_number(v) && v > 0,
  loglik = function(v, o) is_number(v),
  objective = function(v, o) is_number(v),
  df = function(v, o) is_number(v) && v >= 0,
  weights = function(v, o) is.null(v) || (is.double(v) && length(v) == o$n && !anyNA(v) && all(v >= 0)),
  labels = function(v, o) is.null(v) || (is.integer(v) && length(v) == o$n && !anyNA(v) && all(v >= 0L & v <= o$k)),
  converged = function(v, o) is.logical(v) && length(v) == 1L && !is.na(v),
  iterations = function(v, o) is_number(v),
  convergence = function(v, o) is.list(v) && is.numeric(v$gain) && length(v$gain) == 1L && is.logical(v$flat) &&
    length(v$flat) == 1L,
  held = function(v, o) is.list(v) && identical(names(v), names(o$parameters)) &&
    all(unlist(Map(function(h, size) is.logical(h) && length(h) == o$k * size && !anyNA(h), v, fit_sizes(o)[names(v)]))),
  equal = function(v, o) is.character(v) && all(v %in% names(o$parameters)),
  starts = function(v, o) is.data.frame(v) && all(c("outcome", "spurious", "maximum") %in% names(v)) && has_heights(v),
  maxima = function(v, o) is.null(v) || (is.data.frame(v) && all(c("met", "spurious") %in% names(v)) && has_heights(v)),
  na.action = function(v, o) is.null(v) || inherits(v, c("omit", "exclude")),
  arguments = function(v, o) is.list(v) && inherits(v$control, "em_control") && (is.null(v$prior) || inherits(v$prior, "em_prior")),
  call = function(v, o) is.null(v) || is.call(v),
  terms = function(v, o) is.null(v) || inherits(v, "terms"),
  selection = function(v, o) is.null(v) || is.data.frame(v)
)

# Are rows with missing values used through the values that they have?
uses_missing <- function(fit) is.list(fit$arguments) && identical(fit$arguments$na.action, "likelihood")

fit_sizes <- function(fit) block_sizes(family_of(fit$family), length(names_of_columns(fit$x)))

# What starts and maxima list: `loglik`, or the `objective` where a run climbs something else.
has_heights <- function(table) any(c("loglik", "objective") %in% names(table))

heights_of <- function(table) if (is.null(table$objective)) table$loglik else table$objective

objective_name <- function(fit) {
  name <- if (is.null(fit$arguments$prior)) "log-likelihood" else "log posterior"
  if (identical(fit$arguments$control$estep, "hard")) paste("classification", name) else name
}

sound_parameters <- function(v, family, k, columns) {
  blocks <- c("prop", family$blocks)
  if (!is.list(v) || !identical(names(v), blocks)) return(FALSE)
  sizes <- block_sizes(family, length(columns))
  whole <- function(p, size) is.double(p) && length(p) == k * size && !anyNA(p) && (size == 1L || identical(dimnames(p)[[1L]], columns))
  if (!all(unlist(Map(whole, v, sizes)))) return(FALSE)
  legal <- vapply(family$blocks, function(b) all(family$legal(b, v[[b]])$ok), NA)
  all(legal) && all(v$prop >= 0 & v$prop <= 1) && abs(sum(v$prop) - 1) < 1e-6
}

# Stops where an object is not what emix() made: hand-made, edited or damaged.
check_fit <- function(object, argument = "object") {
  if (!inherits(object, "emix") || !is.list(object)) {
    emix_stop("object", "`", argument, "` must be a fit of emix(), not ", describe(unclass(object)), ".", argument = argument)
  }
  for (name in names(fit_rules)) {
    if (!isTRUE(fit_rules[[name]](object[[name]], object))) {
      emix_stop("object", "`", argument, "` has been damaged: its element `", name, "` is not what emix() made.",
        argument = argument)
    }
  }
  object
}

#' Parameters of a mixture
#'
#' `coef()` gives all parameters, held and shared ones too, as one named vector; `as.data.frame()` as
#' a table of one row per component.
#'
#' @param object,x a fit of [emix()].
#' @param row.names,optional as in [as.data.frame()]; `row.names` may name the components.
#' @param ... not used; anything given is an error.
#' @return `coef()`: a numeric vector named `prop.1`, `prop.2`, ..., then `mean.1`, ...,
#'   `sd.1`, ... (normal) or `prob.1`, ... (binomial); of several columns `mean.1.width`, ..., `cov.1.width.height`, ... (of each
#'   covariance the lower triangle, column by column); with the components' names where they have some. Means and
#'   standard deviations are in the units of the data.
#'   `as.data.frame()`: a data frame with `component`, `prop` and the family's parameters.
#' @section Errors:
#' `emix_error_object` for a damaged object.
#' @examples
#' fit <- emix(faithful$waiting, k = 2)
#' coef(fit)
#' as.data.frame(fit)
#'
#' # Several columns: as a vector, and as a matrix of means and an array of covariances
#' fit <- emix(faithful, k = 2)
#' coef(fit)
#' fit$parameters$mean
#' fit$parameters$cov[, , 2]
#' @export
coef.emix <- function(object, ...) {
  check_no_dots(...)
  check_fit(object)
  family <- family_of(object$family)
  columns <- names_of_columns(object$x)
  values <- unlist(flat_parameters(object$parameters[c("prop", family$blocks)]), use.names = FALSE)
  stats::setNames(values[listed_places(fit_sizes(object), object$k, columns)], theta_names(family, object$components, columns))
}

#' @rdname coef.emix
#' @export
as.data.frame.emix <- function(x, row.names = NULL, optional = FALSE, ...) {
  check_no_dots(...)
  check_fit(x, "x")
  blocks <- c("prop", family_of(x$family)$blocks)
  data.frame(component = x$components, unlist(unname(lapply(blocks, block_table, x)), recursive = FALSE), row.names = row.names,
    stringsAsFactors = FALSE, check.names = FALSE)
}

# A block as columns of a table with a row per component: mean, or mean.width and mean.height; of a symmetric matrix
# the lower triangle.
block_table <- function(block, x) {
  value <- x$parameters[[block]]
  if (is.null(dim(value))) return(stats::setNames(list(unname(value)), block))
  columns <- names_of_columns(x$x)
  if (is.matrix(value)) return(stats::setNames(lapply(seq_along(columns), function(c) unname(value[c, ])), paste(block, columns, sep = ".")))
  lower <- which(lower.tri(diag(length(columns)), diag = TRUE), arr.ind = TRUE)
  cells <- lapply(seq_len(nrow(lower)), function(i) unname(value[lower[i, 1L], lower[i, 2L], ]))
  stats::setNames(cells, paste(block, columns[lower[, 2L]], columns[lower[, 1L]], sep = "."))
}

#' Log-likelihood and number of observations of a mixture
#'
#' @param object a fit of [emix()].
#' @param ... not used; anything given is an error.
#' @return `logLik()`: the maximised log-likelihood of class `"logLik"`, with attributes `df` (free
#'   parameters) and `nobs`, so that [AIC()] and [BIC()] work. `nobs()`: the sum of the case weights,
#'   which is the number of rows where there are none. `formula()`: the formula of the
#'   fit, or `NULL` where it was not made by one.
#' @examples
#' fit <- emix(height ~ 1, data = heights, k = 2, equal = "sd")
#' logLik(fit)
#' BIC(fit, emix(height ~ 1, data = heights, k = 1))
#' @export
logLik.emix <- function(object, ...) {
  check_no_dots(...)
  check_fit(object)
  structure(object$loglik, df = object$df, nobs = object$nobs, class = "logLik")
}

#' @rdname logLik.emix
#' @export
nobs.emix <- function(object, ...) {
  check_no_dots(...)
  check_fit(object)$nobs
}

#' @rdname logLik.emix
#' @param x a fit of [emix()].
#' @export
formula.emix <- function(x, ...) {
  check_no_dots(...)
  if (is.null(check_fit(x, "x")$terms)) NULL else formula(x$terms)
}

# "Mixture of 2 normal components, equal sd"
fit_title <- function(x) {
  title <- family_of(x$family)$title
  many <- if (x$k == 1L) paste("One", title, "component") else sprintf("Mixture of %d %s components", x$k, title)
  columns <- names_of_columns(x$x)
  if (!is.null(columns)) many <- sprintf("%s (%s), %s", many, name_covariance(x$family$cov), counted(length(columns), "column"))
  if (length(x$equal) && x$k > 1L) paste0(many, ", equal ", listing(x$equal)) else many
}

format_n <- function(x) {
  rows <- counted(x$n, "row")
  if (!is.null(x$weights)) rows <- paste0(rows, ", total weight ", format(x$nobs, big.mark = ",", scientific = 5))
  known <- sum(x$labels > 0L)
  if (known > 0) rows <- paste0(rows, ", ", format(known, big.mark = ","), " labelled")
  if (anyNA(x$x)) rows <- paste0(rows, format_missing(x))
  gone <- naprint(x$na.action)
  if (nzchar(gone)) paste0(rows, "; ", gone) else rows
}

format_missing <- function(x) {
  none <- sum(!tells(x$x))
  some <- length(missing_rows(x$x)) - none
  paste0(if (some) paste0("; ", counted(some, "row"), " with missing values, used through ", if (some == 1L) "its" else "their",
    " observed columns"), if (none) paste0("; ", counted(none, "row"), " without any value"))
}

print_call <- function(x) {
  text <- deparse(x$call, width.cutoff = 70L, nlines = 5L)
  if (length(text) > 4L) text <- c(text[1:4], "  ...")
  text <- ifelse(nchar(text) > 120L, paste(substr(text, 1L, 116L), "..."), text)
  cat(text, sep = "\n")
}

print_parameters <- function(x, digits) {
  if (!is.null(names_of_columns(x$x))) return(print_columns(x, digits))
  table <- as.data.frame(x)
  held <- x$held[names(table)[-1L]]
  # Proportions that are equal, or all there is, need no mark.
  if (x$k == 1L || "prop" %in% x$equal) held$prop[] <- FALSE
  text <- vapply(names(table)[-1L], function(block) {
    shown <- format(table[[block]], digits = digits)
    paste0(shown, if (any(held[[block]])) ifelse(held[[block]], "*", " ") else "")
  }, character(x$k))
  text <- matrix(text, nrow = x$k, dimnames = list(table$component, names(table)[-1L]))
  if (x$k > 30L) {
    print(text[1:30, , drop = FALSE], quote = FALSE, right = TRUE)
    cat(sprintf("... and %d more components: see as.data.frame()\n", x$k - 30L))
  } else {
    print(text, quote = FALSE, right = TRUE)
  }
  if (any(unlist(held))) cat("* held\n")
}

# A bound in one digit is still one.
rounded_up <- function(x) {
  unit <- 10^floor(log10(x))
  ceiling(signif(x / unit, 12L)) * unit
}

print_convergence <- function(x) {
  c <- x$convergence
  steps <- counted(x$iterations, "iteration")
  if (at_edge(x)) {
    cat("NOT at a maximum for certain (", steps, ")\n", sep = "")
  } else if (at_saddle(x)) {
    cat("NOT at a maximum: EM ended at a saddle point (", steps, ")\n", sep = "")
  } else if (!x$converged) {
    left <- if (is.finite(c$gain)) paste(": log-likelihood still to gain about", format(c$gain, digits = 1))
    cat("NOT converged after ", steps, left, "\n", sep = "")
  } else if (x$arguments$control$estep == "hard") {
    cat("converged: assignments do not change any more (", steps, ")\n", sep = "")
  } else if (!is.finite(c$gain)) {
    cat("converged: the steps of EM have ended, but the curvature is not that of a maximum (", steps, ")\n", sep = "")
  } else {
    # What is left to gain is known no better than the objective itself.
    rounding <- .Machine$double.eps * max(1, abs(x$objective))
    cat("converged: ", objective_name(x), " within ", format(rounded_up(max(c$gain, rounding)), digits = 1), " of this maximum (",
      steps, ")\n", sep = "")
  }
  if (c$flat) cat("flat: components coincide or a parameter makes no difference\n")
  if (length(c$boundary)) cat("on the boundary: ", listing(c$boundary), "\n", sep = "")
  if (c$spurious) cat("a component may be a chance cluster: see ?emix\n")
}

#' Print and summarise a mixture
#'
#' `print()` shows the model, its parameters and the log-likelihood. `summary()` adds how the rows
#' fall into components, of several columns standard deviations and correlations of each, standard errors and 95 % limits of the free parameters, what became of the starts, and the call's settings.
#'
#' Standard errors are those of [vcov.emix()], limits those of [confint.emix()], both from the observed information. `summary()` warns
#' of nothing but prints it: parameters on a boundary, an information that is singular, limits of a proportion or a probability that cover more
#' than 80 % of what is possible (those of a standard deviation: a factor of 100). It leaves standard errors out, and says so,
#' for a hard E-step, for more than 600 parameters (multivariate normal: more than 60 free ones), and where rows times squared parameters are above 1e10.
#'
#' @param x,object a fit of [emix()], or its summary.
#' @param digits significant digits of the parameters. Default: `getOption("digits") - 2`, so 5 (summary: 4).
#' @param ... not used; anything given is an error.
#' @return `print()` its argument, invisibly. `summary()` a list of class `"summary.emix"` with
#'   `fit`, `table` (per component: the parameters, the expected number of rows `expected`
#'   and the number `assigned` by the highest posterior probability, both weighted), `coefficients` (a matrix of a row per free
#'   parameter, a shared one once: `estimate`, `std. error` and limits; or `NULL`), `notes` (what `print()` says of them), `certainty` (the mean of
#'   each row's highest posterior probability), `AIC` and `BIC`.
#' @examples
#' fit <- emix(height ~ 1, data = heights, k = 2, equal = "sd")
#' print(fit, digits = 4)
#' summary(fit)
#' @export
print.emix <- function(x, digits = max(3L, getOption("digits") - 2L), ...) {
  check_no_dots(...)
  check_fit(x, "x")
  digits <- check_count(digits, "digits", 1, 22)
  cat(fit_title(x), " (", format_n(x), ")\n", sep = "")
  print_call(x)
  cat("\n")
  print_parameters(x, digits)
  cat("\n")
  print_likelihood(x)
  print_convergence(x)
  print_selection(x)
  invisible(x)
}

print_likelihood <- function(x) {
  shown <- function(value, digits) formatC(value, digits = digits, format = "f", big.mark = ",")
  cat("log-likelihood ", shown(x$loglik, 4), " (df ", x$df, "), AIC ", shown(AIC(x), 2), ", BIC ",
    shown(BIC(x), 2), "\n", sep = "")
  if (!is.null(x$arguments$prior)) cat("log posterior (without constants) ", shown(x$objective, 4), "\n", sep = "")
}

print_selection <- function(fit) {
  if (is.null(fit$selection)) return(invisible())
  by <- attr(fit$selection, "criterion")
  k <- fit$selection$k
  several <- if (length(k) > 3L && all(diff(k) == 1)) paste(k[1L], "to", k[length(k)]) else listing(k, 12L)
  of <- if (is.null(fit$selection$cov)) several else counted(nrow(fit$selection), "model")
  cat(name_chosen(fit), " of ", of, " has the smallest ", by, "\n", sep = "")
}

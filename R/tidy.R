# What packages that work with generics ask of a model: tidy(), glance(), augment(). Registered when generics is there.

#' A mixture as tidy data frames
#'
#' Methods for the functions [generics::tidy()], [generics::glance()] and [generics::augment()], which broom and others attach: the
#' parameters,
#' the fit as a whole and the rows, each as a plain data frame with the names of columns that broom uses. They are registered when
#' the package generics is there; emix does not need it.
#'
#' @param x a fit of [emix()], or of [em_select()] for `tidy()`.
#' @param conf.int `TRUE` adds confidence limits. Default `FALSE`.
#' @param conf.level level of the limits, default 0.95.
#' @param conf.method how limits are got: `method` of [confint.emix()].
#' @param data the data of the fit, to which the columns are added: a row per row of the fit, or also those that `na.action` left
#'   out. Default: the
#'   response, under its own name where it has one.
#' @param newdata new rows, as in [predict.emix()], instead of `data`.
#' @param ... not used; anything given is an error.
#' @return
#' `tidy()`: a row per component and parameter, held and shared ones too: `component`, `term` (`"prop"`, `"mean"`, `"sd"`,
#' `"prob"`; of several columns `"mean.width"`, and `"cov.width.height"` of the lower triangle), `estimate`, `std.error`,
#' and with limits `conf.low` and `conf.high`. Standard errors are those of [vcov.emix()], with its warnings; `NA` for held
#' parameters, on a boundary, and
#' with a hard E-step. For a choice by [em_select()]: its table.
#'
#' `glance()`: one row: `family`, `k`, `equal` (`"none"` or what is shared), `logLik`, `df`, `AIC`, `AICc`, `BIC`, `ICL` (see
#' [em_select()]), `entropy`, `uncertainty` (see
#' [em_overlap()]), `nobs`, `df.residual`, `converged` and `iterations`.
#'
#' `augment()`: the data with `.class` (a factor: the component of the highest posterior probability), `.uncertainty` (one minus
#' that probability),
#' `.fitted` (see [fitted.emix()]) and `.resid`, the quantile residual, which is randomised for the binomial family (see
#' [residuals.emix()]). Known labels are
#' respected for the rows of the fit. Rows that `na.exclude` left out are `NA`; those that `na.omit` left out are not there.
#' @section Errors:
#' `emix_error_input` for arguments that do not fit; `emix_error_object` for a damaged object.
#' @examplesIf requireNamespace("generics", quietly = TRUE)
#' fit <- emix(height ~ 1, data = heights, k = 2, equal = "sd")
#' generics::tidy(fit, conf.int = TRUE)
#' generics::glance(fit)
#' head(generics::augment(fit, data = heights))
#' generics::augment(fit, newdata = data.frame(height = c(160, 170, 180)))
#' @name tidy.emix
#' @exportS3Method generics::tidy
tidy.emix <- function(x, conf.int = FALSE, conf.level = 0.95, conf.method = "wald", ...) {
  check_no_dots(...)
  check_fit(x, "x")
  conf.int <- check_flag(conf.int, "conf.int")
  conf.level <- check_number(conf.level, "conf.level", 0, 1, open = TRUE)
  hard <- identical(x$arguments$control$estep, "hard")
  listed <- listed_parameters(x)
  count <- nrow(listed)
  errors <- if (hard) rep(NA_real_, count) else parameter_errors(fit_covariance(x, "observed", "x"))
  table <- data.frame(component = x$components[listed$component], term = listed$name,
    estimate = unname(coef(x)), std.error = errors)
  if (!conf.int) return(table)
  # Wald limits have the warnings that the standard errors have given.
  limits <- function() confint(x, level = conf.level, method = conf.method)
  limits <- if (hard) matrix(NA_real_, count, 2L) else
    if (identical(conf.method, "wald")) suppressWarnings(limits(), classes = "emix_warning") else limits()
  cbind(table, conf.low = unname(limits[, 1L]), conf.high = unname(limits[, 2L]))
}

#' @rdname tidy.emix
#' @exportS3Method generics::tidy
tidy.em_select <- function(x, ...) {
  check_no_dots(...)
  as.data.frame(x)
}

#' @rdname tidy.emix
#' @exportS3Method generics::glance
glance.emix <- function(x, ...) {
  check_no_dots(...)
  check_fit(x, "x")
  counts <- count_assigned(x)
  bic <- BIC(x)
  data.frame(family = x$family$name, k = x$k, equal = name_structure(x$equal), logLik = x$loglik, df = x$df, AIC = AIC(x),
    AICc = aicc(x), BIC = bic, ICL = bic + 2 * counts$entropy, entropy = counts$entropy,
    uncertainty = counts$doubt / x$nobs, nobs = x$nobs, df.residual = x$nobs - x$df, converged = x$converged,
    iterations = x$iterations)
}

#' @rdname tidy.emix
#' @exportS3Method generics::augment
augment.emix <- function(x, data = NULL, newdata = NULL, ...) {
  check_no_dots(...)
  check_fit(x, "x")
  if (!is.null(newdata)) {
    if (!is.null(data)) stop_input("data", "left out where `newdata` is given")
    rows <- new_rows(x, newdata)
    known <- setdiff(seq_len(NROW(rows)), if (!uses_missing(x)) missing_rows(rows))
    columns <- row_columns(at_rows(x, take_rows(rows, known)))[match(seq_len(NROW(rows)), known), ]
    return(add_columns(if (is.data.frame(newdata)) newdata else response_columns(x, rows), columns))
  }
  columns <- row_columns(x)
  if (is.null(data)) data <- response_columns(x, x$x) else data <- own_rows(x, data)
  if (nrow(data) != x$n) columns <- columns[naresid(x$na.action, seq_len(x$n)), ]
  add_columns(data, columns)
}

# A fit as if it were of these rows.
at_rows <- function(fit, rows) {
  fit[c("x", "n")] <- list(rows, NROW(rows))
  fit["labels"] <- list(NULL)
  fit
}

row_columns <- function(fit) {
  if (fit$n == 0L) {
    none <- fitted_columns(if (is.null(names_of_columns(fit$x))) double() else fit$x)
    return(data.frame(.class = factor(character(), fit$components), .uncertainty = double(), none, .resid = double(), check.names = FALSE))
  }
  p <- own_posterior(fit)
  best <- cbind(seq_len(fit$n), max.col(p, "first"))
  p[best] <- 0
  data.frame(.class = factor(fit$components[best[, 2L]], fit$components), .uncertainty = rowSums(p), fitted_columns(fitted_rows(fit)),
    .resid = quantile_residuals(fit), check.names = FALSE)
}

# .fitted, or .fitted.width and .fitted.height.
fitted_columns <- function(value) {
  if (!is.matrix(value)) return(list(.fitted = value))
  stats::setNames(lapply(seq_len(ncol(value)), function(c) value[, c]), paste(".fitted", colnames(value), sep = "."))
}

add_columns <- function(data, columns) {
  data[names(columns)] <- as.list(columns)
  data
}

# The user's data for the rows of the fit; with na.exclude for those too that were left out.
own_rows <- function(fit, data) {
  if (!is.data.frame(data)) stop_input("data", "a data frame", describe(data))
  gone <- fit$na.action
  if (nrow(data) == fit$n) return(data)
  if (nrow(data) != fit$n + length(gone)) {
    stop_input("data", sprintf("of the %d rows of the fit", fit$n + length(gone)), format(nrow(data)))
  }
  if (inherits(gone, "exclude")) data else data[-as.integer(gone), , drop = FALSE]
}

# The response as columns: under the names of the formula's variables where it has plain ones.
response_columns <- function(fit, rows) {
  if (!is.null(names_of_columns(rows))) return(as.data.frame(rows))
  counts <- is.matrix(rows)
  values <- if (counts) list(rows[, 1L], rows[, 2L] - rows[, 1L]) else list(rows)
  response <- if (!is.null(fit$terms)) formula(fit$terms)[[2L]]
  if (counts && is.call(response) && identical(response[[1L]], quote(cbind)) && length(response) == 3L) response <- as.list(response)[-1L]
  named <- if (is.list(response)) response else list(response)
  plain <- length(named) == length(values) && all(vapply(named, is.symbol, NA))
  names(values) <- if (plain) vapply(named, as.character, "") else if (counts) c("successes", "failures") else "x"
  as.data.frame(values, optional = TRUE)
}

# Functions of the parameters, by the delta method.

# The derivative of f at zero by central differences, extrapolated (Ridders 1982): of all orders and steps the value
# whose neighbours differ least, for each element of f, which is `centre` at zero.
ridders <- function(f, step, centre, levels = 7L) {
  best <- error <- before <- NULL
  bend <- matrix(0, length(centre), levels)
  for (level in seq_len(levels)) {
    up <- f(step)
    down <- f(-step)
    now <- list((up - down) / (2 * step))
    bend[, level] <- bend_of(up, centre, down) / (2 * step)
    if (is.null(best)) {
      best <- now[[1L]]
      error <- rep(Inf, length(best))
    }
    for (order in seq_len(level - 1L)) {
      last <- now[[order]]
      now[[order + 1L]] <- last + (last - before[[order]]) / (4^order - 1)
      off <- pmax(abs(now[[order + 1L]] - last), abs(now[[order + 1L]] - before[[order]]))
      better <- which(off < error)
      best[better] <- now[[order + 1L]][better]
      error[better] <- off[better]
    }
    before <- now
    step <- step / 2
  }
  # Where the slopes on both sides do not come together, there is a corner.
  corner <- bend[, levels] > 0.75 * bend[, levels - 1L] & bend[, levels - 1L] > 0.75 * bend[, levels - 2L]
  list(value = best, error = ifelse(!is.na(corner) & corner, pmax(error, bend[, levels]), error))
}

# The second difference, without what is rounding.
bend_of <- function(up, centre, down) {
  rounding <- 16 * .Machine$double.eps * pmax(abs(up), abs(centre), abs(down))
  bend <- abs(up - 2 * centre + down)
  ifelse(bend > rounding, bend, 0)
}

# A function that makes numbers in the order of coef() the list of parameters that users see.
shaper_of <- function(fit) {
  sizes <- fit_sizes(fit)
  columns <- names_of_columns(fit$x)
  at <- lapply(block_places(sizes, fit$k), function(places) places_in_list(sizes, fit$k, columns)[places])
  function(values) shape_parameters(lapply(at, function(i) values[i]), sizes, fit$components, columns)
}

# The function's value, checked: numbers, as many as before.
call_function <- function(fun, parameters, n = NULL) {
  value <- fun(parameters)
  if (!is.numeric(value) || is.object(value) || !length(value)) {
    stop_input("fun", "a function of a list of parameters that returns numbers", paste("one that returns", describe(value)))
  }
  if (!is.null(n) && length(value) != n) {
    stop_input("fun", sprintf("a function that always returns as many numbers (%d)", n), sprintf("%d", length(value)))
  }
  value
}

# d fun / d free coordinates: value and error, a row per number of fun and a column per coordinate.
function_slopes <- function(fun, fit, curve, value) {
  n <- length(value)
  steps <- curve$ways$first_steps(curve, fit)
  found <- lapply(seq_len(curve$q), function(i) {
    ridders(function(h) {
      step <- numeric(curve$q)
      step[i] <- h
      suppressWarnings(as.double(call_function(fun, curve$ways$moved(fit, curve, step), n)))
    }, steps[i], value)
  })
  as_columns <- function(part) matrix(as.double(unlist(lapply(found, `[[`, part))), nrow = n, ncol = curve$q)
  list(value = as_columns("value"), error = as_columns("error"))
}

# Which numbers of fun change with a parameter that has no standard error?
depends_on_lost <- function(fun, fit, curve, value) {
  changed <- lapply(curve$ways$lost_moves(fit, curve), function(parameters) {
    moved <- suppressWarnings(as.double(call_function(fun, parameters, length(value))))
    is.na(moved) | moved != value
  })
  Reduce(`|`, changed, rep(FALSE, length(value)))
}

#' Functions of the parameters, with standard errors
#'
#' Any function of a mixture's parameters: its estimate, standard error and confidence limits by the delta method
#' or the bootstrap.
#'
#' @details
#' With `g` the function's gradient by the free coordinates of [vcov.emix()] and `V` their covariance matrix, the standard error is
#' `sqrt(g' V g)`, and the limits are the estimate plus or minus the normal quantile times it. They are as good
#' as the function is linear over some standard errors: for a positive quantity take its log and transform the
#' limits back.
#'
#' `g` is a central difference, extrapolated from seven steps (Ridders 1982), of which the first changes the
#' parameters by about half of what a single row says. The function is only asked for legal parameters: proportions sum to one, held and
#' shared parameters stay so. For multivariate normal components `g` is by the directions of [vcov.emix()], and the first step changes
#' no proportion, mean or covariance by more than a sixteenth of itself (of the component's standard deviations); a structure of the covariances
#' holds along these steps but for terms of the second order.
#'
#' With `type = "bootstrap"`, or the value of [em_bootstrap()] for `fit`, `fun` is computed in each replicate: the standard error is their standard
#' deviation, and the limits are percentiles of them, or BCa limits; see [confint.em_bootstrap()].
#'
#' @param fit a fit of [emix()], by maximum likelihood or with a prior; or the value of [em_bootstrap()].
#' @param fun a function of one argument, the list of parameters: `p$prop`, then `p$mean` and `p$sd`, or `p$prob`; each
#'   a vector with a number per component, in the units of the data, named by the components. Multivariate normal: `p$mean` a matrix with a
#'   column per component, `p$cov` an array with a matrix per component. It returns one or more numbers,
#'   always as many.
#' @param level confidence level of the limits, between 0 and 1. Default 0.95.
#' @param type `"observed"` (default), `"sandwich"` or `"bootstrap"`: see [vcov.emix()].
#' @param ... for a bootstrap: `boot`, `"percentile"` (default) or `"bca"`; for `type = "bootstrap"` also `replicates`, `resample` and `control` as
#'   [vcov.emix()] has them. Anything else is an error.
#' @param x the value of `em_contrast()`.
#' @param digits significant digits.
#' @return a data frame of class `"em_contrast"` with a row for each number of `fun` (with its names, if any) and
#'   columns `estimate`, `std.error` and
#'   the two limits, named as [confint()] names them. The attribute `"vcov"` is the covariance matrix of the
#'   numbers. A function of held parameters alone does not vary: its standard error is 0. Standard errors are `NA`
#'   where [vcov.emix()] has no covariances, and where `fun` changes with a parameter on a boundary.
#' @section Warnings:
#' Those of [vcov.emix()]; `emix_warning_derivative` where `fun` is not smooth, so that its derivative is not known
#' to a part in a thousand of the standard error, or is not a number. With a bootstrap those of [em_bootstrap()] and [confint.em_bootstrap()].
#' @section Errors:
#' `emix_error_input` where `fun` is no function or returns anything but numbers, and for a fit with a hard E-step;
#' `emix_error_object` for a damaged fit.
#' @references
#' Ridders, C. J. F. (1982). Accurate computation of F'(x) and F'(x) F''(x). *Advances in Engineering Software* 4, 75-76.
#' @examples
#' fit <- emix(faithful$waiting, k = 2)
#' em_contrast(fit, function(p) p$mean[2] - p$mean[1])
#' # the mixture's mean, and where the two densities are equally high
#' em_contrast(fit, function(p) c(mean = sum(p$prop * p$mean), distance = diff(p$mean) / mean(p$sd)))
#' # correlations of two columns in each component
#' em_contrast(emix(iris[, 3:4], k = 2), function(p) apply(p$cov, 3, function(s) cov2cor(s)[2, 1]))
#' @export
em_contrast <- function(fit, fun, level = 0.95, type = c("observed", "sandwich", "bootstrap"), ...) {
  replicated <- inherits(fit, "em_bootstrap")
  if (replicated) check_bootstrap(fit, "fit") else check_fit(fit, "fit")
  if (!is.function(fun)) stop_input("fun", "a function of a list of parameters", describe(fun))
  level <- check_number(level, "level", 0, 1, open = TRUE)
  type <- if (missing(type)) c("observed", "bootstrap")[1L + replicated] else check_choice(type, "type", c("observed", "sandwich", "bootstrap"))
  if (replicated && type != "bootstrap") stop_input("type", "\"bootstrap\" for replicates", dQuote(type, FALSE))
  if (replicated) return(contrast_limits(fit, fun, level, ...))
  if (type == "bootstrap") return(contrast_of_samples(fit, fun, level, ...))
  check_no_dots(...)
  check_soft(fit, "fit")
  value <- call_function(fun, fit$parameters)
  names <- names(value)
  value <- as.double(value)
  curve <- fit_covariance(fit, type, "fit")
  slopes <- function_slopes(fun, fit, curve, value)
  warn_of_slopes(slopes, curve, value)
  new_contrast(value, names, slopes$value, curve, level, depends_on_lost(fun, fit, curve, value))
}

# What the errors of the slopes may do to standard errors.
warn_of_slopes <- function(slopes, curve, value) {
  if (!curve$q || anyNA(curve$covariance)) return(invisible())
  errors <- standard_errors(slopes$value, curve$covariance)
  unsure <- drop(slopes$error %*% sqrt(diag(curve$covariance)))
  # A sum of proportions does not vary but for rounding.
  enough <- pmax(1e-3 * errors, 1e-12 * abs(value))
  rough <- which(is.na(unsure) | is.na(enough) | unsure > enough)
  if (length(rough)) {
    emix_warn("derivative", "`fun`", if (nrow(slopes$value) > 1L) paste0(" (its number ", listing(rough), ")"),
      " is not smooth at the estimates, or not a number beside them: its standard error is not to be trusted.")
  }
}

# `unknown`: numbers that have no standard error.
new_contrast <- function(value, names, slopes, curve, level, unknown) {
  size <- row_sizes(slopes)
  covariance <- scale_covariance((slopes / size) %*% curve$covariance %*% t(slopes / size), size)
  errors <- if (curve$q) standard_errors(slopes, curve$covariance) else rep(0, length(value))
  covariance[unknown, ] <- covariance[, unknown] <- errors[unknown] <- NA
  z <- stats::qnorm((1 + level) / 2)
  table <- data.frame(value, errors, value - z * errors, value + z * errors, row.names = unique_names(names, length(value)))
  names(table) <- c("estimate", "std.error", limit_names(level))
  dimnames(covariance) <- rep(list(row.names(table)), 2L)
  structure(table, vcov = covariance, level = level, class = c("em_contrast", "data.frame"))
}

unique_names <- function(names, n) {
  names <- if (is.null(names)) rep("", n) else as.character(names)
  blank <- is.na(names) | !nzchar(names)
  names[blank] <- seq_len(n)[blank]
  make.unique(names)
}

#' @rdname em_contrast
#' @export
print.em_contrast <- function(x, digits = max(3L, getOption("digits") - 3L), ...) {
  check_no_dots(...)
  digits <- check_count(digits, "digits", 1, 22)
  print(format_errors(as.matrix(x), digits), quote = FALSE, right = TRUE)
  invisible(x)
}

# Limits from replicates: of parameters and of functions of them.

boot_limits <- c("percentile", "bca")

# A column of replicates each; NA where the replicates are.
percentile_limits <- function(found, level) {
  t(apply(found, 2L, function(v) if (anyNA(v) || !length(v)) c(NA, NA) else
    stats::quantile(v, c((1 - level) / 2, (1 + level) / 2), type = 6L, names = FALSE)))
}

# Efron (1987): z0 from the replicates below the estimate, a from the rows' influence.
bca_limits <- function(found, level, estimate, acceleration) {
  z <- stats::qnorm(c((1 - level) / 2, (1 + level) / 2))
  limits <- matrix(NA_real_, ncol(found), 2L, dimnames = list(colnames(found), NULL))
  beyond <- one_side <- character()
  for (j in seq_len(ncol(found))) {
    v <- found[, j]
    if (anyNA(v) || is.na(acceleration[j])) next
    z0 <- stats::qnorm((sum(v < estimate[j]) + sum(v == estimate[j]) / 2) / length(v))
    if (!is.finite(z0)) {
      one_side <- c(one_side, colnames(found)[j])
      next
    }
    p <- stats::pnorm(z0 + (z0 + z) / (1 - acceleration[j] * (z0 + z)))
    if (any(pmin(p, 1 - p) * (length(v) + 1) < 1)) beyond <- c(beyond, colnames(found)[j])
    limits[j, ] <- stats::quantile(v, p, type = 6L, names = FALSE)
  }
  if (length(one_side)) {
    emix_warn("replicates", "All replicates of ", listing(one_side), " are on one side of the estimate: there are no BCa limits.")
  }
  if (length(beyond)) {
    emix_warn("replicates", "BCa limits of ", listing(beyond), " are beyond the quantiles that so many replicates have: the extreme ones are taken.")
  }
  limits
}

# The rows' influence on the free coordinates (in the core's units): J^-1 times the score of each, with their weights; `counts`:
# a row of weight w stands for w rows.
row_influence <- function(fit, curve) {
  source <- boot_source(fit, fit$arguments$control)
  data <- core_data(source$rows, fit$core)
  model <- core_model(source$spec, source$rows)
  scores <- curve$ways$row_scores(fit, curve, data, model)
  list(values = scores %*% curve$covariance, weight = row_weights(source$rows), counts = source$whole)
}

# A sixth of the skewness of the rows' influence, for each row of `slopes` (d value / d free coordinates).
acceleration_of <- function(influence, slopes) {
  each <- influence$values %*% t(slopes / row_sizes(slopes))
  if (!influence$counts) each <- each * influence$weight
  w <- if (influence$counts) influence$weight else 1
  second <- colSums(w * each^2)
  ifelse(second > 0, colSums(w * each^3) / (6 * second^1.5), 0)
}

# Of replicates, a column per value, in the way asked for; what there is to say is said.
limits_of <- function(found, level, how, estimate, slopes, fit) {
  limits <- if (how == "percentile") percentile_limits(found, level) else {
    curve <- with_covariance(curvature(fit), fit, "observed")
    warn_of_curvature(list(notes = curve$notes[names(curve$notes) != "boundary"]))
    bca_limits(found, level, estimate, acceleration_of(row_influence(fit, curve), slopes(curve)))
  }
  n <- nrow(found)
  if ((n + 1) * (1 - level) / 2 < 1) {
    emix_warn("replicates", n, " replicates are too few for limits of this level: the extreme ones are taken. At least ",
      format(ceiling(2 / (1 - level) - 1 - 1e-9)), " are needed, and many more are better.")
  }
  limits
}

#' Confidence limits from a bootstrap
#'
#' Limits of the parameters from the replicates of [em_bootstrap()]; [confint.emix()] with `method = "bootstrap"` makes the replicates first.
#'
#' @details
#' `boot = "percentile"`: the quantiles `(1 - level)/2` and `(1 + level)/2` of the replicates ([quantile()], type 6: of `B` replicates
#' the `j`-th in order is the quantile `j / (B + 1)`).
#'
#' `boot = "bca"` (Efron 1987): quantiles at `pnorm(z0 + (z0 + z) / (1 - a (z0 + z)))`, with `z` the normal quantiles, `z0` that of the part of
#' replicates below the estimate (half of those equal to it), which corrects the median's bias, and the acceleration
#' `a = sum_i U_i^3 / (6 (sum_i U_i^2)^1.5)`. `U_i` is the rows' influence on the parameter: its derivative by the free coordinates of
#' [vcov.emix()], times the inverse of the observed information, times the row's score. A row of weight `w` is `w` rows.
#'
#' Limits are legal values, as the replicates are. Held parameters have none, nor those on a boundary, where the bootstrap is wrong
#' (Andrews 2000).
#'
#' @param object the value of [em_bootstrap()].
#' @param parm,level as for [confint.emix()].
#' @param boot `"percentile"` (default) or `"bca"`.
#' @param ... not used; anything given is an error.
#' @return a matrix as [confint.emix()] gives.
#' @section Warnings:
#' `emix_warning_boundary` names parameters on a boundary; `emix_warning_replicates` where replicates are too few for the level (or for
#' what BCa limits make of it), or all on one side of the estimate, where BCa limits are `NA`; with `"bca"` those of [vcov.emix()].
#' @references
#' Efron, B. (1987). Better bootstrap confidence intervals. *Journal of the American Statistical Association* 82, 171-185.
#'
#' Andrews, D. W. K. (2000). Inconsistency of the bootstrap when a parameter is on the boundary of the parameter space.
#' *Econometrica* 68, 399-405.
#' @examples
#' fit <- emix(cbind(heads, tails) ~ 1, data = coins, k = 2, family = "binomial", equal = "prop")
#' set.seed(1)
#' confint(em_bootstrap(fit, 199))
#' @export
confint.em_bootstrap <- function(object, parm, level = 0.95, boot = c("percentile", "bca"), ...) {
  check_no_dots(...)
  check_bootstrap(object)
  level <- check_number(level, "level", 0, 1, open = TRUE)
  boot <- if (missing(boot)) "percentile" else check_choice(boot, "boot", boot_limits)
  fit <- object$fit
  names <- names(object$estimate)
  blocks <- listed_parameters(fit)$block
  chosen <- if (missing(parm)) seq_along(names) else read_parm(parm, names, blocks)
  limits <- limits_of(estimates_of(object), level, boot, object$estimate, parameter_slopes, fit)
  dimnames(limits) <- list(names, limit_names(level))
  limits[chosen, , drop = FALSE]
}

# em_contrast() of a fit, or of replicates: the function's value in each.
contrast_of_samples <- function(fit, fun, level, boot = "percentile", ...) {
  boot <- check_choice(boot, "boot", boot_limits)
  contrast_limits(resample_fit(fit, ...), fun, level, boot)
}

contrast_limits <- function(replicated, fun, level, boot = "percentile", ...) {
  check_no_dots(...)
  how <- check_choice(boot, "boot", boot_limits)
  boot <- replicated
  fit <- boot$fit
  value <- call_function(fun, fit$parameters)
  names <- unique_names(names(value), length(value))
  value <- as.double(value)
  found <- boot$replicates[is_estimate(boot), , drop = FALSE]
  shape <- shaper_of(fit)
  each <- vapply(seq_len(nrow(found)), function(r) {
    as.double(call_function(fun, shape(found[r, ]), length(value)))
  }, double(length(value)))
  each <- matrix(each, ncol = length(value), byrow = length(value) > 1L, dimnames = list(NULL, names))
  curve <- curvature(fit)
  lost <- depends_on_lost(fun, fit, curve, value)
  each[, lost] <- NA
  if (any(lost)) warn_of_lost(curve, fit)
  broken <- colSums(!is.finite(each)) > 0 & !lost
  if (any(broken)) {
    emix_warn("replicates", "`fun` (its number ", listing(which(broken)), ") is not a number in all replicates: it has no limits.")
    each[, broken] <- NA
  }
  limits <- limits_of(each, level, how, value, function(curve) function_slopes(fun, fit, curve, value)$value, fit)
  covariance <- stats::cov(each)
  table <- data.frame(value, sqrt(diag(covariance)), limits, row.names = names)
  names(table) <- c("estimate", "std.error", limit_names(level))
  structure(table, vcov = covariance, level = level, class = c("em_contrast", "data.frame"))
}

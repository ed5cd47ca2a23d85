# Confidence limits of the parameters.

# How limits are got: each takes a checked fit, the level, the type of covariance, numbers of the chosen parameters (at least
# their limits are wanted) and what else it knows, and gives a matrix of two columns, a row per parameter in the order of coef().
limit_methods <- list(
  wald = function(fit, level, type, chosen, ...) {
    check_no_dots(...)
    curve <- fit_covariance(fit, type)
    wald_limits(curve, fit, level)
  },
  profile = function(fit, level, type, chosen, ...) {
    check_no_dots(...)
    if (type != "observed") stop_input("type", "left out: limits from the profile need no covariances", dQuote(type, FALSE))
    profile_limits(fit, level, chosen)
  },
  bootstrap = function(fit, level, type, chosen, boot = "percentile", ...) {
    boot <- check_choice(boot, "boot", boot_limits)
    confint(resample_fit(fit, ...), level = level, boot = boot)
  }
)

# Symmetric on the scale of each parameter, then transformed: limits are legal values.
wald_limits <- function(curve, fit, level) {
  curve$ways$limits(curve, fit, stats::qnorm((1 + level) / 2))
}

# By the logit of each proportion's share of the room that the held ones leave.
prop_limits <- function(curve, z) {
  k <- NROW(curve$prop)
  free <- which(curve$estimated[seq_len(k)])
  limits <- matrix(NA_real_, k, 2L)
  if (!length(free)) return(limits)
  prop <- curve$prop[free]
  rest <- vapply(seq_along(prop), function(j) sum(prop[-j]), 0)
  errors <- standard_errors(parameter_slopes(curve)[free, , drop = FALSE], curve$covariance)
  reach <- z * errors / (prop * rest / curve$room)
  limits[free, ] <- curve$room * stats::plogis(log(prop) - log(rest) + outer(reach, c(-1, 1)))
  limits
}

# "2.5 %", "97.5 %", as in stats.
limit_names <- function(level) {
  paste(format(100 * c((1 - level) / 2, (1 + level) / 2), trim = TRUE, scientific = FALSE, digits = 3), "%")
}

# Of each parameter, in the order of coef(): its block, the number of its component, and its name without that: prop, mean,
# mean.width, cov.width.height.
listed_parameters <- function(fit) {
  cells <- cell_names(fit_sizes(fit), names_of_columns(fit$x))
  data.frame(block = rep(names(cells), fit$k * lengths(cells)),
    component = unlist(lapply(lengths(cells), function(n) rep(seq_len(fit$k), each = n)), use.names = FALSE),
    name = unlist(Map(function(b, own) rep(if (identical(own, "")) b else paste(b, own, sep = "."), fit$k), names(cells), cells),
      use.names = FALSE))
}

# Numbers of the parameters that are asked for: by name, by number or by block ("mean": all means).
read_parm <- function(parm, names, blocks, argument = "parm") {
  if (is.character(parm) && !anyNA(parm)) {
    at <- lapply(parm, function(p) if (p %in% names) match(p, names) else which(p == blocks))
    unknown <- parm[!lengths(at)]
    if (length(unknown)) {
      stop_input(argument, paste0("names of parameters (", listing(names), ") or of blocks of them"), listing(dQuote(unknown, FALSE)))
    }
    return(unlist(at))
  }
  whole <- is.numeric(parm) && !is.object(parm) && !anyNA(parm) && all(parm == round(parm) & parm >= 1 & parm <= length(names))
  if (!whole) {
    stop_input(argument, sprintf("names of parameters, or whole numbers from 1 to %d", length(names)), describe(parm))
  }
  as.integer(parm)
}

#' Confidence limits of the parameters
#'
#' @details
#' `method = "wald"`: estimate plus or minus the normal quantile times the standard error (see [vcov.emix()]), on a scale
#' where any value is legal: the logit of each proportion (of its share of what held proportions leave) with its own delta-method standard
#' error, the logit of a probability, the log of a standard deviation or a variance, means and covariances of two columns as they are. Limits are transformed
#' back, so that they are legal: proportions between 0 and 1, standard deviations and variances positive. With
#' a prior they are limits of the normal approximation to the posterior density on that scale.
#'
#' `method = "bootstrap"`: from replicates of the fit in samples like its own, see [em_bootstrap()] and [confint.em_bootstrap()]. R's generator is
#' used. To ask several questions of one bootstrap, make it once: `confint(em_bootstrap(fit))`.
#'
#' Wald limits suppose that the log-likelihood is a parabola on that scale. Where limits of a proportion cover
#' nearly all of 0 to 1, the sample does not say much about it, nor about the other parameters that depend on it.
#'
#' `method = "profile"`: the values at which twice the fall of the profile log-likelihood (with a prior, of the profile log posterior) is
#' the square of the normal quantile, to eight digits or more (Venzon & Moolgavkar 1988): see [profile.emix()]. They are to be preferred
#' where rows are few or components overlap. Where the profile does not fall so far, there is no limit: the boundary
#' (0, 1, `Inf`, `-Inf`; for proportions beside held ones what these leave) is given, with a warning. A probability whose
#' estimate is 0 or 1 has its other limit.
#'
#' @param object a fit of [emix()], by maximum likelihood or with a prior.
#' @param parm which parameters: names as in [coef()], numbers among them, or names of blocks, such as `"mean"`. Default: all.
#' @param level confidence level, between 0 and 1. Default 0.95.
#' @param method `"wald"` (default), `"profile"` or `"bootstrap"`.
#' @param type `"observed"` (default) or `"sandwich"`, the covariances that Wald limits are from: see [vcov.emix()]. Profile limits have none.
#' @param ... for `method = "bootstrap"`: `boot`, `"percentile"` (default) or `"bca"`, as in [confint.em_bootstrap()]; `replicates` (999),
#'   `resample` (`"parametric"`) and `control`, which are `replicates`, `type` and `control` of [em_bootstrap()]. Anything else is an error.
#' @return a matrix with a row per parameter and columns `"2.5 %"` and `"97.5 %"`, or what `level` says; in
#'   the units of the data. `NA` for held parameters, for those on a boundary, and where [vcov.emix()] warns of no covariances.
#' @section Warnings:
#' `"wald"`: those of [vcov.emix()]. `"profile"`: `emix_warning_limit` where limits do not exist, `emix_warning_maximum` where a refit is higher than
#' the fit (limits on that side are `NA`), and others of [profile.emix()]. `"bootstrap"`: those of [em_bootstrap()] and [confint.em_bootstrap()].
#' @section Errors:
#' `emix_error_input` for an unknown `parm`, a `level` outside 0 to 1, a fit with a hard E-step, and `type = "sandwich"` with `"profile"`.
#' @references
#' McLachlan, G. and Peel, D. (2000). *Finite Mixture Models*, section 2.15. Wiley, New York.
#'
#' Venzon, D. J. and Moolgavkar, S. H. (1988). A method for computing profile-likelihood-based confidence intervals.
#' *Applied Statistics* 37, 87-94.
#' @examples
#' fit <- emix(faithful$waiting, k = 2)
#' confint(fit)
#' confint(fit, method = "profile")
#' confint(fit, "mean", level = 0.9)
#' confint(emix(faithful, k = 2), "mean")
#' @export
confint.emix <- function(object, parm, level = 0.95, method = "wald", type = c("observed", "sandwich"), ...) {
  check_fit(object)
  level <- check_number(level, "level", 0, 1, open = TRUE)
  method <- check_choice(method, "method", names(limit_methods))
  if (method == "bootstrap" && !missing(type)) stop_input("type", "left out: it is of Wald limits; samples are chosen by `resample`")
  type <- if (missing(type)) "observed" else check_choice(type, "type", c("observed", "sandwich"))
  names <- names(coef(object))
  blocks <- listed_parameters(object)$block
  chosen <- if (missing(parm)) seq_along(names) else read_parm(parm, names, blocks)
  limits <- limit_methods[[method]](object, level, type, chosen, ...)
  dimnames(limits) <- list(names, limit_names(level))
  limits[chosen, , drop = FALSE]
}

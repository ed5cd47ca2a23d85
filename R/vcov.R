# How exact the parameters are: information and covariances, in coordinates of the model and in users' parameters.
#
# Coordinates are of two kinds: free ones, of families whose core has scores (curve-free.R), and directions in the space of
# the sums of the E-step, of the others (curve-sums.R). `curvature()` gives, for a fit:
#
#   q            coordinates, as many as free parameters
#   estimated    is a parameter estimated; in the order of coef()
#   lost         free by the model, but on a boundary or of a component without rows; likewise
#   theta, room  the core's parameters, and the sum of the free proportions
#   ways         what depends on the kind, functions of the curvature:
#     inform       adds what takes time, for a type of covariance: information and metric (observed and complete information), outer
#                  (sum of w_i s_i s_i', for the sandwich)
#     slopes       d parameters / d coordinates in the core's units, a row per parameter in the order of coef()
#     units        users' units of each parameter in one of the core's
#     scales       the scale on which limits of each are symmetric: names of `links`, or "variance" (log)
#     limits       of Wald, a row per parameter
#     moved        users' parameters after a step in the coordinates
#     lost_moves   users' parameters with a lost one moved off its boundary, one at a time
#     first_steps  of coordinates, for derivatives of functions of the parameters
#     row_scores   a row per row of the data, a column per coordinate
#     distance     a function of a refit's theta: how far each of its components is from each of the fit's
#
# and `with_covariance()` adds `covariance` (of the coordinates, in the core's units) and `notes`, what has to be said: named by kind.

# More coordinates than these have no matrix that one would look at.
most_coordinates <- 3000L

# Below this part of the complete information, in the worst direction, there is none.
no_information <- 1e-8

check_soft <- function(fit, argument = "object") {
  if (identical(fit$arguments$control$estep, "hard")) {
    stop_input(argument, "a fit by maximum likelihood or with a prior: standard errors come from the likelihood's curvature",
      "one by a hard E-step, which maximises the classification likelihood")
  }
  fit
}

# The rows, the model and the prior of a fit as the core had them.
fit_problem <- function(fit) {
  frame <- list(x = fit$x, weights = fit$weights, labels = if (!is.null(fit$labels)) list(code = fit$labels),
    given = fit$n, kept = TRUE)
  control <- fit$arguments$control
  rows <- core_rows(frame, control$condense)
  spec <- list(family = family_of(fit$family), k = fit$k, columns = names_of_columns(fit$x), sizes = fit_sizes(fit), held = fit$held,
    equal = fit$equal)
  prior <- core_prior(fit$arguments$prior, spec, rows, fit$core)
  list(spec = spec, rows = rows, prior = prior, data = core_data(rows, fit$core), model = core_model(spec, rows, prior),
    threads = usable_threads(control, as.double(rows$n) * fit$k))
}

count_coordinates <- function(fit) fit$k * sum(fit_sizes(fit))

check_size <- function(fit, argument) {
  if (count_coordinates(fit) > most_coordinates) {
    stop_input(argument, sprintf("of at most %d parameters for a matrix of their covariances", most_coordinates),
      format(count_coordinates(fit)))
  }
}

stop_no_number <- function() {
  emix_stop("fit", "The likelihood at the fit's parameters is not a number: a component has collapsed or a row is impossible.")
}

curvature <- function(fit, problem = fit_problem(fit)) {
  if (is.null(problem$spec$family$links)) sums_curve(fit, problem) else free_curve(fit, problem)
}

parameter_slopes <- function(curve) curve$ways$slopes(curve)

# Adds to a curvature: covariance (of the free coordinates, in the core's units; NA where there is none) and notes.
with_covariance <- function(curve, fit, type) {
  curve <- curve$ways$inform(curve, fit, type)
  root <- sqrt(diag(curve$metric))
  scaled <- curve$information / outer(root, root)
  sound <- all(is.finite(scaled))
  e <- if (curve$q && sound) eigen((scaled + t(scaled)) / 2, symmetric = TRUE)
  lowest <- if (curve$q) min(e$values, if (sound) Inf else 0) else Inf
  curve$notes <- curvature_notes(curve, fit, lowest)
  if (any(c("singular", "indefinite") %in% names(curve$notes))) {
    curve$covariance <- matrix(NA_real_, curve$q, curve$q)
    return(curve)
  }
  inverse <- if (curve$q) e$vectors %*% (t(e$vectors) / e$values) else scaled
  if (type == "sandwich") inverse <- inverse %*% (curve$outer / outer(root, root)) %*% inverse
  curve$covariance <- inverse / outer(root, root)
  curve
}

curvature_notes <- function(curve, fit, lowest) {
  lost <- theta_names(family_of(fit$family), fit$components, names_of_columns(fit$x))[curve$lost]
  c(
    if (curve$q && (fit$convergence$flat || isTRUE(curve$singular) || abs(lowest) <= no_information)) {
      c(singular = "The information is singular: components coincide or a parameter makes no difference.")
    } else if (lowest < 0) {
      c(indefinite = "The information is not positive definite: the parameters are at no maximum.")
    },
    if (!fit$converged) c(iterations = "The fit has not converged: its standard errors are not those of a maximum."),
    if (length(lost)) c(boundary = paste0("On the boundary, or of a component without rows: ", listing(lost), "."))
  )
}

# What follows from a note, for warnings.
note_advice <- c(
  singular = " There are no standard errors. Fewer components, `equal`, `fixed` or a prior would help.",
  indefinite = " There are no standard errors. Another `start` or more iterations, control = em_control(max_iter = ), would help.",
  iterations = " Allow more: control = em_control(max_iter = ).",
  boundary = " There are no standard errors for these; those of the others hold if these are where they are.")

warn_of_curvature <- function(curve) {
  for (kind in names(curve$notes)) emix_warn(kind, curve$notes[[kind]], note_advice[[kind]])
}

# The curvature of a checked fit with its covariances; what there is to say of it is said.
fit_covariance <- function(fit, type, argument = "object") {
  curve <- with_covariance(curvature(check_soft(fit, argument)), fit, type)
  warn_of_curvature(curve)
  curve
}

# Of each row of `slopes`, brought to size 1 so that no square overflows.
standard_errors <- function(slopes, covariance) {
  if (!ncol(slopes)) return(rep(NA_real_, nrow(slopes)))
  size <- row_sizes(slopes)
  unit <- slopes / size
  sqrt(pmax(rowSums((unit %*% covariance) * unit), 0)) * size
}

row_sizes <- function(slopes) {
  size <- apply(abs(slopes), 1L, max, 0)
  ifelse(is.finite(size) & size > 0, size, 1)
}

# Of all parameters in the order of coef(), in users' units; NA where there is none.
parameter_errors <- function(curve) {
  errors <- standard_errors(parameter_slopes(curve), curve$covariance) * curve$ways$units(curve)
  ifelse(as.vector(curve$estimated), errors, NA_real_)
}

scale_covariance <- function(covariance, units) {
  scaled <- (covariance + t(covariance)) / 2 * units * rep(units, each = length(units))
  shown <- diag(covariance) > 0
  if (any(!is.finite(diag(scaled)[which(shown)]) | diag(scaled)[which(shown)] < .Machine$double.xmin)) {
    emix_warn("range", "Variances are beyond the range of numbers: use other units for the data, ",
      "or confint(), which has no squares.")
  }
  scaled
}

# Stops where a family has no free coordinates.
check_coordinates <- function(fit) {
  family <- family_of(fit$family)
  if (is.null(family$links)) {
    stop_input("scale", paste0("\"natural\" for ", family$title, " components, which have no free coordinates that would do for all structures of their covariances ",
      "(em_contrast() has the errors of any function of the parameters)"), "\"free\"")
  }
}

#' Covariances of the estimates
#'
#' The estimated covariance matrix of the parameters of a mixture, from the curvature of the
#' log-likelihood at its maximum.
#'
#' @details
#' Free coordinates `v` are the logs of the free proportions against the largest of them, means, logs of standard
#' deviations and logits of probabilities. At the maximum, with the score `s_i` (the derivative of
#' the log density of row `i` with respect to `v`) and weights `w_i`:
#' - `type = "observed"`: the inverse of the observed information `J`, which is minus the second derivative of the
#'   log-likelihood. By Louis (1982) it is the information that rows with known components would have, less the
#'   covariance of their scores given the rows, `J = E(J_complete | x) - sum_i w_i var(s_complete,i | x_i)`: one exact
#'   pass over the rows, no numerical derivative. With a prior, `J` is that of the log posterior, so that its
#'   inverse approximates the posterior covariance.
#' - `type = "sandwich"`: `J^-1 (sum_i w_i s_i s_i') J^-1`, which is right also where the components are not what the
#'   model says (White 1982), about the parameters that come nearest. A prior is part of `J`, not of the middle.
#' - `type = "bootstrap"`: the covariance of the parameters in the replicates of [em_bootstrap()], which are made by R's generator;
#'   `vcov(em_bootstrap(fit))` is the same, of replicates that can also be asked for more.
#'
#' **Multivariate normal components** have no free coordinates that would do for all fourteen structures of their covariances. There `v` are
#' directions in the space of the sums of the E-step (weighted rows, sums and products of each component), one for each free
#' parameter and scaled so that `E(J_complete | x)` is the identity. `J` is that times `I - DM`, with `DM` the derivative of EM's map from
#' one iterate's sums to the next (Meng & Rubin 1991): the same `J` as above, with structures, held and shared parameters, priors and missing
#' values in it by way of the M-step and the E-step. `DM`, and the derivative of the parameters by `v`, are central differences, one for each
#' direction: two passes over the rows each. They agree with numerical second derivatives of the log-likelihood to seven
#' digits or more. The rows' scores, for the sandwich, are expected ones where values are missing.
#'
#' A row of weight `w` counts as `w` equal rows, in all. Weights that are no counts (of precision, or of a survey) leave
#' the estimates right, but these covariances are then not: `weights / mean(weights)` at least keeps the number of rows.
#'
#' `scale = "natural"` applies the delta method: `D V D'`, with `D` the derivative of the parameters by `v`. There the
#' matrix is singular by construction: all proportions are in it, and they sum to one; a shared parameter has
#' one equal row for each component.
#'
#' **No standard error** have parameters that are held (a constant does not vary; nor do covariances that a diagonal structure has at 0) and those on a boundary (a proportion of
#' 0, a probability of 0 or 1), nor have the parameters of a component without rows. As [stats::vcov()] does for coefficients
#' that cannot be estimated, their rows and columns are `NA`, or left out with `complete = FALSE`. Covariances of the others are those
#' with the boundary parameters held where they are.
#'
#' These are approximations for many rows. Where components overlap much or hold few rows, limits by [confint()] are
#' to be preferred to "estimate plus or minus two standard errors", and neither is exact; see McLachlan and Peel (2000, section 2.15).
#'
#' @param object a fit of [emix()], by maximum likelihood or with a prior; or the value of [em_bootstrap()].
#' @param type `"observed"` (default), `"sandwich"` or `"bootstrap"`.
#' @param scale `"natural"` (default): the parameters as [coef()] has them, in its order and with its names, in the units
#'   of the data. `"free"`: the free coordinates; the name of each says what it is, `log(prop.1/prop.2)`, `mean.1`,
#'   `log(sd.1)`, `logit(prob.1)`, or `log(sd)` for a shared one. Multivariate normal components have none: use [em_contrast()] for functions of their parameters.
#' @param complete with `scale = "natural"`: rows and columns of `NA` for parameters that have no standard
#'   error (default), or none for them. Free coordinates never have such rows.
#' @param ... for `type = "bootstrap"`: `replicates` (999), `resample` (`"parametric"`) and `control`, which are `replicates`, `type` and `control`
#'   of [em_bootstrap()]. Anything else is an error.
#' @return a symmetric matrix with row and column names.
#' @section Warnings:
#' `emix_warning_singular` (components coincide, or a parameter makes no difference) and `emix_warning_indefinite` (the
#' parameters are at no maximum, but for example at a saddle): all is `NA` then. `emix_warning_boundary` names parameters on a boundary.
#' `emix_warning_iterations`: the fit has not converged. `emix_warning_range`: data of a
#' scale whose squares are beyond the range of numbers.
#' @section Errors:
#' `emix_error_input` for a fit with a hard E-step, which maximises another function, for one of more than 3000
#' parameters (multivariate normal: of more than 1500 sums, `k (1 + d (d + 3) / 2)` of `d` columns, or `k (1 + 2 d)` with a diagonal structure;
#' `type = "bootstrap"` has no such limit), and for `scale = "free"` where there are no free coordinates; `emix_error_object` for a damaged object.
#' @references
#' Louis, T. A. (1982). Finding the observed information matrix when using the EM algorithm. *Journal of the
#' Royal Statistical Society B* 44, 226-233.
#'
#' Meng, X.-L. and Rubin, D. B. (1991). Using EM to obtain asymptotic variance-covariance matrices: the SEM algorithm. *Journal of the
#' American Statistical Association* 86, 899-909.
#'
#' White, H. (1982). Maximum likelihood estimation of misspecified models. *Econometrica* 50, 1-25.
#'
#' McLachlan, G. and Peel, D. (2000). *Finite Mixture Models*. Wiley, New York.
#' @seealso [confint.emix()] for limits, [em_contrast()] for functions of the parameters.
#' @examples
#' fit <- emix(faithful$waiting, k = 2, equal = "sd")
#' sqrt(diag(vcov(fit)))
#' vcov(fit, scale = "free")
#' vcov(fit, type = "sandwich", complete = FALSE)
#'
#' flowers <- emix(iris[, 3:4], k = 2)
#' sqrt(diag(vcov(flowers)))
#' @export
vcov.emix <- function(object, type = c("observed", "sandwich", "bootstrap"), scale = c("natural", "free"), complete = TRUE, ...) {
  check_fit(object)
  type <- if (missing(type)) "observed" else check_choice(type, "type", c("observed", "sandwich", "bootstrap"))
  scale <- if (missing(scale)) "natural" else check_choice(scale, "scale", c("natural", "free"))
  complete <- check_flag(complete, "complete")
  if (type == "bootstrap") return(vcov(resample_fit(object, ...), scale = scale, complete = complete))
  check_no_dots(...)
  if (scale == "free") check_coordinates(object)
  curve <- fit_covariance(object, type)
  if (scale == "free") {
    covariance <- scale_covariance(curve$covariance, curve$scale)
    dimnames(covariance) <- list(curve$names, curve$names)
    return(covariance)
  }
  slopes <- parameter_slopes(curve)
  kept <- as.vector(curve$estimated)
  covariance <- matrix(NA_real_, length(kept), length(kept))
  if (any(kept)) {
    own <- slopes[kept, , drop = FALSE]
    covariance[kept, kept] <- scale_covariance(own %*% curve$covariance %*% t(own), curve$ways$units(curve)[kept])
  }
  names <- theta_names(family_of(object$family), object$components, names_of_columns(object$x))
  dimnames(covariance) <- list(names, names)
  if (complete) covariance else covariance[kept, kept, drop = FALSE]
}

# Profile likelihood: limits and profile().

# The walks of all handles to both sides: a list of handles, each with start, low and high.
walk_handles <- function(fit, chosen, goal, most, argument) {
  check_soft(fit, argument)
  if (!is.null(family_of(fit$family)$links)) check_size(fit, argument)
  problem <- ridge_problem(fit)
  ridge <- new_ridge(fit, problem)
  handles <- ridge$ways$handles(ridge, fit, chosen)
  lost <- vapply(handles, `[[`, NA, "lost")
  if (any(lost)) {
    emix_warn("boundary", "On the boundary, or of a component without rows: ",
      listing(vapply(handles[lost], `[[`, "", "own")), ". There are no limits for these.")
  }
  handles <- lapply(handles[!lost], function(handle) c(handle, list(start = ridge$ways$start(ridge, handle))))
  small <- ridge_on_nodes(ridge, fit, handles, goal)
  handles <- watched(problem$settings$progress, lapply(handles, function(handle) {
    for (side in c("low", "high")) {
      say_doing("profile of ", handle$own, " (", match(handle$own, vapply(handles, `[[`, "", "own")), " of ", length(handles), ")")
      handle[[side]] <- walk_side(ridge, small, handle, c(low = -1, high = 1)[[side]], goal, most)
    }
    handle
  }))
  warn_of_walks(fit, ridge, handles, goal)
  list(ridge = ridge, handles = handles)
}

# On nodes where these stand for the rows all along, else on the rows.
walk_side <- function(ridge, small, handle, side, goal, most) {
  if (!is.null(small)) {
    on_nodes <- handle
    on_nodes$start <- small$ways$start(small, handle)
    found <- follow_ridge(small, on_nodes, side, goal, most)
    ends <- lapply(c(list(on_nodes$start), found$points), function(point) as.vector(point$theta))
    ends <- do.call(cbind, ends[unique(c(1L, length(ends)))])
    if (!found$end %in% c("higher", "collapse") && nodes_hold(small$problem, ends, 100 * nodes_left)) return(found)
  }
  follow_ridge(ridge, handle, side, goal, most)
}

# The same ridge on nodes that are good for the maximum and about where limits will be; NULL where that does not pay.
ridge_on_nodes <- function(ridge, fit, handles, goal) {
  problem <- ridge$problem
  if (!length(handles) || !may_use_nodes(problem$rows, problem$spec, problem$settings)) return(NULL)
  theta <- lapply(handles, function(handle) {
    from <- handle$start
    if (from$status != 0L) return(NULL)
    vapply(c(-1.2, 1.2) * goal, function(way) {
      as.vector(step_theta(ridge, from$theta, from$at, from$along * from$first * way))
    }, double(length(ridge$theta)))
  })
  nodes <- node_problem(problem$rows, problem, do.call(cbind, c(list(as.vector(ridge$theta)), theta)))
  if (is.null(nodes)) return(NULL)
  nodes$threads <- nodes$control$threads <- 1L
  tryCatch(new_ridge(fit, nodes), emix_error_fit = function(e) NULL)
}

end_value <- function(ridge, fit, handle, side) {
  walk <- handle[[side]]
  if (walk$end == "higher") return(NA_real_)
  ridge$ways$value(ridge, fit, handle, if (walk$end == "limit") walk$phi else c(low = -Inf, high = Inf)[[side]])
}

profile_limits <- function(fit, level, chosen) {
  walks <- walk_handles(fit, chosen, stats::qnorm((1 + level) / 2), 1, "object")
  names <- names(coef(fit))
  limits <- matrix(NA_real_, length(names), 2L)
  for (handle in walks$handles) {
    at <- match(handle$names, names)
    limits[at, 1L] <- end_value(walks$ridge, fit, handle, "low")
    limits[at, 2L] <- end_value(walks$ridge, fit, handle, "high")
  }
  limits
}

# What a walk that found no limit means, for users.
walk_reasons <- c(
  flat = "the %s does not fall enough before the boundary, which is given",
  empty = "the %s does not fall enough before the component is without rows; the boundary is given",
  exchange = "the %s does not fall enough before components exchange their places; the boundary is given",
  collapse = "further on a component collapses or becomes a chance cluster, before the %s has fallen enough; the boundary is given")

warn_of_walks <- function(fit, ridge, handles, goal) {
  if (!fit$converged) emix_warn("iterations", "The fit has not converged: the profile is about the maximum that lies next to it.")
  for (reason in names(walk_reasons)) {
    missed <- lapply(handles, function(h) {
      sides <- Filter(function(side) h[[side]]$end == reason, c(lower = "low", upper = "high"))
      list(text = if (length(sides)) paste(paste(names(sides), collapse = " and "), "of", h$own),
        fall = vapply(sides, function(side) h[[side]]$u^2, 0))
    })
    text <- unlist(lapply(missed, `[[`, "text"))
    if (length(text)) {
      emix_warn("limit", "There is no limit (", paste(text, collapse = ", "), "): ", sprintf(walk_reasons[[reason]], objective_name(fit)),
        sprintf(" (twice the fall is about %.2g, %.3g would be needed).", max(unlist(lapply(missed, `[[`, "fall"))), goal^2))
    }
  }
  higher <- Filter(function(walk) walk$end == "higher", unlist(lapply(handles, `[`, c("low", "high")), recursive = FALSE))
  if (length(higher)) warn_of_higher(fit, ridge, higher[[which.max(vapply(higher, `[[`, 0, "objective"))]])
}

warn_of_higher <- function(fit, ridge, best) {
  problem <- ridge$problem
  parameters <- unpack(best$theta, problem$spec$family, fit$k, fit$core, fit$components, problem$spec$columns)
  objective <- best$objective + problem$offset
  listed <- unlist(parameters)[listed_places(problem$spec$sizes, fit$k, problem$spec$columns)]
  text <- sprintf("%s = %s", names(coef(fit)), format(listed, digits = 5, trim = TRUE))
  warning(warningCondition(paste0("The fit is not at the highest maximum: a refit found a ", objective_name(fit), " of ",
    format(objective, digits = 8), " against ", format(fit$objective, digits = 8), ", at ", listing(text, 9L),
    ". Limits on that side are NA. Fit again with these parameters as `start`."), parameters = parameters, objective = objective,
    class = c("emix_warning_maximum", "emix_warning"), call = NULL))
}

# A walk's points without those that the search for its end has left close together, and those at which the profile has become
# flat, far from all others.
shown_points <- function(walk) {
  u <- vapply(walk$points, `[[`, 0, "u")
  if (!length(u)) return(walk$points)
  if (walk$end == "limit") return(walk$points[u < max(u) - 0.3 * walk$most | seq_along(u) == length(u)])
  walk$points[seq_len(which(u >= 0.99 * max(u))[1L])]
}

# Rows of profile(): values from the lowest to the highest.
handle_table <- function(ridge, fit, handle) {
  low <- rev(shown_points(handle$low))
  high <- shown_points(handle$high)
  points <- c(low, list(c(handle$start, top = TRUE)), high)
  root <- rep(c(-1, 0, 1), c(length(low), 1L, length(high))) * vapply(points, `[[`, 0, "u")
  spec <- ridge$problem$spec
  listed <- listed_places(spec$sizes, spec$k, spec$columns)
  all <- vapply(points, function(point) {
    unlist(spec$family$from_core(unpack_core(as.vector(point$theta), spec), fit$core)[names(spec$sizes)])[listed]
  }, double(length(listed)))
  all <- matrix(all, ncol = length(listed), byrow = TRUE, dimnames = list(NULL, names(coef(fit))))
  table <- data.frame(parameter = handle$own, value = all[, handle$names[1L]], root = root,
    height = ridge$top - root^2 / 2 + ridge$problem$offset, all, check.names = FALSE)
  names(table)[4L] <- if (is.null(fit$arguments$prior)) "loglik" else "objective"
  table
}

#' Profile likelihood
#'
#' The highest log-likelihood for each value of a parameter, all others being free: what the data say of that parameter.
#'
#' @details
#' The profile of a parameter `t` is `l_p(t) = max l` over all parameters with that one held at `t`, its deviance
#' `D(t) = 2 (max l - l_p(t))`. In large samples `D` at the true value is chi-squared with one degree of freedom, so that
#' the values with `D(t) <= q^2`, `q` the normal quantile, are a confidence interval (Venzon & Moolgavkar 1988). It depends on no
#' scale and may be asymmetric, and so is to be preferred to Wald's where rows are few or components overlap. The signed root
#' `sign(t - estimate) sqrt(D(t))` is a straight line where Wald limits are good.
#'
#' Each value takes a refit from a start that the curvature predicts, so that the ridge of the likelihood is followed
#' without breaks from the maximum on: by EM with Newton steps and, of multivariate normal components, by a quasi-Newton method (Broyden,
#' Fletcher, Goldfarb & Shanno) in the space of the sums of the E-step (see [vcov.emix()]), whose M-step keeps structures, held and shared
#' parameters and priors, along the surface on which the parameter has its value. A proportion is held while the free others share what is left; a
#' shared parameter is held for all components. Of multivariate normal components each element of a mean and of a covariance has a profile, all else,
#' and the others of its matrix, being free; of spheres their one variance. The path is not followed to where components have exchanged their places (label switching).
#' With a prior it is the log posterior that is profiled: limits are then those of its height, not of posterior probability.
#'
#' **No limit.** A component's location cannot be limited where a mixture without that component would do: as its proportion may
#' be 0, the profile nowhere falls below the likelihood of one component less. Then, and where components
#' would have to exchange their places or one would collapse first, [confint.emix()] gives the boundary (0, 1, `Inf`, `-Inf`) and says so.
#'
#' @param fitted a fit of [emix()], by maximum likelihood or with a prior.
#' @param which which parameters: names as in [coef()], numbers among them, or names of blocks, such as `"mean"`. Default: all.
#' @param level the profile is followed to the limits of this confidence level, between 0 and 1. Default 0.99.
#' @param points about how many values to each side of the estimate, from 1 to 1000. Default 8.
#' @param ... for `plot()`: graphical parameters; else not used, and anything given is an error.
#' @return `profile()`: a data frame of class `"em_profile"` with a row per value, in increasing order: `parameter` (a shared one has the name of
#'   its block, and of its columns where there are several: `mean.width`; the variance of spheres is `cov` or `cov.1`), its `value`, the signed `root`, the log-likelihood `loglik` (with a prior the `objective`), and all parameters of the
#'   refit, named as in [coef()]. Units are those of the data. Held parameters have no rows. Where there is no limit, the
#'   rows end where the profile becomes flat.
#'   `confint()`: limits as of [confint.emix()], interpolated between the values (to about three digits; `confint(fit, method = "profile")`
#'   computes them), a row per parameter; `NA` where the profile does not reach the level. `plot()`: its argument, invisibly.
#' @section Warnings:
#' `emix_warning_limit` names parameters without a limit, with the reason. `emix_warning_maximum`: a refit is higher than the fit, which therefore is
#' not the highest maximum; the condition has `parameters` and `objective` of the higher one. `emix_warning_boundary`:
#' proportions that are 0 or 1 and parameters of a component without rows are left out. `emix_warning_iterations`: the fit has not converged.
#' @section Errors:
#' `emix_error_input` for an unknown `which`, numbers outside what is said above, a fit with a hard E-step, and
#' one of more parameters than [vcov.emix()] takes; `emix_error_object` for a damaged fit.
#' @references
#' Venzon, D. J. and Moolgavkar, S. H. (1988). A method for computing profile-likelihood-based confidence intervals.
#' *Applied Statistics* 37, 87-94.
#'
#' McLachlan, G. and Peel, D. (2000). *Finite Mixture Models*. Wiley, New York.
#' @seealso [confint.emix()], whose method `"profile"` gives the limits.
#' @examples
#' fit <- emix(faithful$waiting, k = 2)
#' p <- profile(fit, "sd")
#' head(p)
#' plot(p)
#' confint(p, level = 0.9)
#'
#' plot(profile(emix(faithful, k = 2), c("prop.1", "cov.1.eruptions.waiting")))
#' @export
profile.emix <- function(fitted, which, level = 0.99, points = 8, ...) {
  check_no_dots(...)
  check_fit(fitted, "fitted")
  level <- check_number(level, "level", 0, 1, open = TRUE)
  points <- check_count(points, "points", 1, 1000)
  names <- names(coef(fitted))
  chosen <- if (missing(which)) seq_along(names) else read_parm(which, names, listed_parameters(fitted)$block, "which")
  goal <- stats::qnorm((1 + level) / 2)
  walks <- walk_handles(fitted, chosen, goal, goal / points, "fitted")
  walks$handles <- Filter(function(handle) handle$start$status == 0L, walks$handles)
  table <- do.call(rbind, lapply(walks$handles, handle_table, ridge = walks$ridge, fit = fitted))
  if (is.null(table)) stop_input("which", "of parameters that are free and not on their boundary")
  row.names(table) <- NULL
  structure(table, class = c("em_profile", "data.frame"))
}

# Values at signed roots, by interpolation of a monotone profile; NA beyond its ends.
value_of_root <- function(rows, root) {
  order <- order(rows$value)
  x <- rows$root[order]
  y <- rows$value[order]
  if (length(x) < 2L || any(diff(x) <= 0)) {
    # Where it turns back, up to there.
    rising <- cumprod(c(1, diff(x[x >= 0]) > 0)) == 1
    falling <- rev(cumprod(c(1, diff(rev(-x[x <= 0])) > 0)) == 1)
    keep <- c(which(x < 0)[utils::head(falling, sum(x < 0))], which(x >= 0)[rising])
    x <- x[keep]
    y <- y[keep]
  }
  if (length(x) < 2L) return(rep(NA_real_, length(root)))
  values <- stats::splinefun(x, y, method = "monoH.FC")(root)
  near <- 1e-6 * max(1, abs(x))
  ifelse(root < min(x) - near | root > max(x) + near, NA_real_, values)
}

#' @rdname profile.emix
#' @param object,x the value of `profile()`.
#' @param parm which of its parameters, by name. Default: all.
#' @export
confint.em_profile <- function(object, parm, level = 0.95, ...) {
  check_no_dots(...)
  level <- check_number(level, "level", 0, 1, open = TRUE)
  parameters <- unique(object$parameter)
  if (!missing(parm)) parameters <- parameters[read_parm(parm, parameters, sub("[.].*", "", parameters))]
  z <- stats::qnorm((1 + level) / 2)
  limits <- vapply(parameters, function(p) value_of_root(object[object$parameter == p, ], c(-z, z)), double(2L))
  matrix(limits, ncol = 2L, byrow = TRUE, dimnames = list(parameters, limit_names(level)))
}

# Profiles of families without free coordinates, in the space of the sums of the E-step: the multivariate normal one. What ridges,
# handles and points are is said in profile-walk.R, what the space is in curve-sums.R.
#
# A place is a curvature (curve-sums.R) at any parameters: theta, sums x (`at`, about theta's centres) of which theta is the
# maximiser, and directions W there. Its coordinates are v: theta(x + W v) are parameters that obey structure, held and shared values.
# Along v the slope of the objective is (G(x) - x)' e'(W). Beside what every ridge, handle and point has:
#
#   ridge    theta is a vector; place, information (of the maximum, in its coordinates)
#   handle   block, component, at (its place in theta), floor (the highest without this component: theta and objective)
#   point    place, information
#   look     what is found at one v: theta, phi, slopes (of phi by v), along, and objective and gradient

sums_ridge <- function(fit, problem) {
  run <- run_em(problem, fit$core$theta)
  if (run$status != 0L || !is.finite(run$objective)) stop_no_number()
  curve <- sums_curve(fit, problem)
  place <- place_at(curve, run$theta)
  if (is.null(place)) stop_no_number()
  curve <- sums_inform(place, fit, "observed")
  place$directions <- curve$directions
  open <- !fit$held$prop
  theta <- place$theta
  problem$spec$values <- Map(function(at, held) ifelse(held, theta[at], NA_real_), block_places(curve$problem$spec$sizes, fit$k),
    fit$held[names(curve$problem$spec$sizes)])
  top <- call_differ(place, matrix(0, length(place$at), 1L), 1, FALSE, TRUE)$objective
  list(ways = sums_walks, problem = problem, theta = theta, top = top, open = open, room = 1 - sum(theta[which(!open)]), k = fit$k,
    weight = fit$nobs, slack = max(1e-6 * problem$unit, 64 * .Machine$double.eps * abs(top)), pairs = alike_pairs(fit, problem),
    maxima = other_maxima(fit, problem$spec$family), place = place, information = positive_part(curve$information))
}

# At no maximum, or by rounding, there are directions upwards.
positive_part <- function(information) {
  if (!length(information)) return(information)
  e <- eigen((information + t(information)) / 2, symmetric = TRUE)
  if (min(e$values) > 1e-6) return(information)
  e$vectors %*% (pmax(e$values, 1e-6) * t(e$vectors))
}

# ---- points -------------------------------------------------------------------------------

sums_point <- function(ridge, handle, found) {
  if (is.null(found)) return(list(status = 1L))
  look <- found$look
  slope <- tangent_step(found$information, look$gradient, look$slopes, Inf)$multiplier
  c(list(status = 0L, phi = look$phi, theta = look$theta, objective = look$objective, u = sqrt(2 * max(0, ridge$top - look$objective)),
    slope = slope, place = found$place, information = found$information),
    ridge_direction(found$information, diag(length(look$v)), look$slopes))
}

sums_start <- function(ridge, handle) {
  look <- sums_look(ridge, handle, ridge$place, numeric(ncol(ridge$place$directions)))
  sums_point(ridge, handle, if (!is.null(look)) list(place = ridge$place, look = look, information = ridge$information))
}

sums_refit <- function(ridge, handle, phi, from) {
  step <- from$along * (phi - from$phi)
  length <- sqrt(sum(step^2) / ridge$weight)
  if (length > 1) step <- step / length
  to <- sums_point(ridge, handle, sums_climb(ridge, handle, phi, from$place, from$information, step))
  if (to$status == 0L) to$phi <- phi
  to
}

# Without a prior the values of an empty component make no difference, here nor further on; nor do those of one of a hundredth of a
# row where all is as high without it.
sums_emptied <- function(ridge, handle, point) {
  if (handle$block == "prop" || handle$shared || !is.null(ridge$problem$model$prior_family)) return(FALSE)
  rows <- point$theta[handle$component] * ridge$weight / ridge$problem$unit
  rows < 1e-6 || (rows < 1e-2 && point$objective <= handle$floor$objective + ridge$slack)
}

# ---- handles ------------------------------------------------------------------------------

# Spheres have one variance, which has the name of its component, or of the block.
sums_handles <- function(ridge, fit, chosen) {
  curve <- ridge$place
  spec <- ridge$problem$spec
  table <- listed_parameters(fit)
  names <- names(coef(fit))
  shared <- table$block %in% shared_blocks(spec)
  variance <- listed_variances(curve)
  spheres <- table$block == "cov" & substr(spec$family$cov, 2L, 2L) == "I"
  own <- ifelse(shared, ifelse(spheres, "cov", table$name), ifelse(spheres, paste("cov", fit$components[table$component], sep = "."), names))
  taken <- curve$estimated | curve$lost
  first <- chosen[taken[chosen]]
  first <- sort(first[!duplicated(own[first])])
  floors <- list()
  lapply(first, function(i) {
    j <- table$component[i]
    handle <- list(block = table$block[i], component = j, at = curve$listed[i], own = own[i], names = names[taken & own == own[i]],
      shared = shared[i], lost = curve$lost[i], link = if (table$block[i] == "prop") "logit" else if (variance[i]) "log" else "identity")
    if (handle$block == "prop" || handle$shared || handle$lost) return(handle)
    if (is.null(floors[[as.character(j)]])) floors[[as.character(j)]] <<- sums_floor(ridge, j)
    c(handle, list(floor = floors[[as.character(j)]]))
  })
}

# The highest objective that is found without component j; that of its prior is not known to be one.
sums_floor <- function(ridge, j) {
  none <- list(objective = -Inf)
  problem <- ridge$problem
  if (ridge$k < 2L || ridge$k > most_branches || !ridge$open[j] || sum(ridge$open) < 2L || !is.null(problem$model$prior_family)) return(none)
  problem$model$held[j] <- 1L
  parameters <- unpack_core(ridge$theta, problem$spec)
  gone <- function(p) {
    p$prop[j] <- 0
    p$prop[ridge$open] <- ridge$room * p$prop[ridge$open] / sum(p$prop[ridge$open])
    unlist(p, use.names = FALSE)
  }
  others <- setdiff(which(ridge$open), j)
  starts <- c(list(gone(parameters)), lapply(others, function(i) gone(problem$spec$family$merge(parameters, i, j))))
  runs <- lapply(starts, function(theta) run_em(problem, theta))
  height <- vapply(runs, function(run) if (run$status == 0L && !is_chance(ridge, run$theta)) run$objective else -Inf, 0)
  if (all(height == -Inf)) none else runs[[which.max(height)]][c("theta", "objective")]
}

# ---- other branches -----------------------------------------------------------------------

# Where components are: means, logs of standard deviations, correlations.
sums_component_places <- function(ridge, theta) {
  curve <- ridge$place
  curve$theta <- theta
  places <- vapply(seq_len(ridge$k), function(j) {
    own <- core_component(curve, j)
    sd <- sqrt(diag(own$cov))
    r <- own$cov / outer(sd, sd)
    c(own$mean, log(sd), r[lower.tri(r)])
  }, double(length(curve$problem$spec$columns) * (length(curve$problem$spec$columns) + 3L) / 2L))
  t(places)
}

# theta with the handle's value at phi; a variance takes the covariances of its column along. NULL where that is no covariance.
sums_with_value <- function(ridge, handle, theta, phi) {
  spec <- ridge$problem$spec
  if (handle$block == "prop") {
    others <- setdiff(which(ridge$open), handle$at)
    share <- theta[others]
    theta[others] <- ridge$room * stats::plogis(-phi) * (if (sum(share) > 0) share / sum(share) else 1 / length(share))
    theta[handle$at] <- ridge$room * stats::plogis(phi)
    return(theta)
  }
  value <- links[[handle$link]]$from(phi)
  at <- block_places(spec$sizes, spec$k, handle$component)
  if (handle$block == "mean") return(replace(theta, handle$at, value))
  d <- length(spec$columns)
  cov <- matrix(theta[at$cov], d)
  cell <- arrayInd(match(handle$at, at$cov), c(d, d))
  if (cell[1L] == cell[2L]) {
    by <- replace(rep(1, d), cell[1L], sqrt(value / cov[cell]))
    cov <- cov * outer(by, by)
  } else {
    cov[cell[1L], cell[2L]] <- cov[cell[2L], cell[1L]] <- value
  }
  if (is_covariance(cov)) replace(theta, at$cov, cov)
}

# Two neighbours the same, and other maxima.
sums_starts <- function(ridge, theta) {
  spec <- ridge$problem$spec
  parameters <- unpack_core(theta, spec)
  order <- spec$family$order(parameters)
  merged <- lapply(seq_len(spec$k - 1L), function(i) {
    pair <- order[c(i, i + 1L)]
    out <- spec$family$merge(parameters, pair[1L], pair[2L])
    for (b in spec$family$blocks) {
      at <- matrix(seq_along(out[[b]]), ncol = spec$k)
      out[[b]][at[, pair[2L]]] <- out[[b]][at[, pair[1L]]]
    }
    out$prop <- parameters$prop
    out
  })
  lapply(c(merged, ridge$maxima), function(p) unlist(impose(p[names(spec$sizes)], spec), use.names = FALSE))
}

sums_higher <- function(ridge, handle, point) {
  if (ridge$k < 2L || ridge$k > most_branches) return(NULL)
  best <- NULL
  if (!is.null(handle$floor) && handle$floor$objective > point$objective + ridge$slack) {
    best <- point
    best[c("theta", "objective", "slope")] <- list(handle$floor$theta, handle$floor$objective, 0)
    best$u <- sqrt(2 * max(0, ridge$top - best$objective))
  }
  q <- length(point$along)
  for (theta in sums_starts(ridge, point$theta)) {
    theta <- sums_with_value(ridge, handle, theta, point$phi)
    place <- if (!is.null(theta)) place_at(point$place, theta)
    place <- if (!is.null(place)) with_directions(place, q)
    if (is.null(place)) next
    to <- sums_point(ridge, handle, sums_climb(ridge, handle, point$phi, place, diag(q), numeric(q), 60L))
    if (to$status != 0L || to$objective <= max(point$objective, best$objective) + ridge$slack) next
    if (!have_exchanged(ridge, to$theta) && !is_chance(ridge, to$theta)) best <- to
  }
  best
}

sums_walks <- list(
  handles = sums_handles,
  start = sums_start,
  refit = sums_refit,
  emptied = sums_emptied,
  higher = sums_higher,
  places = sums_component_places,
  value = function(ridge, fit, handle, phi) {
    own <- if (handle$block == "prop") ridge$room * stats::plogis(phi) else links[[handle$link]]$from(phi)
    theta <- unpack_core(replace(ridge$theta, handle$at, own), ridge$problem$spec)
    unlist(ridge$problem$spec$family$from_core(theta, fit$core)[names(ridge$problem$spec$sizes)], use.names = FALSE)[handle$at]
  }
)

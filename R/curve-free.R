# Curvature in free coordinates, for families whose core has them: those of scores.
#
# Free coordinates are those of the core: log(prop_j / prop_r) with r the largest free proportion, and
# each parameter by the link of its block. Beside what every curvature has (see vcov.R):
#
#   at           the coordinates' numbers, a row per component and a column per block (prop first); NA: not free
#   estimated, lost   are matrices like `at` (the reference's proportion is estimated, without a coordinate)
#   reference    r
#   unit         by block: users' units in one of the core's
#   scale, names of the coordinates
#   theta        the core's parameters, a matrix like `at`
#   room         the sum of the free proportions

links <- list(
  identity = list(label = "%s", to = identity, from = identity, slope = function(v) rep(1, length(v)), limits = c(-Inf, Inf)),
  log = list(label = "log(%s)", to = log, from = exp, slope = identity, limits = c(0, Inf)),
  logit = list(label = "logit(%s)", to = stats::qlogis, from = stats::plogis, slope = function(v) v * (1 - v), limits = c(0, 1))
)

free_curve <- function(fit, problem) {
  check_size(fit, "object")
  found <- .Call(C_emix_inform, problem$data, problem$model, problem$threads, fit$core$theta)
  if (found$status != 0L) stop_no_number()
  family <- problem$spec$family
  blocks <- c("prop", family$blocks)
  k <- fit$k
  at <- cbind(found$index[seq_len(k)], matrix(found$index[-seq_len(k)], nrow = k, byrow = TRUE))
  theta <- matrix(fit$core$theta, nrow = k)
  held <- do.call(cbind, unname(fit$held[blocks]))
  open <- !held[, 1L] & theta[, 1L] > 0
  estimated <- !is.na(at)
  estimated[, 1L] <- open & sum(open) > 1L
  ones <- stats::setNames(rep(list(1), length(blocks)), blocks)
  curve <- list(ways = free_ways, q = ncol(found$information), at = at, estimated = estimated, lost = !held & !estimated,
    reference = found$reference, information = found$information, metric = found$metric, outer = found$outer,
    unit = unlist(family$from_core(ones, list(factor = fit$core$factor, shift = 0))[blocks]),
    theta = theta, prop = theta[, 1L], room = sum(theta[open, 1L]), links = unname(family$links), blocks = blocks)
  c(curve, list(scale = coordinate_units(curve), names = coordinate_names(curve, fit)))
}

# The block of each coordinate.
coordinate_blocks <- function(curve) {
  col(curve$at)[match(seq_len(curve$q), curve$at)]
}

# Users' units of each coordinate in one of the core's: only those of a parameter itself have any.
coordinate_units <- function(curve) {
  block <- coordinate_blocks(curve)
  own <- block > 1L & c("log", curve$links)[block] == "identity"
  ifelse(own, curve$unit[block], 1)
}

# log(prop.2/prop.1), mean.1, log(sd.1); log(sd) where it is shared.
coordinate_names <- function(curve, fit) {
  names <- character(curve$q)
  for (b in seq_along(curve$blocks)) {
    shared <- b > 1L && curve$blocks[b] %in% fit$equal
    for (j in which(!is.na(curve$at[, b]))) {
      own <- if (shared) curve$blocks[b] else paste(curve$blocks[b], fit$components[j], sep = ".")
      names[curve$at[j, b]] <- if (b > 1L) sprintf(links[[curve$links[b - 1L]]]$label, own) else
        sprintf("log(%s/prop.%s)", own, fit$components[curve$reference])
    }
  }
  names
}

# d parameters / d free coordinates, both in the core's units: a row per parameter, in the order of coef().
free_slopes <- function(curve) {
  k <- nrow(curve$at)
  slopes <- matrix(0, length(curve$at), curve$q)
  prop <- curve$theta[, 1L]
  logs <- which(!is.na(curve$at[, 1L]))
  for (l in logs) {
    slopes[seq_len(k), curve$at[l, 1L]] <- ifelse(curve$estimated[, 1L], -prop * prop[l] / curve$room, 0)
    slopes[l, curve$at[l, 1L]] <- prop[l] * sum(prop[curve$estimated[, 1L] & seq_len(k) != l]) / curve$room
  }
  for (b in seq_along(curve$links)) {
    at <- curve$at[, b + 1L]
    free <- which(!is.na(at))
    slopes[cbind(b * k + free, at[free])] <- links[[curve$links[b]]]$slope(curve$theta[free, b + 1L])
  }
  slopes
}

# Limits on the scale of the free coordinates, transformed: legal values, a row per parameter in the order of coef().
free_limits <- function(curve, fit, z) {
  k <- fit$k
  limits <- matrix(NA_real_, length(curve$at), 2L)
  coordinate <- sqrt(diag(curve$covariance))
  limits[seq_len(k), ] <- prop_limits(curve, z)
  for (b in seq_along(curve$links)) {
    value <- unname(fit$parameters[[b + 1L]])
    at <- curve$at[, b + 1L]
    link <- links[[curve$links[b]]]
    reach <- z * coordinate[at] * curve$scale[at]
    free <- !is.na(at)
    limits[b * k + which(free), ] <- link$from(link$to(value[free]) + outer(reach[free], c(-1, 1)))
  }
  limits
}

# The fit's parameters after a step in its free coordinates, in the core's units.
free_moved <- function(fit, curve, step) {
  parameters <- fit$parameters
  if (!any(step != 0)) return(parameters)
  open <- curve$estimated[, 1L]
  if (any(open)) {
    at <- curve$at[, 1L]
    share <- parameters$prop * exp(ifelse(is.na(at), 0, step[at]))
    parameters$prop[open] <- sum(parameters$prop[open]) * share[open] / sum(share[open])
  }
  for (b in seq_along(curve$links)) {
    at <- curve$at[, b + 1L]
    moved <- which(!is.na(at))
    moved <- moved[step[at[moved]] != 0]
    link <- links[[curve$links[b]]]
    old <- parameters[[b + 1L]][moved]
    parameters[[b + 1L]][moved] <- link$from(link$to(old) + step[at[moved]] * curve$scale[at[moved]])
  }
  parameters
}

# Parameters on a boundary (or of an empty component) moved off it, one at a time: what depends on them has no standard
# error.
free_lost_moves <- function(fit, curve) {
  lapply(which(curve$lost), function(i) {
    parameters <- fit$parameters
    j <- row(curve$lost)[i]
    b <- col(curve$lost)[i]
    value <- parameters[[b]][[j]]
    if (b == 1L) {
      parameters$prop[j] <- value + 2^-10
      parameters$prop <- parameters$prop / sum(parameters$prop)
    } else {
      parameters[[b]][j] <- switch(curve$links[b - 1L], identity = value + curve$unit[b] / 16, log = value * 1.0625,
        logit = value + 2^-10 * (0.5 - value))
    }
    parameters
  })
}

# First steps: what one row tells of the coordinate, in complete information; powers of two, with which sums are exact.
free_steps <- function(curve, fit) {
  rows <- fit$nobs * vapply(seq_len(curve$q), function(i) {
    at <- which(rowSums(curve$at == i, na.rm = TRUE) > 0)
    sum(curve$theta[at, 1L])
  }, 0)
  step <- sqrt(rows / diag(as.matrix(curve$metric)))
  2^round(log2(ifelse(is.finite(step) & step > 0, pmin(step, 1), 1))) / 2
}

# Scores of the rows, a row each: differences of their log densities.
free_row_scores <- function(fit, curve, data, model) {
  core <- list(parameters = stats::setNames(as.data.frame(curve$theta), curve$blocks))
  curve$scale[] <- 1
  steps <- free_steps(curve, fit) / 32
  log_density <- function(step) {
    theta <- unlist(free_moved(core, curve, step), use.names = FALSE)
    .Call(C_emix_evaluate, data, model, 1L, theta, 2L)$log_density
  }
  scores <- vapply(seq_len(curve$q), function(i) {
    difference <- function(h) {
      step <- replace(numeric(curve$q), i, h)
      (log_density(step) - log_density(-step)) / (2 * h)
    }
    (4 * difference(steps[i] / 2) - difference(steps[i])) / 3
  }, double(NROW(data$x)))
  matrix(scores, ncol = curve$q)
}

# How far the components of a refit are from those of the fit: a row for each of the fit's, a column for each of the refit's. In free
# parameters that are not shared, on the scale of their links and in units of the complete-data information, so that distances
# are in standard errors of a fit that knows the components.
free_distance <- function(fit, curve) {
  weight <- matrix(c(0, diag(as.matrix(curve$metric)))[ifelse(is.na(curve$at), 0L, curve$at) + 1L], nrow = fit$k)
  shared <- curve$blocks %in% fit$equal
  weight[, shared] <- 0
  weight[, 1L] <- ifelse(curve$estimated[, 1L], fit$nobs * curve$theta[, 1L], 0)
  weight[!is.finite(weight)] <- 0
  at <- linked(curve$theta, curve$links)
  function(theta) {
    found <- linked(matrix(theta, nrow = fit$k), curve$links)
    cost <- matrix(0, fit$k, fit$k)
    for (b in seq_len(ncol(found))) cost <- cost + weight[, b] * outer(at[, b], found[, b], "-")^2
    cost
  }
}

linked <- function(theta, own) {
  for (b in seq_along(own)) theta[, b + 1L] <- links[[own[b]]]$to(theta[, b + 1L])
  theta[, 1L] <- log(theta[, 1L])
  # What is on a boundary is far away, but not infinitely.
  pmin(pmax(theta, -1e6), 1e6)
}

free_ways <- list(
  inform = function(curve, fit, type) curve,
  slopes = free_slopes,
  units = function(curve) rep(curve$unit, each = nrow(curve$at)),
  scales = function(curve) rep(c("logit", curve$links), each = nrow(curve$at)),
  limits = free_limits,
  moved = free_moved,
  lost_moves = free_lost_moves,
  first_steps = free_steps,
  row_scores = free_row_scores,
  distance = free_distance
)

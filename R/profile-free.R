# Profiles of families whose core has free coordinates: refits by EM with the handle's parameter held. What ridges, handles and points
# are is said in profile-walk.R. Beside that:
#
#   ridge: theta is a matrix of a row per component and a column per block, prop first; links (by block)
#   handle: block, its number; at (components, all of them for a shared parameter), model (with it held)
#   point: theta is such a matrix; at (numbers of the free coordinates that `along` and `root` are of)

free_ridge <- function(fit, problem) {
  family <- problem$spec$family
  run <- run_em(problem, fit$core$theta)
  if (run$status != 0L || !is.finite(run$objective)) {
    emix_stop("fit", "The likelihood at the fit's parameters is not a number: a component has collapsed or a row is impossible.")
  }
  theta <- matrix(run$theta, nrow = fit$k)
  open <- !fit$held$prop
  list(ways = free_walks, problem = problem, theta = theta, top = run$objective, open = open, room = 1 - sum(theta[!open, 1L]), k = fit$k,
    links = c("logit", unname(family$links)), blocks = c("prop", family$blocks), weight = fit$nobs,
    slack = max(1e-6 * problem$unit, 64 * .Machine$double.eps * abs(run$objective)), pairs = alike_pairs(fit, problem),
    maxima = other_maxima(fit, family))
}

# What is to be held, one for each free parameter among the chosen ones (numbers of coef()); lost: those without rows or room.
free_handles <- function(ridge, fit, chosen) {
  names <- names(coef(fit))
  handles <- lapply(seq_along(names), function(i) {
    j <- (i - 1L) %% ridge$k + 1L
    b <- (i - 1L) %/% ridge$k + 1L
    shared <- b > 1L && ridge$blocks[b] %in% fit$equal
    at <- if (shared) seq_len(ridge$k) else j
    if (fit$held[[b]][j] || (b == 1L && sum(ridge$open) < 2L)) return(NULL)
    list(block = b, at = at, names = names[(b - 1L) * ridge$k + at], own = if (shared) ridge$blocks[b] else names[i],
      link = ridge$links[b], shared = shared,
      lost = ridge$theta[j, 1L] == 0 && !shared || (b == 1L && ridge$theta[j, 1L] >= ridge$room))
  })
  handles <- Filter(Negate(is.null), handles[sort(unique(chosen))])
  handles <- handles[!duplicated(vapply(handles, `[[`, "", "own"))]
  lapply(handles, function(handle) {
    handle$model <- ridge$problem$model
    handle$model$held[(handle$block - 1L) * ridge$k + handle$at] <- 1L
    handle
  })
}

# The value on its free scale; that of a proportion is the logit of its share of the room.
value_at <- function(ridge, handle, theta) {
  own <- theta[handle$at[1L], handle$block]
  if (handle$block > 1L) return(links[[handle$link]]$to(own))
  others <- ridge$open
  others[handle$at] <- FALSE
  log(own) - log(sum(theta[others, 1L]))
}

with_value <- function(ridge, handle, theta, phi) {
  if (handle$block > 1L) {
    theta[handle$at, handle$block] <- links[[handle$link]]$from(phi)
    return(theta)
  }
  others <- ridge$open
  others[handle$at] <- FALSE
  share <- theta[others, 1L]
  theta[others, 1L] <- ridge$room * stats::plogis(-phi) * (if (sum(share) > 0) share / sum(share) else 1 / length(share))
  theta[handle$at, 1L] <- ridge$room * stats::plogis(phi)
  theta
}

# A step in the free coordinates, whose numbers are `at`.
step_theta <- function(ridge, theta, at, step) {
  live <- ridge$open & theta[, 1L] > 0
  share <- theta[live, 1L] * exp(ifelse(is.na(at[live, 1L]), 0, step[at[live, 1L]]))
  if (sum(share) > 0) theta[live, 1L] <- ridge$room * share / sum(share)
  for (b in seq_along(ridge$links)[-1L]) {
    free <- which(!is.na(at[, b]))
    link <- links[[ridge$links[b]]]
    theta[free, b] <- link$from(link$to(theta[free, b]) + step[at[free, b]])
  }
  theta
}

# d phi / d free coordinates.
value_slopes <- function(ridge, handle, theta, at, q) {
  slopes <- numeric(q)
  if (handle$block > 1L) {
    slopes[unique(stats::na.omit(at[handle$at, handle$block]))] <- 1
    return(slopes)
  }
  share <- ifelse(ridge$open, theta[, 1L], 0) / ridge$room
  known <- which(!is.na(at[, 1L]))
  slopes[at[known, 1L]] <- ((known == handle$at) - share[known]) / sum(share[-handle$at])
  slopes
}

# The point at theta, which is the highest with its phi.
free_point <- function(ridge, handle, phi, theta) {
  problem <- ridge$problem
  found <- .Call(C_emix_inform, problem$data, problem$model, problem$threads, as.vector(theta))
  if (found$status != 0L || !is.finite(found$objective)) return(list(status = max(1L, found$status)))
  at <- cbind(found$index[seq_len(ridge$k)], matrix(found$index[-seq_len(ridge$k)], nrow = ridge$k, byrow = TRUE))
  slopes <- value_slopes(ridge, handle, theta, at, length(found$gradient))
  direction <- ridge_direction(found$information, found$metric, slopes)
  c(list(status = 0L, phi = phi, theta = theta, objective = found$objective, at = at,
    u = sqrt(2 * max(0, ridge$top - found$objective)), slope = sum(found$gradient * direction$along)), direction)
}

# The point of another phi, from one that is not far.
free_refit <- function(ridge, handle, phi, from) {
  step <- from$along * (phi - from$phi)
  length <- sqrt(sum((step * from$root)^2) / ridge$weight)
  if (length > 1) step <- step / length
  theta <- with_value(ridge, handle, step_theta(ridge, from$theta, from$at, step), phi)
  problem <- held_problem(ridge, handle, theta)
  run <- run_em(problem, as.vector(theta))
  if (run$status == 0L && may_lead_on(run$theta, handle, problem$spec)) run <- leave_ridge(run, problem)
  if (run$status != 0L) return(list(status = run$status))
  free_point(ridge, handle, phi, matrix(run$theta, nrow = ridge$k))
}

# The problem with the handle's parameter held where theta has it.
held_problem <- function(ridge, handle, theta) {
  problem <- ridge$problem
  problem$model <- handle$model
  problem$spec$held[[handle$block]][handle$at] <- TRUE
  problem$spec$values <- lapply(stats::setNames(seq_along(ridge$blocks), ridge$blocks), function(b) {
    ifelse(problem$spec$held[[b]], theta[, b], NA_real_)
  })
  problem
}

# Where the walks of a handle begin. From a boundary (a probability of 0 or 1) it is a step so short that nothing is lost.
free_start <- function(ridge, handle) {
  phi <- value_at(ridge, handle, ridge$theta)
  if (is.finite(phi)) return(free_point(ridge, handle, phi, ridge$theta))
  phi <- sign(phi) * 28
  from <- list(phi = phi, theta = ridge$theta, along = 0, root = 0, at = matrix(NA_integer_, ridge$k, length(ridge$links)))
  point <- free_refit(ridge, handle, phi, from)
  if (point$status == 0L) point$first <- 4
  point
}

# Without a prior the values of an empty component make no difference, here nor further on.
free_emptied <- function(ridge, handle, point) {
  handle$block > 1L && !handle$shared && is.null(ridge$problem$model$prior_family) &&
    point$theta[handle$at, 1L] * ridge$weight < 1e-6 * ridge$problem$unit
}

# Parameters of each component on their free scales, a row each; shared ones make no difference.
free_places <- function(theta, kinds) {
  places <- lapply(seq_along(kinds)[-1L], function(b) pmin(pmax(links[[kinds[b]]]$to(theta[, b]), -1e3), 1e3))
  do.call(cbind, places)
}

# Components that coincide or, other than the one of the handle, are empty may be better elsewhere.
may_lead_on <- function(theta, handle, spec) {
  if (spec$k < 2L) return(FALSE)
  parameters <- unpack_core(theta, spec)
  length(setdiff(growing(parameters, spec), handle$at)) > 0L || length(coinciding(parameters, spec)) > 0L
}

# Starts of other branches: a component empty, or two neighbours the same.
other_starts <- function(theta, spec) {
  parameters <- unpack_core(as.vector(theta), spec)
  free <- which(!spec$held$prop & parameters$prop > 0)
  emptied <- if (length(free) > 1L) lapply(free, function(j) {
    parameters$prop[j] <- 0
    parameters
  })
  order <- spec$family$order(parameters)
  merged <- lapply(seq_len(spec$k - 1L), function(i) {
    pair <- order[c(i, i + 1L)]
    out <- spec$family$merge(parameters, pair[1L], pair[2L])
    for (b in spec$family$blocks) out[[b]][pair[2L]] <- out[[b]][pair[1L]]
    out$prop <- parameters$prop
    out
  })
  lapply(c(emptied, merged), impose, spec = spec)
}

most_branches <- 10L

# Of many rows, the starts that do not end far lower on a part of them: what is far there is farther on all.
near_branches <- function(starts, problem, point) {
  part <- part_of(problem)
  if (NROW(part$data$x) == NROW(problem$data$x)) return(starts)
  part$control$max_iter <- 0L
  here <- run_em(part, as.vector(point$theta))
  part$control$max_iter <- problem$control$max_iter
  Filter(function(start) {
    run <- run_em(part, start)
    run$status != 2L && (run$status != 0L || run$objective > here$objective - 20 * problem$unit)
  }, starts)
}

# The highest point with the value of this one on another branch; NULL where none is higher. Not one on which components
# have exchanged their places, nor a chance cluster.
free_higher <- function(ridge, handle, point) {
  if (ridge$k < 2L || ridge$k > most_branches) return(NULL)
  problem <- held_problem(ridge, handle, point$theta)
  starts <- c(other_starts(point$theta, problem$spec), lapply(ridge$maxima, impose, spec = problem$spec))
  starts <- lapply(starts, function(start) {
    as.vector(with_value(ridge, handle, matrix(unlist(start, use.names = FALSE), nrow = ridge$k), point$phi))
  })
  best <- NULL
  for (start in near_branches(starts, problem, point)) {
    run <- run_em(problem, start)
    theta <- matrix(run$theta, nrow = ridge$k)
    if (run$status != 0L || !run$converged || have_exchanged(ridge, theta) || is_chance(ridge, theta)) next
    to <- free_point(ridge, handle, point$phi, theta)
    if (to$status == 0L && to$objective > max(point$objective, best$objective) + ridge$slack) best <- to
  }
  best
}

# phi in users' units; Inf and -Inf are the ends of what is legal.
free_value <- function(ridge, fit, handle, phi) {
  if (handle$block == 1L) return(ridge$room * stats::plogis(phi))
  core <- lapply(ridge$blocks, function(b) rep(1, length(phi)))
  names(core) <- ridge$blocks
  core[[handle$block]] <- links[[handle$link]]$from(phi)
  ridge$problem$spec$family$from_core(core, fit$core)[[handle$block]]
}

free_walks <- list(
  handles = free_handles,
  start = free_start,
  refit = free_refit,
  emptied = free_emptied,
  higher = free_higher,
  places = function(ridge, theta) free_places(theta, ridge$links),
  value = free_value
)

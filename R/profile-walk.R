# The ridge of the objective over one parameter: the highest point for each of its values, reached from the maximum step by step.
#
# A ridge is a list: problem (as for run_em(), of all rows or of nodes), theta (the maximum, a row per component and a column
# per block, prop first), top (its objective), open (whose proportion is free), room (their sum), links (by block), slack (how much
# higher is higher), pairs (components that the likelihood cannot tell apart), maxima (others that the fit's search has met).
# A handle is what is held: block, at (components, all of them for a shared parameter), link, names (those of coef()), model (with it
# held), start (the point at the maximum).
# A point: phi (the value on its free scale), theta, objective, u = sqrt(2 (top - objective)), slope (d objective / d phi along the
# ridge), along (the step of the free coordinates per unit of phi), at (their numbers), root (of their complete information),
# first (the phi in which the objective falls by 1/2), lost (phi makes no difference).

# The problem of a fit for refits: always accelerated, silent.
ridge_problem <- function(fit) {
  problem <- fit_problem(fit)
  control <- fit$arguments$control
  control[c("accelerate", "trace")] <- list(TRUE, FALSE)
  problem$unit <- row_unit(problem$rows)
  problem$total <- effective_rows(problem$rows)
  problem$avoid <- !allows_chance(control)
  problem$settings <- control
  settings <- utils::modifyList(unclass(control), list(tol = min(control$tol, 1e-8), max_iter = max(control$max_iter, 5000L), progress = FALSE))
  problem$control <- core_control(settings, problem$threads, 0)
  problem$offset <- row_offset(problem$rows, problem$spec$family, fit$core) + or_default(problem$prior$offset, 0)
  problem
}

new_ridge <- function(fit, problem) {
  family <- problem$spec$family
  run <- run_em(problem, fit$core$theta)
  if (run$status != 0L || !is.finite(run$objective)) {
    emix_stop("fit", "The likelihood at the fit's parameters is not a number: a component has collapsed or a row is impossible.")
  }
  theta <- matrix(run$theta, nrow = fit$k)
  open <- !fit$held$prop
  list(problem = problem, theta = theta, top = run$objective, open = open, room = 1 - sum(theta[!open, 1L]), k = fit$k,
    links = c("logit", unname(family$links)), blocks = c("prop", family$blocks), weight = fit$nobs,
    slack = max(1e-6 * problem$unit, 64 * .Machine$double.eps * abs(run$objective)), pairs = alike_pairs(fit, problem),
    maxima = other_maxima(fit, family))
}

# What is to be held, one for each free parameter among the chosen ones (numbers of coef()); lost: those without rows or room.
ridge_handles <- function(ridge, fit, chosen) {
  names <- theta_names(ridge$problem$spec$family, fit$components)
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

# The direction of the ridge: of all with phi' = 1 the one in which the quadratic falls least; and its curvature.
ridge_direction <- function(information, metric, slopes) {
  root <- sqrt(diag(metric))
  root[!(root > 0)] <- 1
  unit <- slopes / root
  size <- sqrt(sum(unit^2))
  q <- length(slopes)
  if (!(size > 0)) return(list(along = numeric(q), bend = 0, root = root, first = 1, lost = TRUE))
  scaled <- information / outer(root, root) + diag(1e-10, q)
  bordered <- rbind(cbind(scaled, unit / size), c(unit / size, 0))
  found <- tryCatch(solve(bordered, c(numeric(q), 1)), error = function(e) NULL)
  if (is.null(found) || !all(is.finite(found))) found <- c(unit / size, 0)
  list(along = found[seq_len(q)] / root / size, bend = -found[q + 1L] / size^2, root = root,
    first = size / sqrt(max(-found[q + 1L], 1e-4)), lost = FALSE)
}

# The point at theta, which is the highest with its phi.
ridge_point <- function(ridge, handle, phi, theta) {
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
refit_at <- function(ridge, handle, phi, from) {
  step <- from$along * (phi - from$phi)
  length <- sqrt(sum((step * from$root)^2) / ridge$weight)
  if (length > 1) step <- step / length
  theta <- with_value(ridge, handle, step_theta(ridge, from$theta, from$at, step), phi)
  problem <- held_problem(ridge, handle, theta)
  run <- run_em(problem, as.vector(theta))
  if (run$status == 0L && may_lead_on(run$theta, handle, problem$spec)) run <- leave_ridge(run, problem)
  if (run$status != 0L) return(list(status = run$status))
  ridge_point(ridge, handle, phi, matrix(run$theta, nrow = ridge$k))
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
ridge_start <- function(ridge, handle) {
  phi <- value_at(ridge, handle, ridge$theta)
  if (is.finite(phi)) return(ridge_point(ridge, handle, phi, ridge$theta))
  phi <- sign(phi) * 28
  from <- list(phi = phi, theta = ridge$theta, along = 0, root = 0, at = matrix(NA_integer_, ridge$k, length(ridge$links)))
  point <- refit_at(ridge, handle, phi, from)
  if (point$status == 0L) point$first <- 4
  point
}

# Does the objective go from one point to the next as their slopes say? Else it jumped.
is_smooth <- function(now, to) {
  expected <- (to$phi - now$phi) * (now$slope + to$slope) / 2
  change <- to$objective - now$objective
  abs(change - expected) <= 0.05 + 0.1 * abs(change)
}

# How far the next step goes: to the goal, by the slope of u, but not further than `most` of u or three times the last step.
next_step <- function(point, side, step, goal, most) {
  rate <- if (point$u > 0) -side * point$slope / point$u else 0
  if (!(rate > 0)) return(step)
  min((goal - point$u) / rate, most / rate, 3 * step)
}

# Farther than this, from the maximum or for a logit from zero, there is no limit but the boundary.
far_on <- c(identity = 1e30, log = 70, logit = 36)

# Without a prior the values of an empty component make no difference, here nor further on.
is_emptied <- function(ridge, handle, point) {
  handle$block > 1L && !handle$shared && is.null(ridge$problem$model$prior_family) &&
    point$theta[handle$at, 1L] * ridge$weight < 1e-6 * ridge$problem$unit
}

# What is wrong with the step from one point to the next: "" if nothing.
step_fault <- function(ridge, now, to) {
  if (to$status != 0L) return("failed")
  if (to$objective > ridge$top + ridge$slack) return("higher")
  if (is_smooth(now, to)) "" else "jump"
}

# From the maximum to one side (-1, 1) until u = goal, in steps of at most `most` of u. What ended it:
#   limit      phi is where u = goal
#   flat, empty, exchange   the objective does not fall enough before the boundary, before the component is without rows,
#              before components exchange their places
#   collapse   a component collapses, or becomes a chance cluster
#   higher     theta is another maximum, higher than the fit's
# with the points on the way, and u (the largest).
follow_ridge <- function(ridge, handle, side, goal, most = 1) {
  now <- handle$start
  points <- list()
  ended <- function(end, ...) {
    list(end = end, u = max(0, vapply(points, `[[`, 0, "u")), points = points, most = most, ...)
  }
  if (now$status != 0L) return(ended("collapse"))
  step <- now$first * min(most, goal)
  least <- 1e-5 * step
  for (turn in seq_len(200L)) {
    phi <- now$phi + side * step
    if (abs(if (handle$link == "logit") phi else phi - handle$start$phi) > far_on[[handle$link]]) return(ended("flat"))
    to <- refit_at(ridge, handle, phi, now)
    fault <- step_fault(ridge, now, to)
    if (nzchar(fault) && step > least) {
      step <- step / 4
      next
    }
    if (fault == "failed" || (nzchar(fault) && is_chance(ridge, to$theta))) return(ended("collapse"))
    if (fault == "higher") return(do.call(ended, higher_end(ridge, to$theta)))
    if (to$u >= goal - 1e-7) {
      found <- close_in(ridge, handle, now, to, goal)
      to <- higher_branch(ridge, handle, found$point)
      if (is.null(to)) {
        points <- c(points, list(found$point))
        return(ended("limit", phi = found$phi, theta = found$point$theta))
      }
      if (to$objective > ridge$top + ridge$slack) return(do.call(ended, higher_end(ridge, to$theta)))
      fault <- "jump"
    }
    exchanged <- (nzchar(fault) || side * to$slope > 0) && have_exchanged(ridge, to$theta)
    # The profile is the highest branch.
    if (nzchar(fault) && !exchanged) points <- Filter(function(point) point$u < to$u, points)
    if (!exchanged || !nzchar(fault)) points <- c(points, list(to))
    if (exchanged) {
      other <- if (length(points)) higher_branch(ridge, handle, points[[length(points)]])
      if (!is.null(other)) points <- c(Filter(function(point) point$u < other$u, points), list(other))
      return(ended("exchange"))
    }
    if (is_emptied(ridge, handle, to)) return(ended("empty"))
    step <- next_step(to, side, if (nzchar(fault)) to$first * most else step, goal, most)
    now <- to
  }
  ended("flat")
}

# Between `low`, where u is below the goal, and `high`, where it is not: Newton's steps on u, kept in between.
close_in <- function(ridge, handle, low, high, goal) {
  for (turn in seq_len(60L)) {
    best <- if (goal - low$u < high$u - goal) low else high
    newton <- best$phi - (goal - best$u) * best$u / best$slope
    ends <- range(low$phi, high$phi)
    if (abs(best$u - goal) <= 1e-7) return(list(phi = if (is.finite(newton)) newton else best$phi, point = best))
    if (diff(ends) <= 1e-11 * max(1, abs(ends))) break
    inside <- is.finite(newton) && newton > ends[1L] && newton < ends[2L] && (turn < 10L || turn %% 2L == 0L)
    to <- refit_at(ridge, handle, if (inside) newton else mean(ends), best)
    if (to$status != 0L) break
    if (to$u >= goal) high <- to else low <- to
  }
  list(phi = high$phi, point = high)
}

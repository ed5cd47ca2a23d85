# The ridge of the objective over one parameter: the highest point for each of its values, reached from the maximum step by step.
#
# A ridge is a list: problem (as for run_em(), of all rows or of nodes), theta (the maximum, the core's), top (its objective), open
# (whose proportion is free), room (their sum), k, weight (of all rows), slack (how much higher is higher), pairs (components that
# the likelihood cannot tell apart), maxima (others that the fit's search has met), and ways, what depends on the family: free_walks, of
# those with free coordinates, or sums_walks. These are functions of the ridge (and the fit, a handle, a point):
#
#   handles    what may be held, of chosen numbers of coef()
#   start      the point at the maximum, where the walks of a handle begin
#   refit      the point of another phi, from one that is not far
#   emptied    have the handle's values come to make no difference
#   higher     the highest point of the same phi on another branch; NULL where none is higher
#   places     where components are, a row each, to tell whether they have exchanged their places
#   value      phi in users' units; Inf and -Inf are the ends of what is legal
#
# A handle is what is held: own (its name), names (those of coef()), link, start (the point at the maximum), lost (is it on a
# boundary), shared (by all components).
# A point: phi (the value on its free scale), theta, objective, u = sqrt(2 (top - objective)), slope (d objective / d phi along the
# ridge), along (the step of the coordinates per unit of phi), root (of their complete information),
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
  if (is.null(problem$spec$family$links)) sums_ridge(fit, problem) else free_ridge(fit, problem)
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
    to <- ridge$ways$refit(ridge, handle, phi, now)
    fault <- step_fault(ridge, now, to)
    if (nzchar(fault) && step > least) {
      step <- step / 4
      next
    }
    if (fault == "failed" || (nzchar(fault) && is_chance(ridge, to$theta))) return(ended("collapse"))
    if (fault == "higher") return(do.call(ended, higher_end(ridge, to$theta)))
    if (to$u >= goal - 1e-7) {
      found <- close_in(ridge, handle, now, to, goal)
      to <- ridge$ways$higher(ridge, handle, found$point)
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
      other <- if (length(points)) ridge$ways$higher(ridge, handle, points[[length(points)]])
      if (!is.null(other)) points <- c(Filter(function(point) point$u < other$u, points), list(other))
      return(ended("exchange"))
    }
    if (ridge$ways$emptied(ridge, handle, to)) return(ended("empty"))
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
    to <- ridge$ways$refit(ridge, handle, if (inside) newton else mean(ends), best)
    if (to$status != 0L) break
    if (to$u >= goal) high <- to else low <- to
  }
  list(phi = high$phi, point = high)
}

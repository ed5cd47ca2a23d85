# Other branches of a profile: higher ones, those of a component less, those on which components have exchanged their places.
# What ridges, handles and points are is said in profile-walk.R.

# Pairs of components whose exchange leaves the objective as it is: neither labels nor held values nor a prior tell them apart.
alike_pairs <- function(fit, problem) {
  if (fit$k < 2L || fit$k > 200L || any(fit$labels > 0L)) return(matrix(0L, 0L, 2L))
  marks <- do.call(paste, c(lapply(names(fit$held), function(b) ifelse(fit$held[[b]], format(fit$parameters[[b]], digits = 15), "")),
    list(rep_len(or_default(problem$model$prior_rows, 0), fit$k))))
  pairs <- t(utils::combn(fit$k, 2L))
  pairs[marks[pairs[, 1L]] == marks[pairs[, 2L]], , drop = FALSE]
}

# Parameters of each component on their free scales, a row each; shared ones make no difference.
free_places <- function(theta, kinds) {
  places <- lapply(seq_along(kinds)[-1L], function(b) pmin(pmax(links[[kinds[b]]]$to(theta[, b]), -1e3), 1e3))
  do.call(cbind, places)
}

# Squared distances of components (numbers i) of one set to those (j) of another.
place_gaps <- function(a, b, i, j) rowSums((a[i, , drop = FALSE] - b[j, , drop = FALSE])^2)

# Has the walk come to where two components that are alike are in each other's place?
have_exchanged <- function(ridge, theta) {
  one <- ridge$pairs[, 1L]
  two <- ridge$pairs[, 2L]
  if (!length(one)) return(FALSE)
  now <- free_places(theta, ridge$links)
  top <- free_places(ridge$theta, ridge$links)
  crossed <- place_gaps(now, top, one, two) + place_gaps(now, top, two, one)
  # Those that coincide in the fit have no places.
  any(crossed < place_gaps(now, top, one, one) + place_gaps(now, top, two, two) & place_gaps(top, top, one, two) > 1e-8)
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

# Other maxima that the search for the fit has met, but for chance clusters: the highest few, as lists of the core's parameters.
other_maxima <- function(fit, family, most = 4L) {
  table <- fit$maxima
  if (is.null(table)) return(list())
  avoid <- !allows_chance(fit$arguments$control)
  others <- utils::head(setdiff(which(!(avoid & table$spurious)), fit$convergence$maximum), most)
  blocks <- c("prop", family$blocks)
  lapply(others, function(row) {
    values <- matrix(as.double(unlist(table[row, theta_names(family, seq_len(fit$k))])), nrow = fit$k)
    parameters <- lapply(seq_along(blocks), function(b) values[, b])
    family$to_core(stats::setNames(parameters, blocks), fit$core)
  })
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
higher_branch <- function(ridge, handle, point) {
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
    to <- ridge_point(ridge, handle, point$phi, theta)
    if (to$status == 0L && to$objective > max(point$objective, best$objective) + ridge$slack) best <- to
  }
  best
}

# Where EM goes on to, with nothing held, from where it is higher than the maximum.
higher_end <- function(ridge, theta) {
  run <- run_em(ridge$problem, as.vector(theta))
  if (run$status != 0L || is_chance(ridge, run$theta)) return(list("collapse"))
  list("higher", theta = run$theta, objective = run$objective)
}

is_chance <- function(ridge, theta) spurious_runs(list(theta = as.vector(theta), status = 0L), ridge$problem)

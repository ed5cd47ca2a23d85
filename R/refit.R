# Fits of many samples, without the search that one sample deserves: a warm start and a few others.
#
# A setup is what they have in common: spec, affine, control and prior; a source of samples is one.

# Starts beside the warm ones, runs that go on from each of the first heats (see run_heats()), and from points to all rows.
few_starts <- 8L
few_heats <- c(10L, 5L)
few_finished <- 3L
few_apart <- 0.5

setup_problem <- function(rows, setup) {
  new_problem(rows, setup$spec, setup$affine, setup$control, core_prior(setup$prior, setup$spec, rows, setup$affine))
}

# Rows with the points on which runs from many starts begin.
with_points <- function(rows, family) {
  part <- some_rows(rows, family)
  # Others are but a part of the rows.
  stand <- total_weight(part) > 0.999 * total_weight(rows)
  list(rows = rows, part = part, coarse = some_rows(part, family, coarse_points), stand = stand)
}

# The best of the runs from the columns of `warm` (the core's parameters) and from some starts of the rows' own: one that is
# not spurious, if there is any; NULL where none ends well.
best_of_few <- function(points, setup, warm = NULL, starts = few_starts) {
  rows <- points$rows
  part <- points$part
  problem <- setup_problem(rows, setup)
  whole <- part$n == rows$n
  small <- if (whole) problem else setup_problem(part, setup)
  small$coarse <- if (points$coarse$n < part$n) setup_problem(points$coarse, setup) else small
  own <- make_starts(part, setup$spec, starts)
  theta <- cbind(warm, pack_starts(own$parameters, setup$spec, setup$affine))
  kind <- rep("few", ncol(theta))
  field <- if (setup$control$accelerate) run_heats(small, theta, kind, few_heats) else
    run_field(small, theta, kind, problem$control$max_iter)
  # Heats end at a loose tolerance, and some at saddles: these are left on points, where steps cost little.
  field <- finish_few(field, small)
  if (!whole) field <- finish_few(field, problem, rows, setup$control, points$stand)
  best <- rank_runs(field)[1L]
  if (is.na(best)) return(NULL)
  run <- take_runs(field, best)
  run$theta <- as.vector(run$theta)
  run
}

# The best few that differ to the end on `problem`; by nodes of the rows where they pay.
finish_few <- function(field, problem, rows = NULL, control = NULL, stands_for = FALSE) {
  top <- distinct_runs(field, rank_runs(field), few_finished)
  if (!length(top)) return(field)
  # Heights on points that stand for all rows are those on all rows but for little.
  if (!is.null(rows) && stands_for) top <- top[field$objective[top] > field$objective[top[1L]] - few_apart * field$unit[1L]]
  theta <- field$theta[, top, drop = FALSE]
  on <- function(ground) run_field(ground, theta, field$kind[top], problem$control$max_iter)
  run <- if (!is.null(rows) && may_use_nodes(rows, problem$spec, control)) {
    settle_on_nodes(rows, problem, theta, function(nodes) {
      ended <- on(nodes)
      best <- rank_runs(ended)[1L]
      if (!is.na(best)) take_runs(ended, best)
    })
  }
  if (is.null(run)) return(on(problem))
  run$theta <- as.matrix(as.vector(run$theta))
  run
}

# The fit's maximum in a sample like its own: from the fit's parameters, and from elsewhere only where that ends badly.
refit_sample <- function(rows, source) {
  problem <- setup_problem(rows, source)
  run <- run_one(rows, problem, source$theta, source$control)
  run$spurious <- spurious_runs(run, problem)
  if (run$status == 0L && !is.finite(run$objective)) run$status <- 3L
  if (run$status != 0L || (run$spurious && !is_avoided(source$fit))) {
    other <- best_of_few(with_points(rows, source$spec$family), source)
    if (!is.null(other) && (run$status != 0L || !other$spurious)) run <- other
  }
  run
}

# Fits of many samples, without the search that one sample deserves: a warm start and a few others.
#
# A setup is what they have in common: spec, affine, control and prior; a source of samples is one.

# Starts beside the warm ones, and runs that go on from a part of the rows to all of them.
few_starts <- 8L
few_finished <- 3L

setup_problem <- function(rows, setup) {
  new_problem(rows, setup$spec, setup$affine, setup$control, core_prior(setup$prior, setup$spec, rows, setup$affine))
}

# The best of the runs from the columns of `warm` (the core's parameters) and from some starts of the rows' own: one that is
# not spurious, if there is any; NULL where none ends well.
best_of_few <- function(rows, setup, warm = NULL, starts = few_starts) {
  part <- some_rows(rows, setup$spec$family)
  problem <- setup_problem(rows, setup)
  whole <- part$n == rows$n
  own <- make_starts(part, setup$spec, starts)
  theta <- cbind(warm, pack_starts(own$parameters, setup$spec, setup$affine))
  field <- run_field(if (whole) problem else setup_problem(part, setup), theta, rep("few", ncol(theta)),
    min(problem$control$max_iter, 500L))
  if (!whole) field <- finish_few(field, rows, problem, setup$control)
  best <- rank_runs(field)[1L]
  if (is.na(best)) return(NULL)
  run <- take_runs(field, best)
  run$theta <- as.vector(run$theta)
  run
}

# From a part of the rows to all of them, by nodes where they pay.
finish_few <- function(field, rows, problem, control) {
  top <- distinct_runs(field, rank_runs(field), few_finished)
  if (!length(top)) return(field)
  theta <- field$theta[, top, drop = FALSE]
  on <- function(ground) run_field(ground, theta, field$kind[top], control$max_iter)
  run <- if (may_use_nodes(rows, problem$spec, control)) {
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
  if (run$status != 0L || (run$spurious && !source$fit$convergence$spurious)) {
    other <- best_of_few(rows, source)
    if (!is.null(other) && (run$status != 0L || !other$spurious)) run <- other
  }
  run
}

# The search for families of several columns: what its race and its moves are, and runs that go on on more and more rows.

of_columns <- function(spec) !is.null(spec$columns)

# Runs from many starts, in heats.
race_multi <- function(problem, theta, kind) {
  if (problem$control$accelerate && ncol(theta) > 12L) return(run_heats(problem, theta, kind, c(20L, 10L)))
  run_field(problem, theta, kind, min(problem$control$max_iter, if (problem$control$accelerate) 500L else 5000L))
}

# Neighbours of a mixture (theta): two of its components merged, another split, as the rows would have it. NULL: there are none.
moves_multi <- function(theta, problem, most) {
  spec <- problem$spec
  d <- problem$data$columns
  at <- unique(golden_rows(NROW(problem$data$x), max(move_rows, 40L * (d + 1L))))
  data <- problem$data
  if (length(at) < nrow(data$x)) {
    data[c("x", "weight", "label")] <- lapply(data[c("x", "weight", "label")], take_rows, at)
  }
  x <- data$x * rep(data$factor, each = nrow(data$x)) - rep(data$shift, each = nrow(data$x))
  p <- .Call(C_emix_evaluate, data, problem$model, 1L, theta, 1L)$posterior
  rows <- list(x = x, w = or_default(data$weight, rep(1, nrow(x))), p = matrix(p, nrow(x)))
  mixture <- mixture_of_blocks(unpack_core(theta, spec), spec$k)
  if (anyNA(x)) rows$x <- mixed_values(x, rows$p, mixture)
  moved <- moved_mixtures(mixture, rows, most)
  if (!length(moved)) return(NULL)
  moved <- bind_parameters(lapply(moved, function(m) lapply(m, as.vector)))
  do.call(rbind, unname(impose(moved, spec)))
}

# Runs that ended on a part of the rows go on on larger parts, each eight times the last, and the fewer of them the larger
# the part: which are left, the best first, and where they are. `problem_of` makes the problem of some rows. A component that
# might be a chance cluster of a part need not be one of all.
grow_runs <- function(field, part, rows, problem_of) {
  order <- distinct_runs(field, rank_runs(field), 12L)
  unit <- field$unit[1L]
  sound <- order[!field$spurious[order]]
  doubtful <- order[field$spurious[order]]
  sound <- utils::head(sound[field$objective[sound] >= max(field$objective[sound], -Inf) - 20 * unit], 4L)
  doubtful <- utils::head(doubtful[field$objective[doubtful] > max(field$objective[sound], -Inf)], 2L)
  at <- c(sound, doubtful)
  theta <- field$theta[, at, drop = FALSE]
  n <- part$n
  while (length(at) > 1L && 24 * n < rows$n) {
    n <- 8L * n
    heat <- run_field(problem_of(pick_rows(rows, n)), theta, field$kind[at], 60L, tol = 0.01, resumes = TRUE)
    rank <- distinct_runs(heat, rank_runs(heat), 3L)
    if (!length(rank)) break
    left <- rank[heat$objective[rank] >= heat$objective[rank[1L]] - 3 * unit]
    at <- at[left]
    theta <- heat$theta[, left, drop = FALSE]
  }
  list(order = at, theta = theta)
}

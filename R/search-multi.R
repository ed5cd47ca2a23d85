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

# A structure of few parameters within a structure: under it a part of the rows has no room for chance clusters. NULL: it has few itself.
simpler_structure <- function(cov) {
  switch(cov, EII = , VII = , EEI = , EEE = NULL, VEI = , EVI = , VVI = "EEI", "EEE")
}

# Runs that begin where others, from some of the starts (theta), ended under a simpler structure: as many as three, with no
# step of their own yet. NULL: there is no such structure, or covariances are held.
plain_runs <- function(problem, theta, kind) {
  spec <- problem$spec
  cov <- simpler_structure(spec$family$cov)
  if (spec$k < 2L || is.null(cov) || any(spec$held$cov)) return(NULL)
  simple <- problem
  simple$spec$family <- mvnormal_family(list(cov = cov))
  simple$model$options[1L] <- match(cov, covariance_structures) - 1
  simple$coarse <- simple
  some <- utils::head(which(!kind %in% c("within", "axis", "shells")), 24L)
  starts <- mvnormal_conform(unpack_field(theta[, some, drop = FALSE], spec), simple$spec)
  ended <- run_heats(simple, do.call(rbind, unname(starts)), kind[some], c(8L, 4L), c(10L, 25L, 100L))
  best <- distinct_runs(ended, rank_runs(ended), 3L)
  if (!length(best)) return(NULL)
  run_field(problem, ended$theta[, best, drop = FALSE], rep("simpler", length(best)), 0L)
}

# Which runs of a part go on: a few of the highest, a few that may have chance clusters and are higher than all others (on more
# rows they need not be chance), and those from a simpler structure, however low: on few rows for each parameter heights are
# those of chance.
runs_ahead <- function(field) {
  order <- distinct_runs(field, rank_runs(field), 12L)
  unit <- field$unit[1L]
  plain <- which(field$kind == "simpler" & field$status == 0L)
  order <- setdiff(order, plain)
  sound <- order[!field$spurious[order]]
  doubtful <- order[field$spurious[order]]
  sound <- utils::head(sound[field$objective[sound] >= max(field$objective[sound], -Inf) - 20 * unit], 4L)
  doubtful <- utils::head(doubtful[field$objective[doubtful] > max(field$objective[sound], -Inf)], 2L)
  c(sound, doubtful, plain)
}

# Sizes of the parts on which runs go on, the last of all rows: the first has rows enough for all free parameters.
growing_parts <- function(part, all, df) {
  n <- max(4 * part, 20 * df)
  sizes <- numeric(0)
  while (2.5 * n <= all) {
    sizes <- c(sizes, n)
    n <- 4 * n
  }
  c(sizes, all)
}

# Runs that ended on a part of the rows go on on larger parts, the fewer of them the larger the part: which are left, the
# best first, and where they are. `problem_of` makes the problem of some rows.
grow_runs <- function(field, part, rows, whole, problem_of) {
  at <- runs_ahead(field)
  theta <- field$theta[, at, drop = FALSE]
  df <- count_df(whole$spec)
  sizes <- growing_parts(part$n, rows$n, df)
  for (n in sizes) {
    if (length(at) < 2L) break
    heat <- run_field(if (n == rows$n) whole else problem_of(pick_rows(rows, n)), theta, field$kind[at], if (n == sizes[1L]) 60L else 30L, tol = 0.01, resumes = TRUE)
    if (isTRUE(getOption("s2"))) { cat("n", n, "\n"); print(data.frame(at, kind = field$kind[at], heat[c("objective","gain","evaluations","spurious","status","converged")])) }
    rank <- distinct_runs(heat, rank_runs(heat), 12L)
    if (!length(rank)) break
    left <- rank[heat$objective[rank] >= heat$objective[rank[1L]] - 3 * field$unit[1L]]
    if (n >= 50 * df && !heat$spurious[rank[1L]]) left <- left[!heat$spurious[left]]
    if (n < rows$n) left <- union(utils::head(left, 2L), utils::head(rank[heat$kind[rank] == "simpler"], 2L))
    at <- at[left]
    theta <- heat$theta[, left, drop = FALSE]
  }
  list(order = at, theta = theta)
}

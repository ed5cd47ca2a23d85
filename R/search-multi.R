# The search for families of several columns: what its race and its moves are, and runs that continue on more and more rows.

of_columns <- function(spec) !is.null(spec$columns)

# Runs from many starts, in heats.
race_multi <- function(problem, theta, kind) {
  if (problem$control$accelerate && ncol(theta) > 12L) return(run_heats(problem, theta, kind, c(20L, 10L)))
  run_field(problem, theta, kind, min(problem$control$max_iter, if (problem$control$accelerate) 500L else 5000L))
}

# Neighbours of a mixture (theta): two of its components merged, another split, as the rows would have it. NULL: there are none.
moves_multi <- function(theta, problem, most) {
  rows <- moving_rows(theta, problem)
  spec <- problem$spec
  pack_mixtures(moved_mixtures(mixture_of_blocks(unpack_core(theta, spec), spec$k), rows, most), spec)
}

# Mixtures of one component more than theta, or one less, the most promising first; for a problem `to` of so many.
resized_multi <- function(theta, problem, to, most) {
  spec <- problem$spec
  m <- mixture_of_blocks(unpack_core(theta, spec), spec$k)
  resize <- if (to$spec$k > spec$k) split_mixtures else merged_mixtures
  pack_mixtures(resize(m, moving_rows(theta, problem), most), to$spec)
}

# Columns of theta; NULL for none.
pack_mixtures <- function(mixtures, spec) {
  if (!length(mixtures)) return(NULL)
  do.call(rbind, unname(impose(bind_parameters(lapply(mixtures, function(m) lapply(m, as.vector))), spec)))
}

# Rows on which moves are weighed: whole ones, in the core's units, with the probabilities of their components.
moving_rows <- function(theta, problem) {
  d <- problem$data$columns
  at <- unique(golden_rows(NROW(problem$data$x), max(move_rows, 40L * (d + 1L))))
  data <- problem$data
  if (length(at) < nrow(data$x)) {
    data[c("x", "weight", "label")] <- lapply(data[c("x", "weight", "label")], take_rows, at)
  }
  x <- data$x * rep(data$factor, each = nrow(data$x)) - rep(data$shift, each = nrow(data$x))
  p <- .Call(C_emix_evaluate, data, problem$model, 1L, theta, 1L)$posterior
  rows <- list(x = x, w = or_default(data$weight, rep(1, nrow(x))), p = matrix(p, nrow(x)), many = problem$many)
  if (anyNA(x)) rows$x <- mixed_values(x, rows$p, mixture_of_blocks(unpack_core(theta, problem$spec), problem$spec$k))
  rows
}

# A structure of few parameters within a structure: under it a part of the rows has no room for chance clusters. NULL: it has few itself.
simpler_structure <- function(cov) {
  switch(cov, EII = , VII = , EEI = , EEE = NULL, VEI = , EVI = , VVI = "EEI", "EEE")
}

# Runs that begin where others, from some of the starts (theta), ended under a simpler structure: as many as `most`, with no
# step of their own yet. NULL: there is no such structure, covariances are held, or components differ in these alone.
plain_runs <- function(problem, theta, kind, most = 6L) {
  spec <- problem$spec
  cov <- simpler_structure(spec$family$cov)
  if (spec$k < 2L || is.null(cov) || any(spec$held$cov) || "mean" %in% spec$equal) return(NULL)
  simple <- problem
  simple$spec$family <- mvnormal_family(list(cov = cov))
  simple$model$options[1L] <- match(cov, covariance_structures) - 1
  simple$coarse <- simple
  some <- utils::head(which(!kind %in% c("within", "axis", "shells")), 24L)
  starts <- mvnormal_conform(unpack_field(theta[, some, drop = FALSE], spec), simple$spec)
  ended <- run_heats(simple, do.call(rbind, unname(starts)), kind[some], c(12L, most), c(10L, 25L, 100L))
  best <- distinct_runs(ended, rank_runs(ended), most)
  if (!length(best)) return(NULL)
  run_field(problem, ended$theta[, best, drop = FALSE], rep("simpler", length(best)), 0L)
}

# Which runs of a part go on: a few of the highest, a few that may have chance clusters and are higher than all others (on more
# rows they need not be chance), and those from a simpler structure, however low: on few rows for each parameter heights are
# those of chance.
runs_ahead <- function(field, most) {
  order <- distinct_runs(field, rank_runs(field), 4L * most)
  unit <- field$unit[1L]
  plain <- which(field$kind == "simpler" & field$status == 0L)
  order <- setdiff(order, plain)
  sound <- order[!field$spurious[order]]
  doubtful <- order[field$spurious[order]]
  sound <- utils::head(sound[field$objective[sound] >= max(field$objective[sound], -Inf) - 20 * unit], most)
  doubtful <- utils::head(doubtful[field$objective[doubtful] > max(field$objective[sound], -Inf)], most %/% 2L)
  c(sound, doubtful, utils::head(plain, most - 1L))
}

# Sizes of the parts on which runs go on, the last of all rows: the first has rows enough for all free parameters. None of
# more than 8 MB: a part is a copy.
growing_parts <- function(part, all, df, columns = 1L) {
  n <- max(4 * part, 20 * df)
  sizes <- numeric(0)
  while (2.5 * n <= all && n * columns <= 1e6) {
    sizes <- c(sizes, n)
    n <- 4 * n
  }
  c(sizes, all)
}

# Seconds, roughly, of an evaluation without scores.
step_seconds <- function(problem) NROW(problem$data$x) * problem$model$k * (2 + problem$data$columns^2 / 16) * 1e-9

# How many runs go on, how many to the end, and how many steps each is given before these are chosen: more where they cost
# little.
runs_to_grow <- function(problem) as.integer(min(max(1.5e-3 / step_seconds(problem), 4), 10))
runs_to_finish <- function(problem) if (step_seconds(problem) < 1e-3) 2L else 1L
screen_steps <- function(problem, runs) as.integer(min(max(0.5 / (runs * step_seconds(problem)), 30), 200))

# Which runs of a part are left: of the same height as the best but for what steps to come may add; with enough rows none that
# may have a chance cluster, where another has none. `most` (0: of a part, from which the best of a simpler structure go on too).
left_ahead <- function(heat, enough, most) {
  rank <- distinct_runs(heat, rank_runs(heat), 12L)
  if (!length(rank)) return(rank)
  margin <- if (all(heat$converged[rank])) 3 else 10
  left <- rank[heat$objective[rank] >= heat$objective[rank[1L]] - margin * heat$unit[1L]]
  if (enough && !heat$spurious[rank[1L]]) left <- left[!heat$spurious[left]]
  if (most > 0L) return(utils::head(left, most))
  union(utils::head(left, 3L), utils::head(rank[heat$kind[rank] == "simpler"], 2L))
}

# Runs that ended on a part of the rows continue on larger parts, the fewer of them the larger the part: which are left, the
# best first, where they are, and the field with their evaluations. `problem_of` makes the problem of some rows.
grow_runs <- function(field, part, rows, whole, problem_of) {
  df <- count_df(whole$spec)
  sizes <- growing_parts(part$n, rows$n, df, NCOL(rows$x))
  at <- NULL
  for (n in sizes) {
    collect_garbage(whole$many, full = TRUE)
    all <- n == rows$n
    say_doing("the best continue on ", counted(n, "row"))
    ground <- if (all) whole else problem_of(pick_rows(rows, n))
    if (is.null(at)) {
      at <- runs_ahead(field, runs_to_grow(ground))
      theta <- field$theta[, at, drop = FALSE]
    }
    if (length(at) < 2L) break
    # On few rows for each parameter the way to the end is one to chance clusters.
    steps <- if (all) screen_steps(ground, length(at)) else if (n < 200 * df) 30L else 60L
    heat <- run_field(ground, theta, field$kind[at], min(steps, whole$control$max_iter), tol = 0.01, resumes = TRUE)
    field[c("iterations", "evaluations")] <- Map(function(v, more) replace(v, at, v[at] + more),
      field[c("iterations", "evaluations")], heat[c("iterations", "evaluations")])
    left <- left_ahead(heat, n >= 50 * df, if (all) runs_to_finish(ground) else 0L)
    if (!length(left)) break
    at <- at[left]
    theta <- heat$theta[, left, drop = FALSE]
  }
  list(order = at, theta = theta, field = field)
}

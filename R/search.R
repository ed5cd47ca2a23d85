# The search for the best maximum: a race of starts, then moves away from its winner.
#
# A field is a list: theta and from (where each run is and where it began, a column each), objective, status, converged, iterations,
# evaluations, flat, gain (one value per run), kind.

status_names <- c("ok", "collapsed", "impossible", "diverged")

# Log-likelihoods this close are of one maximum.
same_maximum <- 1e-6

# Where rows x components x starts is at most this, every start is run to its end.
full_effort <- 1e5

# Everything the core needs for one set of rows.
new_problem <- function(rows, spec, affine, control, prior = NULL) {
  list(
    data = core_data(rows, affine),
    model = core_model(spec, rows, prior, control$estep == "hard"),
    control = list(accelerate = control$accelerate, tol = control$tol, max_iter = control$max_iter,
      threads = usable_threads(control), trace = control$trace, progress = control$progress,
      offset = row_offset(rows, spec$family, affine) + or_default(prior$offset, 0))
  )
}

run_em <- function(problem, theta, trace = FALSE) {
  control <- problem$control
  control$trace <- trace
  .Call(C_emix_run, problem$data, problem$model, control, theta)
}

# Runs from every column of theta, silently.
run_field <- function(problem, theta, kind, max_iter, accelerate = problem$control$accelerate,
                      tol = problem$control$tol) {
  control <- problem$control
  control[c("max_iter", "accelerate", "tol")] <- list(as.integer(max_iter), accelerate, tol)
  control$trace <- control$progress <- FALSE
  c(.Call(C_emix_race, problem$data, problem$model, control, theta), list(kind = kind, from = theta))
}

# A field whose runs go on from where those of `before` ended.
go_on <- function(field, before) {
  field$from <- before$from
  field$iterations <- field$iterations + before$iterations
  field$evaluations <- field$evaluations + before$evaluations
  field
}

take_runs <- function(field, at) {
  lapply(field, function(v) if (is.matrix(v)) v[, at, drop = FALSE] else v[at])
}

join_fields <- function(a, b) {
  if (is.null(a)) return(b)
  if (is.null(b)) return(a)
  Map(function(x, y) if (is.matrix(x)) cbind(x, y) else c(x, y), a, b[names(a)])
}

# Runs in order of merit: ended well, not spurious, high; of equal height the first.
rank_runs <- function(field, spurious = rep(FALSE, length(field$objective))) {
  height <- ifelse(field$status == 0L, field$objective, -Inf)
  level <- height
  order <- order(height, decreasing = TRUE)
  for (i in order[-1L]) {
    before <- order[match(i, order) - 1L]
    if (is.finite(height[i]) && height[before] - height[i] < same_maximum) level[i] <- level[before]
  }
  order <- order(spurious, -level, seq_along(level))
  order[field$status[order] == 0L]
}

spurious_runs <- function(field, spec, total) {
  vapply(seq_along(field$objective), function(s) {
    field$status[s] == 0L && any(spec$family$spurious(unpack_core(field$theta[, s], spec), total, spec))
  }, NA)
}

unpack_core <- function(theta, spec) {
  blocks <- c("prop", spec$family$blocks)
  stats::setNames(lapply(seq_along(blocks), function(b) theta[(b - 1L) * spec$k + seq_len(spec$k)]), blocks)
}

pack_starts <- function(parameters, spec, affine) {
  size <- spec$k * (1L + length(spec$family$blocks))
  matrix(vapply(parameters, pack, double(size), spec$family, affine), nrow = size)
}

# The best of each group of runs that ended in one place, at most `most`.
distinct_runs <- function(field, order, most) {
  kept <- integer(0)
  for (s in order) {
    if (!any(abs(field$objective[kept] - field$objective[s]) < 1e-4)) kept <- c(kept, s)
    if (length(kept) == most) break
  }
  kept
}

# Every start to its end where that costs little; otherwise in heats.
race <- function(problem, theta, kind, effort, spec, total) {
  if (problem$control$accelerate && effort > full_effort && ncol(theta) > 12L) {
    return(run_heats(problem, theta, kind, spec, total, c(14L, 7L)))
  }
  run_field(problem, theta, kind, min(problem$control$max_iter, if (problem$control$accelerate) 500L else 5000L))
}

# A field run in heats: a few steps from every column, of which the best that differ go on.
run_heats <- function(problem, theta, kind, spec, total, widths = c(8L, 3L), steps = c(10L, 25L, 300L)) {
  out <- before <- NULL
  for (heat in seq_along(steps)) {
    last <- heat == length(steps)
    field <- run_field(problem, theta, kind, min(problem$control$max_iter, steps[heat]), tol = if (last) 1e-4 else 0.01)
    if (!is.null(before)) field <- go_on(field, before)
    on <- if (last) seq_along(kind) else
      distinct_runs(field, rank_runs(field, spurious_runs(field, spec, total)), widths[heat])
    if (!length(on)) on <- seq_along(kind)
    if (last || length(on) == length(kind) && all(field$status != 0L)) return(join_fields(field, out))
    left <- take_runs(field, setdiff(seq_along(kind), on))
    left$converged <- left$converged & left$gain <= 1e-4
    out <- join_fields(out, left)
    before <- take_runs(field, on)
    theta <- before$theta
    kind <- before$kind
  }
}

# Moves from the best run so far: two components merged, another split (Ueda, Nakano,
# Ghahramani & Hinton 2000), as long as that finds a better one.
improve <- function(field, problem, spec, total, rounds = 6L) {
  if (spec$k < 3L || !may_move(spec) || !is.null(problem$data$label)) return(field)
  for (round in seq_len(rounds)) {
    spurious <- spurious_runs(field, spec, total)
    best <- rank_runs(field, spurious)[1L]
    if (is.na(best)) break
    moved <- merge_split(unpack_core(field$theta[, best], spec), spec)
    if (!length(moved)) break
    theta <- vapply(moved, function(p) as.double(unlist(p, use.names = FALSE)), double(nrow(field$theta)))
    new <- run_heats(problem, theta, rep("merge-split", ncol(theta)), spec, total)
    flags <- spurious_runs(new, spec, total)
    better <- rank_runs(new, flags)[1L]
    won <- !is.na(better) && better_run(list(spurious = flags[better], objective = new$objective[better] - 1e-4),
      list(spurious = spurious[best], objective = field$objective[best]))
    field <- join_fields(field, new)
    if (!won) break
  }
  field
}

# May components be exchanged? Not where fixed values tell them apart.
may_move <- function(spec) {
  all(vapply(spec$values, function(v) all(is.na(v)) || length(unique(v)) == 1L, NA))
}

# Up to `most` parameter sets: neighbours merged and another component split, in each way that the
# family knows; cheapest merges with the largest splits first.
merge_split <- function(parameters, spec, most = 48L) {
  k <- spec$k
  order <- spec$family$order(parameters)
  moves <- expand.grid(merge = seq_len(k - 1L), split = seq_len(k), way = seq_len(spec$family$split_ways))
  moves <- moves[moves$split != moves$merge & moves$split != moves$merge + 1L, ]
  closeness <- vapply(seq_len(k - 1L), function(i) {
    spec$family$closeness(parameters, order[i], order[i + 1L])
  }, 0)
  score <- rank(-closeness)[moves$merge] + rank(-parameters$prop[order])[moves$split]
  moves <- moves[utils::head(order(score), most), ]
  lapply(seq_len(nrow(moves)), function(i) {
    at <- order[c(moves$merge[i], moves$merge[i] + 1L, moves$split[i])]
    merged <- spec$family$merge(parameters, at[1L], at[2L])
    impose(spec$family$split(merged, at[3L], at[2L], moves$way[i]), spec)
  })
}

# The fit: the best run on all rows, with the field that it came from.
run_starts <- function(rows, spec, affine, control, starts, prior = NULL) {
  theta <- pack_starts(starts$parameters, spec, affine)
  problem <- new_problem(rows, spec, affine, control, prior)
  total <- effective_rows(rows)
  if (ncol(theta) == 1L) {
    best <- leave_ridge(run_em(problem, theta[, 1L], control$trace), problem, spec)
    best$field <- c(best[c("objective", "status", "converged", "iterations", "evaluations", "flat", "gain")],
      list(theta = matrix(best$theta), kind = starts$kind, from = theta))
    best$height <- best$objective
    best$spurious <- best$status == 0L && spurious_runs(best$field, spec, total)
    return(best)
  }
  part <- some_rows(rows, spec$family)
  all_rows <- part$n == rows$n
  small <- if (all_rows) problem else new_problem(part, spec, affine, control, prior)
  field <- race(small, theta, starts$kind, part$n * spec$k * ncol(theta), spec, total)
  if (control$accelerate) field <- improve(field, small, spec, total)
  finish(field, problem, spec, total, control, all_rows)
}

# The best few on all rows, to the end. Without a run that ends well, the commonest failure.
finish <- function(field, problem, spec, total, control, all_rows) {
  spurious <- spurious_runs(field, spec, total)
  best <- NULL
  tried <- 0L
  for (s in distinct_runs(field, rank_runs(field, spurious), 12L)) {
    # Three that are near in height, and more only as long as all are spurious on all rows.
    far <- tried >= 3L || (!is.null(best) && field$objective[s] < best$height - 5)
    if (far && !is.null(best) && !best$spurious) break
    tried <- tried + 1L
    run <- run_em(problem, field$theta[, s])
    if (run$status == 0L) {
      run$spurious <- any(spec$family$spurious(unpack_core(run$theta, spec), total, spec))
      run$iterations <- run$iterations + field$iterations[s]
      run$evaluations <- run$evaluations + field$evaluations[s]
      run$from <- field$from[, s]
      run$height <- field$objective[s]
      if (is.null(best) || better_run(run, best)) best <- run
      field$converged[s] <- run$converged
    }
    field$status[s] <- run$status
  }
  if (!is.null(best)) best <- leave_ridge(best, problem, spec)
  if (!is.null(best) && control$trace) best <- trace_best(best, problem, same_maximum)
  if (is.null(best)) best <- list(status = max(1L, min(field$status)), row = 0, component = 0L)
  best$field <- field
  best$all_rows <- all_rows
  best
}

# Components of equal parameters, as a list of groups.
coinciding <- function(parameters, spec) {
  if (spec$k < 2L) return(list())
  order <- spec$family$order(parameters)
  near <- vapply(seq_len(spec$k - 1L), function(i) {
    both <- order[c(i, i + 1L)]
    all(parameters$prop[both] > 0) && spec$family$coincide(parameters, both[1L], both[2L])
  }, NA)
  groups <- split(order, cumsum(c(TRUE, !near)))
  unname(groups[lengths(groups) > 1L])
}

# A run that ended where components coincide is on a ridge or a saddle, some without curvature. They
# are moved apart; where that does not lead higher, the end is flat, and said to be.
leave_ridge <- function(run, problem, spec) {
  plain <- !run$converged || !problem$control$accelerate || !is.null(problem$data$label)
  if (run$status != 0L || plain || spec$k < 2L) return(run)
  parameters <- unpack_core(run$theta, spec)
  groups <- coinciding(parameters, spec)
  if (!length(groups)) return(run)
  free <- free_blocks(spec)
  for (group in groups) parameters <- spec$family$apart(parameters, group, free, 3)
  theta <- as.double(unlist(impose(parameters, spec), use.names = FALSE))
  again <- run_em(problem, theta, problem$control$trace)
  higher <- again$status == 0L && again$objective > run$objective + same_maximum
  if (!higher) {
    run$flat <- TRUE
    return(run)
  }
  again$iterations <- again$iterations + run$iterations
  again$evaluations <- again$evaluations + run$evaluations
  utils::modifyList(run, c(again, list(from = theta)))
}

# Classification EM climbs another objective: the likelihood where it ended is asked for.
soft_likelihood <- function(run, rows, spec, affine, control, prior) {
  control[c("estep", "max_iter", "trace")] <- list("soft", 0L, FALSE)
  ended <- run_em(new_problem(rows, spec, affine, control, prior), run$theta)
  ended$likelihood + row_offset(rows, spec$family, affine)
}

# The best run again with its iterates kept: from where it began, or, should that lead elsewhere
# (the race was on fewer points), from where it ended.
trace_best <- function(best, problem, near) {
  again <- run_em(problem, best$from, TRUE)
  if (again$status != 0L || abs(again$objective - best$objective) > near) again <- run_em(problem, best$theta, TRUE)
  kept <- best[c("flat", "iterations", "evaluations")]
  utils::modifyList(utils::modifyList(best, again), kept)
}

better_run <- function(run, best) {
  if (run$spurious != best$spurious) return(best$spurious)
  run$objective > best$objective + same_maximum
}

# The search for the best maximum: a race of starts, then moves away from its winner.
#
# A field is a list: theta and from (where each run is and where it began, a column each), objective, status, converged, iterations,
# evaluations, flat, gain (one value per run), kind, spurious (may it have a chance cluster, so that others go before it), unit (of
# differences of the objective).

status_names <- c("ok", "collapsed", "impossible", "diverged")

# Log-likelihoods this close are of one maximum.
same_maximum <- 1e-6

# Where rows x components x starts is at most this, every start is run to its end.
full_effort <- 1e5

# Seconds, roughly, after which no further run is finished in the hope of one that is not spurious.
finish_seconds <- 2

# Everything the core needs for one set of rows.
new_problem <- function(rows, spec, affine, control, prior = NULL) {
  model <- core_model(spec, rows, prior, control$estep == "hard")
  # Moves work on the core's parameters: what is held goes there too.
  spec$values <- spec$family$to_core(spec$values, affine)
  list(
    spec = spec,
    total = effective_rows(rows),
    many = beside_many(rows$raw),
    unit = row_unit(rows),
    avoid = !allows_chance(control),
    data = core_data(rows, affine),
    model = model,
    control = core_control(control, usable_threads(control, as.double(rows$n) * spec$k * control$starts),
      row_offset(rows, spec$family, affine) + or_default(prior$offset, 0))
  )
}

# To start threads, and to have them wait for each other, costs as much as some thousand rows.
few_threads <- function(problem, times) {
  work <- as.double(NROW(problem$data$x)) * problem$spec$k * times
  if (problem$control$auto && work < much_work) 1L else problem$control$threads
}

run_em <- function(problem, theta, trace = FALSE) {
  control <- problem$control
  control$trace <- trace
  control$threads <- few_threads(problem, 1)
  .Call(C_emix_run, problem$data, problem$model, control, theta)
}

# Runs from every column of theta.
run_field <- function(problem, theta, kind, max_iter, tol = problem$control$tol, progress = FALSE, rough = FALSE,
  resumes = FALSE) {
  collect_garbage(problem$many)
  control <- problem$control
  control[c("max_iter", "tol", "progress", "trace", "rough", "resumes")] <-
    list(as.integer(max_iter), tol, progress, FALSE, rough, resumes)
  # Few runs take all the steps that they may.
  control$threads <- few_threads(problem, NCOL(theta) * min(max_iter, 100) / 10)
  field <- c(.Call(C_emix_race, problem$data, problem$model, control, theta), list(kind = kind, from = theta))
  field$status[field$status == 0L & !is.finite(field$objective)] <- 3L
  field$spurious <- spurious_runs(field, problem)
  field$unit <- rep(problem$unit, length(field$objective))
  field
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
rank_runs <- function(field) {
  height <- ifelse(field$status == 0L, field$objective, -Inf)
  level <- height
  order <- order(height, decreasing = TRUE)
  for (i in order[-1L]) {
    before <- order[match(i, order) - 1L]
    if (is.finite(height[i]) && height[before] - height[i] < same_maximum * field$unit[i]) level[i] <- level[before]
  }
  order <- order(field$spurious, -level)
  order[field$status[order] == 0L]
}

# Which runs are to be avoided, as they may have a chance cluster.
spurious_runs <- function(field, problem) {
  if (!problem$avoid) return(rep(FALSE, length(field$status)))
  spec <- problem$spec
  spurious <- field$status == 0L
  if (any(spurious)) {
    ended <- as.matrix(field$theta)[, spurious, drop = FALSE]
    spurious[spurious] <- spec$family$spurious(unpack_field(ended, spec), problem$total, spec)
  }
  spurious
}

# theta by block: vectors, or matrices of a column per run.
unpack_core <- function(theta, spec) lapply(unpack_field(as.matrix(theta), spec), as.vector)

unpack_field <- function(theta, spec) {
  lapply(block_places(spec$sizes, spec$k), function(at) theta[at, , drop = FALSE])
}

pack_starts <- function(parameters, spec, affine) {
  core <- spec$family$to_core(parameters, affine)
  do.call(rbind, unname(lapply(core[c("prop", spec$family$blocks)], as.matrix)))
}

# The best of each group of runs that ended in one place, at most `most`.
distinct_runs <- function(field, order, most) {
  kept <- integer(0)
  for (s in order) {
    if (!any(abs(field$objective[kept] - field$objective[s]) < 1e-4 * field$unit[s])) kept <- c(kept, s)
    if (length(kept) == most) break
  }
  kept
}

# Every start to its end where that costs little; otherwise in heats.
race <- function(problem, theta, kind, effort) {
  if (of_columns(problem$spec)) return(race_multi(problem, theta, kind))
  if (problem$control$accelerate && effort > full_effort && ncol(theta) > 12L) {
    return(run_heats(problem, theta, kind, c(14L, 7L)))
  }
  run_field(problem, theta, kind, min(problem$control$max_iter, if (problem$control$accelerate) 500L else 5000L))
}

# A field run in heats: a few steps from every column, of which the best that differ go on.
run_heats <- function(problem, theta, kind, widths = c(8L, 3L), steps = c(10L, 25L, 300L)) {
  out <- before <- NULL
  for (heat in seq_along(steps)) {
    last <- heat == length(steps)
    field <- run_field(if (heat == 1L) problem$coarse else problem, theta, kind,
      min(problem$control$max_iter, steps[heat]), tol = if (last) 1e-4 else 0.01, rough = heat == 1L, resumes = heat > 1L)
    if (!is.null(before)) field <- go_on(field, before)
    on <- if (last) seq_along(kind) else distinct_runs(field, rank_runs(field), widths[heat])
    if (!length(on)) on <- seq_along(kind)
    if (last || length(on) == length(kind) && all(field$status != 0L)) return(join_fields(field, out))
    left <- take_runs(field, setdiff(seq_along(kind), on))
    if (heat == 1L && !identical(problem$coarse$data, problem$data)) left <- raise_to(problem, left)
    left$converged <- left$converged & left$gain <= 1e-4
    out <- join_fields(out, left)
    before <- take_runs(field, on)
    theta <- before$theta
    kind <- before$kind
  }
}

# Runs that ended on coarse points: where they are, but as high as the problem's own points have it. Heights on
# points of two kinds do not compare.
raise_to <- function(problem, field) {
  for (s in which(field$status == 0L)) {
    at <- .Call(C_emix_step, problem$data, problem$model, 1L, field$theta[, s])
    field$objective[s] <- at$objective + problem$control$offset
    field$status[s] <- if (at$status == 0L && !is.finite(at$objective)) 3L else at$status
  }
  field$converged[] <- FALSE
  field$gain[] <- Inf
  field
}

# Moves from the highest run from which none were made: two components merged, another split (Ueda,
# Nakano, Ghahramani & Hinton 2000). From the best, as long as that finds a better one; then once each
# from the next `others`, which may lie nearer to what is still hidden.
improve <- function(field, problem) {
  spec <- problem$spec
  columns <- of_columns(spec)
  # The work of a run grows with the cube of k: many components get fewer moves.
  many <- spec$k > 10L
  rounds <- if (many) 2L else 6L
  others <- if (many) 0L else 2L
  most <- if (columns) 40L else if (many) max(8L, 640L %/% spec$k) else 64L
  if (spec$k < 3L || !may_move(spec) || !is.null(problem$data$label)) return(field)
  moved_from <- numeric(0)
  lost <- 0L
  for (round in seq_len(rounds + others)) {
    order <- rank_runs(field)
    best <- order[1L]
    fresh <- order[!near_any(field$objective[order], moved_from, 1e-3 * problem$unit)]
    if (lost > 0L) fresh <- fresh[field$spurious[fresh] == field$spurious[best]]
    if (!length(fresh) || field$objective[fresh[1L]] < field$objective[best] - 10 * problem$unit) break
    from <- fresh[1L]
    say_doing("moves from the best, round ", round)
    moved_from <- c(moved_from, field$objective[from])
    collect_garbage(problem$many, full = TRUE)
    theta <- if (columns) moves_multi(field$theta[, from], problem, most) else
      merge_split(unpack_core(field$theta[, from], spec), spec, most)
    if (is.null(theta)) next
    new <- run_heats(problem, theta, rep("merge-split", ncol(theta)))
    better <- rank_runs(new)[1L]
    # What rises by less than a tenth may be more of the same ridge.
    won <- !is.na(better) &&
      better_run(list(spurious = new$spurious[better], objective = new$objective[better]),
        list(spurious = field$spurious[best], objective = field$objective[best]), 0.1 * problem$unit)
    field <- join_fields(field, new)
    lost <- if (won) 0L else lost + 1L
    if (lost > others) break
  }
  field
}

near_any <- function(values, known, distance) {
  vapply(values, function(v) any(abs(known - v) < distance), NA)
}

# May components be exchanged? Not where fixed values tell them apart.
may_move <- function(spec) {
  all(vapply(names(spec$values), function(b) {
    v <- spec$values[[b]]
    all(is.na(v)) || count_distinct(v, spec$sizes[[b]]) == 1L
  }, NA))
}

# Up to `most` columns of theta: neighbours merged and another component split, in each way that the
# family knows; cheapest merges with the largest splits first.
merge_split <- function(parameters, spec, most) {
  k <- spec$k
  order <- spec$family$order(parameters)
  moves <- expand.grid(merge = seq_len(k - 1L), split = seq_len(k), way = seq_len(spec$family$split_ways))
  moves <- moves[moves$split != moves$merge & moves$split != moves$merge + 1L, ]
  closeness <- vapply(seq_len(k - 1L), function(i) {
    spec$family$closeness(parameters, order[i], order[i + 1L])
  }, 0)
  score <- rank(-closeness)[moves$merge] + rank(-parameters$prop[order])[moves$split]
  moves <- moves[utils::head(order(score), most), ]
  merged <- lapply(seq_len(k - 1L), function(i) spec$family$merge(parameters, order[i], order[i + 1L]))
  moved <- lapply(seq_len(nrow(moves)), function(i) {
    spec$family$split(merged[[moves$merge[i]]], order[moves$split[i]], order[moves$merge[i] + 1L], moves$way[i])
  })
  do.call(rbind, unname(impose(bind_parameters(moved), spec)))
}

# The fit: the best run on all rows, with the field that it came from.
run_starts <- function(rows, part, spec, affine, control, starts, prior = NULL) {
  theta <- pack_starts(starts$parameters, spec, affine)
  problem <- new_problem(rows, spec, affine, control, prior)
  if (ncol(theta) == 1L) {
    best <- run_one(rows, problem, theta[, 1L], control)
    best$field <- c(best[c("objective", "status", "converged", "iterations", "evaluations", "flat", "gain")],
      list(theta = matrix(best$theta), kind = starts$kind, from = theta))
    best$height <- best$objective
    best$spurious <- best$field$spurious <- spurious_runs(best$field, problem)
    return(best)
  }
  problem_of <- function(some) new_problem(some, spec, affine, of_part(control), prior)
  small <- race_problem(rows, part, problem, problem_of)
  say_doing(ncol(theta), " starts on ", counted(part$n, "row"))
  field <- race(small, theta, starts$kind, part$n * spec$k * ncol(theta))
  if (control$accelerate) field <- improve(field, small)
  if (goes_on(spec, rows, part, control)) field <- join_fields(field, plain_runs(small, theta, starts$kind))
  end_race(field, rows, part, problem, problem_of, control)
}

# What stands out on a part of the rows need not on all: there chance clusters are always avoided.
of_part <- function(control) utils::modifyList(control, list(spurious = "avoid"))

allows_chance <- function(control) identical(control$spurious, "allow")

# Do runs from a part of the rows continue on larger parts?
goes_on <- function(spec, rows, part, control) of_columns(spec) && part$n < rows$n && control$accelerate

# The problem on which starts are raced, with that of their first steps.
race_problem <- function(rows, part, problem, problem_of) {
  small <- if (part$n == rows$n) problem else problem_of(part)
  coarse <- some_rows(part, problem$spec$family, coarse_points)
  small$coarse <- if (coarse$n < part$n) problem_of(coarse) else small
  small
}

# The best runs of a race, on all rows to the end.
end_race <- function(field, rows, part, problem, problem_of, control) {
  spec <- problem$spec
  best <- if (may_use_nodes(rows, spec, control)) finish_on_nodes(field, rows, problem, control)
  ahead <- if (goes_on(spec, rows, part, control)) grow_runs(field, part, rows, problem, problem_of)
  if (is.null(best)) best <- finish(field, problem, problem, control, ahead)
  best$all_rows <- part$n == rows$n
  best
}

# The best few on `ground` (all rows, or nodes), to the end. Without a run that ends well, the commonest
# failure. `ahead`: runs that have gone on meanwhile, in order of merit, and where they are.
finish <- function(field, ground, problem, control, ahead = NULL) {
  spec <- problem$spec
  best <- NULL
  walks <- 0
  order <- distinct_runs(field, rank_runs(field), 12L)
  # Three that are near in height, and more only as long as all are spurious on all rows, and time is left.
  near <- order[field$objective[order] >= field$objective[order[1L]] - 5 * problem$unit]
  first <- utils::head(near, 3L)
  theta <- field$theta
  if (length(ahead$order)) {
    field <- ahead$field
    first <- utils::head(ahead$order, 2L)
    theta[, ahead$order] <- ahead$theta
  }
  collect_garbage(problem$many, full = TRUE)
  for (batch in c(list(first), as.list(setdiff(order, first)))) {
    if (!length(batch) || (!is.null(best) && !best$spurious) || walks * seconds_of(ground) > finish_seconds) break
    ended <- run_field(ground, theta[, batch, drop = FALSE], field$kind[batch], control$max_iter,
      progress = control$progress, resumes = control$max_iter > 10L)
    walks <- walks + sum(ended$evaluations)
    ended <- go_on(ended, take_runs(field, batch))
    for (i in which(ended$status == 0L)) {
      run <- c(take_runs(ended, i), list(height = field$objective[batch[i]]))
      run[c("theta", "from")] <- lapply(run[c("theta", "from")], as.vector)
      if (is.null(best) || better_run(run, best, same_maximum * problem$unit)) best <- run
      field$converged[batch[i]] <- run$converged
    }
    field$status[batch] <- ended$status
  }
  if (!is.null(best)) best <- leave_saddle(leave_ridge(best, ground), ground)
  if (!is.null(best) && control$trace) best <- trace_best(best, problem, same_maximum * problem$unit)
  if (is.null(best)) best <- list(status = max(1L, min(field$status)), row = 0, component = 0L)
  # A race does not say which row it was that no component allows.
  if (best$status == 2L) best$row <- run_em(problem, field$from[, which(field$status == 2L)[1L]])$row
  best$field <- field
  best
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
  kept <- best[c("flat", "converged", "gain", "iterations", "evaluations")]
  utils::modifyList(utils::modifyList(best, again), kept)
}

better_run <- function(run, best, least) {
  if (run$spurious != best$spurious) return(best$spurious)
  run$objective > best$objective + least
}

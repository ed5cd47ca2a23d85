# Ends that may be no maxima, and the ways on from there: components that coincide are moved apart,
# empty ones put where they would grow.

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

# Empty components that could grow elsewhere: their proportion and something of their own is free.
growing <- function(parameters, spec) {
  which(parameters$prop == 0 & !spec$held$prop & Reduce(`|`, free_blocks(spec)))
}

# With more components than this nothing is accelerated, and no ways are tried.
most_led <- 200L

# A run that ended where components coincide is on a ridge or a saddle, some without curvature; one
# that ended with an empty component is at no maximum as long as that would grow somewhere else.
# Where no way leads to a higher end, this one is flat, and said to be. From a saddle even a chance cluster
# is a way; where there is none but to a collapse, the run has not converged.
leave_ridge <- function(run, problem, rounds = 10L) {
  spec <- problem$spec
  if (run$status != 0L || spec$k < 2L) return(run)
  leads <- problem$control$accelerate && spec$k <= most_led
  distinct <- problem$model$hard || !is.null(problem$data$label)
  saddle <- FALSE
  for (round in seq_len(rounds)) {
    if (!run$converged) return(run)
    parameters <- unpack_core(run$theta, spec)
    empty <- growing(parameters, spec)
    groups <- if (!distinct) alike(parameters, run$flat && !length(empty), spec)
    if (!length(groups) && !length(empty)) return(run)
    again <- if (leads) {
      lead_higher(cbind(ways_apart(parameters, groups, spec), ways_to_grow(parameters, empty, problem)),
        run, problem, if (length(groups)) same_maximum else problem$control$tol)
    }
    if (is.null(again) || again$by_chance) {
      saddle <- spec$k <= most_led && rises_near(ways_apart(parameters, groups, spec, 0.5), run, problem)
      if (!saddle || is.null(again)) break
    }
    saddle <- again$by_chance <- FALSE
    run <- again
  }
  # A prior tells where an empty component is to be.
  run$flat <- run$flat || length(groups) > 0L || (length(empty) > 0L && is.null(problem$model$prior_family))
  if (saddle) run[c("converged", "gain")] <- list(FALSE, Inf)
  run
}

# Components that coincide. Where it is flat for another reason: all of them, any may move.
alike <- function(parameters, flat, spec) {
  groups <- coinciding(parameters, spec)
  if (length(groups) || !flat) return(groups)
  list(intersect(spec$family$order(parameters), which(parameters$prop > 0)))
}

rises_near <- function(theta, run, problem) {
  if (is.null(theta) || !ncol(theta)) return(FALSE)
  field <- run_field(problem, theta, "apart", 20L)
  any(field$objective > run$objective + same_maximum * problem$unit)
}

# A part of the rows on which the ways are tried first. Of nodes (which may have negative weights) all are needed.
part_of <- function(problem) {
  n <- NROW(problem$data$x)
  if (n <= race_points || any(problem$data$weight < 0)) return(problem)
  at <- unique(golden_rows(n, race_points))
  columns <- c("x", "weight", "label")
  problem$data[columns] <- lapply(problem$data[columns], take_rows, at)
  problem
}

# Seconds, roughly, for all ways together; and what an evaluation with scores takes.
ways_seconds <- 3
seconds_of <- function(problem) {
  k <- problem$model$k
  each <- if (of_columns(problem$spec)) 10 + problem$data$columns^2 / 5 else 15 + k
  NROW(problem$data$x) * k * each * 1e-9
}

# Where each way (a column of theta) leads in that time: a list of where it begins (from), where it is then
# (to), and the best (at). Where that is not time enough, of fewer ways.
try_ways <- function(theta, problem) {
  evaluations <- ways_seconds / seconds_of(problem)
  ways <- unique(round(seq(1, ncol(theta), length.out = min(ncol(theta), max(2, evaluations %/% 30)))))
  theta <- theta[, ways, drop = FALSE]
  steps <- min(max(evaluations %/% ncol(theta), 10), 200, problem$control$max_iter)
  field <- run_field(problem, theta, "apart", steps, tol = 1e-4)
  list(from = theta, to = field$theta, at = distinct_runs(field, rank_runs(field), 3L))
}

# The way that leads highest, run to its end, if that is higher by `least` than where `run` ended; NULL if none
# is. `by_chance`: all that are higher are chance clusters, and `run` was none.
lead_higher <- function(theta, run, problem, least) {
  if (is.null(theta) || !ncol(theta)) return(NULL)
  small <- part_of(problem)
  if (NROW(small$data$x) < NROW(problem$data$x)) {
    first <- try_ways(theta, small)
    theta <- first$to[, first$at, drop = FALSE]
    if (!ncol(theta)) return(NULL)
  }
  ways <- try_ways(theta, problem)
  least <- max(least * problem$unit, 1e-13 * abs(run$objective))
  sound <- !spurious_runs(run[c("theta", "status")], problem)
  best <- NULL
  for (s in ways$at) {
    again <- run_em(problem, ways$from[, s], problem$control$trace)
    if (again$status != 0L || again$objective <= run$objective + least) next
    again$spurious <- spurious_runs(again, problem)
    if (!is.null(best) && again$spurious) next
    again$iterations <- again$iterations + run$iterations
    again$evaluations <- again$evaluations + run$evaluations
    best <- utils::modifyList(run, c(again, list(from = ways$from[, s], by_chance = again$spurious && sound)))
    if (!best$by_chance) break
  }
  best
}

as_column <- function(parameters, spec) as.double(unlist(impose(parameters, spec), use.names = FALSE))

# Groups of components that coincide, moved apart a little and far, in one parameter or in several,
# this way round or that: a saddle may be left by one of these alone.
ways_apart <- function(parameters, groups, spec, times = c(0.5, 1.5, 5, 10)) {
  if (!length(groups)) return(NULL)
  free <- free_blocks(spec)
  ways <- expand.grid(c(list(times), rep(list(-1:1), length(free))))
  theta <- vapply(seq_len(nrow(ways)), function(i) {
    moved <- parameters
    for (b in which(ways[i, -1L] != 0)) {
      only <- lapply(stats::setNames(names(free), names(free)), function(name) free[[name]] & name == names(free)[b])
      for (group in groups) {
        moved <- spec$family$apart(moved, if (ways[i, b + 1L] > 0) group else rev(group), only, ways[i, 1L])
      }
    }
    as_column(moved, spec)
  }, double(spec$k * sum(spec$sizes)))
  theta <- unique(theta, MARGIN = 2L)
  theta[, colSums(theta != as_column(parameters, spec)) > 0, drop = FALSE]
}

# Stretches of the rows in order, of a half to a 32nd of their weight, half a stretch from each to the next;
# and for families of spreads those far from the middle. A column each: the rows' weights within it.
stretches <- function(u, w, spreads) {
  place <- function(u) {
    order <- order(u)
    replace(u, order, (cumsum(w[order]) - w[order] / 2) / sum(w))
  }
  at <- place(u)
  width <- unlist(lapply(0:5, function(level) rep(2^-level, 2^(level + 1L) - 1L)))
  from <- unlist(lapply(0:5, function(level) seq(0, 1 - 2^-level, by = 2^-level / 2)))
  shares <- w * (outer(at, from, ">=") & outer(at, from + width, "<"))
  if (spreads) {
    far <- place(abs(u - stats::median(u)))
    shares <- cbind(shares, w * outer(far, c(0.5, 0.75, 0.9), ">="))
    width <- c(width, -1, -2, -3)
  }
  some <- colSums(shares) > 0
  list(shares = shares[, some, drop = FALSE], width = width[some])
}

core_rows_of <- function(data) {
  x <- if (is.matrix(data$x)) sweep(sweep(data$x, 2L, data$factor, "*"), 2L, data$shift) else
    data$x * data$factor - data$shift
  w <- or_default(data$weight, rep(1, NROW(x)))
  list(x = x, weight = w, n = NROW(x), about = c(sd = stats::sd(x)))
}

# The mixture as its rows see it: log density, and the probability of the components whose proportions are free.
mixture_of <- function(parameters, rows, label, spec) {
  live <- which(parameters$prop > 0)
  joint <- vapply(live, function(j) log(parameters$prop[j]) + component_density(parameters, j, rows, spec), double(rows$n))
  joint <- matrix(joint, rows$n)
  top <- do.call(pmax, as.list(as.data.frame(joint)))
  share <- exp(joint - top)
  free <- !spec$held$prop
  theirs <- rowSums(share[, free[live], drop = FALSE]) / rowSums(share)
  known <- which(label > 0L)
  theirs[known] <- free[label[known]]
  list(log = replace(top + log(rowSums(share)), known, Inf), theirs = theirs, left = sum(parameters$prop[free]))
}

component_density <- function(parameters, j, rows, spec) {
  spec$family$log_density(rows$x, lapply(parameters[spec$family$blocks], `[`, j))
}

# Rates at which rows gain when a new component takes a little from all whose proportion is free: with t for
# the new one, left f_t / f less the probability of theirs; a column for each of its places t (Lindsay 1983).
rates_of <- function(places, mixture, rows, spec) {
  ratio <- vapply(seq_along(places[[spec$family$required]]), function(t) {
    exp(pmin(component_density(places, t, rows, spec) - mixture$log, 600))
  }, double(rows$n))
  mixture$left * matrix(ratio, rows$n) - mixture$theirs
}

# The share of a new component that gains most of a few, and that gain; where none gains, a hundredth of a row,
# and the slope. For each column of rates.
best_shares <- function(rates, w) {
  slope <- colSums(w * rates)
  newton <- pmin(pmax(slope, 0) / pmax(colSums(w * rates^2), .Machine$double.xmin), 0.5)
  shares <- cbind(0.5, 0.2, 0.05, 0.01, newton)[seq_along(newton), , drop = FALSE]
  gains <- apply(shares, 2L, function(share) colSums(w * log1p(rates * rep(share, each = nrow(rates)))))
  gains <- matrix(gains, nrow = length(newton))
  at <- cbind(seq_along(newton), max.col(gains, "first"))
  list(share = pmax(shares[at], 0.01 / nrow(rates)), gain = ifelse(gains[at] > 0, gains[at], slope))
}

# Places for the empty component j: as stretches of the rows would have it, the best of each width. The weights
# are scaled up because an estimate may add something to them, to stay off a boundary.
places_to_grow <- function(parameters, j, rows, label, spec) {
  parts <- stretches(spec$family$coordinate(rows$x), pmax(rows$weight, 0) * 1e6, spec$family$spreads)
  places <- spec$family$estimate(rows, function(t) parts$shares[, t], ncol(parts$shares))
  own <- free_blocks(spec)
  for (b in names(own)) if (!own[[b]][j]) places[[b]][] <- parameters[[b]][j]
  best <- best_shares(rates_of(places, mixture_of(parameters, rows, label, spec), rows, spec), rows$weight)
  places$prop <- best$share
  order <- order(best$gain, decreasing = TRUE)
  lapply(places, `[`, order[!duplicated(parts$width[order])])
}

# Empty components in places where they may grow, as columns of theta: each place for itself, even where
# it gains nothing (one next to it may), and halves of the largest components.
ways_to_grow <- function(parameters, empty, problem) {
  if (!length(empty)) return(NULL)
  spec <- problem$spec
  data <- part_of(problem)$data
  rows <- core_rows_of(data)
  own <- free_blocks(spec)
  held <- do.call(paste, lapply(names(own), function(b) ifelse(own[[b]], "", parameters[[b]])[empty]))
  large <- utils::head(order(parameters$prop, decreasing = TRUE), 8L)
  halves <- expand.grid(from = large[parameters$prop[large] > 0], way = seq_len(spec$family$split_ways))
  size <- double(spec$k * sum(spec$sizes))
  ways <- lapply(empty[!duplicated(held)], function(j) {
    # Rows of several columns are not in order: there halves are the only ways.
    places <- if (!of_columns(spec)) places_to_grow(parameters, j, rows, data$label, spec)
    placed <- if (!is.null(places)) vapply(seq_along(places$prop), function(t) {
      moved <- parameters
      moved$prop <- ifelse(spec$held$prop, 1, 1 - places$prop[t]) * parameters$prop
      moved$prop[j] <- places$prop[t] * sum(parameters$prop[!spec$held$prop])
      for (b in names(own)) moved[[b]][j] <- places[[b]][t]
      as_column(moved, spec)
    }, size)
    split <- vapply(seq_len(nrow(halves)), function(i) {
      as_column(spec$family$split(parameters, halves$from[i], j, halves$way[i]), spec)
    }, size)
    cbind(placed, split)
  })
  do.call(cbind, ways)
}

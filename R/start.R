# Starting values that the user gives, and what all starts share.

# Points on which starts are made and raced.
race_points <- 1200L

# All rows, or where there are many a few points that stand for them: pairs need be fewer.
some_rows <- function(rows, family, most = race_points) {
  if (!is.null(family$cov)) most <- max(most, race_points_multi(ncol(rows$x)))
  if (rows$n <= most) return(rows)
  if (!family$smooth || !is.null(rows$label)) return(family$thin(rows, most))
  # So fine that a row's place within its stretch is known to a tenth or better; with very many rows no finer,
  # as the histogram would look at them twice.
  fine <- if (rows$n > 2^20) 8L else 16L
  pair_up(family$thin(rows, fine * most), 2L * most %/% 3L)
}

# Points in order as at most `most`, two for each stretch of them, with its moments up to the third (the Gauss
# rule): smooth functions have nearly the same sums over these. A stretch is one of many equal bins of the range
# within one of many equal parts of the weight, so that tails stay as they are, and the middle is fine.
pair_up <- function(rows, most) {
  x <- rows$x
  w <- row_weights(rows)
  if (is.unsorted(x)) {
    order <- order(x)
    x <- x[order]
    w <- w[order]
  }
  parts <- most %/% 4L
  width <- x[length(x)] / parts - x[1L] / parts
  if (!(width > 0)) return(rows)
  bin <- floor(x / width - x[1L] / width)
  part <- floor(cumsum(w) / sum(w) * parts * (1 - 1e-9))
  first <- which(c(TRUE, diff(bin) != 0 | diff(part) != 0))
  group <- rep(seq_along(first), diff(c(first, length(x) + 1L)))
  sums <- function(v) as.vector(rowsum(v, group))
  weight <- sums(w)
  u <- (x - x[first][group]) / width
  mean <- sums(w * u) / weight
  u <- u - mean[group]
  spread <- sqrt(sums(w * u^2) / weight)
  spread[spread < 1e-9] <- 0 # equal rows
  skew <- ifelse(spread > 0, sums(w * u^3) / weight / spread^3 / 2, 0)
  far <- sqrt(1 + skew^2)
  few <- tabulate(group) <= 2L
  upper <- weight * (1 - skew / far) / 2
  order <- order(c(group[first[!few]] * 2, group[first[!few]] * 2 + 1, group[few[group]] * 2))
  all <- function(low, high, own) c(low[!few], high[!few], own[few[group]])[order]
  last <- c(first[-1L] - 1L, length(x))
  at <- function(side) pmin(pmax(x[first] + (mean + spread * (skew + side * far)) * width, x[first]), x[last])
  rows[c("x", "weight")] <- list(all(at(-1), at(1), x), all(weight - upper, upper, w))
  rows$n <- length(rows$x)
  rows
}

# The first steps of a race are on fewer still.
coarse_points <- 400L

# An evenly spaced part.
spaced_rows <- function(rows, most) {
  n <- rows$n
  at <- round(seq(1, n, length.out = most))
  pick <- function(x) if (is.null(x)) NULL else if (is.matrix(x)) x[at, , drop = FALSE] else x[at]
  utils::modifyList(rows, list(x = pick(rows$x), weight = pick(rows$weight), label = pick(rows$label),
    n = length(at)), keep.null = TRUE)
}

# Differences of log-likelihoods are judged in units of what a row counts, at most 1.
row_unit <- function(rows) if (is.null(rows$raw$weight)) 1 else min(1, mean(rows$raw$weight))

row_weights <- function(rows) if (is.null(rows$weight)) rep(1, rows$n) else rows$weight

# Their sum, for which no vector is made.
total_weight <- function(rows) if (is.null(rows$weight)) rows$n else sum(rows$weight)

# Known labels overrule what a start supposes.
with_labels <- function(group, rows) {
  if (is.null(rows$label)) return(group)
  ifelse(rows$label > 0L, rows$label, group)
}

# Parameters from one group number per row; empty groups take one part in 1000 of every row.
from_groups <- function(group, rows, spec) {
  w <- row_weights(rows)
  group <- with_labels(group, rows)
  shares <- function(j) {
    s <- w * (group == j)
    if (sum(s) > 0) s else w / 1000
  }
  impose(spec$family$estimate(rows, shares, spec$k), spec)
}

# The user's start: a list of parameters, a label per row, or a matrix of probabilities.
read_start <- function(start, rows, spec) {
  parameters <- if (is.list(start) && !is.data.frame(start)) {
    start_from_list(start, rows, spec)
  } else if (is.matrix(start) || is.data.frame(start)) {
    start_from_matrix(start, rows, spec)
  } else {
    start_from_labels(start, rows, spec)
  }
  parameters <- impose(parameters, spec)
  if (!is.null(spec$family$bring)) parameters <- spec$family$bring(parameters, spec)
  moved <- set_apart(parameters, spec)
  if (moved$moved && is.null(rows$label)) {
    emix_warn("start", "`start` has components with equal parameters, where EM cannot tell them ",
      "apart (a saddle point); they were moved apart.")
  }
  list(parameters = moved$parameters, kind = "given")
}

start_from_list <- function(start, rows, spec, argument = "start") {
  start <- check_parameters(start, argument, spec$family, spec$k, free = FALSE, spec$columns)
  need <- spec$family$required
  if (is.null(start[[need]])) {
    if (anyNA(spec$values[[need]])) stop_input(paste0(argument, "$", need), "given")
    start[[need]] <- spec$values[[need]]
  }
  if (is.null(start$prop)) start$prop <- rep(1 / spec$k, spec$k)
  if (!(sum(start$prop) > 0) || abs(sum(start$prop) - 1) > 1e-6) {
    stop_input(paste0(argument, "$prop"), "of sum 1", format(sum(start$prop)))
  }
  lapply(spec$family$complete(some_rows(rows, spec$family), start), as.vector)
}

start_from_matrix <- function(start, rows, spec) {
  p <- as.matrix(start)
  if (!is.numeric(p) || nrow(p) != rows$given || ncol(p) != spec$k) {
    stop_input("start", sprintf("a matrix of probabilities, %.0f rows x %d components", rows$given, spec$k),
      describe(start))
  }
  p <- p[rows$kept, , drop = FALSE]
  if (anyNA(p) || any(p < 0) || any(abs(rowSums(p) - 1) > 1e-6)) {
    stop_input("start", "a matrix of probabilities, each row of sum 1")
  }
  if (any(colSums(p) == 0)) stop_input("start", "a matrix without empty components")
  w <- row_weights(rows$raw)
  spec$family$estimate(rows$raw, function(j) w * p[, j], spec$k)
}

start_from_labels <- function(start, rows, spec) {
  labels <- check_labels(start, rows$given, "start")
  code <- labels$code[rows$kept]
  if (labels$count > spec$k || !all(seq_len(spec$k) %in% code)) {
    stop_input("start", sprintf("labels of %d components, each with a row at least", spec$k),
      sprintf("labels of %d", length(setdiff(code, 0L))))
  }
  w <- row_weights(rows$raw)
  spec$family$estimate(rows$raw, function(j) w * (code == j), spec$k)
}

# Per block, which components have it to themselves and free.
free_blocks <- function(spec) {
  lapply(stats::setNames(spec$family$blocks, spec$family$blocks), function(b) {
    colSums(matrix(!spec$held[[b]], nrow = spec$sizes[[b]])) > 0 & !b %in% shared_blocks(spec)
  })
}

# Components whose parameters are equal stay equal for ever under EM: move them apart, where
# any of their parameters is free to.
set_apart <- function(parameters, spec) {
  key <- do.call(paste, lapply(spec$family$blocks, function(b) {
    text <- matrix(format(parameters[[b]], digits = 15), nrow = spec$sizes[[b]])
    do.call(paste, lapply(seq_len(nrow(text)), function(i) text[i, ]))
  }))
  free <- free_blocks(spec)
  before <- parameters
  for (group in split(seq_len(spec$k), key)) {
    if (length(group) > 1L) parameters <- spec$family$apart(parameters, group, free)
  }
  list(parameters = parameters, moved = !identical(before, parameters))
}

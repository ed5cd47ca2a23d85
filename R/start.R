# Starting values: what the user gives, or many, from cuts of the ordered rows and at random.

# Points on which starts are made and raced.
race_points <- 3000L

# All rows, or where there are many a few points that stand for them.
some_rows <- function(rows, family) {
  if (rows$n <= race_points) rows else family$thin(rows, race_points)
}

# An evenly spaced part.
spaced_rows <- function(rows, most) {
  n <- rows$n
  at <- round(seq(1, n, length.out = most))
  pick <- function(x) if (is.null(x)) NULL else if (is.matrix(x)) x[at, , drop = FALSE] else x[at]
  utils::modifyList(rows, list(x = pick(rows$x), weight = pick(rows$weight), label = pick(rows$label),
    n = length(at)), keep.null = TRUE)
}

row_weights <- function(rows) if (is.null(rows$weight)) rep(1, rows$n) else rows$weight

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

# Groups of the ordered rows whose weights are as `parts`.
cut_rows <- function(u, w, parts) {
  o <- order(u)
  below <- (cumsum(w[o]) - w[o] / 2) / sum(w)
  group <- integer(length(u))
  group[o] <- findInterval(below, cumsum(parts / sum(parts))[-length(parts)]) + 1L
  group
}

# Centres far from each other (k-means++, Arthur & Vassilvitskii 2007), then the nearest.
scatter_groups <- function(u, w, k) {
  at <- sample.int(length(u), 1L, prob = w)
  near <- abs(u - u[at])
  for (j in seq_len(k - 1L)) {
    chance <- w * (near / max(near, .Machine$double.xmin))^2
    if (!any(chance > 0)) chance <- w
    at <- c(at, sample.int(length(u), 1L, prob = chance))
    near <- pmin(near, abs(u - u[at[length(at)]]))
  }
  centre <- sort(unique(u[at]))
  middles <- (centre[-1L] + centre[-length(centre)]) / 2
  match_groups(findInterval(u, middles) + 1L, k)
}

# Fewer groups than components where centres coincided: the last are then empty.
match_groups <- function(group, k) pmin(group, k)

# One component as wide as all rows, the others narrow within it, on groups of the rows.
within_start <- function(group, rows, spec) {
  w <- row_weights(rows)
  p <- spec$family$estimate(rows, function(j) if (j == 1L) w else pmax(w * (group == j - 1L), w * 1e-6), spec$k)
  p$sd <- p$sd * c(1, rep(0.5, spec$k - 1L))
  impose(p, spec)
}

# Cuts that depend on the data alone, most usual first.
cut_starts <- function(u, w, k, spreads) {
  halves <- 2^(pmin(seq_len(k), 40L) - 1)
  far <- abs(u - stats::median(u))
  kinds <- list(
    quantile = cut_rows(u, w, rep(1, k)),
    middle = cut_rows(u, w, if (k > 2L) c(1, rep(4, k - 2L), 1) else c(2, 1)),
    left = cut_rows(u, w, halves),
    right = cut_rows(u, w, rev(halves)),
    lower_tail = cut_rows(u, w, c(1, rep(19, k - 1L))),
    upper_tail = cut_rows(u, w, c(rep(19, k - 1L), 1))
  )
  if (spreads) kinds$spread <- cut_rows(far, w, rev(halves))
  kinds
}

# All starts as a list of parameters and the kind of each.
make_starts <- function(rows, spec, starts, more = NULL) {
  if (spec$k == 1L) {
    return(list(parameters = list(from_groups(rep(1L, rows$n), rows, spec)), kind = "whole"))
  }
  u <- spec$family$coordinate(rows$x)
  u <- u / max(abs(u), .Machine$double.xmin)
  w <- row_weights(rows)
  cuts <- cut_starts(u, w, spec$k, spec$family$spreads)
  cuts <- cuts[seq_len(min(starts, length(cuts)))]
  groups <- c(cuts, replicate(starts - length(cuts), scatter_groups(u, w, spec$k), simplify = FALSE))
  parameters <- lapply(groups, from_groups, rows, spec)
  kind <- c(names(cuts), rep("random", starts - length(cuts)))
  if (spec$family$spreads && spec$k > 2L && is.null(rows$label)) {
    # A quarter of the random ones, and one cut, are of the kind "wide and narrow".
    inner <- c(list(cut_rows(u, w, rep(1, spec$k - 1L))),
      replicate(starts %/% 4L, scatter_groups(u, w, spec$k - 1L), simplify = FALSE))
    parameters <- c(parameters, lapply(inner, within_start, rows, spec))
    kind <- c(kind, rep("within", length(inner)))
  }
  parameters <- c(parameters, lapply(more, impose, spec))
  kind <- c(kind, rep("neighbour", length(more)))
  for (i in seq_along(parameters)) parameters[[i]] <- set_apart(parameters[[i]], spec)$parameters
  list(parameters = parameters, kind = kind)
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
  moved <- set_apart(impose(parameters, spec), spec)
  if (moved$moved && is.null(rows$label)) {
    emix_warn("start", "`start` has components with equal parameters, where EM cannot tell them ",
      "apart (a saddle point); they were moved apart.")
  }
  list(parameters = list(moved$parameters), kind = "given")
}

start_from_list <- function(start, rows, spec) {
  start <- check_parameters(start, "start", spec$family, spec$k, free = FALSE)
  need <- spec$family$required
  if (is.null(start[[need]])) {
    if (anyNA(spec$values[[need]])) stop_input(paste0("start$", need), "given")
    start[[need]] <- spec$values[[need]]
  }
  if (is.null(start$prop)) start$prop <- rep(1 / spec$k, spec$k)
  if (!(sum(start$prop) > 0) || abs(sum(start$prop) - 1) > 1e-6) {
    stop_input("start$prop", "of sum 1", format(sum(start$prop)))
  }
  lapply(spec$family$complete(some_rows(rows, spec$family), start), unname)
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
    !spec$held[[b]] & !b %in% spec$equal
  })
}

# Components whose parameters are equal stay equal for ever under EM: move them apart, where
# any of their parameters is free to.
set_apart <- function(parameters, spec) {
  key <- do.call(paste, lapply(parameters[spec$family$blocks], format, digits = 15))
  free <- free_blocks(spec)
  before <- parameters
  for (group in split(seq_len(spec$k), key)) {
    if (length(group) > 1L) parameters <- spec$family$apart(parameters, group, free)
  }
  list(parameters = parameters, moved = !identical(before, parameters))
}

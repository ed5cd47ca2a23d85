# Many starts at once, from cuts of the ordered rows and at random.
#
# A start cuts the rows, put in order of a coordinate, into k stretches. `breaks` holds a column of
# k - 1 numbers per start: how many rows lie before each cut. Sums over stretches are differences of
# running sums, so that a start costs k numbers and not a walk over the rows.

# Rows in order of u, with running sums of their weights and of the family's statistics.
line_up <- function(rows, family, u) {
  order <- order(u)
  w <- row_weights(rows)[order]
  each <- cbind(w, w * family$statistics(rows)[order, , drop = FALSE])
  list(u = u[order], w = w, order = order, n = length(u), rows = rows,
    sums = lapply(seq_len(ncol(each)), function(s) c(0, cumsum(each[, s]))))
}

# Cuts between stretches whose weights are as `parts`.
cut_line <- function(line, parts) {
  below <- (cumsum(line$w) - line$w / 2) / sum(line$w)
  findInterval(cumsum(parts / sum(parts))[-length(parts)], below, left.open = TRUE)
}

# Cuts that depend on the data alone, most usual first.
cut_kinds <- function(line, k) {
  halves <- 2^(pmin(seq_len(k), 40L) - 1)
  parts <- list(
    quantile = rep(1, k),
    middle = if (k > 2L) c(1, rep(4, k - 2L), 1) else c(2, 1),
    left = halves,
    right = rev(halves),
    lower_tail = c(1, rep(19, k - 1L)),
    upper_tail = c(rep(19, k - 1L), 1)
  )
  matrix(vapply(parts, cut_line, double(k - 1L), line = line), k - 1L, dimnames = list(NULL, names(parts)))
}

# Places on which centres may fall: all, or where they are many some of equal weight.
centre_places <- function(line, most = 500L) {
  if (line$n <= most) return(list(u = line$u, w = line$w))
  at <- unique(c(1L, cut_line(line, rep(1, most)), line$n))
  list(u = line$u[pmax(at, 1L)], w = rep(1, length(at)))
}

# One draw from each column of chances.
draw_columns <- function(chance) {
  m <- nrow(chance)
  running <- cumsum(chance)
  ends <- running[m * seq_len(ncol(chance))]
  from <- c(0, ends[-length(ends)])
  at <- findInterval(from + stats::runif(ncol(chance)) * (ends - from), running) + 1L
  pmin(pmax(at - m * (seq_len(ncol(chance)) - 1L), 1L), m)
}

# Centres far from each other (k-means++, Arthur & Vassilvitskii 2007), cut half-way between.
scatter_line <- function(line, k, starts) {
  if (starts < 1L || k == 1L) return(matrix(0L, k - 1L, max(starts, 0L)))
  places <- centre_places(line)
  scale <- max(abs(range(places$u)))
  u <- if (scale > 0) places$u / scale else places$u
  chance <- matrix(places$w, length(u), starts)
  centre <- matrix(0, k, starts)
  near <- Inf
  for (j in seq_len(k)) {
    centre[j, ] <- u[draw_columns(chance)]
    near <- pmin(near, abs(u - rep(centre[j, ], each = length(u))))
    chance <- matrix(places$w * near^2, length(u))
    none <- !(colSums(chance) > 0)
    chance[, none] <- places$w
  }
  centre <- matrix(centre[order(col(centre), centre)], k)
  middle <- (centre[-1L, , drop = FALSE] + centre[-k, , drop = FALSE]) / 2 * if (scale > 0) scale else 1
  matrix(findInterval(middle, line$u, left.open = TRUE), k - 1L)
}

# Parameters of the stretches, a column per start; an empty one takes one part in 1000 of every row.
stretch_parameters <- function(line, breaks, family) {
  k <- nrow(breaks) + 1L
  ends <- rbind(0L, breaks, line$n, deparse.level = 0L) + 1L
  sums <- lapply(line$sums, function(s) {
    at <- matrix(s[ends], k + 1L)
    at[-1L, , drop = FALSE] - at[-(k + 1L), , drop = FALSE]
  })
  empty <- !(sums[[1L]] > 0)
  for (s in seq_along(sums)) sums[[s]][empty] <- line$sums[[s]][line$n + 1L] / 1000
  family$from_sums(sums, line$rows)
}

# Known labels overrule what a start supposes.
labelled_parameters <- function(line, breaks, spec) {
  each <- apply(breaks, 2L, function(cuts) {
    group <- integer(line$n)
    group[line$order] <- findInterval(seq_len(line$n), cuts + 1L) + 1L
    from_groups(group, line$rows, spec)
  }, simplify = FALSE)
  bind_parameters(each)
}

# Lists of vectors as one list of matrices.
bind_parameters <- function(each) {
  blocks <- stats::setNames(nm = names(each[[1L]]))
  lapply(blocks, function(b) do.call(cbind, lapply(each, `[[`, b)))
}

join_parameters <- function(a, b) if (is.null(b)) a else Map(cbind, a, b[names(a)])

# Starts of one component as wide as all rows, the others narrow within it.
within_parameters <- function(line, spec, starts) {
  inner <- cbind(cut_line(line, rep(1, spec$k - 1L)), scatter_line(line, spec$k - 1L, starts))
  spec$family$within(stretch_parameters(line, inner, spec$family),
    stretch_parameters(line, matrix(0L, 0L, ncol(inner)), spec$family))
}

# All starts: parameters by block, a column per start, and the kind of each.
make_starts <- function(rows, spec, starts, more = NULL) {
  if (!is.null(spec$columns)) return(make_starts_multi(rows, spec, starts, more))
  family <- spec$family
  if (spec$k == 1L) return(list(parameters = from_groups(rep(1L, rows$n), rows, spec), kind = "whole"))
  u <- family$coordinate(rows$x)
  line <- line_up(rows, family, u)
  known <- !is.null(rows$label)
  cuts <- cut_kinds(line, spec$k)
  cuts <- cuts[, seq_len(min(starts, ncol(cuts))), drop = FALSE]
  kind <- colnames(cuts)
  random <- starts - ncol(cuts) - family$spreads
  breaks <- cbind(cuts, scatter_line(line, spec$k, random))
  kind <- c(kind, rep("random", ncol(breaks) - ncol(cuts)))
  parameters <- if (known) labelled_parameters(line, breaks, spec) else stretch_parameters(line, breaks, family)
  if (family$spreads && length(kind) < starts) {
    far <- line_up(rows, family, abs(u - stats::median(u)))
    spread <- matrix(cut_line(far, rev(2^(pmin(seq_len(spec$k), 40L) - 1))))
    parameters <- join_parameters(parameters,
      if (known) labelled_parameters(far, spread, spec) else stretch_parameters(far, spread, family))
    kind <- c(kind, "spread")
  }
  if (family$spreads && spec$k > 2L && !known) {
    # A quarter of the random ones, and one cut, are of the kind "wide and narrow".
    inner <- within_parameters(line, spec, starts %/% 4L)
    parameters <- join_parameters(parameters, inner)
    kind <- c(kind, rep("within", ncol(inner$prop)))
  }
  if (length(more)) parameters <- join_parameters(parameters, bind_parameters(lapply(more, `[`, names(parameters))))
  kind <- c(kind, rep("neighbour", length(more)))
  list(parameters = all_apart(impose(parameters, spec), spec), kind = kind)
}

# Starts with components of equal parameters, from which EM would not move them, are mended.
all_apart <- function(parameters, spec) {
  # Of several values of a component their sum and that of their squares tell: who has both in common is looked at.
  by_component <- function(v, size) array(v, c(size, spec$k, NCOL(v)))
  values <- unlist(Map(function(v, size) {
    if (size == 1L) return(list(as.vector(signif(v, 14L))))
    v <- by_component(v, size)
    lapply(list(colSums(v), colSums(v^2)), function(sum) as.vector(signif(sum, 12L)))
  }, parameters[spec$family$blocks], spec$sizes[spec$family$blocks]), recursive = FALSE)
  column <- as.vector(col(parameters$prop))
  order <- do.call(order, c(list(column), unname(values)))
  same <- Reduce(`&`, lapply(c(list(column), values), function(v) diff(v[order]) == 0))
  for (s in unique(column[order][-1L][same])) {
    moved <- set_apart(lapply(parameters, function(v) v[, s]), spec)$parameters
    for (b in names(parameters)) parameters[[b]][, s] <- moved[[b]]
  }
  parameters
}

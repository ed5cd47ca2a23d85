# Groups of rows of several columns, from which starts are made: trees, k-means, cuts along axes, shells.
#
# A view is a matrix z of few rows with their weights w, on average 1: columns about their means, standardised or turned.
# A grouping is a group number per row, 0 for rows that it leaves out.

# Rows on which trees are grown.
tree_rows <- 800L

# Columns about their means in units of their sds, and turned to the axes of two kinds of spread. `half`: principal
# components in units of the square root of their sds, as the trees of Scrucca & Raftery (2015) have them. `sphered`: all of
# sd 1, turned to the axes along which tails differ most (Cardoso 1989).
views_of <- function(x, w = rep(1, nrow(x))) {
  w <- w / mean(w)
  share <- w / length(w)
  centre <- colSums(x * share)
  z <- sweep(x, 2L, centre)
  sd <- sqrt(colSums(z^2 * share))
  one <- colSums(x != rep(x[1L, ], each = nrow(x))) == 0
  unit <- ifelse(!one & sd > 0, sd, Inf) # of a column of one value nothing is left
  z <- sweep(z, 2L, unit, "/")
  unit[!is.finite(unit)] <- 1
  e <- eigen(crossprod(z * sqrt(share)), symmetric = TRUE)
  kept <- which(e$values >= 1e-10 * e$values[1L])
  turned <- z %*% e$vectors[, kept, drop = FALSE]
  spread <- rep(sqrt(if (e$values[1L] > 0) e$values[kept] else 1), each = nrow(z))
  sphered <- turned / spread
  tails <- eigen(crossprod(sphered * sqrt(share * rowSums(sphered^2))), symmetric = TRUE)
  list(standard = z, turned = turned, half = turned / sqrt(spread), sphered = sphered %*% tails$vectors, w = w,
    centre = centre, unit = unit)
}

# Ward's tree (1963); a row of weight w is w rows. NULL: one row.
grow_tree <- function(z, w) {
  if (nrow(z) < 2L) return(NULL)
  d <- stats::dist(z)
  if (length(unique(w)) > 1L) {
    both <- outer(w, w, function(a, b) 2 * a * b / (a + b))
    d <- d * sqrt(both[lower.tri(both)])
    return(stats::hclust(d, "ward.D2", members = w))
  }
  stats::hclust(d, "ward.D2")
}

# Groups of a tree; of fewer rows than k each is one.
cut_tree <- function(tree, k) if (is.null(tree)) 1L else stats::cutree(tree, min(k, length(tree$order)))

# Rows' parts in the moments of a group: weight, weighted columns, weighted products of columns.
moment_parts <- function(z, w) {
  pairs <- lower_pairs(ncol(z))
  w * cbind(1, z, z[, pairs[, 1L], drop = FALSE] * z[, pairs[, 2L], drop = FALSE])
}

lower_pairs <- function(d) which(lower.tri(diag(d), TRUE), arr.ind = TRUE)

# Numbers of rows, means (a column each) and scatters about them (d * d rows, a column each) of groups 1..count.
group_moments <- function(parts, d, group, count) {
  used <- group > 0L
  if (!all(used)) {
    parts <- parts[used, , drop = FALSE]
    group <- group[used]
  }
  sums <- matrix(0, count, ncol(parts))
  found <- rowsum(parts, group)
  sums[as.integer(rownames(found)), ] <- found
  n <- sums[, 1L]
  mean <- t(sums[, 1L + seq_len(d), drop = FALSE] / pmax(n, .Machine$double.xmin))
  scatter <- t(sums[, -seq_len(1L + d), drop = FALSE])[unpacked(d), , drop = FALSE]
  list(n = n, mean = mean, scatter = scatter - rep(n, each = d * d) * squares_of(mean))
}

# The outer product of each column with itself.
squares_of <- function(v) {
  d <- nrow(v)
  v[rep(seq_len(d), d), , drop = FALSE] * v[rep(seq_len(d), each = d), , drop = FALSE]
}

# Where the elements of a full d x d matrix are in a lower triangle packed by columns.
unpacked <- function(d) {
  at <- matrix(0L, d, d)
  at[lower.tri(at, TRUE)] <- seq_len(d * (d + 1L) / 2L)
  at <- pmax(at, t(at))
  as.vector(at)
}

# Log determinants of matrices, a column each; -Inf for those that are not positive definite.
log_dets <- function(s) -2 * .Call(C_emix_bumps, s, NULL, NULL, NULL, 0)

# Groups merged by the loss of the classification likelihood (Banfield & Raftery 1993, Fraley 1998), each group with a
# covariance of its own, or all with one. A matrix of a column per number of groups: which of them each of the first is in.
# `own`: rows' worth of the common covariance in each group's own, so that none is singular.
merge_groups <- function(m, common = FALSE, own = 1) {
  d <- nrow(m$mean)
  count <- length(m$n)
  at <- seq_len(count)
  paths <- matrix(0L, count, count)
  paths[, count] <- at
  within <- rowSums(m$scatter) / sum(m$n)
  # Not singular where groups are of equal rows.
  all <- mean(within[(seq_len(d) - 1L) * d + seq_len(d)]) + sum(m$n * colMeans(m$mean^2)) / sum(m$n)
  within <- within + 1e-6 * as.vector(diag(all + 1e-300, d))
  single <- function(n, w) n * log_dets((w + own * within) / rep(n + own, each = d * d))
  height <- if (!common) single(m$n, m$scatter)
  loss <- matrix(Inf, count, count)
  pair_loss <- function(a, b) {
    gap <- m$mean[, a, drop = FALSE] - m$mean[, b, drop = FALSE]
    weight <- m$n[a] * m$n[b] / pmax(m$n[a] + m$n[b], .Machine$double.xmin)
    if (common) return(weight * colSums(backsolve(chol(matrix(within, d)), gap, transpose = TRUE)^2))
    both <- m$scatter[, a, drop = FALSE] + m$scatter[, b, drop = FALSE] + rep(weight, each = d * d) * squares_of(gap)
    single(m$n[a] + m$n[b], both) - height[a] - height[b]
  }
  pairs <- which(lower.tri(loss), arr.ind = TRUE)
  if (count > 1L) loss[pairs] <- pair_loss(pairs[, 1L], pairs[, 2L])
  live <- rep(TRUE, count)
  for (left in rev(seq_len(count - 1L))) {
    best <- arrayInd(which.min(loss), dim(loss))
    a <- best[2L]
    b <- best[1L]
    gap <- m$mean[, a] - m$mean[, b]
    weight <- m$n[a] * m$n[b] / max(m$n[a] + m$n[b], .Machine$double.xmin)
    jump <- weight * as.vector(outer(gap, gap))
    m$scatter[, a] <- m$scatter[, a] + m$scatter[, b] + jump
    m$mean[, a] <- m$mean[, a] - gap * m$n[b] / max(m$n[a] + m$n[b], .Machine$double.xmin)
    m$n[a] <- m$n[a] + m$n[b]
    live[b] <- FALSE
    loss[b, ] <- loss[, b] <- Inf
    at[at == b] <- a
    paths[, left] <- match(at, unique(at))
    if (left == 1L) break
    if (common) {
      within <- within + jump / sum(m$n)
      pairs <- which(lower.tri(loss) & outer(live, live), arr.ind = TRUE)
      loss[pairs] <- pair_loss(pairs[, 1L], pairs[, 2L])
    } else {
      height[a] <- single(m$n[a], m$scatter[, a, drop = FALSE])
      others <- setdiff(which(live), a)
      loss[cbind(pmax(a, others), pmin(a, others))] <- pair_loss(rep(a, length(others)), others)
    }
  }
  paths
}

# Squared distances of rows to centres (rows too): a row per row, a column per centre.
distances <- function(z, centres) {
  d <- -2 * tcrossprod(z, centres) + rowSums(z^2) + rep(rowSums(centres^2), each = nrow(z))
  d[d < 0] <- 0
  d
}

# Groups about centres far from each other (k-means++, Arthur & Vassilvitskii 2007), a column per start. `centre`: the rows
# that are these.
scatter_rows <- function(z, w, k, starts) {
  m <- nrow(z)
  chance <- matrix(w, m, starts)
  group <- matrix(1L, m, starts)
  centre <- matrix(0L, k, starts)
  near <- matrix(Inf, m, starts)
  for (j in seq_len(k)) {
    centre[j, ] <- draw_columns(chance)
    d <- distances(z, z[centre[j, ], , drop = FALSE])
    nearer <- d < near
    group[nearer] <- j
    near[nearer] <- d[nearer]
    chance <- w * near
    none <- !(colSums(chance) > 0)
    chance[, none] <- w
  }
  list(group = group, centre = centre, near = near)
}

# The best of a few runs of k-means from such groups.
best_kmeans <- function(z, w, k, runs) {
  first <- scatter_rows(z, w, k, runs)
  loss <- colSums(w * first$near)
  best <- NULL
  for (s in order(loss)[seq_len(max(1L, runs %/% 2L))]) {
    centres <- z[first$centre[, s], , drop = FALSE]
    if (anyDuplicated(centres)) next
    run <- weighted_kmeans(z, w, centres)
    if (!is.null(run) && (is.null(best) || run$tot.withinss < best$tot.withinss)) best <- run
  }
  if (is.null(best)) first$group[, which.min(loss)] else best$cluster
}

# k-means from centres; where weights differ by turns of the two steps (Lloyd 1982), a row of weight w being w rows. NULL: it failed.
weighted_kmeans <- function(z, w, centres, turns = 30L) {
  if (all(w == w[1L])) return(suppressWarnings(tryCatch(stats::kmeans(z, centres, iter.max = turns), error = function(e) NULL)))
  group <- NULL
  for (turn in seq_len(turns)) {
    d <- distances(z, centres)
    before <- group
    group <- max.col(-d, "first")
    if (identical(group, before)) break
    sums <- rowsum(w * cbind(1, z), group)
    filled <- as.integer(rownames(sums))
    centres[filled, ] <- sums[, -1L] / sums[, 1L]
  }
  list(cluster = group, tot.withinss = sum(w * d[cbind(seq_along(group), group)]))
}

# Small groups of rows about centres: a row is in that of the nearest centre, if among the `size` nearest rows to it.
small_groups <- function(scattered, size) {
  k <- nrow(scattered$centre)
  group <- scattered$group
  for (s in seq_len(ncol(group))) {
    order <- order(group[, s], scattered$near[, s])
    rank <- sequence(tabulate(group[, s], k))
    group[order[rank > size], s] <- 0L
  }
  group
}

# Stretches of equal weight along an axis.
cut_axis <- function(u, w, parts) {
  order <- order(u)
  below <- (cumsum(w[order]) - w[order] / 2) / sum(w)
  group <- integer(length(u))
  group[order] <- findInterval(below, cumsum(parts / sum(parts))[-length(parts)], left.open = TRUE) + 1L
  group
}

# Moves for families of several columns: two components merged, another split where its rows are least as they should be.
#
# A mixture is a list here: prop (k numbers), mean (a column per component), cov (d * d rows, a column per component), in
# the core's units; `rows`: the core's rows x, their weights w and the probabilities p of their components.

# Rows on which moves are weighed.
move_rows <- 800L

mixture_of_blocks <- function(parameters, k) {
  list(prop = as.vector(parameters$prop), mean = matrix(parameters$mean, ncol = k), cov = matrix(parameters$cov, ncol = k))
}

# Log density of rows (x: a row per row) under a normal component.
normal_log_density <- function(x, mean, cov) {
  d <- length(mean)
  root <- chol_or_null(matrix(cov, d))
  if (is.null(root)) return(rep(-Inf, nrow(x)))
  z <- backsolve(root, t(x) - mean, transpose = TRUE)
  -colSums(z^2) / 2 - sum(log(diag(root))) - d * log(2 * pi) / 2
}

# Bhattacharyya's distance of each pair of components (columns of `pairs`).
pair_distances <- function(m, pairs) {
  d <- nrow(m$mean)
  dets <- vapply(seq_along(m$prop), function(j) log_det(m$cov[, j], d), 0)
  apply(pairs, 2L, function(p) {
    root <- chol_or_null(matrix(m$cov[, p[1L]] + m$cov[, p[2L]], d) / 2)
    if (is.null(root)) return(Inf)
    gap <- backsolve(root, m$mean[, p[1L]] - m$mean[, p[2L]], transpose = TRUE)
    sum(gap^2) / 8 + sum(log(diag(root))) - sum(dets[p]) / 4
  })
}

# Directions along which rows of one component are looked at, sphered by it (z: a row per row; share: their weights):
# its longest axis, those of least and most tails, and that along which it is most lopsided.
split_axes <- function(z, share, long) {
  d <- ncol(z)
  square <- rowSums(z^2)
  axes <- cbind(long, colSums(z * (share * square)))
  if (d > 1L) {
    tails <- eigen(crossprod(z * sqrt(share * square)), symmetric = TRUE)$vectors
    axes <- cbind(axes, tails[, c(d, 1L)])
  }
  size <- sqrt(colSums(axes^2))
  sweep(axes[, size > 0, drop = FALSE], 2L, size[size > 0], "/")
}

# Ways to share the rows of a component out to two: shares of the first, a column each.
split_shares <- function(x, share, mean, cov) {
  d <- length(mean)
  root <- chol_or_null(matrix(cov, d))
  if (is.null(root)) return(NULL)
  z <- t(backsolve(root, t(x) - mean, transpose = TRUE))
  long <- backsolve(root, eigen(matrix(cov, d), symmetric = TRUE)$vectors[, 1L], transpose = TRUE)
  u <- z %*% split_axes(z, share, long)
  shares <- cbind(stats::plogis(3 * u), stats::plogis(3 * (rowSums(z^2) - d) / sqrt(2 * d)))
  # Small ones off the ends of the most lopsided axis.
  if (ncol(u) > 1L) shares <- cbind(shares, stats::plogis(4 * (u[, 2L] - 1.5)))
  shares
}

# The component of rows of such weights, with a little of what it came from.
weighed_component <- function(x, weight, total, from, own) {
  n <- sum(weight)
  mean <- colSums(x * weight) / max(n, .Machine$double.xmin)
  cov <- crossprod((x - rep(mean, each = nrow(x))) * sqrt(weight))
  list(prop = n / total, mean = mean, cov = (as.vector(cov) + own * from) / (n + own))
}

# For each component, and each way, the two that it becomes and what that gains: a list of lists.
all_splits <- function(m, rows, which) {
  total <- sum(rows$w)
  own <- (nrow(m$mean) + 1) / 2 * mean(rows$w)
  do.call(c, lapply(which, function(j) {
    weight <- rows$w * rows$p[, j]
    shares <- split_shares(rows$x, weight, m$mean[, j], m$cov[, j])
    before <- log(m$prop[j]) + normal_log_density(rows$x, m$mean[, j], m$cov[, j])
    lapply(seq_len(NCOL(shares)), function(s) {
      two <- list(weighed_component(rows$x, weight * shares[, s], total, m$cov[, j], own),
        weighed_component(rows$x, weight * (1 - shares[, s]), total, m$cov[, j], own))
      after <- lapply(two, function(c) log(c$prop) + normal_log_density(rows$x, c$mean, c$cov))
      top <- pmax(after[[1L]], after[[2L]])
      gain <- top + log1p(exp(-abs(after[[1L]] - after[[2L]]))) - before
      list(from = j, two = two, gain = sum((weight * gain)[weight > 0]))
    })
  }))
}

# Pairs that are close, as one component, and what that costs.
all_merges <- function(m, rows, most) {
  pairs <- utils::combn(which(m$prop > 0), 2L)
  pairs <- pairs[, utils::head(order(pair_distances(m, pairs)), most), drop = FALSE]
  apply(pairs, 2L, function(p) {
    one <- merged_component(m, p[1L], p[2L])
    each <- lapply(p, function(j) log(m$prop[j]) + normal_log_density(rows$x, m$mean[, j], m$cov[, j]))
    top <- pmax(each[[1L]], each[[2L]])
    change <- log(one$prop) + normal_log_density(rows$x, one$mean, one$cov) - top - log1p(exp(-abs(each[[1L]] - each[[2L]])))
    weight <- rows$w * rowSums(rows$p[, p])
    list(pair = p, one = one, gain = sum((weight * change)[weight > 0]))
  }, simplify = FALSE)
}

with_component <- function(m, j, component) {
  m$prop[j] <- component$prop
  m$mean[, j] <- component$mean
  m$cov[, j] <- component$cov
  m
}

# Up to `most` mixtures with two components merged and another split, the most promising first.
moved_mixtures <- function(m, rows, most) {
  k <- length(m$prop)
  merges <- all_merges(m, rows, min(2L * k, 12L))
  splits <- all_splits(m, rows, utils::head(order(m$prop, decreasing = TRUE), 12L))
  ways <- expand.grid(merge = seq_along(merges), split = seq_along(splits))
  gain <- function(each) vapply(each, function(e) if (is.finite(e$gain)) e$gain else -1e300, 0)
  inside <- mapply(function(a, b) splits[[b]]$from %in% merges[[a]]$pair, ways$merge, ways$split)
  score <- gain(merges)[ways$merge] + gain(splits)[ways$split]
  ways <- ways[!inside, ][utils::head(order(score[!inside], decreasing = TRUE), most), ]
  lapply(seq_len(nrow(ways)), function(i) {
    merge <- merges[[ways$merge[i]]]
    split <- splits[[ways$split[i]]]
    moved <- with_component(m, merge$pair[1L], merge$one)
    moved <- with_component(moved, split$from, split$two[[1L]])
    with_component(moved, merge$pair[2L], split$two[[2L]])
  })
}

best_gains <- function(each, most) {
  gain <- vapply(each, function(e) if (is.finite(e$gain)) e$gain else -1e300, 0)
  each[utils::head(order(gain, decreasing = TRUE), most)]
}

# Up to `most` mixtures with one component split, no component in more than two ways.
split_mixtures <- function(m, rows, most) {
  splits <- best_gains(all_splits(m, rows, utils::head(order(m$prop, decreasing = TRUE), 12L)), Inf)
  from <- vapply(splits, `[[`, 0L, "from")
  round <- stats::ave(seq_along(from), from, FUN = seq_along)
  lapply(utils::head(splits[round <= 2L], most), function(split) {
    m <- with_component(m, split$from, split$two[[1L]])
    two <- split$two[[2L]]
    list(prop = c(m$prop, two$prop), mean = cbind(m$mean, two$mean), cov = cbind(m$cov, two$cov))
  })
}

# Up to `most` mixtures with two components merged.
merged_mixtures <- function(m, rows, most) {
  if (sum(m$prop > 0) < 2L) return(NULL)
  lapply(best_gains(all_merges(m, rows, 3L * most), most), function(merge) {
    m <- with_component(m, merge$pair[1L], merge$one)
    gone <- merge$pair[2L]
    list(prop = m$prop[-gone], mean = m$mean[, -gone, drop = FALSE], cov = m$cov[, -gone, drop = FALSE])
  })
}

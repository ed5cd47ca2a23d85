# Moves for families of several columns: two components merged, another split where its rows are least as they should be.
#
# A mixture is a list here: prop (k numbers), mean (a column per component), cov (d * d rows, a column per component), in
# the core's units; `rows`: the core's rows x, their weights w and the probabilities p of their components.

# Rows on which moves are weighed.
move_rows <- 800L

mixture_of_blocks <- function(parameters, k) {
  list(prop = as.vector(parameters$prop), mean = matrix(parameters$mean, ncol = k), cov = matrix(parameters$cov, ncol = k))
}

# What an E-step of the core takes: rows of such weights, of which no copy is made, and a mixture.
weighed_rows <- function(rows, weight = NULL) {
  d <- ncol(rows$x)
  core_data(list(x = rows$x, weight = weight), list(factor = rep(1, d), shift = numeric(d)))
}

core_theta <- function(m) c(m$prop, m$mean, m$cov)

component_of <- function(m, at) list(prop = m$prop[at], mean = m$mean[, at, drop = FALSE], cov = m$cov[, at, drop = FALSE])

# Sum of the rows' log densities under a mixture, whose proportions may have any sum; no number where it is impossible.
weighed_likelihood <- function(rows, weight, m) {
  .Call(C_emix_step, weighed_rows(rows, weight), free_normals(nrow(m$mean), length(m$prop)), 1L, core_theta(m))$objective
}

# Weight, sums and sums of squares and products about a component's mean of rows of such weights.
weighed_sums <- function(rows, weight, one) {
  d <- nrow(one$mean)
  sums <- .Call(C_emix_step, weighed_rows(rows, weight), free_normals(d), 1L, core_theta(one))$sums[-1L]
  list(n = sums[1L], first = sums[1L + seq_len(d)], second = sums[-seq_len(1L + d)][unpacked(d)])
}

# Squared distances of rows from a component's mean, in units of its covariance.
squares_in <- function(rows, one, log_det) {
  d <- nrow(one$mean)
  one$prop <- 1
  found <- .Call(C_emix_evaluate, weighed_rows(rows), free_normals(d), 1L, core_theta(one), 2L)$log_density
  -2 * found - log_det - d * log(2 * pi)
}

# Bhattacharyya's distance of each pair of components (columns of `pairs`).
pair_distances <- function(m, pairs) {
  d <- nrow(m$mean)
  dets <- log_dets(m$cov)
  apply(pairs, 2L, function(p) {
    root <- chol_or_null(matrix(m$cov[, p[1L]] + m$cov[, p[2L]], d) / 2)
    if (is.null(root)) return(Inf)
    gap <- backsolve(root, m$mean[, p[1L]] - m$mean[, p[2L]], transpose = TRUE)
    sum(gap^2) / 8 + sum(log(diag(root))) - sum(dets[p]) / 4
  })
}

# Directions along which rows of one component are looked at, sphered by it (`root`: Cholesky's factor of its covariance; of
# rows weighed by their squares the sums): its longest axis, those of least and most tails, and that along which it is most lopsided.
split_axes <- function(root, cov, sums) {
  d <- nrow(root)
  axes <- cbind(backsolve(root, eigen(cov, symmetric = TRUE)$vectors[, 1L], transpose = TRUE),
    backsolve(root, sums$first, transpose = TRUE))
  if (d > 1L) {
    half <- backsolve(root, matrix(sums$second, d), transpose = TRUE)
    tails <- eigen(backsolve(root, t(half), transpose = TRUE), symmetric = TRUE)$vectors
    axes <- cbind(axes, tails[, c(d, 1L)])
  }
  size <- sqrt(colSums(axes^2))
  sweep(axes[, size > 0, drop = FALSE], 2L, size[size > 0], "/")
}

# Ways to share the rows of a component (`one`), of such weights, out to two: shares of the first, a column each.
split_shares <- function(rows, weight, one) {
  d <- nrow(one$mean)
  cov <- matrix(one$cov, d)
  root <- chol_or_null(cov)
  if (is.null(root)) return(NULL)
  square <- squares_in(rows, one, 2 * sum(log(diag(root))))
  sums <- weighed_sums(rows, weight * square, one)
  if (!all(is.finite(c(sums$first, sums$second)))) return(NULL)
  axes <- backsolve(root, split_axes(root, cov, sums))
  u <- rows$x %*% axes - rep(crossprod(axes, one$mean), each = nrow(rows$x))
  shares <- cbind(stats::plogis(3 * u), stats::plogis(3 * (square - d) / sqrt(2 * d)))
  # Small ones off the ends of the most lopsided axis.
  if (ncol(u) > 1L) shares <- cbind(shares, stats::plogis(4 * (u[, 2L] - 1.5)))
  shares
}

# The component of rows with such sums about the mean of the one that it came from, with a little of that.
weighed_component <- function(sums, total, from, own) {
  first <- sums$first / max(sums$n, .Machine$double.xmin)
  square <- sums$second - sums$n * as.vector(outer(first, first))
  list(prop = sums$n / total, mean = from$mean + first, cov = (square + own * from$cov) / (sums$n + own))
}

# For each component, and each way, the two that it becomes and what that gains: a list of lists.
all_splits <- function(m, rows, which) {
  total <- sum(rows$w)
  own <- (nrow(m$mean) + 1) / 2 * mean(rows$w)
  do.call(c, lapply(which, function(j) {
    collect_garbage(rows$many)
    weight <- rows$w * rows$p[, j]
    one <- component_of(m, j)
    shares <- split_shares(rows, weight, one)
    if (is.null(shares)) return(NULL)
    whole <- weighed_sums(rows, weight, one)
    before <- weighed_likelihood(rows, weight, one)
    lapply(seq_len(ncol(shares)), function(s) {
      sums <- weighed_sums(rows, weight * shares[, s], one)
      two <- list(weighed_component(sums, total, one, own), weighed_component(Map(`-`, whole, sums), total, one, own))
      after <- weighed_likelihood(rows, weight, Reduce(function(a, b) Map(cbind, a, b), two))
      list(from = j, two = two, gain = after - before)
    })
  }))
}

# Pairs that are close, as one component, and what that costs.
all_merges <- function(m, rows, most) {
  pairs <- utils::combn(which(m$prop > 0), 2L)
  pairs <- pairs[, utils::head(order(pair_distances(m, pairs)), most), drop = FALSE]
  apply(pairs, 2L, function(p) {
    one <- lapply(merged_component(m, p[1L], p[2L]), as.matrix)
    weight <- rows$w * (rows$p[, p[1L]] + rows$p[, p[2L]])
    list(pair = p, one = one, gain = weighed_likelihood(rows, weight, one) - weighed_likelihood(rows, weight, component_of(m, p)))
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

# Many starts at once for families of several columns: groupings of a part of the rows, and parameters from their moments.

# What the family's structure demands of covariances that is simple; the rest is left to the M-step.
shape_of <- function(spec) {
  cov <- spec$family$cov
  list(common = cov %in% c("EII", "EEI", "EEE"), diagonal = substr(cov, 3L, 3L) == "I", spherical = substr(cov, 2L, 3L) == "II")
}

# Trees depend on the data alone: a search over several models grows them once.
grow_trees <- function(views, k, many = FALSE) {
  w <- views$w
  fine <- min(length(w), max(36L, 4L * k))
  grow <- function(z) {
    collect_garbage(many)
    grow_tree(z, w)
  }
  half <- grow(views$half)
  sphered <- grow(views$sphered)
  merged <- function(z, tree, common) {
    collect_garbage(many)
    group <- cut_tree(tree, fine)
    merge_groups(group_moments(moment_parts(z, w), ncol(z), group, fine), common)[group, , drop = FALSE]
  }
  list(standard = grow(views$standard), half = half, sphered = sphered, most = fine,
    own = merged(views$half, half, FALSE), common = merged(views$sphered, sphered, TRUE))
}

# Groupings that depend on the data alone, a column each; the most promising first.
tree_groups <- function(trees, k, common) {
  merged <- min(k, ncol(trees$own))
  groups <- cbind(likelihood = trees$own[, merged], half = cut_tree(trees$half, k), ward = cut_tree(trees$standard, k),
    sphered = cut_tree(trees$sphered, k), common = trees$common[, merged])
  groups[, if (common) c("common", "ward", "half", "sphered", "likelihood") else colnames(groups), drop = FALSE]
}

# Cuts into stretches of equal weight along principal axes and along those of most and least tails; the last: shells, the
# outermost of the fewest rows.
axis_groups <- function(views, k) {
  axes <- list(views$turned[, 1L], views$sphered[, ncol(views$sphered)], views$sphered[, 1L],
    if (ncol(views$turned) > 1L) views$turned[, 2L])
  cuts <- lapply(Filter(Negate(is.null), axes), cut_axis, w = views$w, parts = rep(1, k))
  cuts <- c(cuts, list(cut_axis(rowSums(views$sphered^2), views$w, rev(2^(pmin(seq_len(k), 40L) - 1)))))
  groups <- do.call(cbind, cuts)
  colnames(groups) <- c(rep("axis", ncol(groups) - 1L), "shells")
  groups
}

# Groups about random centres in each of the views in turn; every fourth of a few rows about each centre.
random_groups <- function(views, k, starts, many = FALSE) {
  if (starts < 1L) return(matrix(0L, length(views$w), 0L))
  kinds <- rep_len(c("standard", "sphered", "half", "small"), starts)
  each <- lapply(unique(kinds), function(kind) {
    collect_garbage(many, full = TRUE)
    z <- views[[if (kind == "small") "sphered" else kind]]
    found <- scatter_rows(z, views$w, k, sum(kinds == kind))
    if (kind == "small") small_groups(found, 2L * ncol(z) + 2L) else found$group
  })
  groups <- do.call(cbind, each)
  colnames(groups) <- rep("random", ncol(groups))
  groups
}

# All groupings into k, `starts` at most.
make_groups <- function(views, trees, k, starts, common, many = FALSE) {
  fixed <- tree_groups(trees, k, common)
  if (starts > ncol(fixed)) {
    runs <- if (starts > 12L) 6L else 2L
    means <- cbind(best_kmeans(views$standard, views$w, k, runs), best_kmeans(views$sphered, views$w, k, runs))
    colnames(means) <- rep("k-means", 2L)
    fixed <- cbind(fixed, means, axis_groups(views, k))
  }
  fixed <- fixed[, !duplicated(fixed, MARGIN = 2L), drop = FALSE]
  fixed <- fixed[, seq_len(min(starts, ncol(fixed))), drop = FALSE]
  cbind(fixed, random_groups(views, k, starts - ncol(fixed), many))
}

# Covariances (a column each) brought to the shape.
shape_covariances <- function(cov, prop, shape) {
  d <- as.integer(round(sqrt(nrow(cov))))
  if (shape$common) cov[] <- rowSums(cov * rep(prop, each = nrow(cov)))
  at <- (seq_len(d) - 1L) * d + seq_len(d)
  if (shape$diagonal) cov[-at, ] <- 0
  if (shape$spherical) cov[at, ] <- rep(colMeans(cov[at, , drop = FALSE]), each = d)
  cov
}

# Moments of the groups of many groupings (a column each): k columns for each in turn. Few rows are taken several times over,
# for groupings side by side.
all_moments <- function(parts, d, groups, k) {
  s <- ncol(groups)
  size <- max(1L, 5e4 %/% length(parts))
  each <- lapply(split(seq_len(s), (seq_len(s) - 1L) %/% size), function(at) {
    if (length(at) == 1L) return(group_moments(parts, d, groups[, at], k))
    group <- groups[, at, drop = FALSE]
    group <- ifelse(group > 0L, group + (col(group) - 1L) * k, 0L)
    group_moments(parts[rep(seq_len(nrow(parts)), length(at)), , drop = FALSE], d, as.vector(group), k * length(at))
  })
  list(n = unlist(lapply(each, `[[`, "n"), use.names = FALSE), mean = do.call(cbind, lapply(each, `[[`, "mean")),
    scatter = do.call(cbind, lapply(each, `[[`, "scatter")))
}

# Parameters by block, a column per start, of groups as moments: each covariance with `own` rows' worth of its start's common
# one and a trace of that of all rows, so that none is singular. A group without rows is where all rows are, and small.
moment_parameters <- function(m, k, whole, own = (nrow(m$mean) + 1) / 2) {
  d <- nrow(m$mean)
  n <- matrix(m$n, k)
  start <- as.vector(col(n))
  empty <- !(n > 0)
  within <- t(rowsum(t(m$scatter), start)) / rep(colSums(n), each = d * d) + 1e-6 * whole$cov + 1e-12 * as.vector(diag(d))
  cov <- (m$scatter + own * within[, start, drop = FALSE]) / rep(m$n + own, each = d * d)
  m$mean[, empty] <- whole$mean
  n[empty] <- rep(colSums(n), each = k)[empty] / 1000
  list(prop = n / rep(colSums(n), each = k), mean = matrix(m$mean, d * k), cov = matrix(cov, d * d * k))
}

# One component as wide as all rows, the others narrow within it.
narrow_within <- function(inner, whole) {
  s <- ncol(inner$prop)
  each <- function(v) matrix(v, length(v), s)
  list(prop = rbind(1, inner$prop) / 2, mean = rbind(each(whole$mean), inner$mean), cov = rbind(each(whole$cov), inner$cov / 4))
}

# Parameters of starts in the user's units and in their shape.
starts_of_view <- function(p, views, shape) {
  d <- length(views$unit)
  p$mean <- p$mean * views$unit + views$centre
  p$cov <- p$cov * as.vector(outer(views$unit, views$unit))
  if (shape$common) {
    for (s in seq_len(ncol(p$cov))) p$cov[, s] <- shape_covariances(matrix(p$cov[, s], d * d), p$prop[, s], shape)
  } else if (shape$diagonal || shape$spherical) {
    p$cov[] <- shape_covariances(matrix(p$cov, d * d), NULL, shape)
  }
  p
}

# Groups numbered so that they are the known components as far as may be: rows of known component count, or the nearness
# of means to those that are held. `score`: groups by components; each group gets one component.
number_groups <- function(score) {
  k <- nrow(score)
  number <- integer(k)
  for (step in seq_len(k)) {
    best <- arrayInd(which.max(score), dim(score))
    number[best[1L]] <- best[2L]
    score[best[1L], ] <- score[, best[2L]] <- -Inf
  }
  number
}

# Known labels overrule what a grouping supposes, and number its groups.
label_groups <- function(groups, label, w, k) {
  if (is.null(label)) return(groups)
  known <- label > 0L
  apply(groups, 2L, function(group) {
    both <- known & group > 0L
    score <- matrix(0, k, k)
    if (any(both)) score[] <- stats::xtabs(w[both] ~ factor(group[both], seq_len(k)) + factor(label[both], seq_len(k)))
    ifelse(known, label, c(0L, number_groups(score))[group + 1L])
  })
}

# Means that are held number the components of a start.
number_held <- function(p, spec, views) {
  d <- length(views$unit)
  held <- matrix(spec$values$mean, d)
  at <- which(colSums(is.na(held)) == 0)
  if (!length(at)) return(p)
  wanted <- t((held[, at, drop = FALSE] - views$centre) / views$unit)
  for (s in seq_len(ncol(p$prop))) {
    score <- matrix(-1e300, spec$k, spec$k)
    score[, at] <- -distances(t(matrix(p$mean[, s], d)), wanted)
    from <- order(number_groups(score))
    for (b in names(p)) p[[b]][, s] <- matrix(p[[b]][, s], ncol = spec$k)[, from]
  }
  p
}

# All starts for families of several columns: parameters by block, a column per start, and the kind of each.
make_starts_multi <- function(rows, spec, starts, more = NULL) {
  k <- spec$k
  many <- k > tree_rows %/% 4L
  some <- filled_rows(pick_rows(rows, if (many) 8L * k else tree_rows))
  views <- views_of(some$x, row_weights(some))
  parts <- moment_parts(views$standard, views$w)
  d <- ncol(some$x)
  whole <- group_moments(parts, d, rep(1L, some$n), 1L)
  whole <- list(mean = as.vector(whole$mean), cov = as.vector(whole$scatter) / whole$n)
  shape <- shape_of(spec)
  trees <- if (k > 1L && !many) kept_trees(rows, some, views, k)
  groups <- if (many) random_groups(views, k, min(starts, 4L)) else if (k > 1L) make_groups(views, trees, k, starts, shape$common, beside_many(rows$raw)) else
    matrix(1L, some$n, 1L, dimnames = list(NULL, "whole"))
  kind <- colnames(groups)
  collect_garbage(beside_many(rows$raw), full = TRUE)
  parameters <- moment_parameters(all_moments(parts, d, label_groups(groups, some$label, views$w, k), k), k, whole)
  if (k > 2L && !many && !shape$common && starts > 12L && is.null(some$label)) {
    inner <- make_groups(views, trees, k - 1L, 12L + starts %/% 8L, FALSE)
    collect_garbage(beside_many(rows$raw), full = TRUE)
    inner <- inner[, colnames(inner) %in% c("likelihood", "ward", "k-means", "random"), drop = FALSE]
    within <- narrow_within(moment_parameters(all_moments(parts, d, inner, k - 1L), k - 1L, whole), whole)
    parameters <- join_parameters(parameters, within)
    kind <- c(kind, rep("within", ncol(inner)))
  }
  parameters <- starts_of_view(number_held(parameters, spec, views), views, shape)
  if (length(more)) {
    parameters <- join_parameters(parameters, bind_parameters(lapply(more, function(p) lapply(p[names(parameters)], as.vector))))
    kind <- c(kind, rep("neighbour", length(more)))
  }
  list(parameters = all_apart_multi(impose(parameters, spec), spec), kind = kind)
}

# Starts with components of equal means may have equal ones: from these EM would not move them.
all_apart_multi <- function(parameters, spec) {
  d <- spec$sizes[["mean"]]
  first <- parameters$mean[(seq_len(spec$k) - 1L) * d + 1L, , drop = FALSE]
  for (s in which(apply(first, 2L, anyDuplicated) > 0L)) {
    moved <- set_apart(lapply(parameters, function(v) v[, s]), spec)$parameters
    for (b in names(parameters)) parameters[[b]][, s] <- moved[[b]]
  }
  parameters
}

# Trees are kept with the rows that they are of.
kept_trees <- function(rows, some, views, k) {
  place <- if (is.environment(rows$trees)) rows$trees else new.env()
  known <- identical(place$x, some$x) && identical(place$weight, some$weight)
  if (!known || place$trees$most < min(4L * k, some$n)) {
    place$trees <- grow_trees(views, k, beside_many(rows$raw))
    place$x <- some$x
    place$weight <- some$weight
  }
  place$trees
}

# Rows on which starts are raced: a component of a hundredth of them has enough to be seen.
race_points_multi <- function(d) max(2000L, 200L * (d + 1L))

# Some of the rows, by a rule that no order of theirs is likely to follow: multiples of the golden section. `share`: of the
# rows' weight.
golden_rows <- function(n, some) floor(n * (seq_len(some) * (sqrt(5) - 1) / 2) %% 1) + 1

pick_rows <- function(rows, most) {
  if (rows$n <= most) return(rows)
  known <- if (!is.null(rows$label)) lapply(split(seq_len(rows$n), rows$label), utils::head, 100L)
  at <- sort(unique(c(golden_rows(rows$n, most), unlist(known))))
  all <- total_weight(rows)
  rows[c("x", "weight", "label")] <- lapply(rows[c("x", "weight", "label")], take_rows, at)
  rows$n <- length(at)
  rows$share <- or_default(rows$share, 1) * total_weight(rows) / all
  rows
}

# The plane that separates the components of a multivariate fit best.
#
#   p_j, m_j, S_j   proportions, means and covariances of the components, columns divided by their total standard deviations
#   W = sum p_j S_j, B = sum p_j (m_j - m)(m_j - m)', T = W + B
#   Fisher (1936)   v: B v = l W v
#   Scrucca (2010)  v: M v = l T v, M = B T^-1 B + sum p_j (S_j - W) T^-1 (S_j - W), which sees covariances that differ too
#
# Of the two planes of the first two directions the one with the smaller bound on wrong classes (log_overlap()) is shown.

discriminant_axes <- function(x) {
  p <- standardised(x$parameters)
  d <- nrow(p$mean)
  within <- matrix(matrix(p$cov, d * d) %*% p$prop, d)
  between <- p$mean %*% (p$prop * t(p$mean))
  total <- within + between
  root <- chol_ridged(total)
  half <- function(m) backsolve(root, m, transpose = TRUE)
  kernel <- crossprod(half(between))
  for (j in seq_along(p$prop)) kernel <- kernel + p$prop[j] * crossprod(half(p$cov[, , j] - within))
  planes <- list(general_axes(between, within), general_axes(kernel, total))
  overlap <- vapply(planes, function(one) log_overlap(seen_along(list(parameters = p), matrix(0, 1L, d), one$axes, 1, NULL)), 0)
  best <- planes[[if (overlap[1L] <= overlap[2L] + 1e-8) 1L else 2L]]
  correlation <- total %*% best$axes / rep(sqrt(colSums(best$axes * (total %*% best$axes))), each = d)
  up <- sign(correlation[cbind(max.col(t(abs(correlation)), "first"), 1:2)])
  list(axes = best$axes * rep(up, each = d), share = best$share, correlation = correlation * rep(up, each = d), scale = p$scale)
}

# The first two v of a v = l b v, v' b v = 1, and their shares of the sum of l.
general_axes <- function(a, b) {
  root <- chol_ridged(b)
  turned <- backsolve(root, t(backsolve(root, a, transpose = TRUE)), transpose = TRUE)
  e <- eigen((turned + t(turned)) / 2, symmetric = TRUE)
  value <- pmax(e$values, 0)
  list(axes = backsolve(root, e$vectors[, 1:2]), share = value[1:2] / max(sum(value), .Machine$double.xmin))
}

# "coordinate 1 (99 %): Petal.Length 0.98, Petal.Width 0.97": the columns that correlate most with it.
discriminant_names <- function(found, names, most = 2L) {
  vapply(1:2, function(i) {
    r <- found$correlation[, i]
    top <- utils::head(order(abs(r), decreasing = TRUE), most)
    short <- ifelse(nchar(names) > 16L, paste0(substr(names, 1L, 14L), ".."), names)
    sprintf("coordinate %d (%.0f %%): %s", i, 100 * found$share[i], paste(short[top], sprintf("%.2f", r[top]), collapse = ", "))
  }, "")
}

discriminant_view <- function(x) {
  if (x$k < 2L) stop_input("type", "another: the fit is of one component", "\"discriminant\"")
  found <- discriminant_axes(x)
  view_of(x, axes = found$axes, scale = found$scale, names = discriminant_names(found, shown_columns(x)))
}

plot_discriminant <- function(x, level, col, main, xlab, ...) {
  main <- or_default(main, "Discriminant coordinates")
  plot_plane(x, discriminant_view(x), "class", level, component_style(x, col), main, xlab, ...)
}

# Residuals of multivariate fits: squared Mahalanobis distances of the rows to the centre of their class. Within a component they are
# chi-squared with as many degrees of freedom as a row has values.

# Per row: class, distance, and the normal quantile of the distance's probability.
distance_residuals <- function(x, stretch = 2^16) {
  class <- integer(x$n)
  value <- double(x$n)
  for (from in seq(1, x$n, by = stretch)) {
    at <- seq(from, min(from + stretch - 1, x$n))
    rows <- x$x[at, , drop = FALSE]
    class[at] <- max.col(posterior_of(x, rows, x$labels[at]), "first")
    value[at] <- distances_in(x$parameters, rows, class[at])
  }
  values <- ncol(x$x) - rowSums(is.na(x$x))
  list(class = class, distance = value, normal = between_quantiles(value, stats::pchisq, qnorm, values))
}

distances_in <- function(parameters, rows, class) {
  value <- double(nrow(rows))
  holes <- which(!stats::complete.cases(rows))
  pattern <- integer(nrow(rows))
  pattern[holes] <- match(apply(is.na(rows[holes, , drop = FALSE]), 1L, paste, collapse = ""),
    unique(apply(is.na(rows[holes, , drop = FALSE]), 1L, paste, collapse = "")))
  for (group in split(seq_along(class), list(class, pattern), drop = TRUE)) {
    j <- class[group[1L]]
    there <- which(!is.na(rows[group[1L], ]))
    centred <- t(rows[group, there, drop = FALSE]) - parameters$mean[there, j]
    scale <- sqrt(diag(matrix(parameters$cov[there, there, j], length(there))))
    root <- chol_ridged(matrix(parameters$cov[there, there, j], length(there)) / outer(scale, scale))
    value[group] <- colSums(backsolve(root, centred / scale, transpose = TRUE)^2)
  }
  value
}

# The quantile in one distribution of what has the same probability in another, by the nearer tail.
between_quantiles <- function(value, p, q, ...) {
  low <- p(value, ..., log.p = TRUE)
  high <- p(value, ..., lower.tail = FALSE, log.p = TRUE)
  ifelse(low < high, q(low, log.p = TRUE), q(high, lower.tail = FALSE, log.p = TRUE))
}

# On the scale of the picture: squared distances of rows without holes.
as_distance <- function(normal, d) between_quantiles(normal, stats::pnorm, function(p, ...) stats::qchisq(p, d, ...))

# As residual_points(), with the class of each.
distance_points <- function(x) {
  r <- distance_residuals(x)
  points <- residual_points(x, r$normal)
  points$class <- r$class[points$row]
  points
}

plot_distances <- function(x, panels, col, main, xlab, ...) {
  points <- distance_points(x)
  style <- component_style(x, col)
  if (length(panels) == 2L) {
    before <- par(mfrow = 1:2)
    on.exit(par(before))
    worm <- if (is.null(main)) "Worm plot" else ""
  } else {
    worm <- or_default(main, "Worm plot of distances")
  }
  if ("qq" %in% panels) draw_distances(x, points, style, or_default(main, "Mahalanobis distances"), xlab, ...)
  if ("worm" %in% panels) draw_worm(points, worm, xlab, ...)
}

# Squared distances in order against chi-squared quantiles, with the band of uniform_band(). The legend stands where no point can be.
draw_distances <- function(x, points, style, main, xlab, ...) {
  d <- ncol(x$x)
  to <- function(z) as_distance(z, d)
  y <- to(points$residual)
  band <- list(at = to(points$grid), low = to(points$low), high = to(points$high))
  before <- par(mar = c(4.2, 4.4, 2.6, 1))
  on.exit(par(before))
  open_panel(c(0, max(band$at)), c(0, max(finite_range(y, band$high))), main,
    or_default(xlab, sprintf("chi-squared quantile (%d df)", d)), "squared distance to own centre", yaxs = "r", ...)
  draw_band(band$at, band$low, band$high)
  graphics::abline(0, 1, col = "grey40")
  dot <- dot_style(length(y))
  points(to(points$normal), y, pch = symbol_of(points$class), cex = dot$cex, col = adjustcolor(style$col, dot$alpha)[points$class])
  key <- multi_key(x, style, 1, most = 9L)
  if (x$k > 1L) legend("topleft", key$names, col = key$col, pch = key$pch, bty = "n", cex = 0.8)
}

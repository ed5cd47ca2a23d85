# Pictures of how well a fit describes its rows: residuals, the distribution function and the uncertainty of classes.

# Points of a picture are thinned to about these.
most_points <- 2000L

# How many equal rows the data are: case weights are counts, unless they are below 1 on average.
count_rows <- function(fit) max(fit$nobs, sum(if (is.null(fit$weights)) fit$n else fit$weights > 0))

# Values in order at their places p between 0 and 1, the middles of their weights: (i - 1/2) / n for the i-th of n.
place_values <- function(value, weights) {
  live <- if (is.null(weights)) TRUE else weights > 0
  value <- value[live]
  order <- order(value)
  w <- if (is.null(weights)) rep(1, length(value)) else weights[live]
  w <- w[order] / sum(w)
  list(value = value[order], p = cumsum(w) - w / 2, row = (if (isTRUE(live)) order else which(live)[order]))
}

# All points in the tails, of the others some.
thin_points <- function(n, most = most_points) {
  if (n <= most) return(seq_len(n))
  tail <- most %/% 8L
  unique(round(c(seq_len(tail), seq(tail + 1, n - tail, length.out = most - 2L * tail), seq(n - tail + 1L, n))))
}

# 95 % of the order statistics of n uniform variables, at the place p = (i - 1/2) / n of the i-th.
uniform_band <- function(p, n) {
  n <- min(n, 1e12) # where it is thinner than a line
  list(low = stats::qbeta(0.025, n * p + 0.5, n * (1 - p) + 0.5), high = stats::qbeta(0.975, n * p + 0.5, n * (1 - p) + 0.5))
}

# Residuals in order, their rows, their normal quantiles and the band; `trend`: the cubic of the worm, NULL for few rows.
residual_points <- function(fit, residuals = quantile_residuals(fit)) {
  placed <- place_values(residuals, fit$weights)
  n <- count_rows(fit)
  at <- thin_points(length(placed$p))
  edge <- range(placed$p)
  p <- stats::pnorm(seq(qnorm(edge[1L]), qnorm(edge[2L]), length.out = 201L))
  if (length(placed$p) < 2L) p <- stats::ppoints(201L)
  band <- uniform_band(p, n)
  list(normal = qnorm(placed$p[at]), residual = placed$value[at], row = placed$row[at], grid = qnorm(p), low = qnorm(band$low), high = qnorm(band$high),
    trend = worm_trend(placed))
}

# The deviations' cubic, by least squares over evenly spaced places: every row counts the same.
worm_trend <- function(placed) {
  if (length(unique(placed$value)) < 8L || any(is.infinite(placed$value))) return(NULL)
  p <- stats::ppoints(400L)
  p <- p[p >= min(placed$p) & p <= max(placed$p)]
  z <- qnorm(p)
  deviation <- stats::approx(placed$p, placed$value, p, ties = "ordered")$y - z
  basis <- outer(z, 0:3, "^")
  list(normal = z, deviation = as.vector(basis %*% stats::lm.fit(basis, deviation)$coefficients))
}

finite_range <- function(...) range(Filter(is.finite, c(...)))

draw_band <- function(x, low, high) {
  graphics::polygon(c(x, rev(x)), c(low, rev(high)), col = "grey90", border = NA)
}

plot_residuals <- function(x, main, xlab, col = NULL, ...) {
  points <- residual_points(x)
  before <- par(mfrow = c(1L, 2L))
  on.exit(par(before))
  draw_qq(points, if (is.null(main)) "Quantile residuals" else main, xlab, ...)
  draw_worm(points, if (is.null(main)) "Worm plot" else "", xlab, ...)
}

plot_qq <- function(x, main, xlab, col = NULL, ...) {
  draw_qq(residual_points(x), if (is.null(main)) "Quantile residuals" else main, xlab, ...)
}

plot_worm <- function(x, main, xlab, col = NULL, ...) {
  draw_worm(residual_points(x), if (is.null(main)) "Worm plot of quantile residuals" else main, xlab, ...)
}

draw_qq <- function(points, main, xlab, ...) {
  before <- par(mar = c(4.2, 4.4, 2.6, 1))
  on.exit(par(before))
  open_panel(range(points$grid), finite_range(points$residual, points$low, points$high), main,
    if (is.null(xlab)) "normal quantile" else xlab, "residual", yaxs = "r", ...)
  draw_band(points$grid, points$low, points$high)
  graphics::abline(0, 1, col = "grey40")
  draw_dots(points$normal, points$residual)
}

draw_worm <- function(points, main, xlab, ...) {
  before <- par(mar = c(4.2, 4.4, 2.6, 1))
  on.exit(par(before))
  deviation <- points$residual - points$normal
  # The band where it is narrowest fills less than two thirds.
  reach <- 1.1 * max(abs(finite_range(deviation, 0)), 1.6 * min(points$high - points$low) / 2)
  open_panel(range(points$grid), c(-reach, reach), main, if (is.null(xlab)) "normal quantile" else xlab, "residual - normal quantile",
    yaxs = "r", ...)
  usr <- par("usr")
  draw_band(points$grid, pmax(points$low - points$grid, usr[3L]), pmin(points$high - points$grid, usr[4L]))
  graphics::abline(h = 0, col = "grey40")
  draw_dots(points$normal, deviation)
  if (!is.null(points$trend)) lines(points$trend$normal, points$trend$deviation, col = okabe_ito[2L], lwd = 2)
}

# Many dots are small and let others through.
draw_dots <- function(x, y) {
  many <- length(x) > 200L
  points(x, y, pch = if (many) 16L else 1L, cex = if (many) 0.5 else 0.8,
    col = if (many) adjustcolor(okabe_ito[1L], 0.6) else okabe_ito[1L])
}

# ---- distribution function ------------------------------------------------------------------------

# The empirical distribution function, a step at each `at`, and the fitted one at `grid` with its band.
distribution_curves <- function(fit) {
  value <- response_values(fit)
  live <- is.finite(value)
  w <- if (is.null(fit$weights)) rep(1, length(value)) else fit$weights
  live <- which(live & w > 0)
  live <- live[order(value[live])]
  # The sum up to the last of equal values.
  last <- !duplicated(value[live], fromLast = TRUE)
  at <- value[live][last]
  observed <- (cumsum(w[live]) / sum(w[live]))[last]
  kept <- thin_points(length(at))
  fitted <- fitted_distribution(fit, at[kept])
  band <- binomial_band(fitted$p, count_rows(fit))
  list(at = at[kept], observed = observed[kept], grid = fitted$at, fitted = fitted$p, low = band$low, high = band$high,
    step = is.matrix(fit$x))
}

# Shares of successes, NaN for rows without trials.
response_values <- function(fit) if (is.matrix(fit$x)) fit$x[, 1L] / fit$x[, 2L] else fit$x

# 95 % of the shares of n observations that are not above a value of distribution function p.
binomial_band <- function(p, n) {
  whole <- max(1, round(n))
  list(low = qbinom(0.025, whole, p) / whole, high = qbinom(0.975, whole, p) / whole)
}

# Where the response is continuous on a grid, else at the shares that occur: averaged over the rows' numbers of trials.
fitted_distribution <- function(fit, at) {
  family <- family_of(fit$family)
  if (!is.matrix(fit$x)) {
    grid <- if (at[1L] < at[length(at)]) seq(at[1L], at[length(at)], length.out = 401L) else at
    return(list(at = grid, p = mixture_cdf(grid, fit$parameters, family)))
  }
  live <- fit$x[, 2L] > 0
  size <- sort(unique(fit$x[live, 2L]))
  w <- if (is.null(fit$weights)) rep(1, fit$n) else fit$weights
  share <- as.vector(rowsum(w[live], match(fit$x[live, 2L], size))) / sum(w[live])
  # Some of many sizes stand for all.
  if (length(size) > 200L) {
    chosen <- round(seq(1, length(size), length.out = 200))
    share <- tapply(share, findInterval(seq_along(size), chosen), sum)
    size <- size[chosen]
  }
  p <- vapply(at, function(one) {
    sum(share * mixture_cdf(cbind(floor(one * size + 1e-9), size), fit$parameters, family)) / sum(share)
  }, 0)
  list(at = at, p = p)
}

plot_distribution <- function(x, main, xlab, col = NULL, ...) {
  curves <- distribution_curves(x)
  before <- par(mar = c(4.2, 4.4, 4, 1))
  on.exit(par(before))
  reach <- range(curves$at)
  if (reach[1L] == reach[2L]) reach <- reach + max(abs(reach[1L]), 1) * c(-0.5, 0.5)
  if (is.null(xlab)) xlab <- response_label(x)
  open_panel(reach, c(0, 1), "", xlab, "distribution function", yaxs = "r", ...)
  title(main = if (is.null(main)) fit_title(x) else main, line = 2.2)
  if (curves$step) {
    across <- c(rep(curves$grid, each = 2L)[-1L], reach[2L])
    draw_band(across, rep(curves$low, each = 2L), rep(curves$high, each = 2L))
    lines(across, rep(curves$fitted, each = 2L), col = okabe_ito[2L], lwd = 2)
  } else {
    draw_band(curves$grid, curves$low, curves$high)
    lines(curves$grid, curves$fitted, col = okabe_ito[2L], lwd = 2)
  }
  lines(curves$at, curves$observed, type = if (length(curves$at) > 400L) "l" else "s", col = "black")
  usr <- par("usr")
  legend(mean(usr[1:2]), usr[4L], c("observed", "fitted", "95 % band"), lty = c(1L, 1L, NA), lwd = c(1, 2, NA),
    col = c("black", okabe_ito[2L], NA), fill = c(NA, NA, "grey90"), border = NA, horiz = TRUE,
    xjust = 0.5, yjust = 0, xpd = NA, bty = "n", cex = 0.85)
}

# ---- uncertainty ------------------------------------------------------------------------------------

# A row per distinct value: where it is, its uncertainty and class.
uncertainty_points <- function(fit) {
  x <- fit$x
  one <- which(!duplicated(x))
  if (length(one) > most_points) one <- one[order(response_values(fit)[one])][round(seq(1, length(one), length.out = most_points))]
  rows <- take_rows(x, one)
  p <- posterior_of(fit, rows)
  best <- cbind(seq_len(NROW(rows)), max.col(p, "first"))
  p[best] <- 0
  at <- response_values(list(x = rows))
  data.frame(at = at, uncertainty = rowSums(p), class = best[, 2L])[is.finite(at), ]
}

uncertainty_curve <- function(fit, reach) {
  if (is.matrix(fit$x)) return(NULL)
  grid <- seq(reach[1L], reach[2L], length.out = 601L)
  p <- posterior_of(fit, grid)
  p[cbind(seq_along(grid), max.col(p, "first"))] <- 0
  data.frame(at = grid, uncertainty = rowSums(p))
}

plot_uncertainty <- function(x, main, xlab, col = NULL, ...) {
  style <- component_style(x, col)
  shown <- uncertainty_points(x)
  reach <- range(shown$at)
  if (reach[1L] == reach[2L]) reach <- reach + max(abs(reach[1L]), 1) * c(-0.5, 0.5)
  curve <- uncertainty_curve(x, reach)
  top <- max(0.05, shown$uncertainty, curve$uncertainty)
  before <- par(mar = c(4.2, 4.4, 2.6 + 1.1 * class_rows(x), 1))
  on.exit(par(before))
  if (is.null(xlab)) xlab <- response_label(x)
  open_panel(reach, c(-0.1, 1.04) * top, "", xlab, "1 - highest posterior probability", ...)
  if (!is.null(curve)) lines(curve$at, curve$uncertainty, col = "grey60")
  many <- nrow(shown) > 200L
  points(shown$at, shown$uncertainty, pch = class_marks(shown$class), cex = if (many) 0.6 else 0.9,
    col = adjustcolor(style$col, 0.8)[shown$class])
  segments(shown$at, -0.08 * top, shown$at, -0.03 * top, col = adjustcolor(style$col, if (many) 0.4 else 0.9)[shown$class])
  class_legend(x, style, if (is.null(main)) "Uncertainty of classes" else main)
}

class_rows <- function(x) ceiling(min(x$k, 8L) / 4)

class_marks <- function(class) c(16L, 17L, 15L, 18L)[(class - 1L) %% 4L + 1L]

class_legend <- function(x, style, main) {
  j <- seq_len(min(x$k, 8L))
  title(main = main, line = 0.8 + 1.1 * class_rows(x))
  names <- x$components[j]
  if (x$k > 8L) names[8L] <- sprintf("... %d more", x$k - 7L)
  usr <- par("usr")
  legend(mean(usr[1:2]), usr[4L], names, col = style$col[j], pch = class_marks(j), xjust = 0.5, yjust = 0,
    xpd = NA, bty = "n", cex = 0.85, ncol = min(4L, x$k))
}

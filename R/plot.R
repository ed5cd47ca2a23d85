#' Plot a mixture
#'
#' Normal: the histogram of the data, the components' densities times their proportions, and their sum,
#' the mixture's density. Binomial: above, the observed shares of successes and what the
#' components and the mixture expect; below, the posterior probabilities of the rows, as one bar per row
#' up to 40 rows, else against the share of successes. Multivariate normal: the rows by class, with the components' ellipses, in the
#' plane of two columns or as a matrix of panels for three and more; see below.
#'
#' @param x a fit of [emix()].
#' @param type what to show:
#'   - `"fit"` (default), see above;
#'   - `"residuals"`: `"qq"` and `"worm"` side by side;
#'   - `"qq"`: the quantile residuals, in order, against normal quantiles (see [residuals.emix()]; those of binomial fits are
#'     randomised by R's generator);
#'   - `"worm"`: the same, detrended (van Buuren & Fredriks 2001): residual minus normal quantile, with a cubic fitted to it,
#'     whose level, slope and bend tell of a wrong mean, spread and skewness;
#'   - `"distribution"`: the empirical distribution function against the fitted one, binomial: of the share of successes, averaged
#'     over the rows' numbers of trials (of more than 200 different ones, 200 stand for all);
#'   - `"uncertainty"`: one minus the highest posterior probability, at each value and, for the normal family, as a curve; below,
#'     the values by class;
#'   - `"starts"`: where each run of the search ended, the log-likelihood below the best, with chance clusters marked;
#'   - `"criterion"`: AIC, BIC and ICL, and by what else `k` was chosen, against `k`, for a fit of several `k`;
#'   - `"density"`, `"discriminant"`: multivariate normal only, see below.
#'
#'   Grey bands hold each point with 95 % probability if the model is true and its parameters known: the distribution function at
#'   the `i`-th of `n` rows in order is a beta variable (`i`, `n - i + 1`), the number of rows not above a value a binomial one.
#'   `n` is the total weight, or the number of rows where weights are below 1 on average. As parameters are estimated, points stay
#'   inside more often than that; as bands are pointwise, some of many points may be outside.
#' @param col colours of the components, used in turn. Default: the Okabe-Ito colours, which
#'   colour-blind readers can tell apart; line types differ too.
#' @param main,xlab title and label of the horizontal axis; defaults say model and response.
#' @param breaks number of bins of the histogram, or their edges. Default: at least 16 and at most 100, in between as
#'   many as Freedman & Diaconis say or the narrowest component needs.
#' @param columns multivariate normal, `"fit"`, `"uncertainty"` and `"density"`: which columns to show, names or numbers. Default: of
#'   more than five (`"density"`: two), those that separate the components best. One column: the histogram and its marginal mixture. At
#'   most 12; `"density"` shows one or two.
#' @param level multivariate normal: each ellipse holds a row of its component with such a probability, in the plane that is shown.
#'   In a matrix of panels only the largest is drawn.
#' @param ... graphical parameters for the panel of the data, such as `xlim` or `cex.axis`.
#' @return the fit, invisibly. Graphical parameters are as before afterwards.
#' @section Multivariate normal fits:
#' Each class has a colour and a symbol of its own, so that a print in black and white tells classes apart. The circle at a
#' component's centre bears its name, or its number where a name has more than two letters. The area of a symbol is in proportion to the
#' row's weight, from 0.36 to 4 times that of a row of average weight. Of more than 5,000 rows (2,000 in a matrix of panels) about so
#' many are drawn, and the picture says so: their places are multiples of the golden section, evenly spread and without chance.
#'
#'   - `"fit"`: two columns: rows, ellipses and centres. More: below the diagonal the same for each pair of columns; above it
#'     the density of the mixture, whose contours enclose 25, 50, 75 and 95 % of its mass; on it the columns' histograms and marginal
#'     mixtures.
#'   - `"uncertainty"`: the same, but the larger a symbol, the larger is one minus the highest posterior probability of the row,
#'     the chance that its class is wrong; rows below 0.01 are small and grey.
#'   - `"density"`: contours of the (marginal) density of two columns, with labels.
#'   - `"discriminant"`: the plane in which the components are farthest apart. Two are tried: the first two discriminant coordinates of
#'     Fisher (1936), from the covariances between and within components, and those of Scrucca (2010), which see differences of the
#'     covariances too; the one with the smaller Bhattacharyya bound on the rate of wrong classes (Kailath 1967) is shown.
#'     Labels tell a coordinate's share of the criterion and the two columns that it is correlated with most.
#'   - `"qq"`: squared Mahalanobis distances of the rows to the centre of their class, in order, against quantiles of the
#'     chi-squared distribution of as many degrees of freedom as there are columns. `"worm"`: their normal quantiles, detrended;
#'     `"residuals"`: both. Rows count for the class of the highest probability: where components overlap, large distances are a little too rare.
#'
#' A row with missing values is drawn in the panels whose columns it has; its distance is that of the values that it has, moved to the
#' quantile of the same probability. Columns that separate best are found one by one: the next is that which makes the bound
#' smallest, together with those before.
#' @section Errors:
#' `emix_error_input`, `emix_error_object`.
#' @references
#' Fisher, R. A. (1936). The use of multiple measurements in taxonomic problems. *Annals of Eugenics* 7, 179-188.
#'
#' Kailath, T. (1967). The divergence and Bhattacharyya distance measures in signal selection. *IEEE Transactions on Communication
#' Technology* 15, 52-60.
#'
#' Scrucca, L. (2010). Dimension reduction for model-based clustering. *Statistics and Computing* 20, 471-484.
#'
#' van Buuren, S. and Fredriks, M. (2001). Worm plot: a simple diagnostic device for modelling growth reference curves. *Statistics in
#' Medicine* 20, 1259-1277.
#' @examples
#' fit <- emix(height ~ 1, data = heights, k = 2, equal = "sd")
#' plot(fit, xlab = "height (cm)")
#' plot(fit, "residuals")
#' plot(fit, "distribution")
#' plot(fit, "uncertainty")
#' plot(emix(faithful$eruptions, k = 1:4), type = "criterion")
#' plot(emix(cbind(heads, tails) ~ 1, data = coins, k = 2, family = "binomial", equal = "prop"))
#' flowers <- emix(iris[, 1:4], k = 3)
#' plot(flowers)
#' plot(flowers, "discriminant")
#' plot(flowers, "density", columns = c("Sepal.Length", "Petal.Length"))
#' @export
plot.emix <- function(x, type = "fit", col = NULL, main = NULL, xlab = NULL, breaks = NULL, columns = NULL, level = c(0.5, 0.95), ...) {
  check_fit(x, "x")
  check_graphical(...)
  multi <- x$family$name == "mvnormal"
  types <- if (multi) c(names(multi_plots), "starts", "criterion") else c("fit", names(other_plots))
  type <- check_choice(type, "type", types)
  if (multi && type %in% names(multi_plots)) {
    plot_multi(x, type, col, main, xlab, columns, level, ...)
    return(invisible(x))
  }
  if (!is.null(columns)) stop_input("columns", "left out: it is for pictures of multivariate normal fits", describe(columns))
  if (!is.null(breaks)) breaks <- check_breaks(breaks, x)
  if (type != "fit") {
    other_plots[[type]](x, main, xlab, col = col, ...)
    return(invisible(x))
  }
  style <- component_style(x, col)
  if (is.null(main)) main <- fit_title(x)
  if (is.null(xlab)) xlab <- response_label(x)
  switch(x$family$name,
    normal = plot_normal(x, style, main, xlab, breaks, ...),
    binomial = plot_binomial(x, style, main, xlab, breaks, ...),
    stop_input("x", "of a family that has a picture", paste("of the", family_of(x$family$name)$title, "family"))
  )
  invisible(x)
}

# `...` are graphical parameters, of par() or plot.default(), and nothing else.
check_graphical <- function(...) {
  names <- setdiff(...names_or_empty(...), c(names(formals(graphics::plot.default)), "x"))
  if (!length(names)) return(invisible())
  bad <- setdiff(names, names(par(no.readonly = TRUE)))
  if (length(bad)) do.call(check_no_dots, stats::setNames(list(NULL), bad[1L]))
}

# By type: functions of the fit, title, label of the horizontal axis, colours of components and graphical parameters.
other_plots <- list(
  residuals = function(...) plot_residuals(...),
  qq = function(...) plot_qq(...),
  worm = function(...) plot_worm(...),
  distribution = function(...) plot_distribution(...),
  uncertainty = function(...) plot_uncertainty(...),
  starts = function(x, main, xlab, col, ...) plot_starts(x, main, xlab, ...),
  criterion = function(x, main, xlab, col, ...) plot_criterion(x, main, xlab, ...)
)

# Okabe & Ito (2008), without yellow and black: legible on white, also for colour-blind readers.
okabe_ito <- c("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")

component_style <- function(x, col) {
  if (is.null(col)) col <- okabe_ito
  good <- is.atomic(col) && length(col) > 0L &&
    !inherits(try(grDevices::col2rgb(col), silent = TRUE), "try-error")
  if (!good) stop_input("col", "colours", describe(col))
  # Neighbours differ in line type too, for print in black and white.
  list(col = rep_len(col, x$k), lty = rep_len(c(1L, 5L, 3L, 4L), x$k))
}

# A number of bins, or edges that hold all rows.
check_breaks <- function(breaks, x) {
  if (length(breaks) < 2L) return(check_count(breaks, "breaks", 1, 1e5))
  breaks <- sort(check_numeric(breaks, "breaks"))
  values <- if (is.matrix(x$x)) (x$x[, 1L] / x$x[, 2L])[x$x[, 2L] > 0] else x$x
  if (anyNA(breaks) || any(!is.finite(breaks)) || min(values) < breaks[1L] || max(values) > breaks[length(breaks)]) {
    stop_input("breaks", "a number of bins, or edges around all rows", describe(breaks))
  }
  breaks
}

response_label <- function(x) {
  label <- if (!is.null(x$terms)) deparse1(formula(x$terms)[[2L]]) else deparse1(x$call$x)
  if (x$family$name == "binomial") label <- "share of successes"
  # A long expression, or "<a numeric vector ...>" of a call by do.call().
  if (nchar(label) > 40L || startsWith(label, "<")) "value" else label
}

# Relative frequencies of the rows (weighted) in bins.
bin_rows <- function(x, weights, breaks) {
  w <- if (is.null(weights)) rep(1, length(x)) else weights
  at <- findInterval(x, breaks, rightmost.closed = TRUE, all.inside = TRUE)
  as.vector(rowsum(c(w, rep(0, length(breaks) - 1L)), c(at, seq_len(length(breaks) - 1L)))) / sum(w)
}

# As many bins as the data bear, and at least one per standard deviation of the narrowest component.
normal_breaks <- function(x, sd, breaks) {
  if (length(breaks) > 1L) return(breaks)
  range <- range(x)
  if (range[1L] == range[2L]) return(range[1L] + max(abs(range[1L]), 1) * c(-0.5, 0.5))
  if (is.null(breaks)) {
    sample <- if (length(x) > 1e5) x[round(seq(1, length(x), length.out = 1e5))] else x
    fine <- min(100, (range[2L] / min(sd) - range[1L] / min(sd)))
    breaks <- ceiling(min(100, max(16, nclass.FD(sample), fine)))
  }
  edges <- pretty(range, breaks)
  if (length(edges) < 2L) seq(range[1L], range[2L], length.out = breaks + 1L) else edges
}

# The histogram's bins and the curves over it: a column per component, times its proportion, and their sum.
normal_curves <- function(x, breaks) {
  width <- max(range(x$x)[2L] / 4 - range(x$x)[1L] / 4, x$parameters$sd)
  if (width < 1e-305 || width > 1e306) {
    stop_input("x", "a fit of data whose spread R can draw, from 1e-305 to 1e306", format(width, digits = 2))
  }
  edges <- normal_breaks(x$x, x$parameters$sd, breaks)
  density <- bin_rows(x$x, x$weights, edges) / diff(edges)
  reach <- range(edges)
  grid <- seq(reach[1L], reach[2L], length.out = 801L)
  # Narrow components keep their peaks.
  grid <- sort(c(grid, unlist(lapply(seq_len(x$k), function(j) {
    at <- x$parameters$mean[j] + x$parameters$sd[j] * seq(-4, 4, 0.1)
    at[at >= reach[1L] & at <= reach[2L]]
  }))))
  each <- vapply(seq_len(x$k), function(j) {
    x$parameters$prop[j] * dnorm(grid, x$parameters$mean[j], x$parameters$sd[j])
  }, grid)
  list(edges = edges, observed = density, at = grid, each = each, total = rowSums(each), ylab = "density")
}

plot_normal <- function(x, style, main, xlab, breaks, ...) {
  curves <- normal_curves(x, breaks)
  before <- par(mar = panel_margins(x))
  on.exit(par(before))
  open_panel(range(curves$edges), c(0, 1.04 * max(curves$observed, curves$total)), "", xlab, "density", ...)
  rect(curves$edges[-length(curves$edges)], 0, curves$edges[-1L], curves$observed, col = "grey90", border = "grey75")
  lines(curves$at, curves$total, lwd = 2)
  if (x$k > 1L) {
    for (j in seq_len(x$k)) lines(curves$at, curves$each[, j], col = style$col[j], lty = style$lty[j], lwd = 2)
  }
  component_legend(x, style, main)
}

# An empty panel; the user's graphical parameters in `...` win. Names with a dot, as a user's `ylab` must not be taken for one of these.
open_panel <- function(x_range, y_range, .main, .xlab, .ylab, ...) {
  defaults <- list(xlim = x_range, ylim = y_range, main = .main, xlab = .xlab, ylab = .ylab, bty = "l", las = 1,
    xaxs = "r", yaxs = "i")
  given <- list(...)
  given <- given[!duplicated(names(given), fromLast = TRUE)]
  do.call(graphics::plot.default, c(list(NA, NA, type = "n"), given, defaults[setdiff(names(defaults), names(given))]))
}

# The legend stands above the panel, below the title, where it can cover nothing.
legend_rows <- function(x) ceiling((min(x$k, 8L) + 1) / 3)

panel_margins <- function(x) c(4.2, 4.4, 2.6 + 1.1 * legend_rows(x), 1)

# Title, then names and proportions of up to eight components, and the mixture.
component_legend <- function(x, style, main, marks = FALSE) {
  j <- seq_len(min(x$k, 8L))
  title(main = main, line = 0.8 + 1.1 * legend_rows(x))
  usr <- par("usr")
  above <- function(...) {
    legend(mean(usr[1:2]), usr[4L], ..., xjust = 0.5, yjust = 0, xpd = NA, bty = "n", seg.len = 2.2, cex = 0.85,
      y.intersp = 0.9)
  }
  if (x$k == 1L) return(above("fitted mixture", lwd = 2, pch = if (marks) 1L))
  names <- sprintf("%s (%s)  ", x$components[j], format(x$parameters$prop[j], digits = 2, nsmall = 2))
  if (x$k > 8L) names[8L] <- sprintf("... %d more", x$k - 7L)
  above(c(names, "mixture"), col = c(style$col[j], "black"), lty = c(style$lty[j], 1L), lwd = 2, pch = if (marks) c(mark_of(j), 1L),
    ncol = min(3L, x$k + 1L))
}

plot_binomial <- function(x, style, main, xlab, breaks, ...) {
  before <- par(mar = panel_margins(x))
  on.exit({
    graphics::layout(1)
    par(before)
  })
  graphics::layout(matrix(1:2), heights = c(3 + 0.2 * legend_rows(x), 2))
  plot_shares(x, style, main, xlab, breaks, ...)
  par(mar = c(4.2, 4.4, 0.6, 1))
  if (x$n <= 40L) plot_row_bars(x, style) else plot_row_points(x, style, xlab)
}

# With one number of trials every count has its own bar; otherwise shares are binned.
share_bins <- function(x, breaks) {
  size <- unique(x$x[, 2L])
  if (length(size) == 1L && size <= 60 && is.null(breaks)) {
    return(list(edges = (seq(0, size + 1) - 0.5) / size, size = size, weight = 1))
  }
  if (is.null(breaks)) breaks <- 25L
  edges <- if (length(breaks) > 1L) breaks else seq(0, 1, length.out = breaks + 1L)
  w <- if (is.null(x$weights)) rep(1, x$n) else x$weights
  live <- x$x[, 2L] > 0
  size <- sort(unique(x$x[live, 2L]))
  weight <- as.vector(rowsum(w[live], match(x$x[live, 2L], size)))
  list(edges = edges, size = size, weight = weight / sum(weight))
}

# Expected share of rows in each bin under a component, over the numbers of trials.
expected_in_bins <- function(bins, prob) {
  last <- length(bins$edges)
  below <- vapply(seq_along(bins$size), function(i) {
    at <- ceiling(bins$edges * bins$size[i] - 1e-9) - 1
    at[last] <- bins$size[i]
    pbinom(at, bins$size[i], prob)
  }, bins$edges)
  diff(as.vector(matrix(below, nrow = last) %*% bins$weight))
}

# As normal_curves(), at the middles of the bins of shares.
share_curves <- function(x, breaks) {
  bins <- share_bins(x, breaks)
  live <- x$x[, 2L] > 0
  edges <- bins$edges
  observed <- bin_rows((x$x[, 1L] / x$x[, 2L])[live], x$weights[live], edges)
  each <- vapply(seq_len(x$k), function(j) {
    x$parameters$prop[j] * expected_in_bins(bins, x$parameters$prob[j])
  }, observed)
  each <- matrix(each, ncol = x$k)
  list(edges = edges, observed = observed, at = (edges[-1L] + edges[-length(edges)]) / 2, each = each, total = rowSums(each),
    ylab = "share of rows")
}

plot_shares <- function(x, style, main, xlab, breaks, ...) {
  curves <- share_curves(x, breaks)
  edges <- curves$edges
  open_panel(range(edges), c(0, 1.04 * max(curves$observed, curves$total)), "", xlab, "share of rows", ...)
  rect(edges[-length(edges)], 0, edges[-1L], curves$observed, col = "grey90", border = "grey75")
  dot <- if (length(curves$at) > 30L) 0.5 else 0.9
  lines(curves$at, curves$total, type = "b", pch = 1L, cex = dot, lwd = 1.5)
  if (x$k > 1L) for (j in seq_len(x$k)) {
    lines(curves$at, curves$each[, j], col = style$col[j], lty = style$lty[j], type = "b", pch = mark_of(j), cex = dot, lwd = 1.5)
  }
  component_legend(x, style, main, marks = TRUE)
}

row_names <- function(x) {
  paste0(format(x$x[, 1L], trim = TRUE), "/", format(x$x[, 2L], trim = TRUE))
}

plot_row_bars <- function(x, style) {
  p <- own_posterior(x)
  at <- barplot(t(p), col = bar_tints(style), border = "white", ylim = c(0, 1), las = 1,
    ylab = "posterior", xlab = "row (successes / trials)", names.arg = row_names(x),
    cex.names = if (x$n > 15L) 0.7 else 0.9)
  if (x$n <= 12L) {
    # Inside the first component's bar where there is room, else just above it.
    height <- ifelse(p[, 1L] > 0.2, p[, 1L] / 2, p[, 1L] + 0.1)
    text(at, height, format(round(p[, 1L], 2), nsmall = 2), cex = 0.8)
  }
}

# Neighbours in a bar are dark and light, so that they differ in grey too.
bar_tints <- function(style) {
  mapply(grDevices::adjustcolor, style$col, rep_len(c(0.75, 0.35), length(style$col)), USE.NAMES = FALSE)
}

plot_row_points <- function(x, style, xlab) {
  points <- x$x[x$x[, 2L] > 0 & !duplicated(x$x), , drop = FALSE]
  if (nrow(points) > 5000L) points <- points[round(seq(1, nrow(points), length.out = 5000)), ]
  p <- posterior_of(x, points)
  share <- points[, 1L] / points[, 2L]
  open_panel(c(0, 1), c(0, 1.02), "", xlab, "posterior")
  for (j in seq_len(x$k)) {
    points(share, p[, j], pch = mark_of(j),
      col = adjustcolor(style$col[j], 0.6), cex = 0.8)
  }
}

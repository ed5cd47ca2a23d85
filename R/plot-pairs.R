# A matrix of panels for three columns or more: names and marginal densities on the diagonal, rows below, densities above.

plot_pairs <- function(x, view, what, level, style, main, ...) {
  p <- length(view$names)
  line <- par("cin")[2L]
  key <- multi_key(x, style, par("din")[1L], what == "doubt")
  top <- line * (2.1 + key$rows)
  before <- par(mfrow = c(p, p), mar = rep(0.15, 4L), omi = line * c(if (nzchar(view$note)) 2.4 else 1.4, 1.5, 0, 1.5) + c(0, 0, top, 0))
  on.exit(par(before))
  par(cex = if (p < 4L) 0.8 else if (p < 7L) 0.66 else 0.5)
  reach <- view_ranges(view, 0.9)
  for (row in seq_len(p)) for (column in seq_len(p)) pairs_panel(x, view, row, column, what, level, style, reach, ...)
  par(cex = 1)
  across <- graphics::grconvertX(0.5, "ndc")
  up <- function(inches) graphics::grconvertY(inches / par("din")[2L], "ndc")
  draw_key(key, across, up(par("din")[2L] - top + 0.03))
  fitted_text(across, up(par("din")[2L] - 0.9 * line), main, par("din")[1L], 1.2, font = 2L)
  fitted_text(across, up(0.6 * line), view$note, par("din")[1L], 0.75, col = "grey35")
}

pairs_panel <- function(x, view, row, column, what, level, style, reach, ...) {
  if (row == column) return(pairs_diagonal(view, row, style, reach, ...))
  plane <- take_axes(view, column, row)
  graphics::plot.default(NA, NA, xlim = reach[, column], ylim = reach[, row], axes = FALSE, ann = FALSE, ...)
  usr <- matrix(par("usr"), 2L)
  if (row > column) plane_layers[[what]](plane, style, max(level), usr, 1) else draw_density(plane, usr, 51L, FALSE)
  draw_centres(plane, style, centre_names(x), 0.9)
  graphics::box(col = "grey50")
  pairs_axes(row, column, length(view$names))
}

# Numbers outside: below and, of the lower panels, on the left, of the upper ones on the right.
pairs_axes <- function(row, column, p) {
  small <- list(cex.axis = 0.9, mgp = c(3, 0.45, 0), tcl = -0.3, col = NA, col.ticks = "grey50")
  if (row == p) do.call(axis, c(list(1L), small))
  if (column == 1L && row > 1L) do.call(axis, c(list(2L), small))
  if (column == p && row < p) do.call(axis, c(list(4L), small))
}

# The marginal mixture of one column over its histogram, its name above.
pairs_diagonal <- function(view, i, style, reach, ...) {
  mean <- view$mean[i, ]
  sd <- pmax(sqrt(view$cov[i, i, ]), 1e-6 * (reach[2L, i] - reach[1L, i]))
  graphics::plot.default(NA, NA, xlim = reach[, i], ylim = c(0, 1), yaxs = "i", axes = FALSE, ann = FALSE, ...)
  usr <- par("usr")
  at <- axis_grid(mean, sd, usr[1:2], 201L)
  each <- vapply(seq_along(mean), function(j) view$prop[j] * dnorm((at - mean[j]) / sd[j]) / (sd[j] / max(sd)), at)
  total <- rowSums(each)
  edges <- seq(reach[1L, i], reach[2L, i], length.out = 25L)
  value <- view$x[, i]
  live <- !is.na(value) & value >= edges[1L] & value <= edges[25L]
  bars <- bin_rows(value[live], (view$size^2)[live], edges) / ((edges[2L] - edges[1L]) / max(sd))
  top <- max(bars, total) / 0.74
  rect(edges[-25L], 0, edges[-1L], bars / top, col = "grey90", border = NA)
  lines(at, total / top, lwd = 1.4)
  if (length(mean) > 1L) for (j in seq_along(mean)) lines(at, each[, j] / top, col = style$col[j], lty = style$lty[j], lwd = 1.2)
  fits <- 0.92 * (usr[2L] - usr[1L]) / graphics::strwidth(view$names[i], cex = 1.5, font = 2L)
  text(mean(usr[1:2]), 0.87, view$names[i], font = 2L, cex = 1.5 * min(1, fits))
  graphics::box(col = "grey50")
  pairs_axes(i, i, length(view$names))
}

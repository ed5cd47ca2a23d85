# A plane of a multivariate fit: rows by class, ellipses and centres; uncertainty; contours of the density.

# The regions of highest density that contours enclose.
plane_mass <- c(0.25, 0.5, 0.75, 0.95)

plane_titles <- c(doubt = "Uncertainty of classes", density = "Density of the mixture")

plot_columns <- function(x, chosen, what, level, col, main, xlab, ...) {
  at <- chosen$at
  style <- component_style(x, col)
  if (is.null(main)) main <- if (length(at) > 1L && what != "class") plane_titles[[what]] else multi_title(x)
  if (length(at) == 1L) return(plot_marginal(x, at, style, main, xlab, ...))
  view <- view_of(x, at, most = if (length(at) > 2L) 2000L else 5000L)
  view$note <- paste(c(chosen$note, view$note), collapse = "; ")
  if (length(at) > 2L) {
    given <- intersect(c("xlab", "ylab", "xlim", "ylim"), c(if (!is.null(xlab)) "xlab", names(list(...))))
    if (length(given)) stop_input(given[1L], "left out: a matrix of panels has the columns' names and ranges")
    return(plot_pairs(x, view, what, level, style, main, ...))
  }
  plot_plane(x, view, what, level, style, main, xlab, ...)
}

# The fit of one column: its marginal mixture, a univariate one.
marginal_fit <- function(x, at) {
  live <- !is.na(x$x[, at])
  x$x <- x$x[live, at]
  x$weights <- x$weights[live]
  x$parameters <- list(prop = x$parameters$prop, mean = x$parameters$mean[at, ], sd = sqrt(x$parameters$cov[at, at, ]))
  x$family <- list(name = "normal")
  x
}

plot_marginal <- function(x, at, style, main, xlab, ...) {
  plot_normal(marginal_fit(x, at), style, main, or_default(xlab, shown_columns(x)[at]), NULL, ...)
}

plot_plane <- function(x, view, what, level, style, main, xlab, ylab = NULL, ...) {
  key <- multi_key(x, style, par("fin")[1L], what == "doubt")
  if (what == "density") key[c("pch", "lty")] <- list(21L, 0L)
  note <- or_default(view$note, "")
  reach <- view_ranges(view, if (what == "density") 0.99 else level)
  left <- max(4.4, 2.6 + 0.55 * max(nchar(format(pretty(reach[, 2L]), digits = 7L))))
  before <- par(mar = c(4.2 + nzchar(note), left, 2.6 + 1.1 * key$rows, 1))
  on.exit(par(before))
  open_panel(reach[, 1L], reach[, 2L], "", or_default(xlab, view$names[1L]), "", yaxs = "r", ...)
  ylab <- or_default(ylab, view$names[2L])
  long <- graphics::strwidth(ylab, "inches") / par("fin")[2L]
  mtext(ylab, 2L, left - 1.4, at = if (long > 0.6) graphics::grconvertY(0.5, "nfc") else NA, cex = par("cex") * min(1, 0.95 / long))
  usr <- matrix(par("usr"), 2L)
  plane_layers[[what]](view, style, level, usr, 1)
  draw_centres(view, style, centre_names(x), 1)
  if (what == "density") graphics::box(bty = "l")
  draw_key(key, graphics::grconvertX(0.5, "nfc"), usr[2L, 2L])
  panel_title(main, 0.8 + 1.1 * key$rows, note, 4)
}

# By what is shown: what is drawn in a plane, below the centres; `cex` is small where there are many panels.
plane_layers <- list(
  class = function(view, style, level, usr, cex) {
    draw_classes(view, style, cex)
    draw_ellipses(view, style, level)
  },
  doubt = function(view, style, level, usr, cex) {
    draw_ellipses(view, list(col = rep("grey70", length(view$prop)), lty = rep(1L, length(view$prop))), max(level))
    draw_doubt(view, style, cex)
  },
  density = function(view, style, level, usr, cex) draw_density(view, usr, 101L, TRUE)
)

# The more points, the smaller and the more transparent.
dot_style <- function(n) {
  step <- findInterval(n, c(200, 1000, 3000))
  list(cex = c(0.9, 0.7, 0.55, 0.45)[step + 1L], alpha = c(0.9, 0.75, 0.6, 0.5)[step + 1L])
}

draw_classes <- function(view, style, cex) {
  dot <- dot_style(nrow(view$x))
  points(view$x, pch = symbol_of(view$class), cex = cex * dot$cex * view$size, col = adjustcolor(style$col, dot$alpha)[view$class])
}

draw_ellipses <- function(view, style, level) {
  for (j in seq_along(view$prop)) for (one in level) {
    lines(ellipse_of(view, j, one), col = style$col[j], lty = style$lty[j], lwd = if (one == max(level)) 1.6 else 1)
  }
}

draw_centres <- function(view, style, names, cex) {
  if (length(names) < 2L) return(points(t(view$mean), pch = 3L, cex = 1.4 * cex, lwd = 2))
  points(t(view$mean), pch = 21L, bg = "white", col = style$col, cex = (1.6 + 0.5 * max(nchar(names))) * cex, lwd = 1.4)
  text(t(view$mean), labels = names, cex = 0.75 * cex)
}

# Rows that are sure are small and grey; the area of others grows with the doubt, those most in doubt on top.
draw_doubt <- function(view, style, cex) {
  order <- order(view$doubt)
  doubt <- view$doubt[order]
  class <- view$class[order]
  sure <- doubt < 0.01
  dot <- dot_style(length(order))
  points(view$x[order, ][sure, , drop = FALSE], pch = symbol_of(class[sure]), cex = 0.6 * cex * dot$cex, col = adjustcolor("grey60", dot$alpha))
  points(view$x[order, ][!sure, , drop = FALSE], pch = symbol_of(class[!sure]), cex = cex * doubt_size(doubt[!sure]),
    col = adjustcolor(style$col, 0.85)[class[!sure]])
}

doubt_size <- function(doubt) 0.5 + 1.6 * sqrt(doubt)

# Shades from the outer region to the inner one, and their edges; labels say the mass inside.
draw_density <- function(view, usr, points, labels) {
  contours <- plane_contours(view, usr, plane_mass, points)
  order <- order(contours$levels)
  shades <- grDevices::grey(seq(0.93, 0.62, length.out = length(order)))
  graphics::.filled.contour(contours$x, contours$y, contours$z, c(contours$levels[order], max(contours$z) + 1), shades)
  text <- paste0(100 * plane_mass, " %")
  if (labels) points(view$x, pch = 16L, cex = 0.4, col = adjustcolor(okabe_ito[1L], if (nrow(view$x) > 1000L) 0.35 else 0.8))
  graphics::contour(contours$x, contours$y, contours$z, levels = contours$levels[order], labels = text[order], drawlabels = labels,
    labcex = 0.85, vfont = NULL, col = "grey10", lwd = 0.7, add = TRUE)
}

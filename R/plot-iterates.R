# The iterates of multivariate normal fits in the plane of two columns: the way of the centres with their ellipses, and one iterate
# as a picture of a film.

# The two columns of a picture of iterates, with a note.
iterate_columns <- function(fit, along) choose_columns(fit, along, 2L, 2L)

# What is drawn of each iterate: views of the two columns without rows (see plot-multi.R).
iterate_views <- function(theta, lesson, at) {
  lapply(seq_len(ncol(theta)), function(t) {
    p <- parameters_of(theta[, t], lesson)
    list(prop = unname(p$prop), mean = unname(p$mean[at, , drop = FALSE]), cov = unname(p$cov[at, at, , drop = FALSE]))
  })
}

# Limits of the axes that do for all iterates: rows, and ellipses as far as a tenth beyond.
iterate_reach <- function(x, views, level) {
  r <- sqrt(stats::qchisq(level, 2))
  vapply(1:2, function(i) {
    rows <- range(x[, i], na.rm = TRUE)
    centres <- range(vapply(views, function(v) range(v$mean[i, ]), double(2)))
    rows <- c(min(rows[1L], max(centres[1L], rows[1L] - diff(rows))), max(rows[2L], min(centres[2L], rows[2L] + diff(rows))))
    reach <- range(vapply(views, function(v) range(v$mean[i, ] - r * sqrt(v$cov[i, i, ]), v$mean[i, ] + r * sqrt(v$cov[i, i, ])), double(2)))
    more <- diff(rows) / 10
    out <- c(min(rows[1L], max(reach[1L], rows[1L] - more)), max(rows[2L], min(reach[2L], rows[2L] + more)))
    if (diff(out) > 0) out else out + max(abs(out), 1) * c(-0.5, 0.5)
  }, double(2))
}

# Iterates whose ellipses are drawn: the first, the last and some between, where the picture has changed as much each time.
shown_iterates <- function(views, most = 6L) {
  n <- length(views)
  if (n <= most) return(seq_len(n))
  places <- vapply(views, function(v) c(v$mean, log(pmax(apply(v$cov, 3L, diag), 1e-300))), double(4L * length(views[[1L]]$prop)))
  size <- apply(places, 1L, function(v) max(diff(range(v)), 1e-12))
  moved <- c(0, cumsum(sqrt(rowSums((diff(t(places)) / rep(size, each = n - 1L))^2))))
  wanted <- seq(0, moved[n], length.out = most)
  sort(unique(c(1L, vapply(wanted, function(w) which.min(abs(moved - w)), 1L), n)))
}

# plot(trace, "path") of several columns.
plot_plane_path <- function(fit, along, iterations, range, labels, style, ...) {
  chosen <- iterate_columns(fit, along)
  at <- until(fit, iterations)
  lesson <- lesson_of_fit(fit)
  views <- iterate_views(trace_theta(fit, lesson)[, at, drop = FALSE], lesson, chosen$at)
  x <- fit$x[scattered_rows(fit, 5000L), chosen$at, drop = FALSE]
  axes <- iterate_axes(x, views, range)
  names <- shown_columns(fit)[chosen$at]
  note <- or_default(chosen$note, "")
  before <- par(mar = c(4.2 + nzchar(note), 4.6, 3.8, 1))
  on.exit(par(before))
  panel_with_legend(axes[, 1L], axes[, 2L], labels, list(main = "The way up", xlab = names[1L], ylab = names[2L]), 1, xaxs = "i", ...)
  if (nzchar(note)) mtext(note, 1L, 4, cex = 0.75 * par("cex"), col = "grey35")
  dot <- dot_style(nrow(x))
  points(x, pch = 16L, cex = 0.8 * dot$cex, col = adjustcolor("grey55", dot$alpha))
  shown <- shown_iterates(views)
  for (t in shown) {
    last <- t == length(views)
    draw_ellipses(views[[t]], list(col = adjustcolor(style$col, if (last) 1 else 0.25 + 0.35 * match(t, shown) / length(shown)),
      lty = if (last) style$lty else rep(if (t == 1L) 3L else 1L, fit$k)), if (last) c(0.5, 0.95) else 0.95)
  }
  for (j in seq_len(fit$k)) draw_centre_path(vapply(views, function(v) v$mean[, j], double(2)), style$col[j])
  legend_above(c("start", "iterates", "end"), pch = c(21L, 16L, 4L), pt.lwd = c(1.5, 1, 2.5), lty = c(3L, 1L, 1L), horiz = TRUE)
}

iterate_axes <- function(x, views, range) {
  if (is.null(range)) return(iterate_reach(x, views, 0.95))
  if (!is.list(range) || length(range) != 2L) stop_input("range", "a list of two pairs of numbers", describe(range))
  vapply(range, function(reach) {
    reach <- check_numeric(reach, "range", 2L)
    if (anyNA(reach) || !(reach[1L] < reach[2L])) stop_input("range", "pairs of numbers, the lower first", listing(reach))
    reach
  }, double(2))
}

draw_centre_path <- function(path, col) {
  n <- ncol(path)
  lines(path[1L, ], path[2L, ], col = col, lwd = 2)
  some <- apart_marks(path[1L, ], path[2L, ])
  points(path[1L, some], path[2L, some], pch = 16L, cex = 0.8, col = col)
  points(path[1L, 1L], path[2L, 1L], pch = 21L, bg = "white", col = col, cex = 1.4, lwd = 1.5)
  points(path[1L, n], path[2L, n], pch = 4L, cex = 1.5, lwd = 2.5, col = col)
}

# ---- films --------------------------------------------------------------------------------

# What all pictures of a film share.
plane_film <- function(fit, theta, lesson) {
  chosen <- iterate_columns(fit, NULL)
  rows <- scattered_rows(fit, 5000L)
  x <- fit$x[rows, chosen$at, drop = FALSE]
  list(chosen = chosen, rows = rows, x = x, reach = iterate_reach(x, iterate_views(theta, lesson, chosen$at), 0.95))
}

# Colours between those of the components, as the posterior probabilities are.
mixed_colours <- function(posterior, style, alpha) {
  mixed <- posterior %*% t(grDevices::col2rgb(style$col[seq_len(ncol(posterior))]))
  grDevices::rgb(pmin(mixed, 255), maxColorValue = 255, alpha = 255 * alpha)
}

draw_plane_frame <- function(fit, style, main, xlab, film) {
  at <- film$chosen$at
  names <- shown_columns(fit)[at]
  par(mar = c(4.2, 4.6, 3.8, 1))
  open_panel(film$reach[, 1L], film$reach[, 2L], "", or_default(xlab, names[1L]), names[2L], yaxs = "r")
  p <- posterior_of(fit, fit$x[film$rows, , drop = FALSE], fit$labels[film$rows])
  dot <- dot_style(length(film$rows))
  points(film$x, pch = symbol_of(max.col(p, "first")), cex = dot$cex, col = mixed_colours(p, style, dot$alpha))
  view <- seen_columns(fit, fit$x[film$rows[1L], , drop = FALSE], at)
  draw_ellipses(view, style, c(0.5, 0.95))
  draw_centres(view, style, centre_names(fit), 1)
  title(main = main, line = 2.2)
  j <- seq_len(min(fit$k, 8L))
  legend_above(sprintf("%s (%s)  ", fit$components[j], format(fit$parameters$prop[j], digits = 2, nsmall = 2)), col = style$col[j], lty = style$lty[j],
    pch = symbol_of(j), ncol = min(4L, fit$k))
}

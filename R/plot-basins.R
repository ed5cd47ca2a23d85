# The map of em_basins().

#' @rdname em_basins
#' @export
plot.em_basins <- function(x, type = "basins", col = NULL, main = NULL, xlab = NULL, ylab = NULL, ...) {
  type <- check_choice(type, "type", c("basins", "iterations"))
  tints <- basin_tints(min(nrow(x$maxima), 8L), col)
  lines <- if (type == "basins") ceiling((length(tints) + sum(table(x$starts$end)[-1L] > 0L)) / 4) else 1
  sides <- lengths(x$axes)
  labels <- list(main = main, xlab = or_default(xlab, x$along[1L]), ylab = or_default(ylab, x$along[2L]))
  edges <- lapply(x$axes, function(v) {
    step <- diff(v[1:2]) / 2
    c(v[1L] - step, v[length(v)] + step)
  })
  before <- par(mar = c(4.2, 4.6, 2.7 + 1.1 * lines, 1))
  on.exit(par(before))
  what <- if (type == "basins") "Which start leads where" else "Iterations from each start"
  panel_with_legend(edges[[1L]], edges[[2L]], labels, list(main = what), lines, xaxs = "i", ...)
  if (type == "basins") draw_basins(x, tints, sides) else draw_iterations(x, sides)
  graphics::box(bty = "l")
  invisible(x)
}

# Light enough for black figures on them; neighbours differ in grey too.
basin_tints <- function(count, col) {
  if (!is.null(col)) return(component_style(list(k = count), col)$col)
  c("#6baed6", "#fee0b6", "#8fce8f", "#ead7f0", "#d9a05b", "#fff7bc", "#bdbdbd", "#f4a6a6")[seq_len(count)]
}

# Basins with their numbers in them; the maxima themselves as numbered points, perhaps elsewhere; other ends dark or white.
draw_basins <- function(x, tints, sides) {
  shown <- length(tints)
  ends <- c("saddle", "collapsed", "unfinished", "other")
  shade <- c("black", "grey45", "white", "grey85")
  code <- pmin(x$starts$maximum, shown)
  lost <- is.na(code)
  code[lost] <- shown + match(as.character(x$starts$end[lost]), ends, nomatch = 4L)
  code <- matrix(code, sides[1L])
  graphics::image(x$axes[[1L]], x$axes[[2L]], code, breaks = seq_len(shown + 5L) - 0.5, col = c(tints, shade), add = TRUE)
  for (m in seq_len(shown)) {
    cell <- middle_of(code == m)
    text(x$axes[[1L]][cell[1L]], x$axes[[2L]][cell[2L]], m, font = 2L, cex = 1.3, col = "grey25")
  }
  top <- x$maxima[seq_len(shown), ]
  usr <- par("usr")
  inside <- which(top[[x$along[1L]]] > usr[1L] & top[[x$along[1L]]] < usr[2L] & top[[x$along[2L]]] > usr[3L] & top[[x$along[2L]]] < usr[4L])
  if (length(inside)) {
    points(top[inside, x$along], pch = 21L, bg = "white", cex = 2.2)
    text(top[inside, x$along], labels = inside, cex = 0.75)
  }
  met <- sort(unique(code[lost])) - shown
  text <- c(if (shown) sprintf("%d: %s", seq_len(shown), format(top[[1L]], digits = 6L)), ends[met])
  legend_above(text, fill = c(tints, shade[met]), ncol = min(4L, length(text)))
}

# The cell of a region that is farthest from its edge: cells are peeled off until no more are left.
middle_of <- function(region) {
  padded <- function(m) rbind(FALSE, cbind(FALSE, m, FALSE), FALSE)
  repeat {
    p <- padded(region)
    n <- dim(region)
    core <- region & p[seq_len(n[1L]), 1L + seq_len(n[2L])] & p[2L + seq_len(n[1L]), 1L + seq_len(n[2L])] &
      p[1L + seq_len(n[1L]), seq_len(n[2L])] & p[1L + seq_len(n[1L]), 2L + seq_len(n[2L])]
    if (!any(core)) break
    region <- core
  }
  cells <- which(region, arr.ind = TRUE)
  cells[(nrow(cells) + 1L) %/% 2L, ]
}

draw_iterations <- function(x, sides) {
  z <- matrix(log10(pmax(x$starts$iterations, 1)), sides[1L])
  grey <- grDevices::grey.colors(32L, 0.95, 0.15)
  graphics::image(x$axes[[1L]], x$axes[[2L]], z, col = grey, add = TRUE)
  at <- unique(round(10^seq(min(z), max(z), length.out = 5L)))
  place <- if (max(z) > min(z)) round(1 + 31 * (log10(at) - min(z)) / (max(z) - min(z))) else rep(1, length(at))
  legend_above(format(at, trim = TRUE), fill = grey[pmin(pmax(place, 1), 32)], horiz = TRUE)
}

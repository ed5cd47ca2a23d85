# The map of em_basins().

#' @rdname em_basins
#' @export
plot.em_basins <- function(x, type = "basins", col = NULL, main = NULL, xlab = NULL, ylab = NULL, ...) {
  type <- check_choice(type, "type", c("basins", "iterations"))
  tints <- basin_tints(min(nrow(x$maxima), 8L), col)
  lines <- if (type == "basins") ceiling((length(tints) + sum(table(x$starts$end)[-1L] > 0L) + 1) / legend_columns()) else 1
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

# Light enough for black figures on them. Maxima often come in pairs, the components exchanged: neighbouring pairs differ in
# grey too.
basin_tints <- function(count, col) {
  if (!is.null(col)) return(component_style(list(k = count), col)$col)
  c("#7fb2dc", "#e0a06c", "#dff0d8", "#f6e4f3", "#b9c77a", "#d9b3cf", "#fff3b8", "#d6d6d6")[seq_len(count)]
}

# Basins with their numbers in them and borders between; the maxima themselves as numbered points, perhaps elsewhere; other
# ends dark or white.
draw_basins <- function(x, tints, sides) {
  shown <- length(tints)
  ends <- c("saddle", "collapsed", "unfinished", "other")
  shade <- c("black", "grey45", "white", "grey85")
  code <- pmin(x$starts$maximum, shown)
  lost <- is.na(code)
  code[lost] <- shown + match(as.character(x$starts$end[lost]), ends, nomatch = 4L)
  code <- matrix(code, sides[1L])
  graphics::image(x$axes[[1L]], x$axes[[2L]], code, breaks = seq_len(shown + 5L) - 0.5, col = c(tints, shade), add = TRUE)
  draw_borders(x$axes, code)
  top <- x$maxima[seq_len(shown), ]
  usr <- par("usr")
  inside <- which(top[[x$along[1L]]] > usr[1L] & top[[x$along[1L]]] < usr[2L] & top[[x$along[2L]]] > usr[3L] & top[[x$along[2L]]] < usr[4L])
  spots <- as.matrix(top[inside, x$along])
  for (m in seq_len(shown)) number_basin(x$axes, code == m, m, spots)
  if (length(inside)) {
    points(spots, pch = 21L, bg = "white", cex = 2.2)
    text(spots, labels = inside, cex = 0.75)
  }
  met <- sort(unique(code[lost])) - shown
  text <- c(if (shown) sprintf("%d: %s", seq_len(shown), format(top[[1L]], digits = 6L)), ends[met], if (length(inside)) "the maximum")
  legend_above(text, pch = c(rep(22L, shown + length(met)), 21L)[seq_along(text)], pt.bg = c(tints, shade[met], "white")[seq_along(text)],
    pt.cex = 1.6, ncol = min(legend_columns(), length(text)))
}

# As many entries beside each other as the picture is wide for.
legend_columns <- function() max(1, min(4, floor((par("din")[1L] - 0.5) / 1.4)))

# A line wherever two neighbouring cells differ.
draw_borders <- function(axes, code) {
  n <- dim(code)
  edges <- lapply(axes, function(v) c(v, v[length(v)] + diff(v[1:2])) - diff(v[1:2]) / 2)
  right <- which(code[-1L, , drop = FALSE] != code[-n[1L], , drop = FALSE], arr.ind = TRUE)
  above <- which(code[, -1L, drop = FALSE] != code[, -n[2L], drop = FALSE], arr.ind = TRUE)
  segments(edges[[1L]][right[, 1L] + 1L], edges[[2L]][right[, 2L]], y1 = edges[[2L]][right[, 2L] + 1L], col = "grey25")
  segments(edges[[1L]][above[, 1L]], edges[[2L]][above[, 2L] + 1L], x1 = edges[[1L]][above[, 1L] + 1L], col = "grey25")
}

# A basin's number, inside it and inside the panel; in each of its parts, if these are large enough to hold one.
number_basin <- function(axes, region, number, spots) {
  parts <- if (length(region) <= 1e4) parts_of(region) else region + 0L
  sizes <- tabulate(parts)
  usr <- par("usr")
  cell_height <- diff(axes[[2L]][1:2]) / graphics::strheight("0", font = 2L)
  for (p in which(sizes == max(sizes, 0L) | sizes >= length(region) / 50)) {
    cell <- middle_of(parts == p, axes, spots)
    place <- c(axes[[1L]][cell[1L]], axes[[2L]][cell[2L]])
    # As large as the basin is wide there, but to be read.
    cex <- min(1.3, max(0.75, 0.8 * attr(cell, "width") * cell_height))
    size <- cex * c(graphics::strwidth(number, font = 2L), graphics::strheight(number, font = 2L))
    place <- pmin(pmax(place, usr[c(1L, 3L)] + 0.6 * size), usr[c(2L, 4L)] - 0.6 * size)
    text(place[1L], place[2L], number, font = 2L, cex = cex, col = "grey15")
  }
}

# Connected parts of a region, numbered; 0 elsewhere.
parts_of <- function(region) {
  parts <- matrix(0L, nrow(region), ncol(region))
  left <- which(region)
  count <- 0L
  while (length(left)) {
    count <- count + 1L
    front <- left[1L]
    while (length(front)) {
      parts[front] <- count
      row <- (front - 1L) %% nrow(region) + 1L
      beside <- c(front[row > 1L] - 1L, front[row < nrow(region)] + 1L, front - nrow(region), front + nrow(region))
      beside <- beside[beside >= 1L & beside <= length(region)]
      front <- unique(beside[region[beside] & parts[beside] == 0L])
    }
    left <- left[parts[left] == 0L]
  }
  parts
}

# The cell of a region that is farthest from its edge: cells are peeled off until no more are left. Of those that are left, one
# in the middle, and clear of the spots, where something else is drawn. `width`: of the region there, in cells.
middle_of <- function(region, axes, spots) {
  padded <- function(m) rbind(FALSE, cbind(FALSE, m, FALSE), FALSE)
  width <- 1
  repeat {
    p <- padded(region)
    n <- dim(region)
    core <- region & p[seq_len(n[1L]), 1L + seq_len(n[2L])] & p[2L + seq_len(n[1L]), 1L + seq_len(n[2L])] &
      p[1L + seq_len(n[1L]), seq_len(n[2L])] & p[1L + seq_len(n[1L]), 2L + seq_len(n[2L])]
    if (!any(core)) break
    region <- core
    width <- width + 2
  }
  cells <- which(region, arr.ind = TRUE)
  if (!nrow(spots)) return(structure(cells[(nrow(cells) + 1L) %/% 2L, ], width = width))
  away <- pmax(abs(outer(axes[[1L]][cells[, 1L]], spots[, 1L], `-`)) / diff(range(axes[[1L]])),
    abs(outer(axes[[2L]][cells[, 2L]], spots[, 2L], `-`)) / diff(range(axes[[2L]])))
  clear <- pmin(apply(away, 1L, min), 0.1)
  best <- which(clear == max(clear))
  structure(cells[best[(length(best) + 1L) %/% 2L], ], width = width)
}

draw_iterations <- function(x, sides) {
  z <- matrix(log10(pmax(x$starts$iterations, 1)), sides[1L])
  grey <- grDevices::grey.colors(32L, 0.95, 0.15)
  graphics::image(x$axes[[1L]], x$axes[[2L]], z, col = grey, add = TRUE)
  at <- unique(round(10^seq(min(z), max(z), length.out = 5L)))
  place <- if (max(z) > min(z)) round(1 + 31 * (log10(at) - min(z)) / (max(z) - min(z))) else rep(1, length(at))
  legend_above(format(at, trim = TRUE), fill = grey[pmin(pmax(place, 1), 32)], horiz = TRUE)
}

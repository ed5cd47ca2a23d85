# Contours of a height over two parameters, labelled by how far they are below the top.

# Levels below the top of a map: 1, 2, 5, 10, ... and fractions, a dozen of them.
depth_levels <- function(z) {
  top <- max(z, na.rm = TRUE)
  depth <- top - stats::quantile(z, 0.02, na.rm = TRUE, names = FALSE)
  levels <- as.vector(outer(c(1, 2, 5), 10^(-6:9)))
  levels <- utils::tail(levels[levels < depth], 12L)
  list(z = z - top, levels = -levels, labels = vapply(levels, format, "", scientific = FALSE, digits = 3))
}

# `path`: points, columns x and y, that labels keep clear of.
draw_contours <- function(x, y, z, path) {
  depth <- depth_levels(z)
  rings <- find_rings(x, y, depth)
  for (ring in rings) graphics::lines(ring$x, ring$y, col = "grey45")
  if (length(rings)) for (label in place_labels(rings, in_inches(path[, 1L], path[, 2L]))) write_label(label)
}

find_rings <- function(x, y, depth) {
  rings <- lapply(seq_along(depth$levels), function(i) {
    lapply(grDevices::contourLines(x, y, depth$z, levels = depth$levels[i]), function(line) {
      list(at = in_inches(line$x, line$y), x = line$x, y = line$y, text = depth$labels[i])
    })
  })
  Filter(is_wide, unlist(rings, recursive = FALSE))
}

in_inches <- function(x, y) cbind(graphics::grconvertX(x, "user", "inches"), graphics::grconvertY(y, "user", "inches"))

# Around the top rings would crowd: those of less than a quarter of an inch are left out.
is_wide <- function(ring) {
  n <- nrow(ring$at)
  closed <- all(ring$at[1L, ] == ring$at[n, ])
  !closed || max(apply(ring$at, 2L, function(v) diff(range(v)))) > 0.25
}

# Each ring's label stands where most room is between other rings, labels, the path and the edges; without room there is none.
# In inches: centre and half of width and height.
place_labels <- function(rings, path) {
  labels <- list()
  edge <- in_inches(par("usr")[1:2], par("usr")[3:4])
  obstacles <- path
  for (i in seq_along(rings)) {
    half <- c(graphics::strwidth(rings[[i]]$text, "inches", cex = 0.65), graphics::strheight("0", "inches", cex = 0.65)) / 2 + 0.02
    at <- rings[[i]]$at
    inside <- at[, 1L] > edge[1L, 1L] + half[1L] & at[, 1L] < edge[2L, 1L] - half[1L] &
      at[, 2L] > edge[1L, 2L] + half[2L] & at[, 2L] < edge[2L, 2L] - half[2L]
    if (!any(inside)) next
    others <- rbind(obstacles, do.call(rbind, lapply(rings[-i], `[[`, "at")))
    room <- clearance(at[inside, , drop = FALSE], others, half)
    # Where there is enough room, rather away from the edge.
    inwards <- clearance(at[inside, , drop = FALSE], box_points(colMeans(edge), apply(edge, 2L, diff) / 2, rim = TRUE), half)
    best <- which.max(pmin(room, 0.12) + 0.05 * pmin(inwards, 0.6))
    if (room[best] <= 0) next
    place <- at[inside, , drop = FALSE][best, ]
    labels <- c(labels, list(list(place = place, half = half, text = rings[[i]]$text)))
    obstacles <- rbind(obstacles, box_points(place, half))
  }
  labels
}

# How far the nearest point is from a box of these half sides about each place; below zero where one is in it.
clearance <- function(at, points, half) {
  across <- abs(outer(at[, 1L], points[, 1L], `-`)) - half[1L]
  up <- abs(outer(at[, 2L], points[, 2L], `-`)) - half[2L]
  apply(pmax(across, up), 1L, min)
}

box_points <- function(place, half, rim = FALSE) {
  side <- seq(-1, 1, if (rim) 0.02 else 0.25)
  grid <- expand.grid(side, side)
  if (rim) grid <- grid[abs(grid[[1L]]) == 1 | abs(grid[[2L]]) == 1, ]
  cbind(place[1L] + half[1L] * grid[[1L]], place[2L] + half[2L] * grid[[2L]])
}

write_label <- function(label) {
  x <- graphics::grconvertX(label$place[1L] + c(-1, 0, 1) * label$half[1L], "inches", "user")
  y <- graphics::grconvertY(label$place[2L] + c(-1, 0, 1) * label$half[2L], "inches", "user")
  graphics::rect(x[1L], y[1L], x[3L], y[3L], col = "white", border = NA)
  text(x[2L], y[2L], label$text, cex = 0.65, col = "grey30")
}

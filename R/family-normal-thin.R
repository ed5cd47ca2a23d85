# Many normal rows as few weighted points, on which starts are made and raced.

# Neighbours in order become one point, their mean, where they fall into one of many equal bins of
# the range and into one of many equal parts of the weight: tails stay as they are, and
# the middle is fine. Labelled rows cannot be merged so.
normal_thin <- function(rows, most) {
  if (!is.null(rows$label) || rows$about[["min"]] == rows$about[["max"]]) return(spaced_rows(rows, most))
  if (rows$n > many_rows) rows <- cell_rows(rows)
  order <- order(rows$x)
  x <- rows$x[order]
  w <- row_weights(rows)[order]
  parts <- most %/% 2L
  width <- rows$about[["max"]] / parts - rows$about[["min"]] / parts
  bin <- floor(x / width - x[1L] / width)
  part <- floor(cumsum(w) / sum(w) * parts * (1 - 1e-9))
  group <- cumsum(c(TRUE, diff(bin) != 0 | diff(part) != 0))
  weight <- as.vector(rowsum(w, group))
  first <- x[!duplicated(group)]
  mean <- first + as.vector(rowsum(w * (x - first[group]), group)) / weight
  list(x = mean, weight = weight, label = NULL, n = length(mean), about = rows$about, raw = rows$raw)
}

# From here on rows are looked at through a histogram, without putting them in order.
many_rows <- 2^17

# The means of equal cells of the range; where a few cells hold much of the weight, as with wild outliers,
# their stretch is cut into cells again. The rows themselves where that does not help.
cell_rows <- function(rows, cells = 65536L, levels = 4L) {
  affine <- normal_affine(rows$about)
  data <- core_data(rows, affine)
  ends <- c(rows$about[["min"]], rows$about[["max"]]) * affine$factor - affine$shift
  outside <- list(x = double(0), weight = double(0))
  total <- if (is.null(rows$weight)) rows$n else sum(rows$weight)
  for (level in seq_len(levels)) {
    # One cell at each end for what lies beyond.
    per_cell <- (cells - 2L) / diff(ends)
    low <- ends[1L] - 1 / per_cell
    if (!is.finite(per_cell)) break
    points <- .Call(C_emix_cells, data, list(low = low, per_cell = per_cell, cells = cells))
    cell <- pmin(pmax(floor((points$x - low) * per_cell), 0), cells - 1L)
    inside <- if (level == 1L) TRUE else cell > 0 & cell < cells - 1L
    points <- lapply(c(points, list(cell = cell)), `[`, inside)
    # Rows on an edge may be counted on either side: their weight is not lost.
    points$weight <- points$weight * ((total - sum(outside$weight)) / sum(points$weight))
    heavy <- points$cell[points$weight > sum(points$weight) / 512]
    if (!length(heavy)) {
      x <- c(outside$x, points$x)
      return(list(x = (x + affine$shift) / affine$factor, weight = c(outside$weight, points$weight), label = NULL,
        n = length(x), about = rows$about, raw = rows$raw))
    }
    beyond <- points$cell < min(heavy) | points$cell > max(heavy)
    outside <- Map(function(a, b) c(a, b[beyond]), outside, points[c("x", "weight")])
    if (max(heavy) - min(heavy) > cells / 2) break
    ends <- low + c(min(heavy), max(heavy) + 1) / per_cell
  }
  rows
}

# Many normal rows as few weighted points, on which starts are made and raced.

# Neighbours become one point, their mean, where they fall into one of many equal bins of the range and into
# one of many equal parts of the weight: tails stay as they are, and the middle is fine. Rows are looked at through a
# histogram (src/nodes.c), without putting them in order. Labelled rows cannot be merged so.
normal_thin <- function(rows, most) {
  affine <- normal_affine(rows$about)
  ends <- c(rows$about[["min"]], rows$about[["max"]]) * affine$factor - affine$shift
  if (!is.null(rows$label) || !(diff(ends) > 1e-300)) return(spaced_rows(rows, most))
  points <- .Call(C_emix_thin, core_data(rows, affine), list(low = ends[1L], high = ends[2L], most = as.integer(most)))
  list(x = (points$x + affine$shift) / affine$factor, weight = points$weight, label = NULL, n = length(points$x),
    about = rows$about, raw = rows$raw)
}

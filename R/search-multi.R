# The search for families of several columns: what a race and its moves take there, and runs that go on on more and more rows.

# Is a search of this kind?
of_columns <- function(spec) !is.null(spec$family$cov)

# Rows on which starts are raced: a component of a hundredth of them has enough to be seen.
race_points_multi <- function(d) max(2000L, 200L * (d + 1L))

# Neighbours of a mixture (theta): two of its components merged, another split, as the rows would have it.
moves_multi <- function(theta, problem, most) {
  spec <- problem$spec
  at <- unique(golden_rows(NROW(problem$data$x), max(move_rows, 40L * (problem$data$columns + 1L))))
  if (length(at) < NROW(problem$data$x)) {
    problem$data[c("x", "weight", "label")] <- lapply(problem$data[c("x", "weight", "label")], take_rows, at)
  }
  data <- problem$data
  x <- data$x * rep(data$factor, each = nrow(data$x)) - rep(data$shift, each = nrow(data$x))
  p <- .Call(C_emix_evaluate, data, problem$model, 1L, theta, 1L)$posterior
  rows <- list(x = x, w = or_default(data$weight, rep(1, nrow(x))), p = matrix(p, nrow(x)))
  if (anyNA(x)) rows <- whole_rows(rows)
  moved <- moved_mixtures(mixture_of_blocks(unpack_core(theta, spec), spec$k), rows, most)
  moved <- lapply(moved, function(m) lapply(m, as.vector))
  do.call(rbind, unname(impose(bind_parameters(moved), spec)))
}

whole_rows <- function(rows) {
  at <- rowSums(is.na(rows$x)) == 0
  list(x = rows$x[at, , drop = FALSE], w = rows$w[at], p = rows$p[at, , drop = FALSE])
}

# What the core says of rows at given parameters.

# The rows of the core's own walk: the posterior is what the E-step computes.
evaluate <- function(object, x, label, what) {
  if (anyNA(x)) return(evaluate_patterns(object, x, label, what))
  evaluate_rows(object, x, label, what)
}

# Rows of one pattern of missing values together, as the core is quick with them.
evaluate_patterns <- function(object, x, label, what) {
  order <- unlist(missing_patterns(x), use.names = FALSE)
  found <- evaluate_rows(object, take_rows(x, order), take_rows(label, order), what)
  lapply(Filter(length, found), function(v) {
    v <- matrix(v, length(order))
    v[order, ] <- v
    as.vector(v)
  })
}

evaluate_rows <- function(object, x, label, what) {
  family <- family_of(object$family)
  rows <- list(x = x, n = NROW(x), label = label)
  spec <- list(family = family, k = object$k, held = lapply(object$parameters, function(v) v == v),
    equal = character())
  .Call(C_emix_evaluate, core_data(rows, object$core), core_model(spec, rows), 1L, object$core$theta, what)
}

posterior_of <- function(object, x, label = NULL) {
  if (NROW(x) == 0L) return(matrix(0, 0L, object$k, dimnames = list(NULL, object$components)))
  p <- evaluate(object, x, label, 1L)$posterior
  matrix(p, ncol = object$k, dimnames = list(NULL, object$components))
}

log_density_of <- function(object, x) {
  if (NROW(x) == 0L) return(numeric())
  value <- evaluate(object, x, NULL, 2L)$log_density
  value <- value + family_of(object$family)$row_offset(x, object$core)
  ifelse(is.nan(value) | value < -1e299, -Inf, value)
}

own_posterior <- function(object) posterior_of(object, object$x, object$labels)

# Weighted numbers of rows per component, a stretch of rows at a time.
count_assigned <- function(object, stretch = 2^17) {
  sums <- list(expected = numeric(object$k), assigned = numeric(object$k), certain = 0, doubt = 0, entropy = 0)
  for (from in seq(1, object$n, by = stretch)) {
    at <- seq(from, min(from + stretch - 1, object$n))
    w <- if (is.null(object$weights)) rep(1, length(at)) else object$weights[at]
    x <- take_rows(object$x, at)
    if (anyNA(x)) w <- w * tells(x, object$labels[at])
    p <- posterior_of(object, x, object$labels[at])
    best <- max.col(p, ties.method = "first")
    sums$expected <- sums$expected + colSums(p * w)
    sums$assigned <- sums$assigned + as.vector(rowsum(c(w, numeric(object$k)), c(best, seq_len(object$k))))
    sums$entropy <- sums$entropy - sum(w * p * log(pmax(p, .Machine$double.xmin)))
    sums$certain <- sums$certain + sum(w * p[cbind(seq_along(best), best)])
    p[cbind(seq_along(best), best)] <- 0
    sums$doubt <- sums$doubt + sum(w * p)
  }
  sums
}

# Scores of single rows in the space of the sums: sum_j p_ij <t_ij, e'_j>, with t = (1, y, y y') about the mean of component j.

# Numbers of a stretch of rows at once.
most_scores <- 2^22

# A row per row of `data`, a column per coordinate.
sums_row_scores <- function(fit, curve, data, model) {
  n <- NROW(data$x)
  scores <- matrix(0, n, curve$q)
  stretch <- max(1, floor(most_scores / (curve$q + nrow(curve$natural))))
  for (from in seq(1, n, by = stretch)) {
    rows <- seq(from, min(from + stretch - 1, n))
    part <- data
    for (e in c("x", "weight", "label")) part[e] <- list(take_rows(data[[e]], rows))
    p <- .Call(C_emix_evaluate, part, model, 1L, curve$theta, 1L)$posterior
    p <- matrix(p, ncol = fit$k)
    y <- t(t(part$x) * data$factor - data$shift)
    for (j in seq_len(fit$k)) scores[rows, ] <- scores[rows, ] + p[, j] * component_scores(curve, y, j)
  }
  scores
}

# Of the rows if they were of component j.
component_scores <- function(curve, y, j) {
  own <- core_component(curve, j)
  lower <- sums_lower(curve$problem)
  at <- sums_places(curve$problem, j)
  expected <- expected_statistics(t(t(y) - own$mean), own$cov, lower)
  expected %*% curve$natural[c(at$mass, at$values, at$products), , drop = FALSE]
}

# Of rows about the mean, given what is not missing: 1, y, and products y_r y_c of the pairs `lower` of a matrix. The missing
# part of a row is expected at B y_o, with B = S_mo S_oo^-1, and its products have S_mm - B S_om added.
expected_statistics <- function(y, cov, lower) {
  d <- ncol(y)
  pair <- arrayInd(lower, c(d, d))
  gone <- is.na(y)
  extra <- matrix(0, nrow(y), length(lower))
  some <- which(rowSums(gone) > 0)
  for (rows in split(some, do.call(paste0, as.data.frame(+gone[some, , drop = FALSE])))) {
    m <- gone[rows[1L], ]
    left <- cov
    left[] <- 0
    if (all(m)) {
      y[rows, ] <- 0
      left <- cov
    } else {
      b <- cov[m, !m, drop = FALSE] %*% solve(cov[!m, !m, drop = FALSE])
      y[rows, m] <- y[rows, !m, drop = FALSE] %*% t(b)
      left[m, m] <- cov[m, m] - b %*% cov[!m, m, drop = FALSE]
    }
    extra[rows, ] <- rep(left[lower], each = length(rows))
  }
  cbind(1, y, y[, pair[, 1L], drop = FALSE] * y[, pair[, 2L], drop = FALSE] + extra)
}

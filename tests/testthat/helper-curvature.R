# Information, covariances and row scores by the oracle alone, to compare vcov() with.

# As numeric_hessian(), extrapolated once more: its error is of the order h^6.
fine_hessian <- function(f, at, h = 3e-2) {
  coarse <- numeric_hessian(f, at, h)
  fine <- numeric_hessian(f, at, h / 2)
  (16 * fine - coarse) / 15
}

# Each row's log density as a function of the free coordinates.
oracle_rows <- function(x, parameters, oracle, labels = NULL) {
  joint <- oracle_joint(x, parameters, oracle)
  row <- oracle_log_sum(joint)
  known <- which(!is.na(labels))
  if (length(known)) row[known] <- joint[cbind(known, labels[known])]
  row
}

# Derivatives of a function of several values: a row per value, a column per coordinate.
numeric_jacobian <- function(f, at, h = 1e-2) {
  difference <- function(i, h) {
    up <- down <- at
    up[i] <- up[i] + h
    down[i] <- down[i] - h
    (f(up) - f(down)) / (2 * h)
  }
  columns <- lapply(seq_along(at), function(i) {
    a <- (4 * difference(i, h / 2) - difference(i, h)) / 3
    b <- (4 * difference(i, h / 4) - difference(i, h / 2)) / 3
    (16 * b - a) / 15
  })
  matrix(unlist(columns), ncol = length(at))
}

# What vcov() should give: chart, information (of the objective), free and natural covariances, and meat.
oracle_curvature <- function(fit, x, oracle, weights = NULL, labels = NULL, fixed = NULL, equal = NULL, prior = NULL) {
  chart <- oracle_chart(fit$parameters, oracle, fixed, equal)
  w <- if (is.null(weights)) rep(1, NROW(x)) else weights
  objective <- function(v) {
    oracle_objective(x, chart$parameters(v), oracle, weights, labels, equal, prior)
  }
  information <- -fine_hessian(objective, chart$at)
  scores <- numeric_jacobian(function(v) oracle_rows(x, chart$parameters(v), oracle, labels), chart$at)
  slopes <- numeric_jacobian(function(v) unlist(chart$parameters(v)), chart$at)
  list(information = information, slopes = slopes, meat = crossprod(scores * sqrt(w)))
}

# The largest difference of two matrices, in units of the second one's diagonal.
off_matrix <- function(a, b) {
  root <- sqrt(diag(as.matrix(b)))
  if (!length(root)) return(0)
  max(abs(unname(a) - b) / outer(root, root))
}

# All that vcov() gives, against the oracle.
expect_vcov <- function(fit, ..., within = 1e-6) {
  right <- oracle_curvature(fit, ...)
  free <- vcov(fit, scale = "free")
  expect_lt(off_matrix(solve(free), right$information), within)
  inverse <- solve(free)
  expect_lt(off_matrix(inverse %*% vcov(fit, "sandwich", "free") %*% inverse, right$meat), within)
  for (type in c("observed", "sandwich")) {
    natural <- vcov(fit, type)
    expected <- right$slopes %*% vcov(fit, type, "free") %*% t(right$slopes)
    shown <- !is.na(diag(natural))
    expect_identical(dimnames(natural), list(names(coef(fit)), names(coef(fit))))
    expect_lt(off_matrix(natural[shown, shown], expected[shown, shown]), within)
    expect_near(expected[!shown, ], 0 * expected[!shown, ], 1e-12)
    expect_true(all(is.na(natural[!shown, ])) && all(is.na(natural[, !shown])))
    expect_identical(vcov(fit, type, complete = FALSE), natural[shown, shown, drop = FALSE])
  }
  invisible(right)
}

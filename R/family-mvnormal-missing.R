# Rows of multivariate normal mixtures with missing values: what is expected of these, and the normal distribution of all rows.

# f(root, z) of the rows of each pattern of missing values, a number per row: of the columns that the rows have, `root` is
# Cholesky's factor of the component's covariance, z the rows less its mean, in its units.
over_patterns <- function(x, par, f) {
  value <- numeric(nrow(x))
  for (rows in missing_patterns(x)) {
    at <- which(!is.na(x[rows[1L], ]))
    if (!length(at)) next
    root <- chol(par$cov[at, at, drop = FALSE])
    value[rows] <- f(root, backsolve(root, t(x[rows, at, drop = FALSE]) - par$mean[at], transpose = TRUE))
  }
  value
}

# Rows with each missing value as a normal distribution expects it, given the row's other values.
expected_values <- function(x, mean, cov) {
  for (rows in missing_patterns(x)) {
    gone <- is.na(x[rows[1L], ])
    if (!any(gone)) next
    x[rows, gone] <- rep(mean[gone], each = length(rows))
    if (all(gone)) next
    slope <- tryCatch(solve(cov[!gone, !gone, drop = FALSE], cov[!gone, gone, drop = FALSE], tol = 0), error = function(e) NULL)
    if (is.null(slope)) next
    x[rows, gone] <- x[rows, gone] + (x[rows, !gone, drop = FALSE] - rep(mean[!gone], each = length(rows))) %*% slope
  }
  x
}

# Components whose covariance has no inverse but by rounding. Where few rows are whole, the likelihood may be highest there. EM
# cannot turn such a covariance any more, so that nothing certifies where it came to.
singular_components <- function(x, parameters) {
  k <- length(parameters$prop)
  if (is.null(parameters$cov) || !anyNA(x) || sum(stats::complete.cases(x)) > k * ncol(x)) return(integer())
  lowest <- apply(parameters$cov, 3L, function(s) min(eigen(stats::cov2cor(s), symmetric = TRUE, only.values = TRUE)$values))
  unname(which(lowest < 1e-8))
}

# The same under a mixture (in the form of moves.R), p: probabilities of its components, a row per row.
mixed_values <- function(x, p, m) {
  d <- nrow(m$mean)
  total <- 0
  for (j in seq_along(m$prop)) total <- total + p[, j] * expected_values(x, m$mean[, j], matrix(m$cov[, j], d))
  gone <- is.na(x)
  x[gone] <- total[gone]
  x
}

# Rows made whole for the making of starts, as the normal distribution of all rows expects them.
filled_rows <- function(rows) {
  if (!anyNA(rows$x)) return(rows)
  affine <- mvnormal_affine(rows$about, "VVV")
  normal <- pooled_normal(pick_rows(rows, 4000L), affine, 1e-6)
  z <- t(t(rows$x) * affine$factor - affine$shift)
  z <- t((t(expected_values(z, normal$mean, normal$cov)) + affine$shift) / affine$factor)
  gone <- is.na(rows$x)
  rows$x[gone] <- z[gone]
  rows
}

# Mean and covariance of all rows by maximum likelihood, in the core's units; where that has no maximum, `propped` by a
# millionth of the columns' variances.
incomplete_moments <- function(rows, affine) {
  normal <- pooled_normal(rows, affine)
  if (normal$ended) return(normal)
  propped <- pooled_normal(rows, affine, 1e-6)
  list(mean = propped$mean, cov = propped$cov, propped = TRUE, collapsed = normal$collapsed)
}

# Are some rows enough to tell that all have such a distribution?
has_normal <- function(rows, affine) {
  if (any(colSums(!is.na(rows$x)) <= ncol(rows$x))) return(FALSE)
  normal <- pooled_normal(rows, affine)
  normal$ended && attr(suppressWarnings(chol(stats::cov2cor(normal$cov), pivot = TRUE, tol = 1e-10)), "rank") == ncol(normal$cov)
}

# One normal component, fitted by the core to rows with missing values: mean and covariance, and has it ended well (`ended`). `prop`: to
# the sums of squares of all rows this part of the columns' variances is added for each row.
pooled_normal <- function(rows, affine, prop = 0) {
  d <- ncol(rows$x)
  mean <- rows$about$mean * affine$factor - affine$shift
  variance <- (rows$about$sd * affine$factor)^2
  variance[variance == 0] <- 1
  total <- total_weight(rows)
  rows$label <- NULL
  model <- free_normals(d, missing = TRUE, prior = if (prop > 0) c(0, 0, mean, diag(prop * total * variance, d)))
  control <- core_control(em_control(tol = 1e-12, max_iter = 1000L, progress = FALSE), 1L, 0)
  control$auto <- FALSE
  run <- .Call(C_emix_run, core_data(rows, affine), model, control, c(1, mean, diag(variance, d)))
  value <- run$theta[-1L]
  collapsed <- run$status != 0L || !all(is.finite(value))
  if (collapsed) value <- c(mean, diag(variance, d))
  list(mean = value[seq_len(d)], cov = matrix(value[-seq_len(d)], d), ended = !collapsed && run$converged, collapsed = collapsed)
}

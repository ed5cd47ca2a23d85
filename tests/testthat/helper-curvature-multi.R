# Covariances of multivariate normal fits by plain R alone: charts of the structures, the log-likelihood from its definition, and
# numerical second derivatives.

# Rotations near a matrix: times the Cayley transform of a skew one of d (d - 1) / 2 numbers.
rotated <- function(axes, v) {
  v <- v / 8
  d <- nrow(axes)
  skew <- matrix(0, d, d)
  skew[lower.tri(skew)] <- v
  skew <- skew - t(skew)
  axes %*% solve(diag(d) + skew, diag(d) - skew)
}

# Coordinates of k covariances in a structure: at, where `cov` (d x d x k) is, and the way back.
cov_chart <- function(structure, cov) {
  d <- dim(cov)[1]
  k <- dim(cov)[3]
  lower <- lower.tri(diag(d), TRUE)
  # Near the covariance of component j, in its own units.
  near <- function(v, j) {
    m <- matrix(0, d, d)
    m[lower] <- v
    root <- t(chol(cov[, , j]))
    root %*% (diag(d) + m + t(m)) %*% t(root)
  }
  each <- function(f) array(vapply(seq_len(k), f, matrix(0, d, d)), c(d, d, k))
  part <- function(v, j, size) v[(j - 1) * size + seq_len(size)]
  turns <- d * (d - 1) / 2
  parts <- lapply(seq_len(k), function(j) eigen(cov[, , j], symmetric = TRUE))
  switch(structure,
    VVV = list(at = numeric(k * sum(lower)), to = function(v) each(function(j) near(part(v, j, sum(lower)), j))),
    EEE = list(at = numeric(sum(lower)), to = function(v) each(function(j) near(v, 1))),
    VVI = list(at = log(apply(cov, 3, diag)), to = function(v) each(function(j) diag(exp(part(v, j, d)), d))),
    VII = list(at = log(cov[1, 1, ]), to = function(v) each(function(j) diag(exp(v[j]), d))),
    EII = list(at = log(cov[1, 1, 1]), to = function(v) each(function(j) diag(exp(v), d))),
    EEV = list(at = c(log(parts[[1]]$values), numeric(k * turns)), to = function(v) each(function(j) {
      axes <- rotated(parts[[j]]$vectors, part(v[-seq_len(d)], j, turns))
      axes %*% (exp(v[seq_len(d)]) * t(axes))
    })),
    VVE = {
      axes <- parts[[1]]$vectors
      values <- vapply(seq_len(k), function(j) diag(t(axes) %*% cov[, , j] %*% axes), numeric(d))
      list(at = c(log(values), numeric(turns)), to = function(v) each(function(j) {
        own <- rotated(axes, v[k * d + seq_len(turns)])
        own %*% (exp(part(v, j, d)) * t(own))
      }))
    }
  )
}

# Log densities of rows and components, log(prop_j f_j(x_i)); of the columns that a row has.
multi_joint <- function(x, p) {
  patterns <- if (anyNA(x)) split(seq_len(nrow(x)), apply(is.na(x), 1, paste, collapse = " ")) else list(seq_len(nrow(x)))
  vapply(seq_along(p$prop), function(j) {
    own <- numeric(nrow(x))
    for (i in patterns) {
      seen <- !is.na(x[i[1], ])
      s <- matrix(p$cov[, , j], ncol(x))[seen, seen, drop = FALSE]
      own[i] <- -sum(seen) / 2 * log(2 * pi) - determinant(s)$modulus / 2 -
        mahalanobis(x[i, seen, drop = FALSE], p$mean[seen, j], s) / 2
    }
    log(p$prop[[j]]) + own
  }, numeric(nrow(x)))
}

multi_rows <- function(x, p, labels = NULL) {
  joint <- matrix(multi_joint(x, p), nrow(x))
  top <- apply(joint, 1, max)
  row <- top + log(rowSums(exp(joint - top)))
  known <- which(!is.na(labels))
  if (length(known)) row[known] <- joint[cbind(known, labels[known])]
  row
}

# Coordinates of a mixture: at, where `parameters` is, the way back, and `listed`, parameters in the order of coef(). `one_mean`: components
# share it.
multi_chart <- function(parameters, structure, one_mean = FALSE) {
  parameters <- lapply(parameters, unname)
  d <- nrow(parameters$mean)
  k <- length(parameters$prop)
  chart <- cov_chart(structure, parameters$cov)
  means <- seq_len(if (one_mean) d else d * k)
  at <- c(log(parameters$prop[-k] / parameters$prop[k]), 0 * means, chart$at)
  roots <- lapply(seq_len(k), function(j) t(chol(matrix(parameters$cov[, , j], d))))
  back <- function(v) {
    prop <- exp(c(v[seq_len(k - 1)], 0))
    rest <- v[seq_along(v) >= k]
    step <- matrix(rest[means], d, k)
    mean <- vapply(seq_len(k), function(j) parameters$mean[, j] + drop(roots[[if (one_mean) 1 else j]] %*% step[, j]), numeric(d))
    list(prop = prop / sum(prop), mean = matrix(mean, d), cov = chart$to(rest[-means]))
  }
  lower <- lower.tri(diag(d), TRUE)
  list(at = at, back = back, listed = function(v) {
    p <- back(v)
    c(p$prop, p$mean, apply(p$cov, 3, function(m) m[lower]))
  })
}

# Covariances that vcov() should give, of parameters in the order of coef(): observed and sandwich.
multi_oracle <- function(x, parameters, structure, weights = NULL, labels = NULL, log_prior = function(p) 0, one_mean = FALSE, h = 3e-2) {
  w <- if (is.null(weights)) rep(1, nrow(x)) else weights
  chart <- multi_chart(parameters, structure, one_mean)
  information <- -fine_hessian(function(v) {
    p <- chart$back(v)
    sum(w * multi_rows(x, p, labels)) + log_prior(p)
  }, chart$at, h)
  scores <- numeric_jacobian(function(v) multi_rows(x, chart$back(v), labels), chart$at)
  slopes <- numeric_jacobian(chart$listed, chart$at)
  spread <- slopes %*% solve(information)
  list(observed = spread %*% t(slopes), sandwich = spread %*% crossprod(scores * sqrt(w)) %*% t(spread))
}

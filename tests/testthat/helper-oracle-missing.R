# EM for multivariate normal mixtures whose rows have missing values, in plain R and row by row: Little & Rubin (2019), section
# 11.2, and 15.4 for mixtures. Shares no code with the package. Structures: VVV, EEE, VVI, EEI, EII.
#
# Parameters are prop (k), mean (d x k), cov (d x d x k).

# Log density of a row's observed values, and what is expected of y = row - mean and of y y'.
missing_row <- function(row, mean, cov) {
  o <- !is.na(row)
  m <- !o
  d <- length(row)
  y <- row - mean
  square <- matrix(0, d, d)
  if (!any(o)) return(list(log = 0, y = numeric(d), square = cov))
  inverse <- solve(cov[o, o, drop = FALSE])
  log <- -sum(o) * log(2 * pi) / 2 - log(det(cov[o, o, drop = FALSE])) / 2 - sum(y[o] * (inverse %*% y[o])) / 2
  if (any(m)) {
    b <- cov[m, o, drop = FALSE] %*% inverse
    y[m] <- b %*% y[o]
    square[m, m] <- cov[m, m] - b %*% cov[o, m, drop = FALSE]
  }
  list(log = log, y = y, square = square + outer(y, y))
}

missing_parts <- function(x, par) {
  lapply(seq_along(par$prop), function(j) {
    lapply(seq_len(nrow(x)), function(i) missing_row(x[i, ], par$mean[, j], par$cov[, , j]))
  })
}

missing_joint <- function(x, par, labels = NULL, parts = missing_parts(x, par)) {
  joint <- vapply(seq_along(par$prop), function(j) log(par$prop[j]) + vapply(parts[[j]], function(r) r$log, 0), numeric(nrow(x)))
  joint <- matrix(joint, nrow(x))
  if (!is.null(labels)) joint[!is.na(labels) & col(joint) != labels] <- -Inf
  joint
}

missing_loglik <- function(x, par, weights = rep(1, nrow(x)), labels = NULL) {
  joint <- missing_joint(x, par, labels)
  sum(weights * (apply(joint, 1, max) + log(rowSums(exp(joint - apply(joint, 1, max))))))
}

missing_posterior <- function(x, par, labels = NULL, ...) {
  joint <- missing_joint(x, par, labels, ...)
  p <- exp(joint - apply(joint, 1, max))
  p / rowSums(p)
}

# Prior: shrinkage, df, mean, scale as ?em_prior has them.
missing_step <- function(x, par, structure = "VVV", weights = rep(1, nrow(x)), labels = NULL,
                         prior = list(shrinkage = 0, df = -ncol(x) - 2, mean = numeric(ncol(x)), scale = 0)) {
  d <- ncol(x)
  k <- length(par$prop)
  parts <- missing_parts(x, par)
  p <- weights * missing_posterior(x, par, labels, parts)
  n <- colSums(p)
  scatter <- array(0, c(d, d, k))
  for (j in seq_len(k)) {
    first <- second <- 0
    for (i in seq_len(nrow(x))) {
      first <- first + p[i, j] * parts[[j]][[i]]$y
      second <- second + p[i, j] * parts[[j]][[i]]$square
    }
    move <- (first + prior$shrinkage * (prior$mean - par$mean[, j])) / (n[j] + prior$shrinkage)
    mean <- par$mean[, j] + move
    about <- second - outer(first, move) - outer(move, first) + n[j] * outer(move, move)
    par$mean[, j] <- mean
    scatter[, , j] <- about + prior$shrinkage * outer(mean - prior$mean, mean - prior$mean)
  }
  rows <- prior$df + d + 2
  common <- substr(structure, 1, 1) == "E"
  if (common) {
    s <- (apply(scatter, 1:2, sum) + prior$scale) / (sum(n) + if (rows > 0) rows - 1 + k else 0)
    par$cov <- array(s, c(d, d, k))
  } else {
    for (j in seq_len(k)) par$cov[, , j] <- (scatter[, , j] + prior$scale) / (n[j] + rows)
  }
  for (j in seq_len(k)) {
    s <- par$cov[, , j]
    if (substr(structure, 3, 3) == "I") s <- diag(diag(s), d)
    if (substr(structure, 2, 2) == "I") s <- diag(mean(diag(s)), d)
    par$cov[, , j] <- s
  }
  par$prop <- n / sum(n)
  par
}

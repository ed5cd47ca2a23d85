# The normal-inverse-Wishart prior of multivariate normal components, and the moments of rows on which its defaults rest.

# Mean and covariance of the rows, in the core's units; a stretch of rows at a time. Divisor: the total weight.
core_moments <- function(rows, affine, stretch = max(2^16 %/% ncol(rows$x), 1)) {
  x <- rows$x
  if (anyNA(x)) return(incomplete_moments(rows, affine))
  d <- ncol(x)
  centre <- rows$about$mean * affine$factor - affine$shift
  total <- 0
  first <- numeric(d)
  second <- matrix(0, d, d)
  for (from in seq(1, nrow(x), by = stretch)) {
    at <- from:min(from + stretch - 1, nrow(x))
    z <- t(x[at, , drop = FALSE]) * affine$factor - (affine$shift + centre)
    w <- if (is.null(rows$weight)) rep(1, length(at)) else rows$weight[at]
    total <- total + sum(w)
    first <- first + drop(z %*% w)
    second <- second + tcrossprod(z * rep(sqrt(w), each = d))
  }
  mean <- first / total
  list(mean = unname(centre + mean), cov = unname(second / total - outer(mean, mean)))
}

# Hyperparameters in the core's units: shrinkage, df, mean, scale. A flat prior has no rows.
mvnormal_prior <- function(prior, rows, k, affine) {
  given <- !vapply(prior[c("mean", "shrinkage", "df", "scale")], is.null, NA)
  flat <- prior$type == "flat"
  if (flat && !any(given)) return(NULL)
  d <- ncol(rows$x)
  moments <- if (is.null(prior$mean) || is.null(prior$scale)) core_moments(rows, affine)
  mean <- if (is.null(prior$mean)) moments$mean else rep_len(prior$mean, d) * affine$factor - affine$shift
  scale <- if (!is.null(prior$scale)) as_scale(prior$scale, d) * outer(affine$factor, affine$factor) else
    if (flat) matrix(0, d, d) else moments$cov / k^(2 / d)
  own <- c(or_default(prior$shrinkage, if (flat) 0 else 0.01), or_default(prior$df, if (flat) 0 else d + 2), mean, scale)
  if (!isTRUE(max(abs(own)) < 1e100)) {
    stop_input("prior", "of numbers that go with the data's: its `mean`, `shrinkage` or `scale` is out of all proportion")
  }
  own
}

as_scale <- function(scale, d) if (is.matrix(scale)) unname(scale) else diag(scale, d)

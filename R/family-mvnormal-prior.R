# The normal-inverse-Wishart prior of multivariate normal components, and the moments of rows on which its defaults rest.

# The model of free components of given proportions, as the core reads it.
free_normals <- function(d, k = 1L, missing = FALSE, prior = NULL) {
  list(family = "mvnormal", latent = "mix", k = k, equal = 0L, held = rep(c(1L, 0L), c(k, k * (d + d * d))),
    options = c(match("VVV", covariance_structures) - 1, as.double(missing)), prior_rows = NULL, prior_family = prior, hard = FALSE)
}

# Mean and covariance of the rows, in the core's units. Divisor: the total weight.
core_moments <- function(rows, affine) {
  if (anyNA(rows$x)) return(incomplete_moments(rows, affine))
  d <- ncol(rows$x)
  centre <- rows$about$mean * affine$factor - affine$shift
  spread <- pmax(rows$about$sd * affine$factor, 1e-12 * abs(centre))
  # An E-step of one component: its sums are moments about its mean, and no copy of the rows is made for them.
  model <- free_normals(d)
  data <- core_data(rows, affine)
  data["label"] <- list(NULL)
  theta <- c(1, centre, diag(ifelse(spread > 0, spread, 1)^2, d))
  sums <- .Call(C_emix_step, data, model, 1L, as.double(theta))$sums[-1L]
  mean <- sums[1L + seq_len(d)] / sums[1L]
  square <- matrix(0, d, d)
  square[lower.tri(square, TRUE)] <- sums[-seq_len(1L + d)] / sums[1L]
  square[upper.tri(square)] <- t(square)[upper.tri(square)]
  list(mean = unname(centre + mean), cov = unname(square - outer(mean, mean)))
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

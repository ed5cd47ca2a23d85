# The univariate normal family; its formulas are in src/family-normal.c.

# A power of two as scale is exact. The location is taken out only where it is so large that
# numbers around it are coarse against the spread: else the core sees the data's own location, and
# parameters pass to and fro without rounding.
normal_affine <- function(about) {
  spread <- about[["sd"]]
  if (!(spread > 0)) return(list(factor = 1, shift = 0))
  power <- floor(log2(spread))
  factor <- 2^-max(min(power, 1000), -1000)
  far <- abs(about[["mean"]]) > 2^20 * spread
  list(factor = factor, shift = if (far) about[["mean"]] * factor else 0)
}

normal_estimate <- function(rows, shares, k) {
  x <- rows$x
  mean <- sd <- mass <- numeric(k)
  scale <- max(abs(x), .Machine$double.xmin)
  for (j in seq_len(k)) {
    w <- shares(j)
    mass[j] <- sum(w)
    d <- x / scale
    mean[j] <- sum(w * d) / mass[j]
    sd[j] <- sqrt(sum(w * (d - mean[j])^2) / mass[j]) * scale
    mean[j] <- mean[j] * scale
  }
  pooled <- sqrt(sum(mass / sum(mass) * (sd / scale)^2)) * scale
  thin <- !(sd > 1e-3 * pooled)
  if (pooled == 0) pooled <- rows$about[["sd"]] / k
  sd[thin] <- pooled
  list(prop = mass / sum(mass), mean = mean, sd = sd)
}

# Standard deviations for means that came alone: the rows' distance to the nearest mean.
normal_complete <- function(rows, parameters) {
  if (is.null(parameters$sd)) {
    x <- rows$x
    near <- rep(Inf, length(x))
    for (m in parameters$mean) near <- pmin(near, abs(x - m))
    w <- if (is.null(rows$weight)) 1 else rows$weight / mean(rows$weight)
    top <- max(near)
    sd <- if (top > 0) top * sqrt(mean(w * (near / top)^2)) else rows$about[["sd"]]
    parameters$sd <- rep(sd, length(parameters$mean))
  }
  parameters
}

# `same`: indices of components with equal parameters. Means by a fifth of a standard
# deviation where they are free, else standard deviations by a fifth.
normal_apart <- function(parameters, same, free) {
  step <- (seq_along(same) - (length(same) + 1) / 2) / 5
  if (all(free$mean[same])) {
    parameters$mean[same] <- parameters$mean[same] + step * parameters$sd[same]
  } else if (all(free$sd[same])) {
    parameters$sd[same] <- parameters$sd[same] * exp(step)
  }
  parameters
}

normal_family <- list(
  name = "normal",
  title = "normal",
  blocks = c("mean", "sd"),
  required = "mean",
  columns = 1L,
  spreads = TRUE,
  discrete = FALSE,
  rows = function(x, options) {
    if (is.matrix(x)) {
      if (ncol(x) != 1L) {
        stop_input("x", "a vector or one column for the normal family", paste(ncol(x), "columns"))
      }
      x <- x[, 1L]
    }
    check_numeric(x, "x")
  },
  options = function(rows) double(0),
  affine = normal_affine,
  to_core = function(parameters, affine) {
    parameters$mean <- parameters$mean * affine$factor - affine$shift
    parameters$sd <- parameters$sd * affine$factor
    parameters
  },
  from_core = function(core, affine) {
    core$mean <- (core$mean + affine$shift) / affine$factor
    core$sd <- core$sd / affine$factor
    core
  },
  row_offset = function(x, affine) log(affine$factor),
  legal = function(block, value) {
    if (block == "sd") list(ok = value > 0 & value < Inf, expected = "positive and finite") else
      list(ok = is.finite(value), expected = "finite")
  },
  coordinate = function(x) x,
  estimate = normal_estimate,
  complete = normal_complete,
  apart = normal_apart,
  order = function(parameters) order(parameters$mean, parameters$sd, parameters$prop),
  log_density = function(x, par, log = TRUE) dnorm(x, par$mean, par$sd, log = log),
  cdf = function(q, par, lower.tail = TRUE, log.p = FALSE) {
    pnorm(q, par$mean, par$sd, lower.tail, log.p)
  },
  quantile = function(p, par, lower.tail = TRUE, log.p = FALSE) {
    qnorm(p, par$mean, par$sd, lower.tail, log.p)
  },
  draw = function(n, par, size) rnorm(n, par$mean, par$sd),
  centre = function(x, par) par$mean
)

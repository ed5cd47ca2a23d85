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
  if (pooled == 0) pooled <- max(scale, 1e-300) * 1e-3
  sd[thin] <- pooled
  list(prop = mass / sum(mass), mean = mean, sd = sd)
}

# Neighbours in order become one point, their mean, where they fall into one of many equal bins of
# the range and into one of many equal parts of the weight: tails stay as they are, and
# the middle is fine. Labelled rows cannot be merged so.
normal_thin <- function(rows, most) {
  if (!is.null(rows$label) || rows$about[["min"]] == rows$about[["max"]]) return(spaced_rows(rows, most))
  order <- order(rows$x)
  x <- rows$x[order]
  w <- row_weights(rows)[order]
  parts <- most %/% 2L
  width <- rows$about[["max"]] / parts - rows$about[["min"]] / parts
  bin <- floor(x / width - x[1L] / width)
  part <- floor(cumsum(w) / sum(w) * parts * (1 - 1e-9))
  group <- cumsum(c(TRUE, diff(bin) != 0 | diff(part) != 0))
  weight <- as.vector(rowsum(w, group))
  first <- x[!duplicated(group)]
  mean <- first + as.vector(rowsum(w * (x - first[group]), group)) / weight
  list(x = mean, weight = weight, label = NULL, n = length(mean), about = rows$about)
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
normal_apart <- function(parameters, same, free, times = 1) {
  step <- times * (seq_along(same) - (length(same) + 1) / 2) / 5
  if (all(free$mean[same])) {
    parameters$mean[same] <- parameters$mean[same] + step * parameters$sd[same]
  } else if (all(free$sd[same])) {
    parameters$sd[same] <- parameters$sd[same] * exp(step)
  }
  parameters
}

# Is a component a chance cluster? Asked of components of less than a third of the widest's sd. One
# of fewer than four rows always is: any two close rows make such a maximum. (`total`: how many rows
# the data count for, effective_rows().) Else the component puts N_j rows within two of its sds, where the others put e_j. It is spurious where a Poisson count of
# mean e_j reaches N_j + e_j in one of the windows of that width that the data hold with a
# probability above 1/1000 (small, as the fit has looked at every place and width).
normal_spurious <- function(parameters, total, spec) {
  k <- length(parameters$prop)
  m <- parameters$mean
  s <- parameters$sd
  narrow <- which(s < max(s[parameters$prop > 0]) / 3 & parameters$prop > 0)
  vapply(seq_len(k), function(j) {
    if (!j %in% narrow || "sd" %in% spec$equal || spec$held$sd[j]) return(FALSE)
    others <- setdiff(which(parameters$prop > 0), j)
    inside <- pnorm(m[j] + 2 * s[j], m[others], s[others]) - pnorm(m[j] - 2 * s[j], m[others], s[others])
    expected <- total * sum(parameters$prop[others] * inside)
    rows <- total * parameters$prop[j] * 0.95
    if (rows < 4 * 0.95) return(TRUE)
    span <- max(m[others] + 2 * s[others]) - min(m[others] - 2 * s[others])
    windows <- max(1, span / (4 * s[j]))
    stats::ppois(ceiling(rows + expected) - 1, expected, lower.tail = FALSE) * windows > 0.001
  }, NA)
}

# Moments of two components together.
normal_merge <- function(parameters, a, b) {
  w <- parameters$prop[c(a, b)] / max(sum(parameters$prop[c(a, b)]), .Machine$double.xmin)
  mean <- sum(w * parameters$mean[c(a, b)])
  sd <- sqrt(sum(w * (parameters$sd[c(a, b)]^2 + (parameters$mean[c(a, b)] - mean)^2)))
  parameters$prop[c(a, b)] <- c(sum(parameters$prop[c(a, b)]), 0)
  parameters$mean[a] <- mean
  parameters$sd[a] <- sd
  parameters
}

# Component `from` becomes two halves, the second at place `to`: side by side (way 1), or a
# narrow one within a wide one (way 2).
normal_split <- function(parameters, from, to, way = 1L) {
  at <- c(from, to)
  sd <- parameters$sd[from]
  parameters$prop[at] <- parameters$prop[from] / 2
  parameters$mean[at] <- parameters$mean[from] + if (way == 1L) c(-0.8, 0.8) * sd else 0
  parameters$sd[at] <- sd * if (way == 1L) 0.65 else c(0.5, 1.3)
  parameters
}

# Hyperparameters in the core's units: mean, shrinkage, df, scale. A flat prior has no rows.
normal_prior <- function(prior, rows, k, affine) {
  given <- !vapply(prior[c("mean", "shrinkage", "df", "scale")], is.null, NA)
  flat <- prior$type == "flat"
  if (flat && !any(given)) return(NULL)
  # About a value in their midst and in units of the spread, so that nothing overflows or cancels.
  w <- row_weights(rows) / sum(row_weights(rows))
  unit <- if (rows$about[["sd"]] > 0) rows$about[["sd"]] else 1
  d <- (rows$x - rows$about[["mean"]]) / unit
  centre <- sum(w * d)
  mean <- or_default(prior$mean, rows$about[["mean"]] + centre * unit)
  spread <- sqrt(sum(w * (d - centre)^2)) * unit
  # In two steps: a variance may be too large or too small for a number.
  scale <- if (!is.null(prior$scale)) prior$scale * affine$factor * affine$factor else
    if (flat) 0 else (spread * affine$factor / k)^2
  own <- c(mean * affine$factor - affine$shift, or_default(prior$shrinkage, if (flat) 0 else 0.01),
    or_default(prior$df, if (flat) 0 else 3), scale)
  check_reach(own, rows$about[["mean"]] * affine$factor - affine$shift)
  own
}

# The log density has (scale + shrinkage (mean_j - mean)^2) / sd_j^2: sums of squares of numbers.
check_reach <- function(own, centre) {
  far <- (abs(own[1L] - centre) + 1)^2
  if (!isTRUE(own[4L] + (own[2L] + 1) * far < 1e200)) {
    stop_input("prior", "of numbers that go with the data's: its `mean`, `shrinkage` or `scale` is out of all proportion")
  }
}

# Further components have the common sd; beyond the data's range D falls.
normal_gradient <- function(fit, rows, sd) {
  if (is.null(sd)) {
    common <- unname(fit$parameters$sd)
    if (diff(range(common)) > 1e-12 * max(common)) {
      stop_input("fit", "of normal components with one common sd (equal = \"sd\"), or `sd` given", "of several sds")
    }
    sd <- common[1L]
  } else {
    sd <- check_number(sd, "sd", 0, Inf, open = TRUE)
  }
  list(range = range(rows$x), support = unname(fit$parameters$mean),
    log_density = function(x, t) dnorm(x, t, sd, log = TRUE))
}

normal_family <- function() list(
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
  prior = normal_prior,
  # Densities of sds: one factor of the scale for each of their rows.
  prior_offset = function(own, spec, affine) {
    rows <- if ("sd" %in% spec$equal) own[3L] + 2 + spec$k else spec$k * (own[3L] + 3)
    rows * log(affine$factor)
  },
  not_prior = "prob",
  gradient = normal_gradient,
  thin = normal_thin,
  spurious = normal_spurious,
  merge = normal_merge,
  split = normal_split,
  split_ways = 2L,
  closeness = function(parameters, a, b) {
    -abs(parameters$mean[a] - parameters$mean[b]) / (parameters$sd[a] + parameters$sd[b])
  },
  coincide = function(parameters, a, b) {
    near <- 1e-2 * min(parameters$sd[c(a, b)])
    abs(diff(parameters$mean[c(a, b)])) < near && abs(diff(parameters$sd[c(a, b)])) < near
  },
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

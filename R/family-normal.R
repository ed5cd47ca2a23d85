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

normal_rows <- function(x, options) {
  if (is.matrix(x)) {
    if (ncol(x) != 1L) {
      stop_input("x", "a vector or one column for the normal family", paste(ncol(x), "columns"))
    }
    x <- x[, 1L]
  }
  check_numeric(x, "x")
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

# d and d^2, d about the mean and in units of the spread.
normal_unit <- function(rows) {
  if (rows$about[["sd"]] > 0) rows$about[["sd"]] else max(abs(rows$x), 1e-300) * 1e-3
}

normal_statistics <- function(rows) {
  d <- rows$x / normal_unit(rows) - rows$about[["mean"]] / normal_unit(rows)
  cbind(d, d^2)
}

# Weights, sums of d and of d^2: matrices of a row per component and a column per start. A stretch
# of (nearly) equal rows takes the others' spread.
normal_from_sums <- function(sums, rows) {
  unit <- normal_unit(rows)
  prop <- sums[[1L]] / rep(colSums(sums[[1L]]), each = nrow(sums[[1L]]))
  mean <- sums[[2L]] / sums[[1L]]
  variance <- pmax(sums[[3L]] / sums[[1L]] - mean^2, 0)
  pooled <- rep(colSums(prop * variance), each = nrow(prop))
  thin <- !(variance > 1e-6 * pooled)
  variance[thin] <- ifelse(pooled > 0, pooled, 1 / nrow(prop)^2)[thin]
  list(prop = prop, mean = (mean + rows$about[["mean"]] / unit) * unit, sd = sqrt(variance) * unit)
}

# One component of all rows and narrow ones in half the stretches' sds.
normal_within <- function(parts, whole) {
  list(prop = rbind(whole$prop, parts$prop) / 2, mean = rbind(whole$mean, parts$mean),
    sd = rbind(whole$sd, parts$sd / 2))
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

# May a run (a column of each block) have a component that is a chance cluster? Asked of components of less than a
# third of the widest's sd. One of fewer than four rows always is: any two close rows make such a maximum. (`total`:
# how many rows the data count for, effective_rows().) Else the component puts N_j rows within two of its sds, where
# the others put e_j. It is spurious where a Poisson count of mean e_j reaches N_j + e_j in one of the windows of that
# width that the data hold with a probability above 1/1000 (small, as the fit has looked at every place and width).
normal_spurious <- function(parameters, total, spec) {
  m <- parameters$mean
  s <- parameters$sd
  spurious <- rep(FALSE, ncol(m))
  if ("sd" %in% spec$equal) return(spurious)
  live <- parameters$prop > 0
  widest <- do.call(pmax, lapply(seq_len(nrow(s)), function(j) s[j, ] * live[j, ]))
  narrow <- which(s < rep(widest, each = nrow(s)) / 3 & live & !spec$held$sd)
  if (!length(narrow)) return(spurious)
  # A column for each narrow component: the others of its run.
  run <- col(m)[narrow]
  other <- live[, run, drop = FALSE]
  other[cbind(row(m)[narrow], seq_along(narrow))] <- FALSE
  mean <- m[, run]
  sd <- s[, run]
  each <- function(v) rep(v, each = nrow(m))
  inside <- pnorm(each(m[narrow] + 2 * s[narrow]), mean, sd) - pnorm(each(m[narrow] - 2 * s[narrow]), mean, sd)
  expected <- total * colSums(array(ifelse(other, parameters$prop[, run] * inside, 0), dim(other)))
  rows <- total * parameters$prop[narrow] * 0.95
  upper <- apply(array(ifelse(other, mean + 2 * sd, -Inf), dim(other)), 2L, max)
  lower <- apply(array(ifelse(other, mean - 2 * sd, Inf), dim(other)), 2L, min)
  windows <- pmax(1, (upper - lower) / (4 * s[narrow]))
  chance <- stats::ppois(ceiling(rows + expected) - 1, expected, lower.tail = FALSE) * windows > 0.001
  spurious[run[rows < 4 * 0.95 | chance]] <- TRUE
  spurious
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

# Component `from` becomes two, the second at place `to`: side by side (way 1), a narrow one within a
# wide one (way 2), or a small narrow one off its lower or upper tail (ways 3 and 4).
normal_split <- function(parameters, from, to, way = 1L) {
  at <- c(from, to)
  part <- list(c(0.5, 0.5), c(0.5, 0.5), c(0.9, 0.1), c(0.9, 0.1))[[way]]
  move <- list(c(-0.8, 0.8), c(0, 0), c(0, -2), c(0, 2))[[way]]
  widen <- list(c(0.65, 0.65), c(0.5, 1.3), c(0.9, 0.3), c(0.9, 0.3))[[way]]
  sd <- parameters$sd[from]
  parameters$prop[at] <- parameters$prop[from] * part
  parameters$mean[at] <- parameters$mean[from] + move * sd
  parameters$sd[at] <- sd * widen
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

# Lindsay's gradient function: further components have the common sd; beyond the rows' range D falls.
# log(1 + D / n) + t^2 / (2 sd^2) is the log of a sum of exponentials of linear functions of t, so it is convex.
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
  points <- gauss_points(rows$x, rows$log_ratio, sd)
  list(range = range(rows$x), support = unname(fit$parameters$mean), rows = rows$x, width = sd,
    to = identity, from = identity, size = length(points$x),
    log_terms = normal_terms(points$x, points$log_ratio, sd), exact = normal_terms(rows$x, rows$log_ratio, sd),
    bend = function(a, b) ((b - a) / sd)^2,
    edge = function(a, b) rep(NA_real_, length(a)))
}

# Logs of the terms of 1 + D / n: a row per point, a column per mean.
normal_terms <- function(x, log_ratio, sd) {
  constant <- log_ratio - log(sd) - log(2 * pi) / 2
  function(t) {
    z <- outer(x, t, "-") / sd
    constant - 0.5 * z * z
  }
}

# Many rows within half an sd become eight points of positive weights with the same moments up to the
# fifteenth (the Gauss rule of the rows' ratios), which gives every sum of D to rounding.
gauss_points <- function(x, log_ratio, sd, nodes = 8L) {
  if (length(x) <= 500L) return(list(x = x, log_ratio = log_ratio))
  cell <- floor(x / sd * 2)
  groups <- split(seq_along(x), match(cell, unique(cell)))
  many <- lengths(groups) > nodes
  rules <- lapply(groups[many], function(i) gauss_rule(x[i], log_ratio[i], nodes))
  rest <- unlist(groups[!many], use.names = FALSE)
  list(x = c(x[rest], unlist(lapply(rules, `[[`, "x"), use.names = FALSE)),
    log_ratio = c(log_ratio[rest], unlist(lapply(rules, `[[`, "log_ratio"), use.names = FALSE)))
}

# Golub and Welsch (1969): nodes are the eigenvalues of multiplication by x among polynomials of low degree,
# weights the squared first elements of its eigenvectors.
gauss_rule <- function(x, log_ratio, nodes) {
  centre <- min(x) / 2 + max(x) / 2
  half <- max(abs(x - centre), .Machine$double.xmin)
  u <- (x - centre) / half
  top <- max(log_ratio)
  w <- exp(log_ratio - top)
  basis <- qr.Q(qr(sqrt(w) * outer(u, seq_len(nodes) - 1L, "^"), tol = 1e-12))
  e <- eigen(crossprod(basis, u * basis), symmetric = TRUE)
  mass <- sum(w) * e$vectors[1L, ]^2
  kept <- mass > 0
  list(x = centre + half * pmin(pmax(e$values[kept], -1), 1), log_ratio = top + log(mass[kept]))
}

# The M-step in numbers: sums of values over weights, sums of squares about the new mean over weights, and what the
# prior has beforehand (see ?em_prior). A shared mean weighs the components by the inverse of their variances.
normal_ratios <- function(totals, mass, new, shared, prior, affine) {
  own <- if (is.null(prior)) numeric(4L) else
    c((prior[1L] + affine$shift) / affine$factor, prior[2:3], prior[4L] / affine$factor / affine$factor)
  by <- if (shared[["mean"]]) new$sd^2 else 1
  before <- own[2L] * c(own[1L], 1)
  mean <- list(over = list(totals[[1L]] / by), under = list(mass / by), before = before, root = FALSE)
  if (shared[["mean"]]) {
    mean$over[[1L]] <- mean$over[[1L]] + before[1L] / by
    mean$under[[1L]] <- mean$under[[1L]] + before[2L] / by
    mean$before <- c(0, 0)
  }
  rows <- if (is.null(prior)) 0 else 1
  sd <- list(over = list(totals[[2L]] + own[2L] * (new$mean - own[1L])^2), under = list(mass + rows),
    before = c(own[4L], if (rows) own[3L] + 2 else 0), root = TRUE)
  list(mean = mean, sd = sd)
}

normal_family <- function(options = NULL) list(
  name = "normal",
  title = "normal",
  blocks = c("mean", "sd"),
  sizes = function(columns) c(mean = 1L, sd = 1L),
  links = c(mean = "identity", sd = "log"),
  required = "mean",
  columns = 1L,
  spreads = TRUE,
  smooth = TRUE,
  peaks = function(parameters) list(at = parameters$mean, width = parameters$sd),
  discrete = FALSE,
  rows = normal_rows,
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
  statistics = normal_statistics,
  from_sums = normal_from_sums,
  within = normal_within,
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
  overlap = normal_overlap,
  thin = normal_thin,
  spurious = normal_spurious,
  merge = normal_merge,
  split = normal_split,
  split_ways = 4L,
  closeness = function(parameters, a, b) {
    -abs(parameters$mean[a] - parameters$mean[b]) / (parameters$sd[a] + parameters$sd[b])
  },
  coincide = function(parameters, a, b) {
    near <- 0.05 * min(parameters$sd[c(a, b)])
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
  centre = function(x, par) par$mean,
  columns_of = function(x, names) stats::setNames(list(x), if (length(names) == 1L && nzchar(names)) names else "x"),
  expected = function(x, new, names) stats::setNames(list(x, (x - new$mean)^2), c(names, "squares")),
  expected_note = "squares: of the distance to the component's new mean",
  ratios = normal_ratios,
  density_text = function(x, par, show) sprintf("dnorm(%s, %s, %s)", show(x), show(par$mean), show(par$sd))
)

# How much components overlap, per family: `overlap` of a family's list.
#
#   parameters   prop_1 .. prop_k and the family's, f_j the density of component j, P_j its distribution
#   confusion    C[i, j] = P_i(X in R_j), R_j where prop_j f_j is the largest (of equals the first): rows of sum 1
#   omega        W[i, j] = P_i(prop_i f_i(X) < prop_j f_j(X)), components i and j alone (Maitra & Melnykov 2010); 0 for i = j
#   overlap      O[i, j] = integral of min(f_i, f_j) = P_i(f_i < f_j) + P_j(f_j <= f_i); 1 for i = j
#
# The regions are bounded by the points where two weighted densities cross, which both univariate families have in closed form: all
# numbers are exact, and in their nearer tail so that small ones keep their digits.

# P(low < X <= high), by the tail that holds it; `cdf(q, lower.tail)`.
between <- function(low, high, cdf) {
  upper <- cdf(low, TRUE) > 0.5
  pmax(ifelse(upper, cdf(low, FALSE) - cdf(high, FALSE), cdf(high, TRUE) - cdf(low, TRUE)), 0)
}

# ---- normal -------------------------------------------------------------------------------------
#
# Component j narrower than i, in units of i's sd: d the distance of the means, s = sd_j / sd_i <= 1, c = log(prop_i / prop_j) + log s.
# log prop_j f_j > log prop_i f_i where, with y the distance from j's mean in j's sds,
#   (1 - s^2) y^2 - 2 d s y - (d^2 - 2 c) < 0:
# an interval, if D = d^2 - 2 c (1 - s^2) > 0; for s = 1 a half-line. The root of the larger size is taken first, the other is the
# quotient: nothing cancels. From i's mean in i's sds they are d + s y.

# Roots of a y^2 - 2 b y + g, a >= 0, root of b^2 - a g given; one at infinity for a = 0.
quadratic_roots <- function(a, b, g, root) {
  q <- b + ifelse(b < 0, -1, 1) * root
  one <- q / a
  two <- g / q
  if (q == 0) c(0, 0) else if (a == 0) sort(c(sign(q) * Inf, two)) else sort(c(one, two))
}

# The interval in which the narrower component j beats i, in sds from the mean of i and of j; NULL: nowhere.
# `odds` is log(prop_i / prop_j).
normal_interval <- function(mean, sd, i, j, odds) {
  s <- sd[j] / sd[i]
  d <- max(min((mean[j] - mean[i]) / sd[i], 1e100), -1e100)
  thin <- (sd[i] - sd[j]) / sd[i]
  a <- thin * (2 - thin)
  c <- odds + if (thin < 0.5) log1p(-thin) else log(sd[j]) - log(sd[i])
  if (is.nan(odds) || odds == Inf) return(NULL)
  if (odds == -Inf || (a == 0 && d == 0)) {
    return(if (c < 0) list(wide = c(-Inf, Inf), narrow = c(-Inf, Inf)))
  }
  disc <- d^2 - 2 * c * a
  if (disc <= 0) return(NULL)
  narrow <- quadratic_roots(a, d * s, -(d^2 - 2 * c), sqrt(disc))
  list(wide = d + s * narrow, narrow = narrow)
}

inside_normal <- function(interval) {
  if (is.null(interval)) 0 else between(interval[1L], interval[2L], function(q, lower) stats::pnorm(q, lower.tail = lower))
}

outside_normal <- function(interval) {
  if (is.null(interval)) 1 else stats::pnorm(interval[1L]) + stats::pnorm(interval[2L], lower.tail = FALSE)
}

normal_overlap <- function(parameters, x, weights) {
  k <- length(parameters$prop)
  mean <- parameters$mean
  sd <- parameters$sd
  omega <- matrix(0, k, k)
  overlap <- diag(k)
  cuts <- list()
  for (i in seq_len(k)) for (j in seq_len(k)[-i]) {
    if (sd[j] > sd[i] || (sd[j] == sd[i] && j < i)) next
    own <- normal_interval(mean, sd, i, j, log(parameters$prop[i]) - log(parameters$prop[j]))
    omega[i, j] <- inside_normal(own$wide)
    omega[j, i] <- outside_normal(own$narrow)
    if (parameters$prop[i] == parameters$prop[j] && sd[i] == sd[j] && mean[i] == mean[j]) omega[j, i] <- 0
    even <- normal_interval(mean, sd, i, j, 0)
    overlap[i, j] <- overlap[j, i] <- min(inside_normal(even$wide) + outside_normal(even$narrow), 1)
    if (!is.null(own)) cuts[[length(cuts) + 1L]] <- (mean[i] - mean[1L]) / max(sd) + sd[i] / max(sd) * own$wide
  }
  list(confusion = normal_confusion(parameters, unlist(cuts)), omega = omega, overlap = overlap)
}

# Between two neighbouring crossings one component is ahead: the one that is in the middle. In units of the
# largest sd, about the first mean.
normal_confusion <- function(parameters, cuts) {
  unit <- max(parameters$sd)
  centre <- (parameters$mean - parameters$mean[1L]) / unit
  sd <- parameters$sd / unit
  cuts <- sort(unique(cuts[is.finite(cuts)]))
  k <- length(sd)
  if (!length(cuts)) cuts <- 0
  middle <- c(cuts[1L] - 1, (cuts[-1L] + cuts[-length(cuts)]) / 2, cuts[length(cuts)] + 1)
  ahead <- rep(1L, length(middle))
  top <- rep(-Inf, length(middle))
  for (j in seq_len(k)) {
    height <- log(parameters$prop[j]) + stats::dnorm(middle, centre[j], sd[j], log = TRUE)
    better <- height > top
    ahead[better] <- j
    top <- pmax(top, height)
  }
  low <- c(-Inf, cuts)
  high <- c(cuts, Inf)
  t(vapply(seq_len(k), function(i) {
    p <- between(low, high, function(q, lower) stats::pnorm((q - centre[i]) / sd[i], lower.tail = lower))
    vapply(seq_len(k), function(j) sum(p[ahead == j]), 0)
  }, double(k)))[seq_len(k), seq_len(k), drop = FALSE]
}

# ---- binomial -----------------------------------------------------------------------------------
#
# With m trials and p_j > p_i, log prop_j f_j(s) - log prop_i f_i(s) is linear in s and rises:
#   s (logit p_j - logit p_i) + m (log(1 - p_j) - log(1 - p_i)) + log(prop_j / prop_i).
# From some count on j is ahead. Logs of 0 are taken as -1e300, so that they overrule everything but themselves. Numbers
# are averages over the rows' numbers of trials.

# By number of trials: the first count at which j (of the larger p) is ahead of i, or level with it where `level`.
first_ahead <- function(p, odds, i, j, trials, level) {
  lp <- pmax(log(p), -1e300)
  lq <- pmax(log1p(-p), -1e300)
  slope <- (lp[j] - lq[j]) - (lp[i] - lq[i])
  base <- trials * (lq[j] - lq[i]) - odds
  if (!is.finite(odds)) return(rep(if (odds < 0) -1 else Inf, length(trials)))
  if (slope <= 0) return(ifelse(if (level) base >= 0 else base > 0, -1, Inf))
  count <- pmin(pmax(round(-base / slope), -1), trials + 1)
  # Successes and failures apart: no 1e300 that does not count.
  above <- count * (lp[j] - lp[i]) + (trials - count) * (lq[j] - lq[i]) - odds
  fuzz <- 8 * .Machine$double.eps *
    (abs(count) * abs(lp[j] + lp[i]) + abs(trials - count) * abs(lq[j] + lq[i]) + abs(odds))
  ifelse(if (level) above >= -fuzz else above > fuzz, count, count + 1)
}

binomial_overlap <- function(parameters, x, weights) {
  trials <- sort(unique(x[, 2L]))
  share <- as.vector(rowsum(weights, match(x[, 2L], trials))) / sum(weights)
  p <- unname(parameters$prob)
  prop <- unname(parameters$prop)
  k <- length(p)
  mass <- function(i, low, high) {
    sum(share * between(pmin(low, trials + 1), pmin(high, trials + 1), function(q, lower) pbinom(q, trials, p[i], lower)))
  }
  omega <- matrix(0, k, k)
  overlap <- diag(k)
  low <- matrix(-1, length(trials), k) # a component is ahead above `low`, up to `high`
  high <- matrix(Inf, length(trials), k)
  for (i in seq_len(k)) for (j in seq_len(k)[-i]) {
    if (p[j] < p[i] || (p[j] == p[i] && j < i)) next
    odds <- log(prop[i]) - log(prop[j])
    if (is.nan(odds)) odds <- 0
    strict <- first_ahead(p, odds, i, j, trials, FALSE)
    weak <- first_ahead(p, odds, i, j, trials, TRUE)
    omega[i, j] <- mass(i, strict - 1, Inf)
    omega[j, i] <- mass(j, -1, weak - 1)
    even <- first_ahead(p, 0, i, j, trials, FALSE) - 1
    overlap[i, j] <- overlap[j, i] <- min(mass(i, even, Inf) + mass(j, -1, even), 1)
    from <- if (i < j) strict else weak
    low[, j] <- pmax(low[, j], from - 1)
    high[, i] <- pmin(high[, i], from - 1)
  }
  confusion <- outer(seq_len(k), seq_len(k), Vectorize(function(i, j) mass(i, low[, j], pmax(high[, j], low[, j]))))
  list(confusion = confusion, omega = omega, overlap = overlap)
}

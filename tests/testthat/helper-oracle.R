# The EM algorithm in plain R, as a textbook writes it: slow, n x k matrices, no function of the
# package. A family is a list of two functions:
#
#   log_density(x, parameters, j)          log f_j of every row, constants included
#   maximise(x, share, old, fixed, equal)  M-step of the components' parameters; share: n x k, with
#                                          the weights in it
#   free                                   per parameter the way to a free coordinate and back
#   log_prior(parameters, prior, equal)    as ?em_prior has it, without constants
#
# Dempster, Laird & Rubin (1977); McLachlan & Peel (2000), section 2.8 and chapter 3.

oracle_normal <- list(
  log_density = function(x, parameters, j) {
    -log(parameters$sd[j]) - log(2 * pi) / 2 - ((x - parameters$mean[j]) / parameters$sd[j])^2 / 2
  },
  maximise = function(x, share, old, fixed, equal) {
    mass <- colSums(share)
    centre <- colSums(share * x) / mass
    squares_about <- function(m) {
      vapply(seq_along(mass), function(j) sum(share[, j] * (x - m[j])^2), 0)
    }
    held <- lapply(fixed, function(v) !is.na(v))
    mean <- centre
    if (!is.null(held$mean)) mean[held$mean] <- fixed$mean[held$mean]
    if ("mean" %in% equal) mean[] <- oracle_common_mean(mass, centre, squares_about, fixed, equal)
    variance <- squares_about(mean) / mass
    if ("sd" %in% equal) variance[] <- sum(squares_about(mean)) / sum(mass)
    sd <- sqrt(variance)
    if (any(held$sd)) {
      if ("sd" %in% equal) sd[] <- fixed$sd[held$sd][1L] else sd[held$sd] <- fixed$sd[held$sd]
    }
    list(mean = mean, sd = sd)
  },
  free = list(mean = list(to = identity, from = identity), sd = list(to = log, from = exp)),
  log_prior = function(parameters, prior, equal) {
    v <- parameters$sd^2
    off <- (parameters$mean - prior$mean)^2
    if ("sd" %in% equal) {
      return(-(prior$df + 2) * log(v[1L]) / 2 - prior$scale / (2 * v[1L]) -
        sum(log(v) / 2 + prior$shrinkage * off / (2 * v)))
    }
    sum(-(prior$df + 3) * log(v) / 2 - (prior$scale + prior$shrinkage * off) / (2 * v))
  }
)

# The common mean that maximises the expected log-likelihood once the free standard deviations are
# maximised out: the root of its derivative, between the components' own means.
oracle_common_mean <- function(mass, centre, squares_about, fixed, equal) {
  if (any(!is.na(fixed$mean))) return(fixed$mean[!is.na(fixed$mean)][1L])
  if ("sd" %in% equal) return(sum(mass * centre) / sum(mass))
  within <- squares_about(centre) / mass
  sd <- if (is.null(fixed$sd)) rep(NA_real_, length(mass)) else fixed$sd
  slope <- function(m) {
    variance <- ifelse(is.na(sd), within + (m - centre)^2, sd^2)
    sum(mass * (centre - m) / variance)
  }
  if (diff(range(centre)) == 0) return(centre[1L])
  stats::uniroot(slope, range(centre), tol = 1e-15)$root
}

# Rows of x: successes, failures.
oracle_binomial <- list(
  log_density = function(x, parameters, j) {
    s <- x[, 1L]
    f <- x[, 2L]
    p <- parameters$prob[j]
    lchoose(s + f, s) + ifelse(s > 0, s * log(p), 0) + ifelse(f > 0, f * log(1 - p), 0)
  },
  maximise = function(x, share, old, fixed, equal) {
    successes <- colSums(share * x[, 1L])
    trials <- colSums(share * (x[, 1L] + x[, 2L]))
    prob <- successes / trials
    if ("prob" %in% equal) prob[] <- sum(successes) / sum(trials)
    held <- !is.na(fixed$prob)
    if (any(held)) {
      if ("prob" %in% equal) prob[] <- fixed$prob[held][1L] else prob[held] <- fixed$prob[held]
    }
    list(prob = prob)
  },
  free = list(prob = list(to = stats::qlogis, from = stats::plogis)),
  log_prior = function(parameters, prior, equal) {
    p <- parameters$prob
    sum((prior$prob[1L] - 1) * log(p) + (prior$prob[2L] - 1) * log1p(-p))
  }
)

# log(prop_j f_j(x_i)), n x k
oracle_joint <- function(x, parameters, family) {
  joint <- vapply(seq_along(parameters$prop), function(j) {
    family$log_density(x, parameters, j) + log(parameters$prop[j])
  }, double(NROW(x)))
  matrix(joint, nrow = NROW(x))
}

oracle_log_sum <- function(a) {
  top <- do.call(pmax, lapply(seq_len(ncol(a)), function(j) a[, j]))
  top + log(rowSums(exp(a - top)))
}

oracle_loglik <- function(x, parameters, family, weights = NULL, labels = NULL) {
  joint <- oracle_joint(x, parameters, family)
  row <- oracle_log_sum(joint)
  if (!is.null(labels)) {
    known <- which(!is.na(labels))
    row[known] <- joint[cbind(known, labels[known])]
  }
  w <- if (is.null(weights)) rep(1, NROW(x)) else weights
  sum((w * row)[w > 0])
}

# With the log prior, where `prior` is a list of all its numbers; prop is the Dirichlet's.
oracle_objective <- function(x, parameters, family, weights = NULL, labels = NULL, equal = NULL,
                             prior = NULL) {
  value <- oracle_loglik(x, parameters, family, weights, labels)
  if (is.null(prior)) return(value)
  concentration <- if (is.null(prior$prop)) 1 else prior$prop
  value + sum((concentration - 1) * log(parameters$prop)) +
    family$log_prior(parameters, prior, equal)
}

# em_prior("default"), after Fraley & Raftery (2007), for normal rows.
oracle_default_prior <- function(x, k, weights = rep(1, length(x))) {
  centre <- sum(weights * x) / sum(weights)
  list(mean = centre, shrinkage = 0.01, df = 3,
    scale = sum(weights * (x - centre)^2) / sum(weights) / k^2)
}

oracle_posterior <- function(x, parameters, family, labels = NULL) {
  joint <- oracle_joint(x, parameters, family)
  p <- exp(joint - oracle_log_sum(joint))
  known <- which(!is.na(labels))
  p[known, ] <- 0
  p[cbind(known, labels[known])] <- 1
  p
}

oracle_prop <- function(mass, fixed, equal) {
  k <- length(mass)
  if ("prop" %in% equal) return(rep(1 / k, k))
  free <- if (is.null(fixed$prop)) rep(TRUE, k) else is.na(fixed$prop)
  prop <- fixed$prop
  if (is.null(prop)) prop <- numeric(k)
  prop[free] <- (1 - sum(prop[!free])) * mass[free] / sum(mass[free])
  prop
}

# `iterations` EM steps from `start`, a list of all parameters that obeys `fixed` and `equal`. The
# parameters after the last one, the log-likelihoods of all iterates (trace), that of the last
# and its posterior probabilities.
oracle_em <- function(x, family, start, iterations, weights = NULL, fixed = NULL, equal = NULL,
                      labels = NULL) {
  w <- if (is.null(weights)) rep(1, NROW(x)) else weights
  if (is.null(labels)) labels <- rep(NA_integer_, NROW(x))
  parameters <- start
  trace <- oracle_loglik(x, parameters, family, w, labels)
  for (iteration in seq_len(iterations)) {
    share <- oracle_posterior(x, parameters, family, labels) * w
    share[w == 0, ] <- 0
    prop <- oracle_prop(colSums(share), fixed, equal)
    parameters <- c(list(prop = prop), family$maximise(x, share, parameters, fixed, equal))
    trace <- c(trace, oracle_loglik(x, parameters, family, w, labels))
  }
  list(parameters = parameters, trace = trace, loglik = trace[length(trace)],
    posterior = oracle_posterior(x, parameters, family, labels))
}

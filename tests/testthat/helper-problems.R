# Random problems of every kind that emix() takes: rows, arguments, and the same for the oracle.
#
#   x, args    for emix(): k, family, start, and whatever of weights, fixed, equal, labels, prior
#   oracle     its functions; prior holds all numbers of the prior, where there is one
random_problem <- function(seed) {
  set.seed(seed)
  problem <- if (seed %% 3 == 0) random_binomial() else random_normal()
  n <- NROW(problem$x)
  k <- problem$args$k
  if (stats::runif(1) < 0.4) {
    problem$args$weights <- if (stats::runif(1) < 0.5) sample(0:3, n, TRUE) + 0 else stats::rexp(n)
  }
  if (stats::runif(1) < 0.25) {
    problem$args$labels <- replace(rep(NA_integer_, n), sample.int(n, 6), sample.int(k, 6, TRUE))
  }
  problem
}

# The blocks that are held or shared, at most three of them.
random_bonds <- function(values, k, shared) {
  fixed <- list()
  equal <- character()
  for (block in names(values)) {
    u <- stats::runif(1)
    if (u < 0.2) {
      at <- sample.int(k, sample.int(k, 1))
      fixed[[block]] <- replace(rep(NA_real_, k), at, values[[block]][at])
      if (block == "prop" && length(at) < k) fixed$prop <- fixed$prop * 0.8
    } else if (u < 0.4 && block %in% shared) {
      equal <- c(equal, block)
    }
  }
  if (all(c("mean", "sd") %in% equal)) equal <- setdiff(equal, "mean")
  list(fixed = if (length(fixed)) fixed, equal = if (length(equal)) equal)
}

random_normal <- function() {
  k <- sample(2:4, 1)
  n <- sample(40:90, 1)
  truth <- list(prop = (1 + seq_len(k)) / sum(1 + seq_len(k)),
    mean = cumsum(stats::runif(k, 1.5, 4)), sd = stats::runif(k, 0.6, 1.4))
  j <- sample.int(k, n, TRUE, truth$prop)
  x <- stats::rnorm(n, truth$mean[j], truth$sd[j])
  if (stats::runif(1) < 0.5) x <- round(x, 1)
  bonds <- random_bonds(truth, k, c("prop", "mean", "sd"))
  start <- truth
  start$mean <- truth$mean + stats::rnorm(k, sd = 0.3)
  start$sd <- truth$sd * exp(stats::rnorm(k, sd = 0.2))
  prior <- NULL
  if (stats::runif(1) < 0.35) {
    u <- stats::runif(5)
    prior <- list(prop = 1 + 2 * u[1], mean = 8 * u[2], shrinkage = 2 * u[3], df = 6 * u[4],
      scale = 0.1 + 2.9 * u[5])
  }
  args <- c(list(k = k, start = start), bonds)
  if (!is.null(prior)) args$prior <- do.call(em_prior, prior)
  list(x = x, args = args, oracle = oracle_normal, prior = prior)
}

random_binomial <- function() {
  k <- sample(2:3, 1)
  n <- sample(40:90, 1)
  truth <- list(prop = (1 + seq_len(k)) / sum(1 + seq_len(k)),
    prob = c(0.15, 0.5, 0.85)[sort(sample.int(3, k))] + stats::runif(k, -0.05, 0.05))
  size <- if (stats::runif(1) < 0.5) rep(12, n) else sample(5:30, n, TRUE)
  s <- stats::rbinom(n, size, truth$prob[sample.int(k, n, TRUE, truth$prop)])
  bonds <- random_bonds(truth, k, "prop")
  prior <- NULL
  if (stats::runif(1) < 0.35) {
    prior <- list(prop = stats::runif(1, 1, 3), prob = stats::runif(2, 1, 4))
  }
  start <- truth
  start$prob <- stats::plogis(stats::qlogis(truth$prob) + stats::rnorm(k, sd = 0.3))
  args <- c(list(k = k, family = "binomial", start = start), bonds)
  if (!is.null(prior)) args$prior <- do.call(em_prior, prior)
  list(x = cbind(s, size - s), args = args, oracle = oracle_binomial, prior = prior)
}

run_problem <- function(problem, ...) {
  withCallingHandlers(
    do.call(emix, c(list(problem$x), problem$args, list(control = em_control(...)))),
    emix_warning_spurious = function(w) invokeRestart("muffleWarning")
  )
}

# What a problem is, for messages.
name_problem <- function(seed, problem) {
  a <- problem$args
  bonds <- c(names(a$fixed), a$equal, names(a)[names(a) %in% c("weights", "labels", "prior")])
  sprintf("problem %d (%s)", seed, paste(bonds, collapse = ", "))
}

# The oracle's view of a fit of the problem.
problem_top <- function(problem, fit) {
  a <- problem$args
  oracle_top(fit, problem$x, problem$oracle, a$weights, a$labels, fixed = a$fixed, equal = a$equal,
    prior = problem$prior)
}

problem_objective <- function(problem, fit) {
  a <- problem$args
  oracle_objective(problem$x, lapply(fit$parameters, unname), problem$oracle, a$weights, a$labels,
    a$equal, problem$prior)
}

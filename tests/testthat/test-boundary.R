# Onto the boundary and off it: against the derivatives there.

test_that("proportions of components that are wholly held: the best of all, from any start", {
  for (seed in 1:24) {
    set.seed(seed)
    x <- rnorm(200, sample(c(0, 2, 5), 200, TRUE))
    k <- c(4, 10, 30)[seed %% 3 + 1]
    at <- seq(-6, 12, length.out = k)
    prop <- if (seed > 16) rep(1 / k, k) else replace(numeric(k), sample(k, 2), 0.5)
    fit <- tryCatch(emix(x, k = k, fixed = list(mean = at, sd = rep(1, k)), start = list(prop = prop)),
      emix_error_fit = function(e) NULL) # rows where the two say that none can be
    if (is.null(fit)) next
    density <- outer(x, at, function(x, m) exp(-(x - m)^2 / 2))
    slope <- colSums(density / drop(density %*% fit$parameters$prop)) - 200
    expect_lt(max(slope), 1e-3)
    expect_lt(max(abs(slope[fit$parameters$prop > 0])), 1e-2)
    expect_true(fit$converged)
    expect_false(fit$convergence$flat)
    expect_length(fit$convergence$boundary, sum(fit$parameters$prop == 0))
  }
})

test_that("the same beside a held proportion", {
  set.seed(72)
  x <- rnorm(100, sample(c(0, 3), 100, TRUE))
  at <- c(0, 3, 1, 9)
  fit <- emix(x, k = 4, fixed = list(prop = c(0.2, NA, NA, NA), mean = at, sd = rep(1, 4)),
    start = list(prop = c(0.2, 0.4, 0.4, 0)))
  plain <- emix(x, k = 4, fixed = list(prop = c(0.2, NA, NA, NA), mean = at, sd = rep(1, 4)),
    control = em_control(accelerate = FALSE, max_iter = 1e5))
  expect_near(fit$loglik, plain$loglik, 1e-8)
  expect_near(fit$parameters$prop, plain$parameters$prop, 1e-4)
})

test_that("a parameter next to its boundary is on it, and named", {
  for (seed in c(1:60, 2039, 2104, 2159, 2311, 2430, 2540, 2778, 2787)) {
    set.seed(seed)
    k <- sample(2:4, 1)
    n <- sample(8:40, 1)
    s <- rbinom(n, 10, sample(c(0, 0.02, 0.1, 0.3, 0.6, 0.98, 1), n, TRUE))
    prop <- rexp(k)^2
    prob <- plogis(rnorm(k, sd = 2))
    if (seed %% 3 == 0) prop[sample(k, 1)] <- 0
    if (seed %% 4 == 0) prob[sample(k, 1)] <- sample(0:1, 1)
    w <- if (seed %% 5 == 0) rexp(n)
    fit <- tryCatch(emix(cbind(s, 10 - s), k = k, family = "binomial", weights = w,
      start = list(prop = prop / sum(prop), prob = prob)), emix_error_fit = function(e) NULL)
    if (is.null(fit)) next # a row that no component of the start allows
    values <- unlist(fit$parameters)
    near <- which(pmin(values, 1 - values) < 1e-6)
    if (fit$convergence$flat) next # components coincide: their shares are arbitrary
    expect_true(all(values[near] %in% 0:1))
    expect_setequal(fit$convergence$boundary, sprintf("%s = %g", names(coef(fit))[near], values[near]))
  }
})

# The slope inwards of log-likelihood in each probability that is on its boundary, by the oracle.
test_that("a probability on its boundary: nothing is to be gained inwards, however near", {
  slopes <- numeric()
  for (seed in c(3 * (1:40), 330, 610, 752, 864, 880, 1715, 1716)) {
    set.seed(seed)
    k <- sample(2:4, 1)
    n <- sample(8:40, 1)
    s <- rbinom(n, 10, sample(c(0, 0.02, 0.1, 0.3, 0.6, 0.98, 1), n, TRUE))
    x <- cbind(s, 10 - s)
    rexp(k)
    prob <- plogis(rnorm(k, sd = 2))
    if (seed %% 4 == 0) prob[sample(k, 1)] <- sample(0:1, 1)
    equal <- if (seed %% 2 == 0) "prop"
    fit <- tryCatch(emix(x, k = k, family = "binomial", start = list(prob = prob), equal = equal),
      emix_error_fit = function(e) NULL)
    if (is.null(fit)) next
    parameters <- lapply(fit$parameters, unname)
    for (j in which(parameters$prob %in% 0:1 & parameters$prop > 0)) {
      inside <- parameters
      inside$prob[j] <- abs(inside$prob[j] - 1e-7)
      slopes <- c(slopes, (oracle_loglik(x, inside, oracle_binomial) - fit$loglik) / 1e-7)
    }
  }
  expect_gt(length(slopes), 10)
  expect_lt(max(slopes), 0.01)
})

test_that("a component whose rows are all impossible leaves its boundary", {
  x <- cbind(c(0, 1, 3, 4, 5, 9, 9, 1), c(10, 9, 7, 6, 5, 1, 1, 9))
  fit <- emix(x, k = 2, family = "binomial", equal = "prop", start = list(prob = c(1, 0.25)))
  expect_near(fit$loglik, emix(x, k = 2, family = "binomial", equal = "prop")$loglik, 1e-10)
})

test_that("no more iterations than allowed to leave a boundary", {
  x <- cbind(c(1, 2, 2, 8, 7, 9), c(9, 8, 8, 2, 3, 1))
  for (most in 0:3) {
    fit <- suppressWarnings(emix(x, k = 2, family = "binomial", start = list(prop = c(1, 0), prob = c(29 / 60, 0.8)),
      control = em_control(max_iter = most, trace = TRUE)), classes = "emix_warning_iterations")
    expect_lte(fit$iterations, most)
    expect_equal(nrow(fit$trace), fit$iterations + 1)
    expect_identical(unlist(fit$trace[nrow(fit$trace), -(1:3)]), coef(fit))
    expect_false(fit$converged)
  }
})

# A prior on the parameters of an empty component, or on a common one whose first component is.
prior_objective <- function(x, fit, prior, equal) {
  live <- fit$parameters$prop > 0
  parameters <- lapply(fit$parameters, unname)
  oracle_loglik(x, lapply(parameters, `[`, live), oracle_normal) +
    oracle_normal$log_prior(parameters, prior, equal)
}

test_that("a prior on a common sd counts where the first component is empty", {
  x <- c(qnorm(ppoints(30)), 3 + qnorm(ppoints(20)))
  numbers <- list(mean = 1, shrinkage = 0.5, df = 4, scale = 2)
  prior <- do.call(em_prior, c(list("flat"), numbers))
  fits <- lapply(list(c(0, NA, NA), c(NA, NA, 0)), function(prop) {
    order <- if (is.na(prop[1])) c(2, 3, 1) else 1:3
    start <- lapply(list(prop = c(0, 0.5, 0.5), mean = c(7, 0, 3), sd = c(1, 1, 1)), `[`, order)
    emix(x, k = 3, equal = "sd", prior = prior, fixed = list(prop = prop), start = start)
  })
  for (fit in fits) {
    expect_true(fit$converged)
    expect_near(fit$objective, prior_objective(x, fit, numbers, "sd"), 1e-12)
    # All that the prior or the rows see is at its best: the empty mean too.
    for (step in c(-1e-4, 1e-4)) {
      for (move in list(list("sd", 1:3), list("mean", 1), list("mean", 2), list("mean", 3))) {
        inside <- fit
        inside$parameters[[move[[1]]]][move[[2]]] <- inside$parameters[[move[[1]]]][move[[2]]] + step
        expect_lt(prior_objective(x, inside, numbers, "sd"), fit$objective + 1e-12)
      }
    }
  }
  expect_near(fits[[1]]$objective, fits[[2]]$objective, 1e-12)
  expect_near(fits[[1]]$parameters$mean[1], 1, 1e-8)
})

test_that("the certificate knows of the prior on an empty component", {
  x <- c(qnorm(ppoints(30)), 3 + qnorm(ppoints(20)))
  numbers <- list(mean = 1, shrinkage = 0.5, df = 4, scale = 2)
  prior <- do.call(em_prior, c(list("flat"), numbers))
  for (equal in list("sd", NULL)) {
    at <- function(...) {
      emix(x, k = 3, equal = equal, prior = prior, fixed = list(prop = c(0, NA, NA)), ...)
    }
    best <- at(start = list(prop = c(0, 0.6, 0.4), mean = c(1, 0, 3), sd = rep(1, 3)))
    # Only the empty component is off: the gain is what its prior lacks.
    start <- lapply(best$parameters, unname)
    start$mean[1] <- start$mean[1] + 0.01
    if (is.null(equal)) start$sd[1] <- start$sd[1] * 1.01
    off <- at(start = start, control = em_control(max_iter = 0))
    expect_near(off$convergence$gain / (best$objective - off$objective), 1, 0.05)
    # And it is not called a maximum before that is gained.
    again <- at(start = start)
    expect_near(again$objective, best$objective, 1e-11)
    expect_near(coef(again), coef(best), 1e-6)
  }
})

test_that("priors on probabilities of empty components, own and shared", {
  x <- cbind(c(1, 2, 2, 8, 7, 9), c(9, 8, 8, 2, 3, 1))
  prior <- em_prior(prob = c(2, 3))
  log_prior <- function(p) sum(log(p) + 2 * log1p(-p))
  own <- emix(x, k = 3, family = "binomial", prior = prior, fixed = list(prop = c(0, NA, NA)),
    start = list(prop = c(0, 0.5, 0.5), prob = c(0.9, 0.2, 0.8)))
  expect_true(own$converged)
  expect_near(own$parameters$prob[1], 1 / 3, 1e-8) # the prior's mode
  live <- lapply(own$parameters, function(v) unname(v)[2:3])
  expect_near(own$objective, oracle_loglik(x, live, oracle_binomial) + log_prior(own$parameters$prob), 1e-12)
  labels <- rep(c(2, 3), each = 3)
  shared <- emix(x, k = 3, family = "binomial", prior = prior, equal = "prob", labels = labels,
    fixed = list(prop = c(0, NA, NA)), start = list(prop = c(0, 0.5, 0.5), prob = rep(0.4, 3)))
  expect_near(shared$parameters$prob, rep((29 + 1) / (60 + 3), 3), 1e-9)
})

test_that("more components than memory for scores: no overflow, plain EM", {
  k <- 12000
  x <- 100 * seq_len(k)
  fit <- suppressWarnings(emix(x, k = k, fixed = list(sd = rep(1, k)), start = list(mean = x + 0.5),
    control = em_control(max_iter = 1)))
  expect_equal(fit$iterations, 1)
  expect_near(fit$parameters$mean, x, 1e-6)
})

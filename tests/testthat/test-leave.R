# Ends that are no maxima: empty components that could grow elsewhere, saddles without curvature.

two_groups <- c(qnorm(ppoints(40)), 4 + 1.2 * qnorm(ppoints(50)))

# Lindsay's D at probabilities t, from the oracle's densities.
binomial_slope <- function(fit, x, t, weights = rep(1, nrow(x))) {
  parameters <- lapply(fit$parameters, unname)
  density <- exp(oracle_log_sum(oracle_joint(x, parameters, oracle_binomial)))
  vapply(t, function(t) sum(weights * dbinom(x[, 1], rowSums(x), t) / density), 0) - sum(weights)
}

test_that("a component sent far from all rows comes back", {
  best <- emix(two_groups, k = 2)$loglik
  for (far in c(50, 1e3, 1e8, -1e12)) {
    fit <- emix(two_groups, k = 2, start = list(mean = c(0, far), sd = c(1, 1)))
    expect_near(fit$loglik, best, 1e-10)
    expect_identical(fit$convergence$boundary, character())
    expect_true(fit$converged)
  }
  # In any units, and where the core moves the data.
  for (scale in c(1e-80, 1e100)) {
    fit <- emix(two_groups * scale, k = 2, start = list(mean = c(0, 1e3) * scale, sd = c(1, 1) * scale))
    expect_near(fit$loglik + 90 * log(scale), best, 1e-9)
  }
  moved <- emix(two_groups + 2^30, k = 2, start = list(mean = c(0, 1e3) + 2^30, sd = c(1, 1)))
  expect_near(moved$loglik, best, 1e-6)
})

test_that("so does one that started empty, whatever else is held, shared, weighted or known", {
  start <- list(prop = c(0.5, 0.5, 0), mean = c(0, 4, 30), sd = c(1, 1, 1))
  grown <- function(...) {
    fit <- suppressWarnings(emix(two_groups, k = 3, start = start, ...))
    expect_true(fit$converged)
    expect_gt(min(fit$parameters$prop), 0)
    invisible(fit)
  }
  shared <- grown(equal = "sd")
  expect_gt(shared$loglik, emix(two_groups, k = 2, equal = "sd")$loglik + 0.1)
  held <- grown(fixed = list(sd = c(0.8, 0.8, 0.8)))
  expect_identical(unname(held$parameters$sd), rep(0.8, 3))
  expect_identical(unname(grown(fixed = list(prop = c(0.2, NA, NA)))$parameters$prop[1]), 0.2)
  grown(labels = replace(rep(NA, 90), c(3, 9, 60), c(1, 1, 2)))
  weighted <- grown(weights = rep(c(1, 2), 45))
  copies <- suppressWarnings(emix(rep(two_groups, rep(c(1, 2), 45)), k = 3, start = start))
  expect_near(coef(weighted), coef(copies), 1e-7)
  thin <- grown(weights = rep(c(1, 2), 45) * 1e-9)
  expect_near(coef(thin), coef(weighted), 1e-6)
})

test_that("an empty component in many rows, condensed or not", {
  set.seed(71)
  x <- rnorm(30000, c(0, 4))
  for (condense in c("auto", "none")) {
    fit <- emix(x, k = 2, start = list(mean = c(0, 300), sd = c(1, 1)), control = em_control(condense = condense))
    expect_true(fit$converged)
    expect_near(sort(unname(fit$parameters$mean)), c(0, 4), 0.05)
  }
})

test_that("a binomial component is empty only where it would grow nowhere", {
  t <- seq(0, 1, 0.005)
  empty <- 0
  for (seed in 1:300) {
    set.seed(seed)
    k <- sample(2:4, 1)
    n <- sample(8:40, 1)
    s <- rbinom(n, 10, sample(c(0, 0.02, 0.1, 0.3, 0.6, 0.98, 1), n, TRUE))
    x <- cbind(s, 10 - s)
    prop <- rexp(k)^2
    if (seed %% 3 == 0) prop[sample(k, 1)] <- 0
    prob <- plogis(rnorm(k, sd = 2))
    if (seed %% 4 == 0) prob[sample(k, 1)] <- sample(0:1, 1)
    w <- if (seed %% 5 == 0) rexp(n) else rep(1, n)
    fit <- tryCatch(emix(x, k = k, family = "binomial", weights = w,
      start = list(prop = prop / sum(prop), prob = prob)), emix_error_fit = function(e) NULL)
    if (is.null(fit)) next # a row that no component of the start allows
    expect_true(fit$converged)
    if (all(fit$parameters$prop > 0)) next
    empty <- empty + 1
    expect_lt(max(binomial_slope(fit, x, t, w)), 1e-4)
    expect_true(fit$convergence$flat)
    expect_true(any(grepl("^prop", fit$convergence$boundary)))
  }
  expect_gt(empty, 3)
})

test_that("no place for it: on the boundary and flat, and print says both", {
  # Two components are the best mixture of all: D <= 0 everywhere.
  x <- cbind(c(rep(2, 10), rep(8, 10)), c(rep(8, 10), rep(2, 10)))
  fit <- emix(x, k = 3, family = "binomial", start = list(prop = c(0.5, 0.5, 0), prob = c(0.2, 0.8, 0.5)))
  expect_true(fit$converged)
  expect_lt(max(binomial_slope(fit, x, seq(0, 1, 0.001))), 1e-8)
  expect_identical(fit$convergence$boundary, "prop.3 = 0")
  expect_true(fit$convergence$flat)
  expect_output(print(fit), "flat")
  # Where all of it is held nothing is arbitrary.
  held <- emix(x, k = 3, family = "binomial", start = list(prop = c(0.5, 0.5, 0)),
    fixed = list(prob = c(0.2, 0.8, 0.5)))
  expect_identical(held$convergence$boundary, "prop.3 = 0")
  expect_false(held$convergence$flat)
})

test_that("without acceleration it stays where EM leaves it, and is flat", {
  fit <- emix(two_groups, k = 3, start = list(prop = c(0.5, 0.5, 0), mean = c(0, 4, 30), sd = c(1, 1, 1)),
    control = em_control(accelerate = FALSE))
  expect_true(fit$converged)
  expect_identical(unname(fit$parameters$mean[3]), 30)
  expect_identical(fit$convergence$boundary, "prop.3 = 0")
  expect_true(fit$convergence$flat)
})

test_that("an empty component that a prior holds in place is not flat", {
  y <- qnorm(ppoints(60))
  fit <- emix(y, k = 2, start = list(prop = c(0, 1), mean = c(1, 0), sd = c(0.3, 1)), prior = em_prior())
  expect_true(fit$converged)
  if (min(fit$parameters$prop) == 0) expect_false(fit$convergence$flat)
})

# Saddles of the fourth order: no curvature, and the way up only some distance off.
rises_by <- function(fit, x, block, by) {
  parameters <- lapply(fit$parameters, unname)
  gains <- vapply(by, function(by) {
    moved <- parameters
    moved[[block]] <- moved[[block]] + by
    oracle_loglik(x, moved, oracle_normal) - fit$loglik
  }, 0)
  max(gains)
}

test_that("a saddle from which only a collapse is higher is no maximum", {
  x <- iris$Petal.Width
  start <- list(prop = c(.2257, .0968, .3387, .3388), mean = c(.186413, .35374, 1.6575, 1.6575 + 1e-9),
    sd = c(.037184, .063825, .443767, .443767))
  expect_warning(fit <- emix(x, k = 4, start = start), class = "emix_warning_iterations", "saddle")
  apart <- outer(c(0.1, 0.2), c(0, 0, -1, 1))
  gain <- max(vapply(1:2, function(i) rises_by(fit, x, "mean", list(apart[i, ])), 0))
  expect(gain < 0.01 || !fit$converged, sprintf("%.3g is to be gained, and it is called a maximum", gain))
  expect_identical(fit$convergence$gain, Inf)
})

test_that("saddles are left whatever it takes: a short way, a long one, other widths", {
  for (seed in c(36, 78, 120, 38)) {
    set.seed(seed)
    n <- sample(c(12, 20, 40, 80), 1)
    k <- sample(2:4, 1)
    x <- round(rnorm(n, sample(c(0, 2), n, TRUE)), 1)
    equal <- if (seed %% 3 == 0) "sd"
    whole <- emix(x, k = 1)
    prop <- if (seed %% 2) rep(1, k) else rexp(k)
    start <- list(prop = prop / sum(prop), mean = rep(mean(x), k) + (seq_len(k) - (k + 1) / 2) * 1e-7,
      sd = rep(unname(whole$parameters$sd), k))
    fit <- suppressWarnings(emix(x, k = k, equal = equal, start = start))
    expect_true(fit$converged)
    expect_false(fit$convergence$flat)
    expect_gt(fit$loglik, whole$loglik + 0.05)
  }
})

test_that("plain EM's end at a saddle is not called a maximum", {
  a <- 3 + 0.8 * qnorm(ppoints(40))
  x <- c(rbind(a, -a)) # quite symmetric: EM cannot leave
  plain <- em_control(accelerate = FALSE)
  for (args in list(list(start = list(mean = c(0, 0)), fixed = list(sd = c(1, 1.1))),
    list(start = list(mean = c(0, 0), sd = c(2, 4))))) {
    expect_warning(fit <- do.call(emix, c(list(x, k = 2, control = plain), args)),
      class = "emix_warning_iterations", "saddle")
    expect_false(fit$converged)
    expect_identical(fit$convergence$gain, Inf)
    expect_output(print(fit), "NOT")
    fast <- do.call(emix, c(list(x, k = 2), args))
    expect_true(fast$converged)
    expect_gt(fast$loglik, fit$loglik + 10)
  }
  # Where components that coincide are a maximum: converged, and flat.
  under <- cbind(c(5, 5, 5, 4, 6, 5), c(5, 5, 5, 6, 4, 5))
  fit <- emix(under, k = 2, family = "binomial", start = list(prob = c(0.48, 0.52)), control = plain)
  expect_true(fit$converged)
  expect_true(fit$convergence$flat)
})

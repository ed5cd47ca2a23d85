# Ridges of mixtures with more components than the data have: long steps, none of which may lower the
# objective.

on_ridge <- function(seed, k, ...) {
  set.seed(seed)
  n <- 2e4
  x <- rnorm(n, sample(c(-2, 0.5, 4), n, TRUE, c(0.4, 0.35, 0.25)))
  start <- list(mean = quantile(x, (seq_len(k) - 0.5) / k, names = FALSE), sd = rep(1.5 * sd(x) / k, k))
  # The best of too many components may be a chance cluster.
  suppressWarnings(emix(x, k = k, start = start, control = em_control(condense = "none", ...)),
    classes = c("emix_warning_spurious", "emix_warning_iterations"))
}

test_that("a ridge is walked in few steps, none of them down", {
  for (seed in 1:4) {
    for (k in 5:6) {
      fit <- on_ridge(seed, k, trace = TRUE)
      expect_true(fit$converged)
      expect_ascent(fit$trace$loglik)
      expect_identical(nrow(fit$trace), fit$iterations + 1L)
      # Straight steps, and those bent to second order, took 160 to 520.
      expect_lt(fit$convergence$evaluations, 150)
    }
  }
})

test_that("no iterate is lost where steps out and back run out of iterations", {
  for (most in c(13, 17, 25)) {
    fit <- on_ridge(4, 6, trace = TRUE, max_iter = most)
    expect_identical(fit$iterations, as.integer(most))
    expect_ascent(fit$trace$loglik)
    expect_near(fit$trace$loglik[most + 1], fit$loglik, 1e-14)
  }
})

test_that("a ridge is walked the same with two threads", {
  fits <- lapply(1:2, function(threads) on_ridge(1, 6, threads = threads))
  expect_identical(fits[[1]]$parameters, fits[[2]]$parameters)
  expect_identical(fits[[1]]$convergence, fits[[2]]$convergence)
})

# Near a maximum: what once went round in circles, and what an empty component once broke.

test_that("refused Newton steps near the top do not alternate with EM's for ever", {
  set.seed(8)
  x <- rnorm(5000, sample(c(0, 1, 2), 5000, TRUE), sample(c(0.8, 1, 1.3), 5000, TRUE))
  fit <- emix(x, k = 4)
  expect_true(fit$converged)
  expect_lt(fit$convergence$evaluations, 1000)
})

test_that("a shared sd stays shared where a component is empty", {
  set.seed(2)
  x <- c(rnorm(100), rnorm(100, 3))
  fit <- emix(x, k = 3, equal = "sd", start = list(mean = c(0, 3, 30), sd = rep(1.3, 3)))
  expect_identical(unname(fit$parameters$sd), rep(fit$parameters$sd[[1]], 3))
})

test_that("many rows of one value: the error says so, condensed or not", {
  for (condense in c("auto", "none")) {
    expect_error(emix(rep(1, 5000), k = 2, control = em_control(condense = condense)),
      class = "emix_error_degenerate")
  }
})

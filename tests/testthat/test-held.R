# What is held keeps its value, in the user's units, through every move of the search.

test_that("held standard deviations survive the search at any scale", {
  set.seed(3)
  for (scale in c(1, 4, 2^-20, 1e6)) {
    for (i in 1:5) {
      x <- round(rnorm(30, 0, 4)) * scale
      s <- sd(x) * 0.3
      fit <- suppressWarnings(emix(x, k = 3, fixed = list(sd = rep(s, 3)), control = em_control(starts = 5)))
      expect_identical(unname(fit$parameters$sd), rep(s, 3))
    }
  }
})

test_that("held means survive the search where the core moves the data", {
  set.seed(4)
  for (shift in c(0, 50, 1e9)) {
    x <- shift + c(rnorm(60), rnorm(40, 0, 4))
    fit <- suppressWarnings(emix(x, k = 3, fixed = list(mean = rep(shift, 3))))
    expect_identical(unname(fit$parameters$mean), rep(shift, 3))
  }
})

test_that("held values survive from a given start that ends where components coincide", {
  x <- c(3.61973935, 26.87947354, 0.13443743, 0.04467335, 57.77922680)
  w <- c(0.0002587514, 0.0004192789, 0.0007968571, 0.0008223244, 0.0009565183)
  fit <- suppressWarnings(emix(x, k = 3, weights = w, fixed = list(sd = rep(2.682299, 3)),
    start = list(mean = x[1:3] + 2 * (1:3) / 3, sd = rep(2.682299, 3))))
  expect_identical(unname(fit$parameters$sd), rep(2.682299, 3))
})

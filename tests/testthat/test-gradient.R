# Lindsay's gradient function, D(t) = sum w f(x | t) / f_G(x) - sum w, against that sum in plain R.

naive_normal <- function(fit, t, sd, x, w = rep(1, length(x))) {
  p <- fit$parameters
  mixture <- rowSums(vapply(seq_along(p$prop), function(j) {
    p$prop[[j]] * dnorm(x, p$mean[[j]], p$sd[[j]])
  }, x))
  vapply(t, function(m) sum(w * dnorm(x, m, sd) / mixture), 0) - sum(w)
}

naive_binomial <- function(fit, t, s, size, w = rep(1, length(s))) {
  p <- fit$parameters
  mixture <- rowSums(vapply(seq_along(p$prop), function(j) {
    p$prop[[j]] * dbinom(s, size, p$prob[[j]])
  }, double(length(s))))
  vapply(t, function(prob) sum(w * dbinom(s, size, prob) / mixture), 0) - sum(w)
}

free <- emix(coin_tosses, k = 2, family = "binomial")
half <- emix(coin_tosses, k = 2, family = "binomial", equal = "prop")

test_that("the coins: free proportions are the best of all mixtures, halves are not", {
  g <- em_gradient(free)
  expect_lt(g$max, 1e-9)
  expect_near(g$D_support, c(0, 0), 1e-9)
  h <- em_gradient(half)
  expect_near(h$max, 0.065435, 1e-5)
  expect_near(h$max, 0.0654353374, 1e-9)
  expect_near(h$at, 0.796789066923, 1e-3)
})

test_that("D is the sum, with sizes that differ by row, weights, and rows of no trials", {
  size <- c(5, 8, 12, 20, 3, 9, 30, 0, 15, 11)
  s <- c(1, 7, 3, 18, 0, 4, 9, 0, 14, 2)
  w <- c(1, 2.5, 1, 0, 3, 1, 0.25, 2, 1, 1)
  for (weights in list(NULL, w)) {
    used <- if (is.null(weights)) rep(1, 10) else weights
    fit <- emix(s, k = 2, family = mix_binomial(size = size), weights = weights)
    g <- em_gradient(fit)
    expect_near(g$D, naive_binomial(fit, g$t, s, size, used), 1e-9)
    expect_near(g$n, sum(used), 1e-14)
    expect_near(g$D_support, c(0, 0), 1e-7)
    expect_near(g$support, fit$parameters$prob, 0)
    expect_identical(range(g$t), c(0, 1))
    fine <- naive_binomial(fit, seq(0, 1, 1e-4), s, size, used)
    expect_gte(g$max, max(fine) - 1e-12)
    expect_lte(g$max, max(fine) + 1e-5 * sum(used))
  }
})

test_that("normal components of one sd", {
  x <- faithful$waiting
  w <- rep(c(1, 2, 0, 0.5), 68)
  for (weights in list(NULL, w)) {
    used <- if (is.null(weights)) rep(1, 272) else weights
    for (k in 1:3) {
      fit <- emix(x, k = k, equal = "sd", weights = weights)
      g <- em_gradient(fit, grid = 200)
      expect_near(g$D, naive_normal(fit, g$t, fit$parameters$sd[[1]], x, used), 1e-8)
      expect_near(g$D_support, rep(0, k), 1e-6)
      fine <- naive_normal(fit, seq(43, 96, 0.005), fit$parameters$sd[[1]], x, used)
      expect_gte(g$max, max(fine) - 1e-9)
      expect_lte(g$max, max(fine) + 1e-4 * (1 + max(fine)))
      expect_near(naive_normal(fit, g$at, fit$parameters$sd[[1]], x, used), g$max, 1e-8)
    }
  }
})

test_that("sd: that of the further component, for fits of several sds too", {
  own <- emix(faithful$waiting, k = 2)
  g <- em_gradient(own, sd = 3)
  expect_near(g$D, naive_normal(own, g$t, 3, faithful$waiting), 1e-8)
  expect_input_error(em_gradient(own), "fit", "sd")
  held <- emix(faithful$waiting, k = 2, fixed = list(sd = c(6, 6)))
  expect_near(em_gradient(held)$D_support, c(0, 0), 1e-6)
  expect_no_error(em_gradient(emix(faithful$waiting, k = 1)))
})

test_that("the bound holds: no further component gains more than N log(1 + max D / N)", {
  x <- faithful$waiting
  one <- emix(x, k = 1, fixed = list(sd = 6))
  g <- em_gradient(one)
  expect_near(g$bound, 272 * log1p(g$max / 272), 1e-13)
  for (k in 2:6) {
    more <- emix(x, k = k, fixed = list(sd = rep(6, k)))
    expect_lte(more$loglik - one$loglik, g$bound)
  }
  h <- em_gradient(half)
  expect_lte(free$loglik - half$loglik, h$bound)
  expect_equal(em_gradient(free)$bound, max(0, 5 * log1p(em_gradient(free)$max / 5)))
})

test_that("components are added until max D is 0: then no more help", {
  s <- c(0, 0, 1, 9, 10, 10, 5, 5, 4)
  x <- cbind(s, 10 - s)
  best <- -Inf
  for (k in 1:4) {
    fit <- emix(x, k = k, family = "binomial")
    g <- em_gradient(fit)
    if (g$max < 1e-7) break
    best <- fit$loglik
  }
  expect_lt(g$max, 1e-7)
  expect_gt(fit$loglik, best)
  expect_near(emix(x, k = k + 1, family = "binomial")$loglik, fit$loglik, 1e-6)
})

test_that("an outlier is a spike", {
  fit <- emix(c(qnorm(ppoints(60)), 9), k = 1)
  g <- em_gradient(fit, sd = 1)
  expect_gt(g$at, 8)
  expect_gt(g$max, 100)
})

test_that("the value: its class, its parts, its grid", {
  g <- em_gradient(free)
  expect_s3_class(g, "em_gradient")
  expect_true(all(c("t", "D", "max", "at", "bound", "support", "D_support", "n", "parameter") %in%
    names(g)))
  expect_identical(g$parameter, "prob")
  expect_identical(em_gradient(emix(1:9, k = 1))$parameter, "mean")
  expect_gte(length(em_gradient(free, grid = 3)$t), 3)
  expect_false(is.unsorted(g$t))
  expect_true(all(is.finite(g$D)))
  expect_near(em_gradient(free, grid = 33)$max, g$max, 1e-9)
  expect_near(em_gradient(half, grid = 33)$max, em_gradient(half, grid = 5000)$max, 1e-9)
})

test_that("components on the boundary, many trials, far rows: finite and right", {
  edge <- emix(cbind(c(0, 0, 0, 5, 6, 5), c(10, 10, 10, 5, 4, 5)), k = 2, family = "binomial")
  g <- em_gradient(edge)
  expect_lt(g$max, 1e-6)
  expect_near(g$D_support, c(0, 0), 1e-6)
  size <- 1e6
  s <- c(2e5, 2.001e5, 7e5, 7.002e5)
  many <- em_gradient(emix(s, k = 2, family = mix_binomial(size = size)))
  expect_near(many$D_support, c(0, 0), 1e-5)
  # Beyond the largest double D is Inf, and that is no reason for a warning.
  held <- emix(c(0, 1, 2, 1e3), k = 1, fixed = list(sd = 1, mean = 1))
  far <- NULL
  expect_no_warning(far <- em_gradient(held))
  expect_false(anyNA(c(far$D, far$max)))
  expect_identical(far$max, Inf)
})

test_that("print says what it means", {
  expect_output(print(em_gradient(free)), "no mixture with any number of such components")
  expect_output(print(em_gradient(half)), "further components can raise the log-likelihood")
  expect_output(print(em_gradient(half)), "0.0654")
  shown <- withVisible({
    utils::capture.output(value <- print(em_gradient(free)))
    value
  })
  expect_s3_class(shown$value, "em_gradient")
})

test_that("plot draws, returns its argument invisibly, and takes graphical parameters", {
  grDevices::pdf(NULL)
  on.exit(grDevices::dev.off())
  for (g in list(em_gradient(free), em_gradient(half), em_gradient(emix(heights$height, k = 1)),
    em_gradient(emix(1:9, k = 1), grid = 3))) {
    shown <- withVisible(plot(g))
    expect_false(shown$visible)
    expect_identical(shown$value, g)
  }
  expect_no_error(plot(em_gradient(half), main = "D", xlab = "p", xlim = c(0.2, 0.9),
    cex.axis = 0.7))
})

test_that("errors: labels, a damaged fit, arguments out of range", {
  known <- emix(cbind(heads, tails) ~ 1, data = coins, family = "binomial", labels = coin)
  expect_input_error(em_gradient(known), "fit", "labels")
  for (bad in list(3, NULL, list(), "fit", faithful)) expect_object_error(em_gradient(bad))
  damaged <- free
  damaged$parameters <- NULL
  expect_object_error(em_gradient(damaged))
  for (bad in list(2, 0, -1, NA, "10", 1e6, 10.5, c(10, 20), NULL)) {
    expect_input_error(em_gradient(free, grid = bad), "grid")
  }
  one <- emix(faithful$waiting, k = 1)
  for (bad in list(0, -1, NA, "1", c(1, 2), Inf)) {
    expect_input_error(em_gradient(one, sd = bad), "sd")
  }
  expect_input_error(em_gradient(free, sd = 0.1), "sd")
})

# Functions of the parameters by the delta method, against exact derivatives.

test_that("a linear function has the standard error of its coefficients", {
  fit <- emix(faithful$waiting, k = 2)
  v <- vcov(fit)
  d <- em_contrast(fit, function(p) p$mean[2] - p$mean[1])
  a <- c(0, 0, -1, 1, 0, 0)
  expect_near(d$estimate, diff(fit$parameters$mean), 0)
  expect_near(d$std.error, sqrt(drop(a %*% v %*% a)), 1e-11)
  z <- qnorm(0.975)
  expect_near(d[["2.5 %"]], d$estimate - z * d$std.error, 1e-14)
  expect_near(d[["97.5 %"]], d$estimate + z * d$std.error, 1e-14)
  expect_identical(names(em_contrast(fit, function(p) p$sd, level = 0.9)), c("estimate", "std.error", "5 %", "95 %"))
})

test_that("the parameters themselves have the covariances of vcov()", {
  set.seed(95)
  x <- c(rnorm(60), rnorm(50, 5, 1.5), rnorm(40, 10))
  for (fit in list(emix(faithful$waiting, k = 2), emix(x, k = 3, equal = "sd"),
    emix(faithful$waiting, k = 2, prior = em_prior(prop = c(3, 2))),
    emix(x, k = 3, start = list(mean = c(0, 5, 10)), fixed = list(prop = c(NA, 0.3, NA), mean = c(0, NA, NA))),
    emix(cbind(heads, tails) ~ 1, data = coins, k = 2, family = "binomial"))) {
    for (type in c("observed", "sandwich")) {
      all <- em_contrast(fit, function(p) unlist(p), type = type)
      expected <- vcov(fit, type)
      expected[is.na(expected)] <- 0
      expect_identical(row.names(all), names(coef(fit)))
      expect_lt(max(abs(attr(all, "vcov") - expected)), 1e-9 * max(expected))
      expect_near(all$std.error, sqrt(diag(expected)), 1e-8)
    }
  }
})

test_that("functions that are not linear, against their gradient", {
  fit <- emix(faithful$waiting, k = 2)
  p <- fit$parameters
  v <- vcov(fit, complete = FALSE)
  check <- function(fun, gradient) {
    found <- em_contrast(fit, fun)
    expect_near(found$std.error / sqrt(drop(gradient %*% v %*% gradient)), 1, 1e-9)
  }
  check(function(p) sum(p$prop * p$mean), c(p$mean, p$prop, 0, 0))
  check(function(p) p$mean[1] * p$sd[2], c(0, 0, p$sd[2], 0, 0, p$mean[1]))
  check(function(p) exp(p$mean[2] / 10), c(0, 0, 0, exp(p$mean[2] / 10) / 10, 0, 0))
  check(function(p) qnorm(0.9, p$mean[1], p$sd[1]), c(0, 0, 1, 0, qnorm(0.9), 0))
  check(function(p) log(p$prop[1] / p$prop[2]), c(1 / p$prop[1], -1 / p$prop[2], 0, 0, 0, 0))
})

test_that("units and origin of the data", {
  x <- faithful$waiting
  gap <- function(p) p$mean[[2]] - p$mean[[1]]
  error <- em_contrast(emix(x, k = 2), gap)$std.error
  for (scale in c(1e-150, 1e12, 1e150)) expect_near(em_contrast(emix(x * scale, k = 2), gap)$std.error / scale, error, 1e-7)
  expect_warning(tiny <- em_contrast(emix(x * 1e-200, k = 2), gap), class = "emix_warning_range")
  expect_near(tiny$std.error / 1e-200, error, 1e-7)
  expect_near(em_contrast(emix(x + 1e10, k = 2), gap)$std.error, error, 1e-5)
})

test_that("a corner, or no number beside the estimates, is said", {
  fit <- emix(faithful$waiting, k = 2)
  m <- fit$parameters$mean[[1]]
  expect_warning(em_contrast(fit, function(p) abs(p$mean[1] - m)), class = "emix_warning_derivative")
  expect_warning(em_contrast(fit, function(p) max(p$mean[1], m)), class = "emix_warning_derivative")
  expect_warning(out <- em_contrast(fit, function(p) sqrt(min(p$mean[1] - m, m - p$mean[1]))), class = "emix_warning_derivative")
  expect_true(is.na(out$std.error))
  expect_warning(em_contrast(fit, function(p) c(p$sd[1], p$mean[1] > m) + 0), "number 2", class = "emix_warning_derivative")
  # Curved, but smooth: no warning.
  expect_no_warning(em_contrast(fit, function(p) (p$mean[1] - m)^2))
  expect_no_warning(em_contrast(fit, function(p) c(7, sum(p$prop), 0)))
})

test_that("what depends on a parameter on its boundary has no standard error", {
  s <- c(0, 0, 0, 5, 6, 5)
  fit <- emix(cbind(s, 10 - s), k = 2, family = "binomial")
  expect_warning(out <- em_contrast(fit, function(p) c(p$prob, diff(p$prob), p$prop[1])), class = "emix_warning_boundary")
  expect_identical(is.na(out$std.error), c(TRUE, FALSE, TRUE, FALSE))
  expect_identical(unname(is.na(diag(attr(out, "vcov")))), is.na(out$std.error))
})

test_that("without information, or where all is held", {
  flat <- emix(faithful$waiting, k = 2, equal = "mean")
  expect_warning(out <- em_contrast(flat, function(p) p$sd), class = "emix_warning_singular")
  expect_true(all(is.na(out$std.error)))
  held <- emix(faithful$waiting, k = 2, fixed = list(prop = c(0.4, 0.6), mean = c(55, 80), sd = c(6, 6)))
  expect_identical(em_contrast(held, function(p) diff(p$mean))$std.error, 0)
})

test_that("names of the numbers, and what is printed", {
  fit <- emix(faithful$waiting, k = 2)
  out <- em_contrast(fit, function(p) c(a = 1, p$mean[[1]], a = 2))
  expect_identical(row.names(out), c("a", "2", "a.1"))
  expect_s3_class(out, c("em_contrast", "data.frame"))
  expect_snapshot(cran = TRUE, print(em_contrast(fit, function(p) c(gap = p$mean[[2]] - p$mean[[1]]))))
  expect_input_error(print(out, digits = 0), "digits")
})

test_that("what cannot be is an error", {
  fit <- emix(faithful$waiting, k = 2)
  one <- function(p) p$mean[1]
  for (bad in list("mean", NULL, 1)) expect_input_error(em_contrast(fit, bad), "fun")
  for (bad in list(function(p) "a", function(p) NULL, function(p) numeric(), function(p) p, function(p) Sys.Date())) {
    expect_input_error(em_contrast(fit, bad), "fun")
  }
  m <- fit$parameters$mean[[1]]
  expect_input_error(em_contrast(fit, function(p) if (p$mean[1] == m) 1 else 1:2), "fun")
  expect_error(em_contrast(fit, function(p) stop("mine")), "mine")
  expect_input_error(em_contrast(fit, one, level = 2), "level")
  expect_input_error(em_contrast(fit, one, type = "x"), "type")
  expect_input_error(em_contrast(fit, one, bogus = 1), "bogus")
  expect_object_error(em_contrast(1, one))
  hard <- emix(faithful$waiting, k = 2, control = em_control(estep = "hard"))
  expect_input_error(em_contrast(hard, one), "fit", "hard E-step")
})

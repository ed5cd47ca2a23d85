# The location and scale of normal data are units: x -> a + b x moves means and standard
# deviations with it, adds -n log b to the log-likelihood, and changes no probability.

expect_equivalent <- function(moved, fit, scale = 1, shift = 0, within = 1e-9) {
  expect_equal(moved$converged, fit$converged)
  expect_near(moved$parameters$prop, fit$parameters$prop, within)
  expect_near(moved$parameters$sd / scale, fit$parameters$sd, within)
  # Numbers around a large shift are this coarse, reported means among them.
  rounding <- .Machine$double.eps * abs(shift)
  expect_near((moved$parameters$mean - shift) / scale, fit$parameters$mean, within + rounding)
  expect_near(moved$loglik + nobs(fit) * log(scale), fit$loglik, within)
  expect_near(predict(moved), predict(fit), within)
  expect_near(residuals(moved), residuals(fit), within + 4 * rounding / min(fit$parameters$sd))
  expect_equal(moved$df, fit$df)
}

# Multiples of 2^-10: sums with 1e12 are exact.
coarse <- round(faithful$eruptions * 2^10) / 2^10

test_that("multiplied by 1e-150 and 1e150, by powers of two and ten, the fit is equivalent", {
  x <- faithful$waiting
  for (equal in list(NULL, "sd", c("prop", "sd"))) {
    fit <- emix(x, k = 2, equal = equal)
    for (scale in c(1e-150, 1e-300, 1e-8, 2^-40, 1000, 1e150, 1e300)) {
      expect_equivalent(emix(x * scale, k = 2, equal = equal), fit, scale = scale)
    }
  }
})

test_that("shifted by 1e8 and by 1e12, the fit is equivalent", {
  for (equal in list(NULL, "sd")) {
    fit <- emix(coarse, k = 2, equal = equal)
    for (shift in c(1e8, -1e8, 1e12, -1e12, 2^30)) {
      moved <- emix(coarse + shift, k = 2, equal = equal)
      expect_equivalent(moved, fit, shift = shift, within = 2e-8)
    }
  }
})

test_that("shift and scale together, with a start in the data's units", {
  start <- list(mean = c(2, 4), sd = c(0.5, 0.5))
  fit <- emix(coarse, k = 2, start = start)
  for (scale in c(2^-400, 2^400)) {
    moved <- emix((coarse + 2^20) * scale, k = 2,
      start = list(mean = (start$mean + 2^20) * scale, sd = start$sd * scale))
    expect_equivalent(moved, fit, scale, 2^20 * scale, within = 1e-8)
  }
})

test_that("mirrored data give the mirrored fit", {
  fit <- emix(coarse, k = 2)
  mirrored <- emix(-coarse, k = 2)
  expect_near(mirrored$parameters$mean, -rev(fit$parameters$mean), 1e-9)
  expect_near(mirrored$parameters$sd, rev(fit$parameters$sd), 1e-9)
  expect_near(predict(mirrored), predict(fit)[, 2:1], 1e-8)
})

test_that("held parameters are in the data's units at any scale", {
  for (scale in c(1e-150, 1, 1e150)) {
    held <- c(54, NA) * scale
    fit <- emix(faithful$waiting * scale, k = 2, fixed = list(sd = c(6, NA) * scale))
    expect_identical(unname(fit$parameters$sd[1]), 6 * scale)
    fit <- emix(faithful$waiting * scale, k = 2, fixed = list(mean = held))
    expect_identical(unname(fit$parameters$mean[1]), held[1])
  }
  fit <- emix(coarse + 1e12, k = 2, fixed = list(sd = c(0.25, NA)))
  expect_identical(unname(fit$parameters$sd[1]), 0.25)
  fit <- emix(coarse + 1e12, k = 2, fixed = list(mean = c(1e12 + 2, NA)))
  expect_identical(unname(fit$parameters$mean[1]), 1e12 + 2)
})

test_that("successes and failures exchanged give the complement", {
  fit <- emix(coin_tosses, k = 2, family = "binomial")
  turned <- emix(coin_tosses[, 2:1], k = 2, family = "binomial")
  expect_near(turned$parameters$prob, 1 - rev(fit$parameters$prob), 1e-9)
  expect_near(turned$loglik, fit$loglik, 1e-10)
  expect_near(predict(turned), predict(fit)[, 2:1], 1e-8)
})

# log p_1 - log p_2 at x, by the formula; no exponential is taken.
log_odds <- function(x, prop, mean, sd) {
  z <- function(j) (x - mean[j]) / sd[j]
  log(prop[1] / prop[2]) - log(sd[1] / sd[2]) + (z(2) - z(1)) * (z(2) + z(1)) / 2
}

held_fit <- function(x, prop, mean, sd) {
  emix(x, k = 2, fixed = list(prop = prop, mean = mean, sd = sd))
}

test_that("a row 60 sd from every component has finite, right posteriors", {
  prop <- c(0.3, 0.7)
  for (case in list(
    list(mean = c(0, 0.2), sd = c(1, 1)), list(mean = c(0, 1), sd = c(1, 1)),
    list(mean = c(-1, 1), sd = c(1, 1.001)), list(mean = c(0, 5), sd = c(1, 2))
  )) {
    far <- c(-60, 60, case$mean + 60 * case$sd, case$mean - 60 * case$sd, 1e3, -1e5)
    fit <- held_fit(c(0, 1, far), prop, case$mean, case$sd)
    odds <- log_odds(far, prop, case$mean, case$sd)
    expect_near(predict(fit)[-(1:2), ], cbind(plogis(odds), plogis(-odds)), 1e-11)
    expect_near(predict(fit, far), cbind(plogis(odds), plogis(-odds)), 1e-11)
    small <- abs(odds) < 700
    expect_near(log(predict(fit, far)[small, ]), plogis(cbind(odds, -odds)[small, ], log.p = TRUE),
      1e-11)
  }
})

test_that("far rows keep the log-likelihood, log density and residuals finite and right", {
  fit <- held_fit(c(-60, 0, 1, 61), c(0.5, 0.5), c(0, 1), c(1, 1))
  rows <- vapply(c(-60, 0, 1, 61), function(x) {
    a <- dnorm(x, c(0, 1), 1, log = TRUE) + log(0.5)
    max(a) + log(sum(exp(a - max(a))))
  }, 0)
  expect_near(fit$loglik, sum(rows), 1e-14)
  expect_near(demix(c(-60, 0, 1, 61), fit, log = TRUE), rows, 1e-14)
  r <- residuals(fit)
  expect_true(all(is.finite(r)))
  # The tail is that of the nearer component, times 1/2.
  expect_near(r[1], qnorm(log(0.5) + pnorm(-60, log.p = TRUE), log.p = TRUE), 1e-10)
  expect_near(r[4], -r[1], 1e-10)
})

test_that("EM from a start far from all rows still moves to them", {
  fit <- emix(coarse, k = 2, start = list(mean = c(-1000, 1000), sd = c(500, 500)))
  expect_near(fit$loglik, emix(coarse, k = 2)$loglik, 1e-8)
})

test_that("integers are the doubles they are", {
  x <- as.integer(faithful$waiting)
  expect_identical(answer(emix(x, k = 2, equal = "sd")),
    answer(emix(as.double(x), k = 2, equal = "sd")))
  counts <- coin_tosses
  storage.mode(counts) <- "double"
  expect_identical(answer(emix(coin_tosses, k = 2, family = "binomial")),
    answer(emix(counts, k = 2, family = "binomial")))
})

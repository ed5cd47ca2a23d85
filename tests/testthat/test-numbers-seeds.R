# With no argument of the user's the best maximum, whatever the seed; and in how many walks over the
# rows. The numbers were computed independently of this package, in double precision (Galton 1886,
# Hanley 2004, R's faithful; Do & Batzoglou 2008).

# rows, arguments, log-likelihood and all parameters: prop, mean, sd, or prop, prob
references <- list(
  list(x = heights_class, args = list(equal = "sd"), loglik = -363.59654162,
    at = c(0.534875424951, 0.465124575049, 164.47335505, 177.987895642, 6.38738993953,
      6.38738993953)),
  list(x = heights_class, args = list(), loglik = -363.243053554,
    at = c(0.726042989555, 0.273957010445, 166.938007673, 180.886518502, 7.48846797954,
      4.99082712499)),
  list(x = heights_class, args = list(equal = c("sd", "prop")), loglik = -363.653969617,
    at = c(0.5, 0.5, 164.154631894, 177.581225287, 6.41722308674, 6.41722308674)),
  list(x = heights_class, args = list(equal = "prop"), loglik = -363.652565053,
    at = c(0.5, 0.5, 164.141512029, 177.561153139, 6.39136443667, 6.45050721512)),
  list(x = heights$height, args = list(equal = "sd"), loglik = -3369.79965303,
    at = c(0.546065966887, 0.453934033113, 163.315674617, 177.016242592, 6.00301256615,
      6.00301256615)),
  list(x = heights$height, args = list(), loglik = -3369.79619952,
    at = c(0.539906547077, 0.460093452923, 163.239274011, 176.922482591, 5.96773272995,
      6.04750876166)),
  list(x = heights$height, args = list(equal = c("sd", "prop")), loglik = -3371.02036429,
    at = c(0.5, 0.5, 162.924622786, 176.524550781, 6.02998535497, 6.02998535497)),
  list(x = heights$height, args = list(equal = "prop"), loglik = -3369.91388441,
    at = c(0.5, 0.5, 162.775320984, 176.335957513, 5.78393116158, 6.304708451)),
  list(x = faithful$waiting, args = list(), loglik = -1034.00174983161,
    at = c(0.36088607379, 0.63911392621, 54.61485614062, 80.09106940273, 5.87121941222,
      5.86773442371)),
  list(x = faithful$waiting, args = list(equal = "sd"), loglik = -1034.00176035783,
    at = c(0.360849442686, 0.639150557314, 54.613626336878, 80.090303624113, 5.869091397767,
      5.869091397767)),
  list(x = faithful$eruptions, args = list(), loglik = -276.360040495734,
    at = c(0.348404634015, 0.651595365985, 2.018607817063, 4.273343421192, 0.235621771457,
      0.437063146223)),
  list(x = coin_tosses, args = list(family = "binomial"), loglik = -9.7954189562,
    at = c(0.477248683103, 0.522751316897, 0.513916591214, 0.793367649613)),
  list(x = coin_tosses, args = list(family = "binomial", equal = "prop"), loglik = -9.796924292,
    at = c(0.5, 0.5, 0.519583120145, 0.796789066923))
)

name_reference <- function(r) {
  data <- switch(as.character(NROW(r$x)), "100" = "the class", "934" = "all heights", "5" = "coins",
    if (max(r$x) < 10) "eruptions" else "waiting")
  paste0(data, if (length(r$args$equal)) paste(", equal", paste(r$args$equal, collapse = ", ")))
}

for (r in references) {
  test_that(paste0("20 seeds, one answer: ", name_reference(r)), {
    for (seed in 1:20) {
      set.seed(seed)
      expect_no_warning(fit <- do.call(emix, c(list(r$x, k = 2), r$args)))
      expect_true(fit$converged)
      expect_near(fit$loglik, r$loglik, 1e-9)
      expect_near(coef(fit), r$at, 5e-10)
      expect_false(fit$convergence$spurious)
      expect_identical(fit$convergence$boundary, character())
    }
  })
}

# From the first start alone: rows cut into groups of equal size.
walks <- function(...) {
  fit <- emix(..., k = 2, control = em_control(starts = 1, tol = 1e-10))
  expect_true(fit$converged)
  expect_lte(fit$convergence$gain, 1e-10)
  expect_equal(nrow(fit$starts), 1)
  fit$convergence$evaluations
}

test_that("walks over the rows to a decrement of 1e-10, all counted", {
  expect_lte(walks(heights$height), 60)
  expect_lte(walks(heights_class), 60)
  expect_lte(walks(coin_tosses, family = "binomial"), 15)
})

test_that("each of the references in a few walks, where plain EM needs hundreds", {
  for (r in references) {
    count <- do.call(walks, c(list(r$x), r$args))
    expect_lte(count, 60)
  }
  plain <- emix(heights$height, k = 2, control = em_control(starts = 1, tol = 1e-10,
    accelerate = FALSE))
  expect_gt(plain$convergence$evaluations, 500)
})

test_that("coins of one half each: the saddle is left", {
  for (equal in list(NULL, "prop")) {
    expect_warning(
      fit <- emix(coin_tosses, k = 2, family = "binomial", equal = equal,
        start = list(prob = c(0.5, 0.5))),
      class = "emix_warning_start")
    expect_near(fit$loglik, if (is.null(equal)) -9.7954189562 else -9.796924292, 1e-9)
  }
})

test_that("standard errors of the coins, from the oracle's Hessian at the fit", {
  # At 0.796789 and 0.519583: 0.101499 and 0.130769, by the inverse observed information.
  fit <- emix(coin_tosses, k = 2, family = "binomial", equal = "prop")
  top <- oracle_top(fit, coin_tosses, oracle_binomial, equal = "prop")
  p <- unname(fit$parameters$prob)
  se <- sqrt(diag(solve(-top$hessian))) * p * (1 - p)
  expect_near(se, c(0.130769, 0.101499), 2e-6)
  free <- emix(coin_tosses, k = 2, family = "binomial")
  top <- oracle_top(free, coin_tosses, oracle_binomial)
  p <- c(free$parameters$prop[2], free$parameters$prob)
  expect_near(sqrt(diag(solve(-top$hessian))) * p * (1 - p), c(0.410209, 0.165936, 0.119250), 2e-6)
})

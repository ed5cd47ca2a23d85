# What fit$convergence says of the maximum, and whether it is true.

test_that("the certificate has its elements", {
  fit <- emix(faithful$waiting, k = 2)
  certificate <- fit$convergence
  expect_true(all(c("gain", "flat", "evaluations", "tol", "boundary", "spurious") %in%
    names(certificate)))
  expect_true(is.double(certificate$gain) && length(certificate$gain) == 1)
  expect_gte(certificate$gain, 0)
  expect_identical(certificate$flat, FALSE)
  expect_identical(certificate$boundary, character())
  expect_identical(certificate$spurious, FALSE)
  expect_equal(certificate$tol, 1e-8)
  loose <- emix(faithful$waiting, k = 2, control = em_control(tol = 1e-4))
  expect_equal(loose$convergence$tol, 1e-4)
})

test_that("one run: every walk over the rows is counted, the first and the refused ones too", {
  fit <- emix(heights_class, k = 2, start = list(mean = c(165, 178)),
    control = em_control(trace = TRUE))
  expect_gte(fit$convergence$evaluations, fit$iterations + 1)
  expect_lte(fit$convergence$evaluations, 2 * fit$iterations + 1)
  plain <- emix(heights_class, k = 2, equal = "sd", start = list(mean = c(165, 178)),
    control = em_control(accelerate = FALSE))
  # The last one is for the certificate.
  expect_equal(plain$convergence$evaluations, plain$iterations + 2)
  expect_identical(fit$starts$evaluations, fit$convergence$evaluations)
})

test_that("the gain is nearly what is missing, at any tolerance", {
  start <- list(mean = c(165, 178), sd = c(8, 4))
  best <- emix(heights_class, k = 2, start = start, control = em_control(tol = 1e-12))
  for (accelerate in c(TRUE, FALSE)) {
    for (tol in c(1e-2, 1e-4, 1e-6, 1e-8)) {
      fit <- emix(heights_class, k = 2, start = start,
        control = em_control(tol = tol, accelerate = accelerate))
      expect_true(fit$converged)
      expect_lte(fit$convergence$gain, tol)
      missing <- best$loglik - fit$loglik
      if (missing > 1e-9) expect_near(fit$convergence$gain / missing, 1, 0.2)
    }
  }
})

test_that("a start near the maximum ends as near as any other", {
  best <- c(0.726042989555, 0.273957010445, 166.938007673, 180.886518502, 7.48846797954,
    4.99082712499)
  for (off in c(1e-2, 1e-3, 1e-4, 1e-5)) {
    start <- list(prop = c(0.726, 0.274), mean = best[3:4] + off, sd = best[5:6])
    fit <- emix(heights_class, k = 2, start = start)
    expect_true(fit$converged)
    expect_near(coef(fit), best, 1e-7)
    prob <- c(0.796789066923 + off / 10, 0.519583120145 - off / 10)
    fit <- emix(coin_tosses, k = 2, family = "binomial", equal = "prop", start = list(prob = prob))
    expect_near(fit$parameters$prob, c(0.796789066923, 0.519583120145), 1e-7)
  }
  fit <- emix(heights_class, k = 2)
  expect_near(coef(update(fit)), coef(fit), 1e-9)
  again <- update(fit, start = lapply(fit$parameters, unname))
  expect_near(coef(again), coef(fit), 1e-9)
})

test_that("max_iter reached: a warning, the gain, and a word in print", {
  for (accelerate in c(TRUE, FALSE)) {
    control <- em_control(max_iter = 4, accelerate = accelerate)
    expect_warning(
      fit <- emix(heights_class, k = 2, start = list(mean = c(165, 178)), control = control),
      class = "emix_warning_iterations")
    expect_false(fit$converged)
    expect_equal(fit$iterations, 4)
    expect_gt(fit$convergence$gain, 1e-8)
    expect_output(print(fit), "NOT converged after 4 iterations")
  }
  expect_s3_class(tryCatch(emix(heights_class, k = 2, control = em_control(max_iter = 1)),
    warning = identity), c("emix_warning_iterations", "emix_warning"), exact = FALSE)
  # To evaluate a start is no failure to converge.
  expect_no_warning(emix(heights_class, k = 2, start = list(mean = c(165, 178)),
    control = em_control(max_iter = 0)))
})

test_that("a fit that has not converged is told so, and nothing of its components", {
  classes <- character()
  withCallingHandlers(
    emix(c(rnorm(30), 5, 5.01), k = 2, start = list(mean = c(0, 5), sd = c(1, 0.1)),
      control = em_control(max_iter = 1)),
    warning = function(w) {
      classes <<- c(classes, class(w)[1])
      invokeRestart("muffleWarning")
    })
  expect_identical(classes, "emix_warning_iterations")
})

test_that("print says how near", {
  fit <- emix(faithful$waiting, k = 2)
  expect_output(print(fit), "converged: log-likelihood within [0-9e.-]+ of this maximum")
  expect_output(print(summary(fit)), "of this maximum")
  map <- emix(faithful$waiting, k = 2, prior = em_prior())
  expect_output(print(map), "log posterior within")
})

# Rows of no success at all, and others around 1/2.
failures <- cbind(c(0, 0, 0, 5, 6, 5, 4, 7, 6), 10 - c(0, 0, 0, 5, 6, 5, 4, 7, 6))

test_that("a probability of 0, and of 1, is a maximum on the boundary and named", {
  fit <- emix(failures, k = 2, family = "binomial")
  expect_true(fit$converged)
  expect_identical(unname(fit$parameters$prob[1]), 0)
  expect_identical(fit$convergence$boundary, "prob.1 = 0")
  expect_output(print(fit), "on the boundary: prob.1 = 0", fixed = TRUE)
  # The other coordinates are those of an interior maximum, and inwards it falls.
  top <- oracle_top(fit, failures, oracle_binomial)
  expect_length(top$gradient, 2)
  expect_lt(max(abs(top$gradient)), 1e-7)
  inside <- lapply(fit$parameters, unname)
  inside$prob[1] <- 1e-6
  expect_lt(oracle_loglik(failures, inside, oracle_binomial), fit$loglik)
  turned <- emix(failures[, 2:1], k = 2, family = "binomial")
  expect_identical(unname(turned$parameters$prob[2]), 1)
  expect_identical(turned$convergence$boundary, "prob.2 = 1")
  expect_near(turned$loglik, fit$loglik, 1e-12)
})

test_that("a boundary value that the user holds is no finding", {
  fit <- emix(failures, k = 2, family = "binomial", fixed = list(prob = c(0, NA)))
  expect_identical(fit$convergence$boundary, character())
  one <- emix(cbind(c(3, 4), 0), k = 1, family = "binomial")
  expect_identical(one$convergence$boundary, "prob.1 = 1")
})

test_that("which values are a boundary is the family's word, whatever the block is called", {
  counts <- emix:::family_of("normal") # a family of means that are not negative
  counts$legal <- function(block, value) list(ok = value >= 0 & value < Inf, expected = "not negative")
  counts$blocks <- "mean"
  spec <- list(family = counts, k = 3L, held = list(prop = logical(3), mean = c(FALSE, FALSE, TRUE)))
  parameters <- list(prop = c(a = 0.5, b = 0.5, c = 0), mean = c(a = 0, b = 1e-300, c = 0))
  expect_identical(emix:::on_boundary(parameters, spec), c("prop.c = 0", "mean.a = 0"))
  # A normal mean of zero is none.
  expect_identical(emix(c(-1, 0, 1), k = 1)$convergence$boundary, character())
})

test_that("names of components are used for what is on the boundary", {
  fit <- emix(failures, k = 2, family = "binomial", start = list(prob = c(low = 0.1, high = 0.6)))
  expect_identical(fit$convergence$boundary, "prob.low = 0")
})

test_that("a proportion of 0: a component held where no row is", {
  near_zero <- qnorm(ppoints(50))
  for (far in c(4, 6, 10, 30)) {
    fit <- emix(near_zero, k = 2, fixed = list(mean = c(0, far), sd = c(1, 1)))
    expect_true(fit$converged)
    expect_identical(unname(fit$parameters$prop), c(1, 0))
    expect_identical(fit$convergence$boundary, "prop.2 = 0")
    expect_near(fit$loglik, sum(dnorm(near_zero, log = TRUE)), 1e-13)
  }
  x <- cbind(c(5, 6, 4, 5, 7), 5)
  fit <- emix(x, k = 2, family = "binomial", fixed = list(prob = c(0.01, NA)))
  expect_identical(unname(fit$parameters$prop), c(0, 1))
  expect_identical(fit$convergence$boundary, "prop.1 = 0")
  expect_near(fit$parameters$prob[2], 27 / 52, 1e-12)
  expect_output(print(fit), "on the boundary: prop.1 = 0", fixed = TRUE)
})

test_that("an empty component does not break anything that is asked of the fit", {
  fit <- emix(qnorm(ppoints(50)), k = 2, fixed = list(mean = c(0, 6), sd = c(1, 1)))
  expect_near(predict(fit), rep(1:0, each = 50), 1e-12)
  expect_output(print(summary(fit)), "expected")
  expect_true(all(is.finite(residuals(fit))))
  expect_equal(fit$df, 1)
  expect_no_error(update(fit, equal = "sd"))
})

# From a start EM need not reach a boundary that a proposal would jump onto: D(t) tells.
test_that("a proportion is 0 only where the component would not grow, wherever it went", {
  set.seed(3)
  s <- rbinom(60, 10, rep(c(0.25, 0.55), 30))
  x <- cbind(s, 10 - s)
  for (prop in c(1e-2, 1e-3, 1e-4, 1e-6)) {
    for (prob in c(0.01, 0.8, 0.95, 0.99)) {
      fit <- emix(x, k = 2, family = "binomial",
        start = list(prop = c(1 - prop, prop), prob = c(0.4, prob)))
      expect_near(fit$loglik, -126.890121585, 1e-9)
      expect_identical(fit$convergence$boundary, character())
    }
  }
})

# How fast the log-likelihood rises from the boundary inwards: an empty component may be anywhere.
slope_inwards <- function(fit, x) {
  parameters <- lapply(fit$parameters, unname)
  rise <- function(block, j, by) {
    inside <- parameters
    inside[[block]][j] <- abs(inside[[block]][j] - by)
    inside$prop <- inside$prop / sum(inside$prop)
    (oracle_loglik(x, inside, oracle_binomial) - fit$loglik) / by
  }
  density <- exp(oracle_log_sum(oracle_joint(x, parameters, oracle_binomial)))
  D <- function(t) sum(dbinom(x[, 1], rowSums(x), t) / density) - nrow(x)
  slopes <- numeric()
  for (j in seq_len(fit$k)) {
    if (parameters$prop[j] == 0) slopes <- c(slopes, vapply(seq(0, 1, 0.02), D, 0))
    if (parameters$prop[j] > 0 && parameters$prob[j] %in% 0:1) {
      slopes <- c(slopes, rise("prob", j, 1e-7))
    }
  }
  max(slopes)
}

test_that("on the boundary nothing is to be gained inwards, from random starts", {
  slopes <- numeric()
  for (seed in 1:80) {
    set.seed(seed)
    k <- sample(2:3, 1)
    n <- sample(8:40, 1)
    s <- rbinom(n, 10, sample(c(0.02, 0.1, 0.3, 0.6, 0.98), n, TRUE))
    x <- cbind(s, 10 - s)
    prop <- rexp(k)^2
    start <- list(prop = prop / sum(prop), prob = plogis(rnorm(k, sd = 2)))
    fit <- emix(x, k = k, family = "binomial", start = start)
    if (length(fit$convergence$boundary)) slopes <- c(slopes, slope_inwards(fit, x))
  }
  expect_gt(length(slopes), 10)
  expect_equal(sum(slopes > 1e-4), 0)
})

test_that("components that coincide: flat, converged, and said so", {
  under <- cbind(c(5, 5, 5, 4, 6, 5), c(5, 5, 5, 6, 4, 5))
  for (equal in list(NULL, "prop")) {
    fit <- emix(under, k = 2, family = "binomial", equal = equal)
    expect_true(fit$converged)
    expect_near(fit$loglik, emix(under, k = 1, family = "binomial")$loglik, 1e-10)
    near <- abs(diff(fit$parameters$prob)) < 1e-3
    if (near) expect_true(fit$convergence$flat)
    if (near) expect_output(print(fit), "components coincide")
  }
  set.seed(55)
  x <- qunif(ppoints(60))
  same <- emix(x, k = 3, equal = "mean", start = list(mean = rep(0.5, 3), sd = c(0.2, 0.3, 0.4)))
  expect_near(same$loglik, emix(x, k = 1)$loglik, 1e-10)
  expect_near(same$parameters$sd, rep(same$parameters$sd[1], 3), 1e-3)
  expect_true(same$convergence$flat)
})

test_that("a start at a saddle is left: nearly equal components, and quite equal ones", {
  for (apart in c(1e-3, 1e-6, 1e-9, 1e-12)) {
    fit <- emix(coin_tosses, k = 2, family = "binomial", equal = "prop",
      start = list(prob = c(0.66 - apart, 0.66 + apart)))
    expect_near(fit$loglik, -9.796924292, 1e-9)
    free <- emix(coin_tosses, k = 2, family = "binomial",
      start = list(prob = c(0.66 - apart, 0.66 + apart)))
    expect_near(free$loglik, -9.7954189562, 1e-9)
    own <- emix(faithful$waiting, k = 2, start = list(mean = 70.897 + c(-1, 1) * apart,
      sd = c(13.5, 13.5)))
    expect_near(own$loglik, -1034.00174983161, 1e-9)
  }
})

test_that("a saddle whose curvature is zero is left too, or it is said that components coincide", {
  whole <- emix(heights$height, k = 1)$parameters
  for (apart in c(0.5, 0.1, 1e-2, 1e-4, 1e-8)) {
    fit <- emix(heights$height, k = 2, equal = "sd",
      start = list(mean = whole$mean + c(-1, 1) * apart, sd = rep(whole$sd, 2)))
    best <- fit$loglik > -3369.79965303 - 1e-6
    expect(best || fit$convergence$flat,
      sprintf("%.10g apart: %.4f, and not flat", apart, fit$loglik))
  }
  # Among the maxima of many starts there is no such place, or it is marked.
  set.seed(1)
  maxima <- emix(heights$height, k = 2, equal = "sd")$maxima
  expect_true(all(maxima$loglik > -3386 | maxima$spurious))
})

test_that("nothing free: converged at once", {
  held <- list(prop = c(0.3, 0.7), mean = c(54, 80), sd = c(6, 6))
  fit <- emix(faithful$waiting, k = 2, fixed = held)
  expect_true(fit$converged)
  expect_equal(fit$convergence$gain, 0)
  expect_false(fit$convergence$flat)
})

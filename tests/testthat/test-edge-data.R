# Data that are unusual and nevertheless fits, as documented.

test_that("binomial rows of zero trials do not influence the fit", {
  rows <- rbind(c(0, 0), coin_tosses, c(0, 0))
  a <- emix(rows, k = 2, family = "binomial", start = list(prob = c(0.5, 0.6)))
  b <- emix(coin_tosses, k = 2, family = "binomial", start = list(prob = c(0.5, 0.6)))
  expect_near(a$parameters$prob, b$parameters$prob, 1e-8)
  expect_near(a$parameters$prop, b$parameters$prop, 1e-7)
  expect_near(a$loglik, b$loglik, 1e-8)
  expect_near(predict(a)[1, ], a$parameters$prop, 1e-12)
  expect_near(fitted(a)[1], 0, 0)
  expect_near(predict(a, type = "density")[1], 1, 1e-15)
  expect_near(predict(a, type = "cdf")[7], 1, 1e-15)
})

test_that("all successes, all failures", {
  for (k in 1:2) {
    all <- emix(cbind(c(5, 9, 3), 0), k = k, family = "binomial")
    expect_near(all$parameters$prob, rep(1, k), 1e-6)
    expect_near(all$loglik, 0, 1e-6)
    none <- emix(cbind(0, c(5, 9, 3)), k = k, family = "binomial")
    expect_near(none$parameters$prob, rep(0, k), 1e-6)
    expect_near(none$loglik, 0, 1e-6)
  }
  one <- emix(cbind(c(5, 9, 3), 0), k = 1, family = "binomial")
  expect_identical(unname(one$parameters$prob), 1)
  expect_identical(one$loglik, 0)
})

test_that("components at 0 and 1, rows of successes only and of failures only", {
  fit <- emix(cbind(c(10, 10, 0, 0, 0), c(0, 0, 10, 10, 10)), k = 2, family = "binomial")
  expect_near(fit$parameters$prob, c(0, 1), 1e-8)
  expect_near(fit$parameters$prop, c(0.6, 0.4), 1e-8)
  expect_near(fit$loglik, 3 * log(0.6) + 2 * log(0.4), 1e-8)
  held <- emix(cbind(c(10, 10, 0, 0, 5), c(0, 0, 10, 10, 5)), k = 3, family = "binomial",
    fixed = list(prob = c(0, NA, 1)))
  expect_near(held$parameters$prob, c(0, 0.5, 1), 1e-8)
  expect_identical(unname(held$parameters$prob[c(1, 3)]), c(0, 1))
  # The middle component gives ten of ten a probability of 2^-10.
  middle <- held$parameters$prop[2] / 2^10
  ends <- held$parameters$prop[c(3, 1)]
  expect_near(predict(held)[c(1, 3), 2], middle / (middle + ends), 1e-12)
  expect_identical(unname(predict(held)[5, ]), c(0, 1, 0))
})

test_that("numbers of trials up to 1e15", {
  for (size in c(1e3, 2^13, 1e6, 1e9, 1e12, 1e15)) {
    s <- round(size * c(0.2, 0.2, 0.7, 0.7, 0.7))
    fit <- emix(cbind(s, size - s), k = 2, family = "binomial")
    expect_near(fit$parameters$prob, s[c(1, 3)] / size, 1e-9)
    expect_near(fit$parameters$prop, c(0.4, 0.6), 1e-9)
    density <- c(0.4, 0.4, 0.6, 0.6, 0.6) * dbinom(s, size, s / size)
    expect_near(fit$loglik, sum(log(density)), 1e-8)
    expect_near(predict(fit), cbind(rep(1:0, 2:3), rep(0:1, 2:3)), 1e-9)
  }
})

test_that("close probabilities in many trials are told apart", {
  # 20 standard deviations apart, and each row two from its own.
  size <- 1e12
  s <- round(size / 2 + c(-2, 0, 2, 18, 20, 22) * sqrt(size) / 2)
  fit <- emix(s, k = 2, family = mix_binomial(size = size))
  prob <- c(mean(s[1:3]), mean(s[4:6])) / size
  expect_near(fit$parameters$prob, prob, 1e-12)
  density <- log(0.5) + dbinom(s, size, rep(prob, each = 3), log = TRUE)
  expect_near(fit$loglik, sum(density), 1e-6)
})

test_that("sizes may differ by row and be given in three ways", {
  size <- c(10, 12, 9, 20, 11)
  s <- c(5, 9, 8, 4, 7)
  a <- emix(s, k = 2, family = mix_binomial(size = size))
  b <- emix(cbind(s, size - s), k = 2, family = "binomial")
  c <- emix(data.frame(s, f = size - s), k = 2, family = "binomial")
  d <- emix(matrix(s), k = 2, family = mix_binomial(size = size))
  for (other in list(b, c, d)) expect_identical(answer(other), answer(a))
  expect_near(fitted(a), predict(a) %*% a$parameters$prob * size, 1e-13)
})

test_that("vectors, columns and data frames of one column are the same rows", {
  x <- faithful$waiting
  a <- answer(emix(x, k = 2, equal = "sd"))
  expect_identical(answer(emix(matrix(x), k = 2, equal = "sd")), a)
  expect_identical(answer(emix(data.frame(x), k = 2, equal = "sd")), a)
  expect_identical(answer(emix(faithful["waiting"], k = 2, equal = "sd")), a)
  expect_identical(answer(emix(array(x, 272), k = 2, equal = "sd")), a)
  expect_identical(answer(emix(setNames(x, seq_along(x)), k = 2, equal = "sd")), a)
  expect_identical(answer(emix(ts(x), k = 2, equal = "sd")), a)
})

test_that("as many components as rows or distinct values need not stop a fit", {
  fit <- emix(c(1, 2, 7, 8), k = 2, weights = c(10, 20, 20, 10), equal = "sd")
  expect_near(fit$parameters$mean, c(5 / 3, 22 / 3), 1e-4)
  expect_near(fit$parameters$prop, c(0.5, 0.5), 1e-8)
  fit <- emix(1:3, k = 3, fixed = list(sd = c(0.1, 0.1, 0.1)))
  expect_near(fit$parameters$mean, 1:3, 1e-6)
})

test_that("one row", {
  fit <- emix(7, k = 1, fixed = list(sd = 2))
  expect_near(fit$parameters$mean, 7, 1e-15)
  fit <- emix(cbind(3, 1), k = 1, family = "binomial")
  expect_near(fit$parameters$prob, 0.75, 1e-15)
  expect_near(fit$loglik, dbinom(3, 4, 0.75, log = TRUE), 1e-14)
})

test_that("weights of any size", {
  x <- faithful$waiting
  fit <- emix(x, k = 2, equal = "sd")
  for (scale in c(1e-200, 1e-12, 1e12, 1e200)) {
    heavy <- emix(x, k = 2, equal = "sd", weights = rep(scale, 272))
    expect_near(coef(heavy), coef(fit), 1e-7)
    expect_near(heavy$loglik / scale, fit$loglik, 1e-9)
    expect_near(nobs(heavy) / scale, 272, 1e-12)
  }
})

test_that("a start that collapses is dropped; the best interior maximum wins", {
  # Five equal rows: a component that shrinks onto them has an unbounded likelihood.
  set.seed(5)
  x <- c(rep(0.5, 5), round(rnorm(60), 3), round(rnorm(60, 6), 3))
  fit <- emix(x, k = 2)
  expect_true(fit$converged)
  expect_gt(min(fit$parameters$sd), 0.5)
  expect_true(all(fit$starts$outcome %in% c("converged", "collapsed", "stopped early")))
  error <- expect_error(
    emix(x, k = 2, start = list(mean = c(0.5, 3), sd = c(1e-6, 3))),
    class = "emix_error_degenerate"
  )
  expect_match(conditionMessage(error), "equal = \"sd\"", fixed = TRUE)
})

test_that("many components", {
  set.seed(6)
  x <- round(rep(seq(0, 110, 10), each = 30) + rnorm(360), 2)
  fit <- emix(x, k = 12, equal = "sd", start = list(mean = seq(0, 110, 10)))
  expect_near(fit$parameters$mean, seq(0, 110, 10), 0.5)
  expect_equal(fit$df, 11 + 12 + 1)
  expect_false(is.unsorted(fit$parameters$mean))
})

test_that("rows beyond one tile and one lane", {
  set.seed(7)
  for (n in c(255, 256, 257, 512, 1023, 1025, 2049, 70001)) {
    x <- rnorm(n, c(0, 5))
    start <- list(prop = c(0.5, 0.5), mean = c(0, 5), sd = c(1, 1))
    fit <- emix_steps(x, 2, k = 2, start = start, control = list(condense = "none"))
    oracle <- oracle_em(x, oracle_normal, start, 2)
    expect_near(fit$parameters, oracle$parameters, 1e-11)
    expect_near(fit$loglik, oracle$loglik, 1e-12)
  }
})

test_that("more rows than the starts are tried on: the maximum is still that of all rows", {
  set.seed(8)
  x <- c(rnorm(7000), rnorm(5000, 5, 2))
  w <- rep(c(1, 2, 0.5), length.out = 12000)
  labels <- replace(rep(NA, 12000), c(5, 7001), 1:2)
  start <- list(mean = c(0, 5), sd = c(1, 2))
  for (given in list(list(), list(weights = w), list(labels = labels))) {
    many <- do.call(emix, c(list(x, k = 2), given))
    one <- do.call(emix, c(list(x, k = 2, start = start), given))
    expect_true(many$converged)
    expect_near(many$loglik, one$loglik, 1e-9)
    expect_near(coef(many), coef(one), 1e-5)
  }
  size <- 1e5 + seq_len(11000)
  s <- rbinom(11000, size, rep(c(0.2, 0.21), 5500))
  counts <- emix(cbind(s, size - s), k = 2, family = "binomial")
  expect_near(counts$parameters$prob, c(0.2, 0.21), 1e-4)
})

test_that("many rows, of which five hundred are equal: no fit on these alone", {
  set.seed(9)
  x <- c(rnorm(7000), rnorm(5000, 7), rep(0.25, 500))
  fit <- emix(x, k = 2, control = em_control(starts = 8))
  expect_true(fit$converged)
  expect_near(fit$parameters$sd, c(1, 1), 0.05)
})

test_that("a start that cannot be held in doubles at the data's scale is a named error", {
  expect_error(
    emix(faithful$waiting * 1e-150, k = 2, start = list(mean = c(50e-150, 1e300))),
    class = "emix_error"
  )
})

test_that("progress shows nothing in short runs", {
  expect_silent(emix(faithful$waiting, k = 2, control = em_control(progress = TRUE)))
})

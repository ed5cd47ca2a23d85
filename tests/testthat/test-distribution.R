# demix, pemix, qemix, remix: against naive formulas, and against base R at k = 1.

people <- list(prop = c(0.4, 0.6), mean = c(164, 177), sd = c(6, 6.5))
tosses <- list(prop = c(0.3, 0.7), prob = c(0.8, 0.45))
one <- list(prop = 1, mean = 2, sd = 3)
one_coin <- list(prop = 1, prob = 0.3)

test_that("the density is the weighted sum of the components'", {
  x <- seq(120, 220, 0.5)
  naive <- 0.4 * dnorm(x, 164, 6) + 0.6 * dnorm(x, 177, 6.5)
  expect_near(demix(x, people), naive, 1e-16)
  expect_near(demix(x, people, log = TRUE), log(naive), 1e-13)
  s <- 0:10
  naive <- 0.3 * dbinom(s, 10, 0.8) + 0.7 * dbinom(s, 10, 0.45)
  expect_near(demix(s, tosses, size = 10), naive, 1e-16)
  expect_near(sum(demix(s, tosses, size = 10)), 1, 1e-15)
  expect_near(integrate(demix, 80, 260, mixture = people, rel.tol = 1e-10)$value, 1, 1e-9)
})

test_that("the distribution function is the weighted sum of the components'", {
  q <- seq(120, 220, 0.5)
  upper <- 0.4 * pnorm(q, 164, 6, FALSE) + 0.6 * pnorm(q, 177, 6.5, FALSE)
  lower <- 0.4 * pnorm(q, 164, 6) + 0.6 * pnorm(q, 177, 6.5)
  expect_near(pemix(q, people), lower, 1e-15)
  expect_near(pemix(q, people, lower.tail = FALSE), upper, 1e-15)
  expect_near(pemix(q, people, log.p = TRUE), log(lower), 1e-12)
  expect_near(pemix(q, people, lower.tail = FALSE, log.p = TRUE), log(upper), 1e-12)
  s <- -1:11
  naive <- 0.3 * pbinom(s, 10, 0.8) + 0.7 * pbinom(s, 10, 0.45)
  expect_near(pemix(s, tosses, size = 10), naive, 1e-15)
  expect_near(pemix(s, tosses, 10, FALSE), 1 - naive, 1e-15)
})

test_that("the quantile is the smallest value whose probability is reached", {
  p <- c(1e-10, 0.001, seq(0.05, 0.95, 0.05), 0.999, 1 - 1e-10)
  expect_near(pemix(qemix(p, people), people), p, 1e-13)
  expect_near(qemix(pemix(c(150, 170, 200), people), people), c(150, 170, 200), 1e-11)
  p <- c(0, 0.01, 0.2, 0.5, 0.77, 0.999, 1)
  cdf <- pemix(0:10, tosses, size = 10)
  reached <- vapply(p, function(level) which(cdf >= level - 1e-12)[1] - 1, 0)
  expect_near(qemix(p, tosses, size = 10), reached, 0)
  expect_near(qemix(cdf, tosses, size = 10), 0:10, 0)
  expect_identical(qemix(c(0, 1), people), c(-Inf, Inf))
})

test_that("the quantile reads lower.tail and log.p, in far tails too", {
  p <- c(0.9, 0.5, 1e-3, 1e-12, 1e-20, 1e-100, 1e-300)
  for (mixture in list(people, one)) {
    expect_near(log(pemix(qemix(p, mixture), mixture)), log(p), 1e-12)
    q <- qemix(p, mixture, lower.tail = FALSE)
    expect_near(pemix(q, mixture, lower.tail = FALSE, log.p = TRUE), log(p), 1e-12)
    expect_near(qemix(log(p), mixture, log.p = TRUE), qemix(p, mixture), 1e-12)
    expect_near(qemix(log(p), mixture, lower.tail = FALSE, log.p = TRUE), q, 1e-12)
  }
  far <- c(-1000, -1e4, -1e5)
  expect_near(qemix(far, one, log.p = TRUE), qnorm(far, 2, 3, log.p = TRUE), 1e-10)
  expect_near(qemix(far, one, lower.tail = FALSE, log.p = TRUE),
    qnorm(far, 2, 3, FALSE, TRUE), 1e-10)
})

test_that("one component is base R's distribution", {
  x <- c(-40, -3, 0, 2, 7.7, 50, -Inf, Inf)
  p <- c(0, 1e-15, 0.01, 0.5, 0.99, 1)
  expect_near(demix(x, one), dnorm(x, 2, 3), 1e-15)
  expect_near(demix(x, one, log = TRUE), dnorm(x, 2, 3, log = TRUE), 1e-14)
  s <- 0:20
  expect_near(demix(s, one_coin, 20), dbinom(s, 20, 0.3), 1e-15)
  expect_near(demix(s, one_coin, 20, log = TRUE), dbinom(s, 20, 0.3, log = TRUE), 1e-14)
  for (lower in c(TRUE, FALSE)) {
    for (log in c(TRUE, FALSE)) {
      expect_near(pemix(x, one, NULL, lower, log), pnorm(x, 2, 3, lower, log), 1e-14)
      expect_near(pemix(s, one_coin, 20, lower, log), pbinom(s, 20, 0.3, lower, log), 1e-13)
      given <- if (log) log(p) else p
      expect_near(qemix(given, one, NULL, lower, log), qnorm(given, 2, 3, lower, log), 1e-12)
      expect_near(qemix(given, one_coin, 20, lower, log), qbinom(given, 20, 0.3, lower, log), 0)
    }
  }
})

test_that("far tails keep their digits", {
  expect_near(demix(1000, people, log = TRUE), log(0.6) + dnorm(1000, 177, 6.5, log = TRUE), 1e-14)
  expect_near(pemix(600, people, lower.tail = FALSE, log.p = TRUE),
    log(0.6) + pnorm(600, 177, 6.5, FALSE, TRUE), 1e-13)
  expect_near(demix(5000, tosses, size = 5000, log = TRUE), log(0.3) + 5000 * log(0.8), 1e-13)
})

test_that("a component of proportion zero does nothing", {
  idle <- list(prop = c(0, 1), mean = c(-50, 2), sd = c(1, 3))
  expect_near(demix(c(-50, 1), idle), demix(c(-50, 1), one), 1e-16)
  expect_near(pemix(c(-50, 1), idle), pemix(c(-50, 1), one), 1e-16)
  expect_near(qemix(c(0.001, 0.5), idle), qemix(c(0.001, 0.5), one), 1e-12)
  set.seed(1)
  expect_gt(min(remix(1000, idle)), -30)
})

test_that("NA gives NA, nothing gives nothing, integers are numbers", {
  expect_identical(is.na(demix(c(1, NA, NaN), one)), c(FALSE, TRUE, TRUE))
  expect_identical(is.na(pemix(c(NA, 1), one)), c(TRUE, FALSE))
  expect_identical(is.na(qemix(c(NA, 0.5), one)), c(TRUE, FALSE))
  expect_true(is.na(demix(NA, one)))
  expect_identical(demix(numeric(), one), numeric())
  expect_identical(pemix(numeric(), one), numeric())
  expect_identical(qemix(numeric(), one), numeric())
  expect_identical(remix(0, one), numeric())
  expect_identical(demix(1:3, one), demix(c(1, 2, 3), one))
})

test_that("values and sizes go together row by row", {
  size <- c(5, 10, 20)
  expect_near(demix(c(2, 3, 4), tosses, size),
    0.3 * dbinom(c(2, 3, 4), size, 0.8) + 0.7 * dbinom(c(2, 3, 4), size, 0.45), 1e-15)
  expect_near(qemix(c(0.1, 0.5, 0.9), tosses, size),
    c(qemix(0.1, tosses, 5), qemix(0.5, tosses, 10), qemix(0.9, tosses, 20)), 0)
})

test_that("impossible counts have density zero", {
  expect_near(demix(c(-1, 11), tosses, 10), c(0, 0), 0)
  expect_near(demix(c(-1, 11), tosses, 10, log = TRUE), c(-Inf, -Inf), 0)
})

test_that("remix() draws components first, then values, by R's generator", {
  set.seed(3)
  a <- remix(5, people)
  set.seed(3)
  expect_identical(remix(c(9, 9, 9, 9, 9), people), a)
  set.seed(3)
  component <- sample.int(2, 5, TRUE, people$prop)
  expect_true(all(abs(a - people$mean[component]) < 6 * people$sd[component]))
})

test_that("draws have the mixture's distribution", {
  set.seed(33)
  x <- remix(4000, people)
  expect_gt(ks.test(x, function(q) pemix(q, people))$p.value, 0.01)
  s <- remix(4000, tosses, size = 10)
  counts <- tabulate(s + 1, 11)
  expect_gt(suppressWarnings(chisq.test(counts, p = demix(0:10, tosses, 10)))$p.value, 0.01)
  s <- remix(3, tosses, size = c(1, 10, 1e6))
  expect_true(all(s >= 0 & s <= c(1, 10, 1e6)))
})

test_that("a fit is a mixture", {
  fit <- emix(faithful$waiting, k = 2)
  expect_near(demix(c(50, 80), fit), demix(c(50, 80), fit$parameters), 1e-16)
  expect_near(pemix(faithful$waiting, fit), predict(fit, type = "cdf"), 1e-14)
  expect_near(qemix(c(0.1, 0.9), fit), predict(fit, type = "quantile", p = c(0.1, 0.9)), 1e-13)
  expect_length(remix(7, fit), 7)
  expect_near(demix(faithful$waiting, fit), predict(fit, type = "density"), 1e-14)
})

test_that("a mixture that is none is an error that says which part", {
  for (bad in list(NULL, 3, "a", list(), list(mean = 1, sd = 1), list(prop = 1), mean,
    list(prop = c(0.5, 0.4), mean = 1:2, sd = 1:2), list(prop = 1, mean = NA_real_, sd = 1),
    list(prop = 1, mean = 1, sd = 0), list(prop = 1, mean = 1, sd = -1), list(prop = 1, sd = 1),
    list(prop = c(0.5, 0.5), mean = 1, sd = 1), list(prop = 1, mean = "a", sd = 1),
    list(prop = 1, prob = 1.5), list(prop = 1, prob = 0.5, sd = 1),
    list(prop = 1, mean = Inf, sd = 1), list(prop = c(2, -1), mean = 1:2, sd = 1:2),
    list(prop = numeric(), mean = 1, sd = 1))) {
    expect_input_error(demix(1, bad), "mixture")
    expect_input_error(pemix(1, bad), "mixture")
    expect_input_error(qemix(0.5, bad), "mixture")
    expect_input_error(remix(1, bad), "mixture")
  }
})

test_that("other arguments that do not fit", {
  for (bad in list("a", NULL, list(1), factor(1), TRUE, mean, 1i)) {
    expect_input_error(demix(bad, one), "x", named = "`x`")
    expect_input_error(pemix(bad, one), "q", named = "`q`")
    expect_input_error(qemix(bad, one), "p", named = "`p`")
  }
  expect_input_error(qemix(c(0.5, 1.2), one), "p", named = "`p`")
  expect_input_error(qemix(-0.1, one), "p", named = "`p`")
  expect_input_error(qemix(0.1, one, log.p = TRUE), "p", named = "`p`")
  for (bad in list(-1, 1.5, NA, "a", NULL, numeric(), Inf)) {
    expect_input_error(remix(bad, one), "n", named = "`n`")
  }
  for (bad in list(NA, "yes", NULL, 1, c(TRUE, FALSE))) {
    expect_input_error(demix(1, one, log = bad), "log")
    expect_input_error(pemix(1, one, log.p = bad), "log.p")
    expect_input_error(pemix(1, one, lower.tail = bad), "lower.tail")
    expect_input_error(qemix(0.1, one, log.p = bad), "log.p")
    expect_input_error(qemix(0.1, one, lower.tail = bad), "lower.tail")
  }
  for (bad in list(NULL, -1, 1.5, NA_real_, "a", 1:2, numeric())) {
    expect_input_error(demix(c(1, 2, 3), tosses, bad), "size")
    expect_input_error(pemix(c(1, 2, 3), tosses, bad), "size")
    expect_input_error(qemix(c(0.1, 0.2, 0.3), tosses, bad), "size")
    expect_input_error(remix(3, tosses, bad), "size")
  }
  expect_input_error(demix(1, one, size = 10), "size")
  expect_input_error(remix(1, one, size = 10), "size")
})

test_that("several columns: the chance that none is above, against integrals and draws", {
  skip_on_cran() # takes long
  skip_if_not_installed("mvtnorm")
  fit <- emix(faithful, k = 2)
  p <- fit$parameters
  q <- rbind(c(3, 70), c(2, 50), c(5, 100), c(-9, 0))
  # P(X <= q) = integral over the first column of its density times the distribution of the second, given it.
  slow <- function(q) {
    sum(vapply(1:2, function(j) {
      s <- p$cov[, , j]
      rest <- sqrt(s[2, 2] - s[1, 2]^2 / s[1, 1])
      h <- function(x) {
        dnorm(x, p$mean[1, j], sqrt(s[1, 1])) * pnorm(q[2], p$mean[2, j] + s[1, 2] / s[1, 1] * (x - p$mean[1, j]), rest)
      }
      p$prop[[j]] * integrate(h, p$mean[1, j] - 9 * sqrt(s[1, 1]), max(q[1], p$mean[1, j] - 8.9 * sqrt(s[1, 1])), rel.tol = 1e-11)$value
    }, 0))
  }
  expect_near(pemix(q[1:3, ], fit), apply(q[1:3, ], 1, slow), 1e-8)
  expect_identical(predict(fit, q, "cdf"), pemix(q, fit))
  expect_near(pemix(q, fit, lower.tail = FALSE), 1 - pemix(q, fit), 1e-15)
  expect_near(pemix(q[1:3, ], fit, log.p = TRUE), log(pemix(q[1:3, ], fit)), 1e-14)
  # A column without a bound leaves the univariate mixture of the other.
  one <- list(prop = p$prop, mean = p$mean[2, ], sd = sqrt(p$cov[2, 2, ]))
  expect_near(pemix(cbind(Inf, c(50, 80)), fit), pemix(c(50, 80), one), 1e-14)
  expect_near(pemix(rbind(c(Inf, Inf), c(-Inf, 3), c(NA, 3)), fit), c(1, 0, NA), 1e-15)

  four <- emix(iris[, 1:4], k = 2)
  set.seed(1)
  state <- .Random.seed
  value <- predict(four, type = "cdf")
  expect_identical(.Random.seed, state)
  expect_identical(predict(four, type = "cdf"), value)
  x <- remix(1e5, four)
  for (i in c(1, 60, 110)) {
    below <- mean(colSums(t(x) <= four$x[i, ]) == 4)
    expect_near(value[i], below, 4.5 * sqrt(0.25 / 1e5))
  }
  gaps <- faithful
  gaps$eruptions[1:20] <- NA
  partial <- emix(gaps, k = 2, na.action = "likelihood")
  own <- list(prop = partial$parameters$prop, mean = partial$parameters$mean[2, ], sd = sqrt(partial$parameters$cov[2, 2, ]))
  expect_near(predict(partial, type = "cdf")[1:20], pemix(faithful$waiting[1:20], own), 1e-14)
})

test_that("several columns without mvtnorm: an error that names it", {
  out <- in_fresh_session(c(sprintf(".libPaths(%s, include.site = FALSE)", deparse1(dirname(system.file(package = "emix")))),
    "people <- list(prop = 1, mean = matrix(0, 2), cov = diag(2))",
    "cat(if (requireNamespace('mvtnorm', quietly = TRUE)) 'it is there' else",
    "  tryCatch(emix::pemix(c(0, 0), people), emix_error_package = conditionMessage))"))
  skip_if(any(grepl("it is there", out)), "mvtnorm is in R's own library")
  expect_match(paste(out, collapse = " "), "need the package mvtnorm", fixed = TRUE)
})

# Lindsay's gradient function, D(t) = sum w f(x | t) / f_G(x) - sum w, against that sum in plain R.

naive_normal <- function(fit, t, sd, x, w = rep(1, length(x))) {
  p <- fit$parameters
  terms <- vapply(seq_along(p$prop), function(j) {
    log(p$prop[[j]]) + dnorm(x, p$mean[[j]], p$sd[[j]], log = TRUE)
  }, double(length(x)))
  terms <- matrix(terms, nrow = length(x))
  top <- apply(terms, 1L, max)
  mixture <- top + log(rowSums(exp(terms - top)))
  vapply(t, function(m) sum(w * exp(dnorm(x, m, sd, log = TRUE) - mixture)), 0) - sum(w)
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
  expect_near(g$bound, 272 * log1p(g$max / 272), 1e-9)
  expect_gte(g$bound, 272 * log1p(g$max / 272) - 1e-12)
  for (k in 2:6) {
    more <- emix(x, k = k, fixed = list(sd = rep(6, k)))
    expect_lte(more$loglik - one$loglik, g$bound)
  }
  h <- em_gradient(half)
  expect_lte(free$loglik - half$loglik, h$bound)
  expect_near(em_gradient(free)$bound, max(0, 5 * log1p(em_gradient(free)$max / 5)), 1e-9)
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

# Outliers are fitted by components of their own, and the middle by one where two are needed.
wild <- local({
  set.seed(1)
  x <- c(rnorm(300, -1.5), rnorm(300, 1.5), 1e5, -1e5)
  emix(x, k = 3, fixed = list(sd = c(1, 1, 1)), start = list(mean = c(-1e5, 0, 1e5)))
})

test_that("wild outliers do not hide what is between them", {
  g <- em_gradient(wild)
  fine <- naive_normal(wild, c(seq(-9, 9, 1e-3), seq(-9, 9, 1e-3) - 1e5, seq(-9, 9, 1e-3) + 1e5), 1, wild$x)
  expect_gt(g$max, 1e6)
  expect_gte(g$max, max(fine) * (1 - 1e-12))
  expect_lte(g$max, max(fine) * (1 + 1e-6))
  expect_true(g$complete)
  expect_output(print(g), "further components can raise the log-likelihood")
  more <- emix(wild$x, k = 4, fixed = list(sd = rep(1, 4)), start = list(mean = c(-1e5, -1.5, 1.5, 1e5)))
  expect_gt(more$loglik - wild$loglik, 100)
  expect_lte(more$loglik - wild$loglik, g$bound)
  # The values for the plot follow every peak.
  expect_gte(max(g$D), g$max)
  for (m in c(-1e5, 0, 1e5)) expect_gt(sum(abs(g$t - m) < 8), 20)
  expect_near(g$D[g$t > -9 & g$t < 9] / g$max,
    naive_normal(wild, g$t[g$t > -9 & g$t < 9], 1, wild$x) / g$max, 1e-12)
})

# Values where D of normal components may have peaks, `each` of them to a width.
fine_values <- function(x, sd, each) {
  cells <- unique(round(x / sd))
  cells <- sort(unique(as.vector(outer(cells, -3:3, "+"))))
  as.vector(outer((seq_len(each) - 0.5) / each - 0.5, cells, "+")) * sd
}

# `max` against D at very many values, and `bound` against both.
expect_largest <- function(g, fine) {
  expect_true(g$complete)
  top <- max(fine)
  if (top == Inf) return(expect_identical(g$max, Inf))
  expect_gte(g$max, top - 1e-8 * (g$n + max(top, 0)))
  expect_lte(g$max, top + 1e-3 * (g$n + max(top, 0)))
  expect_gte(g$bound, g$n * log1p(top / g$n) - 1e-9 * g$n)
  expect_lte(g$bound, g$n * max(0, log1p(g$max / g$n)) + 1.01e-8 * g$n)
}

test_that("nothing is above max: normal components against brute force", {
  set.seed(11)
  for (turn in 1:24) {
    n <- c(2, 5, 20, 60)[turn %% 4 + 1]
    x <- switch(turn %% 6 + 1, rnorm(n), rcauchy(n), c(rnorm(n - 1), 1e5), round(rnorm(n, 0, 4)), 1e3 + rnorm(n) / 10,
      rexp(n)^3)
    w <- switch(turn %% 3 + 1, NULL, rexp(n), 1e-3 * runif(n))
    k <- min(turn %% 5 + 1, n)
    sd <- stats::mad(x, constant = 1.5) * c(0.05, 0.2, 0.5, 1)[sample(4, 1)] + 1e-3
    start <- list(mean = x[seq_len(k)] + sd * runif(k), sd = rep(sd, k))
    fit <- suppressWarnings(emix(x, k = k, fixed = list(sd = rep(sd, k)), start = start, weights = w))
    g <- em_gradient(fit, grid = c(3, 512)[turn %% 2 + 1])
    sd <- fit$parameters$sd[[1]]
    expect_largest(g, naive_normal(fit, fine_values(x, sd, 400), sd, x, if (is.null(w)) rep(1, n) else w))
  }
})

test_that("nothing is above max: binomial components against brute force", {
  set.seed(12)
  values <- sin(seq(0, pi / 2, length.out = 2e4))^2
  for (turn in 1:20) {
    n <- c(3, 10, 40)[turn %% 3 + 1]
    most <- c(3, 12, 60, 3000)[turn %% 4 + 1]
    size <- if (turn %% 2) rep(most, n) else c(most, sample(0:most, n - 1, TRUE))
    s <- rbinom(n, size, rbeta(n, 0.5, 0.7))
    w <- switch(turn %% 3 + 1, NULL, rexp(n), 1e5 * runif(n))
    fit <- emix(s, k = min(turn %% 4 + 1, n), family = mix_binomial(size = size), weights = w,
      control = em_control(starts = 3))
    g <- em_gradient(fit, grid = c(3, 512)[turn %% 2 + 1])
    expect_largest(g, naive_binomial(fit, values, s, size, if (is.null(w)) rep(1, n) else w))
  }
})

test_that("where no mixture is said to be better, a further component gains nothing", {
  set.seed(13)
  claims <- 0
  for (turn in 1:12) {
    x <- round(c(rnorm(20), rnorm(20, 3)), 1)
    sd <- c(1, 1.3, 1.6)[turn %% 3 + 1]
    for (k in 1:4) {
      start <- list(mean = quantile(x, (seq_len(k) - 0.5) / k), sd = rep(sd, k))
      fit <- suppressWarnings(emix(x, k = k, fixed = list(sd = rep(sd, k)), start = start))
      g <- em_gradient(fit)
      if (g$max <= 1e-7 * g$n) break
    }
    if (g$max > 1e-7 * g$n) next
    claims <- claims + 1
    expect_output(print(g), "no mixture with any number")
    for (t in seq(min(x), max(x), length.out = 7)) {
      start <- list(prop = c(0.9 * fit$parameters$prop, 0.1), mean = c(fit$parameters$mean, t), sd = rep(sd, k + 1))
      more <- suppressWarnings(emix(x, k = k + 1, fixed = list(sd = rep(sd, k + 1)), start = start))
      expect_lte(more$loglik, fit$loglik + g$bound + 1e-9)
    }
  }
  expect_gt(claims, 5)
})

test_that("weights: D and its claims scale with their sum", {
  x <- faithful$waiting
  for (sd in c(6, 20)) {
    start <- list(mean = c(55, 80), sd = c(sd, sd))
    of <- function(scale) {
      em_gradient(suppressWarnings(emix(x, k = 2, fixed = list(sd = c(sd, sd)), start = start, weights = rep(scale, 272))))
    }
    g <- of(1)
    for (scale in c(1e-3 / 272, 1e-3, 1e6)) {
      h <- of(scale)
      expect_near(h$n, 272 * scale, 1e-12 * h$n)
      expect_near(h$max / h$n, g$max / g$n, 1e-6)
      said <- if (sd == 6) "further components can raise" else "no mixture with any number"
      expect_match(utils::capture.output(print(h))[3], said)
    }
  }
})

test_that("many rows: condensed for the search, the same D", {
  set.seed(14)
  x <- c(rnorm(2e4, -1.5), rnorm(1e4, 1.5, 1.2), 30, 31)
  fit <- emix(x, k = 2, fixed = list(sd = c(1, 1)), start = list(mean = c(-1.5, 1.5), sd = c(1, 1)))
  g <- em_gradient(fit, grid = 200)
  some <- seq(1, length(g$t), by = 9)
  exact <- naive_normal(fit, g$t[some], 1, x)
  expect_near((g$D[some] + g$n) / (exact + g$n), rep(1, length(some)), 1e-4)
  near <- exact > -g$n / 2
  expect_near(((g$D[some] + g$n) / (exact + g$n))[near], rep(1, sum(near)), 1e-12)
  expect_near(naive_normal(fit, g$at, 1, x) / g$max, 1, 1e-12)
  expect_near(g$D_support / g$n, naive_normal(fit, fit$parameters$mean, 1, x) / g$n, 1e-12)
})

test_that("many rows apart: the one peak among many is found", {
  set.seed(15)
  x <- c(cumsum(rexp(1000, 1e-3)), 1234567.8, 1234567.9, 1234568)
  fit <- emix(x, k = 1, fixed = list(mean = 1234568, sd = 1e7))
  g <- em_gradient(fit, sd = 0.1)
  expect_near(g$at, 1234567.9, 0.01)
  expect_true(g$complete)
})

test_that("what cannot be searched in time is not said to be the best", {
  # Weights that are the mixture's own probabilities: D is 0 everywhere.
  size <- 2000
  w <- 0.4 * dbinom(0:size, size, 0.3) + 0.6 * dbinom(0:size, size, 0.7)
  fit <- emix(0:size, k = 2, family = mix_binomial(size = size), weights = w,
    start = list(prop = c(0.4, 0.6), prob = c(0.3, 0.7)))
  g <- em_gradient(fit)
  expect_lt(abs(g$max), 1e-7)
  expect_false(g$complete)
  expect_lt(g$bound, 1e-4)
  said <- paste(utils::capture.output(print(g)), collapse = " ")
  expect_match(said, "can perhaps raise")
  expect_match(said, "D may be larger elsewhere")
  expect_no_match(said, "no mixture")
})

test_that("one value, components outside the rows", {
  g <- em_gradient(emix(c(5, 5, 5), k = 1, fixed = list(sd = 1)))
  expect_near(g$max, 0, 1e-12)
  expect_true(g$complete)
  out <- emix(c(1, 2, 3), k = 2, fixed = list(mean = c(-4, 2), sd = c(1, 1)))
  g <- em_gradient(out)
  expect_near(g$support, c(-4, 2), 0)
  expect_near(g$D, naive_normal(out, g$t, 1, 1:3), 1e-10)
  expect_largest(g, naive_normal(out, seq(-5, 4, 1e-4), 1, 1:3))
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
  expect_true(all(c("t", "D", "max", "at", "bound", "complete", "support", "D_support", "n", "parameter") %in%
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
  before <- graphics::par(c("mar", "mfrow"))
  expect_no_warning(plot(em_gradient(wild)))
  # Beyond the largest double.
  expect_no_warning(plot(em_gradient(emix(c(0, 1, 2, 1e3), k = 1, fixed = list(sd = 1, mean = 1)))))
  expect_no_warning(plot(em_gradient(emix(c(5, 5, 5), k = 1, fixed = list(sd = 1)))))
  expect_identical(graphics::par(c("mar", "mfrow")), before)
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

# The gradient function of multivariate normal components of one covariance, against its sum in plain R.

naive <- function(fit, t, w = NULL) {
  p <- fit$parameters
  x <- fit$x
  if (is.null(w)) w <- rep(1, nrow(x))
  joint <- sapply(seq_along(p$prop), function(j) log(p$prop[[j]]) + oracle_mvnormal("VVV")$log_density(x, p, j))
  joint <- matrix(joint, nrow(x))
  top <- apply(joint, 1, max)
  mixture <- top + log(rowSums(exp(joint - top)))
  apply(t, 1, function(m) {
    one <- list(mean = matrix(m), cov = array(p$cov[, , 1], c(dim(p$cov)[1:2], 1)))
    sum(w * exp(oracle_mvnormal("VVV")$log_density(x, one, 1) - mixture))
  }) - sum(w)
}

test_that("D is the sum, with weights, in every structure of one covariance", {
  w <- rep(c(1, 2, 0, 0.5), 68)
  for (cov in c("EII", "EEI", "EEE")) for (weighted in c(FALSE, TRUE)) {
    fit <- emix(faithful, k = 2, family = mix_mvnormal(cov), weights = if (weighted) w)
    g <- em_gradient(fit, grid = 12)
    used <- if (weighted) w else rep(1, 272)
    expect_identical(dim(g$t), c(144L, 2L))
    expect_near(g$D / 272, naive(fit, g$t, used) / 272, 1e-9)
    expect_near(g$D_support, c(0, 0), 1e-5)
    expect_near(naive(fit, rbind(g$at), used), g$max, 1e-8)
    expect_near(g$n, sum(used), 1e-14)
    expect_identical(names(g$at), names(faithful))
    expect_identical(g$support, t(fit$parameters$mean))
    expect_true(g$complete)
  }
})

test_that("two columns: nothing is above max, outliers among the rows or not", {
  set.seed(7)
  for (turn in 1:8) {
    n <- c(4, 15, 40, 120)[turn %% 4 + 1]
    x <- cbind(rnorm(n), rnorm(n) + 3 * rbinom(n, 1, 0.5))
    if (turn > 4) x[1, ] <- c(40, -25)
    s <- diag(c(0.4, 0.7)^(turn %% 3)) + 0.1
    k <- turn %% 2 + 1
    fit <- suppressWarnings(emix(x, k = k, fixed = list(cov = array(s, c(2, 2, k)))))
    g <- em_gradient(fit)
    expect_true(g$complete)
    fine <- as.matrix(expand.grid(seq(min(x[, 1]), max(x[, 1]), length.out = 60), seq(min(x[, 2]), max(x[, 2]), length.out = 60)))
    fine <- rbind(fine, x, x[rep(seq_len(n), 4), ] + rnorm(8 * n, 0, 0.3))
    top <- max(naive(fit, fine))
    if (g$max == Inf) {
      expect_identical(top, Inf)
      expect_true(is.finite(g$bound))
      next
    }
    expect_gte(g$max, top - 1e-8 * (g$n + max(top, 0)))
    expect_gte(g$bound, g$n * log1p(max(g$max, 0) / g$n) - 1e-12 * g$n)
    expect_lte(g$bound, g$n * log1p(max(g$max, 0) / g$n) + 2e-8 * g$n)
    expect_near(g$max / (1 + abs(top)), naive(fit, rbind(g$at)) / (1 + abs(top)), 1e-9)
  }
})

test_that("components are added where D is largest until no mixture is better, and the bound holds all along", {
  set.seed(8)
  x <- rbind(cbind(rnorm(12), rnorm(12)), cbind(rnorm(12, 4), rnorm(12, 2)))
  start <- matrix(colMeans(x))
  heights <- bounds <- numeric()
  for (k in 1:8) {
    fit <- suppressWarnings(emix(x, k = k, fixed = list(cov = array(diag(2), c(2, 2, k))), start = list(mean = start)))
    g <- em_gradient(fit)
    heights <- c(heights, fit$loglik)
    bounds <- c(bounds, g$bound)
    if (g$max <= 1e-6) break
    start <- cbind(unname(fit$parameters$mean), g$at)
  }
  expect_lt(k, 8)
  expect_lte(max(heights[-1] - heights[1]), bounds[1])
  expect_near(g$bound, 0, 1e-5)
  expect_output(print(g), "no mixture with any number of such components has a higher likelihood")
})

test_that("more columns: the highest peak found, without a proof", {
  fit <- emix(iris[, 1:4], k = 2, family = mix_mvnormal("EEE"))
  g <- em_gradient(fit)
  expect_false(g$complete)
  expect_identical(g$bound, NA_real_)
  expect_near(g$D / g$n, naive(fit, g$t) / g$n, 1e-8)
  expect_near(max(g$D), g$max, 1e-9)
  # A peak: no step leads higher, and no row nor place between rows is.
  set.seed(9)
  near <- rep(g$at, each = 40) + rnorm(160, 0, 0.05)
  expect_gte(g$max, max(naive(fit, matrix(near, 40))))
  pairs <- matrix(sample(150, 600, TRUE), ncol = 2)
  expect_gte(g$max, max(naive(fit, fit$x), naive(fit, (fit$x[pairs[, 1], ] + fit$x[pairs[, 2], ]) / 2)))
  expect_output(print(g), "largest D found.*Petal.Width.*searched from [0-9]+ starts")
  expect_input_error(plot(g), "x", "two columns")
})

test_that("a column that is held apart from the others changes nothing", {
  set.seed(10)
  x <- c(rnorm(30), rnorm(30, 4))
  one <- emix(x, k = 2, fixed = list(sd = c(1, 1)))
  side <- rep(c(-1, 1), 30)
  # The second column's values lie evenly about its only mean: D along it is that of one column, times what it takes from the peak.
  two <- emix(cbind(x, y = side * 1e-3), k = 2, fixed = list(cov = array(diag(2), c(2, 2, 2)), mean = rbind(one$parameters$mean, 0)))
  g <- em_gradient(two)
  expect_near(g$max, em_gradient(one)$max, 1e-3)
  expect_near(g$at[[1]], em_gradient(one)$at, 1e-2)
})

test_that("pictures; what is refused says why", {
  grDevices::pdf(NULL)
  on.exit(grDevices::dev.off())
  fit <- emix(faithful, k = 2, family = mix_mvnormal("EEE"))
  expect_no_error(plot(em_gradient(fit)))
  expect_no_error(plot(em_gradient(emix(faithful, k = 1)), main = "one", xlab = "minutes", ylab = "wait", xlim = c(1, 6)))
  expect_input_error(em_gradient(emix(faithful, k = 2)), "fit", "several covariances")
  expect_input_error(em_gradient(fit, sd = 1), "sd")
  gaps <- faithful
  gaps$waiting[3] <- NA
  expect_input_error(em_gradient(emix(gaps, k = 1, na.action = "likelihood")), "fit", "missing")
  expect_input_error(em_gradient(emix(faithful, family = mix_mvnormal("EEE"), labels = rep(c(1, 2, NA), c(1, 1, 270)))), "fit", "labels")
})

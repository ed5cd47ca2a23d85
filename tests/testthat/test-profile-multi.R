# Profile likelihood of multivariate normal mixtures: limits against closed forms and brute force, and laws.

profile_of <- function(fit, ...) confint(fit, method = "profile", ...)
z2 <- qchisq(0.95, 1)

two_groups <- function() {
  set.seed(1)
  x <- rbind(matrix(rnorm(60), 30), matrix(rnorm(50, 2.5), 25) %*% matrix(c(1, 0.5, 0, 0.8), 2))
  colnames(x) <- c("a", "b")
  x
}

# Within a millionth of a standard error.
expect_limits <- function(fit, x, structure, which, ...) {
  errors <- sqrt(diag(vcov(fit)))[which]
  limits <- profile_of(fit, which)
  brute <- multi_limits(x, fit$parameters, structure, which, ...)
  expect_lt(max(abs(limits - brute) / errors), 1e-6)
}

test_that("one component: the closed forms of the t test and of a variance", {
  x <- as.matrix(faithful)
  n <- nrow(x)
  limits <- profile_of(emix(faithful, k = 1))
  mean <- colMeans(x)
  sd <- sqrt(colMeans(x^2) - mean^2)
  for (c in names(faithful)) {
    expect_near(limits[paste0("mean.1.", c), ], mean[[c]] + c(-1, 1) * sd[[c]] * sqrt(expm1(z2 / n)), 1e-8)
    fall <- function(t) 2 * n * (log(t) + (1 / t^2 - 1) / 2) - z2
    ends <- c(uniroot(fall, c(0.5, 1), tol = 1e-13)$root, uniroot(fall, c(1, 2), tol = 1e-13)$root)
    expect_near(limits[paste("cov.1", c, c, sep = "."), ] / (sd[[c]] * ends)^2, c(1, 1), 1e-8)
  }
  expect_true(all(is.na(limits["prop.1", ])))
  # Of one covariance: the profile of the correlation and both variances by hand.
  s <- cov(x) * (n - 1) / n
  height <- function(p, held) {
    m <- matrix(c(exp(p[1]), held, held, exp(p[2])), 2)
    if (det(m) <= 0) 1e10 else n / 2 * (log(det(m) / det(s)) + sum(solve(m) * s) - 2)
  }
  for (end in limits["cov.1.eruptions.waiting", ]) {
    expect_near(2 * optim(log(1.5 * diag(s)), height, held = end, method = "BFGS", control = list(reltol = 1e-14))$value, z2, 1e-6)
  }
})

test_that("mixtures of seven structures against brute force", {
  skip_on_cran() # takes long
  x <- two_groups()
  which <- list(VVV = c(1, 8), EEE = 9, VVI = 7, VII = 12, EII = 6, EEV = 11, VVE = 8)
  for (s in names(which)) expect_limits(emix(x, k = 2, family = mix_mvnormal(s)), x, s, which[[s]])
})

# A maximum of the log-likelihood less a square of what a parameter is off some value is highest among all with its own value of it.
test_that("the other structures: the profile goes through maxima with a penalty, found by a general optimiser", {
  skip_on_cran() # takes long
  x <- two_groups()
  x <- sweep(x, 2, colMeans(x))
  for (s in c("VEI", "VEE", "EVE", "VEV")) {
    fit <- emix(x, k = 2, family = mix_mvnormal(s))
    own <- lapply(fit$parameters, unname)
    base <- mv_base(own$cov, s)
    back <- function(v) {
      prop <- plogis(qlogis(own$prop[1]) + v[1])
      list(prop = c(prop, 1 - prop), mean = own$mean + matrix(v[2:5], 2), cov = mv_cov(mv_step(base, v[-(1:5)], s)))
    }
    error <- sqrt(diag(vcov(fit)))[["cov.1.b.b"]]
    aim <- own$cov[2, 2, 1] + 3.5 * error
    cost <- function(v) {
      value <- tryCatch(sum(multi_rows(x, back(v))), error = function(e) NaN)
      if (is.finite(value)) (back(v)$cov[2, 2, 1] - aim)^2 / (2 * error^2) - value else 1e10
    }
    v <- numeric(5 + sum(mv_layout(s, 2, 2)$size))
    for (turn in 1:2) {
      v <- optim(v, cost, function(v) numeric_gradient(cost, v, 1e-3), method = "BFGS", control = list(reltol = 1e-14, maxit = 300))$par
    }
    walks <- emix:::walk_handles(fit, 9L, 0.1, 1, "object")
    handle <- walks$handles[[1]]
    to <- log(back(v)$cov[2, 2, 1] * fit$core$factor[2]^2)
    point <- handle$start
    for (phi in seq(point$phi, to, length.out = 4)[-1]) point <- emix:::sums_refit(walks$ridge, handle, phi, point)
    expect_near(point$objective + walks$ridge$problem$offset, sum(multi_rows(x, back(v))), 1e-7)
  }
})

test_that("weights, labels, a common mean and missing values against brute force", {
  skip_on_cran() # takes long
  x <- two_groups()
  n <- nrow(x)
  w <- rep(1:3, length.out = n) + 0
  labels <- replace(rep(NA, n), c(1:4, 50:54), rep(1:2, 4:5))
  expect_limits(emix(x, k = 2, weights = w), x, "VVV", 7, weights = w)
  expect_limits(emix(x, k = 2, labels = labels), x, "VVV", 1, labels = labels)
  gaps <- x
  gaps[c(2, 20, 44), 1] <- NA
  gaps[c(9, 31, 50), 2] <- NA
  expect_limits(emix(gaps, k = 2, na.action = "likelihood"), gaps, "VVV", 4)
  wide <- rbind(x[1:30, ] / 4, 3 * x[1:30, ])
  fit <- emix(wide, k = 2, equal = "mean")
  expect_limits(fit, wide, "VVV", 8, one_mean = TRUE)
  limits <- profile_of(fit, "mean")
  expect_identical(unname(limits[1:2, ]), unname(limits[3:4, ]))
})

test_that("held parameters stay where they are, and have no limits", {
  x <- two_groups()
  fit <- emix(x, k = 2, fixed = list(mean = cbind(c(0, 0), NA), prop = c(0.5, 0.5)))
  limits <- profile_of(fit)
  expect_identical(which(is.na(limits[, 1])), which(is.na(sqrt(diag(vcov(fit))))))
  expect_limits(fit, x, "VVV", 5, free = seq_len(11) > 3)
  p <- profile(fit, "mean")
  expect_true(all(p$prop.1 == 0.5 & p$mean.1.a == 0 & p$mean.1.b == 0))
  own <- lapply(emix(x, k = 2)$parameters, unname)
  all_held <- emix(x, k = 2, fixed = own)
  expect_true(all(is.na(profile_of(all_held))))
  expect_error(profile(all_held), "which", class = "emix_error_input")
})

test_that("a prior: the limits of a log posterior", {
  skip_on_cran() # takes long
  x <- two_groups()
  scale <- matrix(c(2, 0.3, 0.3, 1), 2)
  fit <- emix(x, k = 2, prior = em_prior(prop = 3, mean = c(1, 1), shrinkage = 0.2, df = 6, scale = scale))
  log_prior <- function(p) {
    2 * sum(log(p$prop)) + sum(vapply(1:2, function(j) {
      inverse <- solve(p$cov[, , j])
      off <- p$mean[, j] - 1
      -(6 + 4) / 2 * log(det(p$cov[, , j])) - sum(scale * inverse) / 2 - 0.1 * drop(off %*% inverse %*% off)
    }, 0))
  }
  expect_limits(fit, x, "VVV", 7, log_prior = log_prior)
})

test_that("limits go with units, order of rows and columns, and copies of rows", {
  fit <- emix(faithful, k = 2)
  limits <- profile_of(fit)
  flat <- function(m) unname(as.vector(m))
  moved <- profile_of(emix(data.frame(eruptions = faithful$eruptions * 60 + 1e4, waiting = faithful$waiting), k = 2))
  expect_near(flat(moved["mean.1.eruptions", ]), flat(limits["mean.1.eruptions", ] * 60 + 1e4), 1e-8)
  expect_near(flat(moved[10:12, ] / c(3600, 60, 1) / limits[10:12, ]), rep(1, 6), 1e-7)
  turned <- profile_of(emix(faithful[272:1, 2:1], k = 2))
  expect_near(flat(turned[rownames(limits)[c(1:6, 7, 9, 10, 12)], ] / limits[c(1:6, 7, 9, 10, 12), ]), rep(1, 20), 1e-7)
  twice <- profile_of(emix(rbind(faithful, faithful), k = 2), "prop")
  weighted <- profile_of(emix(faithful, k = 2, weights = rep(2, 272)), "prop")
  expect_near(flat(twice), flat(weighted), 1e-8)
})

test_that("the profile is a curve of maxima: its table, its own limits, and its picture", {
  fit <- emix(faithful, k = 2)
  p <- profile(fit, c("prop.1", "mean.2.waiting", "cov.1.eruptions.waiting"))
  expect_s3_class(p, "em_profile")
  expect_setequal(p$parameter, c("prop.1", "mean.2.waiting", "cov.1.eruptions.waiting"))
  expect_near(p$loglik, fit$loglik - p$root^2 / 2, 1e-8)
  for (name in unique(p$parameter)) {
    rows <- p[p$parameter == name, ]
    expect_identical(rows$value, rows[[name]])
    expect_true(all(diff(rows$value) > 0 & diff(rows$root) > 0))
  }
  # The refits' log-likelihood is that of their parameters.
  at <- p[2, ]
  listed <- unlist(at[names(coef(fit))])
  cov <- array(listed[c(7, 8, 8, 9, 10, 11, 11, 12)], c(2, 2, 2))
  own <- list(prop = unname(listed[1:2]), mean = matrix(listed[3:6], 2), cov = cov)
  expect_near(sum(multi_rows(as.matrix(faithful), own)), at$loglik, 1e-8)
  expect_near(unname(confint(p, level = 0.9)["prop.1", ]), unname(profile_of(fit, "prop.1", level = 0.9)[1, ]), 1e-3)
  grDevices::pdf(NULL)
  on.exit(grDevices::dev.off())
  expect_identical(plot(p), p)
})

test_that("spheres have one variance, and diagonal structures no covariances", {
  fit <- emix(faithful, k = 2, family = mix_mvnormal("VII"))
  p <- profile(fit, "cov", points = 2)
  expect_identical(unique(p$parameter), c("cov.1", "cov.2"))
  limits <- profile_of(fit, "cov")
  expect_identical(unname(limits[1, ]), unname(limits[3, ]))
  expect_true(all(is.na(limits[c(2, 5), ])))
})

test_that("where one component less would do there is no limit, and it is said", {
  set.seed(2)
  x <- matrix(rnorm(120), 60)
  fit <- emix(x, k = 2, family = mix_mvnormal("EEE"))
  expect_lt(2 * (fit$loglik - emix(x, k = 1)$loglik), qchisq(0.999, 1))
  expect_warning(expect_warning(limits <- profile_of(fit, "mean.1.x2", level = 0.999), "upper of mean.1.x2.*without rows", class = "emix_warning_limit"),
    "lower of mean.1.x2.*exchange", class = "emix_warning_limit")
  expect_identical(unname(limits[1, ]), c(-Inf, Inf))
})

test_that("a refit higher than the fit is said, and leads to the higher maximum", {
  set.seed(5)
  x <- rbind(matrix(rnorm(40), 20), matrix(rnorm(40, c(3, 3)), 20), matrix(rnorm(24, 6), 12))
  low <- emix(x, k = 2, family = mix_mvnormal("EEE"), start = list(mean = cbind(c(0, 3), c(3, 0))))
  warning <- tryCatch(profile_of(low, "mean.1.x1"), emix_warning_maximum = identity)
  expect_s3_class(warning, "emix_warning_maximum")
  expect_gt(warning$objective, low$objective + 0.1)
  again <- emix(x, k = 2, family = mix_mvnormal("EEE"), start = warning$parameters)
  expect_near(again$objective, warning$objective, 1e-6)
  expect_near(again$objective, emix(x, k = 2, family = mix_mvnormal("EEE"))$objective, 1e-6)
  expect_true(all(is.na(suppressWarnings(profile_of(low, "mean.1.x1")))))
})

# Covariances of the estimates, against numerical derivatives of the oracle's log-likelihood.

errors_of <- function(fit, ...) sqrt(diag(vcov(fit, ...)))

fit_coins <- function(...) emix(cbind(heads, tails) ~ 1, data = coins, k = 2, family = "binomial", ...)

test_that("the two coins: published standard errors", {
  held <- errors_of(fit_coins(equal = "prop"))
  expect_near(held[c("prob.1", "prob.2")], c(0.130769, 0.101499), 1e-5)
  expect_true(all(is.na(held[c("prop.1", "prop.2")])))
  free <- errors_of(fit_coins())
  expect_near(free, c(0.410209, 0.410209, 0.165936, 0.119250), 1e-5)
})

test_that("one normal component: mean and sd in closed form", {
  x <- faithful$waiting
  n <- length(x)
  fit <- emix(x, k = 1)
  s <- fit$parameters$sd[[1]]
  expect_near(vcov(fit, complete = FALSE), diag(c(s^2 / n, s^2 / (2 * n))), 1e-12)
  expect_identical(dimnames(vcov(fit, scale = "free")), rep(list(c("mean.1", "log(sd.1)")), 2))
  d <- (x - mean(x)) / s
  meat <- crossprod(cbind(d / s, d^2 - 1))
  bread <- diag(c(s^2 / n, 1 / (2 * n)))
  expect_near(vcov(fit, "sandwich", "free"), bread %*% meat %*% bread, 1e-12)
})

test_that("one coin, and a row of weight w is w rows", {
  one <- emix(cbind(heads, tails) ~ 1, data = coins, k = 1, family = "binomial")
  expect_near(errors_of(one), c(NA, sqrt(0.66 * 0.34 / 50)), 1e-12)
  x <- faithful$waiting
  w <- rep(1:4, 68)
  for (type in c("observed", "sandwich")) {
    weighted <- vcov(emix(x, k = 2, weights = w), type)
    repeated <- vcov(emix(rep(x, w), k = 2), type)
    expect_lt(off_matrix(weighted, repeated), 1e-7)
    none <- vcov(emix(rep(x, w), k = 2, control = em_control(condense = "none")), type)
    expect_lt(off_matrix(none, repeated), 1e-7)
    zero <- vcov(emix(c(x, 0, 999), k = 2, weights = c(w, 0, 0)), type)
    expect_lt(off_matrix(zero, weighted), 1e-7)
  }
})

test_that("normal components: every option against the oracle", {
  x <- faithful$waiting[1:120]
  w <- (seq_along(x) %% 6) / 4
  labels <- replace(rep(NA_integer_, 120), 1:6, c(2L, 1L, 2L, 1L, 2L, 2L))
  cases <- list(
    list(), list(weights = w), list(labels = labels), list(equal = "sd"), list(equal = c("sd", "prop")),
    list(fixed = list(prop = c(0.4, 0.6))),
    list(fixed = list(mean = c(55, NA))), list(fixed = list(sd = c(NA, 6))),
    list(fixed = list(mean = c(55, NA), sd = c(NA, 6)), weights = w, labels = labels)
  )
  for (case in cases) {
    fit <- do.call(emix, c(list(x, k = 2), case))
    expect_vcov(fit, x, oracle_normal, case$weights, case$labels, case$fixed, case$equal)
  }
})

test_that("a shared mean", {
  set.seed(80)
  x <- c(rnorm(60), rnorm(60, sd = 6))
  fit <- emix(x, k = 2, equal = "mean")
  expect_vcov(fit, x, oracle_normal, equal = "mean")
  expect_identical(colnames(vcov(fit, scale = "free"))[2], "mean")
})

test_that("three components, one proportion held", {
  set.seed(81)
  x <- c(rnorm(50), rnorm(60, 5, 1.5), rnorm(40, 10))
  start <- list(mean = c(0, 5, 10))
  for (fixed in list(NULL, list(prop = c(NA, 0.35, NA)))) {
    fit <- emix(x, k = 3, start = start, fixed = fixed)
    expect_vcov(fit, x, oracle_normal, fixed = fixed)
  }
})

test_that("binomial components: every option against the oracle", {
  set.seed(82)
  s <- rbinom(80, 12, rep(c(0.2, 0.7), c(30, 50)))
  x <- cbind(s, 12 - s)
  w <- (seq_len(80) %% 5 + 1) / 3
  labels <- replace(rep(NA_integer_, 80), c(1:3, 60:64), c(1L, 1L, 1L, rep(2L, 5)))
  cases <- list(list(), list(weights = w), list(labels = labels), list(equal = "prop"),
    list(fixed = list(prob = c(0.2, NA))), list(weights = w, labels = labels),
    list(equal = "prob", labels = labels))
  for (case in cases) {
    fit <- do.call(emix, c(list(x, k = 2, family = "binomial"), case))
    expect_vcov(fit, x, oracle_binomial, case$weights, case$labels, case$fixed, case$equal)
  }
})

test_that("priors: the information is that of the log posterior, the sandwich's middle the rows' alone", {
  x <- faithful$waiting[1:100]
  for (equal in list(NULL, "sd")) {
    prior <- list(prop = c(2, 5), mean = 60, shrinkage = 1.5, df = 4, scale = 50)
    fit <- emix(x, k = 2, prior = do.call(em_prior, prior), start = list(mean = c(55, 80)), equal = equal)
    expect_vcov(fit, x, oracle_normal, equal = equal, prior = prior)
  }
  s <- c(0, 0, 1, 9, 8, 10, 10, 2)
  prior <- list(prop = 1.5, prob = c(2, 3))
  fit <- emix(cbind(s, 10 - s), k = 2, family = "binomial", prior = do.call(em_prior, prior))
  expect_vcov(fit, cbind(s, 10 - s), oracle_binomial, prior = prior)
})

test_that("a Dirichlet prior that differs by component keeps the user's numbering", {
  prior <- list(prop = c(9, 1), mean = 70, shrinkage = 0, df = 0, scale = 0)
  x <- faithful$waiting[1:60]
  fit <- emix(x, k = 2, prior = em_prior("flat", prop = c(9, 1)))
  expect_near(fit$objective, fit$loglik + 8 * log(fit$parameters$prop[[1]]), 1e-12)
  back <- emix(x, k = 2, prior = em_prior("flat", prop = c(1, 9)))
  expect_near(back$objective, back$loglik + 8 * log(back$parameters$prop[[2]]), 1e-12)
})

test_that("random problems of every kind", {
  seen <- 0
  for (seed in 1:40) {
    problem <- random_problem(seed)
    fit <- run_problem(problem)
    a <- problem$args
    c <- fit$convergence
    if (!fit$converged || c$flat || !is.finite(c$gain) || length(c$boundary) || !fit$df) next
    seen <- seen + 1
    right <- oracle_curvature(fit, problem$x, problem$oracle, a$weights, a$labels, a$fixed, a$equal, problem$prior)
    free <- vcov(fit, scale = "free")
    # Curvature is compared where it is not all but lost.
    if (min(eigen(cov2cor(free))$values) < 1e-5) next
    label <- name_problem(seed, problem)
    expect_lt(off_matrix(solve(free), right$information), 1e-6, label = label)
    sandwich <- vcov(fit, "sandwich", "free")
    expect_lt(off_matrix(sandwich, free %*% right$meat %*% free), 1e-5, label = label)
  }
  expect_gt(seen, 20)
})

test_that("units and origin of the data: standard errors scale with them", {
  x <- faithful$waiting
  errors <- errors_of(emix(x, k = 2))
  unit <- function(s) rep(c(1, s, s), each = 2)
  for (scale in c(1e12, 1e-12, 1e150, 1e-150)) {
    expect_near(errors_of(emix(x * scale, k = 2)) / unit(scale), errors, 1e-7)
    expect_near(errors_of(emix(x * scale, k = 2), "sandwich") / unit(scale), errors_of(emix(x, k = 2), "sandwich"), 1e-7)
  }
  expect_near(errors_of(emix(x + 1e9, k = 2)), errors, 1e-6)
  # Beyond squares there are no covariances, but limits.
  expect_warning(vcov(emix(x * 1e-200, k = 2)), class = "emix_warning_range")
  expect_near(confint(emix(x * 1e-200, k = 2), c("mean", "sd")) / 1e-200, confint(emix(x, k = 2), c("mean", "sd")), 1e-7)
})

test_that("the laws of a covariance: symmetric, proportions sum to one, shared parameters alike", {
  set.seed(83)
  fit <- emix(c(rnorm(80), rnorm(80, 6), rnorm(80, 12)), k = 3, equal = "sd")
  for (type in c("observed", "sandwich")) {
    v <- vcov(fit, type)
    expect_identical(v, t(v))
    expect_near(colSums(v[1:3, ]), rep(0, 9), 1e-14)
    expect_near(v["sd.1", ], v["sd.3", ], 1e-15)
    expect_gt(min(eigen(vcov(fit, type, "free"))$values), 0)
  }
  expect_identical(colnames(vcov(fit, scale = "free"))[6], "log(sd)")
  one <- vcov(update(fit, control = em_control(threads = 1, condense = "none")))
  two <- vcov(update(fit, control = em_control(threads = 2, condense = "none")))
  expect_identical(one, two)
})

test_that("threads do not change a bit, nor does condensing much", {
  set.seed(84)
  x <- round(c(rnorm(9000), rnorm(6000, 4)), 2)
  fits <- lapply(list(1, 2, 5), function(t) emix(x, k = 2, start = list(mean = c(0, 4)), control = em_control(threads = t, condense = "none")))
  first <- vcov(fits[[1]], "sandwich")
  for (fit in fits) expect_identical(vcov(fit, "sandwich"), first)
  expect_lt(off_matrix(vcov(update(fits[[1]], control = em_control()), "sandwich"), first), 1e-8)
})

test_that("everything held: nothing varies", {
  fit <- emix(faithful$waiting, k = 2, fixed = list(prop = c(0.4, 0.6), mean = c(55, 80), sd = c(6, 6)))
  expect_true(all(is.na(vcov(fit))))
  expect_identical(dim(vcov(fit)), c(6L, 6L))
  expect_identical(dim(vcov(fit, scale = "free")), c(0L, 0L))
  expect_identical(dim(vcov(fit, complete = FALSE)), c(0L, 0L))
})

test_that("a parameter on a boundary has none, and a warning says so", {
  s <- c(0, 0, 0, 5, 6, 5)
  fit <- emix(cbind(s, 10 - s), k = 2, family = "binomial")
  expect_identical(unname(fit$parameters$prob[1]), 0)
  warned <- expect_warning(v <- vcov(fit), "prob.1", class = "emix_warning_boundary")
  expect_s3_class(warned, "emix_warning")
  expect_identical(is.na(diag(v)), c(prop.1 = FALSE, prop.2 = FALSE, prob.1 = TRUE, prob.2 = FALSE))
  suppressWarnings(expect_vcov(fit, cbind(s, 10 - s), oracle_binomial))
})

test_that("an empty component has no standard errors", {
  set.seed(85)
  x <- c(rnorm(40), rnorm(40, 8))
  fit <- emix(x, k = 2)
  fit$parameters$prop[] <- c(1, 0)
  fit$core$theta[1:2] <- c(1, 0)
  expect_warning(v <- vcov(fit), "prop.1, prop.2, mean.2 and sd.2", class = "emix_warning_boundary")
  expect_identical(unname(is.na(diag(v))), c(TRUE, TRUE, FALSE, TRUE, FALSE, TRUE))
})

test_that("components that coincide: the information is singular, and said to be", {
  x <- faithful$waiting
  fit <- emix(x, k = 2, equal = "mean")
  expect_true(fit$convergence$flat)
  expect_warning(v <- vcov(fit), class = "emix_warning_singular")
  expect_true(all(is.na(v)))
  same <- emix_steps(x, 1, k = 2, start = list(mean = c(60, 80)), equal = "sd")
  one <- emix(x, k = 1)
  same$core$theta <- c(0.4, 0.6, rep(one$core$theta[2], 2), rep(one$core$theta[3], 2))
  same$core[c("factor", "shift")] <- one$core[c("factor", "shift")]
  said <- NULL
  v <- withCallingHandlers(vcov(same), emix_warning = function(w) {
    said <<- c(said, class(w)[1])
    invokeRestart("muffleWarning")
  })
  expect_true(any(c("emix_warning_singular", "emix_warning_indefinite") %in% said))
  expect_true(all(is.na(v)))
  expect_true("emix_warning_iterations" %in% said)
})

test_that("a saddle is no maximum", {
  fit <- withCallingHandlers(fit_coins(start = list(prob = c(0.66, 0.66)), equal = "prop", control = em_control(accelerate = FALSE)),
    emix_warning = function(w) invokeRestart("muffleWarning"))
  fit$convergence$flat <- FALSE
  fit$core$theta[3:4] <- 0.66
  said <- tryCatch(vcov(fit), emix_warning = function(w) class(w)[1])
  expect_identical(said, "emix_warning_indefinite")
  expect_true(all(is.na(suppressWarnings(vcov(fit)))))
})

test_that("a fit that has not converged answers with a warning", {
  fit <- emix_steps(faithful$waiting, 30, k = 2, start = list(mean = c(55, 80)))
  expect_warning(v <- vcov(fit), class = "emix_warning_iterations")
  expect_false(anyNA(v))
})

test_that("what cannot be asked is refused", {
  hard <- fit_coins(equal = "prop", start = list(prob = c(0.6, 0.5)), control = em_control(estep = "hard"))
  expect_input_error(vcov(hard), "object", "hard E-step")
  expect_input_error(confint(hard), "object", "hard E-step")
  fit <- fit_coins()
  expect_input_error(vcov(fit, type = "jackknife"), "type")
  expect_input_error(vcov(fit, scale = "log"), "scale")
  expect_input_error(vcov(fit, complete = NA), "complete")
  expect_input_error(vcov(fit, bogus = 1), "bogus")
  fit$core$theta <- NULL
  expect_object_error(vcov(fit))
})

test_that("a saved fit answers as the fit", {
  fit <- emix(height ~ 1, data = heights, k = 2, equal = "sd", weights = rep(1:2, 467))
  path <- tempfile()
  on.exit(unlink(path))
  saveRDS(fit, path)
  expect_identical(vcov(readRDS(path), "sandwich"), vcov(fit, "sandwich"))
})

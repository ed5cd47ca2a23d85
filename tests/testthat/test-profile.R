# Profile likelihood: limits against closed forms and brute force, and laws.

z2 <- qchisq(0.95, 1)
profile_of <- function(fit, ...) confint(fit, method = "profile", ...)
quiet <- function(code) {
  withCallingHandlers(code, emix_warning_limit = function(w) invokeRestart("muffleWarning"))
}

test_that("one normal component: the closed forms", {
  x <- c(2.1, 3.4, 1.2, 5.6, 4.4, 3.3, 2.2)
  w <- c(1, 2, 1, 1, 3, 1, 2)
  for (weights in list(NULL, w)) {
    v <- if (is.null(weights)) rep(1, 7) else weights
    n <- sum(v)
    m <- sum(v * x) / n
    s <- sqrt(sum(v * (x - m)^2) / n)
    limits <- profile_of(emix(x, k = 1, weights = weights))
    # The t type: the sd is maximised out.
    expect_near(limits["mean.1", ], m + c(-1, 1) * s * sqrt(expm1(z2 / n)), 1e-9)
    fall <- function(t) 2 * n * (log(t / s) + (s^2 / t^2 - 1) / 2) - z2
    expect_near(limits["sd.1", ], c(uniroot(fall, c(s / 9, s), tol = 1e-13)$root, uniroot(fall, c(s, s * 9), tol = 1e-13)$root), 1e-8)
    expect_true(all(is.na(limits["prop.1", ])))
    # Rows that hardly count leave limits far out.
    light <- profile_of(emix(x, k = 1, weights = v * 0.06 / n))
    expect_near((light["mean.1", ] - m) / s / sqrt(expm1(z2 / 0.06)), c(-1, 1), 1e-8)
    known <- emix(x, k = 1, weights = weights, fixed = list(sd = 1.5))
    expect_near(profile_of(known)["mean.1", ], m + c(-1, 1) * 1.5 * sqrt(z2 / n), 1e-9)
  }
})

test_that("one binomial component: the exact likelihood ratio interval, from a boundary too", {
  fit <- emix(cbind(c(3, 5), c(7, 6)), k = 1, family = "binomial")
  fall <- function(p) 2 * (dbinom(8, 21, 8 / 21, TRUE) - dbinom(8, 21, p, TRUE)) - z2
  expected <- c(uniroot(fall, c(1e-3, 8 / 21), tol = 1e-13)$root, uniroot(fall, c(8 / 21, 0.999), tol = 1e-13)$root)
  expect_near(profile_of(fit)["prob.1", ], expected, 1e-9)
  none <- emix(cbind(0, 20), k = 1, family = "binomial")
  expect_warning(limits <- profile_of(none), "lower of prob.1", class = "emix_warning_limit")
  expect_near(limits["prob.1", ], c(0, -expm1(-z2 / 40)), 1e-9)
  all <- emix(cbind(20, 0), k = 1, family = "binomial")
  expect_warning(limits <- profile_of(all), "upper of prob.1", class = "emix_warning_limit")
  expect_near(limits["prob.1", ], c(exp(-z2 / 40), 1), 1e-9)
  # a - 1 successes and b - 1 failures beforehand
  prior <- emix(cbind(c(3, 5), c(7, 6)), k = 1, family = "binomial", prior = em_prior(prob = c(3, 5)))
  more <- emix(cbind(10, 17), k = 1, family = "binomial")
  expect_near(profile_of(prior), profile_of(more), 1e-8)
})

test_that("all limits of a mixture by a grid and root finding on the oracle's profile", {
  set.seed(10)
  x <- c(rnorm(20), rnorm(15, 5, 1.4))
  s <- rbinom(25, 12, rep(c(0.2, 0.7), c(14, 11)))
  check <- function(fit, x, oracle) {
    limits <- profile_of(fit)
    errors <- sqrt(diag(vcov(fit)))
    for (i in setdiff(seq_along(errors), 2)) {
      brute <- vapply(c(-1, 1), function(side) brute_limit(fit, i, side, 0.95, x, oracle, step = errors[i] / 2), 0)
      expect_lt(max(abs(limits[i, ] - brute) / errors[i]), 1e-6)
    }
  }
  check(emix(x, k = 2), x, oracle_normal)
  check(emix(cbind(s, 12 - s), k = 2, family = "binomial"), cbind(s, 12 - s), oracle_binomial)
})

test_that("normal mixtures against brute force", {
  set.seed(11)
  x <- c(rnorm(30), rnorm(25, 4, 1.4))
  n <- length(x)
  w <- sample(1:3, n, TRUE) + 0
  labels <- replace(rep(NA, n), c(1:4, 40:42), rep(1:2, c(4, 3)))
  expect_profile(emix(x, k = 2), x, oracle_normal)
  expect_profile(emix(x, k = 2), x, oracle_normal, level = 0.8, which = 3:5)
  expect_profile(emix(x, k = 2, equal = "sd"), x, oracle_normal, equal = "sd")
  expect_profile(emix(x, k = 2, equal = "prop"), x, oracle_normal, equal = "prop")
  expect_profile(emix(x, k = 2, fixed = list(prop = c(0.5, NA))), x, oracle_normal, fixed = list(prop = c(0.5, 0.5)))
  expect_profile(emix(x, k = 2, fixed = list(mean = c(0, NA))), x, oracle_normal, fixed = list(mean = c(0, NA)))
  expect_profile(emix(x, k = 2, weights = w), x, oracle_normal, weights = w)
  expect_profile(emix(x, k = 2, labels = labels), x, oracle_normal, labels = labels)
  prior <- list(prop = 2, mean = 2, shrinkage = 0.5, df = 3, scale = 2)
  expect_profile(emix(x, k = 2, prior = do.call(em_prior, prior)), x, oracle_normal, prior = prior)
  expect_profile(emix(x, k = 2, equal = "sd", prior = do.call(em_prior, prior)), x, oracle_normal, prior = prior, equal = "sd")
})

test_that("a common mean, and three components with a held proportion, against brute force", {
  set.seed(12)
  x <- c(rnorm(60), rnorm(40, 0, 6))
  expect_profile(emix(x, k = 2, equal = "mean"), x, oracle_normal, equal = "mean")
  y <- c(rnorm(20), rnorm(20, 5), rnorm(20, 10))
  fit <- emix(y, k = 3, start = list(mean = c(0, 5, 10)), fixed = list(prop = c(0.3, NA, NA)), equal = "sd")
  expect_profile(fit, y, oracle_normal, fixed = list(prop = c(0.3, NA, NA)), equal = "sd", which = c(1, 2, 3, 5, 6, 7))
})

test_that("binomial mixtures against brute force", {
  set.seed(13)
  s <- rbinom(40, 15, rep(c(0.2, 0.7), c(22, 18)))
  x <- cbind(s, 15 - s)
  w <- rexp(40) + 0.2
  labels <- replace(rep(NA, 40), c(1:3, 30:31), rep(1:2, c(3, 2)))
  expect_profile(emix(x, k = 2, family = "binomial"), x, oracle_binomial)
  expect_profile(emix(x, k = 2, family = "binomial", equal = "prop"), x, oracle_binomial, equal = "prop")
  expect_profile(emix(x, k = 2, family = "binomial", weights = w), x, oracle_binomial, weights = w)
  expect_profile(emix(x, k = 2, family = "binomial", labels = labels), x, oracle_binomial, labels = labels)
  expect_profile(emix(x, k = 2, family = "binomial", fixed = list(prob = c(0.2, NA))), x, oracle_binomial,
    fixed = list(prob = c(0.2, NA)))
  expect_profile(emix(x, k = 2, family = "binomial", prior = em_prior(prop = 3, prob = c(2, 3))), x, oracle_binomial,
    prior = list(prop = 3, prob = c(2, 3)))
})

test_that("the coins: limits that exist, against brute force, and those that do not", {
  half <- emix(cbind(heads, tails) ~ 1, data = coins, k = 2, family = "binomial", equal = "prop")
  expect_warning(limits <- profile_of(half), "lower of prob.2.*3.84 would be needed", class = "emix_warning_limit")
  expect_identical(limits["prob.2", 1], 0)
  expect_identical(limits["prob.1", 2], 1)
  brute <- c(brute_limit(half, 3, -1, 0.95, coin_tosses, oracle_binomial, equal = "prop", step = 0.05),
    brute_limit(half, 4, 1, 0.95, coin_tosses, oracle_binomial, equal = "prop", step = 0.05))
  expect_near(c(limits["prob.1", 1], limits["prob.2", 2]), brute, 1e-6)
  # One coin is only 0.97 / 2 lower: nothing can be limited at 95 %, but it can at 50 %.
  free <- emix(cbind(heads, tails) ~ 1, data = coins, k = 2, family = "binomial")
  limits <- quiet(profile_of(free))
  expect_identical(unname(limits), cbind(rep(0, 4), rep(1, 4)))
  expect_profile(free, coin_tosses, oracle_binomial, level = 0.5)
})

test_that("heights: profile and Wald limits come together where rows are many", {
  fit <- emix(height ~ 1, data = heights, k = 2, equal = "sd")
  expect_profile(fit, heights$height, oracle_normal, equal = "sd", which = c(1, 3, 5))
  expect_lt(max(abs(profile_of(fit) - confint(fit))[-(1:2), ]), 0.1)
  # At n = 100 one group is 1.15 lower: deviance 2.3 at most, but for the common sd.
  class <- emix(heights_class, k = 2, equal = "sd")
  warned <- character()
  limits <- withCallingHandlers(profile_of(class), emix_warning_limit = function(w) {
    warned <<- c(warned, conditionMessage(w))
    invokeRestart("muffleWarning")
  })
  expect_identical(unname(limits[1:4, ]), cbind(c(0, 0, -Inf, -Inf), c(1, 1, Inf, Inf)))
  expect_match(paste(warned, collapse = " "), "mean.1.*mean.2")
  expect_true(all(limits[5, ] > 4 & limits[5, ] < 12))
  one <- emix(heights_class, k = 1)
  # Beyond the sd of all rows there is only one group left: its limit is that of one.
  n <- 100
  s <- one$parameters$sd
  fall <- function(t) 2 * (class$loglik - one$loglik) + 2 * n * (log(t / s) + (s^2 / t^2 - 1) / 2) - z2
  expect_near(limits[5, 2], uniroot(fall, c(s, 3 * s), tol = 1e-12)$root, 1e-8)
})

test_that("a refit higher than the fit is said, and leads to the higher maximum", {
  set.seed(5)
  x <- c(rnorm(20), rnorm(20, 3), rnorm(12, 6))
  low <- emix(x, k = 2, start = list(mean = c(0, 5)))
  warning <- tryCatch(profile_of(low), emix_warning_maximum = identity)
  expect_s3_class(warning, c("emix_warning_maximum", "emix_warning"))
  again <- emix(x, k = 2, start = warning$parameters)
  expect_near(again$loglik, warning$objective, 1e-7)
  expect_gt(again$loglik, low$loglik + 0.1)
  limits <- suppressWarnings(profile_of(low))
  expect_true(anyNA(limits))
  p <- suppressWarnings(profile(low))
  expect_true(all(p$loglik <= low$loglik + 1e-6))
  # The highest maximum has all of them.
  expect_no_warning(expect_false(anyNA(profile_of(again))))
})

test_that("where a component would collapse there is no limit, and no error", {
  x <- c(1, 1, 1, 1.5, 2, 3, 5, 8, 13, 13)
  fit <- suppressWarnings(emix(x, k = 2, start = list(mean = c(2, 10))))
  warned <- character()
  limits <- withCallingHandlers(profile_of(fit), warning = function(w) {
    warned <<- c(warned, class(w)[1])
    invokeRestart("muffleWarning")
  })
  expect_true("emix_warning_limit" %in% warned)
  inside <- limits[, 1] <= coef(fit) & coef(fit) <= limits[, 2]
  expect_true(all(inside[!is.na(inside)]))
})

test_that("proportions of zero and one have no profile, other parameters do", {
  # A component without rows: a row's weight is all it could have.
  x <- cbind(c(5, 5, 6, 4, 5), 5)
  fit <- suppressWarnings(emix(x, k = 2, family = "binomial", fixed = list(prob = c(0.5, 0.999)), labels = rep(NA, 5)))
  expect_identical(unname(fit$parameters$prop), c(1, 0))
  expect_warning(limits <- profile_of(fit), "prop.1 and prop.2", class = "emix_warning_boundary")
  expect_true(all(is.na(limits)))
  # A probability of zero beside another: the other has limits, and this one an upper limit.
  s <- c(0, 0, 0, 5, 6, 5)
  fit <- emix(cbind(s, 10 - s), k = 2, family = "binomial")
  limits <- quiet(profile_of(fit))
  expect_identical(limits["prob.1", 1], 0)
  expect_true(limits["prob.1", 2] > 0.01 && limits["prob.1", 2] < 0.2)
  expect_true(all(limits["prob.2", ] > 0.2 & limits["prob.2", ] < 0.8))
  f <- function(p) oracle_climb(list(prop = c(0.5, 0.5), prob = c(p, 0.53)), cbind(s, 10 - s), oracle_binomial,
    fixed = list(prob = c(p, NA)))$objective
  expect_near(2 * (fit$loglik - f(limits["prob.1", 2])), z2, 1e-6)
})

test_that("units and origin, order of rows, rows and weights", {
  set.seed(14)
  x <- c(rnorm(40), rnorm(30, 5, 1.5))
  right <- profile_of(emix(x, k = 2))
  for (scale in c(1e-150, 1e-3, 1e12, 1e150)) {
    limits <- profile_of(emix(x * scale, k = 2))
    expect_near(limits[1:2, ], right[1:2, ], 1e-8)
    expect_near(limits[3:6, ] / scale, right[3:6, ], 1e-8)
  }
  moved <- profile_of(emix(x + 1e6, k = 2))
  expect_near(moved[3:4, ] - 1e6, right[3:4, ], 1e-7)
  expect_near(moved[5:6, ], right[5:6, ], 1e-7)
  expect_near(profile_of(emix(rev(x), k = 2)), right, 1e-8)
  three <- profile_of(emix(rep(x, 3), k = 2))
  expect_near(profile_of(emix(x, k = 2, weights = rep(3, 70))), three, 1e-8)
  mirrored <- profile_of(emix(-x, k = 2))
  expect_near(-mirrored[4:3, 2:1], right[3:4, ], 1e-8)
})

test_that("every point is the highest with its value, in random problems", {
  skip_on_cran() # takes long
  for (seed in 1:20) {
    problem <- random_problem(seed)
    a <- problem$args
    fit <- run_problem(problem)
    p <- tryCatch(suppressWarnings(profile(fit, level = 0.9, points = 2)), emix_error_input = function(e) NULL)
    if (is.null(p)) next
    at <- match(names(coef(fit)), names(p))
    for (row in unique(round(seq(1, nrow(p), length.out = 7)))) {
      values <- lapply(split(unlist(p[row, at], use.names = FALSE), rep(seq_along(fit$parameters), each = a$k)), identity)
      names(values) <- names(fit$parameters)
      height <- oracle_objective(problem$x, values, problem$oracle, a$weights, a$labels, a$equal, problem$prior)
      # Held parameters have no part in the fit's prior, but in the oracle's: a constant.
      expect_near(height - problem_objective(problem, fit), p[[4]][row] - fit$objective, 1e-7)
      if (fit$convergence$flat) next
      name <- p$parameter[row]
      i <- if (name %in% names(coef(fit))) match(name, names(coef(fit))) else match(paste0(name, ".", fit$components[1]), names(coef(fit)))
      held <- oracle_hold(values, i, p$value[row], a$fixed, a$equal)
      top <- oracle_top(list(parameters = held$parameters), problem$x, problem$oracle, a$weights, a$labels, fixed = held$fixed, equal = a$equal,
        prior = problem$prior)
      # Where components coincide there is a direction without curvature, of which no step is known.
      if (is.na(top$decrement)) {
        bent <- eigen(-top$hessian, symmetric = TRUE)
        live <- bent$values > 1e-9 * bent$values[1]
        top$decrement <- sum(crossprod(bent$vectors, top$gradient)[live]^2 / bent$values[live]) / 2
        expect_lt(max(abs(top$gradient)), 1e-6)
      }
      expect_lt(abs(top$decrement), 1e-6, label = sprintf("what %s of %s leaves to gain", name, name_problem(seed, problem)))
    }
  }
})

test_that("profile(): rows and columns", {
  fit <- emix(faithful$waiting, k = 2, equal = "sd")
  p <- profile(fit)
  expect_s3_class(p, c("em_profile", "data.frame"))
  expect_identical(unique(p$parameter), c("prop.1", "prop.2", "mean.1", "mean.2", "sd"))
  expect_identical(names(p), c("parameter", "value", "root", "loglik", names(coef(fit))))
  for (name in unique(p$parameter)) {
    rows <- p[p$parameter == name, ]
    expect_true(all(diff(rows$value) > 0) && all(diff(rows$root) > 0))
    expect_near(range(rows$root), qnorm(c(0.005, 0.995)), 1e-6)
    expect_near(sum(rows$root == 0), 1)
    expect_near(rows$value[rows$root == 0], coef(fit)[if (name == "sd") "sd.1" else name], 1e-7)
  }
  expect_near(p$loglik, fit$loglik - p$root^2 / 2, 1e-9)
  expect_identical(p$sd.1, p$sd.2)
  expect_identical(profile(fit, "sd")$value, p$value[p$parameter == "sd"])
  expect_identical(names(profile(emix(faithful$waiting, k = 2, prior = "default"), 3))[4], "objective")
  expect_gt(nrow(profile(fit, 3, points = 40)), 70)
})

test_that("limits of a profile are those of the fit, but for interpolation", {
  fit <- emix(faithful$waiting, k = 2)
  p <- profile(fit)
  limits <- confint(p, level = 0.9)
  right <- profile_of(fit, level = 0.9)
  expect_identical(dimnames(limits), dimnames(right))
  expect_lt(max(abs(limits - right) / (right[, 2] - right[, 1])), 1e-3)
  expect_identical(confint(p, "mean.2", level = 0.9), limits["mean.2", , drop = FALSE])
  expect_true(all(is.na(confint(p, level = 0.9999))))
})

test_that("pictures", {
  grDevices::pdf(NULL)
  on.exit(grDevices::dev.off())
  fit <- emix(faithful$waiting, k = 2)
  p <- profile(fit)
  before <- graphics::par("mfrow", "mar")
  expect_identical(plot(p), p)
  expect_identical(graphics::par("mfrow", "mar"), before)
  plot(profile(fit, "mean.1"), "deviance", levels = 0.95, ylim = c(0, 9))
  coin <- emix(cbind(heads, tails) ~ 1, data = coins, k = 2, family = "binomial")
  expect_silent(plot(quiet(profile(coin))))
  expect_input_error(plot(p, "bogus"), "type")
  expect_input_error(plot(p, levels = 95), "levels")
})

test_that("many continuous rows: nodes and rows agree", {
  set.seed(15)
  x <- c(rnorm(6e4), rnorm(4e4, 4, 1.5))
  start <- list(mean = c(0, 4))
  fit <- emix(x, k = 2, start = start)
  rows <- emix(x, k = 2, start = start, control = em_control(condense = "none"))
  right <- profile_of(rows, "mean")
  expect_lt(max(abs(profile_of(fit, "mean") - right) / (right[, 2] - right[, 1])), 1e-7)
  expect_identical(profile_of(emix(x, k = 2, start = start, control = em_control(threads = 1)), "mean"), profile_of(fit, "mean"))
})

test_that("textbook iterates and loose tolerances do not make limits worse", {
  right <- profile_of(emix(faithful$waiting, k = 2))
  for (control in list(em_control(accelerate = FALSE), em_control(tol = 1e-2), em_control(condense = "none"))) {
    expect_near(profile_of(emix(faithful$waiting, k = 2, control = control)), right, 1e-7)
  }
  early <- emix_steps(faithful$waiting, 3, k = 2)
  expect_warning(limits <- profile_of(early), class = "emix_warning_iterations")
  expect_near(limits, right, 1e-7)
})

test_that("what cannot be is an error", {
  fit <- emix(faithful$waiting, k = 2)
  expect_input_error(profile_of(fit, type = "sandwich"), "type")
  expect_input_error(profile(fit, "median"), "which")
  expect_input_error(profile(fit, level = 1), "level")
  expect_input_error(profile(fit, points = 0), "points")
  expect_input_error(profile(fit, bogus = 1), "bogus")
  expect_input_error(confint(profile(fit, "sd"), "mean.1"), "parm")
  hard <- emix(faithful$waiting, k = 2, control = em_control(estep = "hard"))
  expect_input_error(profile_of(hard), "object", "hard E-step")
  expect_input_error(profile(hard), "fitted", "hard E-step")
  fixed <- emix(faithful$waiting, k = 2, fixed = list(prop = c(0.4, 0.6), mean = c(55, 80), sd = c(6, 6)))
  expect_true(all(is.na(profile_of(fixed))))
  expect_input_error(profile(fixed), "which")
  fit$core <- NULL
  expect_object_error(profile(fit))
})

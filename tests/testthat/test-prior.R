# Posterior modes: closed forms by hand, a direct maximisation of the documented log posterior, and
# the laws that a prior has to obey. Fraley & Raftery (2007), Journal of Classification 24, 155-181.

waiting <- faithful$waiting
eruptions <- faithful$eruptions

# The maximum of the documented log posterior from `fit`, found by nlm() and Newton's steps on the
# oracle's chart: parameters, and the objective there.
direct_mode <- function(x, oracle, start, prior, equal = NULL, weights = NULL) {
  chart <- oracle_chart(start, oracle, NULL, equal)
  f <- function(v) oracle_objective(x, chart$parameters(v), oracle, weights, NULL, equal, prior)
  fall <- function(v) -f(v)
  v <- stats::nlm(fall, chart$at, gradtol = 1e-9, steptol = 1e-12, iterlim = 500)$estimate
  for (turn in 1:3) v <- v - solve(numeric_hessian(f, v), numeric_gradient(f, v))
  list(parameters = chart$parameters(v), objective = f(v))
}

test_that("one normal component: the mode in closed form", {
  n <- 272
  cases <- list(
    list(oracle_default_prior(waiting, 1), em_prior()),
    list(list(mean = 80, shrinkage = 25, df = 3, scale = 36), NULL),
    list(list(mean = 0, shrinkage = 0, df = 0, scale = 0), NULL),
    list(list(mean = 100, shrinkage = 1, df = 50, scale = 1e4), NULL)
  )
  for (case in cases) {
    p <- case[[1]]
    prior <- if (is.null(case[[2]])) do.call(em_prior, p) else case[[2]]
    fit <- emix(waiting, k = 1, prior = prior)
    mean <- (sum(waiting) + p$shrinkage * p$mean) / (n + p$shrinkage)
    squares <- sum((waiting - mean)^2) + p$shrinkage * (mean - p$mean)^2 + p$scale
    sd <- sqrt(squares / (n + p$df + 3))
    expect_near(fit$parameters, c(1, mean, sd), 1e-13)
    expect_true(fit$converged)
    # Equal sd: of one component there is but one, with its own log once all the same.
    shared <- emix(waiting, k = 1, prior = prior, equal = "sd")
    expect_near(shared$parameters, c(1, mean, sd), 1e-13)
  }
})

test_that("one binomial component: successes and failures beforehand", {
  for (prob in list(c(1.5, 1.5), c(3, 1), c(1, 7.25))) {
    fit <- emix(coin_tosses, k = 1, family = "binomial", prior = em_prior(prob = prob))
    expect_near(fit$parameters$prob, (33 + prob[1] - 1) / (50 + sum(prob) - 2), 1e-14)
  }
  fit <- emix(coin_tosses, k = 1, family = "binomial", prior = "default")
  expect_near(fit$parameters$prob, 33.5 / 51, 1e-14)
})

test_that("labelled rows: Dirichlet, beta and normal-inverse-gamma by hand", {
  known <- emix(cbind(heads, tails) ~ 1, data = coins, family = "binomial", labels = coin,
    prior = em_prior(prop = c(3, 2), prob = c(2, 4)))
  expect_near(known$parameters$prop, c(3 + 2, 2 + 1) / (5 + 3), 1e-14)
  expect_near(known$parameters$prob, c((24 + 1) / (30 + 4), (9 + 1) / (20 + 4)), 1e-14)
  one <- emix(cbind(heads, tails) ~ 1, data = coins, family = "binomial", labels = coin,
    prior = em_prior("flat", prop = 4))
  expect_near(one$parameters$prop, c(6, 5) / 11, 1e-14)
  expect_near(one$parameters$prob, c(24 / 30, 9 / 20), 1e-14)

  x <- c(1, 2, 4, 10, 12, 17, 13)
  g <- rep(1:2, c(3, 4))
  p <- list(mean = 5, shrinkage = 2, df = 4, scale = 3)
  mean <- c((7 + 10) / 5, (52 + 10) / 6)
  squares <- c(sum((x[1:3] - mean[1])^2), sum((x[4:7] - mean[2])^2)) + 2 * (mean - 5)^2
  own <- emix(x, k = 2, labels = g, prior = do.call(em_prior, p))
  expect_near(own$parameters$mean, mean, 1e-14)
  expect_near(own$parameters$sd, sqrt((squares + 3) / (c(3, 4) + 4 + 3)), 1e-14)
  # A shared one: its scale once, over df + 2 rows; each mean adds its own.
  shared <- emix(x, k = 2, labels = g, prior = do.call(em_prior, p), equal = "sd")
  expect_near(shared$parameters$sd, rep(sqrt((sum(squares) + 3) / (7 + 4 + 2 + 2)), 2), 1e-14)
})

test_that("a mixture's mode is the maximum of the documented log posterior", {
  given <- list(mean = 3, shrinkage = 0.5, df = 5, scale = 0.3)
  for (k in 2:3) {
    for (equal in list(NULL, "sd", "mean", "prop", c("prop", "sd"))) {
      for (p in list(NULL, given, c(given, prop = 2.5))) {
        if (k == 3 && identical(equal, "mean")) next
        # One mean: two spreads about 3.
        x <- if ("mean" %in% equal) 3 + c(qnorm(ppoints(60)), 4 * qnorm(ppoints(60))) else eruptions
        numbers <- if (is.null(p)) oracle_default_prior(x, k) else p
        prior <- if (is.null(p)) em_prior() else do.call(em_prior, p)
        start <- list(mean = seq(2, 4.3, length.out = k), sd = seq(0.4, 1.9, length.out = k))
        fit <- emix(x, k = k, equal = equal, prior = prior, start = start)
        expect_true(fit$converged)
        mode <- direct_mode(x, oracle_normal, fit$parameters, numbers, equal)
        expect_near(fit$parameters, mode$parameters, 1e-7)
      }
    }
  }
})

test_that("a component that no row wants: still a fit that can be asked", {
  fit <- suppressWarnings(emix(eruptions, k = 2, equal = "mean", prior = em_prior(),
    start = list(mean = c(2, 4.3), sd = c(0.4, 0.9))), classes = "emix_warning_spurious")
  expect_sound(fit)
})

test_that("binomial mixtures: the mode of beta and Dirichlet", {
  x <- cbind(c(0, 1, 2, 9, 8, 10, 0, 5), 10 - c(0, 1, 2, 9, 8, 10, 0, 5))
  for (p in list(list(prob = c(1.5, 1.5)), list(prob = c(1, 3), prop = 2),
    list(prob = c(4, 1), prop = c(1, 5)))) {
    fit <- emix(x, k = 2, family = "binomial", prior = do.call(em_prior, p),
      start = list(prob = c(0.2, 0.8)))
    expect_true(fit$converged)
    mode <- direct_mode(x, oracle_binomial, fit$parameters, p)
    expect_near(fit$parameters, mode$parameters, 1e-7)
    expect_near(fit$objective, mode$objective, 1e-10)
    expect_true(all(fit$parameters$prob > 0 & fit$parameters$prob < 1))
  }
})

test_that("logLik is the likelihood; the objective adds the documented log prior", {
  for (x in list(eruptions, waiting, waiting * 1000, eruptions / 64)) {
    for (equal in list(NULL, "sd")) {
      fit <- emix(x, k = 2, prior = em_prior(), equal = equal)
      expect_near(fit$loglik, oracle_loglik(x, fit$parameters, oracle_normal), 1e-12)
      expect_identical(as.numeric(logLik(fit)), fit$loglik)
      expect_near(fit$objective, oracle_objective(x, fit$parameters, oracle_normal, equal = equal,
        prior = oracle_default_prior(x, 2)), 1e-11)
      expect_equal(AIC(fit), -2 * fit$loglik + 2 * fit$df)
      expect_output(print(fit), "log posterior (without constants)", fixed = TRUE)
    }
  }
  fit <- emix(coin_tosses, k = 2, family = "binomial", prior = em_prior(prop = 2, prob = c(2, 3)))
  expect_near(fit$objective, oracle_objective(coin_tosses, fit$parameters, oracle_binomial,
    prior = list(prop = 2, prob = c(2, 3))), 1e-12)
  expect_identical(emix(waiting, k = 2)$objective, emix(waiting, k = 2)$loglik)
})

test_that("a flat prior is maximum likelihood, exactly, from many starts too", {
  for (prior in list("flat", em_prior("flat"), em_prior("flat", prop = 1),
    em_prior("flat", prop = c(1, 1)))) {
    for (equal in list(NULL, "sd", "prop")) {
      expect_identical(answer(emix(waiting, k = 2, equal = equal, prior = prior)),
        answer(emix(waiting, k = 2, equal = equal)))
    }
    expect_identical(answer(emix(coin_tosses, k = 2, family = "binomial", prior = prior)),
      answer(emix(coin_tosses, k = 2, family = "binomial")))
  }
  expect_identical(
    answer(emix(coin_tosses, k = 2, family = "binomial", prior = em_prior(prob = c(1, 1)))),
    answer(emix(coin_tosses, k = 2, family = "binomial")))
})

test_that("the default prior moves a good fit little", {
  fit <- emix(waiting, k = 2)
  map <- emix(waiting, k = 2, prior = "default")
  expect_lt(max(abs(coef(map) - coef(fit))), 0.2)
  expect_identical(answer(emix(waiting, k = 2, prior = em_prior("default"))), answer(map))
  expect_equal(map$df, fit$df)
  expect_lte(map$loglik, fit$loglik)
})

test_that("the prior goes with the data's units", {
  map <- emix(eruptions, k = 2, prior = "default")
  for (scale in c(1e-100, 2^-20, 60, 1e100)) {
    moved <- emix(eruptions * scale, k = 2, prior = "default")
    expect_near(moved$parameters$mean / scale, map$parameters$mean, 1e-9)
    expect_near(moved$parameters$sd / scale, map$parameters$sd, 1e-9)
    expect_near(moved$parameters$prop, map$parameters$prop, 1e-9)
  }
  given <- em_prior(mean = 200, shrinkage = 3, df = 4, scale = 900)
  minutes <- emix(eruptions * 60, k = 2, prior = given)
  own <- emix(eruptions, k = 2, prior = em_prior(mean = 200 / 60, shrinkage = 3, df = 4,
    scale = 900 / 3600))
  expect_near(minutes$parameters$mean / 60, own$parameters$mean, 1e-9)
  far <- emix(round(eruptions, 3) + 1e8, k = 2, prior = "default")
  expect_near(far$parameters$sd, emix(round(eruptions, 3), k = 2, prior = "default")$parameters$sd,
    1e-6)
})

test_that("a weight is a number of rows to the prior too", {
  w <- rep(1:4, 68)
  for (prior in list("default", em_prior(mean = 70, shrinkage = 5, df = 3, scale = 30))) {
    a <- emix(waiting, k = 2, prior = prior, weights = w)
    b <- emix(rep(waiting, w), k = 2, prior = prior)
    expect_near(coef(a), coef(b), 1e-9)
    expect_near(a$loglik, b$loglik, 1e-11)
    c <- emix(c(waiting, 1e3), k = 2, prior = prior, weights = c(w, 0))
    expect_near(coef(c), coef(a), 1e-9)
  }
})

test_that("a prior removes collapse: two values, ties, outliers, more components than values", {
  for (x in list(c(1, 1, 1, 1, 2, 3, 5, 8, 13), rep(c(1, 5), 10), c(rep(0, 30), 1:10),
    c(qnorm(ppoints(40)), 50), c(1, 1, 1, 2))) {
    for (k in 1:3) {
      fit <- emix(x, k = k, prior = em_prior())
      expect_sound(fit)
      expect_true(fit$converged)
      expect_gt(min(fit$parameters$sd), 1e-3)
    }
  }
  # Proportions too, where asked.
  fit <- emix(qnorm(ppoints(50)), k = 2, fixed = list(mean = c(0, 10), sd = c(1, 1)),
    prior = em_prior(prop = 2))
  expect_near(fit$parameters$prop, c(51, 1) / 52, 1e-9)
  none <- emix(cbind(c(0, 0, 9, 10), c(10, 10, 1, 0)), k = 2, family = "binomial",
    prior = em_prior())
  expect_identical(none$convergence$boundary, character())
})

test_that("rows of one value have a mode where the prior has a scale", {
  fit <- emix(rep(3, 20), k = 1, prior = em_prior(scale = 2))
  expect_near(fit$parameters, c(1, 3, sqrt(2 / (20 + 3 + 3))), 1e-13)
  one <- emix(7, k = 1, prior = em_prior(mean = 7, scale = 2, df = 0))
  expect_near(one$parameters, c(1, 7, sqrt(2 / (1 + 3))), 1e-13)
  # By default the scale is their variance, which is zero.
  expect_error(emix(rep(3, 20), k = 1, prior = em_prior()), class = "emix_error_degenerate")
})

test_that("parameters held on the boundary have no part in the prior", {
  x <- cbind(c(0, 0, 0, 5, 6, 5), 10 - c(0, 0, 0, 5, 6, 5))
  for (args in list(list(k = 2, fixed = list(prob = c(0, NA)), prior = em_prior()),
    list(k = 3, fixed = list(prop = c(0, NA, NA)), prior = em_prior(prop = 2)))) {
    fit <- do.call(emix, c(list(x, family = "binomial"), args))
    parameters <- lapply(fit$parameters, unname)
    expect_near(fit$loglik, oracle_loglik(x, parameters, oracle_binomial), 1e-12)
    expect_gt(fit$objective, -1e3)
  }
})

test_that("a mode that rounds to 0 or 1 keeps its likelihood", {
  x <- cbind(c(0, 1e15), c(1e15, 0))
  fit <- emix(x, k = 2, family = "binomial", prior = em_prior(), weights = c(100, 100))
  expect_near(fit$parameters$prob, c(0, 1), 1e-15)
  expect_near(fit$loglik, 200 * log(0.5) - 100 * 0.5 / 100, 0.01)
})

test_that("update() keeps a prior, changes it, and takes it away", {
  map <- emix(waiting, k = 2, prior = em_prior())
  expect_near(coef(update(map)), coef(map), 1e-12)
  expect_near(coef(update(map, k = 1)), coef(emix(waiting, k = 1, prior = em_prior())), 1e-12)
  expect_near(coef(update(map, prior = NULL)), coef(emix(waiting, k = 2)), 1e-9)
  expect_near(coef(update(emix(waiting, k = 2), prior = "default")), coef(map), 1e-9)
})

test_that("em_prior()'s arguments have ranges", {
  numbers <- list("1", TRUE, list(2), factor(1), mean, NA_real_, NaN, Inf, -1)
  for (bad in c(numbers, 0.5, 0, list(c(1, NA)), list(c(2, 0.9)), list(numeric()))) {
    expect_input_error(em_prior(prop = bad), "prop")
  }
  for (bad in c(numbers, 2, list(1:3), list(c(1, 0.5)), list(c(NA, 2)), list(c(1, Inf)))) {
    expect_input_error(em_prior(prob = bad), "prob")
  }
  for (bad in list("1", TRUE, list(2), NA_real_, NaN, Inf, c(1, NA), numeric())) {
    expect_input_error(em_prior(mean = bad), "mean")
  }
  expect_input_error(emix(1:9, k = 1, prior = em_prior(mean = c(1, 2))), "prior$mean")
  expect_input_error(emix(1:9, k = 1, prior = em_prior(scale = diag(2))), "prior$scale")
  for (name in c("shrinkage", "df", "scale")) {
    for (bad in c(numbers, list(1:2), list(numeric()))) {
      expect_input_error(do.call(em_prior, stats::setNames(list(bad), name)), name)
    }
  }
  for (bad in list("jeffreys", NA, NULL, 1, c("default", "flat"))) {
    expect_input_error(em_prior(bad), "type")
  }
  expect_s3_class(em_prior(), "em_prior")
  expect_output(print(em_prior(prop = 2, scale = 3)), "prop = 2, scale = 3")
})

test_that("what is not given of a prior comes from its type", {
  p <- oracle_default_prior(waiting, 1)
  part <- emix(waiting, k = 1, prior = em_prior(mean = 50, shrinkage = 20))
  mean <- (sum(waiting) + 20 * 50) / 292
  expect_near(part$parameters$mean, mean, 1e-13)
  expect_near(part$parameters$sd,
    sqrt((sum((waiting - mean)^2) + 20 * (mean - 50)^2 + p$scale) / (272 + 6)), 1e-13)
  # Flat in the means: no row at `mean` beforehand.
  flat <- emix(waiting, k = 1, prior = em_prior("flat", mean = 0, df = 3, scale = 36))
  expect_near(flat$parameters$mean, mean(waiting), 1e-13)
  # Flat in all but the proportions.
  x <- c(1, 2, 4, 10, 12, 17, 13)
  fit <- emix(x, k = 2, labels = rep(1:2, c(3, 4)), prior = em_prior("flat", prop = 3))
  expect_near(fit$parameters$prop, c(5, 6) / 11, 1e-14)
  expect_near(fit$parameters$mean, c(mean(x[1:3]), mean(x[4:7])), 1e-14)
  expect_near(fit$parameters$sd[1], sqrt(mean((x[1:3] - mean(x[1:3]))^2)), 1e-14)
})

test_that("a prior that does not fit its family, or is none", {
  for (bad in list("jeffreys", 3, list(), TRUE, mean, list(type = "flat"))) {
    expect_input_error(emix(waiting, k = 2, prior = bad), "prior")
  }
  expect_input_error(emix(waiting, k = 2, prior = em_prior(prob = c(2, 2))), "prior")
  for (name in c("mean", "shrinkage", "df", "scale")) {
    strange <- do.call(em_prior, stats::setNames(list(1), name))
    expect_input_error(emix(coin_tosses, k = 2, family = "binomial", prior = strange), "prior")
  }
  expect_input_error(emix(waiting, k = 2, prior = em_prior(prop = 1:3)), "prior")
  changed <- em_prior()
  changed$shrinkage <- -1
  expect_error(emix(waiting, k = 2, prior = changed), class = "emix_error_input")
})

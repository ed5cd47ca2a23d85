fit <- emix(faithful$waiting, k = 2, equal = "sd")
coin_fit <- emix(cbind(heads, tails) ~ 1, data = coins, k = 2, family = "binomial",
  equal = "prop")

test_that("simulate() gives a data frame of nsim columns of the fit's size", {
  sim <- simulate(fit, nsim = 3, seed = 1)
  expect_s3_class(sim, "data.frame")
  expect_identical(dim(sim), c(272L, 3L))
  expect_identical(names(sim), c("sim_1", "sim_2", "sim_3"))
  expect_type(sim$sim_1, "double")
  expect_false(identical(sim$sim_1, sim$sim_2))
})

test_that("binomial columns are matrices of successes and failures, trials kept", {
  sizes <- c(10, 3, 0, 50, 1e6)
  f <- emix(round(sizes / 2), k = 1, family = mix_binomial(size = sizes))
  sim <- simulate(f, 2, seed = 2)
  expect_identical(names(sim), c("sim_1", "sim_2"))
  expect_identical(dim(sim$sim_1), c(5L, 2L))
  expect_identical(colnames(sim$sim_1), c("successes", "failures"))
  expect_equal(rowSums(sim$sim_2), sizes)
  again <- emix(sim$sim_1, k = 1, family = "binomial")
  expect_near(again$parameters$prob, 0.5, 0.01)
})

test_that("the seed decides, is kept, and the generator is put back", {
  set.seed(9)
  before <- .Random.seed
  a <- simulate(fit, 1, seed = 5)
  expect_identical(.Random.seed, before)
  expect_identical(simulate(fit, 1, seed = 5), a)
  expect_identical(attr(a, "seed"), structure(5L, kind = as.list(RNGkind())))
})

test_that("without a seed the generator goes on, and the attribute leads back", {
  set.seed(10)
  state <- .Random.seed
  a <- simulate(fit, 2)
  expect_identical(attr(a, "seed"), state)
  expect_false(identical(.Random.seed, state))
  assign(".Random.seed", attr(a, "seed"), envir = globalenv())
  expect_identical(simulate(fit, 2), a)
})

test_that("simulate() works before the generator was ever used", {
  if (exists(".Random.seed", globalenv())) rm(".Random.seed", envir = globalenv())
  expect_identical(dim(simulate(fit, 1)), c(272L, 1L))
  rm(".Random.seed", envir = globalenv())
  expect_identical(dim(simulate(fit, 1, seed = 1)), c(272L, 1L))
  set.seed(1)
})

test_that("simulated samples have the fit's distribution", {
  sim <- simulate(fit, 20, seed = 11)
  expect_gt(ks.test(unlist(sim), function(q) pemix(q, fit))$p.value, 0.01)
})

test_that("rows that na.exclude left out are missing in every sample, as in lm(); those of na.omit are not there", {
  y <- c(NA, faithful$waiting)
  kept <- simulate(emix(y, k = 2, equal = "sd", na.action = na.exclude), 2, seed = 1)
  expect_identical(dim(kept), c(273L, 2L))
  expect_identical(which(is.na(kept$sim_2)), 1L)
  expect_near(kept$sim_1[-1], simulate(fit, 2, seed = 1)$sim_1, 1e-6)
  expect_identical(dim(simulate(emix(y, k = 2, na.action = na.omit), 1)), c(272L, 1L))
  tosses <- simulate(emix(rbind(c(NA, 3), coin_tosses), k = 1, family = "binomial", na.action = na.exclude), 1)
  expect_identical(dim(tosses$sim_1), c(6L, 2L))
  expect_true(all(is.na(tosses$sim_1[1, ])))
})

test_that("a seed leads to the same samples as set.seed(), as in lm()", {
  with_seed <- simulate(fit, 2, seed = 12)
  set.seed(12)
  expect_identical(simulate(fit, 2), with_seed, ignore_attr = "seed")
  by_base <- attr(simulate(lm(waiting ~ 1, faithful), 1, seed = 12), "seed")
  expect_equal(attr(with_seed, "seed"), by_base)
})

test_that("simulate()'s arguments have ranges", {
  for (bad in list(0, -1, 1.5, NA, "2", NULL, c(1, 2))) {
    expect_input_error(simulate(fit, nsim = bad), "nsim")
  }
  for (bad in list("a", NA, 1.5, list(1), 1e12)) {
    expect_input_error(simulate(fit, seed = bad), "seed")
  }
})

test_that("update() changes what it is told", {
  expect_equal(update(fit, k = 3)$k, 3)
  expect_identical(answer(update(fit, equal = NULL, start = list(mean = c(50, 80)))),
    answer(emix(faithful$waiting, start = list(mean = c(50, 80)))))
  expect_identical(answer(update(fit, k = 1)), answer(emix(faithful$waiting, k = 1)))
  weighted <- update(fit, weights = rep(2, 272))
  expect_equal(nobs(weighted), 544)
  expect_equal(nobs(update(weighted)), 544)
  expect_equal(nobs(update(weighted, weights = NULL)), 272)
  control <- em_control(trace = TRUE)
  expect_s3_class(update(fit, control = control)$trace, "data.frame")
})

test_that("update() keeps the call, with its changes", {
  expect_identical(deparse(update(fit, k = 3)$call),
    "emix(x = faithful$waiting, k = 3, equal = \"sd\")")
  expect_identical(update(fit)$call, fit$call)
  expect_identical(update(fit, equal = NULL, prior = NULL)$call, quote(emix(x = faithful$waiting, k = 2)))
  expect_identical(formula(update(coin_fit, k = 1)), formula(coin_fit))
})

test_that("new data", {
  expect_identical(answer(update(fit, x = faithful$eruptions)),
    answer(emix(faithful$eruptions, k = 2, equal = "sd")))
  new <- rbind(coins, coins)
  expect_equal(nobs(update(coin_fit, data = new)), 10)
  expect_near(coef(update(coin_fit, data = new)), coef(coin_fit), 1e-8)
  expect_input_error(update(fit, data = faithful), "data")
})

test_that("new data of another length drop the old weights and labels", {
  weighted <- emix(cbind(heads, tails) ~ 1, coins, family = "binomial", weights = 1:5)
  expect_equal(nobs(update(weighted, data = coins[1:4, ])), 4)
  labelled <- emix(faithful$waiting, k = 2, labels = replace(rep(NA, 272), 1, 2))
  expect_equal(nobs(update(labelled, x = faithful$waiting[1:100])), 100)
})

test_that("start, fixed and labels are kept, NULL removes them, a new k drops the first two", {
  held <- emix(faithful$waiting, k = 2, fixed = list(prop = c(0.4, 0.6)),
    start = list(mean = c(a = 50, b = 80)))
  expect_identical(unname(update(held, equal = "sd")$parameters$prop), c(0.4, 0.6))
  expect_identical(update(held, equal = "sd")$components, c("a", "b"))
  expect_equal(update(held, fixed = NULL)$df, 5)
  expect_equal(update(held, k = 3, equal = "sd")$df, 6)
  known <- emix(cbind(heads, tails) ~ 1, data = coins, family = "binomial", labels = coin)
  again <- update(known, equal = "prop")
  expect_identical(again$components, c("A", "B"))
  expect_near(again$parameters$prob, c(0.8, 0.45), 1e-14)
  free <- update(known, labels = NULL, equal = "prop")
  expect_near(sort(free$parameters$prob), c(0.519583120145, 0.796789066923), 1e-9)
})

test_that("known rows stay known when k changes", {
  labels <- replace(rep(NA, 272), c(1, 2, 5), c("long", "short", "long"))
  known <- emix(faithful$waiting, k = 3, labels = labels)
  expect_identical(known$components, c("long", "short", "3"))
  two <- update(known, k = 2)
  expect_identical(two$components, c("long", "short"))
  expect_near(coef(two), coef(emix(faithful$waiting, k = 2, labels = labels)), 1e-9)
  expect_identical(update(known, k = 4)$components, c("long", "short", "3", "4"))
  expect_input_error(update(known, k = 1), "labels")
})

test_that("rows left out stay out, and results stay padded", {
  x <- c(NA, faithful$waiting)
  padded <- emix(x, k = 2, equal = "sd", na.action = na.exclude)
  again <- update(padded, k = 1)
  expect_identical(which(is.na(fitted(again))), 1L)
  expect_length(residuals(again), 273)
  weighted <- update(padded, weights = rep(2, 272))
  expect_length(fitted(weighted), 273)
})

test_that("update() in a function, with the data gone", {
  make <- function() {
    hidden <- data.frame(y = faithful$waiting)
    emix(y ~ 1, data = hidden, k = 2, equal = "sd")
  }
  made <- make()
  expect_identical(answer(update(made)), answer(fit))
  expect_equal(update(made, k = 1)$df, 2)
  expect_identical(formula(update(made, k = 1)), formula(made))
})

test_that("update()'s arguments", {
  expect_error(update(fit, 3), class = "emix_error_input")
  expect_error(update(fit, bogus = 3), "bogus", class = "emix_error_input")
  expect_input_error(update(fit, k = 0), "k")
  expect_input_error(update(fit, evaluate = NA), "evaluate")
  args <- update(fit, k = 3, evaluate = FALSE)
  expect_type(args, "list")
  expect_equal(args$k, 3)
  expect_identical(args$equal, "sd")
})

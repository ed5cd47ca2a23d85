# Maxima that a few close rows make, and the real ones beside them.

spurious_of <- function(fit) fit$convergence$spurious

test_that("the class of heights: the regular maximum, with 20 seeds and more starts", {
  # Computed independently of this package. Higher maxima have a component on a few rows.
  for (seed in 1:20) {
    set.seed(seed)
    expect_no_warning(fit <- emix(heights_class, k = 2))
    expect_near(fit$loglik, -363.2430535, 1e-8)
    expect_false(spurious_of(fit))
  }
  set.seed(1)
  many <- emix(heights_class, k = 2, control = em_control(starts = 200))
  expect_near(many$loglik, -363.2430535, 1e-8)
  expect_true(any(many$maxima$spurious))
  expect_gt(max(many$maxima$loglik), many$loglik)
})

test_that("fit$maxima: distinct, in order, met as often as runs converged, stationary each", {
  set.seed(2)
  fit <- emix(heights_class, k = 2, control = em_control(starts = 60))
  maxima <- fit$maxima
  expect_identical(names(maxima), c("loglik", "met", "spurious", names(coef(fit))))
  expect_false(is.unsorted(-maxima$loglik))
  expect_true(all(abs(diff(maxima$loglik)) > 1e-6))
  expect_equal(sum(maxima$met), sum(fit$starts$outcome == "converged"))
  for (row in seq_len(nrow(maxima))) {
    values <- unlist(maxima[row, -(1:3)], use.names = FALSE)
    p <- list(prop = values[1:2], mean = values[3:4], sd = values[5:6])
    expect_near(oracle_loglik(heights_class, p, oracle_normal), maxima$loglik[row], 1e-9)
    expect_near(oracle_em(heights_class, oracle_normal, p, 1)$parameters, p, 1e-4)
    expect_false(is.unsorted(p$mean))
  }
  own <- fit$convergence$maximum
  expect_near(maxima$loglik[own], fit$loglik, 1e-9)
  expect_false(maxima$spurious[own])
  expect_true(all(maxima$spurious[maxima$loglik > fit$loglik + 1e-6]))
})

test_that("summary says which other maxima there are, and which of them are spurious", {
  set.seed(2)
  fit <- emix(heights_class, k = 2, control = em_control(starts = 60))
  out <- paste(utils::capture.output(print(summary(fit))), collapse = "\n")
  expect_match(out, "other maxima: ")
  expect_match(out, "(spurious)", fixed = TRUE)
  met <- fit$maxima$met[which.min(abs(fit$maxima$loglik - fit$loglik))]
  expect_match(out, sprintf("%d met this maximum", met), fixed = TRUE)
})

test_that("where nothing else exists the fit is flagged and there is a warning", {
  x <- c(qnorm(ppoints(50)), 10, 10.001)
  expect_warning(fit <- emix(x, k = 2), class = "emix_warning_spurious")
  expect_true(spurious_of(fit))
  warned <- tryCatch(emix(x, k = 2), warning = identity)
  expect_s3_class(warned, "emix_warning")
  for (word in c("equal = \"sd\"", "prior")) {
    expect_match(conditionMessage(warned), word, fixed = TRUE)
  }
  expect_output(print(fit), "chance cluster")
  # What it advises.
  expect_no_warning(shared <- emix(x, k = 2, equal = "sd"))
  expect_false(spurious_of(shared))
  expect_no_warning(map <- emix(x, k = 2, prior = em_prior()))
  expect_false(spurious_of(map))
})

test_that("a start that is given and leads there is flagged too", {
  set.seed(3)
  found <- emix(heights_class, k = 2, control = em_control(starts = 200))$maxima
  top <- found[which(found$spurious)[1], ]
  start <- list(prop = unlist(top[4:5]), mean = unlist(top[6:7]), sd = unlist(top[8:9]))
  expect_warning(fit <- emix(heights_class, k = 2, start = start), "maximum reached from `start`",
    class = "emix_warning_spurious")
  expect_near(fit$loglik, top$loglik, 1e-6)
  expect_true(spurious_of(fit))
})

test_that("a fit with a prior is not advised to have one", {
  x <- c(qnorm(ppoints(50)), 10, 10.001)
  weak <- em_prior("flat", df = 1, scale = 1e-12)
  warned <- expect_warning(emix(x, k = 2, prior = weak), class = "emix_warning_spurious")
  expect_no_match(conditionMessage(warned), "em_prior")
})

test_that("real narrow groups are none: rows enough, or equal sd, or sd held", {
  set.seed(62)
  narrow <- c(rnorm(200), rnorm(60, 3, 0.05))
  for (seed in 1:3) {
    set.seed(seed)
    expect_no_warning(fit <- emix(narrow, k = 2))
    expect_false(spurious_of(fit))
    expect_near(fit$parameters$mean[2], 3, 0.05)
    expect_lt(fit$parameters$sd[2], 0.1)
  }
  pair <- c(qnorm(ppoints(50)), 10, 10.001)
  held <- emix(pair, k = 2, fixed = list(sd = c(1, 0.1)))
  expect_false(spurious_of(held))
  expect_false(spurious_of(emix(pair, k = 1)))
})

test_that("weights count: a row of weight 100 is no chance cluster of one", {
  x <- c(qnorm(ppoints(60)), 8 + 0.05 * qnorm(ppoints(6)))
  few <- suppressWarnings(emix(x, k = 2, start = list(mean = c(0, 8), sd = c(1, 0.05))))
  many <- emix(x, k = 2, start = list(mean = c(0, 8), sd = c(1, 0.05)), weights = rep(40, 66))
  copies <- emix(rep(x, 40), k = 2, start = list(mean = c(0, 8), sd = c(1, 0.05)))
  expect_near(coef(many), coef(few), 1e-8)
  expect_false(spurious_of(many))
  expect_identical(spurious_of(copies), spurious_of(many))
})

test_that("the scale of small weights makes no chance cluster, nor hides one", {
  x <- faithful$eruptions
  set.seed(5)
  whole <- emix(x, k = 3) # its third component is narrow
  for (each in c(0.1, 1e-3, 1e-6)) {
    set.seed(5)
    expect_no_warning(fit <- emix(x, k = 3, weights = rep(each, 272)))
    expect_false(spurious_of(fit))
    expect_near(coef(fit), coef(whole), 1e-6)
  }
  pair <- c(qnorm(ppoints(50)), 10, 10.001)
  expect_warning(emix(pair, k = 2, weights = rep(1e-3, 52)), class = "emix_warning_spurious")
  # Rows of weight zero are none.
  expect_warning(emix(c(pair, 1:500), k = 2, weights = rep(c(1, 0), c(52, 500))), class = "emix_warning_spurious")
})

test_that("weights that are counts count as rows, wherever they are", {
  start <- list(mean = c(0, 8), sd = c(1, 0.05))
  x <- c(qnorm(ppoints(60)), 8 + 0.05 * qnorm(ppoints(6)))
  for (copies in list(rep(1, 66), rep(1:3, 22), rep(c(0, 2), 33), rep(40, 66))) {
    weighted <- suppressWarnings(emix(x, k = 2, start = start, weights = copies))
    repeated <- suppressWarnings(emix(rep(x, copies), k = 2, start = start))
    expect_identical(spurious_of(weighted), spurious_of(repeated))
    expect_identical(weighted$maxima$spurious, repeated$maxima$spurious)
  }
})

test_that("binomial components are never flagged", {
  fit <- emix(cbind(c(0, 0, 10, 4, 5, 6), 10 - c(0, 0, 10, 4, 5, 6)), k = 3, family = "binomial")
  expect_false(spurious_of(fit))
  expect_false(any(fit$maxima$spurious))
  expect_false(any(fit$starts$spurious))
})

test_that("the unit of the data does not matter", {
  for (scale in c(1e-120, 1e120)) {
    set.seed(4)
    fit <- emix(heights_class * scale, k = 2)
    expect_near(fit$loglik + 100 * log(scale), -363.2430535, 1e-8)
    expect_warning(emix(c(qnorm(ppoints(50)), 10, 10.001) * scale, k = 2),
      class = "emix_warning_spurious")
  }
})

test_that("what is allowed is the highest maximum, still called spurious", {
  columns <- as.matrix(faithful)
  for (problem in list(list(columns, 6, mix_mvnormal("VVV")), list(columns, 8, mix_mvnormal("VEI")), list(heights_class, 2, NULL))) {
    fit_with <- function(spurious) {
      set.seed(6)
      suppressWarnings(emix(problem[[1L]], k = problem[[2L]], family = problem[[3L]], control = em_control(spurious = spurious)))
    }
    avoids <- fit_with("avoid")
    set.seed(6)
    expect_no_warning(allows <- emix(problem[[1L]], k = problem[[2L]], family = problem[[3L]], control = em_control(spurious = "allow")))
    expect_gt(allows$loglik, max(avoids$maxima$loglik) - 1e-6)
    expect_near(max(allows$maxima$loglik), allows$loglik, 1e-6)
    expect_true(spurious_of(allows))
    expect_true(allows$maxima$spurious[1L])
    expect_false(spurious_of(avoids))
    expect_identical(suppressWarnings(update(allows, start = allows$parameters))$arguments$control$spurious, "allow")
  }
})

test_that("chance clusters are allowed on all rows, not on a part of them", {
  set.seed(8)
  x <- cbind(rnorm(4000, rep(c(0, 4), each = 2000)), rnorm(4000))
  fit_with <- function(spurious) {
    set.seed(9)
    emix(x, k = 2, control = em_control(spurious = spurious))
  }
  expect_near(fit_with("allow")$loglik, fit_with("avoid")$loglik, 1e-6)
})

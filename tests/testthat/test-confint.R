# Wald limits: the formula on the scale of each parameter, and that they are legal.

errors_of <- function(fit, ...) sqrt(diag(vcov(fit, ...)))

# On the scale of `link`, from the standard error on the natural scale.
plain_limits <- function(value, error, link, slope, z) {
  back <- if (identical(link, qlogis)) plogis else if (identical(link, log)) exp else identity
  cbind(back(link(value) - z * error / slope), back(link(value) + z * error / slope))
}

test_that("limits are those of the scale on which any value is legal", {
  fit <- emix(faithful$waiting, k = 2)
  e <- errors_of(fit)
  p <- coef(fit)
  for (level in c(0.95, 0.5, 0.999)) {
    z <- qnorm((1 + level) / 2)
    expected <- rbind(
      plain_limits(p[1:2], e[1:2], qlogis, p[1:2] * (1 - p[1:2]), z),
      plain_limits(p[3:4], e[3:4], identity, 1, z),
      plain_limits(p[5:6], e[5:6], log, p[5:6], z)
    )
    expect_near(confint(fit, level = level), expected, 1e-12)
  }
  coin <- emix(cbind(heads, tails) ~ 1, data = coins, k = 2, family = "binomial")
  p <- coef(coin)
  expect_near(confint(coin), plain_limits(p, errors_of(coin), qlogis, p * (1 - p), qnorm(0.975)), 1e-12)
  sandwich <- confint(coin, type = "sandwich")
  expect_near(sandwich, plain_limits(p, errors_of(coin, "sandwich"), qlogis, p * (1 - p), qnorm(0.975)), 1e-12)
})

test_that("rows and columns as those of base R's confint()", {
  fit <- emix(faithful$waiting, k = 2)
  all <- confint(fit)
  expect_identical(dimnames(all), list(names(coef(fit)), c("2.5 %", "97.5 %")))
  line <- stats::lm(waiting ~ 1, faithful)
  for (level in c(0.9, 0.99, 0.999, 0.68)) {
    expect_identical(colnames(confint(fit, level = level)), colnames(confint(line, level = level)))
  }
  expect_identical(confint(fit, "mean.2"), all["mean.2", , drop = FALSE])
  expect_identical(confint(fit, c(5, 1)), all[c(5, 1), ])
  expect_identical(confint(fit, "mean"), all[3:4, ])
  expect_identical(confint(fit, c("sd", "prop.1")), all[c(5, 6, 1), ])
  expect_identical(confint(fit, method = "wald"), all)
})

test_that("held parameters have no limits, shared ones equal ones", {
  fit <- emix(faithful$waiting, k = 2, equal = "sd", fixed = list(prop = c(0.36, NA)))
  limits <- confint(fit)
  expect_true(all(is.na(limits[1:2, ])))
  expect_identical(limits["sd.1", ], limits["sd.2", ])
  expect_false(anyNA(limits[3:6, ]))
})

test_that("proportions stay within what held ones leave", {
  set.seed(91)
  x <- c(rnorm(40), rnorm(3, 6), rnorm(40, 12))
  fit <- emix(x, k = 3, start = list(mean = c(0, 6, 12)), fixed = list(prop = c(0.6, NA, NA)), equal = "sd")
  limits <- confint(fit, "prop", level = 0.9999)
  expect_true(all(is.na(limits[1, ])))
  expect_gt(min(limits[2:3, ]), 0)
  expect_lt(max(limits[2:3, ]), 0.4)
  e <- errors_of(fit)[2]
  share <- fit$parameters$prop[[2]] / 0.4
  reach <- qnorm(0.99995) * e / 0.4 / (share * (1 - share))
  expect_near(limits[2, ], 0.4 * plogis(qlogis(share) + c(-1, 1) * reach), 1e-10)
})

test_that("limits are legal and hold the estimate, in random problems", {
  for (seed in 1:30) {
    problem <- random_problem(seed)
    fit <- run_problem(problem)
    limits <- suppressWarnings(confint(fit, level = 0.99))
    at <- !is.na(limits[, 1])
    expect_true(all(limits[at, 1] <= coef(fit)[at] & coef(fit)[at] <= limits[at, 2]))
    block <- sub("[.].*", "", rownames(limits))
    expect_true(all(limits[at & block != "mean", ] >= 0))
    expect_true(all(limits[at & block %in% c("prop", "prob"), ] <= 1))
  }
})

test_that("limits cover the truth about as often as they say", {
  set.seed(92)
  inside <- replicate(150, {
    fit <- emix(c(rnorm(120), rnorm(80, 4, 1.5)), k = 2, start = list(mean = c(0, 4)))
    limits <- confint(fit)
    truth <- c(0.6, 0.4, 0, 4, 1, 1.5)
    limits[, 1] < truth & truth < limits[, 2]
  })
  # prop is 0.6 exactly in each sample, and so always inside; the others are at 0.95, up to four standard errors.
  cover <- rowMeans(inside)
  expect_true(all(cover[3:6] > 0.95 - 4 * sqrt(0.95 * 0.05 / 150)))
  expect_lt(min(cover[3:6]), 1)
})

test_that("what cannot be is an error", {
  fit <- emix(faithful$waiting, k = 2)
  for (bad in list("median", NA_character_, 7, 0, 1.5, TRUE, NULL, list("mean"), c("mean", "mean.3"))) {
    expect_input_error(confint(fit, bad), "parm")
  }
  for (bad in list(0, 1, 95, NA_real_, "0.95", c(0.9, 0.95))) expect_input_error(confint(fit, level = bad), "level")
  expect_input_error(confint(fit, method = "likelihood"), "method")
  expect_input_error(confint(fit, type = "robust"), "type")
  expect_input_error(confint(fit, parm = 1, bogus = 1), "bogus")
  fit$parameters$sd <- NULL
  expect_object_error(confint(fit))
})

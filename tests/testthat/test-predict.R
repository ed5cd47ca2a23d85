fit <- emix(height ~ 1, data = heights, k = 2, equal = "sd")
coin_fit <- emix(cbind(heads, tails) ~ 1, data = coins, k = 2, family = "binomial",
  start = list(prob = c(A = 0.6, B = 0.5)))

test_that("posteriors are prop_j f_j over their sum", {
  rows <- c(120, 150, 170, 190, 220)
  joint <- oracle_joint(rows, fit$parameters, oracle_normal)
  expect_near(predict(fit, rows), exp(joint) / rowSums(exp(joint)), 1e-13)
  expect_identical(colnames(predict(fit, rows)), c("1", "2"))
  expect_identical(colnames(predict(coin_fit)), c("A", "B"))
})

test_that("new data may be a vector, a column, or a data frame with the formula's variables", {
  rows <- c(160, 170, 180)
  p <- predict(fit, rows)
  expect_identical(predict(fit, data.frame(height = rows)), p)
  expect_identical(predict(fit, data.frame(sex = "x", height = rows)), p)
  expect_identical(predict(fit, matrix(rows)), p)
  expect_identical(predict(fit, as.integer(rows)), p)
  logged <- emix(log(height) ~ 1, data = heights, k = 1)
  expect_identical(predict(logged, data.frame(height = rows), "cdf"),
    predict(logged, log(rows), "cdf"))
  own <- emix(heights$height, k = 2, equal = "sd")
  expect_near(predict(own, data.frame(anything = rows)), p, 1e-12)
})

test_that("new binomial data", {
  p <- predict(coin_fit, cbind(3, 7))
  expect_identical(predict(coin_fit, data.frame(heads = 3, tails = 7)), p)
  sized <- emix(coins$heads, k = 2, family = mix_binomial(size = 10))
  expect_near(predict(sized, 3), predict(sized, cbind(3, 7)), 1e-15)
  by_row <- emix(c(3, 9, 4), k = 1, family = mix_binomial(size = c(10, 11, 12)))
  expect_near(predict(by_row, cbind(3, 7), "density"),
    dbinom(3, 10, coef(by_row)[["prob.1"]]), 1e-14)
  expect_input_error(predict(by_row, c(3, 4)), "newdata")
})

test_that("known labels are respected in the rows of the fit, not in new ones", {
  known <- emix(cbind(heads, tails) ~ 1, data = coins, family = "binomial", labels = coin)
  expect_identical(unname(predict(known)[, "A"]), c(0, 1, 1, 0, 1))
  p <- predict(known, coins)
  expect_true(all(p > 0 & p < 1))
  expect_near(predict(known, type = "density"), rowSums(exp(oracle_joint(coin_tosses,
    known$parameters, oracle_binomial))), 1e-13)
})

test_that("class is the first of equals", {
  same <- emix(c(-2, -1, 0, 1, 2), k = 2,
    fixed = list(prop = c(0.5, 0.5), mean = c(-1, 1), sd = c(1, 1)))
  expect_identical(as.character(predict(same, 0, "class")), "1")
  expect_identical(as.character(predict(same, c(-0.1, 0.1), "class")), c("1", "2"))
})

test_that("quantiles", {
  q <- predict(fit, type = "quantile")
  expect_length(q, 3)
  expect_near(pemix(q, fit), c(0.25, 0.5, 0.75), 1e-13)
  expect_identical(predict(fit, type = "quantile", p = c(0, 1)), c(-Inf, Inf))
  expect_near(predict(emix(1:9, k = 1), type = "quantile", p = 0.5), 5, 1e-13)

  q <- predict(coin_fit, type = "quantile", p = c(0, 0.1, 0.9, 1))
  expect_identical(dim(q), c(5L, 4L))
  expect_near(q[, 1], rep(0, 5), 0)
  expect_near(q[, 4], rep(10, 5), 0)
  q <- predict(coin_fit, rbind(c(0, 100), c(5, 5), c(0, 0)), "quantile", p = 0.5)
  expect_identical(dim(q), c(3L, 1L))
  cdf <- pemix(0:100, coin_fit, size = 100)
  expect_near(q, c(which(cdf >= 0.5)[1] - 1, qemix(0.5, coin_fit, size = 10), 0), 0)
})

test_that("no rows give no rows", {
  expect_identical(dim(predict(fit, numeric())), c(0L, 2L))
  expect_length(predict(fit, numeric(), "density"), 0)
  expect_length(predict(fit, numeric(), "class"), 0)
  expect_length(predict(fit, numeric(), "cdf"), 0)
})

test_that("infinite values have a posterior or NA, a density of 0 and a cdf of 0 or 1", {
  expect_near(predict(fit, c(-Inf, Inf), "cdf"), c(0, 1), 0)
  expect_near(predict(fit, c(-Inf, Inf), "density"), c(0, 0), 0)
})

test_that("impossible rows have density zero", {
  certain <- emix(cbind(c(4, 5), 0), k = 1, family = "binomial")
  expect_near(predict(certain, cbind(c(3, 2), c(1, 0)), "density"), c(0, 1), 1e-15)
  expect_near(predict(certain, cbind(c(3, 2), c(1, 0)), "cdf"), c(0, 1), 1e-15)
})

test_that("types and probabilities that are none", {
  for (bad in list("prob", NA, NULL, 3, c("class", "density"), character())) {
    expect_input_error(predict(fit, type = bad), "type")
  }
  for (bad in list(-0.1, 1.1, NA, NaN, "0.5", numeric(), NULL, list(0.5))) {
    expect_input_error(predict(fit, type = "quantile", p = bad), "p", named = "`p`")
    expect_input_error(predict(coin_fit, type = "quantile", p = bad), "p", named = "`p`")
  }
})

test_that("new data that are none", {
  for (bad in list("a", factor("a"), list(170), mean, cbind(170, 180), data.frame(sex = 3),
    data.frame(height = "tall"), TRUE, as.Date("2020-01-01"))) {
    expect_input_error(predict(fit, bad), "newdata")
  }
  for (bad in list("a", 3, cbind(3, -1), cbind(0.5, 1), matrix(1:3, 1), data.frame(heads = 3))) {
    expect_input_error(predict(coin_fit, bad), "newdata")
  }
})

test_that("a permutation or a part of the rows predicts as the whole", {
  rows <- heights$height
  whole <- predict(fit, rows)
  part <- c(900:1, 17)
  expect_identical(predict(fit, rows[part]), whole[part, ])
  expect_identical(predict(fit, rows[part], "density"), predict(fit, rows, "density")[part])
})

test_that("rows with names of their own keep them", {
  cars <- mtcars[, c("mpg", "wt", "hp")]
  names <- row.names(cars)
  fit <- emix(cars, k = 2, family = mix_mvnormal("EEI"))
  expect_identical(dimnames(predict(fit)), list(names, c("1", "2")))
  for (type in c("class", "density", "uncertainty")) expect_identical(names(predict(fit, type = type)), names)
  for (type in c("posterior", "class", "uncertainty")) expect_identical(predict(fit, cars, type), predict(fit, type = type))
  expect_identical(rownames(predict(fit, cars[5:3, 3:1])), names[5:3])
  expect_identical(rownames(predict(fit, as.matrix(cars)[5:3, ])), names[5:3])
  expect_identical(rownames(fitted(fit)), names)
  expect_identical(rownames(residuals(fit, "response")), names)
  expect_identical(names(residuals(fit)), names)
  expect_identical(rownames(predict(update(fit, k = 1))), names)
  expect_null(rownames(predict(fit, unname(as.matrix(cars)))))
  # One column, and a formula.
  one <- emix(stats::setNames(cars$mpg, names), k = 2, equal = "sd")
  expect_identical(names(predict(one, type = "class")), names)
  expect_identical(rownames(predict(one, c(a = 20, b = 30))), c("a", "b"))
  by_formula <- emix(mpg ~ 1, data = cars, k = 2, equal = "sd")
  expect_identical(predict(by_formula, type = "density"), predict(one, type = "density"))
  expect_identical(names(predict(by_formula, cars[3:4, ], "density")), names[3:4])
  # Numbers are no names.
  expect_null(rownames(predict(emix(faithful, k = 2))))
  expect_null(names(predict(emix(iris[, 1:2], k = 2), type = "density")))
})

test_that("rows left out have names where they are NA, and none where they are not there", {
  cars <- mtcars[, c("mpg", "wt")]
  cars$wt[c(2, 9)] <- NA
  out <- emix(cars, k = 2, family = mix_mvnormal("EEE"), na.action = na.omit)
  expect_identical(rownames(predict(out)), row.names(cars)[-c(2, 9)])
  kept <- emix(cars, k = 2, family = mix_mvnormal("EEE"), na.action = na.exclude)
  expect_identical(rownames(predict(kept)), row.names(cars))
  expect_identical(names(which(is.na(predict(kept, type = "uncertainty")))), row.names(cars)[c(2, 9)])
  expect_identical(names(residuals(kept)), row.names(cars))
  used <- emix(cars, k = 2, family = mix_mvnormal("EEE"), na.action = "likelihood")
  expect_identical(rownames(predict(used)), row.names(cars))
  expect_identical(rownames(predict(kept, cars[1:3, ])), row.names(cars)[1:3])
})

test_that("uncertainty is one minus the highest posterior, with all its digits", {
  x <- c(160, 170, 180, NA, 300)
  doubt <- predict(fit, x, "uncertainty")
  expect_near(doubt, 1 - apply(predict(fit, x), 1, max), 1e-15)
  expect_gt(doubt[5], 0)
  expect_identical(doubt[4], NA_real_)
  known <- emix(faithful, k = 2, labels = rep(c(2, NA), c(10, 262)))
  expect_identical(predict(known, type = "uncertainty")[1:10], numeric(10))
  expect_near(predict(coin_fit, type = "uncertainty"), apply(predict(coin_fit), 1, min), 1e-15)
  expect_length(predict(fit, numeric(), "uncertainty"), 0)
})

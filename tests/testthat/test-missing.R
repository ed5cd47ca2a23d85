# Missing values are never dropped without a word: na.fail by default, else as na.action says.

x <- faithful$waiting
fit <- emix(x, k = 2, equal = "sd")

test_that("na.omit leaves rows out: the fit is that of the rest", {
  omitted <- emix(c(x[1], NA, x[-1]), k = 2, equal = "sd", na.action = na.omit)
  expect_identical(answer(omitted), answer(fit))
  expect_length(fitted(omitted), 272)
  expect_length(residuals(omitted), 272)
  expect_identical(dim(predict(omitted)), c(272L, 2L))
  expect_equal(nobs(omitted), 272)
  expect_s3_class(omitted$na.action, "omit")
  expect_identical(as.integer(omitted$na.action), 2L)
})

test_that("na.exclude leaves rows out and pads results", {
  padded <- emix(c(x[1], NA, x[-1], NaN), k = 2, equal = "sd", na.action = na.exclude)
  expect_identical(answer(padded), answer(fit))
  here <- c(1, 3:273)
  expect_identical(which(is.na(fitted(padded))), c(2L, 274L))
  expect_near(fitted(padded)[here], fitted(fit), 1e-15)
  expect_near(residuals(padded)[here], residuals(fit), 1e-15)
  expect_near(residuals(padded, "response")[here], residuals(fit, "response"), 1e-13)
  expect_identical(which(is.na(residuals(padded))), c(2L, 274L))
  for (type in c("density", "cdf")) {
    expect_identical(which(is.na(predict(padded, type = type))), c(2L, 274L))
    expect_near(predict(padded, type = type)[here], predict(fit, type = type), 1e-15)
  }
  posterior <- predict(padded)
  expect_identical(dim(posterior), c(274L, 2L))
  expect_true(all(is.na(posterior[c(2, 274), ])))
  expect_near(posterior[here, ], predict(fit), 1e-15)
  class <- predict(padded, type = "class")
  expect_s3_class(class, "factor")
  expect_identical(class[here], predict(fit, type = "class"))
  expect_identical(which(is.na(class)), c(2L, 274L))
})

test_that("an na.action may be named", {
  expect_identical(answer(emix(c(x, NA), k = 2, equal = "sd", na.action = "na.omit")), answer(fit))
  expect_input_error(emix(c(x, NA), k = 2, na.action = NULL), "x", "na.omit")
  old <- options(na.action = "na.omit")
  on.exit(options(old))
  expect_input_error(emix(c(x, NA), k = 2), "x")
})

test_that("a row of a matrix is missing when any column is", {
  rows <- rbind(coin_tosses[1:2, ], c(NA, 3), coin_tosses[3:5, ], c(3, NA), NA)
  whole <- emix(coin_tosses, k = 2, family = "binomial")
  padded <- emix(rows, k = 2, family = "binomial", na.action = na.exclude)
  expect_identical(answer(padded), answer(whole))
  expect_identical(which(is.na(fitted(padded))), c(3L, 7L, 8L))
  expect_near(predict(padded)[c(1:2, 4:6), ], predict(whole), 1e-15)
})

test_that("missing successes with given sizes", {
  sized <- function(s, size, ...) emix(s, k = 1, family = mix_binomial(size = size), ...)
  a <- sized(c(3, NA, 5), c(10, 11, 12), na.action = na.exclude)
  b <- sized(c(3, 5), c(10, 12))
  expect_identical(answer(a), answer(b))
  expect_identical(which(is.na(fitted(a))), 2L)
})

test_that("weights, labels and starts go with their rows", {
  w <- c(7, 99, rep(1:2, length.out = 271))
  labels <- c(1, 2, rep(NA, 270), 2)
  start <- c(1, 1, ifelse(x[-1] > 68, 2, 1))
  omitted <- emix(c(x[1], NA, x[-1]), k = 2, weights = w, labels = labels, start = start,
    na.action = na.omit)
  direct <- emix(x, k = 2, weights = w[-2], labels = labels[-2], start = start[-2])
  expect_identical(answer(omitted), answer(direct))
  expect_equal(nobs(omitted), sum(w[-2]))
  p <- cbind(start == 1, start == 2) + 0
  from_matrix <- emix(c(x[1], NA, x[-1]), k = 2, weights = w, labels = labels, start = p,
    na.action = na.omit)
  expect_near(coef(from_matrix), coef(direct), 1e-8)
})

test_that("the formula method treats missing values alike", {
  data <- data.frame(wait = c(x[1:4], NA, x[5:272]), w = 1)
  expect_input_error(emix(wait ~ 1, data, k = 2), "x", "na.omit")
  padded <- emix(wait ~ 1, data, k = 2, equal = "sd", na.action = na.exclude, weights = w)
  expect_near(coef(padded), coef(fit), 1e-12)
  expect_identical(which(is.na(fitted(padded))), 5L)
  expect_length(fitted(padded), 273)
})

test_that("a missing weight is an error, not a missing row", {
  data <- data.frame(wait = x, w = replace(rep(1, 272), 4, NA))
  expect_input_error(emix(wait ~ 1, data, k = 2, weights = w, na.action = na.omit), "weights")
})

test_that("printing says how many rows were left out", {
  omitted <- emix(c(x, NA, NA), k = 2, na.action = na.omit)
  expect_output(print(omitted), "2 observations deleted due to missingness")
  expect_output(print(summary(omitted)), "2 observations deleted due to missingness")
})

test_that("missing values in new data give NA", {
  p <- predict(fit, c(60, NA, 90, NaN))
  expect_identical(which(is.na(p[, 1])), c(2L, 4L))
  expect_near(p[c(1, 3), ], predict(fit, c(60, 90)), 1e-15)
  expect_identical(which(is.na(predict(fit, c(60, NA), "class"))), 2L)
  expect_identical(is.na(predict(fit, c(60, NA), "density")), c(FALSE, TRUE))
  expect_identical(is.na(predict(fit, c(NA, 60), "cdf")), c(TRUE, FALSE))
  expect_true(all(is.na(predict(fit, c(NA_real_, NA)))))
  expect_identical(dim(predict(fit, c(NA_real_, NA))), c(2L, 2L))
  expect_s3_class(predict(fit, c(NA_real_, NA), "class"), "factor")
})

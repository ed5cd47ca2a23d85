flowers <- as.matrix(iris[, 1:4])

degenerate <- function(code, ...) {
  error <- expect_error(code, class = "emix_error_degenerate")
  for (text in c(...)) expect_match(conditionMessage(error), text, fixed = TRUE)
  expect_identical(error$argument, "x")
}

test_that("columns of one value and collinear columns are named, with what to do", {
  degenerate(emix(cbind(flowers, one = 1), k = 2), "'one'", "leave it out")
  degenerate(emix(cbind(flowers, one = 1), k = 2, family = mix_mvnormal("VVI")), "'one'")
  expect_s3_class(emix(cbind(flowers, one = 1), k = 2, family = mix_mvnormal("VII")), "emix_mvnormal")
  degenerate(emix(matrix(2, 9, 3), k = 1, family = mix_mvnormal("EII")), "'x1', 'x2' and 'x3'")
  sum <- cbind(flowers, sum = flowers[, 1] + 3 * flowers[, 2] - 2)
  degenerate(emix(sum, k = 2), "'sum' is a linear combination of 'Sepal.Length' and 'Sepal.Width'", "VVI", "scale")
  twice <- cbind(flowers, twice = 1e8 + 2 * flowers[, 3])
  degenerate(emix(twice, k = 2), "'twice' is 'Petal.Length' but for shift and scale", "Leave 'twice' out")
  degenerate(emix(twice, k = 2, prior = em_prior()), "'twice'")
  expect_true(emix(twice, k = 2, family = mix_mvnormal("VVI"))$converged)
  set.seed(1)
  expect_s3_class(emix(twice, k = 2, prior = em_prior(scale = diag(5))), "emix_mvnormal")
  wide <- matrix(rnorm(40), 5)
  degenerate(emix(wide, k = 1), "5 rows and 8 columns", "diagonal")
  expect_true(emix(wide, k = 1, family = mix_mvnormal("EEI"))$converged)
  # Rows of weight zero do not count.
  degenerate(emix(cbind(a = c(1, 1, 1, 5), b = 1:4), k = 1, weights = c(1, 1, 1, 0)), "'a'")
})

test_that("rows are a numeric matrix of two columns or more", {
  expect_input_error(emix(1:9, k = 1, family = "mvnormal"), "x", "two or more columns")
  expect_input_error(emix(cbind(1:9), k = 1, family = mix_mvnormal()), "x", "1 column")
  expect_input_error(emix(matrix(rnorm(514), 2), k = 1), "x", "256")
  bad <- flowers
  bad[3, 2] <- Inf
  expect_input_error(emix(bad, k = 2), "x", "Sepal.Width")
  bad[3, 2] <- NA
  expect_input_error(emix(bad, k = 2), "x", "na.action")
  fit <- emix(bad, k = 2, na.action = na.exclude)
  expect_identical(dim(fitted(fit)), c(150L, 4L))
  expect_true(all(is.na(fitted(fit)[3, ])) && is.na(residuals(fit)[3]))
  expect_error(emix(flowers * 1e-170, k = 2), "other units", class = "emix_error_fit")
})

test_that("the structure is one of the fourteen", {
  for (bad in list("XYZ", "vvv", NA, 1, character(), c("EEE", "XYZ"), list("VVV"))) expect_input_error(mix_mvnormal(bad), "cov")
  expect_output(print(mix_mvnormal("VEI")), "multivariate normal components (VEI: volume varies; shape equal; axes along columns)", fixed = TRUE)
})

test_that("starts have the shapes of parameters", {
  mean <- t(flowers[c(1, 60, 120), ])
  dimnames(mean) <- list(colnames(flowers), c("a", "b", "c"))
  start <- function(...) emix(flowers, k = 3, start = list(mean = mean, ...))
  fit <- start()
  expect_identical(fit$components, c("a", "b", "c"))
  # Rows of parameters are found by their names.
  expect_identical(answer(emix(flowers, k = 3, start = list(mean = mean[4:1, ]))), answer(fit))
  expect_s3_class(start(cov = diag(4)), "emix_mvnormal")
  expect_input_error(emix(flowers, k = 3, start = list(mean = t(mean))), "start$mean", "4 rows")
  expect_input_error(emix(flowers, k = 3, start = list(mean = mean[, 1])), "start$mean", "4 rows")
  expect_input_error(emix(flowers, k = 3, start = list(cov = diag(4))), "start$mean", "given")
  expect_input_error(start(cov = diag(3)), "start$cov", "4 x 4 x 3")
  expect_input_error(start(cov = array(c(diag(4), diag(4), -diag(4)), c(4, 4, 3))), "start$cov", "component 3")
  crooked <- diag(4)
  crooked[1, 2] <- 0.5
  expect_input_error(start(cov = array(c(diag(4), crooked, diag(4)), c(4, 4, 3))), "start$cov", "component 2")
  expect_input_error(start(cov = replace(diag(4), 1, NA)), "start$cov", "missing")
  expect_input_error(start(sd = 1), "start", "prop, mean and cov")
})

test_that("what is held is held as a whole, and obeys the structure", {
  held <- function(fixed, cov = "VVV", ...) emix(flowers, k = 2, fixed = fixed, family = mix_mvnormal(cov), ...)
  both <- array(diag(4), c(4, 4, 2))
  expect_input_error(held(list(mean = cbind(c(1, NA, 2, 3), NA))), "fixed$mean", "whole")
  expect_input_error(held(list(cov = both), "EEE"), "fixed$cov", "VII, VVI and VVV")
  tilted <- both
  tilted[1, 2, 2] <- tilted[2, 1, 2] <- 0.1
  expect_input_error(held(list(cov = tilted), "VVI"), "fixed$cov", "component 2")
  expect_input_error(held(list(cov = array(diag(1:4), c(4, 4, 2))), "VII"), "fixed$cov", "component 1")
  expect_input_error(held(list(mean = cbind(1:4, 2:5)), equal = "mean"), "fixed$mean", "one value")
  fit <- held(list(cov = both))
  expect_identical(unname(fit$parameters$cov), both)
  expect_equal(fit$df, 9)
})

test_that("equal covariances are another structure; equal means and covariances are one component", {
  for (cov in list(c("VVV", "EEE"), c("VVI", "EEI"), c("VII", "EII"), c("EEE", "EEE"))) {
    a <- emix(flowers, k = 2, family = mix_mvnormal(cov[1]), equal = "cov")
    b <- emix(flowers, k = 2, family = mix_mvnormal(cov[2]))
    expect_near(a$loglik, b$loglik, 1e-8)
    expect_equal(a$df, b$df)
    expect_identical(a$family$cov, cov[2])
  }
  expect_input_error(emix(flowers, k = 2, family = mix_mvnormal("VEV"), equal = "cov"), "equal", "VEV")
  expect_input_error(emix(flowers, k = 2, equal = c("mean", "cov")), "equal", "same")
  expect_input_error(emix(flowers, k = 2, equal = "sd"), "equal", "cov")
})

test_that("priors go with the columns", {
  expect_input_error(emix(flowers, k = 2, prior = em_prior(prob = c(2, 2))), "prior", "prob")
  expect_input_error(emix(flowers, k = 2, prior = em_prior(mean = 1:3)), "prior$mean", "4")
  expect_input_error(emix(flowers, k = 2, prior = em_prior(scale = diag(3))), "prior$scale", "4 x 4")
  for (bad in list(matrix(c(1, 2, 0, 1), 2), -diag(2), matrix(NA_real_, 2, 2), diag(2) == 1)) {
    expect_input_error(em_prior(scale = bad), "scale")
  }
})

test_that("what is not there for rows of several columns is refused with a reason", {
  fit <- emix(faithful, k = 2)
  expect_input_error(predict(fit, type = "quantile"), "type", "no order")
  expect_input_error(qemix(0.5, fit), "mixture", "no order", named = "quantile")
  expect_input_error(em_gradient(fit), "fit", "covariances")
  expect_input_error(predict(fit, faithful[, 1]), "newdata", "2 columns")
  expect_input_error(demix(1:3, fit), "x", "2 columns")
  expect_input_error(demix(faithful, fit, size = 3), "size")
})

test_that("structures of other names are answered by theirs", {
  for (name in c("full", "tied", "diag", "spherical")) expect_input_error(mix_mvnormal(name), "cov", dQuote(name, FALSE))
  expect_input_error(mix_mvnormal("diag"), "cov", "\"VVI\"")
  expect_input_error(mix_mvnormal(c("EII", "all")), "cov", "\"all\" alone")
  for (bad in list(3, 1:2, NULL, NA, "vvv")) expect_input_error(mix_mvnormal(bad), "cov", "\"VVV\"")
})

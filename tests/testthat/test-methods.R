fit <- emix(faithful$waiting, k = 2, equal = "sd")
coin_fit <- emix(cbind(heads, tails) ~ 1, data = coins, k = 2, family = "binomial",
  start = list(prob = c(A = 0.6, B = 0.5)))

test_that("coef() names and orders all parameters", {
  expect_identical(names(coef(fit)), c("prop.1", "prop.2", "mean.1", "mean.2", "sd.1", "sd.2"))
  expect_identical(unname(coef(fit)), unlist(fit$parameters, use.names = FALSE))
  expect_identical(names(coef(coin_fit)), c("prop.A", "prop.B", "prob.A", "prob.B"))
  expect_identical(names(coef(emix(1:9, k = 1))), c("prop.1", "mean.1", "sd.1"))
  held <- emix(faithful$waiting, k = 2, fixed = list(prop = c(0.4, 0.6)))
  expect_length(coef(held), 6)
  expect_identical(unname(coef(held)[1:2]), c(0.4, 0.6))
})

test_that("as.data.frame() has a row per component", {
  table <- as.data.frame(coin_fit)
  expect_identical(names(table), c("component", "prop", "prob"))
  expect_identical(table$component, c("A", "B"))
  expect_identical(table$prob, unname(coin_fit$parameters$prob))
  expect_identical(names(as.data.frame(fit)), c("component", "prop", "mean", "sd"))
  named <- as.data.frame(fit, row.names = c("short", "long"))
  expect_identical(row.names(named), c("short", "long"))
})

test_that("logLik() carries df and nobs, so that AIC and BIC are right", {
  l <- logLik(fit)
  expect_s3_class(l, "logLik")
  expect_identical(attr(l, "df"), fit$df)
  expect_equal(attr(l, "df"), 4)
  expect_equal(attr(l, "nobs"), 272)
  expect_equal(AIC(fit), -2 * as.numeric(l) + 2 * 4)
  expect_equal(BIC(fit), -2 * as.numeric(l) + log(272) * 4)
  two <- BIC(fit, emix(faithful$waiting, k = 1))
  expect_equal(two$df, c(4, 2))
})

test_that("nobs() is the sum of the weights", {
  expect_equal(nobs(fit), 272)
  w <- rep(c(0, 0.5, 2), length.out = 272)
  weighted <- emix(faithful$waiting, k = 2, weights = w, equal = "sd")
  expect_equal(nobs(weighted), sum(w))
  expect_equal(BIC(weighted), -2 * weighted$loglik + 4 * log(sum(w)))
})

test_that("formula() is the fit's formula, or NULL", {
  expect_null(formula(fit))
  f <- formula(coin_fit)
  expect_s3_class(f, "formula")
  expect_identical(deparse(f), "cbind(heads, tails) ~ 1")
})

test_that("the fit is a list of ordinary vectors with the documented elements", {
  expect_identical(class(fit), c("emix_normal", "emix"))
  expect_identical(class(coin_fit), c("emix_binomial", "emix"))
  expect_true(all(c("parameters", "loglik", "df", "nobs", "converged", "iterations", "convergence",
    "starts") %in% names(fit)))
  expect_identical(names(fit$parameters), c("prop", "mean", "sd"))
  expect_identical(names(coin_fit$parameters), c("prop", "prob"))
  expect_identical(names(coin_fit$parameters$prob), c("A", "B"))
  types <- rapply(unclass(fit)[setdiff(names(fit), "call")], typeof, how = "unlist")
  expect_false(any(types %in% c("externalptr", "environment", "closure")))
})

test_that("fitted() is the posterior mean of the components' means", {
  expect_near(fitted(fit), predict(fit) %*% fit$parameters$mean, 1e-14)
  expect_near(fitted(coin_fit), predict(coin_fit) %*% coin_fit$parameters$prob * 10, 1e-14)
  expect_length(fitted(fit), 272)
  labelled <- emix(cbind(heads, tails) ~ 1, coins, family = "binomial", labels = coin)
  expect_near(fitted(labelled), c(4.5, 8, 8, 4.5, 8), 1e-13)
})

test_that("response residuals are observed minus fitted", {
  expect_near(residuals(fit, "response"), faithful$waiting - fitted(fit), 1e-13)
  expect_near(residuals(coin_fit, type = "response"), coins$heads - fitted(coin_fit), 1e-13)
})

test_that("quantile residuals are qnorm of the distribution function", {
  p <- pemix(faithful$waiting, fit)
  expect_near(residuals(fit), qnorm(p), 1e-10)
  expect_identical(residuals(fit), residuals(fit, "quantile"))
})

test_that("quantile residuals of a right model are standard normal", {
  set.seed(30)
  x <- rnorm(1500, ifelse(runif(1500) < 0.3, 0, 4), 1)
  right <- emix(x, k = 2)
  expect_gt(ks.test(residuals(right), "pnorm")$p.value, 0.05)
  wrong <- emix(x, k = 1)
  expect_lt(ks.test(residuals(wrong), "pnorm")$p.value, 1e-4)

  size <- sample(5:30, 1500, TRUE)
  s <- rbinom(1500, size, ifelse(runif(1500) < 0.6, 0.2, 0.7))
  right <- emix(cbind(s, size - s), k = 2, family = "binomial")
  expect_gt(ks.test(residuals(right), "pnorm")$p.value, 0.05)
  wrong <- emix(cbind(s, size - s), k = 1, family = "binomial")
  expect_lt(ks.test(residuals(wrong), "pnorm")$p.value, 1e-4)
})

test_that("binomial quantile residuals lie within the jump, by R's generator", {
  set.seed(31)
  r <- residuals(coin_fit)
  set.seed(31)
  expect_identical(residuals(coin_fit), r)
  below <- pemix(coins$heads - 1, coin_fit, size = 10)
  at <- pemix(coins$heads, coin_fit, size = 10)
  expect_true(all(pnorm(r) > below & pnorm(r) < at))
})

test_that("quantile residuals are finite in far tails, both", {
  x <- c(0, 1, 1000, -1000, 60, -60)
  held <- emix(x, k = 2, fixed = list(prop = c(0.5, 0.5), mean = c(0, 1), sd = c(1, 1)))
  expect_true(all(is.finite(residuals(held))))
  expect_identical(sign(residuals(held)), c(-1, 1, 1, -1, 1, -1))
  s <- c(0, 1e6, 5e5)
  far <- emix(cbind(s, 1e6 - s), k = 1, family = "binomial", fixed = list(prob = 0.5))
  set.seed(32)
  expect_true(all(is.finite(residuals(far))))
  certain <- emix(cbind(c(4, 5), 0), k = 1, family = "binomial")
  expect_true(all(is.finite(residuals(certain))))
})

test_that("summary() counts rows by component, weighted", {
  w <- rep(1:2, 136)
  weighted <- emix(faithful$waiting, k = 2, weights = w, equal = "sd")
  s <- summary(weighted)
  expect_s3_class(s, "summary.emix")
  expect_true(all(c("fit", "table", "certainty", "AIC", "BIC") %in% names(s)))
  p <- predict(weighted)
  expect_near(s$table$expected, colSums(w * p), 1e-12)
  class <- predict(weighted, type = "class")
  expect_near(s$table$assigned, tapply(w, class, sum), 1e-12)
  expect_near(s$certainty, weighted.mean(pmax(p[, 1], p[, 2]), w), 1e-13)
  expect_identical(c(s$AIC, s$BIC), c(AIC(weighted), BIC(weighted)))
})

test_that("print() returns its argument invisibly, and digits change the digits", {
  capture.output(shown <- withVisible(print(fit)))
  expect_false(shown$visible)
  expect_identical(shown$value, fit)
  s <- summary(fit)
  capture.output(shown <- withVisible(print(s)))
  expect_false(shown$visible)
  expect_identical(shown$value, s)
  expect_output(print(fit, digits = 3), "54.6")
  expect_output(print(fit, digits = 9), "54.6136263")
  expect_output(print(em_control()), "tol = 1e-08")
  expect_output(print(mix_binomial(size = 10)), "binomial components, size 10")
  expect_output(print(mix_normal()), "normal components")
})

test_that("methods take no other arguments, and say so", {
  for (call in alist(coef(fit, 3), logLik(fit, REML = TRUE), nobs(fit, 1), fitted(fit, x = 1),
    residuals(fit, "quantile", 1), summary(fit, 2), as.data.frame(fit, bogus = 1),
    predict(fit, types = "class"), simulate(fit, 1, 1, 1), print(fit, bogus = 1),
    print(summary(fit), bogus = 1), formula(fit, 1))) {
    expect_error(eval(call), class = "emix_error_input", label = deparse1(call))
  }
})

test_that("arguments of methods have ranges", {
  for (bad in list("deviance", NA, NULL, 1, c("quantile", "response"))) {
    expect_input_error(residuals(fit, type = bad), "type")
  }
  for (bad in list(0, -1, 1.5, NA, "3", c(3, 4), 100, NULL)) {
    capture.output(expect_input_error(print(fit, digits = bad), "digits"))
    capture.output(expect_input_error(print(summary(fit), digits = bad), "digits"))
  }
})

test_that("max_iter reached is a warning; the fit says that it has not converged", {
  expect_warning(short <- emix(faithful$waiting, k = 2, control = em_control(max_iter = 3)),
    class = "emix_warning_iterations")
  expect_false(short$converged)
  expect_lte(short$iterations, 2 * 3)
  expect_output(print(short), "NOT converged")
  expect_no_warning(emix(faithful$waiting, k = 1, control = em_control(max_iter = 5)))
})

test_that("a smaller tol comes nearer to the maximum", {
  start <- list(mean = c(165, 178))
  near <- function(tol, accelerate) {
    emix(heights_class, k = 2, equal = "sd", start = start,
      control = em_control(tol = tol, accelerate = accelerate))
  }
  best <- near(1e-13, FALSE)
  tol <- c(1e-2, 1e-5, 1e-8)
  for (accelerate in c(FALSE, TRUE)) {
    fits <- lapply(tol, near, accelerate)
    off <- vapply(fits, function(fit) max(abs(coef(fit) - coef(best))), 0)
    # Newton's last step may find the maximum to rounding, below which there is no order.
    expect_true(all(diff(off) < if (accelerate) 1e-8 else 0))
    expect_lt(off[3], 1e-7)
    expect_true(all(best$loglik - vapply(fits, function(fit) fit$loglik, 0) < tol))
  }
})

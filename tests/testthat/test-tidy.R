# tidy(), glance() and augment() give what the other methods say, under broom's names.

fit <- emix(height ~ 1, data = heights, k = 2, equal = "sd")
coin_fit <- emix(cbind(heads, tails) ~ 1, data = coins, k = 2, family = "binomial", equal = "prop")
tidied <- function(...) emix:::tidy.emix(...)
glanced <- function(...) emix:::glance.emix(...)
augmented <- function(...) emix:::augment.emix(...)

test_that("the methods are found by generics", {
  skip_if_not_installed("generics")
  expect_identical(generics::tidy(fit), tidied(fit))
  expect_identical(generics::glance(fit), glanced(fit))
  expect_identical(generics::augment(fit), augmented(fit))
  choice <- em_select(faithful$waiting, k = 1:2)
  expect_identical(generics::tidy(choice), as.data.frame(choice))
})

test_that("tidy: a row per component and parameter, with vcov()'s errors and confint()'s limits", {
  for (f in list(fit, emix(faithful$waiting, k = 3), emix(faithful$waiting, k = 1),
    emix(coin_tosses, k = 2, family = "binomial"))) {
    table <- suppressWarnings(tidied(f), classes = "emix_warning")
    expect_identical(names(table), c("component", "term", "estimate", "std.error"))
    expect_identical(paste(table$term, table$component, sep = "."), names(coef(f)))
    expect_identical(table$estimate, unname(coef(f)))
    expect_near(table$std.error, suppressWarnings(sqrt(diag(vcov(f)))), 1e-12)
  }
  table <- tidied(fit, conf.int = TRUE, conf.level = 0.9)
  expect_identical(names(table)[5:6], c("conf.low", "conf.high"))
  expect_identical(as.matrix(table[5:6]), confint(fit, level = 0.9), ignore_attr = TRUE)
  known <- emix(cbind(heads, tails) ~ 1, coins, family = "binomial", labels = coin)
  expect_identical(tidied(known)$component, c("A", "B", "A", "B"))
})

test_that("tidy: parameters without a standard error", {
  expect_identical(is.na(tidied(coin_fit)$std.error), c(TRUE, TRUE, FALSE, FALSE))
  hard <- emix(faithful$waiting, k = 2, control = em_control(estep = "hard"))
  expect_true(all(is.na(tidied(hard)$std.error)))
  expect_true(all(is.na(tidied(hard, conf.int = TRUE)$conf.low)))
  sure <- emix(cbind(c(0, 0, 9, 8), c(9, 8, 1, 2)), k = 2, family = "binomial")
  expect_warning(table <- tidied(sure, conf.int = TRUE), class = "emix_warning_boundary")
  expect_true(is.na(table$std.error[3]) && is.na(table$conf.low[3]))
  tiny <- emix(faithful$waiting * 1e-200, k = 2)
  expect_near(tidied(tiny)$std.error[3:6] * 1e200, tidied(emix(faithful$waiting, k = 2))$std.error[3:6], 1e-6)
})

test_that("glance: one row of what the generics say", {
  for (f in list(fit, coin_fit, emix(faithful$waiting, k = 1, weights = rep(2:3, 136)))) {
    row <- glanced(f)
    expect_equal(nrow(row), 1)
    expect_equal(row$logLik, as.numeric(logLik(f)))
    expect_equal(c(row$AIC, row$BIC, row$df, row$nobs), c(AIC(f), BIC(f), attr(logLik(f), "df"), nobs(f)))
    expect_equal(row$df.residual, nobs(f) - row$df)
    expect_equal(row[c("entropy", "uncertainty")], as.data.frame(em_overlap(f)[c("entropy", "uncertainty")]))
    expect_equal(row$ICL, BIC(f) + 2 * row$entropy)
    expect_true(row$converged)
  }
  expect_identical(glanced(fit)[c("family", "k", "equal")], data.frame(family = "normal", k = 2L, equal = "sd"))
  table <- emix(faithful$waiting, k = 2:2 + c(0, 0))$selection
  expect_equal(glanced(emix(faithful$waiting, k = 2))$AICc, table$AICc)
})

test_that("augment: rows of the fit", {
  rows <- augmented(fit)
  expect_identical(names(rows), c("height", ".class", ".uncertainty", ".fitted", ".resid"))
  expect_identical(rows$height, heights$height)
  expect_identical(rows$.class, predict(fit, type = "class"))
  expect_near(rows$.uncertainty, 1 - apply(predict(fit), 1, max), 1e-14)
  expect_identical(rows$.fitted, fitted(fit))
  expect_identical(rows$.resid, residuals(fit))
  with_data <- augmented(fit, data = heights)
  expect_identical(with_data[names(heights)], heights)
  expect_identical(as.list(with_data[names(rows)]), as.list(rows))
  set.seed(1)
  tosses <- augmented(coin_fit)
  set.seed(1)
  expect_identical(tosses$.resid, residuals(coin_fit))
  expect_equal(tosses[c("heads", "tails")], coins[c("heads", "tails")], ignore_attr = TRUE)
  expect_identical(names(augmented(emix(coin_tosses, k = 2, family = "binomial")))[1:2], c("successes", "failures"))
  expect_identical(names(augmented(emix(log(waiting) ~ 1, faithful)))[1], "x")
  sorted <- emix(faithful$waiting, k = 2)
  known <- emix(cbind(heads, tails) ~ 1, coins, family = "binomial", labels = coin)
  expect_identical(as.character(augmented(known)$.class), as.character(coins$coin))
  expect_equal(augmented(known)$.uncertainty, rep(0, 5))
})

test_that("augment: new rows, missing ones too", {
  new <- data.frame(height = c(160, NA, 180), name = c("a", "b", "c"), row.names = c("x", "y", "z"))
  rows <- augmented(fit, newdata = new)
  expect_identical(rows[names(new)], new)
  expect_identical(rows$.class, unname(predict(fit, new, type = "class")))
  p <- predict(fit, new)
  expect_near(rows$.uncertainty, 1 - pmax(p[, 1], p[, 2]), 1e-14)
  expect_near(rows$.fitted, drop(p %*% fit$parameters$mean), 1e-12)
  expect_near(rows$.resid, qnorm(pemix(new$height, fit)), 1e-10)
  expect_identical(names(augmented(fit, newdata = c(150, 160)))[1], "height")
  expect_true(is.na(augmented(fit, newdata = NA_real_)$.uncertainty))
  expect_equal(nrow(augmented(coin_fit, newdata = data.frame(heads = 3:4, tails = 7:6))), 2)
  expect_equal(augmented(fit, newdata = heights[1:5, ])$.fitted, fitted(fit)[1:5])
})

test_that("augment: rows that na.action left out", {
  y <- data.frame(y = c(1, NA, 2, 7, 8, 8.5))
  padded <- augmented(emix(y ~ 1, y, k = 2, equal = "sd", na.action = na.exclude), data = y)
  expect_identical(is.na(padded$.class), is.na(y$y))
  short <- augmented(emix(y ~ 1, y, k = 2, equal = "sd", na.action = na.omit), data = y)
  expect_equal(short$y, y$y[-2])
  expect_near(short$.uncertainty, padded$.uncertainty[-2], 1e-14)
})

test_that("arguments that do not fit", {
  for (bad in list(NA, 1, "yes")) expect_input_error(tidied(fit, conf.int = bad), "conf.int")
  for (bad in list(0, 1, NA, "a")) expect_input_error(tidied(fit, conf.int = TRUE, conf.level = bad), "conf.level")
  expect_input_error(tidied(fit, conf.int = TRUE, conf.method = "none"), "method")
  expect_error(tidied(fit, quick = TRUE), "quick", class = "emix_error_input")
  expect_input_error(augmented(fit, data = heights[1:3, ]), "data", "934")
  expect_input_error(augmented(fit, data = 3), "data")
  expect_input_error(augmented(fit, data = heights, newdata = heights), "data")
  expect_input_error(augmented(fit, newdata = data.frame(weight = 3)), "newdata")
  expect_object_error(glanced(structure(list(), class = "emix")))
})

test_that("every kind of fit is answered: held, weighted, labelled, with a prior, condensed, on a boundary, at a ridge", {
  y <- faithful$waiting
  known <- replace(rep(NA, 272), 1:4, c("long", "short", "long", "short"))
  kinds <- list(
    one = emix(y, k = 1), fixed = emix(y, fixed = list(prop = c(0.4, 0.6), sd = c(6, NA))), equal = emix(y, equal = c("sd", "prop")),
    weighted = emix(y, weights = rep(c(0, 0.5, 2, 3), 68)), labelled = emix(y, labels = known), prior = emix(y, k = 3, prior = "default"),
    rows = emix(y, control = em_control(condense = "none")), hard = emix(y, control = em_control(estep = "hard")),
    boundary = emix(cbind(c(0, 0, 9, 8), c(9, 8, 1, 2)), family = "binomial"),
    ridge = emix(cbind(c(4, 5, 6, 5), c(6, 5, 4, 5)), family = "binomial"),
    sizes = emix(c(1, 3, 9, 14), family = mix_binomial(size = c(3, 10, 0, 20) + c(0, 0, 9, 0)))
  )
  for (kind in names(kinds)) {
    f <- kinds[[kind]]
    table <- suppressWarnings(tidied(f, conf.int = TRUE), classes = "emix_warning")
    expect_identical(table$estimate, unname(coef(f)), info = kind)
    inside <- is.na(table$conf.low) | (table$conf.low <= table$estimate & table$estimate <= table$conf.high)
    expect_true(all(inside), info = kind)
    expect_false(anyNA(glanced(f)[c("logLik", "AIC", "BIC", "ICL", "entropy")]), info = kind)
    rows <- augmented(f)
    expect_identical(as.character(rows$.class), as.character(predict(f, type = "class")), info = kind)
    expect_false(anyNA(rows[c(".uncertainty", ".fitted", ".resid")]), info = kind)
    o <- em_overlap(f)
    expect_near(rowSums(o$confusion), rep(1, f$k), 1e-12)
    expect_true(o$error >= 0 && o$error <= 1 - max(o$prop) + 1e-12, info = kind)
  }
})

# Several numbers of components in one call: the table, the choice, and what goes with it.

x <- faithful$waiting
chosen <- function(...) {
  set.seed(70)
  emix(...)
}
several <- chosen(x, k = 1:4)

test_that("the table has a row per k, and its numbers are those of the fits", {
  table <- several$selection
  expect_s3_class(table, "data.frame")
  expect_true(all(c("k", "df", "loglik", "AIC", "BIC", "ICL") %in% names(table)))
  expect_equal(table$k, 1:4)
  expect_equal(table$df, 3 * (1:4) - 1)
  expect_near(table$AIC, -2 * table$loglik + 2 * table$df, 1e-14)
  expect_near(table$BIC, -2 * table$loglik + log(272) * table$df, 1e-14)
  for (k in 1:2) expect_near(table$loglik[k], emix(x, k = k)$loglik, 1e-9)
})

test_that("ICL is BIC plus twice the entropy of the posterior probabilities", {
  for (k in 1:3) {
    fit <- emix(x, k = c(k, k), equal = "sd")
    p <- predict(fit)
    entropy <- -sum(ifelse(p > 0, p * log(p), 0))
    expect_near(fit$selection$ICL, BIC(fit) + 2 * entropy, 1e-12)
  }
  w <- rep(c(0.5, 2), 136)
  fit <- emix(x, k = c(2, 2), weights = w)
  p <- predict(fit)
  expect_near(fit$selection$ICL, BIC(fit) - 2 * sum(w * ifelse(p > 0, p * log(p), 0)), 1e-12)
})

test_that("the smallest criterion wins: the fit is its row, and print says so", {
  for (criterion in c("BIC", "AIC", "ICL")) {
    fit <- chosen(x, k = 1:4, criterion = criterion)
    table <- fit$selection
    best <- which.min(table[[criterion]])
    expect_equal(fit$k, table$k[best])
    expect_near(c(fit$loglik, fit$df, AIC(fit), BIC(fit)),
      unlist(table[best, c("loglik", "df", "AIC", "BIC")]), 1e-13)
    expect_equal(length(fit$parameters$mean), fit$k)
    expect_output(print(fit), paste("has the smallest", criterion))
    expect_output(print(fit), "k = [0-9] of 1 to 4")
  }
  expect_identical(answer(chosen(x, k = 1:4, criterion = "BIC")), answer(several))
  expect_output(print(summary(several)), "ICL")
})

test_that("by default BIC: two groups at the geyser, one in the class, as references have it", {
  expect_equal(several$k, 2)
  expect_near(several$loglik, -1034.00174983161, 1e-9)
  expect_equal(suppressWarnings(emix(heights_class, k = 1:3),
    classes = "emix_warning_spurious")$k, 1)
  one <- emix(coin_tosses, k = 1:3, family = "binomial")
  expect_equal(one$k, 1)
  expect_near(one$selection$loglik[1:2], c(-10.278498, -9.7954189562), 5e-7)
  expect_near(one$selection$BIC[1:2], c(22.166, 24.419), 5e-4)
  expect_near(one$selection$AIC[1:2], c(22.557, 25.591), 5e-4)
})

test_that("the order of k, gaps and repetitions make no difference", {
  turned <- chosen(x, k = c(4, 2, 1, 3, 2))
  expect_equal(turned$selection$k, 1:4)
  expect_near(turned$selection$loglik, several$selection$loglik, 1e-6)
  gap <- chosen(x, k = c(3, 1))
  expect_equal(gap$selection$k, c(1, 3))
  expect_equal(chosen(x, k = 2:2)$k, 2)
})

test_that("nested fits: the log-likelihood never falls with k", {
  samples <- list(list(x, "normal", "sd"), list(faithful$eruptions, "normal", "sd"),
    list(heights_class, "normal", "sd"), list(precip, "normal", "sd"),
    list(coin_tosses, "binomial", NULL))
  for (sample in samples) {
    for (seed in 1:2) {
      set.seed(seed)
      top <- min(5, NROW(sample[[1]]))
      table <- emix(sample[[1]], k = seq_len(top), family = sample[[2]],
        equal = sample[[3]])$selection
      expect_gte(min(diff(table$loglik)), -1e-6)
      expect_true(all(table$converged))
    }
  }
})

test_that("no warning of maxima that are not returned", {
  for (seed in 1:3) {
    set.seed(seed)
    expect_no_warning(emix(x, k = 1:4))
  }
})

test_that("each k is as good as its own fit", {
  set.seed(71)
  for (equal in list(NULL, "sd")) {
    table <- emix(faithful$eruptions, k = 1:4, equal = equal)$selection
    for (k in 2:4) {
      own <- suppressWarnings(emix(faithful$eruptions, k = k, equal = equal),
        classes = "emix_warning_spurious")
      if (!own$convergence$spurious) expect_gte(table$loglik[k], own$loglik - 1e-6)
    }
  }
})

test_that("a k that collapses is a row without numbers; if all do, an error", {
  two_values <- c(1, 1, 1, 5, 5, 5)
  fit <- emix(two_values, k = 1:3)
  expect_equal(fit$k, 1)
  expect_identical(is.na(fit$selection$loglik), c(FALSE, TRUE, TRUE))
  expect_identical(is.na(fit$selection$BIC), c(FALSE, TRUE, TRUE))
  expect_error(emix(two_values, k = 2:3), class = "emix_error_degenerate")
  expect_error(emix(rep(3, 9), k = 1:2), class = "emix_error_degenerate")
})

test_that("weights, labels, priors and formulas go to every k", {
  w <- rep(1:2, 136)
  weighted <- emix(x, k = 1:2, weights = w)
  expect_near(weighted$selection$loglik, c(emix(x, k = 1, weights = w)$loglik,
    emix(x, k = 2, weights = w)$loglik), 1e-9)
  expect_equal(nobs(weighted), sum(w))
  map <- emix(x, k = 1:3, prior = "default", equal = "sd")
  for (k in 1:3) {
    own <- emix(x, k = k, prior = "default", equal = "sd")
    expect_near(map$selection$loglik[k], own$loglik, 1e-6)
  }
  labels <- replace(rep(NA, 272), 1:2, c("long", "short"))
  known <- suppressWarnings(emix(x, k = 2:3, labels = labels), classes = "emix_warning_spurious")
  expect_equal(known$selection$k, 2:3)
  expect_identical(known$components[1:2], c("long", "short"))
  expect_identical(as.character(predict(known, type = "class"))[1:2], c("long", "short"))
  set.seed(70)
  by_formula <- emix(waiting ~ 1, data = faithful, k = 1:4)
  expect_identical(answer(by_formula), answer(several))
  expect_identical(deparse(formula(by_formula)), "waiting ~ 1")
})

# All warnings of a call, in order.
warnings_of <- function(code) {
  found <- list()
  withCallingHandlers(code, warning = function(w) {
    found <<- c(found, list(w))
    invokeRestart("muffleWarning")
  })
  found
}

test_that("chance clusters: one warning, about the fit that is returned; the table marks the others", {
  set.seed(1)
  lone <- c(qnorm(ppoints(50)), 10, 10.001)
  found <- warnings_of(fit <- emix(lone, k = 1:3))
  expect_length(found, 1)
  expect_s3_class(found[[1]], "emix_warning_spurious")
  expect_match(conditionMessage(found[[1]]), sprintf("k = %d every maximum", fit$k), fixed = TRUE)
  expect_identical(fit$selection$spurious, 1:3 > 1)
  set.seed(1)
  expect_length(warnings_of(one <- emix(heights_class, k = 1:5)), 0)
  expect_equal(one$k, 1)
  expect_true(any(one$selection$spurious))
})

test_that("iterations: one warning too", {
  set.seed(1)
  found <- warnings_of(fit <- emix(faithful$eruptions, k = 2:4, control = em_control(max_iter = 3)))
  expect_length(found, 1)
  expect_s3_class(found[[1]], "emix_warning_iterations")
  expect_match(conditionMessage(found[[1]]), sprintf("k = %d", fit$k), fixed = TRUE)
  expect_false(any(fit$selection$converged))
})

test_that("what cannot be fitted with every k is an error before any is", {
  # Nothing is drawn, so nothing has been tried.
  untouched <- function(code, ...) {
    set.seed(1)
    before <- .Random.seed
    expect_input_error(code, ...)
    expect_identical(.Random.seed, before)
  }
  untouched(emix(c(1, 3, 4, 8, 9), k = 1:9), "k", "not 9")
  untouched(emix(c(1, 3, 4, 8, 9), k = 1:5, weights = c(0, 1, 1, 1, 1)), "k", "positive weight")
  untouched(emix(x, k = 2:3, prior = em_prior(prop = c(2, 3))), "prior", named = "prop")
  untouched(emix(x, k = 2:3, labels = rep(1:3, length.out = 272)), "labels")
  untouched(emix(x, k = 1:3, equal = c("mean", "sd")), "equal")
})

test_that("errors: start or fixed, too many components, labels of more, a criterion that is none", {
  expect_input_error(emix(x, k = 1:3, start = list(mean = c(50, 80))), "k")
  expect_input_error(emix(x, k = 1:3, fixed = list(sd = c(5, NA))), "k")
  expect_input_error(emix(1:3, k = 2:4), "k", "rows")
  expect_input_error(emix(x, k = 1:3, labels = replace(rep(NA, 272), 1:2, 1:2)), "labels")
  for (bad in list("bic", NA, NULL, 1, c("BIC", "AIC"), character(), TRUE)) {
    expect_input_error(emix(x, k = 1:2, criterion = bad), "criterion")
    expect_input_error(emix(x, k = 2, criterion = bad), "criterion")
  }
})

test_that("update() chooses again among the same k, or fits the k that is given", {
  again <- update(several)
  expect_near(coef(again), coef(several), 1e-9)
  expect_equal(again$selection$k, 1:4)
  shared <- update(several, equal = "sd")
  expect_equal(shared$selection$k, 1:4)
  expect_equal(shared$selection$df, 2 * (1:4))
  expect_equal(shared$k, which.min(shared$selection$BIC))
  by_hand <- update(emix(x, k = 1:2), equal = "sd")
  expect_identical(deparse(by_hand$call), "emix(x = x, k = 1:2, equal = \"sd\")")
  by_aic <- update(several, criterion = "AIC")
  expect_identical(attr(by_aic$selection, "criterion"), "AIC")
  expect_equal(by_aic$k, which.min(by_aic$selection$AIC))
  expect_identical(attr(update(by_aic, k = 1:3)$selection, "criterion"), "AIC")
  other <- update(several, x = faithful$eruptions)
  expect_equal(other$selection$k, 1:4)
  expect_equal(update(several, k = 3)$k, 3)
  expect_null(update(several, k = 3)$selection)
  expect_equal(update(several, k = 1:3)$selection$k, 1:3)
  expect_equal(update(emix(x, k = 2), k = 1:2)$selection$k, 1:2)
  expect_input_error(update(several, start = list(mean = c(50, 80))), "k")
  expect_equal(update(several, k = 2, start = list(mean = c(50, 80)))$k, 2)
})

test_that("the call is the user's, and everything can be asked of the fit", {
  fit <- emix(x, k = 1:3)
  expect_identical(deparse(fit$call), "emix(x = x, k = 1:3)")
  expect_sound(fit)
  file <- tempfile(fileext = ".rds")
  on.exit(unlink(file))
  saveRDS(fit, file)
  expect_identical(readRDS(file), fit)
})

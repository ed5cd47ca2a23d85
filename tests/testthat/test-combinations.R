# Every combination of fixed, equal, labels and weights: a plain EM's iterates, and degrees of
# freedom counted by hand.

labels_of <- function(n) replace(rep(NA_integer_, n), c(2, 7, 11, 12), c(2L, 1L, 1L, 2L))
weights_of <- function(n) c(0.5, 2, 0, 1.25)[seq_len(n) %% 4 + 1]

# `fixed` and `equal` as they bind together: shared values held for one are held for all.
full_start <- function(start, fixed, equal) {
  for (block in names(start)) {
    value <- start[[block]]
    held <- !is.na(fixed[[block]])
    if (block %in% equal) value[] <- if (block == "prop") 1 / length(value) else mean(value)
    if (any(held)) {
      if (block %in% equal) held[] <- TRUE
      value[held] <- rep_len(stats::na.omit(fixed[[block]]), sum(held))
      if (block == "prop") value[!held] <- (1 - sum(value[held])) / sum(!held)
    }
    start[[block]] <- value
  }
  start
}

expect_combination <- function(x, family, oracle, start, case, iterations = 8) {
  n <- NROW(x)
  begin <- full_start(start, case$fixed, case$equal)
  for (labels in list(NULL, labels_of(n))) {
    if (isTRUE(case$needs_labels) && is.null(labels)) next
    for (weights in list(NULL, weights_of(n))) {
      fit <- emix_steps(x, iterations, k = 2, family = family, start = begin, fixed = case$fixed,
        equal = case$equal, labels = labels, weights = weights)
      plain <- oracle_em(x, oracle, begin, iterations, weights, case$fixed, case$equal, labels)
      expect_near(fit$parameters, plain$parameters)
      expect_near(fit$loglik, plain$loglik)
      expect_near(predict(fit), plain$posterior)
      expect_equal(fit$df, case$df)
      for (block in names(case$fixed)) {
        held <- which(!is.na(case$fixed[[block]]))
        expect_identical(unname(fit$parameters[[block]])[held], case$fixed[[block]][held])
      }
      for (block in case$equal) {
        expect_identical(unname(fit$parameters[[block]][1]), unname(fit$parameters[[block]][2]))
      }
    }
  }
}

x <- faithful$eruptions[1:60]
normal_start <- list(prop = c(0.4, 0.6), mean = c(2.1, 4.2), sd = c(0.4, 0.5))

# prop 1 + mean 2 + sd 2 = 5 free parameters, less what is held or shared
normal_cases <- list(
  list(df = 5),
  list(equal = "sd", df = 4),
  list(equal = "mean", df = 4),
  list(equal = "prop", df = 4),
  list(equal = c("prop", "sd"), df = 3),
  list(equal = c("mean", "prop"), df = 3),
  list(equal = c("mean", "sd"), df = 3, needs_labels = TRUE),
  list(equal = c("mean", "sd", "prop"), df = 2, needs_labels = TRUE),
  list(fixed = list(prop = c(0.3, 0.7)), df = 4),
  list(fixed = list(prop = c(0.3, NA)), df = 4),
  list(fixed = list(prop = c(NA, 0.6)), equal = "sd", df = 3),
  list(fixed = list(mean = c(2, NA)), df = 4),
  list(fixed = list(mean = c(2, 4.3)), df = 3),
  list(fixed = list(mean = c(NA, 4.3)), equal = "sd", df = 3),
  list(fixed = list(mean = c(2, 4.3)), equal = c("sd", "prop"), df = 1),
  list(fixed = list(mean = c(3, NA)), equal = "mean", df = 3),
  list(fixed = list(mean = c(3, 3)), equal = "mean", df = 3),
  list(fixed = list(mean = c(3, 3)), df = 3),
  list(fixed = list(sd = c(0.3, NA)), df = 4),
  list(fixed = list(sd = c(0.3, 0.6)), df = 3),
  list(fixed = list(sd = c(NA, 0.4)), equal = "sd", df = 3),
  list(fixed = list(sd = c(0.4, 0.4)), equal = c("sd", "prop"), df = 2),
  list(fixed = list(sd = c(0.3, NA)), equal = "mean", df = 3),
  list(fixed = list(sd = c(0.3, 0.6)), equal = "mean", df = 2),
  list(fixed = list(sd = c(0.5, 0.5)), equal = "prop", df = 2),
  list(fixed = list(mean = c(2, NA), sd = c(NA, 0.4)), df = 3),
  list(fixed = list(mean = c(2, 4.3), sd = c(0.3, 0.4)), df = 1),
  list(fixed = list(mean = c(2, 4.3), sd = c(0.3, 0.4), prop = c(0.5, 0.5)), df = 0),
  list(fixed = list(mean = c(NA, 4.3), prop = c(0.35, 0.65)), equal = "sd", df = 2),
  list(fixed = list(sd = c(0.3, NA), prop = c(0.25, NA)), equal = "mean", df = 2)
)

binomial_x <- cbind(
  c(3, 5, 4, 9, 8, 2, 3, 10, 12, 4, 2, 14, 0, 9),
  c(9, 7, 8, 3, 2, 4, 9, 2, 0, 8, 5, 6, 3, 1)
)
binomial_start <- list(prop = c(0.4, 0.6), prob = c(0.35, 0.75))

# prop 1 + prob 2 = 3
binomial_cases <- list(
  list(df = 3),
  list(equal = "prop", df = 2),
  list(equal = "prob", df = 2, needs_labels = TRUE),
  list(equal = c("prob", "prop"), df = 1),
  list(fixed = list(prop = c(0.3, 0.7)), df = 2),
  list(fixed = list(prop = c(0.3, NA)), df = 2),
  list(fixed = list(prob = c(0.3, NA)), df = 2),
  list(fixed = list(prob = c(0.3, 0.8)), df = 1),
  list(fixed = list(prob = c(0.3, NA)), equal = "prop", df = 1),
  list(fixed = list(prob = c(0.3, NA), prop = c(NA, 0.5)), df = 1),
  list(fixed = list(prob = c(0.3, 0.8), prop = c(0.5, 0.5)), df = 0),
  list(fixed = list(prob = c(0.4, 0.4), prop = c(0.25, 0.75)), equal = "prob", df = 0)
)

name_of <- function(case) {
  text <- if (length(case$fixed)) paste0("fixed ", deparse1(case$fixed))
  text <- c(text, if (length(case$equal)) paste("equal", paste(case$equal, collapse = ", ")))
  if (length(text)) paste(text, collapse = ", ") else "all free"
}

for (case in normal_cases) {
  test_that(paste("normal:", name_of(case)), {
    expect_combination(x, "normal", oracle_normal, normal_start, case)
  })
}

for (case in binomial_cases) {
  test_that(paste("binomial:", name_of(case)), {
    expect_combination(binomial_x, "binomial", oracle_binomial, binomial_start, case)
  })
}

test_that("three components: some held, some free, one proportion left", {
  start <- list(prop = c(0.2, 0.3, 0.5), mean = c(2, 3, 4.4), sd = c(0.3, 0.4, 0.4))
  for (case in list(
    list(fixed = list(prop = c(0.2, NA, 0.5)), df = 6),
    list(fixed = list(prop = c(0.2, NA, NA), mean = c(NA, 3, NA)), df = 6),
    list(fixed = list(mean = c(NA, 3, NA)), equal = "sd", df = 5),
    list(fixed = list(prop = c(NA, 0.3, 0.5), sd = c(NA, NA, 0.8)), equal = "mean", df = 3)
  )) {
    begin <- full_start(start, case$fixed, case$equal)
    fit <- emix_steps(x, 6, k = 3, start = begin, fixed = case$fixed, equal = case$equal)
    plain <- oracle_em(x, oracle_normal, begin, 6, NULL, case$fixed, case$equal)
    expect_near(fit$parameters, plain$parameters)
    expect_near(fit$loglik, plain$loglik)
    expect_equal(fit$df, case$df)
  }
})

test_that("everything held: the log-likelihood alone", {
  held <- list(prop = c(0.3, 0.7), mean = c(2, 4.3), sd = c(0.3, 0.4))
  fit <- emix(x, k = 2, fixed = held)
  expect_true(fit$converged)
  expect_near(fit$loglik, oracle_loglik(x, held, oracle_normal), 1e-13)
  expect_equal(fit$df, 0)
})

test_that("df of k components is (k - 1) + k + k, less k - 1 for each shared", {
  for (k in 1:4) {
    start <- list(mean = 1 + seq_len(k), sd = rep(1, k))
    df <- function(equal) emix_steps(x, 1, k = k, start = start, equal = equal)$df
    expect_equal(df(NULL), 3 * k - 1)
    expect_equal(df("sd"), 2 * k)
    expect_equal(df("prop"), 2 * k)
    expect_equal(df(c("sd", "prop")), k + 1)
  }
})

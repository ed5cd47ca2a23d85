# Likelihood-ratio tests by parametric bootstrap.

internal <- function(name) get(name, asNamespace("emix"), inherits = FALSE)
x <- faithful$waiting
one <- emix(x, k = 1)
two <- emix(x, k = 2)
test_of <- function(table, i = 1) attr(table, "tests")[[i]]

test_that("p-values: the formula, early stopping and what failed", {
  p_of <- internal("bootstrap_p")
  r <- c(1, 5, 2, 7, 3, 6)
  expect_identical(p_of(4, r)[c("p", "exceed", "used", "stopped", "failed")],
    list(p = 4 / 7, exceed = 3L, used = 6L, stopped = FALSE, failed = 0L))
  expect_near(p_of(4, r)$error, sqrt(4 / 7 * 3 / 7 / 6), 1e-15)
  expect_identical(p_of(8, r)$p, 1 / 7)
  # A tie is an exceedance.
  expect_identical(p_of(7, r)$p, 2 / 7)
  stopped <- p_of(4, r, 2)
  expect_identical(stopped[c("p", "used", "stopped")], list(p = 0.5, used = 4L, stopped = TRUE))
  expect_identical(p_of(4, c(NA, r), 2)[c("p", "used", "failed")], list(p = 0.5, used = 4L, failed = 1L))
  expect_identical(p_of(4, c(r, NA, NA))[c("p", "failed")], list(p = 4 / 7, failed = 2L))
})

test_that("to stop early does not change the decision", {
  p_of <- internal("bootstrap_p")
  most_of <- internal("enough_exceedances")
  set.seed(1)
  for (turn in 1:300) {
    n <- sample(c(19, 99, 200, 999), 1)
    level <- sample(c(0.01, 0.05, 0.1, 0.05 + runif(1) / 10), 1)
    r <- runif(n)
    t <- 1 - runif(1, 0, 2 * level)
    full <- p_of(t, r)$p
    most <- most_of(n, level)
    expect_identical(p_of(t, r, most)$p <= level, full <= level)
  }
})

test_that("the seed decides and the number of processes does not", {
  run <- function(threads) {
    set.seed(2)
    anova(one, two, replicates = 30, control = em_control(threads = threads), stop = FALSE)
  }
  a <- run(1)
  expect_identical(run(2), a)
  expect_identical(test_of(a)$used, 30L)
  expect_identical(test_of(a)$p, 1 / 31)
  expect_s3_class(a, "anova")
  expect_identical(names(a), c("k", "Df", "logLik", "LR", "replicates", "exceed", "MC error", "Pr(>LR)"))
  expect_near(a$LR[2], 2 * (logLik(two) - logLik(one)), 1e-6)
  expect_output(print(a), "Model 2: Mixture of 2 normal")
  # What early stopping uses is what all would begin with.
  three <- emix(x, k = 3)
  go <- function(...) {
    set.seed(3)
    test_of(anova(two, three, replicates = 60, ...))
  }
  all <- go(stop = FALSE)
  some <- go()
  expect_true(some$stopped)
  expect_identical(some$replicates, all$replicates[seq_along(some$replicates)])
  expect_identical(some$exceed, 4L)
  expect_identical(which(cumsum(all$replicates >= all$statistic) == 4)[1], length(some$replicates))
})

test_that("k = 1 against one held parameter: Student's t and the exact distribution", {
  set.seed(4)
  y <- rnorm(15, 0.5)
  held <- emix(y, k = 1, fixed = list(mean = 0))
  free <- emix(y, k = 1)
  a <- anova(held, free, replicates = 400, stop = FALSE)
  t2 <- 15 * mean(y)^2 / stats::var(y)
  expect_near(a$LR[2], 15 * log1p(t2 / 14), 1e-9)
  exact <- stats::pf(t2, 1, 14, lower.tail = FALSE)
  expect_lt(abs(a[["Pr(>LR)"]][2] - exact), 4 * sqrt(exact * (1 - exact) / 400) + 1 / 301)
})

test_that("the statistic is never negative and that of the full search, in the sample and in replicates", {
  set.seed(5)
  samples <- list(rnorm(150), c(rnorm(80), rnorm(80, 4)), cbind(rbinom(60, 8, 0.4), 8), c(rnorm(2000), rnorm(1000, 3)))
  samples[[3]][, 2] <- 8 - samples[[3]][, 1]
  for (s in samples) {
    family <- if (is.matrix(s)) "binomial" else "normal"
    smaller <- emix(s, k = 1, family = family)
    larger <- suppressWarnings(emix(s, k = 2, family = family))
    test <- test_of(anova(smaller, larger, replicates = 9, stop = FALSE))
    expect_true(all(test$replicates >= 0) && test$statistic >= 0)
    expect_length(test$replicates, 9)
    if (!larger$convergence$spurious) expect_near(test$statistic / 2 + test$missed, larger$loglik - smaller$loglik, 2e-4)
  }
})

test_that("weights are rows, and labels are kept", {
  y <- round(x)
  values <- sort(unique(y))
  w <- as.double(table(y))
  set.seed(6)
  a <- test_of(anova(emix(values, k = 1, weights = w), emix(values, k = 2, weights = w), replicates = 5))
  set.seed(6)
  b <- test_of(anova(emix(y, k = 1), emix(y, k = 2), replicates = 5))
  expect_near(a$statistic, b$statistic, 1e-6)
  expect_near(a$replicates, b$replicates, 1e-6)
  labels <- replace(rep(NA, 272), 1:20, ifelse(faithful$eruptions[1:20] > 3, 2, 1))
  c <- anova(emix(x, labels = labels, equal = "sd"), emix(x, labels = labels), replicates = 19)
  expect_near(c$LR[2], 2 * diff(c$logLik), 1e-6)
})

test_that("chance clusters are no evidence", {
  set.seed(7)
  y <- c(rnorm(100), 0.3, 0.3001, 0.30005)
  pair <- list(emix(y, k = 1), suppressWarnings(emix(y, k = 2)))
  test <- test_of(anova(pair[[1]], pair[[2]], replicates = 9))
  expect_lt(test$statistic, 10)
})

test_that("em_test_k() goes on until a test is not significant", {
  set.seed(8)
  a <- em_test_k(x, k = 1:4, replicates = 29)
  expect_s3_class(a, "em_test_k")
  expect_identical(a$k, 2L)
  expect_identical(a$fit$k, 2L)
  expect_identical(a$table$against, 2:3)
  expect_identical(a$table$p.value[1], 1 / 30)
  expect_gt(a$table$p.value[2], 0.05)
  expect_false(a$open)
  expect_output(print(a), "k = 2 is not rejected at 0.05")
  # From a fit: its model and data.
  set.seed(8)
  b <- em_test_k(two, k = 1:4, replicates = 29)
  expect_identical(b$table, a$table)
  open <- em_test_k(emix(x, equal = "sd"), k = 1:2, replicates = 19)
  expect_true(open$open)
  expect_output(print(open), "more may be needed")
  flat <- em_test_k(c(1, 1, 1, 5, 5, 5), k = 1:3, replicates = 19)
  expect_true(flat$collapsed && !flat$open && flat$k == 1L)
  expect_output(print(flat), "with k = 2 every start collapses")
  set.seed(9)
  formula <- em_test_k(waiting ~ 1, data = faithful, k = 1:2, replicates = 9)
  expect_identical(formula$table$p.value, 0.1)
  coin <- em_test_k(cbind(coins$heads, coins$tails), k = 1:2, replicates = 19, family = "binomial")
  expect_true(coin$k %in% 1:2)
})

test_that("what is not nested, or no maximum of a likelihood, is refused", {
  expect_input_error(anova(two), "...", named = "...")
  expect_input_error(anova(two, one), "...", "free parameters")
  expect_input_error(anova(one, emix(x[-1], k = 2)), "...", "different rows")
  expect_input_error(anova(emix(x, k = 2), emix(x, k = 3, equal = "sd", fixed = list(prop = c(0.1, 0.2, 0.7)))), "...")
  expect_input_error(anova(emix(x, k = 2), emix(x, k = 4, equal = "sd")), "...", "a shared sd")
  expect_input_error(anova(one, emix(x, k = 2, prior = "default")), "...", "prior")
  expect_input_error(anova(one, emix(x, k = 2, control = em_control(estep = "hard"))), "...", "hard")
  expect_input_error(anova(one, two, test = "Chisq"), "...", named = "test")
  expect_input_error(anova(one, two, level = 2), "level")
  expect_input_error(em_test_k(x, k = c(1, 3)), "k")
  expect_input_error(em_test_k(x, k = 2), "k")
  expect_input_error(em_test_k(x, prior = "default"), "prior")
  expect_input_error(em_test_k(x, k = 2:3, equal = "prop", replicates = 5), "equal")
  expect_object_error(anova(one, 3))
})

# Arguments that say how to fit: each wrong one a classed error that names it.

x <- faithful$waiting
n <- length(x)

test_that("weights are finite, not negative, one per row, and not all zero", {
  for (bad in list(-1, rep(-1, n), replace(rep(1, n), 3, -1e-300), replace(rep(1, n), 3, NA),
    replace(rep(1, n), 3, NaN), replace(rep(1, n), 3, Inf), rep(0, n), rep(1, n - 1), rep(1, n + 1),
    1, numeric(), rep("1", n), factor(rep(1, n)), as.list(rep(1, n)), matrix(1, n, 1),
    rep(1e308, n), rep(TRUE, n), rep(NA, n))) {
    expect_input_error(emix(x, k = 2, weights = bad), "weights")
  }
  expect_input_error(emix(coin_tosses, k = 2, family = "binomial", weights = 1:4), "weights")
})

test_that("the wrong weight's row is named", {
  expect_input_error(emix(x, weights = replace(rep(1, n), 7, -2)), "weights", "row 7")
})

test_that("a start's parameters: names, lengths, legal values", {
  start <- function(...) emix(x, k = 2, start = list(...))
  expect_input_error(start(mean = 50), "start", "2")
  expect_input_error(start(mean = c(50, 60, 70)), "start")
  expect_input_error(start(mean = numeric()), "start")
  expect_input_error(start(mean = c(50, NA)), "start")
  expect_input_error(start(mean = c(50, Inf)), "start")
  expect_input_error(start(mean = c("50", "60")), "start")
  expect_input_error(start(mean = list(50, 60)), "start")
  expect_input_error(start(mean = NULL), "start")
  expect_input_error(start(sd = c(5, 5)), "start", "mean")
  expect_input_error(start(mean = c(50, 80), sd = c(5, 0)), "start")
  expect_input_error(start(mean = c(50, 80), sd = c(5, -1)), "start")
  expect_input_error(start(mean = c(50, 80), sd = c(5, Inf)), "start")
  expect_input_error(start(mean = c(50, 80), sd = 5), "start")
  expect_input_error(start(mean = c(50, 80), prop = c(0.4, 0.4)), "start", "sum")
  expect_input_error(start(mean = c(50, 80), prop = c(1.5, -0.5)), "start")
  expect_input_error(start(mean = c(50, 80), prop = c(0, 0)), "start")
  expect_input_error(start(mean = c(50, 80), prob = c(0.5, 0.5)), "start", "prob")
  expect_input_error(start(means = c(50, 80)), "start", "means")
  expect_input_error(start(c(50, 80)), "start")
  expect_input_error(start(mean = c(50, 80), mean = c(1, 2)), "start")
  expect_input_error(start(), "start")
})

test_that("a binomial start's probabilities lie in [0, 1]", {
  start <- function(...) emix(coin_tosses, k = 2, family = "binomial", start = list(...))
  expect_input_error(start(prob = c(0.5, 1.1)), "start")
  expect_input_error(start(prob = c(-0.1, 0.5)), "start")
  expect_input_error(start(prob = c(0.5, NaN)), "start")
  expect_input_error(start(prob = 0.5), "start")
  expect_input_error(start(mean = c(0.5, 0.6)), "start")
})

test_that("a start under which a row is impossible is an error of the fit", {
  expect_error(
    emix(coin_tosses, k = 2, family = "binomial", start = list(prob = c(0, 1))),
    class = "emix_error_fit"
  )
})

test_that("an impossible row is named by the user's number, and by its name where it has one", {
  said <- function(x, ...) {
    failed <- expect_error(emix(x, k = 2, family = "binomial", start = list(prob = c(0, 0.5), prop = c(1, 0)), ...),
      class = "emix_error_fit")
    sub(" probability.*", "", sub(".*gives ", "", conditionMessage(failed)))
  }
  # Equal rows are worked on as one point: the second point is the fifth row.
  rows <- cbind(s = c(0, 0, 0, 0, 3, 0, 3), f = c(5, 5, 5, 5, 2, 5, 2))
  expect_identical(said(rows), "row 5")
  expect_identical(said(rows, control = em_control(condense = "none")), "row 5")
  expect_identical(said(rbind(c(NA, 1), rows, NA), na.action = na.omit), "row 6")
  expect_identical(said(rows, weights = c(0, 0, 1, 1, 0, 1, 1)), "row 7")
  expect_identical(said(rbind(NA, rows), weights = c(0, 1, 1, 1, 1, 0, 1, 1), na.action = na.exclude), "row 8")
  expect_identical(said(rows, labels = c(1, NA, NA, NA, 1, NA, NA)), "row 5")
  named <- rows
  rownames(named) <- letters[1:7]
  expect_identical(said(named), "row 5 (\"e\")")
  data <- as.data.frame(rows)
  expect_identical(said(data), "row 5")
  expect_identical(said(as.data.frame(named)), "row 5 (\"e\")")
  expect_identical(said(cbind(s, f) ~ 1, data = data), "row 5")
  expect_identical(said(cbind(s, f) ~ 1, data = data[4:6, ]), "row 2 (\"5\")")
  expect_identical(said(data[4:6, ]), "row 2 (\"5\")")
})

test_that("a start's labels and posteriors: sizes and legal values", {
  labels <- rep(1:2, length.out = n)
  for (bad in list(labels[-1], c(labels, 1L), rep(1, n), labels + 1, labels - 1, labels / 2,
    replace(labels, 1, 3), rep(NA_integer_, n), "a", 5, mean)) {
    expect_input_error(emix(x, k = 2, start = bad), "start")
  }
  p <- cbind(rep(c(0.9, 0.2), length.out = n), rep(c(0.1, 0.8), length.out = n))
  for (bad in list(p[-1, ], p[, 1, drop = FALSE], cbind(p, 0), p / 2, -p, replace(p, 1, NA),
    cbind(rep(1, n), 0), p > 0.5, array(p, c(n, 2, 1)))) {
    expect_input_error(emix(x, k = 2, start = bad), "start")
  }
})

test_that("equal components in a start are moved apart, with a warning", {
  expect_warning(fit <- emix(x, k = 2, start = list(mean = c(70, 70), sd = c(10, 10))),
    class = "emix_warning_start")
  expect_near(fit$loglik, -1034.00174983161, 1e-9)
  expect_warning(fit <- emix(x, k = 2, equal = "sd", start = list(mean = c(70, 70))),
    class = "emix_warning_start")
  expect_near(fit$loglik, -1034.00176035783, 1e-9)
  expect_warning(
    fit <- emix(x, k = 3, start = list(mean = c(50, 80, 80), sd = c(5, 5, 5))),
    class = "emix_warning_start"
  )
  expect_gt(abs(diff(fit$parameters$mean[2:3])), 1e-3)
  half <- matrix(0.5, n, 2)
  expect_warning(fit <- emix(x, k = 2, start = half), class = "emix_warning_start")
  expect_near(fit$loglik, -1034.00174983161, 1e-9)
})

test_that("fixed: names, lengths, legal values, and room for what is free", {
  fixed <- function(..., k = 2) emix(x, k = k, fixed = list(...))
  expect_input_error(fixed(mean = 50), "fixed")
  expect_input_error(fixed(mean = c(50, Inf)), "fixed")
  expect_input_error(fixed(mean = c("50", "60")), "fixed")
  expect_input_error(fixed(sd = c(0, NA)), "fixed")
  expect_input_error(fixed(sd = c(-1, 2)), "fixed")
  expect_input_error(fixed(prop = c(0.5, 0.6)), "fixed", "sum")
  expect_input_error(fixed(prop = c(1.5, NA)), "fixed")
  expect_input_error(fixed(prop = c(1, NA)), "fixed")
  expect_input_error(fixed(prop = c(0.6, 0.6, NA), k = 3), "fixed")
  expect_input_error(fixed(prob = c(0.5, NA)), "fixed", "prob")
  expect_input_error(fixed(c(0.5, NA)), "fixed")
  expect_input_error(emix(x, fixed = c(mean = 1)), "fixed")
  expect_input_error(emix(x, fixed = "mean"), "fixed")
  expect_input_error(emix(x, fixed = TRUE), "fixed")
  expect_input_error(
    emix(coin_tosses, k = 2, family = "binomial", fixed = list(prob = c(1.5, NA))), "fixed"
  )
})

test_that("fixed and equal must agree", {
  expect_input_error(emix(x, fixed = list(sd = c(5, 6)), equal = "sd"), "fixed", "equal")
  expect_input_error(emix(x, fixed = list(prop = c(0.3, 0.7)), equal = "prop"), "fixed", "equal")
  expect_input_error(emix(x, k = 1, fixed = list(prop = 0.5)), "fixed")
})

test_that("equal names parameters of the family", {
  for (bad in list("prob", "variance", "", NA, NA_character_, 1, TRUE, list("sd"), c("sd", "cov"),
    factor("sd"))) {
    expect_input_error(emix(x, k = 2, equal = bad), "equal")
  }
  expect_input_error(emix(coin_tosses, k = 2, family = "binomial", equal = "sd"), "equal")
  expect_equal(emix(x, k = 2, equal = character())$df, 5)
  expect_equal(emix(x, k = 2, equal = c("sd", "sd"))$df, 4)
})

test_that("components that must all be the same have no proportions", {
  expect_input_error(emix(x, k = 2, equal = c("mean", "sd")), "equal")
  expect_input_error(emix(coin_tosses, k = 2, family = "binomial", equal = "prob"), "equal")
  expect_input_error(emix(x, k = 2, equal = "sd", fixed = list(mean = c(70, 70))), "equal")
})

test_that("labels: one per row, of no more than k components", {
  labels <- rep(c(1, NA), length.out = n)
  for (bad in list(labels[-1], c(labels, 1), labels + 2, labels - 1, labels / 2, -labels,
    Inf * labels, as.list(labels), as.matrix(labels), as.Date("2020-01-01") + labels, mean,
    1i * labels)) {
    expect_input_error(emix(x, k = 2, labels = bad), "labels")
  }
  expect_input_error(emix(x, k = 1, labels = rep(c("a", "b"), length.out = n)), "labels")
  expect_input_error(emix(x, k = 2, labels = replace(labels, 1, 1e10)), "labels")
})

test_that("control comes from em_control(), whose arguments have ranges", {
  for (bad in list(NULL, list(), list(tol = 1e-8), 1e-8, "auto")) {
    expect_input_error(emix(x, k = 2, control = bad), "control")
  }
  numbers <- list(NA, NULL, "1", c(1, 2), numeric(), NaN, Inf, -1, list(1), factor(1))
  for (bad in c(numbers, 0, 1, 1.5)) expect_input_error(em_control(tol = bad), "tol")
  for (bad in c(numbers, 1.5, 1e10)) expect_input_error(em_control(max_iter = bad), "max_iter")
  for (bad in c(numbers, 0, 2.5, 10001)) expect_input_error(em_control(starts = bad), "starts")
  for (bad in c(numbers, 0, 2.5, 1025)) expect_input_error(em_control(threads = bad), "threads")
  for (bad in list(NA, NULL, "yes", 1, c(TRUE, TRUE), logical())) {
    expect_input_error(em_control(trace = bad), "trace")
    expect_input_error(em_control(accelerate = bad), "accelerate")
    expect_input_error(em_control(progress = bad), "progress")
  }
  for (bad in list("no", NA, NULL, 1, TRUE, character(), factor("auto"))) {
    expect_input_error(em_control(condense = bad), "condense")
    expect_input_error(em_control(estep = bad), "estep")
    expect_input_error(em_control(spurious = bad), "spurious")
  }
  expect_input_error(em_control(trace = TRUE, max_iter = 1e8), "max_iter", "trace")
  expect_error(em_control(bogus = 1), "bogus")
})

test_that("em_control() keeps what it is given; the default of threads is an option", {
  control <- em_control(tol = 1e-3, max_iter = 0, starts = 1e4, accelerate = FALSE, estep = "hard",
    condense = "none", spurious = "allow", threads = 1024, trace = TRUE, progress = FALSE)
  expect_s3_class(control, "em_control")
  expect_equal(unclass(control), list(tol = 1e-3, max_iter = 0, starts = 1e4, accelerate = FALSE,
    estep = "hard", condense = "none", spurious = "allow", threads = 1024, trace = TRUE, progress = FALSE))
  defaults <- em_control()
  expect_equal(unclass(defaults)[1:9], list(tol = 1e-8, max_iter = 5000, starts = 50,
    accelerate = TRUE, estep = "soft", condense = "auto", spurious = "avoid", threads = "auto", trace = FALSE))
  old <- options(emix.threads = 2)
  on.exit(options(old))
  expect_equal(em_control()$threads, 2)
  options(emix.threads = "many")
  expect_input_error(em_control(), "threads")
})

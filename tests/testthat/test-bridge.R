# The .Call entry points: condensing, describing, and the checks that stand before the core.

condense <- function(x, weight = NULL, label = NULL) .Call(emix:::C_emix_condense, x, weight, label)
describe <- function(x) .Call(emix:::C_emix_describe, x)

# Distinct rows in the order of their first, with their total weights.
plain_condense <- function(x, weight = NULL, label = NULL) {
  rows <- cbind(x, if (is.null(label)) 0 else label, deparse.level = 0) + 0
  key <- apply(rows, 1, function(r) paste(sprintf("%a", r), collapse = " "))
  key <- gsub("-0x0p+0", "0x0p+0", key, fixed = TRUE)
  first <- which(!duplicated(key))
  w <- if (is.null(weight)) rep(1, nrow(rows)) else weight
  total <- as.vector(tapply(w, factor(key, key[first]), sum))
  list(x = unname(as.matrix(x))[first, , drop = FALSE] + 0, weight = total,
    label = if (!is.null(label)) label[first])
}

expect_condensed <- function(x, weight = NULL, label = NULL) {
  out <- condense(x, weight, label)
  plain <- plain_condense(x, weight, label)
  expect_equal(out$x, plain$x, tolerance = 0)
  expect_near(out$weight, plain$weight, 1e-14)
  expect_identical(out$label, plain$label)
}

test_that("condensing gives distinct values in the order of their first row", {
  set.seed(53)
  x <- round(rnorm(500), 1)
  expect_condensed(x)
  expect_identical(condense(x)$x[, 1], unique(x + 0))
  expect_near(condense(x)$weight, table(factor(x, unique(x))), 0)
  expect_condensed(x, weight = runif(500))
  expect_condensed(x, label = sample(0:2, 500, TRUE))
  expect_condensed(x, runif(500), sample(0:2, 500, TRUE))
})

test_that("condensing several columns", {
  set.seed(54)
  x <- matrix(sample(0:4, 1200, TRUE) + 0, ncol = 3)
  expect_condensed(x)
  expect_condensed(x[, 1:2], weight = runif(400), label = sample(0:3, 400, TRUE))
})

test_that("-0 and 0 are one value, neighbours are two", {
  out <- condense(c(0, -0, 0, -0, 1, 1, 1, 1))
  expect_identical(out$x[, 1], c(0, 1))
  expect_identical(1 / out$x[1, 1], Inf)
  expect_near(out$weight, c(4, 4), 0)
  near <- c(1, 1 + .Machine$double.eps)
  expect_near(condense(rep(near, 4))$weight, c(4, 4), 0)
  expect_identical(condense(rep(near, 4))$x[, 1], near)
})

test_that("equal values of different labels stay apart", {
  out <- condense(rep(5, 12), NULL, rep(0:2, 4))
  expect_identical(out$x[, 1], c(5, 5, 5))
  expect_identical(out$label, 0:2)
  expect_near(out$weight, c(4, 4, 4), 0)
})

test_that("condensing is given up where most rows are distinct", {
  set.seed(55)
  expect_null(condense(rnorm(100)))
  expect_null(condense(rnorm(2e5)))
  expect_null(condense(as.double(1:10)))
  expect_null(condense(cbind(as.double(1:10), 1)))
  expect_false(is.null(condense(rep(as.double(1:10), 2))))
})

test_that("many points: the table grows and loses nothing", {
  set.seed(56)
  x <- sample(7e4, 3e5, TRUE) / 8
  out <- condense(x)
  expect_identical(out$x[, 1], unique(x))
  expect_identical(out$weight, as.double(table(factor(x, unique(x)))))
})

test_that("describe: extremes, mean and sd of the finite values, and counts of the others", {
  set.seed(57)
  for (x in list(rnorm(100), rnorm(1000, 1e8), 3, c(-5, 5), runif(10) / 1e300, runif(10) * 1e300)) {
    d <- describe(x)
    expect_identical(d[1:2], range(x))
    scale <- max(abs(x))
    expect_near(d[3] / scale, mean(x / scale), 1e-15)
    expect_near(d[4] / scale, sqrt(mean((x / scale - mean(x / scale))^2)), 1e-13)
    expect_identical(d[5:6], c(0, 0))
  }
  d <- describe(c(NA, 1, Inf, 3, NaN, -Inf, NA))
  expect_identical(d, c(1, 3, 2, 1, 3, 2))
})

test_that("describe: a constant has sd 0, and a spread beside a large mean keeps its digits", {
  expect_identical(describe(rep(1e12, 50))[4], 0)
  x <- 1e12 + rep(c(0, 1), 500)
  expect_near(describe(x)[3:4], c(1e12 + 0.5, 0.5), 1e-15)
})

rows <- function(...) {
  utils::modifyList(list(x = c(1, 2, 6, 7), columns = 1L, factor = 1, shift = 0, weight = NULL,
    label = NULL), list(...), keep.null = TRUE)
}

model <- function(...) {
  utils::modifyList(list(family = "normal", latent = "mix", k = 2L, equal = 0L, held = integer(6),
    options = double(), prior_rows = NULL, prior_family = NULL, hard = FALSE), list(...),
  keep.null = TRUE)
}

control <- function(...) {
  utils::modifyList(list(accelerate = FALSE, tol = 1e-8, max_iter = 5L, threads = 1L, trace = FALSE,
    progress = FALSE, rough = FALSE, resumes = FALSE, offset = 0), list(...), keep.null = TRUE)
}

theta <- c(0.5, 0.5, 1.5, 6.5, 1, 1)

test_that("one step of the core is one step of a plain EM", {
  step <- .Call(emix:::C_emix_step, rows(), model(), 1L, theta)
  start <- list(prop = theta[1:2], mean = theta[3:4], sd = theta[5:6])
  oracle <- oracle_em(c(1, 2, 6, 7), oracle_normal, start, 1)
  expect_near(step$objective, oracle$trace[1], 1e-14)
  expect_near(step$theta, oracle$parameters, 1e-14)
  expect_equal(step$status, 0)
})

test_that("the information is that of the oracle, and a collapse is a status", {
  found <- .Call(emix:::C_emix_inform, rows(), model(held = c(0L, 0L, 1L, 0L, 0L, 0L), equal = 2L), 1L, theta)
  parameters <- list(prop = theta[1:2], mean = theta[3:4], sd = theta[5:6])
  chart <- oracle_chart(parameters, oracle_normal, list(mean = c(1.5, NA)), "sd")
  f <- function(v) oracle_loglik(c(1, 2, 6, 7), chart$parameters(v), oracle_normal)
  expect_near(found$objective, f(chart$at), 1e-14)
  expect_near(found$gradient, numeric_gradient(f, chart$at), 1e-9)
  expect_near(found$information, -fine_hessian(f, chart$at), 1e-6)
  expect_identical(found$index, c(NA, 1L, NA, 3L, 2L, 3L))
  expect_identical(found$reference, 1L)
  expect_equal(.Call(emix:::C_emix_inform, rows(), model(), 1L, c(theta[1:4], 0, 1))$status, 1)
})

test_that("a run keeps its trace and its end", {
  run <- .Call(emix:::C_emix_run, rows(), model(), control(trace = TRUE), theta)
  expect_length(run$trace_theta, 6 * (run$iterations + 1))
  expect_identical(run$trace_theta[1:6], theta)
  expect_identical(run$trace_theta[6 * run$iterations + 1:6], run$theta)
  expect_identical(run$trace_objective[run$iterations + 1], run$objective)
  expect_identical(run$trace_kind, c(0L, rep(1L, run$iterations)))
  shifted <- .Call(emix:::C_emix_run, rows(), model(), control(offset = 10), theta)
  expect_near(shifted$objective, run$objective + 10, 1e-14)
})

test_that("the race is the runs", {
  starts <- cbind(theta, c(0.3, 0.7, 0, 5, 1, 2))
  race <- .Call(emix:::C_emix_race, rows(), model(), control(), starts)
  for (s in 1:2) {
    run <- .Call(emix:::C_emix_run, rows(), model(), control(), starts[, s])
    expect_identical(race$theta[, s], run$theta)
    for (part in c("objective", "status", "converged", "iterations", "evaluations", "flat", "gain",
      "likelihood")) {
      expect_identical(race[[part]][s], run[[part]])
    }
  }
})

test_that("a collapse, an impossible row and a lost number are statuses, not errors", {
  status <- function(theta, x = c(1, 2, 6, 7), ...) {
    .Call(emix:::C_emix_run, rows(x = x), model(...), control(max_iter = 100L), theta)$status
  }
  expect_equal(status(theta, c(1, 1, 6, 7)), 1)
  expect_equal(status(c(0.5, 0.5, 1, 2, 0, 1)), 1)
  expect_equal(status(c(0.5, 0.5, NaN, 2, 1, 1)), 3)
  coin_rows <- rows(x = c(1, 2), columns = 2L, factor = c(1, 1), shift = c(0, 0))
  coin_model <- model(family = "binomial", held = integer(4), options = 0)
  run <- function(theta) .Call(emix:::C_emix_run, coin_rows, coin_model, control(), theta)$status
  expect_equal(run(c(0.5, 0.5, 0, 1)), 2)
  expect_equal(run(c(0.5, 0.5, -1, 1)), 3)
})

test_that("the bridge refuses what would harm the core", {
  run <- function(data = rows(), model = model(), control = control(), start = theta) {
    .Call(emix:::C_emix_run, data, model, control, start)
  }
  good <- list(rows(), model(), control(), theta)
  expect_no_error(do.call(run, good))
  bad_rows <- list(3, list(), rows(x = 1:4), rows(x = double()), rows(columns = 3L),
    rows(columns = 0L), rows(factor = double()), rows(shift = c(0, 0)), rows(weight = 1),
    rows(weight = 1:4), rows(label = 1L), rows(label = c(0L, 0L, 0L, 3L)),
    rows(label = c(0L, 0L, 0L, -1L)),
    rows(label = c(1, 1, 1, 1)), rows(columns = 2L, factor = c(1, 1), shift = c(0, 0)))
  for (bad in bad_rows) expect_error(run(bad, model(), control()))
  bad_models <- list(3, model(family = "cauchy"), model(family = 1),
    model(family = c("normal", "a")), model(latent = "markov"), model(k = 0L), model(k = 2),
    model(k = 3L), model(equal = -1L), model(held = integer(5)), model(held = double(6)),
    model(options = 1), model(prior_rows = 1), model(prior_rows = integer(2)),
    model(prior_rows = "flat"), model(prior_family = double(3)), model(prior_family = integer(4)),
    model(prior_family = double(5)), model(hard = 2L), model(hard = NA), model(hard = "no"))
  for (bad in bad_models) expect_error(run(rows(), bad, control()))
  bad_controls <- list(3, control(tol = 1L), control(tol = c(1, 1)), control(max_iter = -1L),
    control(max_iter = 5), control(threads = 0L), control(threads = 5000L), control(trace = 2L),
    control(progress = NA), control(offset = "a"), control(accelerate = NA),
    control(accelerate = 1), control(accelerate = 2L))
  for (bad in bad_controls) expect_error(run(rows(), model(), bad))
  for (bad in list(theta[-1], c(theta, 1), as.integer(theta), NULL, double())) {
    expect_error(run(rows(), model(), control(), bad))
  }
  expect_error(.Call(emix:::C_emix_step, rows(), model(), 0L, theta))
  expect_error(.Call(emix:::C_emix_evaluate, rows(), model(), 1L, theta, 1))
  expect_error(.Call(emix:::C_emix_inform, rows(), model(), 0L, theta))
  expect_error(.Call(emix:::C_emix_inform, rows(), model(), 1L, theta[-1]))
  expect_error(.Call(emix:::C_emix_inform, rows(), model(k = 1e5L), 1L, theta))
  expect_error(.Call(emix:::C_emix_inform, rows(), model(k = 20000L, held = integer(6e4)), 1L, double(6e4)), "coordinates")
  expect_error(condense(1:3))
  expect_error(condense(double()))
  expect_error(condense(c(1, 2), 1))
  expect_error(condense(c(1, 2), c(1L, 2L)))
  expect_error(condense(c(1, 2), NULL, 1L))
  expect_error(condense(c(1, 2), NULL, c(1, 2)))
  expect_error(describe(1:3))
  bumps <- function(...) .Call(emix:::C_emix_bumps, ...)
  two <- cbind(c(4, 0, 0, 1), c(1, 0, 0, 1))
  expect_equal(bumps(two, NULL, NULL, NULL, 0), c(-log(2), 0))
  expect_equal(bumps(two, diag(2), 1L, 2L, 1), -log(10) / 2 - (1 / 5 + 1 / 2) / 2)
  expect_error(bumps(two[-1, ], NULL, NULL, NULL, 0), "square")
  expect_error(bumps(two, diag(2)[, 1], 1L, 2L, 1), "column")
  for (bad in list(3L, 0L, NA, 1.5, "a")) expect_error(bumps(two, NULL, bad, 1L, 1), "component")
  expect_error(bumps(two, NULL, 1L, 1:2, 1), "component")
  expect_error(bumps(two, NULL, 1L, 1L, 1:2), "double")
})

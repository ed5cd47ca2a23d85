# Accelerated EM on random problems of every kind (helper-problems.R): what the laws of ascent, of
# a maximum and of Newton's decrement say, against numerical derivatives of an independent
# log-likelihood.

problems <- lapply(1:48, random_problem)
names(problems) <- vapply(seq_along(problems), function(s) name_problem(s, problems[[s]]), "")

fits <- lapply(problems, function(p) {
  tryCatch(run_problem(p, trace = TRUE), emix_error_degenerate = identity)
})
ended <- vapply(fits, inherits, NA, "emix")

test_that("random problems: all kinds are there, and few collapse", {
  kinds <- unlist(lapply(problems, function(p) names(Filter(Negate(is.null), p$args))))
  expect_true(all(c("weights", "fixed", "equal", "labels", "prior", "family") %in% kinds))
  expect_gt(mean(ended), 0.9)
})

tops <- Map(problem_top, problems[ended], fits[ended])

for (name in names(tops)) {
  test_that(paste("ascent to a maximum:", name), {
    problem <- problems[[name]]
    fit <- fits[[name]]
    expect_ascent(fit$trace$loglik)
    expect_true(fit$converged)
    expect_near(fit$loglik, oracle_loglik(problem$x, fit$parameters, problem$oracle,
      problem$args$weights, problem$args$labels), 1e-12)
    # Where components coincide the top is flat, and its middle does not matter.
    top <- tops[[name]]
    expect_lt(max(0, abs(top$gradient)), if (top$definite) 1e-6 else 1e-4)
    expect_lte(fit$convergence$gain, fit$convergence$tol)
    for (block in names(problem$args$fixed)) {
      held <- which(!is.na(problem$args$fixed[[block]]))
      expect_identical(unname(fit$parameters[[block]])[held], problem$args$fixed[[block]][held])
    }
    for (block in problem$args$equal) {
      expect_identical(unname(fit$parameters[[block]]), rep(fit$parameters[[block]][[1]], fit$k))
    }
  })
}

test_that("nearly all of them are strict maxima, and their decrement is tiny", {
  strict <- vapply(tops, function(top) top$definite, NA)
  expect_gt(mean(strict), 0.9)
  expect_lt(max(vapply(tops[strict], function(top) top$decrement, 0)), 1e-13)
})

test_that("the trace's other iterates are as good as the log-likelihood beside them", {
  for (name in names(tops)[1:25]) {
    problem <- problems[[name]]
    if (!is.null(problem$prior)) next
    trace <- fits[[name]]$trace
    k <- fits[[name]]$k
    for (row in unique(round(seq(1, nrow(trace), length.out = 4)))) {
      values <- unlist(trace[row, -(1:3)], use.names = FALSE)
      parameters <- split(values, rep(seq_along(fits[[name]]$parameters), each = k))
      names(parameters) <- names(fits[[name]]$parameters)
      expect_near(trace$loglik[row], oracle_loglik(problem$x, parameters, problem$oracle,
        problem$args$weights, problem$args$labels), 1e-11)
    }
  }
})

# Stopped after a few steps, near enough for the information to be positive definite.
test_that("stopped early, the gain is half of g' H^-1 g, whatever is held, shared or known", {
  tried <- list()
  for (name in names(tops)) {
    problem <- problems[[name]]
    for (accelerate in if (match(name, names(fits)) %% 2) TRUE else c(TRUE, FALSE)) {
      most <- if (accelerate) max(1, fits[[name]]$iterations - 2) else 25
      early <- suppressWarnings(run_problem(problem, max_iter = most, accelerate = accelerate,
        tol = 1e-12), classes = "emix_warning_iterations")
      top <- problem_top(problem, early)
      if (!isTRUE(top$definite) || top$decrement < 1e-9) next
      expect_near(early$convergence$gain / top$decrement, 1, 1e-3)
      bonds <- c(names(problem$args$fixed), problem$args$equal, names(problem$args))
      tried <- c(tried, list(c(bonds, if (accelerate) "accelerated")))
    }
  }
  counts <- table(unlist(lapply(tried, unique)))
  for (kind in c("weights", "labels", "prior", "prop", "mean", "sd", "prob", "family",
    "accelerated")) {
    expect_gte(counts[kind], 3)
  }
})

# Gradient and information at any point near the top: half of g' H^-1 g for many g.
test_that("the certificate of a start alone, in random directions from the maximum", {
  set.seed(43)
  tried <- 0
  for (name in names(tops)[c(TRUE, FALSE)]) {
    problem <- problems[[name]]
    if (!tops[[name]]$definite) next
    chart <- oracle_chart(fits[[name]]$parameters, problem$oracle, problem$args$fixed,
      problem$args$equal)
    if (!length(chart$at)) next
    # A short step in units of the information.
    step <- 0.05 * solve(chol(-tops[[name]]$hessian), rnorm(length(chart$at)))
    problem$args$start <- chart$parameters(chart$at + step)
    at <- run_problem(problem, max_iter = 0)
    top <- problem_top(problem, at)
    expect_near(at$convergence$gain / top$decrement, 1, 1e-4)
    tried <- tried + 1
  }
  expect_gt(tried, 15)
})

test_that("from near the maximum, plain EM goes where accelerated EM goes", {
  compared <- 0
  for (name in names(tops)[1:30]) {
    problem <- problems[[name]]
    if (!tops[[name]]$definite) next
    near <- lapply(fits[[name]]$parameters, unname)
    for (block in names(problem$oracle$free)) {
      to <- problem$oracle$free[[block]]
      near[[block]] <- to$from(to$to(near[[block]]) + 1e-3 * (-1)^seq_along(near[[block]]))
    }
    problem$args$start <- near
    control <- list(tol = 1e-10, max_iter = 1e5)
    plain <- do.call(run_problem, c(list(problem, accelerate = FALSE), control))
    fast <- do.call(run_problem, c(list(problem), control))
    expect_near(coef(fast), coef(plain), 1e-8)
    expect_near(fast$loglik, plain$loglik, 1e-12)
    compared <- compared + 1
  }
  expect_gt(compared, 20)
})

test_that("without acceleration every step is EM's", {
  for (name in names(tops)[1:9]) {
    plain <- suppressWarnings(run_problem(problems[[name]], trace = TRUE, accelerate = FALSE,
      max_iter = 30), classes = "emix_warning_iterations")
    expect_true(all(plain$trace$kind[-1] == "EM"))
    expect_ascent(plain$trace$loglik)
  }
})

test_that("a searched fit has a trace: from where its run began to the fit", {
  set.seed(42)
  for (given in list(list(faithful$waiting, k = 2), list(faithful$eruptions, k = 3, equal = "sd"),
    list(coin_tosses, k = 2, family = "binomial"), list(faithful$waiting, k = 1),
    list(faithful$waiting, k = 2, prior = "default"))) {
    fit <- do.call(emix, c(given, list(control = em_control(trace = TRUE))))
    last <- nrow(fit$trace)
    expect_identical(unlist(fit$trace[last, -(1:3)]), coef(fit))
    expect_near(fit$trace$loglik[last], fit$objective, 1e-14)
    expect_identical(as.character(fit$trace$kind[1]), "start")
    expect_equal(fit$trace$iteration, seq_len(last) - 1)
    expect_ascent(fit$trace$loglik)
  }
})

test_that("to keep the trace changes nothing else", {
  under <- cbind(c(5, 5, 5, 4, 6, 5), c(5, 5, 5, 6, 4, 5))
  near <- list(mean = 169.5348 + c(-1e-4, 1e-4), sd = c(9.08, 9.08))
  for (args in list(list(under, k = 2, family = "binomial"), list(faithful$waiting, k = 2),
    list(heights_class, k = 2), list(heights$height, k = 2, equal = "sd", start = near),
    list(cbind(c(0, 0, 0, 5, 6, 5), c(9, 9, 9, 5, 4, 5)), k = 2, family = "binomial"))) {
    fit <- function(trace) {
      set.seed(44)
      do.call(emix, c(args, list(control = em_control(trace = trace))))
    }
    with <- fit(TRUE)
    without <- fit(FALSE)
    expect_near(coef(with), coef(without), 1e-9)
    expect_near(with$loglik, without$loglik, 1e-12)
    same <- c("flat", "boundary", "spurious")
    expect_identical(with$convergence[same], without$convergence[same])
    expect_identical(with$converged, without$converged)
    last <- with$trace[nrow(with$trace), ]
    expect_near(unlist(last[-(1:3)]), coef(with), 1e-12)
  }
})

test_that("rows far out on the real line, many rows: certified, in few evaluations", {
  set.seed(41)
  x <- round(rnorm(4000, c(0, 3), c(1, 1.5)) * 2^10) / 2^10
  fit <- emix(x, k = 2, start = list(mean = c(0, 3), sd = c(1, 1)))
  expect_true(fit$converged)
  for (shift in c(2^20, -2^25)) {
    start <- list(mean = c(0, 3) + shift, sd = c(1, 1))
    moved <- emix(x + shift, k = 2, start = start)
    expect_true(moved$converged)
    expect_lt(moved$convergence$evaluations, 3 * fit$convergence$evaluations)
    expect_near(moved$loglik, fit$loglik, 1e-10)
  }
  for (w in c(1e3, 1e6, 1e9, 1e12)) {
    heavy <- emix(x, k = 2, start = list(mean = c(0, 3), sd = c(1, 1)), weights = rep(w, 4000))
    expect_true(heavy$converged)
    expect_lt(heavy$convergence$evaluations, 3 * fit$convergence$evaluations)
    expect_near(coef(heavy), coef(fit), 1e-7)
  }
})

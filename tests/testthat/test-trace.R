# em_trace(): the bound's laws along every trace, and its pictures.

traced <- function(problem, ...) {
  suppressWarnings(run_problem(problem, trace = TRUE, ...))
}

test_that("coins: the table of iterates with its bounds", {
  fit <- emix(cbind(heads, tails) ~ 1, data = coins, k = 2, family = "binomial", equal = "prop",
    start = list(prob = c(A = 0.6, B = 0.5)), control = em_control(accelerate = FALSE, trace = TRUE))
  trace <- em_trace(fit)
  expect_identical(names(trace), c("iteration", "kind", "loglik", "bound", "gap", "prop.A", "prop.B", "prob.A", "prob.B"))
  expect_near(trace$bound[c(2:6, 11, 21)],
    c(-10.2239483012, -10.0115284191, -9.8949586658, -9.8271110883, -9.8035465270, -9.7969249761, -9.7969242922), 1e-9)
  expect_near(trace$loglik[1:3], c(-11.3205865761, -10.0859820045, -9.9498401356), 1e-9)
  expect_true(is.na(trace$bound[1]))
  expect_identical(as.data.frame(trace)$prob.A, fit$trace$prob.A)
})

test_that("along every trace the bound is below, its gap is the divergence, and what is climbed never falls", {
  for (seed in 1:40) for (accelerate in c(TRUE, FALSE)) {
    problem <- random_problem(seed)
    fit <- traced(problem, accelerate = accelerate, max_iter = 25)
    trace <- em_trace(fit)
    a <- problem$args
    name <- paste(name_problem(seed, problem), if (accelerate) "accelerated")
    height <- if (is.null(trace$objective)) trace$loglik else trace$objective
    rounding <- 1e-12 * max(1, abs(height))
    expect_ascent(height)
    later <- -1L
    expect(all(trace$bound[later] <= height[later] + rounding), paste(name, ": a bound is above"))
    em <- which(trace$kind == "EM")
    # It was the height of the line above, and an EM step raises it.
    expect(all(trace$bound[em] >= height[em - 1L] - rounding), paste(name, ": an M-step lowers its bound"))
    expect_near(trace$gap, height - trace$bound, 1e-12)
    for (t in unique(c(2L, nrow(trace)))) {
      if (t < 2L || t > nrow(trace)) next
      at <- function(t) lapply(seq_along(fit$parameters), function(b) unname(unlist(fit$trace[t, 3 + (b - 1) * fit$k + seq_len(fit$k)])))
      old <- stats::setNames(at(t - 1L), names(fit$parameters))
      new <- stats::setNames(at(t), names(fit$parameters))
      touch <- em_bound(fit, theta = old)
      expect(abs(touch$gap) <= 1e-12 * max(1, abs(touch$objective)), paste(name, ": no touch"))
      expect_near(touch$objective, height[t - 1L], 1e-12)
      pushed <- em_bound(fit, theta = new, q = old)
      expect_near(pushed$bound, trace$bound[t], 1e-11)
      expect_near(pushed$kl, trace$gap[t], 1e-10 * max(1, abs(height[t])))
    }
  }
})

test_that("with hard E-steps the bound is the classification likelihood's", {
  fit <- emix(heights_class, k = 2, equal = c("sd", "prop"), start = list(mean = c(160, 180), sd = c(6, 6)),
    control = em_control(estep = "hard", trace = TRUE))
  trace <- em_trace(fit)
  expect_true(all(trace$objective <= trace$loglik))
  expect_true(all(trace$bound[-1] <= trace$loglik[-1]))
  expect_true(all(trace$bound[-1] <= trace$objective[-1] + 1e-10))
  expect_ascent(trace$objective)
  expect_near(trace$loglik[nrow(trace)], fit$loglik, 1e-12)
})

test_that("a fit without iterates is fitted again, and says so", {
  fit <- emix(heights_class, k = 2, equal = "sd")
  expect_message(trace <- em_trace(fit), "fitted again")
  expect_near(trace$loglik[nrow(trace)], fit$loglik, 1e-7)
  expect_output(print(trace), "fitted again")
  expect_silent(em_trace(update(fit, control = em_control(trace = TRUE))))
})

test_that("the start alone is a trace", {
  trace <- em_trace(emix_steps(heights_class, 0, k = 2, start = list(mean = c(160, 180)), control = list(trace = TRUE)))
  expect_identical(dim(trace), c(1L, 11L))
  expect_output(print(trace), "start")
})

test_that("pictures of all kinds, for both families and any model", {
  grDevices::pdf(NULL)
  on.exit(grDevices::dev.off())
  before <- graphics::par("mar", "mfrow", "cex", "xpd")
  for (seed in c(1:6, 9, 12)) {
    fit <- traced(random_problem(seed), max_iter = 8)
    if (fit$df == 0) {
      expect_input_error(plot(em_trace(fit), "bound"), "x")
      next
    }
    trace <- em_trace(fit)
    free <- emix:::free_parameters(fit)
    types <- c("loglik", "parameters", "bound", if (nrow(free) > 1L) "path", "ascent", "posterior")
    for (type in types) expect_invisible(plot(trace, type))
    plot(trace, "bound", along = "steps", iterations = 2)
  }
  expect_identical(graphics::par("mar", "mfrow", "cex", "xpd"), before)
})

test_that("a step onto a boundary has no bound, and can be drawn", {
  fit <- emix(cbind(c(0, 0, 0, 9, 10, 8), c(10, 10, 10, 1, 0, 2)), family = "binomial", control = em_control(trace = TRUE))
  trace <- em_trace(fit)
  expect_true("boundary" %in% trace$kind)
  expect_identical(trace$bound[trace$kind == "boundary"], -Inf)
  grDevices::pdf(NULL)
  on.exit(grDevices::dev.off())
  for (type in c("loglik", "parameters", "bound", "path", "ascent", "posterior")) expect_invisible(plot(trace, type))
})

test_that("pictures of very many rows are of fewer points, whose heights are theirs", {
  x <- stats::qnorm(stats::ppoints(20000)) + rep(c(0, 3), 10000)
  fit <- emix_steps(x, 3, k = 2, start = list(mean = c(0, 2)), control = list(trace = TRUE))
  lesson <- emix:::lesson_of_fit(fit)
  fewer <- emix:::for_pictures(lesson)
  expect_lt(fewer$rows$n, 4001)
  at <- fit$core$theta
  expect_near(emix:::height_at(fewer, at)[1], emix:::height_at(lesson, at)[1], 1e-5)
})

test_that("along a line the bounds touch where the iterates are, and are highest at the next", {
  fit <- emix(heights_class, k = 2, start = list(mean = c(160, 175)), control = em_control(trace = TRUE, accelerate = FALSE))
  for (along in c("mean.2", "sd.1", "prop.1", "steps")) {
    line <- emix:::make_line(fit, along, 4L, NULL)
    s <- sort(unique(c(seq(line$scale[1], line$scale[2], length.out = 101), line$nodes)))
    height <- vapply(s, function(p) emix:::height_at(line$lesson, line$theta(p))[1], 0)
    from <- line$nodes[-length(line$nodes)]
    bounds <- emix:::bounds_along(line, from, s)
    expect_true(all(bounds <= height + 1e-12 * abs(height)))
    for (t in seq_along(from)) {
      at <- match(line$nodes[t + 0:1], s)
      expect_near(bounds[at[1], t], height[at[1]], 1e-12)
      expect_gte(bounds[at[2], t], max(bounds[, t]) - 1e-9)
    }
  }
})

test_that("what cannot be drawn is told", {
  fit <- emix(heights_class, k = 2, equal = "sd", start = list(mean = c(160, 180)), control = em_control(trace = TRUE))
  trace <- em_trace(fit)
  expect_input_error(plot(trace, "bound", along = "mean.9"), "along")
  expect_input_error(plot(trace, "path", along = "mean.1"), "along")
  expect_input_error(plot(trace, "posterior", component = 3), "component")
  expect_input_error(plot(trace, "nothing"), "type")
  expect_input_error(plot(trace, "bound", range = c(2, 1)), "range")
  expect_input_error(plot(trace, "path", range = c(2, 1)), "range")
  fit$trace$loglik <- NULL
  expect_object_error(em_trace(fit))
  expect_object_error(em_trace(1))
})

# The laws that every family has to obey where EM is accelerated, as it is by default; `spec` is
# that of expect_family().
battery_accelerated <- function(spec) {
  battery_ascent(spec)
  battery_top(spec)
  battery_same(spec)
  battery_flat(spec)
  if (!isFALSE(spec$chart)) battery_curvature(spec)
}

battery_default <- function(spec, x = spec$x, start = spec$start, control = list(), ...) {
  emix(x, k = length(start$prop), family = spec$family, start = start,
    control = do.call(em_control, control), ...)
}

battery_ascent <- function(spec) {
  test_that(paste0(spec$name, ", accelerated: the objective never falls"), {
    set.seed(25)
    samples <- list(list(spec$x, spec$start), list(spec$draw(700), spec$truth))
    for (sample in samples) {
      for (w in list(NULL, seq_len(NROW(sample[[1]])) %% 4 / 3)) {
        fit <- battery_default(spec, sample[[1]], sample[[2]], list(trace = TRUE), weights = w)
        expect_ascent(fit$trace$loglik)
      }
    }
  })

  test_that(paste0(spec$name, ", accelerated: the trace says what led to each iterate"), {
    fit <- battery_default(spec, control = list(trace = TRUE))
    expect_s3_class(fit$trace$kind, "factor")
    expect_identical(as.character(fit$trace$kind[1]), "start")
    step <- if (isFALSE(spec$chart)) "secant" else "Newton"
    expect_true(all(fit$trace$kind[-1] %in% c("EM", "Newton", "boundary", "escape", step)))
    expect_true(step %in% fit$trace$kind)
    expect_equal(fit$trace$iteration, 0:fit$iterations)
    last <- nrow(fit$trace)
    expect_identical(unlist(fit$trace[last, -(1:3)]), coef(fit))
    expect_identical(fit$trace$loglik[last], fit$loglik)
    expect_gte(fit$convergence$evaluations, fit$iterations + 1)
  })
}

battery_top <- function(spec) {
  test_that(paste0(spec$name, ", accelerated: it ends at a maximum, and says how near"), {
    n <- NROW(spec$x)
    for (w in list(NULL, (seq_len(n) %% 6) / 4)) {
      fit <- battery_default(spec, weights = w)
      top <- oracle_top(fit, spec$x, spec$oracle, w)
      expect_true(fit$converged)
      expect_true(top$definite)
      expect_lt(max(abs(top$gradient)), 1e-7 * battery_slack(spec))
      expect_lt(top$decrement, 1e-14 * battery_slack(spec))
      expect_lte(fit$convergence$gain, fit$convergence$tol)
      expect_false(fit$convergence$flat)
      expect_identical(fit$convergence$boundary, character())
    }
  })

  test_that(paste0(spec$name, ": with a loose tolerance the gain is Newton's decrement"), {
    best <- battery_default(spec, control = list(tol = 1e-12))
    for (accelerate in c(TRUE, FALSE)) {
      for (tol in c(1e-2, 1e-3, 1e-4)) {
        fit <- battery_default(spec, control = list(accelerate = accelerate, tol = tol))
        top <- oracle_top(fit, spec$x, spec$oracle)
        if (top$decrement < 1e-10) next
        # Without scores the equations for it are solved as far as the tolerance wants it known.
        within <- if (isFALSE(spec$chart)) 0.3 else 1e-2
        expect_near(fit$convergence$gain / top$decrement, 1, within)
        expect_near(fit$convergence$gain / (best$loglik - fit$loglik), 1, within + 0.1)
      }
    }
  })

  if (!isFALSE(spec$chart)) test_that(paste0(spec$name, ": stopped early, the gain is Newton's decrement"), {
    best <- battery_default(spec, control = list(tol = 1e-12))
    for (accelerate in c(TRUE, FALSE)) {
      found <- FALSE
      for (most in if (accelerate) 2:12 else c(5, 12, 40, 80)) {
        fit <- emix_steps(spec$x, most, k = 3, family = spec$family, start = spec$start,
          control = list(accelerate = accelerate, tol = 1e-12))
        if (!(fit$convergence$gain > 1e-10 && fit$convergence$gain < 10)) next
        top <- oracle_top(fit, spec$x, spec$oracle)
        if (!isTRUE(top$definite) || top$decrement < 1e-9) next
        expect_near(fit$convergence$gain / top$decrement, 1, 1e-4)
        # Near the top it is what the log-likelihood will still rise by.
        if (top$decrement > 1e-3) next
        found <- TRUE
        expect_near(fit$convergence$gain / (best$loglik - fit$loglik), 1, 0.1)
      }
      expect_true(found)
    }
  })

  test_that(paste0(spec$name, ": plain and accelerated EM meet in one maximum"), {
    near <- battery_default(spec, control = list(tol = 1e-4, accelerate = FALSE))
    start <- lapply(near$parameters, unname)
    plain <- battery_default(spec, start = start, control = list(tol = 1e-13, accelerate = FALSE))
    fast <- battery_default(spec, start = start, control = list(tol = 1e-13))
    expect_near(coef(fast), coef(plain), 1e-8 * battery_slack(spec))
    expect_near(fast$loglik, plain$loglik, 1e-13)
  })
}

# What holds for EM's own steps holds for proposed ones too.
battery_same <- function(spec) {
  n <- NROW(spec$x)
  w <- seq_len(n) %% 4 + 1
  expect_same <- function(a, b, within = 1e-8) {
    expect_near(coef(a), coef(b), within)
    expect_near(a$loglik, b$loglik, 1e-12)
    expect_equal(a$converged, b$converged)
  }

  test_that(paste0(spec$name, ", accelerated: order of rows and of components, copies, weights"), {
    a <- battery_default(spec, weights = w)
    set.seed(26)
    mixed <- sample.int(n)
    expect_same(battery_default(spec, rows_of(spec$x, mixed), weights = w[mixed]), a)
    expect_same(battery_default(spec, rows_of(spec$x, rep(seq_len(n), w))), a)
    order <- c(2, 3, 1)
    turned <- battery_default(spec, start = permute(spec$start, order), weights = w)
    expect_near(unlist(permute(turned$parameters, order(order))), unlist(a$parameters), 1e-8)
    expect_near(turned$loglik, a$loglik, 1e-12)
    expect_equal(turned$converged, a$converged)
    for (scale in c(0.01, 100)) {
      scaled <- battery_default(spec, weights = w * scale)
      expect_near(coef(scaled), coef(a), 1e-7)
      expect_near(scaled$loglik / scale, a$loglik, 1e-10)
    }
  })

  test_that(paste0(spec$name, ", accelerated: condensed or not, and rows of weight zero"), {
    a <- battery_default(spec, weights = w)
    expect_same(battery_default(spec, weights = w, control = list(condense = "none")), a)
    expect_same(battery_default(spec, rows_of(spec$x, c(1:n, 3, 1)), weights = c(w, 0, 0)), a)
  })

  test_that(paste0(spec$name, ", accelerated: 1, 2 and 5 threads give the same bits"), {
    set.seed(27)
    x <- spec$draw(6000)
    fit <- function(threads) {
      control <- list(threads = threads, condense = "none", trace = TRUE)
      battery_default(spec, x, spec$truth, control)
    }
    one <- fit(1)
    for (threads in c(2, 5)) {
      expect_identical(answer(fit(threads)), answer(one))
      expect_identical(fit(threads)$trace, one$trace)
    }
  })
}

battery_flat <- function(spec) {
  test_that(paste0(spec$name, ": a flat prior is no prior, to the bit"), {
    for (accelerate in c(TRUE, FALSE)) {
      control <- list(accelerate = accelerate, max_iter = 5000)
      fit <- battery_default(spec, control = control)
      for (prior in list("flat", em_prior("flat"), em_prior("flat", prop = 1))) {
        flat <- battery_default(spec, control = control, prior = prior)
        expect_identical(answer(flat), answer(fit))
        expect_identical(flat$objective, fit$loglik)
      }
    }
  })
}

battery_curvature <- function(spec) {
  test_that(paste0(spec$name, ": covariances are those of the oracle's derivatives"), {
    n <- NROW(spec$x)
    for (w in list(NULL, (seq_len(n) %% 6) / 4)) {
      fit <- battery_default(spec, weights = w)
      expect_vcov(fit, spec$x, spec$oracle, w)
      limits <- confint(fit)
      expect_true(all(limits[, 1] < coef(fit) & coef(fit) < limits[, 2]))
      expect_profile(fit, spec$x, spec$oracle, w, level = 0.5)
      expect_near(em_contrast(fit, function(p) unlist(p))$std.error, sqrt(diag(vcov(fit))), 1e-7)
    }
  })
}

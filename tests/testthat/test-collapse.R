# Data and starts by which normal components collapse: each ends in one of the outcomes that the
# help page names, and never in a number that is none.

# A fit in which every number is one, or an error or warning of emix.
expect_outcome <- function(code, allowed = c("fit", "emix_error_degenerate")) {
  end <- withCallingHandlers(
    tryCatch(code, emix_error = identity),
    emix_warning = function(w) invokeRestart("muffleWarning"))
  outcome <- if (inherits(end, "emix")) "fit" else class(end)[1]
  expect(outcome %in% allowed, paste("The outcome is", outcome))
  if (outcome == "fit") expect_sound(end)
  if (outcome == "emix_error_degenerate") expect_match(conditionMessage(end), "collapsed")
  invisible(end)
}

set.seed(60)
ties <- c(rep(2, 60), round(rnorm(40, 5, 2), 3))
outlier <- c(qnorm(ppoints(50)), 1e6)
pair <- c(qnorm(ppoints(50)), 10, 10.001)
twins <- c(qnorm(ppoints(50)), 10, 10)
remedies <- list(list(equal = "sd"), list(prior = em_prior()), list(fixed = list(sd = c(1, 1))))

for (case in c("ties", "outlier", "pair", "twins")) {
  x <- get(case)
  test_that(paste0(case, ": one of the documented outcomes, for every number of components"), {
    for (k in 1:4) {
      for (seed in 1:2) {
        set.seed(seed)
        expect_outcome(emix(x, k = k))
      }
    }
  })

  test_that(paste0(case, ": what the error advises gives a fit"), {
    for (remedy in remedies) {
      fit <- do.call(emix, c(list(x, k = 2), remedy))
      expect_sound(fit)
      expect_true(fit$converged)
      expect_false(fit$convergence$spurious)
    }
  })
}

test_that("60 % ties: the answer is no point, no empty component, or else an error", {
  for (seed in 1:8) {
    set.seed(seed)
    end <- expect_outcome(emix(c(rep(2, 60), round(rnorm(40, 5, 2), 3)), k = 2))
    if (!inherits(end, "emix")) next
    expect_gt(min(end$parameters$sd), 0.01)
    # One that is empty could collapse: that is no maximum.
    expect_gt(min(end$parameters$prop), 0)
  }
})

test_that("one wild outlier: no component of one row", {
  end <- expect_outcome(emix(outlier, k = 2))
  if (inherits(end, "emix")) expect_gt(min(end$parameters$prop) * 51, 1.5)
  shared <- emix(outlier, k = 2, equal = "sd")
  expect_near(shared$parameters$mean, c(0, 1e6), 1e-6)
  expect_near(shared$parameters$prop, c(50, 1) / 51, 1e-9)
})

test_that("a cluster of two rows is flagged, named in print, and warned of", {
  expect_warning(fit <- emix(pair, k = 2), class = "emix_warning_spurious")
  expect_true(fit$convergence$spurious)
  expect_output(print(fit), "chance cluster")
  expect_true(any(fit$maxima$spurious))
  expect_identical(names(fit$maxima)[1:3], c("loglik", "met", "spurious"))
})

test_that("as many rows as components, or one more", {
  x <- c(1, 2.5, 3.1, 7, 9.2, 12)
  for (k in c(1, 2, 3, 5)) {
    for (n in c(k, k + 1)) {
      end <- expect_outcome(emix(x[seq_len(n)], k = k))
      if (n > 1 && k == 1) expect_s3_class(end, "emix")
      expect_sound(emix(x[seq_len(n)], k = k, fixed = list(sd = rep(1, k))))
      if (n > 1) expect_outcome(emix(x[seq_len(n)], k = k, prior = em_prior()), "fit")
      if (n > k) expect_outcome(emix(x[seq_len(n)], k = k, equal = "sd"))
    }
  }
})

test_that("a start on a single point: an error that says so, or a fit", {
  x <- faithful$waiting
  y <- qnorm(ppoints(60))
  for (sd in c(1, 1e-2, 1e-6, 1e-12, 1e-100)) {
    expect_outcome(emix(x, k = 2, start = list(mean = c(79, 60), sd = c(sd, 10))))
    end <- expect_outcome(emix(y, k = 2, start = list(mean = c(y[7], 0), sd = c(sd, 1))))
    if (!inherits(end, "emix")) expect_match(conditionMessage(end), "from `start`")
    # A prior takes the hole away, wherever one starts.
    if (sd < 1e-15) next
    map <- expect_outcome(emix(y, k = 2, start = list(mean = c(y[7], 0), sd = c(sd, 1)),
      prior = em_prior()), "fit")
    expect_gt(min(map$parameters$sd), 0.05)
  }
  one_row <- replace(rep(2, 60), 7, 1)
  expect_outcome(emix(y, k = 2, start = one_row))
  expect_outcome(emix(x, k = 2, start = replace(rep(2, 272), 7, 1)))
})

test_that("starts that collapsed are counted; the rest decide", {
  set.seed(61)
  fit <- suppressWarnings(emix(c(rep(0.5, 6), qnorm(ppoints(60)), 6 + qnorm(ppoints(60))), k = 3,
    control = em_control(starts = 40)), classes = "emix_warning_spurious")
  outcome <- fit$starts$outcome
  expect_true(all(outcome %in% c("converged", "collapsed", "stopped early", "impossible",
    "diverged")))
  expect_true(all(is.na(fit$starts$loglik[outcome == "collapsed"])))
  expect_true(any(outcome == "collapsed"))
  expect_output(print(summary(fit)), sprintf("%d collapsed", sum(outcome == "collapsed")))
})

test_that("the error says what would help, and only what could", {
  error <- expect_error(emix(outlier, k = 2, start = list(mean = c(0, 1e6), sd = c(1, 1))),
    class = "emix_error_degenerate")
  for (word in c("equal = \"sd\"", "em_prior", "fixed")) {
    expect_match(conditionMessage(error), word, fixed = TRUE)
  }
  error <- expect_error(emix(rep(3, 20), k = 1), class = "emix_error_degenerate")
  expect_match(conditionMessage(error), "same value")
  expect_no_match(conditionMessage(error), "Fewer components", fixed = TRUE)
})

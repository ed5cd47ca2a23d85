# fit$maxima and fit$starts: what they call a maximum is one, and they say of what.

quietly <- function(...) suppressWarnings(emix(...), classes = "emix_warning_spurious")

# The parameters in a row of fit$maxima.
listed <- function(fit, row) {
  values <- unlist(fit$maxima[row, -(1:3)], use.names = FALSE)
  stats::setNames(split(values, rep(seq_along(fit$parameters), each = fit$k)), names(fit$parameters))
}

# A run from every listed maximum stays there.
expect_maxima <- function(x, ...) {
  set.seed(1)
  fit <- quietly(x, ...)
  height <- if (is.null(fit$maxima$loglik)) fit$maxima$objective else fit$maxima$loglik
  for (row in seq_len(nrow(fit$maxima))) {
    p <- listed(fit, row)
    again <- quietly(x, start = p, ...)
    expect_true(again$converged)
    expect_near(again$objective, height[row], 1e-8)
    expect_near(again$parameters, p, 1e-3)
  }
  expect_identical(fit$maxima$met, tabulate(fit$starts$maximum, nrow(fit$maxima)))
  expect_true(all(fit$starts$outcome[!is.na(fit$starts$maximum)] == "converged"))
  own <- fit$convergence$maximum
  expect_near(height[own], fit$objective, 1e-9)
  fit
}

test_that("a run from a listed maximum does not leave it", {
  # The race of five components is in heats, of which the last ends at a loose tolerance.
  expect_maxima(faithful$eruptions, k = 5)
  expect_maxima(faithful$eruptions, k = 3)
  expect_maxima(heights$height, k = 3)
  expect_maxima(precip, k = 4, weights = rep(1e-3, 70))
  expect_maxima(faithful$eruptions, k = 3, control = em_control(accelerate = FALSE))
  s <- c(0, 1, 2, 8, 9, 20, 22, 23, 30, 30)
  expect_maxima(cbind(s, 30 - s), k = 3, family = "binomial")
})

test_that("with a prior or a hard E-step the objective is listed, and called so", {
  map <- expect_maxima(faithful$eruptions, k = 3, prior = em_prior())
  hard <- expect_maxima(faithful$eruptions, k = 2, control = em_control(estep = "hard"))
  for (fit in list(map, hard)) {
    expect_identical(names(fit$maxima)[1], "objective")
    expect_identical(names(fit$starts)[4], "objective")
  }
  set.seed(1)
  map <- quietly(faithful$eruptions, k = 4, prior = em_prior(df = 1))
  expect_output(print(summary(map)), "other maxima (log posterior): ", fixed = TRUE)
  expect_output(print(summary(hard)), "other maxima (classification log-likelihood): ", fixed = TRUE)
  grDevices::pdf(NULL)
  on.exit(grDevices::dev.off())
  expect_no_error(plot(map, "starts"))
})

test_that("where rows are many it is said that starts ran on fewer points", {
  set.seed(1)
  x <- c(rnorm(3000), rnorm(2000, 4))
  fit <- quietly(x, k = 3)
  expect_lte(fit$convergence$points, 3000)
  shown <- paste(utils::capture.output(print(summary(fit))), collapse = "\n")
  expect_match(shown, sprintf("runs on %s points that stand for the rows", format(fit$convergence$points, big.mark = ",")))
  if (nrow(fit$maxima) > 1) expect_match(shown, "other maxima (of these points): ", fixed = TRUE)
  few <- quietly(x[1:1000], k = 2)
  expect_null(few$convergence$points)
  expect_null(quietly(x, k = 1)$convergence$points)
  expect_null(quietly(x, k = 2, start = list(mean = c(0, 4)))$convergence$points)
})

test_that("where components coincide in every run, that is what is listed", {
  rows <- cbind(1:3, 3:1)
  set.seed(1)
  fit <- emix(rows, k = 2, family = "binomial")
  expect_true(fit$convergence$flat)
  expect_equal(fit$convergence$maximum, 1)
  # Beside maxima they are not listed, though their runs have converged.
  set.seed(1)
  mixed <- quietly(heights$height, k = 2, equal = "sd", control = em_control(starts = 200))
  flat <- mixed$starts[is.na(mixed$starts$maximum), ]
  expect_true(all(flat$loglik < mixed$loglik | flat$spurious, na.rm = TRUE))
})

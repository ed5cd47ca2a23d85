# Pictures of the fit's quality: the numbers that they draw, and that they can be drawn.

normal_fit <- emix(faithful$waiting, k = 2)
coin_fit <- emix(cbind(heads, tails) ~ 1, coins, k = 2, family = "binomial", equal = "prop")
set.seed(1)
sizes <- rep(c(5, 12, 20), 40)
size_fit <- emix(rbinom(120, sizes, rep(c(0.2, 0.7), each = 60)), k = 2, family = mix_binomial(size = sizes))

test_that("residuals lie at the normal quantiles of (i - 1/2) / n", {
  points <- emix:::residual_points(normal_fit)
  expect_near(points$normal, qnorm((1:272 - 0.5) / 272), 1e-12)
  expect_identical(points$residual, sort(residuals(normal_fit)))
  y <- faithful$waiting
  heavy <- emix:::residual_points(emix(y, k = 2, weights = rep(3, 272), start = list(mean = c(55, 80))))
  middle <- 3 * (1:272) - 1
  many <- emix:::residual_points(emix(rep(y, each = 3), k = 2, start = list(mean = c(55, 80))))
  expect_near(heavy$normal, many$normal[middle], 1e-12)
  expect_near(heavy$residual, many$residual[middle], 1e-7)
})

test_that("the band holds each order statistic with 95 % probability", {
  band <- emix:::uniform_band((1:20 - 0.5) / 20, 20)
  expect_near(band$low, qbeta(0.025, 1:20, 20:1), 1e-12)
  expect_near(band$high, qbeta(0.975, 1:20, 20:1), 1e-12)
  set.seed(5)
  inside <- replicate(4000, {
    u <- sort(runif(20))
    u > band$low & u < band$high
  })
  expect_near(rowMeans(inside), rep(0.95, 20), 4 * sqrt(0.05 * 0.95 / 4000))
})

test_that("many points are thinned, tails and evenness kept", {
  expect_identical(emix:::thin_points(2000), 1:2000)
  at <- emix:::thin_points(1e6)
  expect_lte(length(at), 2000)
  expect_equal(at[1:250], 1:250)
  expect_equal(utils::tail(at, 250), 1e6 - 249:0)
  expect_false(is.unsorted(at, strictly = TRUE))
})

test_that("the worm's cubic is none where residuals are normal quantiles, and the shift where they are shifted", {
  z <- qnorm(ppoints(500))
  straight <- emix:::worm_trend(emix:::place_values(z, NULL))
  expect_lt(max(abs(straight$deviation)), 0.02)
  moved <- emix:::worm_trend(emix:::place_values(0.5 + 1.2 * z, NULL))
  expect_near(moved$deviation, 0.5 + 0.2 * moved$normal, 0.02)
  expect_null(emix:::worm_trend(emix:::place_values(1:5, NULL)))
})

test_that("the observed and the fitted distribution function", {
  curves <- emix:::distribution_curves(normal_fit)
  expect_near(curves$observed, ecdf(faithful$waiting)(curves$at), 1e-14)
  expect_near(curves$fitted, pemix(curves$grid, normal_fit), 1e-14)
  expect_true(all(curves$low <= curves$fitted & curves$high >= curves$fitted))
  w <- rep(c(0.5, 2), 136)
  weighted <- emix:::distribution_curves(emix(faithful$waiting, k = 2, weights = w))
  expect_near(weighted$observed, sapply(weighted$at, function(a) sum(w[faithful$waiting <= a]) / sum(w)), 1e-12)
  curves <- emix:::distribution_curves(size_fit)
  share <- size_fit$x[, 1] / sizes
  expect_near(curves$at, sort(unique(share)), 0)
  expect_near(curves$observed, ecdf(share)(curves$at), 1e-14)
  slow <- sapply(curves$at, function(a) mean(pemix(floor(a * sizes + 1e-9), size_fit, size = sizes)))
  expect_near(curves$fitted, slow, 1e-12)
})

test_that("uncertainty is one minus the highest posterior probability", {
  for (fit in list(normal_fit, size_fit)) {
    shown <- emix:::uncertainty_points(fit)
    x <- if (is.matrix(fit$x)) cbind(fit$x[, 1], fit$x[, 2] - fit$x[, 1]) else fit$x
    p <- predict(fit, unique(x))
    expect_near(shown$uncertainty, 1 - apply(p, 1, max), 1e-14)
    expect_identical(shown$class, max.col(p, "first"))
  }
})

types <- c("residuals", "qq", "worm", "distribution", "uncertainty")
odd_fits <- list(normal_fit, coin_fit, size_fit, emix(faithful$waiting, k = 1), emix(7, k = 1, fixed = list(sd = 2)),
  emix(rep(3, 20), k = 1, fixed = list(sd = 2)), emix(faithful$waiting * 1e-150, k = 2), emix(faithful$waiting + 1e8, k = 2),
  emix(rbind(coin_tosses, 0), k = 2, family = "binomial", equal = "prop"), emix(cbind(5, 5), k = 1, family = "binomial"),
  emix(c(faithful$waiting, NA), k = 2, weights = rep(0:2, 91), na.action = na.exclude),
  emix(round(seq_len(6000) / 3), k = 1, family = mix_binomial(size = 20 + seq_len(6000))),
  emix(rep(seq(0, 110, 10), each = 12) + rep(c(-2, -1, 0, 0, 1, 2), 24), k = 12, start = list(mean = seq(0, 110, 10)), equal = "sd"))

test_that("every type is drawn of every kind of fit, and leaves the device as it was", {
  grDevices::pdf(NULL)
  on.exit(grDevices::dev.off())
  before <- graphics::par("mar", "mfrow", "cex")
  for (fit in odd_fits) for (type in types) {
    expect_identical(withVisible(plot(fit, type)), list(value = fit, visible = FALSE))
    expect_identical(graphics::par("mar", "mfrow", "cex"), before)
  }
  expect_no_error(plot(normal_fit, "worm", main = "Geyser", xlab = "z", ylim = c(-1, 1)))
  expect_no_error(plot(normal_fit, "uncertainty", col = c("red", "blue"), main = "Geyser", xlab = "minutes"))
  expect_input_error(plot(normal_fit, "uncertainty", col = "none such"), "col")
})

test_that("by which k was chosen is among the lines", {
  grDevices::pdf(NULL)
  on.exit(grDevices::dev.off())
  for (criterion in c("AICc", "NEC", "ICL")) {
    fit <- emix(faithful$waiting, k = 1:3, criterion = criterion)
    expect_no_error(plot(fit, "criterion"))
    expect_true(criterion %in% emix:::shown_criteria(fit$selection))
  }
})

test_that("autoplot() draws the same with ggplot2", {
  skip_if_not_installed("ggplot2")
  grDevices::pdf(NULL)
  on.exit(grDevices::dev.off())
  for (fit in odd_fits[c(1, 2, 3, 4, 5, 9, 13)]) for (type in c("fit", types[-1])) {
    picture <- ggplot2::autoplot(fit, type)
    expect_s3_class(picture, "ggplot")
    expect_no_warning(print(picture))
  }
  expect_no_warning(print(ggplot2::autoplot(normal_fit, "residuals")))
  points <- emix:::residual_points(normal_fit)
  expect_identical(ggplot2::layer_data(ggplot2::autoplot(normal_fit, "qq"), 3)$y, points$residual)
  expect_near(ggplot2::layer_data(ggplot2::autoplot(normal_fit, "worm"), 3)$y, points$residual - points$normal, 1e-14)
  mixture <- ggplot2::layer_data(ggplot2::autoplot(normal_fit), 2)
  last <- mixture[mixture$group == 3, ]
  expect_near(last$y, demix(last$x, normal_fit), 1e-12)
  choice <- em_select(faithful$waiting, k = 1:3, folds = 3)
  for (criterion in c("BIC", "CV")) {
    picture <- ggplot2::autoplot(choice, criterion)
    expect_no_warning(print(picture))
    expect_near(sort(ggplot2::layer_data(picture, 2)$y), sort(as.data.frame(choice)[[criterion]]), 1e-12)
  }
  expect_no_warning(print(ggplot2::autoplot(emix(faithful$waiting, k = 1:3, criterion = "NEC"), "criterion")))
  expect_input_error(ggplot2::autoplot(normal_fit, "starts"), "type")
  expect_input_error(ggplot2::autoplot(normal_fit, "criterion"), "type")
  expect_input_error(ggplot2::autoplot(choice, "loglik"), "criterion")
})

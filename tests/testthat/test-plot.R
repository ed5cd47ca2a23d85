# Drawn on a device that keeps nothing: that it runs, what it returns, and what it leaves behind.

expect_plot <- function(fit, ...) {
  grDevices::pdf(NULL)
  on.exit(grDevices::dev.off())
  before <- graphics::par(no.readonly = TRUE)
  shown <- withVisible(plot(fit, ...))
  expect_false(shown$visible)
  expect_identical(shown$value, fit)
  after <- graphics::par(no.readonly = TRUE)
  moved <- c("usr", "xaxp", "yaxp", "pin", "plt", "fin", "fig", "mfg", "page", "new")
  expect_identical(after[setdiff(names(after), moved)], before[setdiff(names(before), moved)])
}

normal_fit <- emix(faithful$waiting, k = 2)
coin_fit <- emix(cbind(heads, tails) ~ 1, coins, k = 2, family = "binomial", equal = "prop")

test_that("plot() draws normal and binomial fits and returns them invisibly", {
  expect_plot(normal_fit)
  expect_plot(coin_fit)
})

test_that("one component, and twelve", {
  expect_plot(emix(faithful$waiting, k = 1))
  expect_plot(emix(coin_tosses, k = 1, family = "binomial"))
  x <- rep(seq(0, 110, 10), each = 12) + rep(c(-2, -1, 0, 0, 1, 2), 24)
  expect_plot(emix(x, k = 12, start = list(mean = seq(0, 110, 10)), equal = "sd"))
  s <- round(rep(seq(2, 98, length.out = 12), each = 2))
  expect_plot(emix(cbind(s, 100 - s), k = 12, family = "binomial",
    start = list(prob = seq(0.02, 0.98, length.out = 12))))
})

test_that("one row, constant data, extreme scales, zero trials, many rows", {
  expect_plot(emix(7, k = 1, fixed = list(sd = 2)))
  expect_plot(emix(rep(3, 20), k = 1, fixed = list(sd = 2)))
  for (scale in c(1e-150, 1e150)) expect_plot(emix(faithful$waiting * scale, k = 2))
  expect_plot(emix(faithful$waiting + 1e8, k = 2))
  expect_plot(emix(rbind(coin_tosses, 0), k = 2, family = "binomial", equal = "prop"))
  expect_plot(emix(cbind(5, 5), k = 1, family = "binomial"))
  sizes <- rep(c(5, 1e9, 30), 20)
  expect_plot(emix(rep(coin_tosses[, 1], 1200), k = 2, family = mix_binomial(size = 10)))
  many <- 20 + seq_len(6000)
  expect_plot(emix(round(many / 3), k = 1, family = mix_binomial(size = many)))
  expect_plot(emix(pmax(pmin(faithful$waiting, 1000), 0) + 0 * seq_along(faithful$waiting), k = 1))
  expect_plot(emix(round(sizes / 3), k = 1, family = mix_binomial(size = sizes)))
})

test_that("labels, weights, missing rows", {
  x <- c(faithful$waiting, NA)
  expect_plot(emix(x, k = 2, weights = rep(0:2, 91), na.action = na.exclude,
    labels = replace(rep(NA, 273), 1:2, c("long", "short"))))
  expect_plot(emix(cbind(heads, tails) ~ 1, coins, family = "binomial", labels = coin))
})

test_that("the documented arguments", {
  expect_plot(normal_fit, type = "fit", col = c("red", "#00FF00"), main = "Geyser",
    xlab = "minutes", breaks = 5, xlim = c(30, 120), cex.axis = 0.8)
  for (type in c("fit", "qq", "distribution", "uncertainty", "starts")) {
    expect_plot(normal_fit, type = type, ylab = "share", yaxs = "i")
  }
  expect_plot(coin_fit, col = 2:3, main = "", xlab = "share", cex.axis = 0.8)
  expect_plot(normal_fit, breaks = 1)
  expect_plot(normal_fit, breaks = seq(40, 100, 4))
})

test_that("arguments that do not fit", {
  grDevices::pdf(NULL)
  on.exit(grDevices::dev.off())
  for (bad in list("trace", NA, NULL, 1, c("fit", "fit"))) {
    expect_input_error(plot(normal_fit, type = bad), "type")
  }
  for (bad in list("no such colour", list(1), character(), mean)) {
    expect_input_error(plot(normal_fit, col = bad), "col")
  }
  for (bad in list(0, -1, 1.5, NA, "FD", c(1, 2), 1e9)) {
    expect_input_error(plot(normal_fit, breaks = bad), "breaks")
  }
  damaged <- normal_fit
  damaged$parameters <- NULL
  expect_object_error(plot(damaged))
})

test_that("what is no graphical parameter is an error", {
  grDevices::pdf(NULL)
  on.exit(grDevices::dev.off())
  expect_input_error(plot(normal_fit, what = "BIC"), "what", "`type`")
  expect_input_error(plot(emix(faithful, k = 2), colour = 2), "colour")
  expect_input_error(plot(normal_fit, "criterion"), "type", "k = 1:5")
  expect_silent(plot(normal_fit, cex.axis = 0.8, xlim = c(40, 100), las = 0))
})

# em_basins(): where EM leads from each start of a grid.

test_that("two coins: the maximum twice, and the diagonal", {
  b <- em_basins(cbind(heads, tails) ~ 1, data = coins, theta = c(A = 0.6, B = 0.5), family = "binomial", equal = "prop", grid = 11)
  expect_identical(b$along, c("prob.A", "prob.B"))
  expect_identical(nrow(b$maxima), 2L)
  expect_near(b$maxima$loglik, rep(-9.796924292, 2), 1e-8)
  expect_near(sort(b$maxima$prob.A), c(0.519583120145, 0.796789066923), 1e-6)
  s <- b$starts
  expect_identical(s$end == "saddle", s$prob.A == s$prob.B)
  top <- which.max(b$maxima$prob.A)
  expect_identical(s$maximum[s$prob.A > s$prob.B], rep(top, 55L))
  expect_identical(b$maxima$starts, c(55L, 55L))
})

test_that("each start's end is where steps by hand go", {
  b <- em_basins(heights_class, theta = list(mean = c(160, 180), sd = c(3, 3)), grid = c(4, 3))
  expect_identical(dim(b$starts), c(12L, 6L))
  for (i in c(2, 5, 8)) {
    if (b$starts$end[i] != "maximum") next
    fit <- emix(heights_class, k = 2, start = list(mean = unlist(b$starts[i, 1:2], use.names = FALSE), sd = c(3, 3)),
      control = em_control(accelerate = FALSE))
    expect_near(b$starts$loglik[i], fit$loglik, 1e-8)
    expect_near(unlist(b$maxima[b$starts$maximum[i], 3:8]), coef(fit), 1e-4)
    expect_equal(b$starts$iterations[i], fit$iterations)
  }
  expect_true(any(b$starts$end == "collapsed") || all(b$starts$end %in% c("maximum", "saddle")))
})

test_that("of a fit, with other axes, priors and held values", {
  fit <- emix(heights_class, k = 3, prior = "default", start = list(mean = c(a = 160, b = 170, c = 180)),
    fixed = list(mean = c(NA, NA, 180)))
  b <- em_basins(fit, along = c("mean.b", "mean.a"), range = c(150, 175), grid = 6)
  expect_identical(names(b$maxima)[1], "objective")
  expect_true(all(b$maxima$mean.c == 180))
  expect_identical(b$along, c("mean.b", "mean.a"))
  expect_near(range(b$axes[[1]]), c(150, 175), 1e-12)
  expect_near(max(b$maxima$objective), max(b$starts$objective[b$starts$end == "maximum"]), 1e-12)
  again <- em_basins(fit, along = c("mean.b", "mean.a"), range = list(c(150, 175), c(150, 175)), grid = 6)
  expect_identical(again$starts, b$starts)
})

test_that("maps and prints", {
  grDevices::pdf(NULL)
  on.exit(grDevices::dev.off())
  b <- em_basins(heights_class, theta = list(mean = c(160, 180), sd = c(3, 3)), grid = 9)
  before <- graphics::par("mar", "mfrow")
  expect_invisible(plot(b))
  expect_invisible(plot(b, "iterations", xlab = "women"))
  expect_identical(graphics::par("mar", "mfrow"), before)
  expect_output(print(b), "81 starts over mean.1 and mean.2")
  one <- em_basins(heights_class, theta = list(mean = c(160, 180)), grid = 2, control = em_control(accelerate = FALSE, max_iter = 1))
  expect_true(all(one$starts$end == "unfinished"))
  expect_invisible(plot(one))
  expect_output(print(one), "0 maxima")
})

test_that("what cannot be is told", {
  expect_input_error(em_basins(heights_class), "theta")
  expect_input_error(em_basins(heights_class, c(160, 180), along = "mean.1"), "along")
  expect_input_error(em_basins(heights_class, c(160, 180), along = c("mean.1", "mean.3")), "along")
  expect_input_error(em_basins(heights_class, c(160, 180), range = c(2, 1)), "range")
  expect_input_error(em_basins(coins$heads, c(0.6, 0.5), family = mix_binomial(10), range = c(0, 2)), "range")
  expect_input_error(em_basins(heights_class, c(160, 180), grid = 1), "grid")
  expect_input_error(em_basins(heights_class, 160, equal = "mean"), "x")
  expect_input_error(em_basins(em_step(heights_class, c(160, 180))), "x")
  expect_input_error(em_basins(emix(heights_class, k = 2, equal = "sd"), equal = "sd"), "equal")
})

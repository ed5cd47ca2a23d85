# The pictures of the search.

test_that("starts: drawn where a search was made, flagged and collapsed runs among them", {
  grDevices::pdf(NULL)
  on.exit(grDevices::dev.off())
  before <- graphics::par("mar")
  fit <- emix(heights$height[heights$classroom], k = 2)
  expect_identical(withVisible(plot(fit, "starts")), list(value = fit, visible = FALSE))
  expect_identical(graphics::par("mar"), before)
  expect_no_error(plot(emix(coins$heads, k = 1, family = mix_binomial(10)), "starts", main = "one"))
  set.seed(1)
  tied <- emix(c(rep(2, 30), rnorm(40, 5)), k = 3, prior = em_prior())
  expect_no_error(plot(tied, type = "starts", xlab = "run"))
})

test_that("criterion: drawn for several k, refused for one", {
  grDevices::pdf(NULL)
  on.exit(grDevices::dev.off())
  fit <- emix(faithful$eruptions, k = 1:3, criterion = "AIC")
  expect_identical(withVisible(plot(fit, type = "criterion")), list(value = fit, visible = FALSE))
  expect_error(plot(emix(faithful$eruptions), type = "criterion"), class = "emix_error_input")
  expect_error(plot(fit, type = "bars"), class = "emix_error_input")
})

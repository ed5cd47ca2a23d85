# Galton's 934 adult children (Galton 1886; Hanley 2004), centimetres, and R's faithful. The fits
# were computed independently of this package, in double precision; sd are maximum-likelihood.

# prop of women, means, sds (one if equal), log-likelihood, df
expect_heights <- function(fit, prop, mean, sd, loglik, df) {
  expect_true(fit$converged)
  expect_near(fit$parameters$prop, c(prop, 1 - prop), 1e-6)
  expect_near(fit$parameters$mean, mean, 1e-6 / 200)
  expect_near(fit$parameters$sd, rep_len(sd, 2), 1e-6 / 10)
  expect_near(fit$loglik, loglik, 1e-6 / 4000)
  expect_equal(fit$df, df)
}

test_that("the heights are Galton's", {
  expect_identical(dim(heights), c(934L, 4L))
  expect_identical(names(heights), c("family", "sex", "height", "classroom"))
  expect_identical(levels(heights$sex), c("female", "male"))
  expect_equal(length(unique(heights$family)), 205)
  expect_true("136A" %in% heights$family)
  expect_equal(length(unique(heights$height)), 67)
  expect_identical(as.vector(table(heights$sex)), c(453L, 481L))
  expect_identical(as.vector(with(heights, table(sex, classroom))[, 2]), c(50L, 50L))
  means <- tapply(heights$height, heights$sex, mean)
  expect_near(means, c(162.824216336, 175.854802495), 1e-9 / 100)
  expect_near(tapply(heights$height, heights$sex, sd), c(5.98340515691, 6.66475452884), 1e-9)
  class <- heights[heights$classroom, ]
  expect_near(tapply(class$height, class$sex, mean), c(163.952, 177.5666), 1e-12)
  expect_near(tapply(class$height, class$sex, sd), c(6.11134, 6.63897), 1e-5)
})

test_that("the class: one group", {
  fit <- emix(heights_class, k = 1)
  expect_near(fit$parameters, c(1, 170.7593, 9.28640428314), 1e-12)
  expect_near(fit$loglik, -364.74899587, 1e-11)
  expect_equal(fit$df, 2)
})

test_that("the class: equal sd", {
  fit <- emix(heights_class, k = 2, equal = "sd")
  expect_heights(fit, 0.534875424951, c(164.47335505, 177.987895642), 6.38738993953,
    -363.59654162, 4)
})

test_that("the class: sd free, from near the maximum", {
  fit <- emix(heights_class, k = 2,
    start = list(prop = c(0.7, 0.3), mean = c(167, 181), sd = c(7.5, 5)))
  expect_heights(fit, 0.726042989555, c(166.938007673, 180.886518502),
    c(7.48846797954, 4.99082712499), -363.243053554, 5)
})

test_that("the class: proportions 1/2", {
  shared <- emix(heights_class, k = 2, equal = c("sd", "prop"))
  expect_heights(shared, 0.5, c(164.154631894, 177.581225287), 6.41722308674, -363.653969617, 3)
  set.seed(1)
  own <- emix(heights_class, k = 2, equal = "prop")
  expect_heights(own, 0.5, c(164.141512029, 177.561153139), c(6.39136443667, 6.45050721512),
    -363.652565053, 4)
})

test_that("the class: BIC prefers one group", {
  one <- BIC(emix(heights_class, k = 1))
  for (equal in list(NULL, "sd", c("sd", "prop"))) {
    expect_gt(BIC(emix(heights_class, k = 2, equal = equal)), one)
  }
})

test_that("all: one group", {
  expect_near(emix(height ~ 1, data = heights, k = 1)$loglik, -3386.42880746, 1e-11)
})

test_that("all: equal sd", {
  fit <- emix(height ~ 1, data = heights, k = 2, equal = "sd")
  expect_heights(fit, 0.546065966887, c(163.315674617, 177.016242592), 6.00301256615,
    -3369.79965303, 4)
})

test_that("all: sd free", {
  set.seed(1)
  fit <- emix(height ~ 1, data = heights, k = 2)
  expect_heights(fit, 0.539906547077, c(163.239274011, 176.922482591),
    c(5.96773272995, 6.04750876166), -3369.79619952, 5)
})

test_that("all: proportions 1/2", {
  shared <- emix(height ~ 1, data = heights, k = 2, equal = c("sd", "prop"))
  expect_heights(shared, 0.5, c(162.924622786, 176.524550781), 6.02998535497, -3371.02036429, 3)
  own <- emix(height ~ 1, data = heights, k = 2, equal = "prop")
  expect_heights(own, 0.5, c(162.775320984, 176.335957513), c(5.78393116158, 6.304708451),
    -3369.91388441, 4)
})

test_that("the geyser: waiting times", {
  own <- emix(faithful$waiting, k = 2)
  expect_heights(own, 0.36088607379, c(54.61485614062, 80.09106940273),
    c(5.87121941222, 5.86773442371), -1034.00174983161, 5)
  shared <- emix(faithful$waiting, k = 2, equal = "sd")
  expect_heights(shared, 0.360849442686, c(54.613626336878, 80.090303624113), 5.869091397767,
    -1034.00176035783, 4)
})

test_that("the geyser: eruptions", {
  fit <- emix(faithful$eruptions, k = 2)
  expect_heights(fit, 0.348404634015, c(2.018607817063, 4.273343421192),
    c(0.235621771457, 0.437063146223), -276.360040495734, 5)
})

test_that("of the starts, more than one meets the best maximum and the table says so", {
  fit <- emix(faithful$waiting, k = 2)
  expect_equal(nrow(fit$starts), 50)
  met <- sum(abs(fit$starts$loglik - fit$loglik) < 1e-6, na.rm = TRUE)
  expect_gt(met, 1)
  expect_lte(max(fit$starts$loglik, na.rm = TRUE), fit$loglik + 1e-6)
})

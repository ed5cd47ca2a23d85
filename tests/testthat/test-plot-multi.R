# Pictures of multivariate normal fits: the numbers that they draw, and that they can be drawn.

fit_groups <- function(n, k, d, ..., cov = "VVV") {
  centre <- outer(seq_len(k), seq_len(d), function(j, c) 4 * sin(j * (1.3 * c + 0.4)))
  class <- rep_len(seq_len(k), n)
  x <- centre[class, , drop = FALSE] + rnorm(n * d)
  emix(x, k = k, family = mix_mvnormal(cov = cov), start = if (k > 1) class, ...)
}

geyser <- emix(faithful, k = 2)
flowers <- emix(iris[, 1:4], labels = iris$Species)
allowed_types <- function(fit) if (fit$k > 1) multi_types else setdiff(multi_types, "discriminant")
multi_types <- c("fit", "uncertainty", "density", "discriminant", "residuals", "qq", "worm")

set.seed(7)
odd_fits <- list(
  geyser, flowers, fit_groups(360, 9, 2, cov = "EEE"), fit_groups(360, 9, 4, cov = "EEV"), fit_groups(900, 9, 12, cov = "VVI"), fit_groups(60, 1, 2), fit_groups(80, 1, 12),
  emix(faithful, k = 2, weights = rep(c(0, 1, 7, 0.5), 68)),
  emix(faithful, k = 2, labels = replace(rep(NA, 272), 1:4, c("long", "short"))),
  emix(cbind(a = iris[, 3] * 1e-8, b = iris[, 4] * 1e8, c = iris[, 1] + 1e8), k = 2),
  suppressWarnings(emix(faithful[1:4, ], k = 3, start = c(1, 2, 3, 3), family = mix_mvnormal("EII")), "emix_warning_spurious"))

test_that("the marginal density, its contours and ellipses are the mixture's", {
  view <- emix:::view_of(flowers, c(3, 1))
  p <- flowers$parameters
  at <- expand.grid(x = c(1.5, 4, 6), y = c(5, 6, 7))
  slow <- sapply(seq_len(nrow(at)), function(i) {
    x <- unlist(at[i, ])
    sum(sapply(1:3, function(j) {
      s <- p$cov[c(3, 1), c(3, 1), j]
      p$prop[[j]] * exp(-mahalanobis(x, p$mean[c(3, 1), j], s) / 2) / (2 * pi * sqrt(det(s)))
    }))
  })
  fast <- emix:::plane_log_density(view, at$x, at$y)
  expect_near(fast - fast[1], log(slow) - log(slow[1]), 1e-10)
  grid <- emix:::plane_log_density(view, c(1.5, 4, 6), c(5, 6, 7), grid = TRUE)
  expect_near(as.vector(grid), fast, 1e-12)
  edge <- emix:::ellipse_of(view, 2L, 0.9)
  expect_near(mahalanobis(edge, p$mean[c(3, 1), 2], p$cov[c(3, 1), c(3, 1), 2]), rep(qchisq(0.9, 2), nrow(edge)), 1e-8)
})

test_that("the contours enclose the mass that they say", {
  one <- emix:::view_of(fit_groups(60, 1, 2), 1:2)
  top <- emix:::plane_log_density(one, one$mean[1], one$mean[2])
  expect_near(top - emix:::mass_levels(one, c(0.25, 0.5, 0.95)), qchisq(c(0.25, 0.5, 0.95), 2) / 2, 0.02)
  view <- emix:::view_of(flowers, c(1, 3))
  set.seed(3)
  x <- as.matrix(simulate(flowers, seed = 3, nsim = 1)[[1]])[, c(1, 3)]
  x <- do.call(rbind, c(list(x), lapply(1:40, function(s) as.matrix(simulate(flowers, seed = s)[[1]])[, c(1, 3)])))
  inside <- sapply(emix:::mass_levels(view, c(0.25, 0.5, 0.75, 0.95)), function(l) mean(emix:::plane_log_density(view, x[, 1], x[, 2]) > l))
  expect_near(inside, c(0.25, 0.5, 0.75, 0.95), 0.03)
})

test_that("columns that separate the components come first", {
  x <- cbind(noise = rep(c(-1, 1), 100), a = c(rep(0, 100), rep(10, 100)) + sin(1:200), b = cos(3 * (1:200)),
    wide = sin((1:200)^2) * c(rep(1, 100), rep(9, 100)), e = cos((1:200)^1.5), f = sin(7 * (1:200)))
  fit <- emix(x, k = 2, family = mix_mvnormal("VVI"), labels = rep(1:2, each = 100))
  expect_identical(emix:::separating_columns(fit, 2L), c(2L, 4L))
  expect_identical(emix:::separating_columns(fit, 1L), 2L)
  expect_match(emix:::choose_columns(fit, NULL, 1:12, 5L)$note, "5 of 6 columns")
  # Scales and the order of the columns do not matter.
  turned <- emix(x[, 6:1] %*% diag(10^(-2:3)), k = 2, family = mix_mvnormal("VVI"), labels = rep(1:2, each = 100))
  expect_identical(emix:::separating_columns(turned, 2L), c(3L, 5L))
})

test_that("the bound is Bhattacharyya's, and never below the rate of wrong classes", {
  two <- list(prop = c(0.3, 0.7), mean = cbind(c(0, 0), c(1, 2)), cov = array(c(1, 0.5, 0.5, 2, 1, 0, 0, 1), c(2, 2, 2)))
  s <- (two$cov[, , 1] + two$cov[, , 2]) / 2
  b <- mahalanobis(c(1, 2), c(0, 0), s) / 8 + log(det(s) / sqrt(det(two$cov[, , 1]) * det(two$cov[, , 2]))) / 2
  expect_near(emix:::log_overlap(two), log(sqrt(0.3 * 0.7)) - b, 1e-12)
  expect_gte(exp(emix:::log_overlap(flowers$parameters)), 1 - mean(apply(predict(flowers, iris[, 1:4]), 1, max)) - 0.02)
})

test_that("discriminant coordinates are Fisher's where covariances are equal, and see covariances where means are", {
  equal <- emix(iris[, 1:4], family = mix_mvnormal("EEE"), labels = iris$Species)
  found <- emix:::discriminant_axes(equal)
  p <- equal$parameters
  within <- p$cov[, , 1]
  between <- p$mean %*% diag(p$prop) %*% t(p$mean) - tcrossprod(p$mean %*% p$prop)
  vectors <- Re(eigen(solve(within, between))$vectors[, 1:2])
  mine <- found$axes / found$scale
  expect_near(abs(diag(cor(as.matrix(iris[, 1:4]) %*% vectors, as.matrix(iris[, 1:4]) %*% mine))), c(1, 1), 1e-8)
  expect_near(sum(found$share), 1, 1e-8)
  x <- cbind(a = sin((1:400)^2), b = cos(3 * (1:400)), c = sin((1:400)^1.5) * rep(c(1, 12), each = 200))
  same <- emix(x, family = mix_mvnormal("VVI"), labels = rep(1:2, each = 200))
  expect_gt(abs(emix:::discriminant_axes(same)$correlation[3, 1]), 0.99)
})

test_that("distances are Mahalanobis' to the own class, and in order against chi-squared quantiles", {
  found <- emix:::distance_residuals(flowers)
  p <- flowers$parameters
  class <- as.integer(iris$Species)
  slow <- sapply(1:150, function(i) mahalanobis(unlist(iris[i, 1:4]), p$mean[, class[i]], p$cov[, , class[i]]))
  expect_identical(found$class, class)
  expect_near(found$distance, slow, 1e-8)
  expect_near(found$normal, qnorm(pchisq(slow, 4)), 1e-8)
  expect_near(emix:::as_distance(found$normal, 4), slow, 1e-7)
  expect_near(emix:::as_distance(emix:::between_quantiles(c(1e-12, 900, 5000), pchisq, qnorm, 3), 3), c(1e-12, 900, 5000), 1e-6)
  points <- emix:::distance_points(flowers)
  expect_near(sort(slow), emix:::as_distance(points$residual, 4), 1e-7)
  expect_identical(points$class, class[order(found$normal)])
})

test_that("rows that are shown are spread evenly, without chance, and none of weight zero", {
  at <- emix:::scattered_rows(list(n = 1e6), 5000L)
  expect_lte(length(at), 5000)
  expect_gt(length(at), 4900)
  expect_false(anyDuplicated(at) > 0)
  expect_true(all(tabulate(ceiling(at / 1e5), 10) %in% 480:520))
  expect_true(all(tabulate(at %% 7 + 1, 7) > 600))
  expect_setequal(emix:::scattered_rows(list(n = 50), 100L), 1:50)
  expect_setequal(emix:::scattered_rows(list(n = 6, weights = c(1, 0, 2, 3, 0, 1)), 100L), c(1, 3, 4, 6))
})

draws_all <- function(fit, types) {
  grDevices::pdf(NULL)
  on.exit(grDevices::dev.off())
  before <- graphics::par("mar", "oma", "mfrow", "cex")
  for (type in types) {
    expect_identical(withVisible(plot(fit, type)), list(value = fit, visible = FALSE))
    expect_identical(graphics::par("mar", "oma", "mfrow", "cex"), before)
  }
}

test_that("every type is drawn of every kind of fit, and leaves the device as it was", {
  for (fit in odd_fits) draws_all(fit, allowed_types(fit))
  draws_all(geyser, "starts")
})

test_that("columns are chosen by name or number, and one is a univariate mixture", {
  draws_all(odd_fits[[5]], "fit")
  grDevices::pdf(NULL)
  on.exit(grDevices::dev.off())
  expect_no_error(plot(odd_fits[[5]], columns = 1:12, level = 0.9))
  expect_no_error(plot(flowers, columns = c("Petal.Width", "Sepal.Length"), xlab = "width", ylab = "length", main = "Iris", xlim = c(0, 3)))
  expect_no_error(plot(flowers, "density", columns = 2, main = "Iris", xlab = "width"))
  expect_no_error(plot(flowers, col = c("red", "blue"), level = c(0.1, 0.5, 0.9)))
  for (bad in list("none such", c("Petal.Width", "Petal.Width"), 0, 5, 1.5, NA, TRUE, character(), 1:5, list(1))) {
    expect_input_error(plot(flowers, columns = bad), "columns")
  }
  expect_input_error(plot(flowers, xlab = "x"), "xlab")
  expect_input_error(plot(flowers, ylim = 0:1), "ylim")
  for (bad in list(1:3, 1:4)) expect_input_error(plot(flowers, "density", columns = bad), "columns")
  expect_input_error(plot(flowers, "uncertainty", columns = 1), "columns")
  for (type in c("discriminant", "residuals", "qq", "worm")) expect_input_error(plot(flowers, type, columns = 1:2), "columns", named = "columns")
  for (bad in list(0, 1, c(0.5, NA), "a", -1)) expect_input_error(plot(flowers, level = bad), "level")
  expect_input_error(plot(flowers, "distribution"), "type")
  expect_input_error(plot(odd_fits[[6]], "discriminant"), "type")
  expect_input_error(plot(emix(faithful$waiting, k = 2), columns = 1), "columns")
})

test_that("a table with a column of structures is shown as their grid", {
  table <- data.frame(k = c(1:3, 1:2), cov = rep(c("EII", "VVV"), c(3, 2)), BIC = c(5, 4, NA, 3, 2))
  expect_identical(emix:::grid_values(table, "BIC"), matrix(c(5, 4, NA, 3, 2, NA), 3, dimnames = list(1:3, c("EII", "VVV"))))
  expect_true(emix:::has_structures(table))
  expect_false(emix:::has_structures(table[1:3, ]))
})

test_that("a grid of a criterion: the best, the range, gaps, what has no value", {
  values <- matrix(c(1800, 1100, 900, 830, 690, 700, 829, 561, NA), 3, dimnames = list(1:3, c("EII", "EEE", "VVV")))
  curves <- emix:::grid_curves(values, NULL)
  expect_identical(curves$best, c(2L, 3L))
  expect_match(emix:::grid_best(curves, "BIC"), "VVV, 2 components, 561")
  expect_equal(emix:::grid_range(values)[1], 561)
  expect_lt(emix:::grid_range(values)[2], 1000)
  expect_identical(curves$pch, c(17L, 15L, 0L))
  grDevices::pdf(NULL)
  on.exit(grDevices::dev.off())
  before <- graphics::par("mar")
  emix:::plot_grid(values)
  emix:::plot_grid(values[, 1, drop = FALSE], "ICL", main = "One", ylim = c(0, 2000))
  emix:::plot_grid(values[1, , drop = FALSE], col = "red")
  emix:::plot_grid(cbind(values, none = NA, own = 700), xlab = "k")
  expect_identical(graphics::par("mar"), before)
  expect_input_error(emix:::plot_grid(values * NA), "criterion")
})

test_that("autoplot() draws the same with ggplot2", {
  skip_if_not_installed("ggplot2")
  grDevices::pdf(NULL)
  on.exit(grDevices::dev.off())
  for (fit in odd_fits[c(1, 5, 6, 8)]) for (type in allowed_types(fit)) {
    picture <- ggplot2::autoplot(fit, type)
    expect_s3_class(picture, "ggplot")
    expect_no_warning(print(picture))
  }
  rows <- ggplot2::layer_data(ggplot2::autoplot(geyser), 1)
  expect_near(sort(rows$x), sort(faithful$eruptions), 0)
  expect_no_warning(print(ggplot2::autoplot(flowers, columns = "Petal.Width")))
  values <- matrix(c(1800, 1100, 900, 830, NA, 700), 3, dimnames = list(1:3, c("EII", "EEE")))
  expect_no_warning(print(emix:::gg_grid(values)))
  expect_input_error(ggplot2::autoplot(flowers, columns = 9), "columns")
  expect_input_error(ggplot2::autoplot(flowers, "starts"), "type")
})

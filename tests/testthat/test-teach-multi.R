# Pictures by which EM is explained, for rows of several columns.

bad_start <- list(mean = cbind(c(2, 80), c(5, 55)))
faithful_trace <- function(..., start = bad_start) {
  em_trace(emix(faithful, k = 2, start = start, control = em_control(accelerate = FALSE, trace = TRUE), ...))
}

test_that("every picture of a trace is drawn, whatever the model", {
  grDevices::pdf(NULL)
  on.exit(grDevices::dev.off())
  labels <- replace(rep(NA, 272), 1:3, c(2, 1, 2))
  one_mean <- list(mean = matrix(c(3.5, 71), 2, 2), cov = array(c(1, 0, 0, 100, 0.2, 0, 0, 300), c(2, 2, 2)))
  traces <- list(faithful_trace(), faithful_trace(equal = "mean", start = one_mean), faithful_trace(prior = em_prior()), faithful_trace(labels = labels),
    faithful_trace(family = mix_mvnormal("EII")), faithful_trace(fixed = list(prop = c(0.4, 0.6))))
  for (trace in traces) {
    for (type in c("loglik", "parameters", "bound", "path", "ascent", "posterior")) expect_identical(plot(trace, type), trace)
    plot(trace, "bound", along = "steps")
    plot(trace, "path", along = c("waiting", "eruptions"), range = list(c(40, 100), c(1, 6)), iterations = 3)
    plot(trace, "parameters", along = "waiting")
  }
  plot(traces[[1]], "path", along = c("mean.1.waiting", "mean.2.waiting"))
  plot(traces[[1]], "bound", along = "prop.1")
  four <- em_trace(emix(iris[1:4], k = 3, control = em_control(trace = TRUE, accelerate = FALSE), start = iris$Species))
  for (type in c("parameters", "path", "posterior", "ascent")) expect_identical(plot(four, type), four)
  one <- em_trace(emix(faithful, k = 1, control = em_control(trace = TRUE)))
  for (type in c("parameters", "path", "posterior")) expect_identical(plot(one, type), one)
})

test_that("what does not move alone is refused with a reason", {
  trace <- faithful_trace()
  for (type in c("bound", "ascent")) expect_error(plot(trace, type, along = "cov.1.waiting.waiting"), "along", class = "emix_error_input")
  expect_error(plot(trace, "path", along = c("mean.1.waiting", "cov.1.waiting.waiting")), class = "emix_error_input")
  expect_error(plot(trace, "path", along = "waiting"), "columns", class = "emix_error_input")
  expect_error(plot(trace, "path", range = c(1, 2)), "range", class = "emix_error_input")
  expect_error(plot(trace, "parameters", along = "width"), "columns", class = "emix_error_input")
  expect_error(em_basins(faithful, theta = bad_start, along = c("cov.1.waiting.waiting", "mean.1.waiting")), class = "emix_error_input")
  univariate <- em_trace(emix(faithful$waiting, k = 2, control = em_control(trace = TRUE)))
  expect_error(plot(univariate, "parameters", along = "mean.1"), "along", class = "emix_error_input")
})

test_that("EM for one element of a mean alone is where the bound is highest, and ends where the likelihood is", {
  trace <- faithful_trace()
  fit <- attr(trace, "fit")
  line <- emix:::parameter_line(fit, "mean.1.waiting", 4, NULL)
  x <- as.matrix(faithful)
  # By hand: with shares q, mean and covariance of the rest, the maximiser of a quadratic form.
  for (t in 1:4) {
    own <- lapply(fit$parameters, unname)
    own$mean[2, 1] <- line$nodes[t]
    q <- exp(multi_joint(x, own))
    q <- q[, 1] / rowSums(q)
    inverse <- solve(own$cov[, , 1])
    middle <- colSums(q * x) / sum(q)
    expect_near(line$nodes[t + 1], middle[[2]] + inverse[2, 1] / inverse[2, 2] * (middle[[1]] - own$mean[1, 1]), 1e-7)
  }
  far <- emix:::parameter_line(fit, "mean.1.waiting", 40, NULL)
  expect_near(far$nodes[41], coef(fit)[["mean.1.waiting"]], 1e-6)
  prop <- emix:::parameter_line(fit, "prop.1", 40, NULL)
  expect_near(prop$nodes[41], coef(fit)[["prop.1"]], 1e-6)
  # Bounds touch where they are taken, and are nowhere above.
  s <- sort(c(line$nodes[1:3], seq(45, 65, 2.5)))
  height <- vapply(s, function(place) emix:::height_at(line$lesson, line$theta(place))[1], 0)
  bounds <- emix:::bounds_along(line, line$nodes[1:3], s)
  expect_true(all(bounds <= height + 1e-8))
  for (i in 1:3) expect_near(bounds[match(line$nodes[i], s), i], height[match(line$nodes[i], s)], 1e-8)
})

test_that("basins over elements of means are where emix() ends from the same start", {
  fit <- emix(faithful, k = 2)
  basins <- em_basins(fit, along = c("mean.1.waiting", "mean.2.waiting"), grid = 4)
  expect_identical(basins$along, c("mean.1.waiting", "mean.2.waiting"))
  expect_near(range(basins$axes[[1]]), range(faithful$waiting), 1e-12)
  expect_near(max(basins$maxima$loglik), fit$loglik, 1e-6)
  for (i in c(4, 13)) {
    start <- fit$parameters
    start$mean["waiting", ] <- unlist(basins$starts[i, 1:2])
    from <- emix(faithful, k = 2, start = start, control = em_control(accelerate = FALSE))
    expect_near(basins$starts$loglik[i], from$loglik, 1e-6)
  }
  # By default the first column of two components.
  small <- em_basins(faithful, theta = bad_start, grid = 2)
  expect_identical(small$along, c("mean.1.eruptions", "mean.2.eruptions"))
  grDevices::pdf(NULL)
  on.exit(grDevices::dev.off())
  expect_identical(plot(basins), basins)
  expect_output(print(basins), "mean.2.waiting")
})

test_that("Old Faithful as a film: one picture per iterate, of four columns too, with missing values too", {
  skip_if_not(capabilities("png"))
  directory <- tempfile()
  dir.create(directory)
  on.exit(unlink(directory, recursive = TRUE))
  fit <- attr(faithful_trace(), "fit")
  files <- em_animate(fit, file.path(directory, "faithful.png"), iterations = 3)
  expect_length(files, 4L)
  expect_true(all(file.size(files) > 5000))
  expect_false(any(duplicated(tools::md5sum(files))))
  gaps <- iris[1:4]
  gaps[1:20, 3] <- NA
  control <- em_control(accelerate = FALSE, trace = TRUE)
  wide <- emix(gaps, k = 3, na.action = "likelihood", start = iris$Species, control = control)
  expect_length(em_animate(wide, file.path(directory, "iris.png"), iterations = 1, xlab = "width"), 2L)
})

# Rows of several columns with missing values, used through the observed-data likelihood: na.action = "likelihood".
# Oracle: helper-oracle-missing.R. Little & Rubin (2019), Statistical Analysis with Missing Data.

# Three clouds of three columns, a fifth of the values missing, every row with one value at least.
holes <- local({
  set.seed(3)
  z <- matrix(rnorm(90 * 3), 90) %*% matrix(c(1, 0.4, 0, 0, 0.9, 0.3, 0, 0, 0.7), 3)
  x <- z + rbind(c(0, 0, 0), c(5, 0, 3), c(0, 5, -3))[rep(1:3, each = 30), ]
  gone <- matrix(runif(270) < 0.2, 90)
  gone[rowSums(gone) == 3, 1] <- FALSE
  x[gone] <- NA
  colnames(x) <- c("a", "b", "c")
  x
})

holes_start <- list(prop = c(0.3, 0.3, 0.4), mean = cbind(c(0.5, 0, 0), c(4, 0, 2), c(0, 4, -2)),
  cov = array(c(diag(3), diag(3) + 0.2, 2 * diag(3)), c(3, 3, 3)))

fit_holes <- function(..., x = holes, k = 3) emix(x, k = k, na.action = "likelihood", ...)

plain_parameters <- function(fit) lapply(fit$parameters, function(v) if (is.null(dim(v))) unname(v) else unname(v) + 0)

test_that("the log-likelihood is that of the values that are there", {
  fit <- fit_holes()
  par <- plain_parameters(fit)
  expect_true(fit$converged)
  expect_near(fit$loglik, missing_loglik(holes, par), 1e-12)
  expect_near(predict(fit), missing_posterior(holes, par), 1e-10)
  joint <- missing_joint(holes, par)
  expect_near(log(predict(fit, type = "density")), log(rowSums(exp(joint))), 1e-12)
  expect_identical(as.integer(predict(fit, type = "class")), max.col(predict(fit), "first"))
  expect_equal(nobs(fit), 90)
  # No step of plain EM leads up from there.
  expect_lt(missing_loglik(holes, missing_step(holes, par)) - fit$loglik, 1e-7)
})

test_that("iterates are those of plain EM", {
  for (structure in c("VVV", "EEE", "VVI", "EEI", "EII")) {
    par <- holes_start
    fit <- emix_steps(holes, 1, k = 3, family = mix_mvnormal(structure), start = par, na.action = "likelihood")
    par$cov <- plain_parameters(emix_steps(holes, 0, k = 3, family = mix_mvnormal(structure), start = par, na.action = "likelihood"))$cov
    par <- missing_step(holes, par, structure)
    expect_near(plain_parameters(fit), par, 1e-12)
    for (turn in 2:7) par <- missing_step(holes, par, structure)
    fit <- emix_steps(holes, 7, k = 3, family = mix_mvnormal(structure), start = holes_start, na.action = "likelihood")
    expect_near(plain_parameters(fit), par, 1e-10)
    expect_near(fit$loglik, missing_loglik(holes, par), 1e-12)
  }
})

test_that("iterates with weights, labels and a prior are those of plain EM", {
  w <- rep(c(1, 2, 0.5), 30)
  labels <- c(rep(1, 10), rep(NA, 50), rep(3, 5), rep(NA, 25))
  prior <- list(shrinkage = 0.5, df = 6, mean = c(1, 2, 0), scale = diag(3) + 0.3)
  for (structure in c("VVV", "EEE")) {
    family <- mix_mvnormal(structure)
    begin <- emix_steps(holes, 0, k = 3, family = family, start = holes_start, na.action = "likelihood")
    par <- plain_parameters(begin)
    for (turn in 1:5) par <- missing_step(holes, par, structure, w, labels, prior)
    fit <- emix_steps(holes, 5, k = 3, family = family, start = holes_start, weights = w, labels = labels,
      prior = do.call(em_prior, prior), na.action = "likelihood")
    expect_near(plain_parameters(fit), par, 1e-10)
    expect_near(fit$loglik, missing_loglik(holes, par, w, labels), 1e-12)
  }
})

test_that("the objective never falls, and every structure ends at a maximum", {
  for (structure in covariance_structures) {
    fit <- fit_holes(family = mix_mvnormal(structure), control = em_control(trace = TRUE))
    expect_true(fit$converged, label = structure)
    expect_ascent(fit$trace$loglik)
    expect_near(fit$loglik, missing_loglik(holes, plain_parameters(fit)), 1e-11)
    plain <- emix_steps(holes, 3, k = 3, family = mix_mvnormal(structure), start = fit$parameters, na.action = "likelihood")
    expect_lt(plain$loglik - fit$loglik, 1e-6)
  }
})

test_that("where nothing is missing the fit is that of whole rows", {
  x <- as.matrix(iris[1:4])
  expect_identical(answer(emix(x, k = 3, na.action = "likelihood")), answer(emix(x, k = 3)))
})

test_that("one component, a monotone pattern: the maximum in closed form", {
  x <- as.matrix(faithful)
  x[c(3, 40:99, 200:230), 2] <- NA
  fit <- emix(x, k = 1, na.action = "likelihood", control = em_control(tol = 1e-12))
  whole <- !is.na(x[, 2])
  m <- function(v) mean((v - mean(v))^2)
  u <- x[whole, 1]
  v <- x[whole, 2]
  slope <- mean((u - mean(u)) * (v - mean(v))) / m(u)
  mean <- c(mean(x[, 1]), mean(v) + slope * (mean(x[, 1]) - mean(u)))
  s <- m(x[, 1])
  expect_near(fit$parameters$mean, mean, 1e-8)
  expect_near(fit$parameters$cov, c(s, slope * s, slope * s, m(v) - slope^2 * m(u) + slope^2 * s), 1e-7)
})

test_that("weights are rows, rows may be permuted", {
  fit <- fit_holes(control = em_control(tol = 1e-11))
  thrice <- fit_holes(weights = rep(3, 90), start = fit$parameters)
  copies <- fit_holes(x = holes[rep(1:90, 3), ], start = fit$parameters)
  expect_near(thrice$loglik, 3 * fit$loglik, 1e-12)
  expect_near(copies$loglik, 3 * fit$loglik, 1e-12)
  expect_near(coef(thrice), coef(fit), 1e-5)
  expect_near(coef(copies), coef(fit), 1e-5)
  expect_equal(nobs(thrice), 270)
  set.seed(8)
  order <- sample(90)
  turned <- fit_holes(x = holes[order, ])
  expect_near(turned$loglik, fit$loglik, 1e-9)
  expect_near(predict(turned), predict(fit)[order, ], 1e-4)
  zero <- fit_holes(x = rbind(holes, c(NA, 1e6, NA)), weights = c(rep(1, 90), 0))
  expect_near(zero$loglik, fit$loglik, 1e-9)
  set.seed(2)
  expect_identical(answer(fit_holes(control = em_control(threads = 1))), {
    set.seed(2)
    answer(fit_holes(control = em_control(threads = 2)))
  })
})

test_that("shift and scale of columns change nothing", {
  fit <- fit_holes()
  scale <- c(1e-8, 3, 1e8)
  shift <- c(1, -1e6, 1e10)
  for (structure in c("VVV", "EEE", "VVI")) {
    plain <- fit_holes(family = mix_mvnormal(structure))
    other <- fit_holes(x = t(t(holes) * scale + shift), family = mix_mvnormal(structure))
    expect_near(other$loglik, plain$loglik - sum(colSums(!is.na(holes)) * log(scale)), 1e-6)
    expect_near((other$parameters$mean - shift) / scale, plain$parameters$mean, 1e-3)
  }
})

test_that("labels are held", {
  labels <- rep(1:3, each = 30)
  fit <- emix(holes, labels = labels, na.action = "likelihood")
  for (j in 1:3) {
    own <- emix(holes[labels == j, ], k = 1, na.action = "likelihood")
    expect_near(fit$parameters$mean[, j], own$parameters$mean, 1e-4)
  }
  expect_identical(as.integer(predict(fit, type = "class")), labels)
  some <- replace(labels, c(5:25, 50:85), NA)
  partly <- emix(holes, labels = some, na.action = "likelihood")
  expect_near(partly$loglik, missing_loglik(holes, plain_parameters(partly), labels = some), 1e-12)
})

test_that("a row without any value says nothing, and has the proportions", {
  fit <- fit_holes()
  more <- fit_holes(x = rbind(NA, holes, NA))
  expect_identical(answer(more), answer(fit))
  expect_identical(nobs(more), nobs(fit))
  expect_identical(predict(more)[2:91, ], predict(fit))
  expect_near(predict(more)[c(1, 92), ], rep(fit$parameters$prop, each = 2), 1e-15)
  expect_near(BIC(more), BIC(fit), 1e-15)
  expect_identical(summary(more)$table, summary(fit)$table)
  expect_output(print(more), "rows with missing values, used through their observed columns; 2 rows without any value")
  # But for its known component.
  known <- emix(rbind(holes, NA), k = 3, labels = c(rep(1:3, each = 30), 1), na.action = "likelihood")
  expect_near(known$parameters$prop, c(31, 30, 30) / 91, 1e-12)
  expect_equal(nobs(known), 91)
})

test_that("new rows are read through what they have", {
  fit <- fit_holes()
  par <- plain_parameters(fit)
  new <- rbind(c(5, NA, NA), c(NA, 5, NA), c(0, 0, 0), NA)
  expect_near(predict(fit, new), missing_posterior(new, par), 1e-12)
  expect_identical(as.character(predict(fit, new, type = "class"))[3], names(which.max(predict(fit, new)[3, ])))
  expect_near(predict(fit, new, type = "density"), rowSums(exp(missing_joint(new, par))), 1e-12)
  expect_near(predict(fit, as.data.frame(holes)), predict(fit), 1e-15)
  # A fit of whole rows reads them so too, if told to; without, they are NA.
  x <- as.matrix(iris[1:4])
  new <- replace(x[c(1, 60, 140), ], 4:6, NA)
  told <- emix(x, k = 3, na.action = "likelihood")
  expect_near(predict(told, new), missing_posterior(new, plain_parameters(told)), 1e-10)
  expect_true(all(is.na(predict(emix(x, k = 3), new))))
})

test_that("methods answer for rows with missing values", {
  fit <- fit_holes()
  expect_identical(dim(fitted(fit)), dim(holes))
  expect_false(anyNA(fitted(fit)))
  expect_identical(is.na(residuals(fit, "response")), is.na(holes))
  r <- residuals(fit)
  expect_true(all(is.finite(r)))
  expect_lt(abs(mean(r)), 0.3)
  s <- simulate(fit, seed = 1)$sim_1
  expect_identical(dim(s), dim(holes))
  expect_false(anyNA(s))
  two <- update(fit, k = 2)
  expect_identical(two$k, 2L)
  expect_identical(update(two, k = 3)$loglik, fit$loglik)
  expect_output(print(fit), "90 rows; [0-9]+ rows with missing values, used through their observed columns")
  expect_output(print(summary(fit)), "used through their observed columns")
  v <- vcov(fit)
  expect_true(all(is.finite(diag(v))) && min(diag(v)) > 0)
  expect_error(residuals(structure(utils::modifyList(fit, list(arguments = list(na.action = NULL))), class = class(fit))),
    class = "emix_error_object")
  grid <- emix(holes, k = 1:4, na.action = "likelihood")
  expect_identical(grid$k, 3L)
})

test_that("standard errors are those of the observed-data likelihood's curvature", {
  x <- holes[1:60, c(1, 3)]
  fit <- fit_holes(x = x, k = 2, control = em_control(tol = 1e-12))
  at <- coef(fit)
  free <- setdiff(names(at), "prop.2")
  loglik <- function(v) {
    at[free] <- v
    cov <- array(at[c(7, 8, 8, 9, 10, 11, 11, 12)], c(2, 2, 2))
    missing_loglik(x, list(prop = c(at[[1]], 1 - at[[1]]), mean = matrix(at[3:6], 2), cov = cov))
  }
  information <- -numeric_hessian(loglik, at[free])
  expect_near(sqrt(diag(vcov(fit)))[free] / sqrt(diag(solve(information))), rep(1, 11), 2e-3)
})

test_that("where no row is whole the maximum may have no inverse; a prior holds it off", {
  set.seed(7)
  gaps <- as.matrix(iris[seq(1, 150, 2), 1:4])
  gaps[cbind(1:75, sample(4, 75, TRUE))] <- NA
  bare <- function(...) emix(gaps, labels = iris$Species[seq(1, 150, 2)], family = mix_mvnormal("EEE"), na.action = "likelihood", ...)
  fit <- bare(prior = "default")
  expect_true(fit$converged)
  expect_gt(min(eigen(cov2cor(fit$parameters$cov[, , 1]))$values), 1e-3)
})

test_that("the formula and data frame methods read them too", {
  fit <- fit_holes()
  data <- as.data.frame(holes)
  expect_identical(coef(emix(data, k = 3, na.action = "likelihood")), coef(fit))
  formula <- emix(cbind(a, b, c) ~ 1, data, k = 3, na.action = "likelihood")
  expect_identical(coef(formula), coef(fit))
  expect_near(predict(formula, data), predict(fit), 1e-15)
})

test_that("a step shows what is expected of missing values", {
  fit <- emix_steps(holes, 2, k = 3, start = holes_start, na.action = "likelihood")
  step <- em_step(rbind(holes, NA), fit$parameters, na.action = "likelihood")
  expect_near(lapply(step$theta, unname), missing_step(holes, plain_parameters(fit)), 1e-10)
  expect_near(t(step$totals[, c("a", "b", "c")] / step$totals[, "weight"]), step$theta$mean, 1e-12)
  expect_near(em_step(fit)$theta, em_step(holes, fit$parameters, na.action = "likelihood")$theta, 1e-10)
})

test_that("starts are made from rows with gaps", {
  labels <- rep(1:3, each = 30)
  fit <- fit_holes()
  for (start in list(labels, predict(fit), list(mean = holes_start$mean))) {
    expect_near(fit_holes(start = start)$loglik, fit$loglik, 1e-7)
  }
  # No row is whole.
  few <- holes
  few[cbind(1:90, rep(1:3, 30))] <- NA
  few <- few[rowSums(!is.na(few)) > 0, ]
  expect_true(fit_holes(x = few, k = 2, family = mix_mvnormal("VVI"))$converged)
  # The likelihood then rises to a covariance without an inverse, which EM cannot turn.
  expect_warning(pooled <- fit_holes(x = few, k = 1), "no inverse", class = "emix_warning_iterations")
  expect_near(pooled$loglik, missing_loglik(few, plain_parameters(pooled)), 1e-12)
  expect_false(pooled$converged)
  expect_identical(pooled$convergence$boundary, "cov.1 has no inverse")
  expect_output(print(pooled), "NOT at a maximum for certain.*on the boundary: cov.1 has no inverse")
  expect_true(fit_holes(x = few, k = 1, prior = "default")$converged)
})

test_that("a prior's defaults come from the normal distribution of all rows", {
  fit <- fit_holes(prior = "default")
  one <- fit_holes(k = 1, control = em_control(tol = 1e-12))
  own <- em_prior(mean = one$parameters$mean[, 1], shrinkage = 0.01, df = 5, scale = one$parameters$cov[, , 1] / 3^(2 / 3))
  given <- fit_holes(prior = own)
  expect_near(given$objective, fit$objective, 1e-5)
  expect_near(coef(given), coef(fit), 1e-4)
})

test_that("a sample of the parametric bootstrap has the gaps of the rows", {
  fit <- fit_holes()
  set.seed(1)
  rows <- resamplers$parametric(boot_source(fit, em_control()))
  expect_identical(sort(rowSums(is.na(rows$x))), sort(rowSums(is.na(holes))))
})

test_that("what cannot be used is refused", {
  expect_input_error(emix(holes, k = 3), "x", "na.action = \"likelihood\"")
  expect_input_error(emix(c(1, 2, NA, 4), na.action = "likelihood"), "na.action", "normal family")
  expect_input_error(emix(coin_tosses, family = "binomial", na.action = "likelihood"), "na.action", "binomial")
  expect_input_error(emix(holes, na.action = "guess"), "na.action")
  expect_input_error(emix(cbind(holes, d = NA), na.action = "likelihood"), "x", "'d'", named = "x")
  expect_input_error(emix(cbind(holes, d = c(1, rep(NA, 89))), weights = c(0, rep(1, 89)), na.action = "likelihood"), "x", "'d'")
  expect_input_error(emix(holes * NA, na.action = "likelihood"), "x", "only missing values")
  expect_input_error(emix(rbind(holes, NA), weights = rep(0:1, c(90, 1)), na.action = "likelihood"), "x", "only missing values")
  set.seed(1)
  wide <- matrix(rnorm(100 * 65), 100)
  wide[3, 4] <- NA
  expect_input_error(emix(wide, family = mix_mvnormal("VVI"), na.action = "likelihood"), "na.action", "64 columns")
  error <- expect_input_error(emix(wide, family = mix_mvnormal("VVI")), "x", "na.omit")
  expect_false(grepl("likelihood", conditionMessage(error)))
  twin <- cbind(holes, d = 2 * holes[, 1] + 1)
  expect_error(emix(twin, k = 2, na.action = "likelihood"), "'[ad]' is '[ad]' but for shift and scale", class = "emix_error_degenerate")
  few <- cbind(a = c(1.2, -1.2, -9:9 / 6, rep(NA, 19)), b = c(1.2, -1.2, rep(NA, 19), -9:9 / 6))
  expect_error(emix(few, k = 2, na.action = "likelihood"), "too few rows with values in all of 'a' and 'b'", class = "emix_error_degenerate")
  expect_error(emix(cbind(holes, d = ifelse(is.na(holes[, 1]), NA, 3)), k = 2, na.action = "likelihood"), "'d'",
    class = "emix_error_degenerate")
})

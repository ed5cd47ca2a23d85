# Covariances of multivariate normal fits, against second derivatives of a plain log-likelihood, closed forms and laws.

flowers <- scale(as.matrix(iris[, c(1, 3, 2)]))[c(1:30, 51:90, 101:130), ]
two_kinds <- rep(1:2, c(30, 70))

fit_flowers <- function(d = 2, cov = "VVV", ..., start = two_kinds, control = em_control(tol = 1e-12)) {
  emix(flowers[, seq_len(d)], k = 2, family = mix_mvnormal(cov), start = start, control = control, ...)
}

fit_missing <- function(x, cov) {
  emix(x, k = 2, family = mix_mvnormal(cov), start = two_kinds, na.action = "likelihood", control = em_control(tol = 1e-12))
}

# What is known to be no parameter is NA, the rest as the oracle says.
expect_covariances <- function(fit, right, within = 1e-6) {
  for (type in c("observed", "sandwich")) {
    found <- vcov(fit, type)
    kept <- !is.na(diag(found))
    expect_identical(kept, diag(right$observed) > 1e-12, ignore_attr = TRUE)
    expect_lt(off_matrix(found[kept, kept], right[[type]][kept, kept]), within)
    expect_identical(dimnames(found), rep(list(names(coef(fit))), 2))
  }
}

test_that("numerical second derivatives: structures of two and three columns", {
  skip_on_cran() # takes long
  for (d in 2:3) {
    for (cov in c("VVV", "EEE", "VVI", "EEV", "VVE")) {
      fit <- fit_flowers(d, cov)
      expect_true(fit$converged)
      expect_covariances(fit, multi_oracle(flowers[, seq_len(d)], fit$parameters, cov))
    }
  }
})

test_that("numerical second derivatives: weights, labels, a shared mean, a prior", {
  x <- flowers[, 1:2]
  w <- rep(c(0.5, 1, 2.5, 1), 25)
  labels <- replace(rep(NA_integer_, 100), c(1:5, 31:35), rep(1:2, each = 5))
  fit <- fit_flowers(weights = w)
  expect_covariances(fit, multi_oracle(x, fit$parameters, "VVV", weights = w))
  fit <- suppressWarnings(fit_flowers(labels = labels, start = NULL))
  expect_covariances(fit, multi_oracle(x, fit$parameters, "VVV", labels = labels))
  fit <- suppressWarnings(fit_flowers(equal = "mean", start = NULL))
  expect_covariances(fit, multi_oracle(x, fit$parameters, "VVV", one_mean = TRUE))
  prior <- list(mean = c(0, 1), shrinkage = 2, df = 5, scale = diag(2) / 4)
  fit <- fit_flowers(prior = em_prior(mean = prior$mean, shrinkage = prior$shrinkage, df = prior$df, scale = prior$scale))
  log_prior <- function(p) {
    sum(vapply(1:2, function(j) {
      s <- p$cov[, , j]
      m <- p$mean[, j] - prior$mean
      -(prior$df + 4) / 2 * determinant(s)$modulus - sum(diag(solve(s, prior$scale))) / 2 - prior$shrinkage / 2 * sum(m * solve(s, m))
    }, 0))
  }
  expect_covariances(fit, multi_oracle(x, fit$parameters, "VVV", log_prior = log_prior))
})

test_that("numerical second derivatives: missing values", {
  x <- flowers[, 1:2]
  x[cbind(c(1:12, 40:60, 90:100), rep(1:2, length.out = 44))] <- NA
  for (cov in c("VVV", "VVI")) {
    fit <- fit_missing(x, cov)
    expect_covariances(fit, multi_oracle(x, fit$parameters, cov))
  }
  set.seed(3)
  boot <- em_bootstrap(fit, 5)
  expect_true(all(boot$status == "ok"))
})

# n times the covariances of the lower triangle of a covariance of n rows.
moments_of <- function(s) {
  at <- which(lower.tri(s, TRUE), arr.ind = TRUE)
  one <- function(i, j) {
    a <- at[i, ]
    b <- at[j, ]
    s[a[1], b[1]] * s[a[2], b[2]] + s[a[1], b[2]] * s[a[2], b[1]]
  }
  outer(seq_len(nrow(at)), seq_len(nrow(at)), Vectorize(one))
}

test_that("one component: closed forms", {
  n <- 100
  fit <- emix(flowers, k = 1)
  s <- unname(fit$parameters$cov[, , 1])
  found <- unname(vcov(fit))
  expect_true(is.na(found[1, 1]))
  expect_near(found[2:4, 2:4], s / n, 1e-8)
  expect_near(found[5:10, 5:10], moments_of(s) / n, 1e-8)
  expect_lt(max(abs(found[2:4, 5:10])), 1e-10)
  d <- t(t(flowers) - fit$parameters$mean[, 1])
  expect_near(unname(vcov(fit, "sandwich"))[2:4, 2:4], crossprod(d) / n^2, 1e-8)
  diagonal <- vcov(emix(flowers, k = 1, family = mix_mvnormal("VVI")))
  expect_near(diag(diagonal), c(NA, diag(s) / n, (2 * diag(s)^2 / n)[1], NA, NA, (2 * diag(s)^2 / n)[2], NA, (2 * diag(s)^2 / n)[3]), 1e-8)
  sphere <- emix(flowers, k = 1, family = mix_mvnormal("EII"))
  v <- sphere$parameters$cov[1, 1, 1]
  expect_near(diag(vcov(sphere))[5], 2 * v^2 / (3 * n), 1e-8)
})

test_that("labels of all rows: each component is as if it were alone", {
  fit <- emix(flowers, k = 2, labels = two_kinds)
  found <- unname(vcov(fit))
  expect_near(found[1:2, 1:2], 0.3 * 0.7 / 100 * matrix(c(1, -1, -1, 1), 2), 1e-8)
  expect_near(found[3:5, 3:5], unname(fit$parameters$cov[, , 1]) / 30, 1e-8)
  expect_near(found[15:20, 15:20], moments_of(unname(fit$parameters$cov[, , 2])) / 70, 1e-8)
  expect_lt(max(abs(found[3:5, 6:8])), 1e-10)
})

test_that("a row of weight w is w rows; shift and scale", {
  one <- fit_flowers(3)
  expect_lt(off_matrix(3 * vcov(fit_flowers(3, weights = rep(3, 100))), vcov(one)), 1e-7)
  three <- emix(flowers[rep(1:100, 3), ], k = 2, start = rep(two_kinds, 3), control = em_control(tol = 1e-12))
  expect_lt(off_matrix(3 * vcov(three), vcov(one)), 1e-7)
  for (type in c("observed", "sandwich")) {
    scale <- c(1000, 1e-6, 1)
    moved <- emix(t(t(flowers) * scale + c(1e6, 0, -30)), k = 2, start = two_kinds, control = em_control(tol = 1e-12))
    lower <- which(lower.tri(diag(3), TRUE), arr.ind = TRUE)
    units <- c(1, 1, rep(scale, 2), rep(scale[lower[, 1]] * scale[lower[, 2]], 2))
    expect_lt(off_matrix(vcov(moved, type) / outer(units, units), vcov(one, type)), 1e-6)
  }
})

test_that("held parameters: the others are as in the free fit, given these", {
  free <- fit_flowers(2)
  all <- vcov(free)
  p <- free$parameters
  expect_given <- function(fit, held) {
    rest <- setdiff(seq_along(coef(fit)), held)
    given <- all[rest, rest] - all[rest, held] %*% solve(all[held, held], all[held, rest])
    found <- vcov(fit)
    expect_true(all(is.na(found[held, ])))
    expect_lt(off_matrix(found[rest, rest], given), 1e-6)
    expect_identical(nrow(vcov(fit, complete = FALSE)), length(rest))
  }
  expect_given(fit_flowers(2, fixed = list(mean = cbind(p$mean[, 1], NA))), 3:4)
  cov <- array(c(p$cov[, , 1], rep(NA, 4)), c(2, 2, 2))
  expect_given(fit_flowers(2, fixed = list(cov = cov)), 7:9)
  held <- fit_flowers(2, fixed = list(prop = p$prop))
  given <- all[-(1:2), -(1:2)] - outer(all[-(1:2), 1], all[1, -(1:2)]) / all[1, 1]
  expect_lt(off_matrix(vcov(held)[-(1:2), -(1:2)], given), 1e-6)
})

test_that("shared covariances have equal rows; as many directions as free parameters in every structure", {
  x <- as.matrix(iris[, 1:4])
  start <- as.integer(iris$Species)
  for (cov in covariance_structures) {
    fit <- emix(x, k = 3, family = mix_mvnormal(cov), start = start)
    curve <- with_covariance(curvature(fit), fit, "observed")
    expect_identical(as.double(curve$q), as.double(fit$df))
    expect_false(anyNA(vcov(fit, complete = FALSE)))
  }
  fit <- fit_flowers(3, "EEE")
  found <- vcov(fit)
  expect_equal(found[9:14, ], found[15:20, ], ignore_attr = TRUE, tolerance = 1e-12)
})

test_that("limits: proportions by the logit, variances by the log, means and covariances as they are", {
  fit <- fit_flowers(2)
  errors <- sqrt(diag(vcov(fit)))
  limits <- confint(fit)
  v <- coef(fit)
  z <- qnorm(0.975)
  p <- v[1]
  expect_near(limits[1, ], plogis(qlogis(p) + c(-z, z) * errors[1] / (p * (1 - p))), 1e-10)
  for (name in c("mean.1.Sepal.Length", "cov.2.Sepal.Length.Petal.Length")) {
    expect_near(limits[name, ], v[name] + c(-z, z) * errors[name], 1e-10)
  }
  for (name in c("cov.1.Sepal.Length.Sepal.Length", "cov.2.Petal.Length.Petal.Length")) {
    expect_near(limits[name, ], v[name] * exp(c(-z, z) * errors[name] / v[name]), 1e-10)
  }
  expect_identical(rownames(confint(fit, "mean")), names(v)[3:6])
  expect_identical(dim(confint(fit, type = "sandwich", level = 0.9)), c(12L, 2L))
})

test_that("functions of the parameters have the delta method's errors", {
  for (cov in c("VVV", "VVE")) {
    fit <- fit_flowers(3, cov)
    all <- vcov(fit)
    v <- coef(fit)
    found <- em_contrast(fit, function(p) {
      c(gap = p$mean[1, 2] - p$mean[1, 1], sd = sqrt(p$cov[2, 2, 1]), cor = cov2cor(p$cov[, , 2])[2, 1], all = sum(p$prop))
    })
    gap <- replace(numeric(20), match(c("mean.2.Sepal.Length", "mean.1.Sepal.Length"), names(v)), c(1, -1))
    expect_near(found["gap", "std.error"], sqrt(drop(gap %*% all %*% gap)), 1e-7)
    own <- "cov.1.Petal.Length.Petal.Length"
    expect_near(found["sd", "std.error"], sqrt(all[own, own]) / (2 * sqrt(v[[own]])), 1e-7)
    three <- paste0("cov.2.", c("Sepal.Length.Sepal.Length", "Petal.Length.Petal.Length", "Sepal.Length.Petal.Length"))
    r <- v[[three[3]]] / sqrt(v[[three[1]]] * v[[three[2]]])
    slope <- c(-r / (2 * v[[three[1]]]), -r / (2 * v[[three[2]]]), r / v[[three[3]]])
    expect_near(found["cor", "std.error"], sqrt(drop(slope %*% all[three, three] %*% slope)), 1e-7)
    expect_lt(found["all", "std.error"], 1e-9)
  }
  # Legal parameters only, in the shapes that users know.
  em_contrast(fit, function(p) {
    expect_identical(lapply(p, dim), lapply(fit$parameters, dim))
    expect_identical(lapply(p, dimnames), lapply(fit$parameters, dimnames))
    expect_near(sum(p$prop), 1, 1e-12)
    for (j in 1:2) chol(p$cov[, , j])
    p$prop[[1]]
  })
})

test_that("the bootstrap matches components and serves vcov(), confint() and em_contrast()", {
  fit <- fit_flowers(2)
  set.seed(4)
  boot <- em_bootstrap(fit, 25)
  expect_identical(colnames(boot$replicates), names(coef(fit)))
  expect_true(all(boot$replicates[, "mean.1.Petal.Length"] < boot$replicates[, "mean.2.Petal.Length"]))
  expect_equal(vcov(boot), cov(boot$replicates))
  expect_identical(dim(suppressWarnings(confint(boot, "cov"))), c(6L, 2L))
  own <- suppressWarnings(em_contrast(boot, function(p) p$cov[2, 1, 2] + p$mean[2, 1]))
  each <- boot$replicates[, "cov.2.Sepal.Length.Petal.Length"] + boot$replicates[, "mean.1.Petal.Length"]
  expect_near(own$std.error, sd(each), 1e-12)
  bca <- suppressWarnings(confint(boot, "mean", boot = "bca"))
  expect_false(anyNA(bca))
  # Whatever the order of a refit's components.
  marks <- component_marks(fit, curvature(fit))
  theta <- fit$core$theta
  turned <- unlist(block_places(marks$sizes, 2L, 2:1), use.names = FALSE)
  expect_identical(match_components(theta[turned], marks), theta)
  expect_identical(match_components(theta, marks), theta)
})

test_that("summary() and tidy() have standard errors, shared parameters once in a summary", {
  fit <- fit_flowers(2, "EEE")
  table <- summary(fit)$coefficients
  expect_identical(rownames(table), c("prop.1", "prop.2", "mean.1.Sepal.Length", "mean.1.Petal.Length", "mean.2.Sepal.Length",
    "mean.2.Petal.Length", "cov.Sepal.Length.Sepal.Length", "cov.Sepal.Length.Petal.Length", "cov.Petal.Length.Petal.Length"))
  expect_near(table[, 2], sqrt(diag(vcov(fit)))[1:9], 1e-12)
  big <- emix(as.matrix(iris[, 1:4]), k = 5, start = list(mean = t(as.matrix(iris[c(1, 20, 60, 100, 140), 1:4]))),
    control = em_control(max_iter = 3), prior = em_prior()) |> suppressWarnings()
  expect_match(summary(big)$notes, "too many parameters for a summary")
  skip_if_not_installed("generics")
  tidied <- generics::tidy(fit, conf.int = TRUE)
  expect_identical(tidied$term[c(1, 3, 7, 8)], c("prop", "mean.Sepal.Length", "cov.Sepal.Length.Sepal.Length", "cov.Sepal.Length.Petal.Length"))
  expect_identical(tidied$component[c(2, 3, 12)], c("2", "1", "2"))
  expect_near(tidied$std.error, unname(sqrt(diag(vcov(fit)))), 1e-12)
  expect_near(tidied$conf.low, unname(confint(fit)[, 1]), 1e-12)
})

test_that("what there is not is refused with a class", {
  fit <- fit_flowers(2)
  expect_error(vcov(fit, scale = "free"), class = "emix_error_input")
  hard <- fit_flowers(2, control = em_control(estep = "hard"))
  expect_error(vcov(hard), class = "emix_error_input")
  wide <- emix(matrix(rnorm(60 * 70), 70), k = 1, family = mix_mvnormal("EEE"))
  expect_error(vcov(wide), "1500 sums", class = "emix_error_input")
})

test_that("components that coincide are at a saddle or on a ridge: no standard errors", {
  x <- flowers[, 1:2]
  p <- lapply(emix(x, k = 1)$parameters, unname)
  twin <- list(prop = c(0.5, 0.5), mean = cbind(p$mean, p$mean), cov = array(p$cov, c(2, 2, 2)))
  fit <- suppressWarnings(emix(x, k = 2, start = twin, control = em_control(max_iter = 0)))
  told <- character()
  found <- withCallingHandlers(vcov(fit), emix_warning = function(w) {
    told <<- c(told, class(w)[1])
    tryInvokeRestart("muffleWarning")
  })
  expect_true(any(c("emix_warning_singular", "emix_warning_indefinite") %in% told))
  expect_true(all(is.na(found)))
})

test_that("a component without rows has no standard errors, the other has its own", {
  x <- flowers[, 1:2]
  one <- emix(x, k = 1)
  fit <- emix(x, k = 2, family = mix_mvnormal("EEE"), fixed = list(prop = c(1, 0)))
  expect_warning(found <- vcov(fit), class = "emix_warning_boundary")
  expect_true(all(is.na(found[c(1:2, 5:6), ])))
  expect_lt(off_matrix(found[c(3:4, 7:9), c(3:4, 7:9)], vcov(one, complete = FALSE)), 1e-8)
  moved <- suppressWarnings(em_contrast(fit, function(p) c(p$mean[1, 2], p$mean[1, 1])))
  expect_identical(is.na(moved$std.error), c(TRUE, FALSE))
})

test_that("tests of structures and of numbers of components", {
  x <- flowers[, 1:2]
  small <- fit_flowers(2, "EEE")
  set.seed(2)
  test <- anova(small, fit_flowers(2), replicates = 9)
  expect_near(test$LR[2], 2 * (fit_flowers(2)$loglik - small$loglik), 1e-6)
  expect_error(anova(fit_flowers(2, "VII"), emix(x, k = 3, family = mix_mvnormal("EEE"), start = rep(1:3, c(30, 40, 30)))),
    "does not hold", class = "emix_error_input")
  expect_true(is_special_structure("VVV", "EEE", TRUE))
  expect_false(is_special_structure("VVV", "EEE", FALSE))
  expect_false(is_special_structure("VVI", "VII", TRUE))
  expect_true(is_special_structure("EII", "EVE", FALSE))
  found <- em_test_k(x, k = 1:2, replicates = 9, level = 0.2)
  expect_identical(found$k, 2L)
})

test_that("where all is held no parameter has an error", {
  x <- as.matrix(faithful)
  held <- list(prop = c(0.4, 0.6), mean = cbind(c(2, 55), c(4.3, 80)), cov = array(c(0.1, 0, 0, 40), c(2, 2, 2)))
  for (cov in c("VVI", "VVV")) {
    fit <- emix(x, 2, mix_mvnormal(cov), fixed = held)
    expect_equal(fit$df, 0)
    for (type in c("observed", "sandwich")) expect_true(all(is.na(vcov(fit, type = type))))
    expect_true(all(is.na(confint(fit))))
    expect_output(print(summary(fit)), "df 0")
  }
})

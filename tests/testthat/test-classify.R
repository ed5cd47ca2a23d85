# Discriminant analysis by mixtures: known labels, all or some of them, and predict() as a classifier. Bensmail & Celeux (1996).

flowers <- as.matrix(iris[1:4])
species <- iris$Species
trained <- seq(1, 150, by = 2)
kept <- setdiff(1:150, trained)

wrong <- function(fit, x, truth) mean(as.character(predict(fit, x, type = "class")) != as.character(truth))

test_that("with all labels known parameters are those of the classes", {
  fit <- emix(flowers, labels = species)
  expect_identical(fit$components, levels(species))
  for (j in levels(species)) {
    own <- cov.wt(flowers[species == j, ], method = "ML")
    expect_near(fit$parameters$mean[, j], own$center, 1e-12)
    expect_near(fit$parameters$cov[, , j], own$cov, 1e-12)
  }
  expect_near(fit$parameters$prop, rep(1, 3) / 3, 1e-14)
  # Known rows are of their class; as new rows they are judged.
  expect_identical(unname(predict(fit, type = "class")), species)
  expect_gt(wrong(fit, flowers, species), 0)
  w <- rep(1:3, 50)
  weighted <- emix(flowers, labels = species, weights = w)
  own <- cov.wt(flowers[1:50, ], w[1:50] / sum(w[1:50]), method = "ML")
  expect_near(weighted$parameters$cov[, , 1], own$cov, 1e-12)
})

test_that("EEE is linear, VVV quadratic discriminant analysis", {
  skip_if_not_installed("MASS")
  linear <- MASS::lda(flowers[trained, ], species[trained], method = "mle")
  quadratic <- MASS::qda(flowers[trained, ], species[trained], method = "mle")
  fit <- emix(flowers[trained, ], labels = species[trained], equal = "cov")
  expect_near(predict(fit, flowers[kept, ]), predict(linear, flowers[kept, ])$posterior, 1e-10)
  fit <- emix(flowers[trained, ], labels = species[trained])
  expect_near(predict(fit, flowers[kept, ]), predict(quadratic, flowers[kept, ])$posterior, 1e-10)
  expect_identical(as.character(predict(fit, flowers[kept, ], type = "class")), as.character(predict(quadratic, flowers[kept, ])$class))
  # Shares of the field instead of the sample's.
  prior <- c(0.2, 0.5, 0.3)
  held <- emix(flowers[trained, ], labels = species[trained], fixed = list(prop = prior))
  expect_near(predict(held, flowers[kept, ]), predict(quadratic, flowers[kept, ], prior = prior)$posterior, 1e-10)
})

test_that("every structure classifies fresh rows", {
  for (structure in covariance_structures) {
    fit <- emix(flowers[trained, ], labels = species[trained], family = mix_mvnormal(structure))
    expect_true(fit$converged)
    expect_lt(wrong(fit, flowers[kept, ], species[kept]), 0.08)
  }
})

test_that("the expected rate of errors is that of fresh rows of the model", {
  set.seed(5)
  truth <- list(mean = list(c(0, 0, 0), c(2, 1, 0)), cov = list(diag(3), diag(c(2, 1, 0.5)) + 0.2))
  draw <- function(n, j) matrix(rnorm(3 * n), n) %*% chol(truth$cov[[j]]) + rep(truth$mean[[j]], each = n)
  x <- rbind(draw(2000, 1), draw(1000, 2))
  class <- rep(c("real", "forged"), c(2000, 1000))
  fit <- emix(x, labels = class)
  expect_identical(fit$components, c("forged", "real"))
  fresh <- rbind(draw(4000, 1), draw(2000, 2))
  error <- wrong(fit, fresh, rep(c("real", "forged"), c(4000, 2000)))
  p <- predict(fit, fresh)
  expect_lt(abs(mean(1 - apply(p, 1, max)) - error), 0.02)
})

test_that("rows without a label help", {
  set.seed(1)
  errors <- replicate(6, {
    named <- unlist(lapply(split(1:150, species), sample, 3))
    partly <- emix(flowers, labels = replace(species, -named, NA), family = mix_mvnormal("EEE"))
    few <- emix(flowers[named, ], labels = species[named], family = mix_mvnormal("EEE"))
    c(wrong(partly, flowers[-named, ], species[-named]), wrong(few, flowers[-named, ], species[-named]))
  })
  expect_true(all(errors[1, ] < 0.05))
  expect_lt(mean(errors[1, ]), mean(errors[2, ]))
})

test_that("there may be a class that nobody named", {
  two <- droplevels(replace(species, species == "virginica", NA))
  fit <- emix(flowers, k = 3, labels = two)
  expect_identical(fit$components, c("setosa", "versicolor", "3"))
  expect_gte(mean(predict(fit, flowers, type = "class")[species == "virginica"] == "3"), 0.9)
  expect_input_error(emix(flowers, k = 2, labels = species), "labels")
})

test_that("rows with gaps are used, and classified", {
  skip_if_not_installed("MASS")
  measured <- 1:7
  fit <- emix(MASS::Pima.tr2[measured], labels = MASS::Pima.tr2$type, family = mix_mvnormal("EEE"), na.action = "likelihood")
  expect_true(fit$converged)
  expect_lt(wrong(fit, MASS::Pima.te[measured], MASS::Pima.te$type), 0.22)
  gaps <- MASS::Pima.te[measured]
  gaps$skin <- NA
  expect_lt(wrong(fit, gaps, MASS::Pima.te$type), 0.24)
})

test_that("a component without rows where every row has a label is told", {
  empty <- factor(iris$Species, levels = c("setosa", "versicolor", "virginica", "none"))
  warning <- expect_warning(fit <- emix(iris[1:4], labels = empty), class = "emix_warning_labels")
  expect_match(conditionMessage(warning), "component none.*droplevels")
  expect_identical(fit$k, 4L)
  expect_warning(emix(iris[1:4], labels = as.integer(iris$Species) + 2L), "components 1 and 2", class = "emix_warning_labels")
  expect_silent(emix(iris[1:4], labels = iris$Species))
  # A class that nobody named is no mistake where rows without a label may be of it.
  expect_silent(emix(iris[1:4], k = 3, labels = replace(empty, iris$Species == "virginica", NA)[, drop = TRUE]))
})

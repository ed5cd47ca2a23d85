# What users ask of fits to several columns.
flowers <- iris[, 1:4]
fit <- emix(flowers, k = 3)
geyser <- emix(faithful, k = 2)

test_that("parameters have the shapes and names of the data", {
  columns <- names(flowers)
  expect_identical(dimnames(fit$parameters$mean), list(columns, c("1", "2", "3")))
  expect_identical(dimnames(fit$parameters$cov), list(columns, columns, c("1", "2", "3")))
  expect_identical(names(fit$parameters$prop), c("1", "2", "3"))
  expect_false(is.unsorted(fit$parameters$mean[1, ]))
  expect_identical(colnames(emix(unname(as.matrix(faithful)), k = 2)$x), c("x1", "x2"))
  value <- coef(geyser)
  expect_identical(names(value)[c(1, 3:5, 7:9)], c("prop.1", "mean.1.eruptions", "mean.1.waiting", "mean.2.eruptions",
    "cov.1.eruptions.eruptions", "cov.1.eruptions.waiting", "cov.1.waiting.waiting"))
  expect_identical(value[["cov.2.eruptions.waiting"]], geyser$parameters$cov["waiting", "eruptions", "2"])
  expect_length(coef(fit), 3 + 12 + 30)
  table <- as.data.frame(geyser)
  expect_identical(names(table), c("component", "prop", "mean.eruptions", "mean.waiting", "cov.eruptions.eruptions",
    "cov.eruptions.waiting", "cov.waiting.waiting"))
  expect_identical(unlist(table[2, -1], use.names = FALSE), unname(value[grep("[.]2", names(value))]))
})

test_that("the maximum of the irises is the known one, and what depends on it is right", {
  # mclust 6.1 gives -180.186 for VVV, three components.
  expect_near(fit$loglik, -180.1855, 1e-6)
  expect_equal(fit$df, 44)
  density <- predict(fit, type = "density")
  joint <- oracle_joint(fit$x, fit$parameters, oracle_mvnormal("VVV"))
  expect_near(density, rowSums(exp(joint)), 1e-12)
  expect_near(demix(flowers, fit, log = TRUE), log(density), 1e-12)
  p <- predict(fit, flowers[4:1])
  expect_near(p, predict(fit), 1e-15)
  expect_near(fitted(fit), p %*% t(fit$parameters$mean), 1e-13)
  expect_near(residuals(fit, "response"), fit$x - fitted(fit), 1e-15)
  expect_error(predict(fit, iris[, 2:4]), class = "emix_error_input")
  expect_identical(predict(fit, fit$x[1, ], "class"), predict(fit, type = "class")[1])
})

test_that("residuals of rows from one component are standard normal", {
  one <- emix(faithful, k = 1)
  p <- one$parameters
  squares <- mahalanobis(faithful, p$mean[, 1], p$cov[, , 1])
  expect_near(residuals(one), qnorm(pchisq(squares, 2)), 1e-8)
  far <- predict(one, cbind(1e4, 1e4), "density")
  expect_identical(far, 0)
  expect_true(all(is.finite(residuals(geyser))))
})

test_that("samples of a fit are like its rows", {
  draws <- simulate(geyser, nsim = 2, seed = 3)
  expect_identical(dim(draws$sim_1), dim(geyser$x))
  expect_identical(colnames(draws$sim_2), names(faithful))
  set.seed(8)
  many <- remix(2e4, geyser)
  share <- geyser$parameters$prop
  expect_near(colMeans(many) / drop(geyser$parameters$mean %*% share), c(1, 1), 0.02)
  again <- remix(5, list(prop = c(0.5, 0.5), mean = cbind(c(0, 0), c(9, 9)), cov = diag(2)))
  expect_identical(dim(again), c(5L, 2L))
})

test_that("print names the structure; summary has the covariances", {
  expect_output(print(geyser), "Mixture of 2 multivariate normal components (VVV: volume, shape, orientation vary), 2 columns (272 rows)", fixed = TRUE)
  expect_output(print(geyser), "mean eruptions +2.036")
  expect_output(print(summary(geyser)), "standard deviations and correlations")
  spheres <- emix(faithful, k = 2, family = mix_mvnormal("EII"))
  expect_output(print(summary(spheres)), "EII: spheres of equal volume")
  expect_output(print(summary(emix(faithful, k = 2, family = mix_mvnormal("VVI")))), "sd waiting")
  expect_output(print(summary(emix(faithful, k = 1))), "One multivariate normal component")
  expect_output(print(emix(faithful, k = 2, fixed = list(mean = cbind(c(2, 54), NA)))), "54.000*", fixed = TRUE)
})

test_that("a fit is updated with its own structure, data and columns", {
  three <- update(geyser, k = 3)
  expect_identical(colnames(three$x), names(faithful))
  expect_equal(three$k, 3)
  shared <- emix(faithful, k = 2, equal = "cov")
  expect_identical(shared$family$cov, "EEE")
  expect_identical(update(shared, k = 3)$family$cov, "EEE")
  expect_identical(update(shared, equal = NULL)$family$cov, "VVV")
})

test_that("a step of EM shows the divisions of means, and goes on as the fit does", {
  start <- list(mean = cbind(a = c(2, 50), b = c(4, 80)))
  step <- em_step(faithful, start)
  expect_output(print(step), "mean.a.eruptions = ")
  expect_output(print(step, formula = TRUE, row = 3), "posterior of b")
  q <- predict(emix_steps(faithful, 0, k = 2, start = start))
  expect_near(step$posterior, q, 1e-14)
  expect_near(step$theta$mean, crossprod(as.matrix(faithful), q) / rep(colSums(q), each = 2), 1e-13)
  for (i in 1:3) step <- em_step(step)
  expect_near(unlist(step$theta), unlist(emix_steps(faithful, 4, k = 2, start = start)$parameters), 1e-13)
  bound <- em_bound(step)
  expect_near(bound$bound, bound$loglik, 1e-12)
  trace <- em_trace(emix(faithful, k = 2, start = start, control = em_control(accelerate = FALSE, trace = TRUE)))
  expect_true(all(trace$gap[-1] > -1e-9))
  expect_true(all(diff(trace$loglik) > -1e-9))
})

test_that("a prior is the normal-inverse-Wishart density of its page", {
  x <- as.matrix(faithful)
  d <- 2
  k <- 2
  given <- list(mean = c(3, 70), shrinkage = 2, df = 6, scale = matrix(c(2, 5, 5, 300), 2))
  log_prior <- function(p, cov) {
    each <- vapply(seq_len(k), function(j) {
      s <- p$cov[, , j]
      off <- p$mean[, j] - given$mean
      -c(given$df + d + 2, 1)[1 + (cov == "EEE")] * log(det(s)) / 2 - given$shrinkage * sum(off * solve(s, off)) / 2 -
        if (cov == "EEE") 0 else sum(diag(given$scale %*% solve(s))) / 2
    }, 0)
    common <- p$cov[, , 1]
    sum(each) - if (cov == "EEE") (given$df + d + 1) * log(det(common)) / 2 + sum(diag(given$scale %*% solve(common))) / 2 else 0
  }
  for (cov in c("VVV", "EEE")) {
    fit <- emix(faithful, k = 2, family = mix_mvnormal(cov), prior = do.call(em_prior, given))
    expect_near(fit$objective - fit$loglik, log_prior(fit$parameters, cov), 1e-9)
    expect_true(fit$converged)
    # No parameter moved a little raises it.
    objective <- function(p) oracle_loglik(x, p, oracle_mvnormal("VVV")) + log_prior(p, cov)
    for (b in c("mean", "cov")) {
      for (i in seq_along(fit$parameters[[b]])) {
        p <- lapply(fit$parameters, unname)
        p[[b]][i] <- p[[b]][i] * (1 + 1e-4)
        if (b == "cov" && cov == "EEE") p$cov[] <- as.vector((p$cov[, , (i - 1) %/% 4 + 1] + t(p$cov[, , (i - 1) %/% 4 + 1])) / 2)
        if (b == "cov" && cov == "VVV") for (j in 1:2) p$cov[, , j] <- (p$cov[, , j] + t(p$cov[, , j])) / 2
        expect_lt(objective(p), fit$objective + 1e-8)
      }
    }
  }
  default <- emix(faithful, k = 2, prior = "default")
  centre <- colMeans(x)
  own <- em_prior(mean = centre, shrinkage = 0.01, df = 4, scale = crossprod(sweep(x, 2, centre)) / 272 / 2)
  expect_near(coef(emix(faithful, k = 2, prior = own)), coef(default), 1e-7)
})

test_that("units of columns do not matter where the structure says so", {
  set.seed(2)
  x <- sweep(sweep(as.matrix(flowers), 2, c(1e-8, 1, 1e4, 1e8), "*"), 2, c(1, 1e8, -1e10, 0), "+")
  for (cov in c("VVV", "VEE", "VVI")) {
    a <- emix(flowers, k = 2, family = mix_mvnormal(cov))
    b <- emix(x, k = 2, family = mix_mvnormal(cov))
    expect_near(b$loglik + 150 * sum(log(c(1e-8, 1, 1e4, 1e8))), a$loglik, 1e-6)
    expect_near(predict(b), predict(a), 1e-4)
  }
})

grid <- as.matrix(expand.grid(x = c(-2, -1, 1, 2), y = c(-1, 1)))[rep(1:8, 10), ]
across <- list(mean = cbind(c(0, 1), c(0, -1)))

test_that("a start that is symmetric does not end at a saddle that is said to be a maximum", {
  for (cov in c("EII", "VII")) {
    from <- function(...) suppressWarnings(emix(grid, k = 2, family = mix_mvnormal(cov), start = list(mean = cbind(...))))
    fit <- from(c(0, 1), c(0, -1))
    expect_true(fit$converged)
    expect_false(fit$convergence$flat)
    expect_near(fit$loglik, from(c(1.5, 0.1), c(-1.5, 0))$loglik, 1e-9)
    light <- suppressWarnings(emix(grid, k = 2, family = mix_mvnormal(cov), start = across, weights = rep(2^-90, nrow(grid))))
    expect_near(light$loglik * 2^90, fit$loglik, 1e-9)
  }
})

test_that("least curvature is that of all directions", {
  set.seed(11)
  x <- matrix(rnorm(160), ncol = 2) * rep(c(2, 1), each = 80)
  fit <- emix(x, k = 2, family = mix_mvnormal("VII"), start = list(mean = cbind(c(1, 0), c(-1, 0))))
  problem <- emix:::fit_problem(fit)
  problem$control <- list(auto = FALSE, threads = 1L)
  n <- emix:::count_core_sums(problem)
  curve <- emix:::curvature(fit)
  w <- emix:::sums_directions(curve, n)
  along <- emix:::differ_sums(curve, w, 1e-4, TRUE)
  all <- crossprod(along$natural, w - along$found)
  least <- min(eigen((all + t(all)) / 2, symmetric = TRUE)$values)
  expect_near(emix:::least_curved(problem, fit$core$theta)$curve, least, 1e-5)
})

test_that("without acceleration a run that ends at a saddle has not converged", {
  expect_warning(
    fit <- emix(grid, k = 2, family = mix_mvnormal("EII"), start = list(mean = cbind(c(0, 1), c(0, -1))),
      control = em_control(accelerate = FALSE)),
    class = "emix_warning_iterations")
  expect_false(fit$converged)
})

test_that("steps double where the likelihood curves upwards", {
  set.seed(1)
  x <- scale(rbind(matrix(rnorm(1600, sd = 0.5), 800), matrix(rnorm(400, sd = 1.5), 200)))
  fit <- emix(x, k = 2, family = mix_mvnormal("EEE"), start = list(mean = cbind(c(0.5, 0), c(-0.5, 0))))
  expect_true(fit$converged)
  expect_lt(fit$convergence$evaluations, 200)
})

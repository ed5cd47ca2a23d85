# Overlap of multivariate normal components: against the univariate family, closed forms, and simulation.

parts <- c("confusion", "omega", "overlap")

covariances <- function(...) array(c(...), c(sqrt(length(..1)), sqrt(length(..1)), ...length()))

draw_problem <- function(k, d, common = FALSE) {
  prop <- runif(k, 0.3, 1)
  cov <- replicate(k, crossprod(matrix(rnorm(d * d), d)) / d + diag(0.3, d))
  if (common) cov[] <- cov[, , 1]
  list(prop = prop / sum(prop), mean = matrix(rnorm(d * k, 0, 1.2), d), cov = cov)
}

# What n rows of each component say.
simulated <- function(p, n) {
  k <- length(p$prop)
  found <- list(confusion = matrix(0, k, k), omega = matrix(0, k, k), overlap = diag(k))
  for (i in 1:k) {
    x <- matrix(rnorm(n * nrow(p$mean)), n) %*% chol(p$cov[, , i]) + rep(p$mean[, i], each = n)
    logs <- sapply(1:k, function(j) oracle_mvnormal("VVV")$log_density(x, p, j))
    joint <- logs + rep(log(p$prop), each = n)
    found$confusion[i, ] <- tabulate(max.col(joint, "first"), k) / n
    for (j in 1:k) {
      found$omega[i, j] <- mean(joint[, i] < joint[, j])
      found$overlap[i, j] <- mean(pmin(1, exp(logs[, j] - logs[, i])))
    }
  }
  found
}

test_that("a column that tells nothing changes nothing: the univariate family's numbers", {
  set.seed(1)
  for (turn in 1:4) {
    k <- turn + 1
    prop <- runif(k)
    one <- list(prop = prop / sum(prop), mean = rnorm(k), sd = runif(k, 0.3, 2))
    for (d in 2:3) {
      turn <- qr.Q(qr(matrix(rnorm(d * d), d)))
      mean <- turn %*% rbind(one$mean, matrix(7, d - 1, k))
      cov <- vapply(one$sd, function(sd) turn %*% diag(c(sd^2, rep(2, d - 1))) %*% t(turn), diag(d))
      cov <- (cov + aperm(cov, c(2, 1, 3))) / 2
      many <- em_overlap(list(prop = one$prop, mean = mean, cov = cov))
      for (part in c(parts, "error")) expect_near(many[[part]], em_overlap(one)[[part]], 1e-9)
      expect_identical(many$error_se, 0)
    }
  }
})

test_that("the chance of a quadratic form below zero is as R's of chi-squared and normal variables, far out too", {
  below <- function(...) emix:::quadratic_chances(...)$below
  for (q in c(1e-6, 0.1, 3, 50, 1000)) {
    expect_near(below(c(1, 1, 1), numeric(3), -q) / pchisq(q, 3), 1, 1e-11)
    expect_near(below(-c(1, 1, 1), numeric(3), q) / pchisq(q, 3, lower.tail = FALSE), 1, 1e-10)
    expect_near(below(c(1, -1 / 3, -1 / 3, -1 / 3), numeric(4), 0) / pf(1, 1, 3), 1, 1e-11)
    # (y + 1)^2 + y^2 > q, as a Poisson mixture of central ones
    far <- sum(dpois(0:800, 0.5) * pchisq(q, 2 + 2 * (0:800), lower.tail = FALSE))
    expect_near(below(-c(1, 1), -c(2, 0), q - 1) / far, 1, 1e-10)
    expect_near(below(c(1e-15, 0), c(2, 1), sqrt(5 * q)) / pnorm(-sqrt(q)), 1, 1e-9)
  }
  expect_identical(below(c(1, 2), c(0, 0), 0), 0)
  expect_identical(below(0, 0, -1), 1)
})

test_that("equal covariances: pairs are a normal probability, whatever the other directions", {
  s <- matrix(c(2, 0.7, 0.2, 0.7, 1, 0.1, 0.2, 0.1, 3), 3)
  for (far in c(0.1, 1, 5, 20)) {
    mean <- cbind(0, far * c(1, -1, 0.5))
    p <- list(prop = c(0.3, 0.7), mean = mean, cov = covariances(s, s))
    delta <- sqrt(sum(mean[, 2] * solve(s, mean[, 2])))
    odds <- log(3 / 7)
    o <- em_overlap(p)
    expect_near(o$omega[1, 2] / pnorm(-(delta^2 / 2 + odds) / delta), 1, 1e-10)
    expect_near(o$omega[2, 1] / pnorm(-(delta^2 / 2 - odds) / delta), 1, 1e-10)
    expect_near(o$overlap[1, 2] / (2 * pnorm(-delta / 2)), 1, 1e-10)
    expect_near(o$error, 0.3 * o$omega[1, 2] + 0.7 * o$omega[2, 1], 1e-14)
  }
})

test_that("spheres in one place: chi-squared probabilities, to 1e-300", {
  for (d in c(2, 3, 7)) for (ratio in c(1.001, 2, 100, 1e40)) {
    p <- list(prop = c(0.5, 0.5), mean = matrix(0, d, 2), cov = covariances(diag(d), diag(d) * ratio^2))
    cut <- 2 * d * log(ratio) / (1 - ratio^-2)
    o <- em_overlap(p)
    expect_near(o$omega[1, 2] / pchisq(cut, d, lower.tail = FALSE), 1, 1e-9)
    if (ratio < 1e10) expect_near(o$omega[2, 1] / pchisq(cut / ratio^2, d), 1, 1e-9)
  }
})

test_that("any components: what simulated rows show, within their errors", {
  skip_on_cran() # takes long
  set.seed(2)
  n <- 4e4
  for (d in c(2, 3, 5)) for (k in 2:4) for (common in c(FALSE, TRUE)) {
    p <- draw_problem(k, d, common)
    found <- em_overlap(p)
    seen <- simulated(p, n)
    for (part in c("confusion", "omega")) {
      allowed <- 4.5 * sqrt(pmax(found[[part]] * (1 - found[[part]]), 1e-3) / n + found$confusion_se^2)
      expect_true(all(abs(found[[part]] - seen[[part]]) <= allowed))
    }
    expect_true(all(abs(found$overlap - seen$overlap) < 4.5 * sqrt(0.25 / n)))
    expect_near(rowSums(found$confusion), rep(1, k), 1e-13)
    expect_true(all(found$confusion - diag(diag(found$confusion)) <= found$omega + 1e-12))
    expect_equal(found$error_se == 0, k == 2 || d == 2 || (common && k == 3))
    expect_lt(found$error_se, 2e-3)
  }
})

test_that("an integral over angles is that of simulated lines, and of a fine grid", {
  set.seed(3)
  p <- draw_problem(3, 2)
  found <- em_overlap(p)
  step <- 0.02
  for (i in 1:3) {
    z <- as.matrix(expand.grid(seq(-7, 7, step), seq(-7, 7, step)))
    x <- z %*% chol(p$cov[, , i]) + rep(p$mean[, i], each = nrow(z))
    joint <- sapply(1:3, function(j) oracle_mvnormal("VVV")$log_density(x, p, j) + log(p$prop[j]))
    mass <- rowsum(dnorm(z[, 1]) * dnorm(z[, 2]) * step^2, max.col(joint))
    expect_near(found$confusion[i, ], replace(numeric(3), as.integer(rownames(mass)), mass), 2e-4)
  }
  # The same in three columns, where the third differs by a little: simulated.
  p$mean <- rbind(p$mean, c(0, 1e-3, 0))
  p$cov <- vapply(1:3, function(j) rbind(cbind(p$cov[, , j], 0), c(0, 0, 1)), diag(3))
  more <- em_overlap(p)
  expect_gt(more$error_se, 0)
  expect_lt(more$error_se, 1e-3)
  expect_near(more$error, found$error, 5 * more$error_se)
  expect_near(more$omega, found$omega, 1e-5)
})

test_that("units, places and the order of components make no difference; R's generator is left alone", {
  set.seed(4)
  p <- draw_problem(3, 3)
  base <- em_overlap(p)
  state <- .Random.seed
  unit <- c(1e-100, 1, 1e120)
  other <- em_overlap(list(prop = p$prop, mean = p$mean * unit, cov = p$cov * as.vector(outer(unit, unit))))
  expect_identical(.Random.seed, state)
  for (part in c("omega", "overlap")) expect_near(other[[part]], base[[part]], 1e-10)
  expect_near(other$error, base$error, 5 * base$error_se)
  expect_identical(em_overlap(p), base)
  turned <- em_overlap(list(prop = p$prop[3:1], mean = p$mean[, 3:1], cov = p$cov[, , 3:1]))
  for (part in c("omega", "overlap")) expect_near(turned[[part]], base[[part]][3:1, 3:1], 1e-10)
  expect_near(turned$error, base$error, 5 * base$error_se)
})

test_that("extremes: equal components, empty ones, components worlds apart", {
  one <- diag(2)
  same <- em_overlap(list(prop = c(0.2, 0.3, 0.5), mean = matrix(0, 2, 3), cov = covariances(one, one, 4 * one)))
  expect_equal(same$overlap[1, 2], 1)
  expect_equal(unname(same$confusion[, 1]), numeric(3))
  expect_equal(unname(same$omega[1:2, 1:2]), rbind(c(0, 1), 0))
  expect_near(same$confusion[1, 3], pchisq(8 / 3 * log(4 * 0.3 / 0.5), 2, lower.tail = FALSE), 1e-12)
  all <- em_overlap(list(prop = c(0.5, 0.5), mean = matrix(0, 2, 2), cov = covariances(one, one)))
  expect_equal(all$error, 0.5)
  empty <- em_overlap(list(prop = c(0, 0.5, 0.5), mean = cbind(0, c(3, 1), c(-3, 4)), cov = covariances(one, 2 * one, one)))
  expect_equal(unname(empty$confusion[, 1]), numeric(3))
  expect_equal(unname(empty$omega[1, ]), c(0, 1, 1))
  away <- em_overlap(list(prop = c(0.4, 0.4, 0.2), mean = cbind(0, c(60, 10), c(10, 50)), cov = covariances(one, 2 * one, one)))
  expect_true(all(away$omega[row(diag(3)) != col(diag(3))] > 0))
  expect_lt(away$error, 1e-80)
  expect_near(away$confusion[2, 1] / away$omega[2, 1], 1, 1e-9)
  far <- em_overlap(list(prop = c(0.5, 0.5), mean = cbind(0, c(1e200, 0)), cov = covariances(one, 2 * one)))
  expect_equal(far$error, 0)
})

test_that("a fit: its rows, its print, and predict() on rows drawn from it", {
  fit <- emix(iris[, 1:4], k = 3)
  o <- em_overlap(fit)
  p <- predict(fit)
  expect_near(o$uncertainty, 1 - mean(apply(p, 1, max)), 1e-12)
  expect_identical(dimnames(o$confusion_se), list(c("1", "2", "3"), c("1", "2", "3")))
  set.seed(5)
  draws <- lapply(1:3, function(j) {
    own <- lapply(fit$parameters, unname)
    remix(2e4, list(prop = 1, mean = own$mean[, j, drop = FALSE], cov = own$cov[, , j, drop = FALSE]))
  })
  share <- t(vapply(draws, function(x) tabulate(predict(fit, unname(x), "class"), 3) / 2e4, double(3)))
  expect_near(share, o$confusion, 4.5 * sqrt(0.25 / 2e4))
  expect_output(print(o), "3 multivariate normal components, expected misclassification rate 0.013\nrows", fixed = TRUE)
  set.seed(6)
  expect_output(print(em_overlap(draw_problem(4, 4))), "misclassification rate 0.[0-9]+ \\(standard error [0-9.e-]+\\)")
  expect_output(print(em_overlap(emix(faithful, k = 2))), "rate 0.00[0-9]+\nrows")
  expect_output(print(em_overlap(emix(faithful, k = 1))), "rate 0")
  expect_input_error(em_overlap(fit, size = 3), "size")
})

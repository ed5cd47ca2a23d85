# Starts for families of several columns: groupings and what is made of them.

plain_rows <- function(x, weight = NULL, label = NULL) list(x = x, n = nrow(x), weight = weight, label = label)

three_clouds <- function(n = 60, d = 3) {
  set.seed(11)
  z <- matrix(rnorm(3 * n * d), ncol = d)
  z + 8 * diag(d)[rep(1:3, each = n) %% d + 1L, ]
}

test_that("moments of groups are those of their rows", {
  x <- as.matrix(iris[, 1:4])
  w <- rep(1:3, 50) / 2
  group <- as.integer(iris$Species)
  m <- group_moments(moment_parts(x, w), 4L, group, 4L)
  for (j in 1:3) {
    own <- cov.wt(x[group == j, ], w[group == j], method = "ML")
    expect_equal(m$n[j], sum(w[group == j]))
    expect_equal(m$mean[, j], unname(own$center))
    expect_equal(matrix(m$scatter[, j] / m$n[j], 4), unname(own$cov), tolerance = 1e-10)
  }
  expect_identical(m$n[4L], 0)
  expect_true(all(m$scatter[, 4L] == 0))
  # Rows of group 0 are in none.
  left <- group_moments(moment_parts(x, w), 4L, ifelse(group == 2L, 0L, group), 3L)
  expect_identical(left$n, m$n[1:3] * c(1, 0, 1))
})

test_that("log determinants are LAPACK's, for small and large matrices, and so are densities between components", {
  set.seed(1)
  for (d in c(1L, 2L, 5L, 6L, 7L, 9L)) {
    s <- replicate(4, as.vector(crossprod(matrix(rnorm(3 * d * d), 3 * d))))
    s <- matrix(s, d * d)
    expected <- apply(s, 2L, function(v) determinant(matrix(v, d))$modulus)
    expect_equal(log_dets(s), as.vector(expected), tolerance = 1e-12)
    mean <- matrix(rnorm(4 * d), d)
    got <- .Call(C_emix_bumps, s, mean, c(1L, 4L), c(2L, 4L), 0.5)
    both <- matrix(s[, 1] + s[, 2] / 2, d)
    expect_equal(got[1], -determinant(both)$modulus[1] / 2 - mahalanobis(mean[, 1], mean[, 2], both) / 2, tolerance = 1e-12)
    expect_equal(got[2], -(expected[4] + d * log(1.5)) / 2, tolerance = 1e-12)
  }
  expect_identical(log_dets(cbind(c(1, 1, 1, 1))), -Inf)
  expect_error(.Call(C_emix_bumps, diag(4), NULL, 5L, NULL, 0), "no such component")
})

test_that("views are standardised, turned and sphered", {
  x <- as.matrix(iris[, 1:4]) * rep(c(1, 1e5, 1e-5, 1), each = 150) + 1e3
  w <- rep(c(1, 2, 5), 50)
  v <- views_of(x, w)
  second <- function(z) unname(crossprod(z * sqrt(v$w)) / sum(v$w))
  expect_equal(diag(second(v$standard)), rep(1, 4))
  expect_equal(second(v$sphered), diag(4), tolerance = 1e-8)
  turned <- second(v$turned)
  expect_equal(turned, diag(diag(turned)), tolerance = 1e-8)
  expect_equal(second(v$half), diag(sqrt(diag(turned))), tolerance = 1e-8)
  expect_equal(unname(v$standard[1, ] * v$unit + v$centre), unname(x[1, ]))
  # A constant column has no spread, and a doubled one no axis of its own.
  flat <- views_of(cbind(x, 7, x[, 1]), w)
  expect_identical(ncol(flat$sphered), 4L)
  expect_true(all(flat$standard[, 5] == 0))
})

test_that("merging takes the pair of the least loss each time", {
  x <- three_clouds()
  group <- kmeans(x, x[seq(1, 180, by = 20), ])$cluster
  m <- group_moments(moment_parts(x, rep(1, 180)), 3L, group, 9L)
  for (common in c(FALSE, TRUE)) {
    paths <- merge_groups(m, common)
    expect_identical(paths[, 9L], 1:9)
    expect_true(all(paths[, 1L] == 1L))
    # Each level is the one below with two groups made one.
    for (left in 1:8) {
      table <- table(paths[, left], paths[, left + 1L]) > 0
      expect_identical(unname(sort(rowSums(table))), c(rep(1, left - 1), 2))
    }
    expect_identical(length(unique(paste(paths[group, 3L], rep(1:3, each = 60)))), 3L)
  }
})

test_that("the loss of the first merge is that of the classification likelihood", {
  x <- as.matrix(iris[, 1:2])
  group <- kmeans(x, x[c(1, 20, 60, 90, 110, 140), ])$cluster
  m <- group_moments(moment_parts(x, rep(1, 150)), 2L, group, 6L)
  within <- matrix(rowSums(m$scatter), 2) / 150
  within <- within + 1e-6 * diag(mean(diag(within)) + sum(m$n * colMeans(m$mean^2)) / 150, 2)
  value <- function(rows) {
    s <- crossprod(scale(x[rows, , drop = FALSE], scale = FALSE))
    length(rows) * log(det((s + within) / (length(rows) + 1)))
  }
  loss <- combn(6, 2, function(p) {
    value(which(group %in% p)) - value(which(group == p[1])) - value(which(group == p[2]))
  })
  best <- combn(6, 2)[, which.min(loss)]
  paths <- merge_groups(m, own = 1)
  expect_identical(paths[best[1], 5L], paths[best[2], 5L])
})

test_that("centres are spread by R's generator, groups are those of the nearest", {
  x <- three_clouds()
  set.seed(4)
  a <- scatter_rows(x, rep(1, 180), 3L, 7L)
  set.seed(4)
  expect_identical(scatter_rows(x, rep(1, 180), 3L, 7L), a)
  d <- as.matrix(dist(x))
  for (s in 1:7) expect_identical(a$group[, s], unname(max.col(-d[, a$centre[, s]], "first")))
  small <- small_groups(a, 5L)
  expect_true(all(apply(small, 2, function(g) max(tabulate(g, 3))) <= 5))
  expect_true(all(small == 0L | small == a$group))
})

test_that("cuts along an axis have the weights that they should", {
  u <- c(5, 1, 4, 2, 3, 6)
  expect_identical(cut_axis(u, rep(1, 6), c(1, 1, 1)), c(3L, 1L, 2L, 1L, 2L, 3L))
  expect_identical(cut_axis(u, rep(1, 6), c(1, 2)), c(2L, 1L, 2L, 1L, 2L, 2L))
  expect_identical(cut_axis(u, c(1, 1, 1, 1, 1, 100), c(1, 1)), c(1L, 1L, 1L, 1L, 1L, 2L))
})

test_that("groups are numbered as known components are", {
  score <- rbind(c(0, 9, 1), c(8, 0, 1), c(7, 7, 0))
  expect_identical(number_groups(score), c(2L, 1L, 3L))
  x <- three_clouds()
  label <- rep(c(3L, 1L, 2L), each = 60) * rep(c(1L, 0L, 0L), 60)
  groups <- label_groups(cbind(rep(1:3, each = 60), rep(3:1, each = 60)), label, rep(1, 180), 3L)
  expect_identical(groups[, 1L], rep(c(3L, 1L, 2L), each = 60))
  expect_identical(groups[, 2L], groups[, 1L])
})

test_that("rows far from zero are no rows of one value", {
  set.seed(3)
  x <- round(rbind(matrix(rnorm(90, 0, 3), 45), matrix(rnorm(90, 20, 5), 45)))
  near <- emix(x, 2)
  far <- emix(x + 2^50, 2)
  expect_equal(far$loglik, near$loglik, tolerance = 1e-8)
  expect_equal(far$parameters$cov, near$parameters$cov, tolerance = 1e-6)
})

test_that("more components than different rows, and one row alone, can be started", {
  x <- matrix(c(0, 0, 5, 1, 1, 4, 0, 7), 4)[rep(1:4, 10), ]
  prior <- em_prior(scale = diag(2))
  for (cov in c("EII", "VVI", "EEE", "VVV")) {
    fit <- emix(x, 6, mix_mvnormal(cov), prior = prior, control = em_control(starts = 4))
    expect_true(fit$converged)
    one <- emix(matrix(1, 10, 2), 2, mix_mvnormal(cov), prior = prior, control = em_control(starts = 4))
    expect_true(one$converged)
    expect_equal(unname(one$parameters$mean), matrix(1, 2, 2))
    expect_error(emix(x, 6, mix_mvnormal(cov), control = em_control(starts = 4)), class = "emix_error_degenerate")
  }
})

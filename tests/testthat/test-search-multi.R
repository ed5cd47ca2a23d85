# The search for multivariate normal mixtures: seeds decide, what the best maximum is does not hang on the order of rows,
# and starts are legal wherever the data are.

fit_mv <- function(x, k, cov = "VVV", ...) suppressWarnings(emix(x, k = k, family = mix_mvnormal(cov), ...))

two_clouds <- function() {
  set.seed(3)
  rbind(matrix(rnorm(300), ncol = 3), matrix(rnorm(150), ncol = 3) %*% matrix(c(2, 1, 0, 0, 1, 1, 0, 0, 0.5), 3) + 3)
}

starts_of <- function(x, k, cov = "VVV", starts = 50, weights = NULL, labels = NULL, fixed = NULL) {
  problem <- read_problem(x, list(control = em_control(), prior = NULL, family = mix_mvnormal(cov), weights = weights,
    labels = labels, na.action = na.fail))
  spec <- check_model(problem$frame, problem$rows, problem$family, k, fixed, NULL, NULL)
  c(make_starts(problem$rows, spec, starts), list(spec = spec))
}

expect_legal <- function(s) {
  d <- length(s$spec$columns)
  p <- s$parameters
  expect_true(all(is.finite(unlist(p))))
  expect_equal(colSums(p$prop), rep(1, ncol(p$prop)))
  expect_true(all(p$prop > 0))
  roots <- apply(matrix(p$cov, d * d), 2L, function(v) min(eigen(matrix(v, d), symmetric = TRUE)$values))
  expect_true(all(roots > 0))
  expect_identical(ncol(p$mean), length(s$kind))
}

test_that("starts are legal: one component, many, duplicates, weights, labels", {
  x <- as.matrix(iris[, 1:4])
  for (cov in c("EII", "VVI", "EEE", "VVV")) expect_legal(starts_of(x, 3, cov))
  expect_legal(starts_of(x, 1))
  expect_legal(starts_of(x, 30))
  expect_legal(starts_of(x[rep(1:12, 20), ], 5))
  expect_legal(starts_of(x, 4, weights = rep(c(1e6, 1e-3, 1), 50)))
  expect_legal(starts_of(x * rep(c(1e-8, 1e8, 1, 1), each = 150) + 1e3, 3))
  s <- starts_of(x, 3, labels = ifelse(seq_len(150) %% 10 == 0, as.integer(iris$Species), NA))
  expect_legal(s)
  # Known rows number the groups: component 1 is setosa in every start.
  first <- s$parameters$mean[1, ] # its sepal length
  expect_gt(mean(abs(first - 5.006) < 0.6), 0.6)
})

test_that("as many starts as were asked for, deterministic ones first", {
  x <- as.matrix(iris[, 1:4])
  expect_identical(starts_of(x, 3, starts = 1)$kind, "likelihood")
  set.seed(1)
  few <- starts_of(x, 3, starts = 4)
  set.seed(2)
  expect_identical(starts_of(x, 3, starts = 4)$parameters, few$parameters)
  expect_identical(length(few$kind), 4L)
})

test_that("diagonal and common structures start so", {
  x <- as.matrix(iris[, 1:4])
  p <- starts_of(x, 3, "VVI")$parameters
  blocks <- matrix(p$cov, 16)
  expect_true(all(blocks[-c(1, 6, 11, 16), ] == 0))
  p <- starts_of(x, 3, "EEE")$parameters
  expect_identical(p$cov[1:16, ], p$cov[17:32, ])
})

test_that("set.seed() decides the whole search", {
  x <- two_clouds()
  set.seed(5)
  a <- fit_mv(x, 3)
  set.seed(5)
  b <- fit_mv(x, 3)
  expect_identical(b$parameters, a$parameters)
  expect_identical(b$starts, a$starts)
})

test_that("permuted rows and turned columns have the same best maximum", {
  x <- as.matrix(iris[, 1:4])
  a <- fit_mv(x, 3)
  set.seed(9)
  at <- sample(150)
  expect_equal(logLik(fit_mv(x[at, ], 3)), logLik(a), tolerance = 1e-8)
  expect_equal(logLik(fit_mv(x[, 4:1], 3)), logLik(a), tolerance = 1e-8)
  turn <- qr.Q(qr(matrix(rnorm(16), 4)))
  expect_equal(as.vector(logLik(fit_mv(x %*% turn, 3))), as.vector(logLik(a)), tolerance = 1e-8)
})

test_that("published maxima are met", {
  # Scrucca, Fop, Murphy & Raftery (2016): iris VEV 2, faithful EEE 3.
  expect_gte(as.vector(logLik(fit_mv(as.matrix(iris[, 1:4]), 2, "VEV"))), -215.7260 - 1e-3)
  expect_gte(as.vector(logLik(fit_mv(as.matrix(faithful), 3, "EEE"))), -1126.3264)
  expect_gte(as.vector(logLik(fit_mv(as.matrix(iris[, 1:4]), 3))), -180.1858)
})

test_that("what R weighs in a move is what the mixture has", {
  m <- list(prop = c(0.3, 0.2, 0.5), mean = cbind(c(0, 0), c(1, 0), c(5, 5)), cov = cbind(c(1, 0, 0, 1), c(2, 0.5, 0.5, 1), c(1, 0, 0, 3)))
  one <- merged_component(m, 1L, 2L)
  expect_equal(one$mean, c(0.4, 0))
  second <- 0.6 * (matrix(m$cov[, 1], 2)) + 0.4 * (matrix(m$cov[, 2], 2) + tcrossprod(m$mean[, 2]))
  expect_equal(matrix(one$cov, 2), second - tcrossprod(one$mean))
  x <- as.matrix(faithful)
  w <- rep(1:4, 68) / 2
  rows <- list(x = x, w = w, p = cbind(plogis(x[, 1] - 3), 1 - plogis(x[, 1] - 3)))
  density <- function(mean, cov) exp(-mahalanobis(x, mean, matrix(cov, 2)) / 2) / (2 * pi * sqrt(det(matrix(cov, 2))))
  own <- function(p) cov.wt(x, w * p, method = "ML")
  each <- apply(rows$p, 2L, own)
  m2 <- list(prop = c(0.3, 0.6), mean = sapply(each, `[[`, "center"), cov = sapply(each, function(e) as.vector(e$cov)))
  f <- function(m, j) m$prop[j] * density(m$mean[, j], m$cov[, j])
  expect_equal(weighed_likelihood(rows, w, m2), sum(w * log(f(m2, 1) + f(m2, 2))))
  merge <- all_merges(m2, rows, 3L)[[1L]]
  expect_equal(merge$gain, sum(w * log(f(merge$one, 1) / (f(m2, 1) + f(m2, 2)))))
  for (split in all_splits(m2, rows, 1:2)) {
    two <- Map(cbind, split$two[[1L]], split$two[[2L]])
    share <- rows$p[, split$from]
    expect_equal(split$gain, sum(w * share * log((f(two, 1) + f(two, 2)) / f(m2, split$from))))
    expect_equal(sum(two$prop), sum(w * share) / sum(w))
    # The two together have the mean that their rows have.
    expect_equal(drop(two$mean %*% two$prop[1, ]) / sum(two$prop), unname(own(share)$center), ignore_attr = TRUE)
  }
  # The first axis is the longest, shared half-way by a logistic curve.
  z <- sweep(x, 2, m2$mean[, 1]) %*% backsolve(chol(matrix(m2$cov[, 1], 2)), diag(2))
  long <- eigen(matrix(m2$cov[, 1], 2))$vectors[, 1] %*% solve(chol(matrix(m2$cov[, 1], 2)))
  share <- split_shares(rows, w * rows$p[, 1], component_of(m2, 1L))[, 1L]
  expect_equal(abs(qlogis(share)), abs(3 * drop(z %*% t(long)) / sqrt(sum(long^2))), ignore_attr = TRUE)
  square <- mahalanobis(x, m2$mean[, 1], matrix(m2$cov[, 1], 2))
  expect_equal(squares_in(rows, component_of(m2, 1L), log(det(matrix(m2$cov[, 1], 2)))), unname(square))
  weighed <- weighed_sums(rows, w * square, component_of(m2, 1L))
  off <- sweep(x, 2, m2$mean[, 1])
  expect_equal(weighed, list(n = sum(w * square), first = unname(colSums(off * w * square)),
    second = as.vector(crossprod(off * sqrt(w * square)))))
  pairs <- pair_distances(m, utils::combn(3L, 2L))
  expect_identical(which.min(pairs), 1L)
  same <- list(prop = c(0.5, 0.5), mean = m$mean[, c(1, 1)], cov = m$cov[, c(1, 1)])
  expect_equal(pair_distances(same, cbind(1:2)), 0)
})

test_that("moves lead from a poor maximum to a better one", {
  set.seed(8)
  x <- rbind(matrix(rnorm(200), ncol = 2), matrix(rnorm(200, 0, 0.5), ncol = 2) + 8, matrix(rnorm(200, 0, 0.5), ncol = 2) + c(8, 11))
  # Two components in the first cloud, one for the other two.
  poor <- rep(c(1, 2, 3, 3), c(50, 50, 100, 100))
  from <- suppressWarnings(emix(x, k = 3, family = "mvnormal", start = poor))
  best <- emix(x, k = 3, family = "mvnormal")
  expect_gt(as.vector(logLik(best)), as.vector(logLik(from)) + 10)
  p <- predict(from, type = "posterior")
  m <- list(prop = unname(from$parameters$prop), mean = unname(from$parameters$mean), cov = matrix(from$parameters$cov, 4))
  moved <- moved_mixtures(m, list(x = x, w = rep(1, 300), p = unname(p)), 12L)
  ends <- vapply(moved, function(m) {
    start <- list(prop = m$prop, mean = m$mean, cov = array(m$cov, c(2, 2, 3)))
    tryCatch(suppressWarnings(emix(x, k = 3, family = "mvnormal", start = start)$loglik), error = function(e) -Inf)
  }, 0)
  expect_equal(max(ends), best$loglik, tolerance = 1e-8)
})

test_that("chance clusters: few rows on a plane are one, a tight group of many is not", {
  spec <- list(k = 2L, family = list(cov = "VVV"))
  p <- function(share, cov) list(prop = cbind(c(1 - share, share)), mean = cbind(c(0, 0, 0, 1, 0, 0)), cov = cbind(c(diag(3), cov)))
  flat <- diag(c(1, 1, 1e-8))
  tight <- diag(3) / 100
  expect_true(mvnormal_spurious(p(5 / 500, flat), 500, spec))
  expect_true(mvnormal_spurious(p(8 / 500, diag(3) / 10), 500, spec))
  expect_false(mvnormal_spurious(p(100 / 500, tight), 500, spec))
  # A wide component of few rows is none, nor any where volumes are equal.
  expect_false(mvnormal_spurious(p(8 / 500, 9 * diag(3)), 500, spec))
  expect_false(mvnormal_spurious(p(5 / 500, flat), 500, list(k = 2L, family = list(cov = "EVV"))))
  # Units do not matter.
  far <- p(100 / 500, tight)
  far$mean <- far$mean * 1e-100
  far$cov <- far$cov * 1e-200
  expect_false(mvnormal_spurious(far, 500, spec))
})

test_that("many rows: runs go on from a part to all, and a small component is seen", {
  set.seed(6)
  n <- 40000
  x <- matrix(rnorm(3 * n), n)
  x[1:400, ] <- x[1:400, ] * 0.5 + 6
  x[401:15000, 1] <- x[401:15000, 1] + 5
  fit <- emix(x[sample(n), ], k = 3, family = "mvnormal")
  expect_true(fit$converged)
  expect_equal(unname(sort(fit$parameters$prop)), c(0.01, 0.365, 0.625), tolerance = 0.02)
  expect_identical(fit$convergence$points, 2000L)
})

test_that("many parameters, components that overlap: chance clusters of a part do not win", {
  set.seed(1)
  n <- 20000
  centre <- matrix(rnorm(50), 10) * 1.8 / sqrt(10)
  group <- sample.int(5, n, TRUE)
  x <- t(centre[, group]) + matrix(rnorm(10 * n), n)
  fit <- emix(x, k = 5)
  expect_true(fit$converged)
  expect_false(fit$convergence$spurious)
  expect_true("simpler" %in% fit$starts$kind)
  expect_gte(fit$loglik, fit_mv(x, 5, start = group)$loglik - 1e-3)
})

test_that("what goes on from a part: sizes with rows for all parameters, runs from simpler structures among them", {
  expect_identical(growing_parts(2200, 1e4, 329), 1e4)
  expect_identical(growing_parts(2200, 1e5, 329), c(8800, 35200, 1e5))
  expect_identical(growing_parts(2200, 1e5, 1000), c(20000, 1e5))
  expect_identical(growing_parts(2200, 1e6, 659, 10L), c(13180, 52720, 1e6))
  expect_identical(simpler_structure("VVI"), "EEI")
  expect_identical(simpler_structure("VEV"), "EEE")
  expect_null(simpler_structure("EEE"))
  field <- list(objective = c(10, 9, 30, 2, -500), status = c(0L, 0L, 0L, 1L, 0L), spurious = c(FALSE, FALSE, TRUE, FALSE, FALSE),
    unit = rep(1, 5), kind = c("ward", "random", "random", "ward", "simpler"))
  expect_identical(runs_ahead(field, 4L), c(1L, 2L, 3L, 5L))
  # With enough rows a chance cluster is left behind.
  heat <- c(field[c("objective", "status", "spurious", "unit", "kind")], list(converged = rep(TRUE, 5)))
  expect_identical(left_ahead(heat, TRUE, 2L), c(1L, 2L))
  expect_identical(left_ahead(heat, FALSE, 0L), c(1L, 2L, 3L, 5L))
})

test_that("k-means of weighted rows is that of the same rows in parts", {
  set.seed(4)
  z <- matrix(rnorm(80), 40)
  w <- rep(1:4, 10)
  centres <- z[1:3, ]
  got <- weighted_kmeans(z, w, centres)
  parted <- weighted_kmeans(z[rep(1:40, 2), ], c(w / 4, 3 * w / 4), centres)
  expect_identical(parted$cluster, rep(got$cluster, 2))
  expect_equal(parted$tot.withinss, got$tot.withinss)
  # No row is nearer to the mean of another group.
  means <- rowsum(w * z, got$cluster) / as.vector(rowsum(w, got$cluster))
  expect_identical(max.col(-distances(z, means), "first"), got$cluster)
})

test_that("a start outside the structure is brought to it: no iterate is lower than the first; what is of it stays to the bit", {
  x <- as.matrix(iris[, 1:4])
  start <- lapply(fit_mv(x, 3, start = as.integer(iris$Species))$parameters[c("prop", "mean", "cov")], unname)
  for (cov in c("VEI", "EVI", "VEE", "EVE", "VVE", "EEV", "VEV", "EVV")) {
    fit <- fit_mv(x, 3, cov, start = start, control = em_control(trace = TRUE))
    expect_gte(min(diff(fit$trace$loglik)), -1e-9)
    ended <- lapply(fit$parameters[c("prop", "mean", "cov")], unname)
    kept <- fit_mv(x, 3, cov, start = ended, control = em_control(max_iter = 0))
    expect_identical(unname(kept$parameters$cov), ended$cov)
  }
})

test_that("advice is of what the structure allows", {
  expect_match(shared_spread("VVV"), "equal = \"cov\"", fixed = TRUE)
  expect_match(shared_spread("VEV"), "mix_mvnormal(\"EEE\")", fixed = TRUE)
  expect_match(shared_spread(NULL), "equal = \"sd\"", fixed = TRUE)
})

# Overlap of components, against integrals and sums.

# By quadrature between the peaks of all components.
slow_normal <- function(p) {
  k <- length(p$prop)
  f <- function(x, j) dnorm(x, p$mean[j], p$sd[j])
  knots <- sort(unique(as.vector(outer(p$sd, seq(-9, 9, 0.1)) + p$mean)))
  # Where one takes over from another, with and without proportions, by bisection.
  crossings <- function(i, j, odds) {
    gap <- function(x) dnorm(x, p$mean[i], p$sd[i], TRUE) - dnorm(x, p$mean[j], p$sd[j], TRUE) + odds
    at <- which(diff(sign(gap(knots))) != 0)
    vapply(at, function(q) uniroot(gap, knots[q + 0:1], tol = 1e-13)$root, 0)
  }
  pairs <- utils::combn(k, 2)
  own <- lapply(seq_len(ncol(pairs)), function(q) {
    i <- pairs[1, q]
    j <- pairs[2, q]
    c(crossings(i, j, 0), crossings(i, j, log(p$prop[i] / p$prop[j])))
  })
  knots <- sort(unique(c(knots, unlist(own))))
  total <- function(h) {
    sum(mapply(function(a, b) integrate(h, a, b, rel.tol = 1e-10, stop.on.error = FALSE)$value, knots[-length(knots)], knots[-1]))
  }
  each <- function(g) outer(1:k, 1:k, Vectorize(function(i, j) total(function(x) g(x, i, j))))
  ahead <- function(x) max.col(matrix(sapply(1:k, function(l) p$prop[l] * f(x, l)), ncol = k), "first")
  list(confusion = each(function(x, i, j) f(x, i) * (ahead(x) == j)),
    omega = each(function(x, i, j) f(x, i) * (p$prop[i] * f(x, i) < p$prop[j] * f(x, j))),
    overlap = each(function(x, i, j) pmin(f(x, i), f(x, j))))
}

slow_binomial <- function(p, sizes, weights = rep(1, length(sizes))) {
  k <- length(p$prop)
  found <- list(confusion = matrix(0, k, k), omega = matrix(0, k, k), overlap = matrix(0, k, k))
  for (q in seq_along(sizes)) {
    f <- matrix(sapply(p$prob, function(prob) dbinom(0:sizes[q], sizes[q], prob)), ncol = k)
    h <- sweep(f, 2, p$prop, "*")
    ahead <- apply(h, 1, function(r) which(r >= max(r) * (1 - 1e-12))[1])
    for (i in 1:k) for (j in 1:k) {
      found$confusion[i, j] <- found$confusion[i, j] + weights[q] * sum(f[ahead == j, i])
      found$omega[i, j] <- found$omega[i, j] + weights[q] * sum(f[h[, i] < h[, j] * (1 - 1e-12), i])
      found$overlap[i, j] <- found$overlap[i, j] + weights[q] * sum(pmin(f[, i], f[, j]))
    }
  }
  lapply(found, `/`, sum(weights))
}

expect_overlap <- function(found, slow, within) {
  for (part in names(slow)) expect_near(found[[part]], slow[[part]], within)
  expect_near(found$error, 1 - sum(found$prop * diag(slow$confusion)), within)
}

test_that("normal components: the integrals", {
  set.seed(1)
  for (s in 1:6) {
    k <- sample(2:4, 1)
    prop <- runif(k)
    p <- list(prop = prop / sum(prop), mean = rnorm(k, 0, 2), sd = if (s == 5) rep(1, k) else runif(k, 0.3, 2))
    expect_overlap(em_overlap(p), slow_normal(p), 1e-8)
  }
  expect_overlap(em_overlap(list(prop = c(0.9, 0.1), mean = c(0, 0), sd = c(1, 3))),
    slow_normal(list(prop = c(0.9, 0.1), mean = c(0, 0), sd = c(1, 3))), 1e-8)
})

test_that("binomial components: the sums, over several sizes, ties and certain successes among them", {
  set.seed(2)
  sizes <- c(0, 1, 5, 10, 10, 37)
  prob <- list(runif(2), runif(3), c(0.4, 0.6), c(0.6, 0.4), c(0.4, 0.6, 0.5), c(0, 1), c(0, 0.3, 1), c(0.2, 0.2), c(1, 0.5), runif(4))
  for (own in prob) for (even in c(TRUE, FALSE)) {
    w <- if (even) rep(1, length(own)) else runif(length(own))
    p <- list(prop = w / sum(w), prob = own)
    expect_overlap(em_overlap(p, sizes), slow_binomial(p, sizes), 1e-12)
  }
})

test_that("a fit: sizes of its rows by their weights, and what its rows say", {
  sizes <- rep(c(5, 12, 20), 10)
  s <- c(1, 9, 15, 2, 10, 16, 0, 3, 4, 4, 11, 17, 1, 2, 5, 5, 8, 14, 2, 3, 18, 1, 9, 6, 0, 10, 3, 4, 2, 15)
  w <- rep(c(1, 2), 15)
  fit <- emix(s, k = 2, family = mix_binomial(size = sizes), weights = w)
  found <- em_overlap(fit)
  expect_overlap(found, slow_binomial(fit$parameters, sizes, w), 1e-12)
  p <- predict(fit)
  expect_near(found$uncertainty, 1 - sum(w * apply(p, 1, max)) / sum(w), 1e-12)
  expect_near(found$entropy, -sum(w * p * log(p)), 1e-10)
  expect_near(found$certainty, 1 - found$entropy / (sum(w) * log(2)), 1e-12)
  known <- emix(cbind(heads, tails) ~ 1, coins, family = "binomial", labels = coin)
  expect_equal(em_overlap(known)[c("uncertainty", "entropy", "certainty")], list(uncertainty = 0, entropy = 0, certainty = 1))
  expect_identical(dimnames(em_overlap(known)$overlap), list(c("A", "B"), c("A", "B")))
  expect_identical(is.na(em_overlap(emix(faithful$waiting, k = 1))$certainty), TRUE)
})

test_that("closed forms: two normals of equal sds overlap by 2 pnorm(-d / 2), and small errors keep their digits", {
  for (d in c(0.1, 1, 3, 10, 20)) {
    o <- em_overlap(list(prop = c(0.5, 0.5), mean = c(0, d), sd = c(1, 1)))
    expect_near(o$overlap[1, 2] / (2 * pnorm(-d / 2)), 1, 1e-13)
    expect_near(o$error / pnorm(-d / 2), 1, 1e-12)
    expect_near(o$omega[1, 2] / pnorm(-d / 2), 1, 1e-13)
  }
  sd <- 1 + 1e-9
  near <- em_overlap(list(prop = c(0.5, 0.5), mean = c(0, 0), sd = c(1, sd)))
  expect_near(near$confusion[1, 1], 2 * pnorm(1) - 1, 1e-7)
})

test_that("shift, scale and order make no difference", {
  p <- list(prop = c(0.2, 0.5, 0.3), mean = c(0, 1, 3), sd = c(1, 0.4, 2))
  base <- em_overlap(p)
  for (scale in c(1e-150, 1e150)) {
    other <- em_overlap(list(prop = p$prop, mean = p$mean * scale, sd = p$sd * scale))
    for (part in c("confusion", "omega", "overlap", "error")) expect_near(other[[part]], base[[part]], 1e-12)
  }
  far <- em_overlap(list(prop = p$prop, mean = p$mean + 2^40, sd = p$sd))
  for (part in c("confusion", "omega", "overlap")) expect_near(far[[part]], base[[part]], 1e-12)
  turn <- c(3, 1, 2)
  turned <- em_overlap(lapply(p, `[`, turn))
  for (part in c("confusion", "omega", "overlap")) expect_near(turned[[part]], base[[part]][turn, turn], 1e-13)
  expect_near(rowSums(base$confusion), rep(1, 3), 1e-14)
  expect_equal(base$overlap, t(base$overlap))
})

test_that("extremes: equal components, empty ones, sds worlds apart, a milliard of trials", {
  same <- em_overlap(list(prop = c(0.5, 0.5), mean = c(0, 0), sd = c(1, 1)))
  expect_equal(same$error, 0.5)
  expect_equal(unname(same$overlap), matrix(1, 2, 2))
  expect_equal(unname(same$omega), matrix(0, 2, 2))
  empty <- em_overlap(list(prop = c(0, 1), mean = c(0, 3), sd = c(1, 2)))
  expect_equal(empty$error, 0)
  expect_equal(unname(empty$omega), rbind(c(0, 1), c(0, 0)))
  wide <- em_overlap(list(prop = c(0.5, 0.5), mean = c(0, 0), sd = c(1e-200, 1)))
  expect_equal(unname(wide$confusion), diag(2))
  expect_lt(em_overlap(list(prop = c(0.5, 0.5), prob = c(0.4, 0.6)), 1e9)$error, 1e-300)
  expect_near(em_overlap(list(prop = c(0.5, 0.5), prob = c(0.4999, 0.5001)), 1e9)$error, pnorm(-1e-4 * sqrt(1e9) / 0.5), 1e-9)
})

test_that("the error is what simulated rows show", {
  fit <- emix(height ~ 1, data = heights, k = 2, equal = "sd")
  o <- em_overlap(fit)
  set.seed(4)
  j <- sample.int(2, 1e5, TRUE, fit$parameters$prop)
  y <- rnorm(1e5, fit$parameters$mean[j], fit$parameters$sd[j])
  wrong <- mean(as.integer(predict(fit, y, type = "class")) != j)
  expect_near(wrong, o$error, 4 * sqrt(o$error * (1 - o$error) / 1e5))
})

test_that("print is short and complete; arguments", {
  fit <- emix(height ~ 1, data = heights, k = 2, equal = "sd")
  text <- utils::capture.output(print(em_overlap(fit)))
  expect_match(text[1], "2 normal components, expected misclassification rate 0.126", fixed = TRUE)
  expect_match(text[2], "rows: mean uncertainty 0.124, entropy 273, certainty 0.578", fixed = TRUE)
  expect_lte(length(text), 12)
  tiny <- utils::capture.output(print(em_overlap(list(prop = c(0.5, 0.5), mean = c(0, 9), sd = c(1, 1)))))
  expect_true("1  1.0000 <0.0001" %in% tiny)
  expect_output(print(em_overlap(emix(faithful$waiting, k = 1))), "rate 0")
  expect_input_error(em_overlap(fit, size = 3), "size")
  coin <- list(prop = c(0.5, 0.5), prob = c(0.8, 0.4))
  expect_input_error(em_overlap(coin), "size")
  for (bad in list(-1, 1.5, "a", NA, numeric())) expect_input_error(em_overlap(coin, bad), "size")
  expect_input_error(em_overlap(list(prop = c(0.5, 0.5), mean = 1:2, sd = c(1, 1)), 3), "size")
  expect_input_error(em_overlap(3), "mixture")
})

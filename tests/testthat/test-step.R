# One step of the core on its way without scores, where the exponential of one component's log is never
# had: against plain R, for components that overlap and for some so far apart that this way fails.

core_step <- function(x, family, k, theta, weight = NULL, options = double()) {
  x <- as.matrix(x)
  rows <- list(x = as.double(x), columns = ncol(x), factor = rep(1, ncol(x)), shift = rep(0, ncol(x)), weight = weight,
    label = NULL)
  model <- list(family = family, latent = "mix", k = k, equal = 0L, held = integer(length(theta)), options = options,
    prior_rows = NULL, prior_family = NULL, hard = FALSE)
  .Call(emix:::C_emix_step, rows, model, 1L, theta)
}

# log p_j f_j per row and component; shares; what the M-step makes of them.
plain_step <- function(log_joint, weight) {
  log_joint <- as.matrix(log_joint)
  top <- apply(log_joint, 1L, max)
  share <- exp(log_joint - top)
  sum <- rowSums(share)
  list(objective = sum(weight * (top + log(sum))), share = weight * share / sum)
}

plain_normal <- function(x, k, theta, weight) {
  at <- function(block) theta[(block - 1L) * k + seq_len(k)]
  log_joint <- sapply(seq_len(k), function(j) log(at(1)[j]) + stats::dnorm(x, at(2)[j], at(3)[j], log = TRUE))
  log_joint <- matrix(log_joint, length(x))
  step <- plain_step(log_joint, weight)
  mass <- colSums(step$share)
  mean <- colSums(step$share * x) / mass
  sd <- sqrt(colSums(step$share * outer(x, mean, "-")^2) / mass)
  list(objective = step$objective, theta = c(mass / sum(mass), mean, sd))
}

plain_binomial <- function(x, k, theta, weight) {
  prob <- theta[k + seq_len(k)]
  log_joint <- vapply(seq_len(k), function(j) {
    log(theta[j]) + x[, 1L] * log(prob[j]) + (x[, 2L] - x[, 1L]) * log1p(-prob[j])
  }, x[, 1L])
  step <- plain_step(log_joint, weight)
  mass <- colSums(step$share)
  list(objective = step$objective, theta = c(mass / sum(mass), colSums(step$share * x[, 1L]) / colSums(step$share * x[, 2L])))
}

test_that("a step of normal components near and far is that of plain R", {
  for (apart in c(0.5, 3, 8, 15, 60, 500)) {
    for (n in c(1, 3, 9, 31, 32, 33, 255, 256, 257, 700)) {
      k <- 3L
      x <- sin(seq_len(n) * 7.1) * 2 + apart * (seq_len(n) %% k)
      theta <- c(0.2, 0.3, 0.5, apart * (0:2) + 0.1, 0.9, 1.3, 1.1)
      for (weight in list(NULL, 0.5 + seq_len(n) %% 4)) {
        step <- core_step(x, "normal", k, theta, weight)
        plain <- plain_normal(x, k, theta, if (is.null(weight)) 1 else weight)
        expect_near(step$objective, plain$objective, 1e-14)
        if (n > 9) expect_near(step$theta, plain$theta, 1e-11)
      }
    }
  }
})

test_that("a sorted sample needs another component to stand for the largest from tile to tile", {
  x <- sort(c(seq(-3, 3, length.out = 400), 100 + seq(-3, 3, length.out = 300), 5000 + seq(-9, 9, length.out = 500)))
  theta <- c(0.3, 0.3, 0.4, 0, 100, 5000, 2, 2, 5)
  expect_near(core_step(x, "normal", 3L, theta)$objective, plain_normal(x, 3L, theta, 1)$objective, 1e-14)
  expect_near(core_step(x, "normal", 3L, theta)$theta, plain_normal(x, 3L, theta, 1)$theta, 1e-12)
})

test_that("a step of binomial components near and far is that of plain R, for odd and even k", {
  for (size in c(1, 10, 500, 1e5)) {
    for (k in 1:5) {
      n <- 300
      trials <- size + seq_len(n) %% 3
      x <- cbind(round(trials * (0.5 + 0.49 * sin(seq_len(n)))), trials)
      theta <- c(seq_len(k) / sum(seq_len(k)), seq_len(k) / (k + 0.7))
      for (weight in list(NULL, 0.5 + seq_len(n) %% 4)) {
        step <- core_step(x, "binomial", k, theta, weight, 0)
        plain <- plain_binomial(x, k, theta, if (is.null(weight)) 1 else weight)
        expect_near(step$objective, plain$objective, 1e-13)
        expect_near(step$theta, plain$theta, 1e-11)
      }
    }
  }
})

test_that("a component without proportion, and one that cannot have a row, get no share", {
  x <- cbind(c(0, 3, 5, 5), 5)
  step <- core_step(x, "binomial", 3L, c(0.5, 0, 0.5, 0.4, 0.9, 0), options = 0)
  plain <- plain_binomial(x, 2L, c(0.5, 0.5, 0.4, 1e-300), 1)
  expect_near(step$objective, plain$objective, 1e-14)
  expect_identical(step$theta[2L], 0)
  expect_identical(step$theta[6L], 0)
  expect_identical(core_step(x, "binomial", 2L, c(0.5, 0.5, 0, 0), options = 0)$status, 2L)
})

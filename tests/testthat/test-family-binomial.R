binomial_rows <- cbind(
  c(1, 2, 2, 3, 1, 0, 9, 10, 8, 11, 10, 9, 12, 17, 18, 16, 19, 18, 17, 20, 2, 3, 10, 9, 18, 4, 14),
  c(19, 18, 18, 17, 9, 10, 11, 10, 12, 9, 10, 6, 8, 3, 2, 4, 1, 2, 3, 0, 18, 17, 10, 11, 2, 26, 16)
)[c(1, 7, 14, 15, 8, 2:6, 9:13, 16:27), ]

binomial_truth <- list(prop = c(0.3, 0.5, 0.2), prob = c(0.1, 0.5, 0.85))

expect_family(list(
  name = "binomial", family = "binomial", oracle = oracle_binomial, discrete = TRUE,
  x = binomial_rows,
  start = list(prop = c(0.3, 0.3, 0.4), prob = c(0.2, 0.45, 0.8)),
  df = 5,
  held = list(
    list(fixed = list(prop = c(0.2, 0.3, 0.5)), df = 3),
    list(fixed = list(prop = c(0.3, NA, NA)), df = 4),
    list(fixed = list(prob = c(0.1, NA, 0.9)), df = 3),
    list(fixed = list(prob = c(NA, 0.5, NA), prop = c(NA, 0.25, NA)), df = 3)
  ),
  shared = c(prop = 3),
  whole = function(x, w) {
    prob <- sum(w * x[, 1]) / sum(w * x)
    list(parameters = prob, loglik = sum(w * dbinom(x[, 1], rowSums(x), prob, log = TRUE)))
  },
  truth = binomial_truth,
  draw = function(n) {
    s <- rbinom(n, 20, binomial_truth$prob[sample.int(3, n, TRUE, binomial_truth$prop)])
    cbind(s, 20 - s)
  },
  recover = 0.05,
  values = cbind(0:20, 20:0)
))

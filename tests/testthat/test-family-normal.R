# Rounded, so that some rows are equal.
normal_rows <- c(
  4.1, 4.4, 5.0, 5.2, 5.2, 5.9, 6.1, 6.3, 6.3, 7.0, 7.2, 7.9, 8.4, 8.4, 9.3,
  10.2, 10.8, 11.1, 11.4, 11.9, 11.9, 12.0, 12.3, 12.6, 12.6, 12.9, 13.1, 13.8, 14.0, 15.2,
  16.9, 18.0, 18.3, 18.8, 19.1, 19.1, 19.4, 19.9, 20.2, 20.2, 20.7, 21.3, 21.9, 22.6, 24.8
)[c(1, 16, 31, 32, 17, 2, 45:33, 18:30, 3:15)]

normal_truth <- list(prop = c(0.3, 0.5, 0.2), mean = c(-6, 1, 9), sd = c(1, 1.5, 0.7))

expect_family(list(
  name = "normal", family = "normal", oracle = oracle_normal, discrete = FALSE,
  x = normal_rows,
  start = list(prop = c(0.3, 0.3, 0.4), mean = c(6, 12, 20), sd = c(2, 1.5, 2.5)),
  df = 8,
  held = list(
    list(fixed = list(prop = c(0.7, 0.2, 0.1)), df = 6),
    list(fixed = list(prop = c(0.3, NA, NA)), df = 7),
    list(fixed = list(mean = c(6, NA, 20)), df = 6),
    list(fixed = list(sd = c(NA, NA, 1.25)), df = 7),
    list(fixed = list(mean = c(NA, 12.5, NA), sd = c(1, 2, 3), prop = c(NA, 0.25, NA)), df = 3)
  ),
  shared = c(sd = 6, mean = 6, prop = 6),
  whole = function(x, w) {
    mean <- sum(w * x) / sum(w)
    sd <- sqrt(sum(w * (x - mean)^2) / sum(w))
    list(parameters = c(mean, sd), loglik = sum(w * dnorm(x, mean, sd, log = TRUE)))
  },
  truth = normal_truth,
  draw = function(n) {
    j <- sample.int(3, n, TRUE, normal_truth$prop)
    rnorm(n, normal_truth$mean[j], normal_truth$sd[j])
  },
  recover = 0.15,
  values = seq(0, 30, by = 0.01)
))

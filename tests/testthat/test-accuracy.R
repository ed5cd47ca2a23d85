# The log-likelihood that the core sums is right to 1e-14 of itself. The reference is the same sum in pairs of
# doubles (helper-double-double.R), 32 digits; its own error is measured first, against 100-digit arithmetic.

skip_if_not(identical(1 + 2^-53 + 2^-53, 1), "doubles are rounded to 53 bits at each step")

# `hi` + `lo` as hexadecimal text.
pair <- function(hi, lo) list(hi = as.numeric(hi), lo = as.numeric(lo))

# Relative difference of two pairs, in doubles: enough to see its size.
pair_off <- function(a, b) {
  d <- dd_add(a, dd_negative(b))
  abs(d$hi) / pmax(abs(b$hi), 2^-1000)
}

exp_pairs <- read.table(header = TRUE, colClasses = "character", text = "
  x hi lo
  0x0.0p+0 0x1.0000000000000p+0 0x0.0p+0
  -0x1.0000000000000p-60 0x1.0000000000000p+0 -0x1.0000000000000p-60
  -0x1.0624dd2f1a9fcp-10 0x1.ff7cfe56f1a9ep-1 -0x1.1719f90b09522p-55
  -0x1.62e42fead449cp-2 0x1.6a09e669a7145p-1 -0x1.82f625f3abc81p-58
  -0x1.0000000000000p+0 0x1.78b56362cef38p-2 -0x1.ca8a4270fadf5p-57
  -0x1.921f9f01b866ep+1 0x1.62026546050afp-5 -0x1.81ad434659b55p-59
  -0x1.259999999999ap+5 0x1.0998b04bdd190p-53 -0x1.364f7ad633702p-107
  -0x1.edd2f1a9fbe77p+6 0x1.da9fb9e4ee720p-179 -0x1.757c4d9fbcaabp-234
  0x1.0000000000000p-1 0x1.a61298e1e069cp+0 -0x1.b4690082a4906p-55
  0x1.4400000000000p+4 0x1.290d76d1966a9p+29 0x1.7caa464b02a74p-25
")

log_pairs <- read.table(header = TRUE, colClasses = "character", text = "
  x hi lo
  0x1.0000000000000p+0 0x0.0p+0 0x0.0p+0
  0x1.0000000000001p+0 0x1.fffffffffffffp-53 0x1.5555555555554p-158
  0x1.fffffca501acbp-1 -0x1.ad7f2b1049b9fp-24 -0x1.abda442e82e0dp-78
  0x1.8000000000000p+0 0x1.9f323ecbf984cp-2 -0x1.a92e513217f5cp-59
  0x1.0000000000000p+1 0x1.62e42fefa39efp-1 0x1.abc9e3b39803fp-56
  0x1.4000000000000p+3 0x1.26bb1bbb55516p+1 -0x1.f48ad494ea3e9p-53
  0x1.b7cdfd9d7bdbbp-34 -0x1.7069e2aa2aa5bp+4 0x1.f0b709e89338fp-52
  0x1.3333333333333p-2 -0x1.34378fcbda721p+0 0x1.9c1404e27f13dp-54
  0x1.249ad2594c37dp+332 0x1.cc845b54b54f2p+7 -0x1.8d863e84d85c7p-47
  0x1.56ebfd2a518b7p-662 -0x1.ca923429d2297p+8 -0x1.1369a9d83523cp-46
  0x1.8000000000000p+1 0x1.193ea7aad030bp+0 -0x1.a256f99caabebp-54
  0x1.5555555555555p-2 -0x1.193ea7aad030bp+0 0x1.44adf339557d6p-55
")

test_that("the reference's exp, log and log-likelihoods have 30 digits", {
  made <- dd_exp(dd(as.numeric(exp_pairs$x)))
  expect_lt(max(pair_off(made, pair(exp_pairs$hi, exp_pairs$lo))), 1e-30)
  made <- dd_log(dd(as.numeric(log_pairs$x)))
  true <- pair(log_pairs$hi, log_pairs$lo)
  # Near 1 the log is small, and its error is that of 1.
  expect_lt(max(pair_off(made, true) * pmin(abs(true$hi), 1)), 1e-30)
  # mpmath 1.3.0 with 400 bits, as the pairs above.
  i <- 1:60
  x <- ((i * i) %% 97 - 48) / 8
  normal <- dd_loglik_normal(x, list(prop = c(0.25, 0.75), mean = c(-2.1, 1.3), sd = c(0.7, 2.2)))
  expect_lt(pair_off(normal, pair("-0x1.8f2e0b3ce0afbp+7", "0x1.465570e4bc625p-48")), 1e-30)
  normal <- dd_loglik_normal(x, list(prop = c(0.5, 0.5), mean = c(-0.2, 0.1), sd = c(0.1, 0.3)))
  expect_lt(pair_off(normal, pair("-0x1.2c36dca28f324p+12", "-0x1.c6bd341b5d26dp-42")), 1e-30)
  tosses <- cbind((i * i) %% 23, (i * i * i) %% 19)
  binomial <- dd_loglik_binomial(tosses, list(prop = c(0.25, 0.75), prob = c(0.3, 0.85)))
  expect_lt(pair_off(binomial, pair("-0x1.c0425fcb5333cp+7", "0x1.392262169307ap-47")), 1e-30)
  binomial <- dd_loglik_binomial(tosses, list(prop = c(0.5, 0.5), prob = c(1e-3, 0.99)))
  expect_lt(pair_off(binomial, pair("-0x1.54e4fc4a51bb2p+10", "-0x1.412d6174d4ffcp-45")), 1e-30)
})

# What emix() says of a start, rows as they are and condensed.
expect_accurate <- function(x, parameters, weights = NULL, family = "normal", within = 1e-14) {
  reference <- if (family == "normal") dd_loglik_normal else dd_loglik_binomial
  true <- reference(x, parameters, weights)
  for (condense in c("none", "auto")) {
    control <- em_control(max_iter = 0, condense = condense)
    fit <- emix(x, k = length(parameters$prop), family = family, weights = weights, start = parameters, control = control)
    expect_lt(pair_off(dd(fit$loglik), true), within)
  }
}

test_that("normal: moderately and widely separated, 10 to 200,000 rows", {
  skip_on_cran() # takes long
  set.seed(1)
  for (n in c(10, 257, 3000, 2e5)) {
    x <- c(rnorm(n / 2), rnorm(n / 2, 3, 2))
    expect_accurate(x, list(prop = c(0.5, 0.5), mean = c(0, 3), sd = c(1, 2)))
    x <- c(rnorm(n / 2), rnorm(n / 2, 1000, 10))
    expect_accurate(x, list(prop = c(0.25, 0.75), mean = c(0.1, 1000.3), sd = c(1.1, 9.7)))
  }
  x <- rnorm(20000, sample(c(-20, 0, 3, 50), 20000, TRUE), 1.7)
  expect_accurate(x, list(prop = c(1, 2, 1, 4) / 8, mean = c(-20, 0.3, 2.7, 50.1), sd = c(1, 1.7, 2.3, 1.9)))
  expect_accurate(x, list(prop = c(1, 2, 1, 4) / 8, mean = c(-20, 0.3, 2.7, 50.1), sd = c(1, 1.7, 2.3, 1.9)), rexp(20000))
})

test_that("normal: far from zero, in extreme units, and 30 sds out", {
  set.seed(2)
  for (n in c(10, 1e4)) {
    x <- c(rnorm(n / 2), rnorm(n / 2, 3, 2))
    far <- 1e12 + x
    expect_accurate(far, list(prop = c(0.5, 0.5), mean = 1e12 + c(0, 3), sd = c(1, 2)))
    expect_accurate(-far, list(prop = c(0.5, 0.5), mean = -1e12 + c(0.25, -2.9), sd = c(0.9, 2)))
    for (unit in c(1e-150, 1e-7, 1e150)) {
      expect_accurate(x * unit, list(prop = c(0.5, 0.5), mean = c(0, 3) * unit, sd = c(1, 2) * unit))
    }
    # Some rows, and all rows.
    expect_accurate(c(x, -30, 30, 63, 35.5), list(prop = c(0.5, 0.5), mean = c(0, 3), sd = c(1, 2)))
    expect_accurate(x, list(prop = c(0.25, 0.75), mean = c(-30, 40), sd = c(1, 1)))
    expect_accurate(x + 1000, list(prop = c(0.25, 0.75), mean = c(-30, 40), sd = c(1, 3)))
  }
})

test_that("binomial: moderately and widely separated, 10 to 200,000 rows", {
  skip_on_cran() # takes long
  set.seed(3)
  for (n in c(10, 257, 3000, 2e5)) {
    size <- sample(10:50, n, TRUE)
    for (prob in list(c(0.4, 0.6), c(0.01, 0.9), c(1e-3, 0.999))) {
      heads <- rbinom(n, size, prob[1 + (seq_len(n) > n / 2)])
      expect_accurate(cbind(heads, size - heads), list(prop = c(0.25, 0.75), prob = prob), family = "binomial")
    }
  }
  size <- sample(1e4, 1000, TRUE)
  heads <- rbinom(1000, size, c(0.2, 0.21, 0.7))
  expect_accurate(cbind(heads, size - heads), list(prop = c(0.25, 0.5, 0.25), prob = c(0.2, 0.215, 0.7)), family = "binomial")
  expect_accurate(cbind(heads, size - heads), list(prop = c(0.25, 0.5, 0.25), prob = c(0.2, 0.215, 0.7)), rexp(1000), "binomial")
})

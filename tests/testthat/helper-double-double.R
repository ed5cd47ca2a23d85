# Arithmetic in pairs of doubles, hi + lo with |lo| <= half a unit in the last place of hi: 32 digits, for
# references. Vectors throughout, or one vector and one pair. Sums and products of two doubles are exact as pairs (Dekker 1971;
# Knuth, TAOCP 2, 4.2.2), the rest is rounded in about the 31st digit.

dd <- function(hi, lo = 0) list(hi = hi, lo = lo + 0 * hi)

# a + b, exactly.
two_sum <- function(a, b) {
  s <- a + b
  v <- s - a
  list(hi = s, lo = (a - (s - v)) + (b - v))
}

# The same where |a| >= |b|, or a = 0.
quick_sum <- function(a, b) {
  s <- a + b
  list(hi = s, lo = b - (s - a))
}

# a * b, exactly: each factor in two halves of 26 bits.
two_product <- function(a, b) {
  halves <- function(x) {
    t <- 134217729 * x
    high <- t - (t - x)
    list(high = high, low = x - high)
  }
  p <- a * b
  a <- halves(a)
  b <- halves(b)
  list(hi = p, lo = ((a$high * b$high - p) + a$high * b$low + a$low * b$high) + a$low * b$low)
}

dd_add <- function(a, b) {
  s <- two_sum(a$hi, b$hi)
  t <- two_sum(a$lo, b$lo)
  s <- quick_sum(s$hi, s$lo + t$hi)
  quick_sum(s$hi, s$lo + t$lo)
}

dd_negative <- function(a) list(hi = -a$hi, lo = -a$lo)

dd_multiply <- function(a, b) {
  p <- two_product(a$hi, b$hi)
  quick_sum(p$hi, p$lo + (a$hi * b$lo + a$lo * b$hi))
}

# Times a power of two.
dd_scale <- function(a, power) list(hi = a$hi * power, lo = a$lo * power)

dd_divide <- function(a, b) {
  q <- dd(a$hi / b$hi)
  for (turn in 1:2) {
    rest <- dd_add(a, dd_negative(dd_multiply(q, b)))
    q <- dd_add(q, dd(rest$hi / b$hi))
  }
  q
}

# Halves are added to each other until one is left.
dd_sum <- function(a) {
  while ((n <- length(a$hi)) > 1L) {
    if (n %% 2L) {
      a <- lapply(a, c, 0)
      n <- n + 1L
    }
    first <- seq_len(n / 2)
    a <- dd_add(lapply(a, `[`, first), lapply(a, `[`, -first))
  }
  a
}

dd_pick <- function(yes, a, b) list(hi = ifelse(yes, a$hi, b$hi), lo = ifelse(yes, a$lo, b$lo))

dd_log_2 <- list(hi = 0x1.62e42fefa39efp-1, lo = 0x1.abc9e3b39803fp-56)

# exp(a) = 2^n exp(r): exp(r / 512) - 1 by its series, and nine times (1 + s)^2 - 1 = 2 s + s^2. Below -700 it is 0.
dd_exp <- function(a) {
  small <- a$hi < -700
  a <- dd_pick(small, dd(0 * a$hi), a)
  n <- round(a$hi / dd_log_2$hi)
  r <- dd_scale(dd_add(a, dd_negative(dd_multiply(dd(n), dd_log_2))), 2^-9)
  s <- dd(0 * n)
  for (degree in 8:1) s <- dd_multiply(dd_multiply(r, dd_add(dd(1), s)), dd_divide(dd(1), dd(degree)))
  for (turn in 1:9) s <- dd_add(dd_scale(s, 2), dd_multiply(s, s))
  e <- dd_add(dd(1), s)
  # In two steps: 2^n alone may be beyond doubles.
  e <- dd_scale(dd_scale(e, 2^(n %/% 2)), 2^(n - n %/% 2))
  dd_pick(small, dd(0 * n), e)
}

# log(a) = y + log(a exp(-y)) with y = log(hi), where the second is log(1 + t), t of the order of 1e-16 y.
dd_log <- function(a) {
  power <- floor(log2(a$hi))
  a <- dd_scale(dd_scale(a, 2^-(power %/% 2)), 2^-(power - power %/% 2))
  y <- log(a$hi)
  t <- dd_add(dd_multiply(a, dd_exp(dd(-y))), dd(-1))
  t <- dd_add(t, dd_scale(dd_multiply(t, t), -0.5))
  dd_add(dd_multiply(dd(power), dd_log_2), dd_add(dd(y), t))
}

# The log of each row's sum of exponentials; `logs` is a list of a pair per component.
dd_log_sum_exp <- function(logs) {
  top <- Reduce(function(a, b) dd_pick(a$hi > b$hi, a, b), logs)
  each <- lapply(logs, function(a) dd_exp(dd_add(a, dd_negative(top))))
  dd_add(top, dd_log(Reduce(dd_add, each)))
}

# ---- log-likelihoods, of doubles x and parameters as they are

dd_loglik <- function(log_density, prop, weights) {
  logs <- Map(function(a, p) dd_add(a, dd_log(dd(p))), log_density, prop)
  each <- dd_log_sum_exp(logs)
  if (!is.null(weights)) each <- dd_multiply(each, dd(weights))
  dd_sum(each)
}

dd_loglik_normal <- function(x, parameters, weights = NULL) {
  # log(2 pi) / 2
  half_log <- list(hi = 0x1.d67f1c864beb5p-1, lo = -0x1.65b5a1b7ff5dfp-55)
  log_density <- Map(function(mean, sd) {
    z <- dd_multiply(two_sum(x, -mean), dd_divide(dd(1), dd(sd)))
    dd_negative(dd_add(dd_scale(dd_multiply(z, z), 0.5), dd_add(dd_log(dd(sd)), half_log)))
  }, parameters$mean, parameters$sd)
  dd_loglik(log_density, parameters$prop, weights)
}

# x: successes and failures. log m! is the sum of the logs of 1 .. m.
dd_loglik_binomial <- function(x, parameters, weights = NULL) {
  most <- max(rowSums(x))
  log_factorial <- list(hi = numeric(most + 1), lo = numeric(most + 1))
  logs <- dd_log(dd(seq_len(max(most, 1)) + 0))
  so_far <- dd(0)
  for (m in seq_len(most)) {
    so_far <- dd_add(so_far, lapply(logs, `[`, m))
    log_factorial$hi[m + 1] <- so_far$hi
    log_factorial$lo[m + 1] <- so_far$lo
  }
  at <- function(m) lapply(log_factorial, `[`, m + 1)
  ways <- dd_add(at(x[, 1] + x[, 2]), dd_negative(dd_add(at(x[, 1]), at(x[, 2]))))
  log_density <- lapply(parameters$prob, function(p) {
    heads <- dd_multiply(dd(x[, 1]), dd_log(dd(p)))
    tails <- dd_multiply(dd(x[, 2]), dd_log(two_sum(1, -p)))
    dd_add(ways, dd_add(heads, tails))
  })
  dd_loglik(log_density, parameters$prop, weights)
}

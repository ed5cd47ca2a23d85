# Inner parts of the C core, each against slow and plain R.

softmax <- function(a) .Call(emix:::C_hook_softmax, a)
deviance_part <- function(x, m) .Call(emix:::C_hook_deviance_part, x, m)
parallel <- function(threads, tasks) .Call(emix:::C_hook_parallel, threads, tasks)
dot <- function(a, b) .Call(emix:::C_hook_dot, a, b)
smallest_eigen <- function(a) .Call(emix:::C_hook_smallest_eigen, a)

test_that("softmax: shares and the log of the sum", {
  set.seed(50)
  for (k in c(1, 2, 3, 7, 100)) {
    for (rows in c(1, 2, 255, 256)) {
      a <- matrix(rnorm(rows * k, sd = 3), rows)
      out <- softmax(a)
      sum <- rowSums(exp(a))
      expect_near(out$log_sum, log(sum), 1e-14)
      expect_near(out$share, exp(a) / sum, 1e-14)
      expect_near(rowSums(out$share), rep(1, rows), 1e-14)
    }
  }
})

test_that("softmax: one component has all of it, exactly", {
  a <- matrix(c(-1e5, -3.7, 0, 2.2, 1e300), ncol = 1)
  expect_identical(softmax(a)$share, matrix(1, 5, 1))
  expect_identical(softmax(a)$log_sum, as.vector(a))
})

test_that("softmax: huge arguments neither overflow nor underflow", {
  base <- c(0, -1, 2.5)
  for (shift in c(-1e15, -1e6, -745, 710, 1e6, 1e15)) {
    a <- matrix(base + shift, 1)
    # What the sums rounded to.
    exact <- as.vector(a) - max(a)
    out <- softmax(a)
    expect_near(out$share, exp(exact) / sum(exp(exact)), 1e-15)
    expect_near(out$log_sum, max(a) + log(sum(exp(exact))), 1e-15)
  }
  out <- softmax(rbind(c(0, -1e300), c(-1e300, 0), c(0, -800)))
  expect_identical(out$share, rbind(c(1, 0), c(0, 1), c(1, 0)))
  expect_identical(out$log_sum, c(0, 0, 0))
})

test_that("softmax: -Inf is a share of 0", {
  out <- softmax(rbind(c(-Inf, 0, 1), c(2, -Inf, -Inf)))
  expect_near(out$share[1, ], c(0, 1, exp(1)) / (1 + exp(1)), 1e-15)
  expect_identical(out$share[1, 1], 0)
  expect_identical(out$share[2, ], c(1, 0, 0))
  expect_identical(out$log_sum[2], 2)
})

test_that("softmax: the order of components permutes the shares", {
  set.seed(51)
  a <- matrix(rnorm(40 * 5, sd = 20), 40)
  order <- c(4, 2, 5, 1, 3)
  expect_near(softmax(a[, order])$share, softmax(a)$share[, order], 1e-15)
  expect_near(softmax(a[, order])$log_sum, softmax(a)$log_sum, 1e-15)
})

test_that("softmax: small shares keep their digits", {
  a <- rbind(c(0, -100, -700), c(-700, 0, -1))
  out <- softmax(a)
  log_share <- a - (apply(a, 1, max) + log1p(c(exp(-100), exp(-1))))
  expect_near(log(out$share), log_share, 1e-14)
})

test_that("deviance part: x log(x/m) + m - x, where nothing cancels", {
  x <- c(1, 2, 5, 10, 1e3, 3, 1e-3, 40)
  m <- c(3, 0.5, 50, 1, 1e5, 1e-5, 4, 41)
  expect_near(deviance_part(x, m), x * log(x / m) + m - x, 1e-13)
})

test_that("deviance part: at x = m it is 0, at x = 0 it is m, at m = 0 it is infinite", {
  x <- c(0.1, 1, 7, 1e15)
  expect_identical(deviance_part(x, x), rep(0, 4))
  expect_identical(deviance_part(rep(0, 3), c(0, 2, 1e15)), c(0, 2, 1e15))
  expect_gt(deviance_part(3, 0), 1e299)
})

# x log(x/m) + m - x = x (d^2/2 - d^3/3 + d^4/4 - ...) for m = x / (1 + d); with h = (m - x) / x:
# x (h - log1p(h)).
test_that("deviance part: near x = m every digit is right", {
  for (x in c(1, 1e5, 1e15)) {
    for (h in c(2^-2, 2^-6, 2^-10, 2^-16, 2^-25, -2^-3, -2^-8, -2^-20)) {
      m <- x * (1 + h)
      h <- (m - x) / x
      near <- abs(h) < 2^-12
      exact <- if (near) h^2 * (1 / 2 - h * (1 / 3 - h * (1 / 4 - h / 5))) else h - log1p(h)
      digits <- if (near) 1e-13 else 1e-15 / h^2 + 1e-13
      expect_lt(abs(deviance_part(x, m) / (x * exact) - 1), digits)
    }
  }
})

# x log(x/m) + m - x of these very doubles, in 60 decimal digits (Python's decimal).
test_that("deviance part: high precision values", {
  exact <- c(4.966914683191717e-3, 7.142176943631037930e-8, 4.102151047609217422)
  expect_near(deviance_part(c(100, 7, 3), c(101, 7.001, 11)) / exact, rep(1, 3), 1e-14)
})

test_that("deviance part gives the binomial's log density (Loader 2000)", {
  for (size in c(50, 1e4, 1e8)) {
    s <- round(size * c(0.1, 0.4, 0.5, 0.93))
    for (p in c(0.09, 0.4, 0.51, 0.95)) {
      d <- deviance_part(s, rep(size * p, 4)) + deviance_part(size - s, rep(size * (1 - p), 4))
      direct <- dbinom(s, size, s / size, log = TRUE) - dbinom(s, size, p, log = TRUE)
      expect_near(d, direct, 1e-10)
    }
  }
})

test_that("every task runs exactly once, whatever the number of threads", {
  for (threads in c(1L, 2L, 3L, 8L, 64L)) {
    for (tasks in c(0L, 1L, 2L, 7L, 64L, 1000L)) {
      expect_identical(parallel(threads, tasks), seq_len(tasks))
    }
  }
})

test_that("there is at least one thread", {
  threads <- .Call(emix:::C_emix_threads)
  expect_type(threads, "integer")
  expect_gte(threads, 1)
})

test_that("dot: sums of products, and of values alone", {
  set.seed(52)
  for (n in c(0, 1, 2, 3, 4, 5, 7, 8, 255, 256)) {
    a <- rnorm(n)
    b <- rnorm(n)
    expect_near(dot(a, b), sum(a * b), 1e-13)
    expect_near(dot(a, NULL), sum(a), 1e-13)
  }
  whole <- as.double(1:200)
  expect_identical(dot(whole, whole), sum(whole^2))
  expect_identical(dot(c(1e300, 1, -1e300), c(1, 0, 1)), 0)
})

test_that("hooks refuse what they cannot read", {
  expect_error(softmax(1:3))
  expect_error(softmax(c(1, 2)))
  expect_error(softmax(matrix(0, 257, 2)))
  expect_error(softmax(matrix(0, 0, 2)))
  expect_error(softmax(matrix(0, 2, 0)))
  expect_error(softmax(matrix(1:4, 2)))
  expect_error(deviance_part(1, c(1, 2)))
  expect_error(deviance_part(1L, 1))
  for (bad in list(0L, -1L, 65L, 2, NULL, c(1L, 2L), NA_integer_)) expect_error(parallel(bad, 3L))
  for (bad in list(-1L, 1000001L, 2, NULL, c(1L, 2L), NA_integer_)) expect_error(parallel(1L, bad))
  expect_error(dot(1:3, NULL))
  expect_error(dot(c(1, 2), 1))
  expect_error(dot(numeric(257), NULL))
})

test_that("the smallest eigenvalue and its vector", {
  expect_eigen <- function(a) {
    found <- smallest_eigen(a)
    size <- max(abs(a))
    values <- eigen(a, symmetric = TRUE, only.values = TRUE)$values
    expect_near(found$value / size, min(values) / size, 1e-13)
    expect_near(sum(found$vector^2), 1, 1e-13)
    expect_near(max(abs(a %*% found$vector - found$value * found$vector)) / size, 0, 1e-13)
  }
  set.seed(52)
  for (n in c(1, 2, 3, 5, 12, 40)) {
    a <- crossprod(matrix(rnorm(n^2), n))
    expect_eigen(a)
    expect_eigen(-a)
    expect_eigen(a * 1e-100)
    expect_eigen(diag(seq_len(n), n) - 2)
    expect_eigen(diag(n))
    if (n > 2) expect_eigen(crossprod(a[-1, ])) # singular
    # Two least eigenvalues next to each other, and entries of all sizes.
    q <- qr.Q(qr(a))
    expect_eigen(local({
      b <- q %*% (c(-1, -1 + 1e-12, seq_len(n))[seq_len(n)] * t(q))
      (b + t(b)) / 2
    }))
    expect_eigen(a * outer(10^-seq_len(n), 10^-seq_len(n)))
  }
  expect_identical(smallest_eigen(matrix(0, 4, 4))$value, 0)
  expect_error(smallest_eigen(matrix(0, 2, 3)), "square")
})

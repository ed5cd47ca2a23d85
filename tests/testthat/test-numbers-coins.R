# The two coins of Do & Batzoglou (2008), Nature Biotechnology 26, 897-899, figure 1. The figure
# prints two digits; the others were computed independently of this package, in double precision.

half <- function(start = c(A = 0.6, B = 0.5), ...) {
  emix(cbind(heads, tails) ~ 1, data = coins, k = 2, family = "binomial", equal = "prop",
    start = list(prob = start), ...)
}

half_steps <- function(iterations, ...) {
  withCallingHandlers(
    half(control = em_control(max_iter = iterations, tol = 1e-15, accelerate = FALSE,
      trace = TRUE), ...),
    emix_warning_iterations = function(w) invokeRestart("muffleWarning")
  )
}

# it, theta_A, theta_B, l, lower bound after the M-step at the posteriors of the line before
iterates <- matrix(ncol = 5, byrow = TRUE, data = c(
  0, 0.6000000000, 0.5000000000, -11.3205865761, NA,
  1, 0.7130122354, 0.5813393083, -10.0859820045, -10.2239483012,
  2, 0.7452920361, 0.5692557502, -9.9498401356, -10.0115284191,
  3, 0.7680988344, 0.5495359141, -9.8545514181, -9.8949586658,
  4, 0.7831645843, 0.5346174541, -9.8116708989, -9.8271110883,
  5, 0.7910552459, 0.5262811670, -9.7997816972, -9.8035465270,
  10, 0.7967441495, 0.5196586622, -9.7969245597, -9.7969249761,
  20, 0.7967890650, 0.5195831291, -9.7969242922, -9.7969242922
))

test_that("coins known: count and divide", {
  fit <- emix(cbind(heads, tails) ~ 1, data = coins, family = "binomial", labels = coin)
  expect_near(fit$parameters$prob, c(24 / 30, 9 / 20), 1e-14)
  expect_near(fit$parameters$prop, c(3 / 5, 2 / 5), 1e-14)
  expect_identical(fit$components, c("A", "B"))
  expect_identical(as.character(predict(fit, type = "class")), as.character(coins$coin))
})

test_that("coins hidden: the first E-step shares out as in the figure", {
  fit <- half_steps(0)
  p <- predict(fit)
  expect_near(p[, "A"], c(0.449149, 0.804986, 0.733467, 0.352156, 0.647215), 5e-7)
  expect_near(p[, "A"] * coins$heads, c(2.245745, 7.244870, 5.867737, 1.408625, 4.530506), 5e-7)
  expect_near(p[, "A"] * coins$tails, c(2.245745, 0.804986, 1.466934, 2.112937, 1.941645), 5e-7)
  expect_near(crossprod(p, coin_tosses), c(21.297482, 11.702518, 8.572247, 8.427753), 5e-7)
  expect_identical(unname(fit$parameters$prob), c(0.6, 0.5))
  expect_equal(fit$iterations, 0)
})

test_that("coins hidden: the core's sums of the first E-step are the expected counts", {
  rows <- cbind(coins$heads, coins$heads + coins$tails) + 0
  data <- list(x = rows, columns = 2L, factor = c(1, 1), shift = c(0, 0), weight = NULL,
    label = NULL)
  model <- list(family = "binomial", latent = "mix", k = 2L, equal = 0L, held = c(1L, 1L, 0L, 0L),
    options = 0, prior_rows = NULL, prior_family = NULL, hard = FALSE)
  step <- .Call(emix:::C_emix_step, data, model, 1L, c(0.5, 0.5, 0.6, 0.5))
  # objective, mass of A and B, then heads and tosses of A, of B
  counts <- c(21.297482, 21.297482 + 8.572247, 11.702518, 11.702518 + 8.427753)
  expect_near(step$sums[-(1:3)], counts, 5e-7)
  expect_near(step$sums[2:3], c(2.986973, 2.013027), 1e-6)
  # without the binomial coefficients, whose logs sum to 21.773276
  expect_near(step$objective, -11.3205865761 - 21.773276, 1e-6)
  expect_near(step$theta, c(0.5, 0.5, 0.7130122354, 0.5813393083), 1e-9)
  expect_equal(step$status, 0)
})

test_that("coins hidden: every iterate of the table", {
  trace <- half_steps(20)$trace
  expect_identical(names(trace),
    c("iteration", "kind", "loglik", "prop.A", "prop.B", "prob.A", "prob.B"))
  expect_identical(as.character(trace$kind), rep(c("start", "EM"), c(1, 20)))
  at <- trace[match(iterates[, 1], trace$iteration), ]
  expect_near(at$prob.A, iterates[, 2], 1e-9)
  expect_near(at$prob.B, iterates[, 3], 1e-9)
  expect_near(at$loglik, iterates[, 4], 1e-10)
  expect_identical(trace$prop.A, rep(0.5, 21))
})

test_that("coins hidden: the lower bound touches, is pushed up, and stays below", {
  for (row in 2:nrow(iterates)) {
    before <- half_steps(iterates[row, 1] - 1)
    after <- half_steps(iterates[row, 1])
    q <- predict(before)
    bound <- function(fit) {
      sum(q * oracle_joint(coin_tosses, fit$parameters, oracle_binomial)) - sum(q * log(q))
    }
    expect_near(bound(before), before$loglik, 1e-12)
    expect_near(bound(after), iterates[row, 5], 1e-9)
    expect_lte(bound(after), after$loglik + 1e-12)
  }
})

test_that("coins hidden: the limit with proportions held at 1/2", {
  held <- list(half(), half(start = c(0.9, 0.1)),
    emix(coin_tosses, k = 2, family = "binomial", fixed = list(prop = c(0.5, 0.5)),
      start = list(prob = c(0.6, 0.5))))
  for (fit in held) {
    expect_true(fit$converged)
    expect_near(fit$parameters$prob, c(0.796789066923, 0.519583120145), 1e-9)
    expect_near(fit$loglik, -9.796924292, 1e-9)
    expect_equal(fit$df, 2)
    expect_near(predict(fit)[, 1],
      c(0.10300871, 0.95201348, 0.84549373, 0.03070315, 0.60149860), 1e-8)
  }
})

test_that("coins hidden: default starts end at the same limit, numbered by probability", {
  fit <- emix(coin_tosses, k = 2, family = "binomial", equal = "prop")
  expect_near(fit$parameters$prob, c(0.519583120145, 0.796789066923), 1e-9)
  expect_near(fit$loglik, -9.796924292, 1e-9)
  expect_equal(fit$df, 2)
})

test_that("coins hidden: free proportions", {
  posterior <- c(0.11763714, 0.95865821, 0.86459559, 0.03541155, 0.63745409)
  start <- list(prob = c(A = 0.6, B = 0.5))
  fit <- emix(coin_tosses, k = 2, family = "binomial", start = start)
  expect_near(fit$parameters$prop, c(0.522751316897, 1 - 0.522751316897), 1e-9)
  expect_near(fit$parameters$prob, c(0.793367649613, 0.513916591214), 1e-9)
  expect_near(fit$loglik, -9.7954189562, 1e-9)
  expect_near(predict(fit)[, "A"], posterior, 1e-8)
  expect_equal(fit$df, 3)
  expect_near(AIC(fit), 25.591, 5e-4)
  expect_near(BIC(fit), 24.419, 5e-4)
  expect_equal(nobs(fit), 5)

  anew <- emix(coin_tosses, k = 2, family = "binomial")
  expect_near(anew$parameters$prob, c(0.513916591214, 0.793367649613), 1e-9)
  expect_near(predict(anew)[, 2], posterior, 1e-8)
})

test_that("one coin", {
  one <- emix(coin_tosses, k = 1, family = "binomial")
  two <- emix(coin_tosses, k = 2, family = "binomial")
  expect_near(one$parameters$prob, 0.66, 1e-14)
  expect_near(one$loglik, -10.278498, 5e-7)
  expect_near(2 * (two$loglik - one$loglik), 0.966158, 1e-6)
  expect_near(c(AIC(one), BIC(one)), c(22.557, 22.166), 5e-4)
  expect_equal(one$df, 1)
})

test_that("the saddle of equal coins is left, with a word", {
  expect_warning(fit <- half(start = c(0.66, 0.66)), class = "emix_warning_start")
  expect_near(sort(fit$parameters$prob), c(0.519583120145, 0.796789066923), 1e-9)
  expect_near(fit$loglik, -9.796924292, 1e-9)
  expect_warning(
    free <- emix(coin_tosses, k = 2, family = "binomial", start = list(prob = c(0.66, 0.66))),
    class = "emix_warning_start"
  )
  expect_near(free$loglik, -9.7954189562, 1e-9)
})

test_that("the coins are those of the paper", {
  expect_identical(coins$round, 1:5)
  expect_identical(coins$tosses,
    c("HTTTHHTHTH", "HHHHTHHHHH", "HTHHHHHTHH", "HTHTTTHHTT", "THHHTHHHTH"))
  expect_identical(coins$heads, c(5L, 9L, 8L, 4L, 7L))
  expect_identical(coins$tails, 10L - coins$heads)
  expect_identical(coins$coin, factor(c("B", "A", "A", "B", "A")))
})

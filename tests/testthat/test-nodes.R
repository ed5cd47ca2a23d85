# Continuous rows as weighted nodes: what is a sum over the rows is the same sum over the nodes, and a
# fit on nodes is the fit on rows. The theory is in vignette("speed") and src/nodes.c.

most <- 12L # nodes per bin, and degree from which polynomials are no longer exact

column <- function(x, weight = NULL, ...) {
  utils::modifyList(list(x = x, columns = 1L, factor = 1, shift = 0, weight = weight, label = NULL), list(...),
    keep.null = TRUE)
}

# `bins` equal bins of `each` cells over the range of x.
even_grid <- function(x, bins = 8L, each = 4L) {
  cells <- bins * each
  list(low = min(x), per_cell = cells / diff(range(x)), cells = cells, start = as.integer(each * (seq_len(bins) - 1L)))
}

nodes_of <- function(data, grid) .Call(emix:::C_emix_nodes, data, grid)

thinned <- function(data, low, high, most) .Call(emix:::C_emix_thin, data, list(low = low, high = high, most = most))

# The difference of two sums in units of the sum of the terms' sizes.
off <- function(f, x, w, nodes) {
  abs(sum(w * f(x)) - sum(nodes$weight * f(nodes$x))) / sum(w * abs(f(x)))
}

# What the package itself makes of a sample at given parameters.
condense_at <- function(x, parameters, weights = NULL) {
  rows <- emix:::core_rows(emix:::collect_rows(x, mix_normal(), weights, NULL, stats::na.fail), "none")
  k <- length(parameters$mean)
  spec <- emix:::make_spec(emix:::family_of("normal"), k, NULL, NULL, NULL)
  affine <- emix:::normal_affine(rows$about)
  problem <- emix:::new_problem(rows, spec, affine, em_control(threads = 1))
  theta <- emix:::pack_starts(lapply(parameters, as.matrix), spec, affine)
  list(rows = rows, problem = problem, theta = theta, nodes = emix:::node_problem(rows, problem, theta))
}

# Log-likelihood and sums of posterior times 1, x, x^2, with the scale of rounding of each.
sums_over <- function(problem, theta) {
  data <- problem$data
  at <- .Call(emix:::C_emix_evaluate, data, problem$model, 1L, theta, 3L)
  x <- data$x * data$factor - data$shift
  w <- if (is.null(data$weight)) rep(1, length(x)) else data$weight
  p <- matrix(at$posterior, length(x)) * w
  list(loglik = sum(w * at$log_density), sums = crossprod(p, cbind(1, x, x^2)))
}

expect_same_sums <- function(made, within = 1e-9) {
  expect_false(is.null(made$nodes))
  expect_lt(length(made$nodes$data$x), made$rows$n / 2)
  rows <- sums_over(made$problem, made$theta)
  nodes <- sums_over(made$nodes, made$theta)
  expect_equal(nodes$loglik / rows$loglik, 1, tolerance = within)
  size <- abs(rows$sums)
  size[, 2] <- pmax(size[, 2], sqrt(size[, 1] * size[, 3]))
  expect_lt(max(abs(nodes$sums - rows$sums) / size), within)
}

# Fits with and without nodes, from one seed or start, have the same numbers.
expect_same_fit <- function(x, k, ..., within = 1e-9) {
  force(list(x, ...)) # drawn before the seed is set
  fit <- function(condense) {
    set.seed(7)
    suppressWarnings(emix(x, k = k, ..., control = em_control(condense = condense, progress = FALSE)),
      classes = "emix_warning_spurious")
  }
  nodes <- fit("auto")
  rows <- fit("none")
  a <- nodes$parameters
  b <- rows$parameters
  expect_lt(max(abs(a$prop - b$prop)), within)
  expect_lt(max(abs(a$mean - b$mean) / b$sd), within)
  expect_lt(max(abs(a$sd / b$sd - 1)), within)
  expect_equal(nodes$loglik, rows$loglik, tolerance = 1e-12)
  expect_identical(nodes$converged, rows$converged)
  expect_identical(nodes$convergence[c("flat", "boundary", "spurious")], rows$convergence[c("flat", "boundary", "spurious")])
  invisible(nodes)
}

# ---- the nodes themselves

test_that("polynomials of degree below 12 have the same sums, to rounding", {
  set.seed(1)
  x <- c(rnorm(3000), rexp(3000))
  for (w in list(rep(1, 6000), runif(6000), 10^runif(6000, -8, 8))) {
    grid <- even_grid(x, bins = 4L)
    nodes <- nodes_of(column(x, w), grid)
    centre <- mean(range(x))
    power <- function(degree) function(v) ((v - centre) / diff(range(x)) * 2)^degree
    for (degree in 0:11) expect_lt(off(power(degree), x, w, nodes), 1e-13)
    # Of a high degree they have not, in one bin.
    expect_gt(off(power(40), x, w, nodes_of(column(x, w), even_grid(x, 1L))), 1e-6)
  }
})

test_that("smooth functions have the same sums where bins are narrow, and the error falls with their width", {
  set.seed(2)
  x <- c(rnorm(2e4), rnorm(2e4, 3, 2))
  log_density <- function(v) log(0.5 * dnorm(v) + 0.5 * dnorm(v, 3, 2))
  normal <- function(v) exp(-v^2 / 2)
  error <- vapply(c(8L, 16L, 32L, 128L), function(bins) {
    nodes <- nodes_of(column(x), even_grid(x, bins))
    c(off(log_density, x, 1, nodes), off(normal, x, 1, nodes))
  }, double(2))
  expect_lt(max(error[, 4]), 1e-13)
  expect_true(all(error[, 2] < error[, 1] / 10))
})

test_that("a bin of up to 12 rows keeps them, values and weights to the bit", {
  set.seed(3)
  grid <- list(low = 0, per_cell = 1, cells = 3L, start = 0:2)
  few <- list(runif(12), 1 + runif(1), 2 + runif(11))
  x <- sample(unlist(few))
  w <- runif(24)
  nodes <- nodes_of(column(x, w), grid)
  expect_length(nodes$x, 24)
  expect_identical(sort(nodes$x), sort(x))
  expect_identical(nodes$weight[order(nodes$x)], w[order(x)])
  # In order of bins.
  expect_identical(floor(nodes$x), rep(c(0, 1, 2), c(12, 1, 11)))
  # The 13th row makes them nodes, at the zeros of T_12; an empty bin has none.
  nodes <- nodes_of(column(c(runif(13), 2.5)), grid)
  expect_length(nodes$x, 13)
  expect_near(nodes$x[1:12], 0.5 + 0.5 * cos(pi * (1:12 - 0.5) / 12), 1e-15)
})

test_that("the total weight stays: counts, fractions, a wide range of weights", {
  set.seed(4)
  x <- rt(20000, 2)
  for (w in list(NULL, rep(3, 20000), runif(20000), runif(20000) / 20000, 10^runif(20000, -12, 12))) {
    nodes <- nodes_of(column(x, w), even_grid(x, 64L))
    total <- if (is.null(w)) 20000 else sum(w)
    expect_lt(abs(sum(nodes$weight) / total - 1), 1e-13)
  }
  # A weight is so many rows.
  three <- nodes_of(column(rep(x[1:500], 3)), even_grid(x[1:500], 4L))
  heavy <- nodes_of(column(x[1:500], rep(3, 500)), even_grid(x[1:500], 4L))
  # A bin of 5 to 12 rows is kept in one and not in the other: the sums are the same.
  for (f in list(function(v) v^0, function(v) v, function(v) v^2)) {
    expect_equal(sum(heavy$weight * f(heavy$x)), sum(three$weight * f(three$x)), tolerance = 1e-12)
  }
})

test_that("rows are located first: factor and shift", {
  x <- seq(1e6, 1e6 + 1, length.out = 1001)
  plain <- nodes_of(column((x - 1e6) * 2), even_grid(c(0, 2)))
  moved <- nodes_of(column(x, factor = 2, shift = 2e6), even_grid(c(0, 2)))
  expect_near(moved$x, plain$x, 1e-9)
  expect_near(moved$weight, plain$weight, 1e-7)
})

test_that("rows beyond the ends of the grid count in its end bins, and do no harm", {
  set.seed(5)
  x <- c(runif(1000), -3, 7, 1e300, -1e300)
  nodes <- nodes_of(column(x), list(low = 0, per_cell = 8, cells = 8L, start = 0:7))
  expect_lte(length(nodes$x), 96)
  expect_equal(sum(thinned(column(x), 0, 1, 100L)$weight), 1004)
})

test_that("a bad grid is an error, never a crash", {
  good <- list(low = 0, per_cell = 8, cells = 8L, start = c(0L, 4L))
  x <- column(runif(100))
  expect_no_error(nodes_of(x, good))
  change <- function(...) utils::modifyList(good, list(...), keep.null = TRUE)
  bad <- list(3, NULL, list(), "grid", change(low = NULL), change(low = NA_real_), change(low = Inf),
    change(low = "a"), change(per_cell = 0), change(per_cell = -1), change(per_cell = NaN), change(per_cell = Inf),
    change(cells = 0L), change(cells = -1L), change(cells = NA_integer_), change(cells = 8), change(cells = 2^30),
    change(cells = .Machine$integer.max), change(start = NULL), change(start = integer()), change(start = c(0, 4)),
    change(start = c(1L, 4L)), change(start = c(0L, 8L)), change(start = c(0L, 4L, 2L)), change(start = c(0L, 4L, 4L)),
    change(start = c(0L, NA)), change(start = NA_integer_), change(start = -1L), change(start = "0"),
    change(start = rep(0L, 20)), change(start = list(0L, 4L)))
  for (grid in bad) expect_error(nodes_of(x, grid), label = paste(deparse(grid), collapse = ""))
  ends <- list(low = 0, high = 1, most = 100L)
  change <- function(...) utils::modifyList(ends, list(...), keep.null = TRUE)
  bad <- list(3, NULL, list(), "ends", change(low = NULL), change(low = NA_real_), change(low = -Inf), change(low = "a"),
    change(low = 1), change(low = 2), change(high = NaN), change(high = Inf), change(high = 5e-324), change(high = 1L),
    change(most = NULL), change(most = 100), change(most = 1L), change(most = NA_integer_), change(most = .Machine$integer.max))
  expect_no_error(.Call(emix:::C_emix_thin, x, ends))
  for (ends in bad) expect_error(.Call(emix:::C_emix_thin, x, ends), label = paste(deparse(ends), collapse = ""))
  # And rows that are none of one column.
  for (data in list(3, list(), column(1:4), column(double()), column(c(1, 2), weight = 1), column(c(1, 2), label = c(0L, 1L)),
    column(c(1, 2), columns = 2L, factor = c(1, 1), shift = c(0, 0)))) {
    expect_error(nodes_of(data, good))
    expect_error(thinned(data, 0, 1, 100L))
  }
})

# ---- the grid

test_that("the grid is fine where the mixture needs it: narrow components", {
  set.seed(6)
  x <- c(rnorm(5e4), rnorm(5e4, 2, 1e-3))
  made <- condense_at(x, list(prop = c(0.5, 0.5), mean = c(0, 2), sd = c(1, 1e-3)))
  expect_same_sums(made)
  # A component far narrower than the first bins, which no node of these sees: 1e-4 of the range.
  x <- c(runif(9e4), rnorm(1e4, 0.4321, 1e-4))
  made <- condense_at(x, list(prop = c(0.9, 0.1), mean = c(0.5, 0.4321), sd = c(0.3, 1e-4)))
  expect_same_sums(made)
})

test_that("the grid is fine where one component hands over to another sharply", {
  set.seed(7)
  x <- c(rnorm(5e4), rnorm(5e4, 1000))
  expect_same_sums(condense_at(x, list(prop = c(0.5, 0.5), mean = c(0, 1000), sd = c(1, 1))))
  x <- c(rnorm(5e4), rnorm(5e4, 1000, 100))
  expect_same_sums(condense_at(x, list(prop = c(0.5, 0.5), mean = c(0, 1000), sd = c(1, 100))))
  # Components that are wrong by far hand over among the rows.
  x <- rnorm(1e5)
  expect_same_sums(condense_at(x, list(prop = c(0.5, 0.5), mean = c(-20, 20), sd = c(1, 1))))
})

test_that("weights, a heavy tail, a large shift and extreme units", {
  set.seed(8)
  x <- rt(1e5, 3)
  at <- list(prop = c(0.8, 0.2), mean = c(0, 0.1), sd = c(1, 4))
  expect_same_sums(condense_at(x, at))
  expect_same_sums(condense_at(x, at, weights = runif(1e5)))
  expect_same_sums(condense_at(x, at, weights = runif(1e5) / 1e5))
  expect_same_sums(condense_at(x + 1e12, list(prop = at$prop, mean = at$mean + 1e12, sd = at$sd)))
  expect_same_sums(condense_at(x * 1e-150, list(prop = at$prop, mean = at$mean * 1e-150, sd = at$sd * 1e-150)))
})

# ---- fits

test_that("plain mixtures: with nodes and without, to 1e-9 in every parameter", {
  set.seed(9)
  x <- c(rnorm(3e4), rnorm(2e4, 3, 2), rnorm(1e4, 9, 0.5))
  for (k in 2:5) expect_same_fit(x, k, start = list(mean = stats::quantile(x, (seq_len(k) - 0.5) / k, names = FALSE)))
  expect_same_fit(x, 3)
  expect_same_fit(x, 3, equal = "sd")
  expect_same_fit(x, 3, equal = "prop")
  expect_same_fit(x, 3, fixed = list(mean = c(0, NA, 9)))
  expect_same_fit(x, 3, fixed = list(prop = c(0.5, 1 / 3, 1 / 6)), start = list(mean = c(0, 3, 9)))
  expect_same_fit(x, 3, prior = "default")
  expect_same_fit(x, 3, prior = em_prior(prop = 5))
  expect_same_fit(x, 2, weights = runif(6e4))
  expect_same_fit(x, 2, weights = runif(6e4) / 3e4)
})

test_that("narrow components, heavy and long tails, clusters far apart", {
  set.seed(10)
  n <- 6e4
  expect_same_fit(c(runif(0.9 * n), rnorm(0.1 * n, 0.5, 1e-4)), 2)
  expect_same_fit(c(rnorm(0.9 * n), rnorm(0.1 * n, 1, 1e-3)), 2)
  for (k in 2:3) expect_same_fit(rt(n, 2), k)
  expect_same_fit(rcauchy(n), 2)
  expect_same_fit(rlnorm(n), 3)
  expect_same_fit(runif(n), 2)
  expect_same_fit(c(rnorm(n / 2), rnorm(n / 2, 1000)), 2)
  expect_same_fit(c(rnorm(n / 3), rnorm(n / 3, 50), rnorm(n / 3, 1e4)), 3)
})

test_that("units and offsets, ties, outliers", {
  set.seed(11)
  x <- c(rnorm(3e4), rnorm(3e4, 3, 2))
  for (scale in c(1e-150, 1e150)) expect_same_fit(x * scale, 2)
  expect_same_fit(x + 1e12, 2)
  expect_same_fit(c(round(x[1:3e4], 1), x[3e4 + 1:3e4]), 2)
  expect_same_fit(round(x, 3), 2)
  expect_same_fit(c(x, 1e4 * rnorm(100)), 3)
})

test_that("few rows and just above the switch: nothing but rounding changes", {
  set.seed(12)
  x <- c(rnorm(6e4), rnorm(6e4, 3, 2))[sample(1.2e5)]
  for (n in c(1e3, 49999, 50000, 50001)) expect_same_fit(x[seq_len(n)], 2)
})

test_that("a million rows", {
  set.seed(13)
  x <- c(rnorm(4e5), rnorm(4e5, 3, 2), rnorm(2e5, 3, 0.01))
  expect_same_fit(x, 3, start = list(mean = c(0, 3, 3), sd = c(1, 2, 0.1)))
})

test_that("what nodes cannot give is worked out on rows: the same bits", {
  set.seed(14)
  x <- c(rnorm(3e4), rnorm(3e4, 3, 2))
  same <- function(..., max_iter = 30) {
    fit <- function(condense) {
      settings <- em_control(condense = condense, max_iter = max_iter, ...)
      suppressWarnings(emix(x, k = 2, start = list(mean = c(0, 3)), control = settings), classes = "emix_warning_iterations")
    }
    alike <- function(fit) fit[setdiff(names(fit), c("call", "arguments"))]
    expect_identical(alike(fit("auto")), alike(fit("none")))
  }
  same(accelerate = FALSE)
  same(trace = TRUE)
  same(estep = "hard")
  same(estep = "hard", trace = TRUE)
  labels <- rep(NA, 6e4)
  labels[c(1, 3e4 + 1)] <- 1:2
  fit <- function(condense) emix(x, k = 2, labels = labels, control = em_control(condense = condense))[c("parameters", "loglik", "starts")]
  set.seed(1)
  auto <- fit("auto")
  set.seed(1)
  expect_identical(auto, fit("none"))
})

test_that("the log-likelihood, posterior and prediction are of the rows, not of the nodes", {
  set.seed(15)
  x <- c(rnorm(4e4), rnorm(4e4, 3, 2))
  fit <- emix(x, k = 2)
  p <- fit$parameters
  expect_equal(fit$loglik, sum(log(p$prop[1] * dnorm(x, p$mean[1], p$sd[1]) + p$prop[2] * dnorm(x, p$mean[2], p$sd[2]))),
    tolerance = 1e-13)
  expect_equal(fit$n, 8e4)
  # At a maximum the shares' mean is the proportion, to the last digits.
  expect_near(colMeans(predict(fit)), p$prop, 1e-11)
  expect_near(sum(predict(fit)[, 1] * x) / sum(predict(fit)[, 1]), p$mean[1], 1e-10)
})

test_that("max_iter holds on nodes too, and the warning comes", {
  set.seed(16)
  x <- c(rnorm(4e4), rnorm(4e4, 1, 2))
  for (most in c(0, 1, 3)) {
    run <- function(condense) emix(x, k = 3, start = list(mean = c(-1, 0, 1)), control = em_control(max_iter = most, condense = condense))
    if (most > 0) expect_warning(run("auto"), class = "emix_warning_iterations")
    fit <- suppressWarnings(run("auto"), classes = "emix_warning_iterations")
    expect_false(fit$converged)
    if (most == 0) expect_near(fit$parameters, run("none")$parameters, 1e-12)
  }
})

# ---- where nodes do not stand for the rows

test_that("a range that no grid resolves, of wild outliers, is worked out on rows", {
  set.seed(19)
  x <- c(rnorm(3e4), rnorm(3e4, 3, 2))
  for (wild in list(1e6 * rnorm(10), 1e12 * rnorm(30))) {
    for (k in 2:3) expect_same_fit(c(x, wild), k)
  }
  set.seed(20)
  expect_same_fit(c(rcauchy(3e4), 1e3 * rcauchy(3e4)), 4)
  # The grid knows: a bin of a single cell that is too wide.
  set.seed(21)
  at <- list(prop = c(1e-4, 1 - 1e-4), mean = c(0, 0), sd = c(1e6, 1))
  expect_null(condense_at(c(x, 1e6 * rnorm(10)), at)$nodes)
})

test_that("a wide start, for which coarse bins would do, leads to where it leads on rows", {
  set.seed(302)
  x <- c(rnorm(3e4), rnorm(3e4, 5, 3), 1e12 * rnorm(30))
  for (sd in list(c(1e9, 4e10), c(2e11, 2e10), c(2e10, 1e10))) {
    expect_same_fit(x, 2, start = list(mean = c(0, 0), sd = sd))
  }
  # Narrow components that bins for the start would not show.
  set.seed(204)
  n <- 3e4
  x <- c(rnorm(n), rnorm(n / 5, 1, 1e-4), rnorm(n / 5, -1.3, 1e-3))
  expect_same_fit(x, 4, start = list(mean = c(-1.0170227, -0.3707685, 0.6554914, 0.9999479),
    sd = c(1.0888206, 0.7184154, 0.9209624, 0.1776656)))
})

test_that("components that coincide are moved apart on rows too", {
  # On nodes made for where they coincide, those moved apart would be lost.
  set.seed(24)
  x <- c(rnorm(3e4), rnorm(3e4, 1000), rnorm(3e4, 1003))
  for (sd in list(c(200, 300, 200), c(150, 200, 250))) {
    fit <- expect_same_fit(x, 3, start = list(mean = c(0, 1001, 1002), sd = sd))
    expect_near(fit$parameters$mean, c(0, 1000, 1003), 0.1)
  }
})

test_that("a flat end is said to be flat", {
  set.seed(25)
  x <- c(rnorm(3e4), rnorm(3e4, 3, 2))
  # The mixture of two components of equal mean is best where both are one.
  flat <- function(condense) {
    set.seed(1)
    emix(x, k = 2, equal = "mean", control = em_control(condense = condense))$convergence$flat
  }
  expect_true(flat("none"))
  expect_true(flat("auto"))
})

# ---- the points of starts

thin_of <- function(x, weight = NULL, most = 1200L) {
  rows <- list(x = x, weight = weight, n = length(x), about = emix:::describe_rows(x))
  thin <- emix:::normal_thin(rows, most)
  expect_length(thin$x, thin$n)
  expect_length(thin$weight, thin$n)
  expect_lte(thin$n, most)
  expect_true(all(thin$weight > 0))
  thin
}

# The same in plain R, from rows in order: neighbours in one of equal bins of the range and one of
# equal parts of the weight become their mean.
oracle_thin <- function(x, w = rep(1, length(x)), most = 1200L) {
  w <- w[order(x)]
  x <- sort(x)
  parts <- most %/% 2L
  bin <- floor((x - x[1]) / (x[length(x)] - x[1]) * parts)
  part <- floor(cumsum(w) / sum(w) * parts * (1 - 1e-9))
  group <- cumsum(c(TRUE, diff(bin) != 0 | diff(part) != 0))
  weight <- as.vector(tapply(w, group, sum))
  list(x = as.vector(tapply(w * x, group, sum)) / weight, weight = weight, n = length(weight))
}

test_that("points of starts are those of ordered rows where no two rows share a cell", {
  set.seed(26)
  # Places in the middle of some of the 2^16 cells, and at the ends.
  at <- c(0, sort(sample(65534, 3998)) + 0.5, 65536)
  x <- sample(at) / 65536 * 7 + 100
  for (w in list(NULL, sample(1:9, 4000, TRUE) + 0, stats::rexp(4000))) {
    for (most in c(1200L, 401L, 2L)) {
      thin <- thin_of(x, w, most)
      oracle <- oracle_thin(x, if (is.null(w)) rep(1, 4000) else w, most)
      expect_equal(thin$n, oracle$n)
      expect_near(thin$x, oracle$x, 1e-12)
      expect_near(thin$weight, oracle$weight, 1e-9)
    }
  }
  # Few rows stay as they are, to the last digits.
  x <- stats::rt(600, 1)
  thin <- thin_of(x)
  expect_equal(thin$n, 600)
  expect_lt(max(abs(thin$x - sort(x))), 1e-15 * diff(range(x)))
})

test_that("points of starts keep total weight, mean and, nearly, the spread", {
  set.seed(17)
  n <- 2e5
  for (x in list(rnorm(n), rexp(n), rt(n, 2), 1e9 + rnorm(n), 1e-150 * rnorm(n), 1e150 * rnorm(n), rep(rexp(1000), 200))) {
    for (w in list(NULL, runif(n), 10^runif(n, -8, 8))) {
      thin <- thin_of(x, w)
      each <- if (is.null(w)) rep(1, n) else w
      expect_equal(sum(thin$weight), sum(each), tolerance = 1e-13)
      centre <- median(x)
      unit <- sum(each * abs(x - centre)) / sum(each)
      centred <- (x - centre) / unit
      at <- (thin$x - centre) / unit
      expect_lt(abs(sum(thin$weight * at) - sum(each * centred)) / sum(each),
        1e-9 + 4 * .Machine$double.eps * abs(centre) / unit)
      expect_lt(abs(sum(thin$weight * at^2) / sum(each * centred^2) - 1), 1e-3)
      expect_gte(min(thin$x), min(x) - 1e-6 * diff(range(x)))
      expect_lte(max(thin$x), max(x) + 1e-6 * diff(range(x)))
    }
  }
})

test_that("points of starts see the data beside wild outliers, and clusters far apart", {
  set.seed(18)
  n <- 2e5
  x <- rnorm(n)
  for (wild in list(1e5, -1e5, c(-1e5, 1e5), 1e12, c(1e5, -1e12), c(-1e15, 1e15))) {
    for (w in list(NULL, runif(n + length(wild)))) {
      y <- c(x, wild)
      each <- if (is.null(w)) rep(1, length(y)) else w
      thin <- thin_of(y, w)
      expect_equal(sum(thin$weight), sum(each), tolerance = 1e-13)
      # Each outlier is a point of its own.
      expect_equal(sum(abs(thin$x) > 10), length(wild))
      inside <- abs(thin$x) < 10
      expect_equal(sum(thin$weight[inside]), sum(each[seq_len(n)]), tolerance = 1e-13)
      expect_lt(abs(sum((thin$weight * thin$x^2)[inside]) / sum(each[seq_len(n)] * x^2) - 1), 1e-3)
    }
  }
  # Wherever they are: three clusters, each narrower than a cell, and one value that many rows have.
  place <- c(0, 4e5, 1e6)
  far <- thin_of(c(x, 4e5 + rnorm(n), rep(7e5, n), 1e6 + rnorm(n)))
  for (at in place) {
    inside <- abs(far$x - at) < 10
    expect_equal(sum(far$weight[inside]), n)
    expect_lt(abs(sum((far$weight * (far$x - at)^2)[inside]) / n - 1), 0.02)
  }
  expect_equal(sum(far$weight[far$x == 7e5]), n)
  set.seed(1)
  fit <- emix(c(x, 1e6 + rnorm(n)), k = 2)
  expect_near(fit$parameters$prop, c(0.5, 0.5), 1e-9)
  expect_near(fit$parameters$sd, c(1, 1), 0.01)
})

test_that("points of starts do not hang on the order of rows, and a weight is so many rows", {
  set.seed(27)
  x <- c(rnorm(5000), 1e9)
  thin <- thin_of(x)
  mixed <- thin_of(sample(x))
  expect_equal(mixed$x, thin$x, tolerance = 1e-13)
  expect_equal(mixed$weight, thin$weight)
  three <- thin_of(rep(x, 3))
  heavy <- thin_of(x, rep(3, 5001))
  expect_equal(three$x, heavy$x, tolerance = 1e-13)
  expect_equal(three$weight, heavy$weight)
})

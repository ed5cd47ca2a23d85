# The race of starts: the points it runs on, heights that compare, and moves.

spec_of <- function(k) emix:::make_spec(emix:::family_of("normal"), k, NULL, NULL, NULL)

rows_of <- function(x, weight = NULL) {
  frame <- emix:::normal_family()
  list(x = x, weight = weight, label = NULL, n = length(x),
    about = c(min = min(x), max = max(x), mean = mean(x), sd = stats::sd(x)), raw = NULL)
}

mixture_log <- function(x, p) {
  log(rowSums(vapply(seq_along(p$prop), function(j) p$prop[j] * dnorm(x, p$mean[j], p$sd[j]), x)))
}

test_that("pairs of points have the moments of the rows they stand for, and lie among them", {
  set.seed(1)
  for (x in list(rnorm(5000), rexp(3000), round(rnorm(4000), 1), c(rnorm(2000), 1e6), rep(c(1, 2, 9), 900))) {
    w <- stats::runif(length(x))
    for (weight in list(NULL, w)) {
      points <- emix:::pair_up(rows_of(x, weight), 300L)
      w <- if (is.null(weight)) rep(1, length(x)) else weight
      expect_lte(points$n, 300)
      expect_length(points$x, points$n)
      expect_true(all(points$weight >= 0))
      expect_false(is.unsorted(points$x))
      expect_gte(min(points$x), min(x) - 1e-9 * diff(range(x)))
      expect_lte(max(points$x), max(x) + 1e-9 * diff(range(x)))
      centre <- mean(x)
      unit <- stats::sd(x)
      for (power in 0:3) {
        expect_near(sum(points$weight * ((points$x - centre) / unit)^power), sum(w * ((x - centre) / unit)^power), 1e-9)
      }
    }
  }
})

test_that("the likelihood of the points is that of the rows, to what tells maxima apart", {
  set.seed(2)
  x <- c(rnorm(50000, -2), rnorm(30000, 1), rnorm(20000, 3))
  points <- emix:::some_rows(rows_of(x), emix:::normal_family())
  expect_lte(points$n, 1200)
  a <- list(prop = c(0.5, 0.3, 0.2), mean = c(-2, 1, 3), sd = c(1, 1, 1))
  b <- list(prop = c(0.4, 0.35, 0.25), mean = c(-2.1, 0.9, 2.8), sd = c(0.9, 1.3, 1.1))
  for (p in list(a, b)) {
    expect_lt(abs(sum(points$weight * mixture_log(points$x, p)) - sum(mixture_log(x, p))), 0.01)
  }
})

test_that("runs that were left early are as high as the points have it on which all others ran", {
  set.seed(3)
  x <- c(rnorm(500, -2), rnorm(300, 1), rnorm(200, 3))
  fit <- suppressWarnings(emix(x, k = 4))
  expect_true(any(fit$starts$outcome == "stopped early"))
  # Nothing that stopped early is above all that converged, as heights on coarser points would be.
  sound <- !fit$starts$spurious & is.finite(fit$starts$loglik)
  expect_lte(max(fit$starts$loglik[sound]), fit$loglik + 1e-6)
})

test_that("moves keep what parameters must be: proportions that sum to one, held values held", {
  spec <- spec_of(4)
  p <- list(prop = c(0.1, 0.2, 0.3, 0.4), mean = c(5, 1, 9, 3), sd = c(1, 2, 1, 0.5))
  moves <- emix:::merge_split(p, spec, 20L)
  expect_identical(dim(moves), c(12L, 20L))
  expect_near(colSums(moves[1:4, ]), rep(1, 20), 1e-14)
  expect_true(all(moves[9:12, ] > 0))
  expect_false(any(duplicated(moves, MARGIN = 2)))
  # Merged neighbours have their moments, so that the mean of the mixture stays where parts move evenly.
  expect_true(all(moves[1:4, ] > 0))
})

test_that("chance clusters are found in many runs at once as in each alone", {
  set.seed(4)
  spec <- spec_of(3)
  runs <- replicate(40, {
    prop <- stats::rexp(3)
    list(prop = prop / sum(prop), mean = rnorm(3, 0, 3), sd = exp(rnorm(3, -1, 1.5)))
  }, simplify = FALSE)
  all <- emix:::normal_spurious(emix:::bind_parameters(runs), 200, spec)
  each <- vapply(runs, function(p) emix:::normal_spurious(lapply(p, as.matrix), 200, spec), NA)
  expect_identical(all, each)
  expect_true(any(all) && !all(all))
})

test_that("a curved ridge is climbed in few iterations, to the maximum of a plain EM", {
  set.seed(1)
  x <- c(rnorm(500, -2), rnorm(300, 1), rnorm(200, 3))
  start <- list(prop = rep(0.25, 4), mean = c(-2, -1, 1, 3), sd = c(1, 1.2, 1, 1))
  fit <- suppressWarnings(emix(x, k = 4, start = start))
  plain <- suppressWarnings(emix(x, k = 4, start = fit$parameters, control = em_control(accelerate = FALSE, max_iter = 1e5)))
  expect_true(fit$converged)
  expect_near(plain$loglik, fit$loglik, 1e-9)
  expect_lt(fit$iterations, 500)
  traced <- suppressWarnings(emix(x, k = 4, start = start, control = em_control(trace = TRUE)))
  expect_gte(min(diff(traced$trace$loglik)), -1e-9)
})

# Densities and moments of a tile under the multivariate normal distribution, against plain R.

mv_density <- function(x, centre, w, constant, diagonal = FALSE, offset = 0L) {
  .Call(emix:::C_hook_mv_density, x, centre, w, constant, diagonal, offset)
}
mv_scatter <- function(x, centre, p, diagonal = FALSE, offset = 0L) {
  .Call(emix:::C_hook_mv_scatter, x, centre, p, diagonal, offset)
}

widths <- c(1:9, 13, 16, 17, 31, 64, 65, 100)
lengths <- c(1, 7, 8, 9, 255, 256, 257)

# Rows about a centre that is none of theirs, and the lower triangle of an inverse Cholesky factor.
mv_case <- function(n, d) {
  w <- matrix(rnorm(d * d) / d, d)
  diag(w) <- runif(d, 0.5, 2)
  w[upper.tri(w)] <- 0
  list(x = matrix(rnorm(n * d), n), centre = rnorm(d), w = w, p = runif(n) * (runif(n) < 0.8))
}

by_rows <- function(w) t(w)[upper.tri(w, TRUE)]

test_that("log densities of whole covariances", {
  set.seed(61)
  for (d in widths) {
    for (n in lengths) {
      case <- mv_case(n, d)
      z <- (case$x - rep(case$centre, each = n)) %*% t(case$w)
      expect_near(mv_density(case$x, case$centre, by_rows(case$w), -3), -3 - rowSums(z^2) / 2, 1e-13)
    }
  }
})

test_that("log densities of diagonal covariances", {
  set.seed(62)
  for (d in widths) {
    for (n in lengths) {
      case <- mv_case(n, d)
      z <- (case$x - rep(case$centre, each = n)) * rep(diag(case$w), each = n)
      expect_near(mv_density(case$x, case$centre, diag(case$w), 5, TRUE), 5 - rowSums(z^2) / 2, 1e-13)
    }
  }
})

# Of sums whose terms cancel, the error is relative to the sum of their sizes.
test_that("weighted moments about a centre", {
  set.seed(63)
  for (d in widths) {
    lower <- lower.tri(diag(d), TRUE)
    for (n in lengths) {
      case <- mv_case(n, d)
      y <- case$x - rep(case$centre, each = n)
      whole <- mv_scatter(case$x, case$centre, case$p)
      alone <- mv_scatter(case$x, case$centre, case$p, TRUE)
      size <- crossprod(case$p * abs(y), abs(y))
      expect_lte(max(0, abs(whole$s1 - colSums(case$p * y)) - 1e-13 * colSums(case$p * abs(y))), 0)
      expect_lte(max(0, (abs(whole$s2 - crossprod(case$p * y, y)[lower]) - 1e-13 * size[lower])), 0)
      expect_lte(max(0, abs(alone$s1 - colSums(case$p * y)) - 1e-13 * colSums(case$p * abs(y))), 0)
      expect_near(alone$s2, diag(size), 1e-13)
    }
  }
})

test_that("where a column starts in memory changes no bit", {
  set.seed(64)
  for (d in c(1:6, 10, 17, 40)) {
    for (n in c(5, 263)) {
      case <- mv_case(n, d)
      for (diagonal in c(FALSE, TRUE)) {
        w <- if (diagonal) diag(case$w) else by_rows(case$w)
        density <- mv_density(case$x, case$centre, w, 1, diagonal)
        scatter <- mv_scatter(case$x, case$centre, case$p, diagonal)
        for (offset in 1:8) {
          expect_identical(mv_density(case$x, case$centre, w, 1, diagonal, offset), density)
          expect_identical(mv_scatter(case$x, case$centre, case$p, diagonal, offset), scatter)
        }
      }
    }
  }
})

test_that("rows of weight zero add nothing, however far away", {
  set.seed(65)
  for (d in c(1:5, 12)) {
    case <- mv_case(20, d)
    case$x[case$p == 0, ] <- 1e300
    near <- case$p > 0
    expect_equal(mv_scatter(case$x, case$centre, case$p),
      mv_scatter(case$x[near, , drop = FALSE], case$centre, case$p[near]), tolerance = 1e-14)
    expect_identical(mv_scatter(case$x, case$centre, 0 * case$p)$s1, rep(0, d))
  }
})

# Squares that overflow, and products that do with both signs.
test_that("a row too far away for its square has density zero", {
  set.seed(66)
  for (d in c(1:5, 12, 33)) {
    for (n in c(3, 40)) {
      case <- mv_case(n, d)
      case$x[2, ] <- 1e200
      far <- mv_density(case$x, case$centre, by_rows(1e150 * case$w), 0)
      expect_identical(far[2], -Inf)
      expect_true(all(far[-2] > -Inf & far[-2] < 0))
      expect_identical(mv_density(case$x, case$centre, diag(case$w), 0, TRUE)[2], -Inf)
      case$x[2, 1] <- NA
      expect_true(is.na(mv_density(case$x, case$centre, by_rows(case$w), 0)[2]))
    }
  }
})

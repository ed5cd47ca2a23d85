# The M-steps of the fourteen covariance structures, against the structures' definition (helper-oracle-mv.R).

maximise_cov <- function(structure, rows, scatter, old) {
  .Call(emix:::C_emix_structure, match(structure, emix:::covariance_structures) - 1L, as.double(rows), scatter + 0, old + 0)
}

# All of d and k in which something is to be seen.
sizes <- expand.grid(d = 1:5, k = 1:5)

each_size <- function(f, structures = mv_structures, at = sizes) {
  for (i in seq_len(nrow(at))) {
    d <- at$d[i]
    k <- at$k[i]
    set.seed(700 + 10 * d + k)
    for (structure in structures) f(structure, d, k)
  }
}

spherical <- function(d, k) array(diag(d), c(d, d, k))

rank_of <- function(m) {
  values <- svd(m, 0, 0)$d
  sum(values > 1e-6 * values[1L])
}

test_that("the structures are known by name", {
  expect_identical(emix:::covariance_structures, mv_structures)
})

test_that("every structure: legal, stationary, no lower than where it came from; as many parameters as said", {
  each_size(function(structure, d, k) {
    s <- mv_scatters(d, k)
    old <- mv_cov(mv_random(structure, d, k))
    out <- maximise_cov(structure, s$rows, s$scatter, old)
    label <- paste(structure, d, k)
    expect_identical(c(out$status, out$component), c(0L, 0L), label = label)
    base <- mv_base(out$cov, structure)
    expect_lt(max(abs(mv_cov(base) - out$cov)) / max(out$cov), 1e-12, label = label)
    value <- mv_objective_of(out$cov, s$rows, s$scatter)
    expect_gt(value - mv_objective_of(old, s$rows, s$scatter), 0, label = label)
    ways <- mv_derivatives(structure, base, s$rows, s$scatter)
    expect_lt(max(abs(ways$gradient)) / sum(s$rows), 1e-8, label = label)
    expect_identical(emix:::covariance_df(structure, d, k), as.double(rank_of(ways$jacobian)), label = label)
    near <- replicate(5, mv_step(base, rnorm(length(ways$gradient), sd = 10^runif(1, -2.5, -1)), structure), simplify = FALSE)
    near <- vapply(near, mv_objective, 0, s$rows, s$scatter)
    expect_lt(max(near) - value, 1e-9, label = label)
  })
})

test_that("numbers of parameters as others count them", {
  count <- function(d, k) vapply(mv_structures, emix:::covariance_df, 0, d = d, k = k, USE.NAMES = FALSE)
  expect_identical(count(2, 2), c(1, 2, 2, 3, 3, 4, 3, 4, 4, 5, 4, 5, 5, 6))
  expect_identical(count(3, 4), c(1, 4, 3, 6, 9, 12, 6, 9, 12, 15, 15, 18, 21, 24))
  expect_identical(count(5, 5), c(1, 5, 5, 9, 21, 25, 15, 19, 31, 35, 55, 59, 71, 75))
  expect_identical(count(4, 1), rep(c(1, 4, 10), c(2, 4, 8)))
})

test_that("every structure: a general optimiser finds the same maximum", {
  skip_on_cran() # takes long
  few <- data.frame(d = c(1, 2, 2, 3), k = c(2, 1, 4, 2))
  each_size(function(structure, d, k) {
    s <- mv_scatters(d, k, turn = 0.3)
    start <- mv_random(structure, d, k)
    if (structure %in% c("EVE", "VVE")) start$axes[] <- eigen(matrix(apply(s$scatter, 1:2, sum), d))$vectors
    out <- maximise_cov(structure, s$rows, s$scatter, mv_cov(start))
    best <- mv_oracle(structure, start, s$rows, s$scatter)
    value <- mv_objective_of(out$cov, s$rows, s$scatter)
    expect_near(value, mv_objective(best, s$rows, s$scatter), 1e-10)
    expect_near(out$cov / max(out$cov), mv_cov(best) / max(out$cov), 1e-4)
  }, at = few)
})

test_that("closed forms as the structures' definitions have them", {
  set.seed(731)
  d <- 4
  k <- 3
  s <- mv_scatters(d, k)
  w <- s$scatter
  n <- s$rows
  each <- function(f) array(vapply(1:k, f, diag(d)), c(d, d, k))
  pooled <- apply(w, 1:2, sum) / sum(n)
  det_root <- function(a) det(a)^(1 / d)
  sorted <- lapply(1:k, function(j) eigen(w[, , j]))
  spectrum <- Reduce(`+`, lapply(sorted, function(e) e$values)) / sum(n)
  known <- list(
    EII = each(function(j) mean(diag(pooled)) * diag(d)),
    VII = each(function(j) mean(diag(w[, , j])) / n[j] * diag(d)),
    EEI = each(function(j) diag(diag(pooled))),
    VVI = each(function(j) diag(diag(w[, , j])) / n[j]),
    EVI = each(function(j) diag(diag(w[, , j])) / prod(diag(w[, , j]))^(1 / d) * sum(apply(w, 3, function(a) prod(diag(a))^(1 / d))) / sum(n)),
    EEE = each(function(j) pooled),
    VVV = each(function(j) w[, , j] / n[j]),
    EVV = each(function(j) w[, , j] / det_root(w[, , j]) * sum(apply(w, 3, det_root)) / sum(n)),
    EEV = each(function(j) sorted[[j]]$vectors %*% (spectrum * t(sorted[[j]]$vectors)))
  )
  for (structure in names(known)) {
    expect_near(maximise_cov(structure, n, w, spherical(d, k))$cov, known[[structure]], 1e-13)
  }
})

# Structures that turn with the data; the others do not mind a factor for each column.
turning <- setdiff(mv_structures, c("EEI", "VEI", "EVI", "VVI"))
scaling <- c("EEI", "VEI", "EVI", "VVI", "EEE", "VEE", "EVV", "VVV")

transformed <- function(a, m) array(apply(a, 3, function(s) m %*% s %*% t(m)), dim(a))

test_that("every structure: units, turns, factors of columns, order and number of rows do not matter", {
  d <- 3
  k <- 4
  each_size(function(structure, d, k) {
    s <- mv_scatters(d, k, turn = 0.3)
    first <- mv_cov(mv_random(structure, d, k))
    cov <- maximise_cov(structure, s$rows, s$scatter, first)$cov
    old <- cov
    close <- function(out, expected) {
      expect_lt(max(abs(out$cov - expected)) / max(expected), 1e-11, label = structure)
    }
    for (times in c(3, 1e290, 1e-290)) close(maximise_cov(structure, times * s$rows, times * s$scatter, first), cov)
    close(maximise_cov(structure, s$rows, 1e6 * s$scatter, old), 1e6 * cov)
    close(maximise_cov(structure, s$rows, 1e-6 * s$scatter, old), 1e-6 * cov)
    order <- c(3, 1, 4, 2)
    close(maximise_cov(structure, s$rows[order], s$scatter[, , order], old[, , order]), cov[, , order])
    turn <- if (structure %in% turning) qr.Q(qr(matrix(rnorm(d * d), d))) else diag(d)
    close(maximise_cov(structure, s$rows, transformed(s$scatter, turn), transformed(old, turn)), transformed(cov, turn))
    factor <- diag(if (structure %in% scaling) c(1e-3, 1, 20) else rep(7, d))
    close(maximise_cov(structure, s$rows, transformed(s$scatter, factor), transformed(old, factor)), transformed(cov, factor))
  }, at = data.frame(d = d, k = k))
})

test_that("the maximiser is where it was when asked from itself, and does not depend on the start where it is unique", {
  each_size(function(structure, d, k) {
    s <- mv_scatters(d, k)
    once <- maximise_cov(structure, s$rows, s$scatter, spherical(d, k))
    expect_near(maximise_cov(structure, s$rows, s$scatter, once$cov)$cov, once$cov, 1e-12)
    if (structure %in% c("EVE", "VVE")) return()
    far <- 1e8 * mv_cov(mv_random(structure, d, k))
    expect_near(maximise_cov(structure, s$rows, s$scatter, far)$cov, once$cov, 1e-12)
  }, at = data.frame(d = c(2, 5, 20), k = c(6, 3, 2)))
})

test_that("every structure: smooth in the sums", {
  each_size(function(structure, d, k) {
    s <- mv_scatters(d, k, turn = 0.3)
    old <- maximise_cov(structure, s$rows, s$scatter, spherical(d, k))$cov
    way <- transformed(s$scatter, matrix(rnorm(d * d, sd = 0.3), d))
    at <- function(h) maximise_cov(structure, s$rows * (1 + h), s$scatter + h * way, old)$cov
    slope <- function(h) (at(h) - at(-h)) / (2 * h)
    # Errors of h^2 taken out: of h^4 is left, and of rounding over h.
    better <- function(h) (4 * slope(h / 2) - slope(h)) / 3
    one <- better(2e-4)
    other <- better(1e-4)
    expect_lt(max(abs(one - other)) / max(abs(one)), 1e-8, label = structure)
  }, at = data.frame(d = 4, k = 3))
})

test_that("an empty component keeps what it has for itself", {
  each_size(function(structure, d, k) {
    s <- mv_scatters(d, k)
    s$rows[2] <- 0
    s$scatter[, , 2] <- 0
    old <- mv_cov(mv_random(structure, d, k))
    out <- maximise_cov(structure, s$rows, s$scatter, old)
    expect_identical(out$status, 0L)
    rest <- maximise_cov(structure, s$rows[-2], s$scatter[, , -2], old[, , -2])$cov
    expect_near(out$cov[, , -2], rest, 1e-10)
    base <- mv_base(out$cov, structure)
    expect_near(mv_cov(base), out$cov, 1e-11)
    was <- mv_base(old, structure)
    letters <- mv_letters(structure)
    if (letters[1] == "V" && structure != "VVE") expect_near(base$volume[2], was$volume[2], 1e-12)
    if (letters[2] == "V" && letters[3] != "E") expect_near(base$shape[, 2], was$shape[, 2], 1e-11)
    if (letters[3] == "V") expect_near(abs(base$axes[, , 2]), abs(was$axes[, , 2]), 1e-10)
    none <- maximise_cov(structure, numeric(k), s$scatter * 0, old)
    expect_identical(none, list(cov = old, status = 0L, component = 0L))
  }, at = data.frame(d = 3, k = 3))
})

test_that("what is singular is told, with its component", {
  ended <- function(structure, s, old = spherical(3, 3)) {
    out <- maximise_cov(structure, s$rows, s$scatter, old)
    c(out$status, if (out$status == 0L) NA else out$component)
  }
  set.seed(732)
  whole <- mv_scatters(3, 3)
  point <- flat <- all_flat <- whole
  point$scatter[, , 2] <- 0
  squash <- function(a, m) m %*% a %*% t(m)
  plane <- rbind(c(1, 0, 0), c(0, 1, 0), c(1, 1, 0))
  flat$scatter[, , 2] <- squash(flat$scatter[, , 2], plane)
  for (j in 1:3) all_flat$scatter[, , j] <- squash(all_flat$scatter[, , j], plane)
  fine <- c(0L, NA)
  for (structure in mv_structures) {
    own <- structure %in% c("VII", "VEI", "EVI", "VVI", "VEE", "EVE", "VVE", "VEV", "EVV", "VVV")
    expect_identical(ended(structure, point), if (own) c(1L, 2L) else fine, label = structure)
    own <- structure %in% c("EVV", "VVV")
    if (!structure %in% c("EVE", "VVE", "VEV")) {
      expect_identical(ended(structure, flat), if (own) c(1L, 2L) else fine, label = structure)
    }
    if (grepl("I$", structure)) expect_identical(ended(structure, all_flat), fine, label = structure)
    if (structure %in% c("EEE", "VEE", "EEV", "VEV")) expect_identical(ended(structure, all_flat), c(1L, 0L), label = structure)
    if (structure %in% c("EVV", "VVV", "EVE", "VVE")) expect_identical(ended(structure, all_flat), c(1L, 1L), label = structure)
  }
})

test_that("axes in common: the best of several where the covariances in force say nothing", {
  set.seed(733)
  for (structure in c("EVE", "VVE")) {
    s <- mv_scatters(4, 3)
    value <- mv_objective_of(maximise_cov(structure, s$rows, s$scatter, spherical(4, 3))$cov, s$rows, s$scatter)
    from <- vapply(1:10, function(i) {
      old <- mv_cov(mv_random(structure, 4, 3))
      mv_objective_of(maximise_cov(structure, s$rows, s$scatter, old)$cov, s$rows, s$scatter)
    }, 0)
    expect_gt(value, stats::median(from) - 1e-8)
  }
})

test_that("axes in common of many columns are found where scatters have them", {
  for (d in c(16, 17, 19, 34)) {
    set.seed(740 + d)
    axes <- qr.Q(qr(matrix(rnorm(d * d), d)))
    turn <- matrix(rnorm(d * d, sd = 0.05), d)
    turn <- turn - t(turn)
    off <- axes %*% solve(diag(d) - turn, diag(d) + turn)
    spread <- matrix(exp(rnorm(2 * d)), d)
    # The volumes of both are one.
    spread <- t(t(spread) / exp(colMeans(log(spread))))
    with_axes <- function(v) array(vapply(1:2, function(j) v %*% (spread[, j] * t(v)), diag(d)), c(d, d, 2))
    cov <- with_axes(axes)
    for (structure in c("EVE", "VVE")) {
      out <- maximise_cov(structure, c(50, 80), cov * rep(c(50, 80), each = d * d), with_axes(off))
      expect_near(out$cov, cov, 1e-10)
    }
  }
})

# ---- eigenvectors ---------------------------------------------------------------------------------

eigen_of <- function(a) .Call(emix:::C_hook_eigen, a)

test_that("eigenvalues rise, vectors are orthonormal, together they are the matrix", {
  set.seed(734)
  for (n in c(1, 2, 3, 7, 30, 100)) {
    a <- matrix(rnorm(n * n), n)
    a <- a + t(a)
    out <- eigen_of(a)
    expect_false(is.unsorted(out$values))
    expect_near(out$values, rev(eigen(a)$values), 1e-13 * n)
    expect_near(crossprod(out$vectors), diag(n), 1e-14 * n)
    expect_near(out$vectors %*% (out$values * t(out$vectors)), a, 1e-13 * n)
  }
  expect_identical(eigen_of(diag(c(3, 1, 2)))$values, c(1, 2, 3))
  expect_identical(eigen_of(matrix(0, 3, 3))$values, numeric(3))
  expect_near(eigen_of(matrix(1, 4, 4))$values, c(0, 0, 0, 4), 1e-15)
})

test_that("small eigenvalues of a graded matrix keep their digits", {
  scale <- 10^-(0:5)
  h <- 1 / outer(1:6, 1:6, function(i, j) 1 + abs(i - j))
  values <- eigen_of(scale * h * rep(scale, each = 6))$values
  # The inverse has them as its largest ones, upside down.
  inverse <- eigen(solve(h) / scale / rep(scale, each = 6))$values[1:2]
  expect_near(values[1:2] * inverse, c(1, 1), 1e-13)
})

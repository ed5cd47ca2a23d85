# Rounded, so that some rows are equal.
mv_rows <- local({
  set.seed(31)
  root <- list(matrix(c(1.2, 0.5, 0, 0.8), 2), matrix(c(0.9, -0.4, 0, 1.1), 2), diag(c(1.5, 0.6)))
  centre <- cbind(c(0, 0), c(4, 1.5), c(1, 5))
  x <- do.call(rbind, lapply(1:3, function(j) t(root[[j]] %*% matrix(rnorm(2 * c(18, 22, 16)[j]), 2) + centre[, j])))
  x <- round(x, 1)
  colnames(x) <- c("width", "height")
  x[c(1, 20, 45, 2, 21, 46, 3:19, 22:44, 47:56, 5, 5, 30), ]
})

mv_covs <- function(...) array(c(...), c(2, 2, 3))

mv_start <- list(
  VVV = mv_covs(1.5, 0.4, 0.4, 1, 1, -0.3, -0.3, 1.2, 2, 0, 0, 0.7),
  VVI = mv_covs(1.5, 0, 0, 1, 1, 0, 0, 1.2, 2, 0, 0, 0.7),
  EEE = mv_covs(rep(c(1.4, 0.2, 0.2, 1), 3))
)

mv_whole <- function(cov) {
  force(cov)
  function(x, w) {
    mean <- colSums(x * w) / sum(w)
    off <- x - rep(mean, each = nrow(x))
    s <- crossprod(off * sqrt(w)) / sum(w)
    if (cov == "VVI") s <- diag(diag(s))
    half <- as.numeric(determinant(s)$modulus) / 2 + rowSums((off %*% solve(s)) * off) / 2 + log(2 * pi)
    list(parameters = c(mean, s), df = if (cov == "VVI") 4 else 5, loglik = -sum(w * half))
  }
}

mv_truth <- function(cov) {
  list(prop = c(0.3, 0.5, 0.2), mean = cbind(c(-6, 1), c(1, -4), c(8, 5)),
    cov = switch(cov, VVV = mv_covs(1, 0.3, 0.3, 0.6, 2, -0.5, -0.5, 1, 0.5, 0.1, 0.1, 1.5),
      VVI = mv_covs(1, 0, 0, 0.6, 2, 0, 0, 1, 0.5, 0, 0, 1.5), EEE = mv_covs(rep(c(1, 0.3, 0.3, 0.6), 3))))
}

mv_held <- list(
  list(fixed = list(prop = c(0.3, 0.5, 0.2)), less = 2),
  list(fixed = list(prop = c(0.3, NA, NA)), less = 1),
  list(fixed = list(mean = cbind(c(0, 0), NA, c(1, 5))), less = 4)
)
mv_held_cov <- list(
  list(fixed = list(cov = mv_covs(NA, NA, NA, NA, 1, 0, 0, 1.5, NA, NA, NA, NA)), less = c(VVV = 3, VVI = 2)),
  list(fixed = list(mean = cbind(NA, c(4, 1.5), NA), cov = mv_covs(rep(c(1, 0, 0, 1), 3)), prop = c(NA, 0.25, NA)), less = c(VVV = 12, VVI = 9))
)

for (cov in c("VVV", "VVI", "EEE")) {
  df <- 2 + 6 + c(VVV = 9, VVI = 6, EEE = 3)[[cov]]
  truth <- mv_truth(cov)
  expect_family(list(
    name = paste("mvnormal", cov), family = mix_mvnormal(cov), oracle = oracle_mvnormal(cov), discrete = FALSE, line = FALSE,
    chart = FALSE, x = mv_rows,
    start = list(prop = c(0.3, 0.4, 0.3), mean = cbind(c(0.3, -0.2), c(3.8, 1.2), c(1.2, 4.6)), cov = mv_start[[cov]]),
    df = df,
    held = lapply(c(mv_held, if (cov != "EEE") mv_held_cov), function(h) {
      list(fixed = h$fixed, df = df - if (length(h$less) > 1L) h$less[[cov]] else h$less)
    }),
    shared = c(prop = df - 2, if (cov != "EEE") c(mean = df - 4), if (cov == "VVV") c(cov = df - 6), if (cov == "VVI") c(cov = df - 4)),
    whole = mv_whole(cov), truth = truth,
    draw = local({
      truth <- truth
      function(n) {
        j <- sample.int(3, n, TRUE, truth$prop)
        x <- matrix(0, n, 2, dimnames = list(NULL, c("a", "b")))
        for (i in 1:3) {
          at <- which(j == i)
          x[at, ] <- matrix(rnorm(2 * length(at)), ncol = 2) %*% chol(truth$cov[, , i]) + rep(truth$mean[, i], each = length(at))
        }
        x
      }
    }),
    recover = 0.25,
    values = as.matrix(expand.grid(width = -2:6, height = seq(-2, 6, by = 2)))
  ))
}

test_that("what users of other packages try first is an error that says what to write", {
  expect_error(emix(iris, k = 3), "column `Species` is a factor.*labels", class = "emix_error_input")
  expect_error(emix(~ eruptions + waiting, faithful), "cbind", class = "emix_error_input")
  for (call in alist(emix(faithful, family = "EEE"), emix(faithful, cov = "EEE"), emix(cbind(eruptions, waiting) ~ 1, faithful, cov = "EEE"))) {
    expect_error(eval(call), "mix_mvnormal(", fixed = TRUE, class = "emix_error_input")
  }
})

test_that("a structure that does not exist is told all that do; an array is called one", {
  expect_error(mix_mvnormal("vvv"), "\"EVV\" or \"VVV\"", class = "emix_error_input")
  expect_error(emix(iris3), "an array of 50 x 4 x 3", class = "emix_error_input")
})

test_that("columns of new rows are found by name, or by place where no name is known; some names alone are an error", {
  fit <- emix(faithful, k = 2)
  new <- data.frame(waiting = c(50, 80), eruptions = c(2, 4))
  known <- predict(fit, new)
  expect_identical(predict(fit, cbind(other = "a", new)), known)
  expect_identical(predict(fit, stats::setNames(new[2:1], c("a", "b"))), known)
  expect_identical(predict(fit, unname(as.matrix(new[2:1]))), known)
  for (wrong in list(stats::setNames(new, c("waiting", "time")), as.matrix(stats::setNames(new, c("waiting", "time"))))) {
    expect_error(predict(fit, wrong), "eruptions", class = "emix_error_input")
  }
})

test_that("work whose length is no int is refused, not taken short", {
  k <- 65536L
  rows <- list(x = as.double(1:6), columns = 2L, factor = c(1, 1), shift = c(0, 0), weight = NULL, label = NULL)
  model <- list(family = "mvnormal", latent = "mix", k = k, equal = 0L, held = integer(7L * k), options = c(3, 0),
    prior_rows = NULL, prior_family = NULL, hard = FALSE)
  expect_error(.Call(emix:::C_emix_step, rows, model, 1L, double(7L * k)), "does not accept")
})

test_that("an empty component does not stop acceleration", {
  x <- as.matrix(faithful)
  rows <- list(x = as.double(x), columns = 2L, factor = c(1, 0.125), shift = c(0, 0), weight = NULL, label = NULL)
  model <- list(family = "mvnormal", latent = "mix", k = 3L, equal = 0L, held = integer(21), options = c(13, 0),
    prior_rows = NULL, prior_family = NULL, hard = FALSE)
  control <- list(tol = 1e-8, max_iter = 100L, accelerate = TRUE, rough = FALSE, resumes = FALSE, threads = 1L, trace = TRUE,
    progress = FALSE, offset = 0)
  theta <- c(0.5, 0.4, 0.1, 2, 6, 4, 9, 1e4, 1e4, rep(c(1, 0, 0, 1), 3))
  run <- .Call(emix:::C_emix_run, rows, model, control, theta)
  expect_identical(run$theta[3], 0)
  expect_true(run$converged)
  expect_true(any(run$trace_kind == 5L))
})

# Many fits in a loop: whatever comes in, a sound fit or a classed error comes out.

nasty_normal <- function() {
  n <- sample(c(1:6, 10, 25, 60), 1)
  x <- switch(sample(10, 1),
    rnorm(n), round(rnorm(n)), rep(rnorm(1), n), sample(c(0, 1), n, TRUE), rcauchy(n),
    c(rep(3, n), rnorm(2)), rnorm(n) * 10^sample(c(-300, -150, 150, 300), 1),
    rnorm(n) + 10^sample(c(8, 12, 15), 1), exp(rnorm(n, sd = 6)),
    c(rnorm(n), sample(c(1e6, 1e100, -1e300), 1)))
  list(x = x, blocks = c("prop", "mean", "sd"))
}

nasty_binomial <- function() {
  n <- sample(c(1:6, 10, 25, 60), 1)
  size <- switch(sample(5, 1), rep(1, n), sample(0:3, n, TRUE), sample(1:40, n, TRUE),
    rep(10^sample(c(4, 9, 15), 1), n), sample(c(1, 1e12), n, TRUE))
  s <- switch(sample(5, 1), rbinom(n, pmin(size, 2e9), 0.3), numeric(n), size,
    sample(c(0, 1), n, TRUE) * size, floor(size / 2))
  s <- pmin(s, size)
  list(x = cbind(s, size - s), blocks = c("prop", "prob"), family = "binomial")
}

nasty_problem <- function(seed) {
  set.seed(seed)
  p <- if (seed %% 3 == 0) nasty_binomial() else nasty_normal()
  n <- NROW(p$x)
  some <- function(chance) runif(1) < chance
  args <- list(p$x, k = sample(c(1, 2, 2, 3, 4, max(1, n - 1), n), 1))
  args$k <- min(args$k, 7)
  if (!is.null(p$family)) args$family <- p$family
  if (some(0.3)) {
    args$weights <- switch(sample(5, 1), rexp(n), sample(0:2, n, TRUE), 10^runif(n, -12, 12),
      c(1e15, rep(1, n - 1)), c(rep(0, n - 1), 1))
  }
  if (some(0.25)) args$equal <- sample(p$blocks, 1)
  if (some(0.2)) args$labels <- sample(c(NA, NA, seq_len(args$k)), n, TRUE)
  if (some(0.3)) args$prior <- if (some(0.7)) "default" else em_prior("flat", prop = 2)
  if (some(0.2)) args$start <- sample.int(args$k, n, TRUE)
  if (some(0.15) && args$k > 1) {
    value <- if (!is.null(p$family)) list(prob = runif(1)) else
      list(sd = max(abs(p$x), 1e-300) * runif(1))
    args$fixed <- lapply(value, function(v) c(v, rep(NA, args$k - 1)))
  }
  control <- list(starts = sample(c(1, 4, 12), 1), max_iter = sample(c(0, 3, 200, 2000), 1))
  if (some(0.15)) control$accelerate <- FALSE
  if (some(0.1)) control$estep <- "hard"
  if (some(0.1)) control$trace <- TRUE
  args$control <- do.call(em_control, control)
  args
}

kinds <- c("emix_error_input", "emix_error_degenerate", "emix_error_fit")

# "fit", the class of an error of emix, or the message of one that is none.
outcome_of <- function(args) {
  strange <- character()
  end <- withCallingHandlers(
    tryCatch(do.call(emix, args), error = identity),
    warning = function(w) {
      if (!inherits(w, "emix_warning")) strange <<- c(strange, conditionMessage(w))
      invokeRestart("muffleWarning")
    })
  if (length(strange)) return(paste("warning:", strange[1]))
  if (inherits(end, "emix_error")) return(intersect(class(end), c(kinds, "emix_error_object"))[1])
  if (inherits(end, "error")) return(paste("error:", conditionMessage(end)))
  numbers <- c(unlist(end$parameters), end$loglik, end$objective, end$df, end$nobs,
    end$convergence$gain)
  if (anyNA(numbers)) return("a NaN in the fit")
  if (any(!is.finite(c(unlist(end$parameters), end$loglik)))) return("an Inf in the fit")
  if (abs(sum(end$parameters$prop) - 1) > 1e-10) return("proportions that do not sum to 1")
  asked <- tryCatch({
    utils::capture.output(print(end), print(summary(end)))
    c(predict(end), predict(end, type = "density"), predict(end, type = "cdf"), fitted(end),
      residuals(end, "response"))
  }, error = function(e) paste("asked:", conditionMessage(e)))
  if (is.character(asked)) return(asked)
  if (anyNA(asked)) return("asked: a NaN")
  size <- if (is.matrix(args[[1]])) rowSums(args[[1]])
  row <- demix(if (is.matrix(args[[1]])) args[[1]][, 1] else args[[1]], end, size, log = TRUE)
  w <- if (is.null(args$weights)) rep(1, length(row)) else args$weights
  sum <- sum((w * row)[w > 0])
  # Beside 1e12 a mean in doubles is too coarse for a density.
  coarse <- is.null(size) && max(abs(args[[1]])) > 1e6 * min(end$parameters$sd)
  if (is.null(args$labels) && !coarse && abs(end$loglik - sum) > 1e-7 * max(1, abs(sum), sum(w))) {
    return(sprintf("log-likelihood %.10g, not %.10g", end$loglik, sum))
  }
  "fit"
}

# As above, without a look into the fit.
class_of_end <- function(args) {
  end <- tryCatch(
    withCallingHandlers(do.call(emix, args), emix_warning = function(w) invokeRestart("muffleWarning")),
    emix_error = identity, error = conditionMessage, warning = function(w) paste("warning:", conditionMessage(w))
  )
  if (is.character(end)) end else intersect(class(end), c("emix", kinds))[1]
}

seeds <- 401:700
problems <- lapply(seeds, nasty_problem)
ends <- vapply(problems, outcome_of, "")

test_that("300 random nasty inputs: sound fits and classed errors, nothing else", {
  odd <- which(!ends %in% c("fit", kinds))
  expect(!length(odd), sprintf("%d of 300 end otherwise:\n%s", length(odd),
    paste(sprintf("nasty_problem(%d): %s", seeds[odd], ends[odd]), collapse = "\n")))
  expect_gt(mean(ends == "fit"), 0.4)
  expect_true("emix_error_degenerate" %in% ends)
})

test_that("an error of degenerate data comes only where components can collapse", {
  for (i in which(ends == "emix_error_degenerate")) {
    args <- problems[[i]]
    expect_null(args$family, label = paste("family of nasty_problem", seeds[i]))
  }
})

test_that("a loop over resamples of small data never dies", {
  set.seed(90)
  outcomes <- replicate(30, {
    x <- sample(precip, 12, TRUE)
    outcome_of(list(x, k = 2, control = em_control(starts = 3)))
  })
  expect_true(all(outcomes %in% c("fit", "emix_error_degenerate")))
  rescued <- replicate(30, {
    x <- sample(precip, 12, TRUE)
    outcome_of(list(x, k = 2, prior = "default", control = em_control(starts = 3)))
  })
  expect_true(all(rescued == "fit"))
})

# One argument of a problem replaced by what may be in it by mistake.
spoiled_problem <- function(seed) {
  args <- nasty_problem(seed)
  n <- NROW(args[[1]])
  wrong <- list(
    k = list(NA, 0, 1.5, "2", -1, numeric(), NULL, 1e6, Inf, list(2), c(1, NA), 1:9, c(3, 1), 1:3, n + 1),
    weights = list(rep(NA_real_, n), replace(rep(1, n), n, NA), numeric(n), -rep(1, n), 1:3, "1", rep(1e-300, n)),
    labels = list(rep(NA, n), numeric(n), 1:2, list(), rep("a", n), factor(rep(c("u", "v"), length.out = n))),
    start = list("a", NA, list(), list(1), matrix(0.5, n, 2), rep(NA, n), factor(rep("a", n)), list(mean = c(1, NA))),
    fixed = list(NA, list(NA), list(), list(prop = c(1, NA)), list(sd = -1), list(prop = c(0.7, 0.7))),
    prior = list("x", 3, em_prior(prop = c(2, 3)), em_prior(prob = c(2, 2)), em_prior(scale = 0), em_prior(df = 9)),
    equal = list("x", NA, 1, character(), c("mean", "sd"), "prop"),
    family = list("gamma", 3, NULL, mix_binomial(size = 10), mix_normal),
    na.action = list(mean, NULL, "x", na.omit)
  )
  name <- sample(names(wrong), 1)
  args[name] <- list(sample(wrong[[name]], 1)[[1]])
  if (runif(1) < 0.2) args[[1]][sample.int(length(args[[1]]), 1)] <- sample(c(NA, Inf, -1, 0.5), 1)
  args
}

test_that("300 calls with a wrong argument: classed errors and warnings, nothing else", {
  seeds <- 1:300
  ends <- vapply(seeds, function(seed) class_of_end(spoiled_problem(seed)), "")
  odd <- which(!ends %in% c("emix", kinds))
  expect(!length(odd), sprintf("%d of 300 end otherwise:\n%s", length(odd),
    paste(sprintf("spoiled_problem(%d): %s", seeds[odd], ends[odd]), collapse = "\n")))
  expect_gt(sum(ends == "emix_error_input"), 100)
  expect_gt(sum(ends == "emix"), 30)
})

test_that("what goes beyond the range of numbers is a classed error, or goes well", {
  x <- faithful$waiting
  for (prior in list(em_prior(mean = -1e300, scale = 1e300), em_prior(mean = 1e200), em_prior(shrinkage = 1e300),
    em_prior("flat", scale = 1e300))) {
    for (k in list(1, 2, 1:3)) expect_input_error(emix(x, k = k, prior = prior), "prior")
    expect_input_error(emix(x, k = 2, prior = prior, start = list(mean = c(50, 80))), "prior")
  }
  for (seed in 1:5) {
    set.seed(seed)
    fit <- tryCatch(emix(x, k = 2, prior = em_prior(mean = 1e20)), emix_error_degenerate = identity)
    if (inherits(fit, "emix")) expect_sound(fit) else expect_s3_class(fit, "emix_error")
  }
  # Units do not matter.
  expect_sound(emix(x * 1e200, k = 2, prior = em_prior(mean = 1e202)))
  expect_error(emix(c(-1.7e308, 0, 1.7e308), k = 1, fixed = list(mean = -1.7e308)), class = "emix_error_fit")
})

test_that("one row beside a missing one can be asked everything", {
  for (how in c("na.exclude", "na.omit")) {
    one <- emix(c(NA, 3), k = 1, fixed = list(sd = 1), na.action = how)
    expect_null(names(fitted(one)))
    expect_length(residuals(one), if (how == "na.omit") 1 else 2)
    coin <- emix(cbind(c(3, NA), c(1, 1)), k = 1, family = "binomial", na.action = how)
    expect_length(fitted(coin), if (how == "na.omit") 1 else 2)
  }
})

test_that("no warning of R's own comes through", {
  far <- emix(cbind(c(38, 9962), c(9962, 38)), k = 1, family = "binomial", fixed = list(prob = 0.5))
  expect_no_warning(ends <- residuals(far))
  expect_true(all(is.finite(ends)))
  expect_no_warning(pemix(38, far, size = 1e4, log.p = TRUE))
  expect_input_error(emix(c(NA, 1, 2), k = 1, na.action = mean), "na.action")
  expect_no_warning(tryCatch(emix(c(NA, 1, 2), k = 1, na.action = mean), emix_error = identity))
})

test_that("data beyond what R can draw are a classed error of plot()", {
  grDevices::pdf(NULL)
  on.exit(grDevices::dev.off())
  for (x in list(c(-1.7e308, 1.7e308), c(0, .Machine$double.xmin, 3 * .Machine$double.xmin), 1:5 * 1e-309)) {
    fit <- suppressWarnings(emix(x, k = 1))
    expect_no_warning(expect_error(plot(fit), class = "emix_error_input"))
  }
  expect_no_warning(plot(emix(1:5 * 1e-280, k = 1)))
  expect_no_warning(plot(emix(1:5 * 1e300, k = 1)))
})

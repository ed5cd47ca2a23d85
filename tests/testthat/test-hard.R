# Classification EM (Celeux & Govaert 1992): each row wholly to its likeliest component. It climbs
# the classification likelihood, sum_i max_j log(prop_j f_j(x_i)), which is fit$objective.

hard_steps <- function(x, iterations, ..., control = list()) {
  emix_steps(x, iterations, ..., control = c(list(estep = "hard"), control))
}

classification <- function(x, parameters, oracle, weights = rep(1, NROW(x)), labels = NULL) {
  joint <- oracle_joint(x, lapply(parameters, unname), oracle)
  best <- apply(joint, 1, max)
  known <- which(!is.na(labels))
  best[known] <- joint[cbind(known, labels[known])]
  sum(weights * best)
}

# One step in plain R: the likeliest component, then the M-step on these rows.
hard_step <- function(x, parameters, oracle, weights = rep(1, NROW(x)), labels = NULL,
                      equal = NULL) {
  joint <- oracle_joint(x, parameters, oracle)
  best <- max.col(joint, ties.method = "first")
  known <- which(!is.na(labels))
  best[known] <- labels[known]
  share <- outer(best, seq_along(parameters$prop), `==`) * weights
  c(list(prop = oracle_prop(colSums(share), NULL, equal)),
    oracle$maximise(x, share, parameters, NULL, equal))
}

test_that("the coins: 0.80 and 0.45 after one step, as if they had been known", {
  fit <- emix(cbind(heads, tails) ~ 1, data = coins, k = 2, family = "binomial", equal = "prop",
    start = list(prob = c(A = 0.6, B = 0.5)), control = em_control(estep = "hard", trace = TRUE))
  expect_true(fit$converged)
  expect_near(fit$parameters$prob, c(24 / 30, 9 / 20), 1e-14)
  expect_near(unlist(fit$trace[2, c("prob.A", "prob.B")]), c(0.8, 0.45), 1e-14)
  # The second step finds nothing to change.
  expect_lte(fit$iterations, 2)
  expect_equal(fit$df, 2)
  expect_identical(as.character(predict(fit, type = "class")), as.character(coins$coin))
})

test_that("logLik is the likelihood of the mixture where it ended", {
  fit <- emix(coin_tosses, k = 2, family = "binomial", equal = "prop",
    start = list(prob = c(0.6, 0.5)), control = em_control(estep = "hard"))
  expect_near(fit$loglik, oracle_loglik(coin_tosses, fit$parameters, oracle_binomial), 1e-13)
  expect_lt(fit$loglik, -9.796924292)
  for (start in list(list(mean = c(50, 80)), list(mean = c(60, 70)), NULL)) {
    hard <- emix(faithful$waiting, k = 2, start = start, control = em_control(estep = "hard"))
    expect_true(hard$converged)
    expect_near(hard$loglik, oracle_loglik(faithful$waiting, hard$parameters, oracle_normal), 1e-13)
    expect_lt(hard$loglik, -1034.00174983161)
    expect_equal(AIC(hard), -2 * hard$loglik + 10)
    expect_sound(hard)
  }
})

test_that("each iterate is a plain classification EM's", {
  w <- rep(c(1, 0.5, 2), length.out = 272)
  labels <- replace(rep(NA_integer_, 272), c(3, 10, 20), c(1L, 2L, 1L))
  start <- list(prop = c(0.5, 0.5), mean = c(50, 60), sd = c(15, 15))
  for (given in list(list(), list(weights = w), list(labels = labels), list(equal = "sd"),
    list(equal = c("prop", "sd")))) {
    steps <- do.call(hard_steps, c(list(faithful$waiting, 7, k = 2, start = start,
      control = list(trace = TRUE)), given))
    parameters <- start
    weights <- if (is.null(given$weights)) rep(1, 272) else w
    for (row in seq_len(nrow(steps$trace))) {
      expect_near(steps$trace[row, -(1:3)], parameters, 1e-11)
      parameters <- hard_step(faithful$waiting, parameters, oracle_normal, weights, given$labels,
        given$equal)
    }
  }
})

test_that("the classification likelihood never falls, and is what the trace shows", {
  cases <- list(
    list(faithful$waiting, oracle_normal, list(k = 2, start = list(mean = c(45, 50)))),
    list(faithful$eruptions, oracle_normal, list(k = 3, start = list(mean = c(2, 3, 4)))),
    list(heights$height, oracle_normal,
      list(k = 2, equal = "sd", start = list(mean = c(160, 165)))),
    list(cbind(c(0:12, 5:7), c(12:0, 7:5)), oracle_binomial,
      list(k = 3, family = "binomial", start = list(prob = c(0.4, 0.5, 0.6))))
  )
  for (case in cases) {
    fit <- do.call(emix, c(list(case[[1]]), case[[3]],
      list(control = em_control(estep = "hard", trace = TRUE))))
    expect_true(fit$converged)
    blocks <- names(fit$parameters)
    climbed <- vapply(seq_len(nrow(fit$trace)), function(row) {
      values <- split(unlist(fit$trace[row, -(1:3)], use.names = FALSE), rep(seq_along(blocks),
        each = fit$k))
      classification(case[[1]], stats::setNames(values, blocks), case[[2]])
    }, 0)
    expect_ascent(climbed)
    expect_near(fit$trace$loglik, climbed, 1e-11)
    expect_near(fit$objective, climbed[length(climbed)], 1e-12)
    # At the end another step changes nothing.
    expect_near(hard_step(case[[1]], lapply(fit$parameters, unname), case[[2]],
      equal = case[[3]]$equal), fit$parameters, 1e-12)
  }
})

test_that("proportions and sds held equal: k-means, whose centres are the groups' means", {
  fit <- emix(faithful$waiting, k = 2, equal = c("prop", "sd"),
    control = em_control(estep = "hard"))
  centres <- stats::kmeans(faithful$waiting, c(50, 80))$centers
  expect_near(fit$parameters$mean, sort(centres), 1e-12)
})

test_that("copies are weights, order of rows is none, many starts and none collapse with it", {
  start <- list(mean = c(50, 80))
  hard <- function(x, ...) emix(x, k = 2, start = start, control = em_control(estep = "hard"), ...)
  w <- rep(1:3, length.out = 272)
  expect_near(coef(hard(rep(faithful$waiting, w))), coef(hard(faithful$waiting, weights = w)),
    1e-11)
  expect_near(coef(hard(rev(faithful$waiting))), coef(hard(faithful$waiting)), 1e-12)
  for (seed in 1:3) {
    set.seed(seed)
    fit <- suppressWarnings(emix(faithful$eruptions, k = 3, control = em_control(estep = "hard")),
      classes = "emix_warning_spurious")
    expect_sound(fit)
    expect_true(fit$converged)
  }
})

test_that("a hard fit says what it is, keeps its way in update(), and acceleration is off", {
  fit <- emix(faithful$waiting, k = 2, control = em_control(estep = "hard"))
  expect_output(print(fit), "assignments do not change")
  expect_identical(fit$arguments$control$estep, "hard")
  expect_false(em_control(estep = "hard")$accelerate)
  expect_near(coef(update(fit)), coef(fit), 1e-12)
  soft <- update(fit, control = em_control())
  expect_near(soft$loglik, -1034.00174983161, 1e-9)
  expect_warning(emix(faithful$waiting, k = 2, start = list(mean = c(45, 50)),
    control = em_control(estep = "hard", max_iter = 1)), class = "emix_warning_iterations")
})

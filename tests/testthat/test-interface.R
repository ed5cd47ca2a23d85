# The one front door: formula, numbering, names, starts, working un-attached.

x <- faithful$waiting

test_that("weights, labels and subset are columns of data first, then variables around", {
  data <- data.frame(y = x, w = rep(1:2, 136), g = factor(ifelse(x > 85, "long", NA)),
    keep = x > 45)
  direct <- emix(x[data$keep], k = 2, weights = data$w[data$keep], labels = data$g[data$keep],
    start = list(mean = c(80, 55)))
  fit <- emix(y ~ 1, data, k = 2, weights = w, labels = g, subset = keep,
    start = list(mean = c(80, 55)))
  expect_identical(answer(fit), answer(direct))
  expect_equal(nobs(fit), sum(data$w[data$keep]))

  local_fit <- function() {
    halves <- rep(0.5, 272)
    y <- x
    emix(y ~ 1, k = 2, equal = "sd", weights = halves)
  }
  expect_equal(nobs(local_fit()), 136)
  twice <- emix(y ~ 1, data, k = 2, equal = "sd", weights = 2 * w)
  expect_equal(nobs(twice), 2 * sum(data$w))
})

test_that("the response may be an expression", {
  fit <- emix(log(eruptions) ~ 1, faithful, k = 2, equal = "sd")
  expect_identical(answer(fit), answer(emix(log(faithful$eruptions), k = 2, equal = "sd")))
  sized <- emix(heads ~ 1, coins, k = 2, family = mix_binomial(size = 10), equal = "prop")
  both <- emix(cbind(heads, 10 - heads) ~ 1, coins, k = 2, family = "binomial", equal = "prop")
  expect_identical(answer(sized), answer(both))
})

test_that("subset takes numbers and expressions", {
  expect_equal(nobs(emix(height ~ 1, heights, k = 1, subset = 1:100)), 100)
  expect_equal(nobs(emix(height ~ 1, heights, k = 1, subset = classroom)), 100)
  expect_equal(nobs(emix(height ~ 1, heights, k = 1, subset = sex == "male" & classroom)), 50)
})

test_that("everything works without attaching", {
  out <- in_fresh_session(c(
    "fit <- emix::emix(faithful$waiting, k = 2, equal = \"sd\")",
    "coin <- emix::emix(cbind(heads, tails) ~ 1, data = emix::coins, family = \"binomial\",",
    "  k = 2, control = emix::em_control(tol = 1e-9))",
    "stopifnot(!\"package:emix\" %in% search(), nrow(emix::heights) == 934)",
    "invisible(capture.output(print(fit), print(summary(coin))))",
    "invisible(list(coef(fit), predict(coin), residuals(fit), update(fit, k = 1), BIC(fit),",
    "  simulate(coin, 1), emix::qemix(0.5, fit), update(coin, equal = \"prop\"), fitted(coin)))",
    "pdf(NULL)",
    "plot(fit)",
    "plot(coin)",
    "cat(\"done\", format(logLik(fit), digits = 10))"
  ))
  expect_match(paste(out, collapse = " "), "done -1034.00176")
})

test_that("components are numbered by mean, or by probability", {
  set.seed(40)
  for (repeated in 1:3) {
    expect_false(is.unsorted(emix(x, k = 3, equal = "sd")$parameters$mean))
    expect_false(is.unsorted(emix(coin_tosses, k = 2, family = "binomial")$parameters$prob))
  }
  same <- emix(c(-9:9, -1, 0, 1, 0, 0.5), k = 2, equal = "mean")
  expect_false(is.unsorted(same$parameters$sd))
})

test_that("equal values in `fixed` tell no components apart, different ones do", {
  fit <- emix(x, k = 2, fixed = list(prop = c(0.5, 0.5), sd = c(6, 6)))
  expect_false(is.unsorted(fit$parameters$mean))
  fit <- emix(x, k = 2, fixed = list(prop = c(0.64, 0.36)))
  expect_identical(unname(fit$parameters$prop), c(0.64, 0.36))
  expect_gt(fit$parameters$mean[[1]], fit$parameters$mean[[2]])
})

test_that("names come from labels, from the start's first parameter, or from its columns", {
  short <- x < 68
  word <- ifelse(short, "short", "long")
  names_of <- function(...) emix(x, k = 2, ...)$components
  expect_identical(names_of(), c("1", "2"))
  expect_identical(names_of(labels = factor(word, c("short", "long"))), c("short", "long"))
  expect_identical(names_of(labels = word), c("long", "short"))
  expect_identical(names_of(start = list(mean = c(low = 50, high = 80))), c("low", "high"))
  expect_identical(names_of(start = factor(word)), c("long", "short"))
  expect_identical(names_of(start = word), c("long", "short"))
  expect_identical(names_of(start = cbind(b = short, a = !short) + 0), c("b", "a"))
  expect_identical(names_of(start = data.frame(b = short + 0, a = !short + 0)), c("b", "a"))
})

test_that("a start may be labels or posteriors: the same maximum", {
  short <- x < 68
  best <- emix(x, k = 2, start = list(mean = c(50, 80)))
  for (start in list(ifelse(short, 1, 2), factor(short, c(TRUE, FALSE)), cbind(short, !short) + 0,
    cbind(0.6 + 0.2 * short, 0.4 - 0.2 * short))) {
    fit <- emix(x, k = 2, start = start)
    expect_near(fit$loglik, best$loglik, 1e-9)
    expect_near(coef(fit), coef(best), 1e-6)
  }
  first <- emix_steps(x, 0, k = 2, start = ifelse(short, 1, 2))
  expect_near(first$parameters$mean, c(mean(x[short]), mean(x[!short])), 1e-12)
  expect_near(first$parameters$prop, c(mean(short), 1 - mean(short)), 1e-12)
})

test_that("max_iter = 0 evaluates the start", {
  start <- list(prop = c(0.3, 0.7), mean = c(50, 80), sd = c(5, 6))
  fit <- emix_steps(x, 0, k = 2, start = start)
  expect_identical(lapply(fit$parameters, unname), start)
  expect_near(fit$loglik, oracle_loglik(x, start, oracle_normal), 1e-13)
  expect_equal(fit$iterations, 0)
  expect_false(fit$converged)
})

test_that("fixed values overrule the start", {
  fit <- emix_steps(x, 0, k = 2, start = list(mean = c(50, 80), sd = c(5, 6)),
    fixed = list(sd = c(4, NA)))
  expect_identical(unname(fit$parameters$sd), c(4, 6))
  needless <- emix_steps(x, 0, k = 2, start = list(sd = c(5, 6)), fixed = list(mean = c(50, 80)))
  expect_identical(unname(needless$parameters$mean), c(50, 80))
})

test_that("nothing but NA in fixed holds nothing", {
  start <- list(mean = c(50, 80))
  nothing <- list(sd = c(NA, NA), mean = c(NA, NA))
  expect_identical(answer(emix(x, k = 2, start = start, fixed = nothing)),
    answer(emix(x, k = 2, start = start)))
  expect_identical(answer(emix(x, k = 2, start = start, fixed = list())),
    answer(emix(x, k = 2, start = start)))
})

test_that("labels give k, and all labelled is a closed form", {
  g <- factor(ifelse(x < 60, "a", ifelse(x < 80, "b", "c")))
  fit <- emix(x, labels = g)
  expect_equal(fit$k, 3)
  expect_true(fit$converged)
  expect_near(fit$parameters$mean, tapply(x, g, mean), 1e-12)
  expect_near(fit$parameters$sd, tapply(x, g, function(v) sqrt(mean((v - mean(v))^2))), 1e-12)
  expect_near(fit$parameters$prop, table(g) / 272, 1e-13)
  pooled <- emix(x, labels = g, equal = "sd")
  expect_near(pooled$parameters$sd, rep(sqrt(mean((x - ave(x, g))^2)), 3), 1e-12)
  known <- ifelse(x > 90, 2, NA)
  expect_equal(emix(x, labels = known)$k, 2)
  expect_equal(emix(x, k = 3, labels = known)$k, 3)
})

test_that("unknown labels alone change nothing", {
  start <- list(mean = c(50, 80))
  expect_identical(answer(emix(x, k = 2, start = start, labels = rep(NA, 272))),
    answer(emix(x, k = 2, start = start)))
})

test_that("starts: as many as asked for, the first from the data alone", {
  table <- emix(x, k = 2, control = em_control(starts = 8))$starts
  expect_equal(nrow(table), 8)
  set.seed(1)
  a <- emix(x, k = 2, control = em_control(starts = 1))
  set.seed(2)
  b <- emix(x, k = 2, control = em_control(starts = 1))
  expect_identical(answer(a), answer(b))
  set.seed(3)
  before <- .Random.seed
  emix(x, k = 2, start = list(mean = c(50, 80)))
  expect_identical(.Random.seed, before)
})

test_that("the caller's data are not changed", {
  start <- list(prop = c(0.5, 0.5), mean = c(50, 80), sd = c(5, 5))
  y <- x + 0
  w <- rep(1, 272)
  emix(y, k = 2, start = start, weights = w)
  expect_identical(y, x + 0)
  expect_identical(w, rep(1, 272))
  expect_identical(start, list(prop = c(0.5, 0.5), mean = c(50, 80), sd = c(5, 5)))
})

test_that("the examples of the help page", {
  fit <- emix(x, k = 2, fixed = list(prop = c(0.4, 0.6)))
  expect_equal(fit$df, 4)
  fit <- emix(coins$heads, k = 2, family = mix_binomial(size = 10), equal = "prop")
  expect_near(fit$loglik, -9.796924292, 1e-9)
})

test_that("a forked child fits like its parent, with threads used before and asked for", {
  skip_on_os("windows") # has no fork
  two <- em_control(threads = 2, condense = "none")
  wide <- rep(x, 20) + seq_len(5440) / 1e4
  start <- list(mean = c(50, 80))
  here <- emix(wide, k = 2, start = start, control = two)
  child <- parallel::mcparallel(answer(emix(wide, k = 2, start = start, control = two)))
  expect_identical(parallel::mccollect(child)[[1]], answer(here))
})

test_that("text labels are numbered by the C locale's order, whatever the session's", {
  out <- in_fresh_session("
    Sys.setlocale('LC_COLLATE', 'C.UTF-8')
    icuSetCollate(locale = 'en_US')
    names <- c('b', 'A', 'a', 'B')
    if (identical(sort(names), c('A', 'B', 'a', 'b'))) { cat('no other order here'); q() }
    rows <- faithful$waiting
    some <- replace(rep(NA, 272), 1:8, names)
    cat(emix::emix(rows, k = 5, equal = 'sd', labels = some)$components)
    cat(emix::emix(rows, k = 4, equal = 'sd', start = rep(names, 68))$components)")
  skip_if(any(grepl("no other order", out)))
  expect_match(paste(out, collapse = ""), "A B a b 5A B a b")
})

test_that("labels of other kinds: a factor has its own order, FALSE comes first", {
  names <- c("b", "A", "a", "B")
  some <- replace(rep(NA, 272), 1:8, names)
  labelled <- function(labels) emix(faithful$waiting, equal = "sd", labels = labels)
  expect_identical(labelled(factor(some, names))$components, names)
  expect_identical(labelled(some == "a")$components, c("FALSE", "TRUE"))
  expect_identical(labelled(some)$components, c("A", "B", "a", "b"))
  # NA is no label, though a factor can call it a level.
  with_level <- addNA(factor(some, names))
  expect_identical(answer(labelled(with_level)), answer(labelled(factor(some, names))))
})

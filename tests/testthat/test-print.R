# What people read. Numbers that hang on rounding or on the number of iterations are masked.

masked <- function(lines) {
  lines <- gsub("[0-9,]+ iterations?", "<n> iterations", lines)
  lines <- gsub("about ([-+0-9.e]+[0-9]|Inf)", "about <g>", lines)
  lines <- gsub("within [-+0-9.e]+[0-9] of", "within <g> of", lines)
  lines <- gsub("[0-9,]+ runs?: .*", "<n> runs: <outcomes>", lines)
  lines <- gsub("(without constants[)]) [-0-9.,]+", "\\1 <l>", lines)
  lines[!grepl("^other maxima: ", lines)]
}

# Also where other snapshots are skipped: text alone, the same with every version of testthat.
expect_print <- function(fit) {
  expect_snapshot(print(fit), transform = masked, cran = TRUE)
  expect_snapshot(print(summary(fit)), transform = masked, cran = TRUE)
}

message_of <- function(code) {
  cat(conditionMessage(tryCatch(code, error = identity, warning = identity)), "\n")
}

test_that("coins, proportions equal", {
  expect_print(emix(cbind(heads, tails) ~ 1, data = coins, k = 2, family = "binomial",
    equal = "prop"))
})

test_that("coins known", {
  expect_print(emix(cbind(heads, tails) ~ 1, data = coins, family = "binomial", labels = coin))
})

test_that("heights, equal sd", {
  expect_print(emix(height ~ 1, data = heights, k = 2, equal = "sd"))
})

test_that("one component", {
  expect_print(emix(faithful$waiting, k = 1))
})

test_that("parameters held", {
  expect_print(emix(faithful$waiting, k = 2, fixed = list(prop = c(0.4, 0.6), sd = c(6, NA))))
})

test_that("weights, some labels, rows left out", {
  x <- c(faithful$waiting, NA)
  g <- replace(rep(NA, 273), 1:3, c("long", "short", "long"))
  expect_print(emix(x, k = 2, weights = rep(c(1, 2.5, 0), 91), labels = g, na.action = na.omit))
})

test_that("not converged", {
  expect_warning(
    fit <- emix(faithful$waiting, start = list(mean = c(55, 80)),
      control = em_control(max_iter = 3)),
    class = "emix_warning_iterations"
  )
  expect_snapshot(print(fit), transform = masked, cran = TRUE)
})

test_that("several k", {
  set.seed(1)
  expect_print(emix(faithful$waiting, k = 1:3))
})

test_that("a posterior mode, a boundary, a chance cluster", {
  expect_print(emix(faithful$waiting, k = 2, prior = em_prior(prop = 2)))
  s <- c(0, 0, 0, 5, 6, 5)
  expect_print(emix(cbind(s, 10 - s), k = 2, family = "binomial"))
  expect_warning(fit <- emix(c(1:40 / 10, 9, 9.001), k = 2), class = "emix_warning_spurious")
  expect_print(fit)
})

test_that("hard EM, and the gradient function", {
  expect_print(emix(cbind(heads, tails) ~ 1, data = coins, k = 2, family = "binomial",
    equal = "prop", start = list(prob = c(A = 0.6, B = 0.5)), control = em_control(estep = "hard")))
  expect_snapshot(cran = TRUE, print(em_gradient(emix(cbind(heads, tails) ~ 1, data = coins, k = 2,
    family = "binomial", equal = "prop"))))
})

test_that("a long call is shortened", {
  fit <- emix(c(54, 74, 62, 85, 55, 88, 85, 51, 85, 54, 84, 78, 47, 83, 52, 62, 84, 52, 79, 51, 47,
    78, 69, 74, 83, 55, 76, 78, 79, 73, 77, 66, 80, 74, 52, 48, 80, 59, 90, 80, 58, 84, 58, 73, 83,
    64, 53, 82, 59, 75, 90, 54, 80, 54, 83, 71, 64, 77, 81, 59, 84, 48, 82, 60, 92, 78, 78, 65, 73,
    82, 56, 79, 71, 62, 76, 60, 78, 76, 83, 75, 82, 70, 65, 73, 88, 76, 80, 48, 86, 60, 90), k = 1)
  expect_lt(length(capture.output(print(fit))), 14)
  expect_output(print(fit), "...", fixed = TRUE)
})

test_that("a call made by do.call() says what the data are, and does not hold them", {
  x <- faithful$waiting
  fit <- do.call(emix, list(x, k = 2, control = em_control(starts = 3), na.action = na.omit))
  expect_identical(deparse1(fit$call), paste("emix(x = `<a numeric vector of length 272>`, k = 2,",
    "control = `<an object of class \"em_control\">`, na.action = `<a function>`)"))
  expect_lt(length(utils::capture.output(print(fit))), 12)
  by_frame <- do.call(emix, list(faithful["waiting"], weights = rep(1, 272), start = list(mean = c(50, 80))))
  expect_identical(deparse1(by_frame$call), paste("emix(x = `<a data frame of 272 x 1>`,",
    "weights = `<a numeric vector of length 272>`, start = list(mean = c(50, 80)))"))
  by_formula <- do.call(emix, list(waiting ~ 1, data = faithful, k = 1))
  expect_identical(deparse1(by_formula$call), "emix(x = waiting ~ 1, data = `<a data frame of 272 x 2>`, k = 1)")
  inner <- eval(bquote(emix(log(.(x)), k = 1)))
  expect_identical(deparse1(inner$call), "emix(x = log(`<a numeric vector of length 272>`), k = 1)")
  changed <- do.call(update, list(fit, weights = rep(2, 272)))
  expect_lt(object.size(changed$call), 5000)
  expect_near(coef(update(fit)), coef(fit), 1e-12)
  # Short values and what was typed stay.
  expect_identical(deparse1(do.call(emix, list(quote(x), k = 1:2))$call), "emix(x = x, k = 1:2)")
  expect_identical(emix(x, k = 2, start = list(mean = c(50, 80)))$call, quote(emix(x = x, k = 2, start = list(mean = c(50, 80)))))
  grDevices::pdf(NULL)
  on.exit(grDevices::dev.off())
  expect_no_error(plot(fit))
})

test_that("a long typed call is printed in a few lines", {
  words <- paste(rep("a", 3000), collapse = "")
  fit <- eval(parse(text = sprintf("emix(faithful$waiting, k = 2, start = list(mean = c(%s = 50, b = 80)))", words)))
  expect_lt(nchar(utils::capture.output(print(fit))[2]), 125)
})

test_that("many components, of which the first are shown", {
  fit <- emix_steps(seq(1, 80, 0.5), 2, k = 40, start = list(mean = seq(1, 79, 2)), equal = "sd")
  out <- capture.output(print(fit))
  expect_lt(length(out), 60)
  expect_match(out, "as.data.frame", all = FALSE)
})

test_that("round numbers of rows are written out", {
  fit <- emix(rep(c(1, 2, 4), 1e5), k = 1, weights = rep(1, 3e5))
  out <- utils::capture.output(print(summary(fit)))
  expect_match(out, "300000 +300000", all = FALSE)
})

test_that("the distance to the maximum is never said to be below rounding, nor infinite", {
  bound <- function(fit) as.numeric(sub(".*within ([^ ]+) of.*", "\\1", grep("within", utils::capture.output(print(fit)), value = TRUE)))
  fit <- emix(faithful$waiting, k = 2)
  expect_lt(fit$convergence$gain, 1e-16)
  expect_gte(bound(fit), .Machine$double.eps * 1034)
  expect_lt(bound(fit), 1e-10)
  one <- emix(cbind(0, 5), k = 1, family = "binomial")
  expect_lte(bound(one), 1e-15)
  for (gain in list(Inf, NA_real_, NaN)) {
    fit$convergence$gain <- gain
    out <- paste(utils::capture.output(print(fit), print(summary(fit))), collapse = " ")
    expect_no_match(out, "within")
    expect_match(out, "converged: the steps of EM have ended", fixed = TRUE)
  }
})

test_that("the messages of errors and warnings", {
  set.seed(1)
  x <- faithful$waiting
  expect_snapshot(cran = TRUE, transform = masked, {
    message_of(emix(c(x, NA), k = 2))
    message_of(emix(x, k = 0))
    message_of(emix(letters))
    message_of(emix(coins$heads, k = 2, family = "binomial"))
    message_of(emix(rep(3, 20), k = 2))
    message_of(emix(x, k = 2, weights = -x))
    message_of(emix(x, k = 2, fixed = list(prop = c(0.5, 0.6))))
    message_of(emix(x, k = 2, start = list(sd = c(1, 2))))
    message_of(emix(x, kk = 2))
    message_of(emix(height ~ sex, data = heights))
    message_of(em_control(tol = 2))
    message_of(predict(emix(x, k = 1), type = "prob"))
    message_of(coef(structure(list(), class = "emix")))
    message_of(emix(x, k = 2, start = list(mean = c(70, 70))))
    message_of(emix(x, k = 2, start = list(mean = c(54, 80)), control = em_control(max_iter = 2)))
  })
})

test_that("sentences of messages begin with a capital or a name", {
  x <- faithful$waiting
  messages <- vapply(list(
    function() emix(rep(3, 20), k = 2), function() emix(rep(3, 20), k = 1),
    function() emix(c(x, 1e6), k = 2), function() emix(c(x, NA), k = 2),
    function() emix(x, k = 2, start = list(mean = c(70, 70))),
    function() emix(x, k = 2, start = list(mean = c(54, 80)), control = em_control(max_iter = 2)),
    function() emix(c(qnorm(ppoints(50)), 10, 10.001), k = 2)
  ), function(run) conditionMessage(tryCatch(run(), error = identity, warning = identity)), "")
  expect_no_match(messages, "[.] [a-z]")
})

test_that("controls and families", {
  expect_snapshot(cran = TRUE, {
    em_control(progress = FALSE)
    em_prior()
    em_prior("flat", prop = c(2, 3), scale = 4)
    mix_normal()
    mix_binomial()
    mix_binomial(size = c(10, 20))
  })
})

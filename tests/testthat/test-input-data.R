# Data that are not data: each a classed error that names the argument.

x <- faithful$waiting

test_that("x must be numbers", {
  for (bad in list(NULL, numeric(), integer(), letters, factor(letters), list(1, 2, 3), TRUE,
    as.Date("2020-01-01") + 0:9, 1i * (1:9), quote(a), sum, new.env(), array(1:8, c(2, 2, 2)),
    matrix(0, 0, 1), matrix(0, 0, 2), data.frame(), data.frame(a = letters), raw(5))) {
    expect_input_error(emix(bad, k = 1), "x")
    expect_input_error(emix(bad, k = 1, family = "binomial"), "x")
  }
})

test_that("x must be given", {
  expect_input_error(emix(), "x")
  expect_input_error(emix(k = 2), "x")
})

test_that("missing and infinite values stop, with the row and the remedy", {
  expect_input_error(emix(c(x, NA), k = 2), "x", "na.omit")
  expect_input_error(emix(c(NaN, x), k = 2), "x", "1 row")
  expect_input_error(emix(rep(NA_real_, 5), k = 1), "x")
  expect_input_error(emix(rep(NA_real_, 5), k = 1, na.action = na.omit), "x")
  expect_input_error(emix(c(x, Inf), k = 2), "x", "finite")
  expect_input_error(emix(c(x[1:4], -Inf, x), k = 2), "x", "row 5")
  expect_input_error(emix(c(x, Inf), k = 2, na.action = na.omit), "x", "finite")
  expect_input_error(emix(rbind(coin_tosses, c(NA, 1)), k = 2, family = "binomial"), "x", "na.omit")
  expect_input_error(emix(rbind(coin_tosses, c(1, Inf)), k = 2, family = "binomial"), "x", "finite")
  expect_input_error(emix(c(5, NA), k = 1, family = mix_binomial(size = 10)), "x", "na.omit")
})

test_that("the error of missing values says how many rows and which", {
  error <- expect_input_error(emix(c(1, NA, 3, NaN, 5), k = 1), "x")
  expect_match(conditionMessage(error), "2 rows (2 and 4)", fixed = TRUE)
})

test_that("constant data have no normal fit, whatever k", {
  for (k in 1:3) expect_error(emix(rep(3, 20), k = k), class = "emix_error_degenerate")
  expect_error(emix(rep(1e12, 20), k = 1), class = "emix_error_degenerate")
  expect_error(emix(rep(0, 20), k = 2, equal = "sd"), class = "emix_error_degenerate")
  expect_error(emix(5, k = 1), class = "emix_error_degenerate")
  error <- expect_error(emix(rep(3, 20), k = 2), class = "emix_error")
  expect_match(conditionMessage(error), "same value")
})

test_that("constant data with the sd held are a fit", {
  fit <- emix(rep(3, 20), k = 1, fixed = list(sd = 2))
  expect_near(fit$parameters, c(1, 3, 2), 1e-14)
  expect_near(fit$loglik, 20 * dnorm(3, 3, 2, log = TRUE), 1e-13)
  expect_equal(fit$df, 1)
})

test_that("two distinct values collapse with free sds, not with a common one held", {
  expect_error(emix(rep(c(1, 5), 10), k = 2), class = "emix_error_degenerate")
  expect_error(emix(rep(c(1, 5), 10), k = 2, start = list(mean = c(1, 5), sd = c(1, 1))),
    class = "emix_error_degenerate")
  fit <- emix(rep(c(1, 5), 10), k = 2, fixed = list(sd = c(0.5, 0.5)))
  expect_near(fit$parameters$mean, c(1, 5), 1e-9)
})

test_that("fewer rows than components", {
  expect_input_error(emix(1:2, k = 3), "k", "rows")
  expect_input_error(emix(numeric(1), k = 2), "k")
  expect_input_error(emix(coin_tosses, k = 6, family = "binomial"), "k")
  expect_input_error(emix(c(1, NA, 2), k = 3, na.action = na.omit), "k")
})

test_that("k is a whole number from 1, or several", {
  for (bad in list(0, -1, 1.5, NA, NA_real_, NaN, Inf, 1e10, "2", numeric(), NULL, list(2),
    factor(2), 2i, 1e300, c(1, NA), c(0, 2), c(2, 1.5), c("1", "2"), list(1, 2), c(1, Inf),
    factor(1:2), c(1, 1e10))) {
    expect_input_error(emix(x, k = bad), "k")
    expect_input_error(emix(coin_tosses, k = bad, family = "binomial"), "k")
  }
  expect_identical(emix(x, k = 1L)$k, emix(x, k = 1)$k)
})

test_that("counts are whole, not negative, and successes no more than trials", {
  binomial <- function(x, ...) emix(x, k = 1, family = "binomial", ...)
  expect_input_error(binomial(cbind(c(1, -1), c(2, 2))), "x", "row 2")
  expect_input_error(binomial(cbind(c(1, 1), c(2, -2))), "x", "row 2", named = "failures")
  expect_input_error(binomial(cbind(c(1, 1.5), c(2, 2))), "x", "row 2")
  expect_input_error(binomial(cbind(c(1, 1), c(2, 2.25))), "x", "row 2")
  expect_input_error(binomial(1:5), "x", "size")
  expect_input_error(binomial(matrix(1:9, 3)), "x")
  expect_input_error(binomial(cbind(0:2, 0)[c(1, 1), ]), "size", "zero")
  sized <- function(x, size) emix(x, k = 1, family = mix_binomial(size = size))
  expect_input_error(sized(c(3, 5), 4), "size", "row 2")
  expect_input_error(sized(c(3, 5), c(4, 4)), "size", "row 2")
  expect_input_error(sized(c(3, 5), c(4, 5, 6)), "size", "length")
  expect_input_error(sized(c(3, -5), 9), "x", "row 2")
  expect_input_error(sized(c(3, 4.5), 9), "x", "row 2")
  expect_input_error(sized(c(0, 0), 0), "size", "zero")
  expect_input_error(sized(coin_tosses, 10), "size")
})

test_that("numbers of trials are whole and not negative", {
  for (bad in list(-1, 1.5, NA, NA_real_, NaN, Inf, "10", factor(10), list(10), c(10, -1),
    numeric(), 1e300)) {
    expect_input_error(mix_binomial(size = bad), "size")
  }
  expect_identical(mix_binomial()$name, "binomial")
  expect_identical(mix_binomial(10L)$size, 10)
})

test_that("a family that does not exist, or does not fit the response", {
  for (bad in list("cauchy", "norm", "", NA, NA_character_, 3, c("normal", "binomial"), list(),
    character(), stats::sd, data.frame())) {
    expect_input_error(emix(x, k = 2, family = bad), "family")
  }
  # Tosses of ten are collinear columns, of which no covariance can be estimated.
  expect_error(emix(coin_tosses, k = 2), "family = \"binomial\"", class = "emix_error_degenerate")
  expect_input_error(emix(coin_tosses, k = 2, family = "normal"), "x", "column")
  expect_input_error(emix(iris[, 1:4], k = 2, family = "normal"), "x", "4 columns")
  expect_input_error(emix(iris[, 1], k = 2, family = "mvnormal"), "x", "two or more columns")
  expect_input_error(emix(iris, k = 2), "x", "Species")
})

test_that("a family may be given by name, value or function", {
  a <- answer(emix(x, k = 1, family = "normal"))
  expect_identical(answer(emix(x, k = 1)), a)
  expect_identical(answer(emix(x, k = 1, family = mix_normal())), a)
  expect_identical(answer(emix(x, k = 1, family = mix_normal)), a)
})

test_that("unknown arguments, and arguments without a name too many", {
  expect_error(emix(x, k = 2, families = "normal"), "families", class = "emix_error_input")
  expect_error(emix(as.data.frame(x), k = 2, bogus = 1), "bogus", class = "emix_error_input")
  error <- expect_error(emix(height ~ 1, heights, bogus = 2), class = "emix_error_input")
  expect_identical(error$argument, "bogus")
})

test_that("na.action is one of R's that leave rows out", {
  for (bad in list(na.pass, "na.pass", "no such function", 3, TRUE, identity, list())) {
    expect_input_error(emix(c(x, NA), k = 1, na.action = bad), "na.action")
  }
})

test_that("a formula is response ~ 1, of things that exist", {
  for (bad in list(~1, height ~ sex, height ~ 0, height ~ ., height ~ 1 + offset(height),
    height ~ height)) {
    expect_input_error(emix(bad, data = heights, k = 2), "x")
  }
  expect_input_error(emix(height ~ ., k = 2), "x")
  expect_input_error(emix(no_such_column ~ 1, heights), "x", named = "no_such_column")
  expect_input_error(emix(height + "a" ~ 1, heights), "x", named = "non-numeric")
  expect_input_error(emix(sex ~ 1, data = heights, k = 2), "x", named = "sex")
  expect_input_error(emix(family ~ 1, data = heights, k = 2), "x", named = "family")
  for (bad in list(3, "heights", letters, mean)) {
    expect_input_error(emix(height ~ 1, data = bad, k = 2), "data")
  }
  error <- expect_error(emix(height ~ 1, heights, weights = no_such_weights),
    class = "emix_error_input")
  expect_match(conditionMessage(error), "no_such_weights")
  error <- expect_error(emix(height ~ 1, heights, subset = no_such_rows),
    class = "emix_error_input")
  expect_match(conditionMessage(error), "no_such_rows")
  expect_input_error(emix(height ~ 1, heights, subset = height < 0), "x")
})

test_that("arguments that other functions have are answered by where to go", {
  expect_input_error(emix(faithful, G = 2), "G", "`k`")
  expect_input_error(emix(faithful, n_components = 2), "n_components", "`k`")
  expect_input_error(emix(faithful, modelNames = "VVV"), "modelNames", "mix_mvnormal")
  expect_input_error(emix(faithful, na.rm = TRUE), "na.rm", "na.action")
  for (name in names(formals(em_control))) {
    expect_input_error(do.call(emix, c(list(faithful$waiting), stats::setNames(list(1), name))), name, "em_control")
  }
})

test_that("a column that is not numeric is named, in data and in new data", {
  expect_input_error(emix(iris), "x", "`Species` is a factor")
  fit <- emix(faithful, k = 2)
  text <- transform(faithful[1:2, ], waiting = c("a", "b"))
  expect_input_error(predict(fit, text), "newdata", "`waiting` is a character vector")
  expect_input_error(predict(fit, faithful["waiting"]), "newdata", "without eruptions")
  # Other columns may be anything; no rows have no answers; a column of NA may be logical.
  expect_identical(predict(fit, cbind(kind = "a", faithful[2:1])), predict(fit, faithful))
  expect_identical(dim(predict(fit, faithful[0, ])), c(0L, 2L))
  expect_true(all(is.na(predict(fit, transform(faithful[1:2, ], waiting = NA)))))
  expect_input_error(emix(faithful[0, ]), "x", "at least one row")
})

test_that("a dot on the left of a formula is answered by the data frame itself", {
  expect_input_error(emix(. ~ 1, data = faithful), "x", "emix.data.")
})

test_that("labels that number from zero are an error with the row", {
  expect_input_error(emix(faithful, labels = rep(0:1, 136)), "labels", "not 0 .row 1, 3")
})

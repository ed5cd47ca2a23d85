# The coefficient table of summary() and what is said of it.

lines_of <- function(fit) utils::capture.output(print(summary(fit)))

test_that("the table is that of vcov() and confint(), shared parameters once", {
  fit <- emix(height ~ 1, data = heights, k = 2, equal = "sd")
  found <- coef(summary(fit))
  rows <- c("prop.1", "prop.2", "mean.1", "mean.2", "sd.1")
  expect_identical(rownames(found), c(rows[1:4], "sd"))
  expect_identical(colnames(found), c("estimate", "std. error", "2.5 %", "97.5 %"))
  expect_identical(unname(found[, 1]), unname(coef(fit)[rows]))
  expect_near(found[, 2], sqrt(diag(vcov(fit)))[rows], 1e-14)
  expect_identical(unname(found[, 3:4]), unname(confint(fit)[rows, ]))
  expect_length(summary(fit)$notes, 0)
})

test_that("what is printed fits a terminal, and held parameters are left out", {
  for (fit in list(emix(faithful$waiting, k = 2), emix(faithful$waiting * 1e-150, k = 2),
    emix(faithful$waiting * 1e12, k = 2, fixed = list(mean = c(5.5e13, NA))),
    emix(cbind(heads, tails) ~ 1, data = coins, k = 2, family = "binomial"))) {
    expect_lte(max(nchar(lines_of(fit)[-(1:2)])), 80)
  }
  held <- summary(emix(faithful$waiting, k = 2, fixed = list(prop = c(0.4, 0.6), mean = c(55, NA))))
  expect_identical(rownames(held$coefficients), c("mean.2", "sd.1", "sd.2"))
  all <- emix(faithful$waiting, k = 1, fixed = list(mean = 70, sd = 13))
  expect_null(summary(all)$coefficients)
  expect_no_match(lines_of(all), "std. error")
})

test_that("standard errors without meaning are said to be", {
  expect_match(summary(emix(cbind(heads, tails) ~ 1, data = coins, k = 2, family = "binomial"))$notes,
    "prop.1 and prop.2 cover nearly all")
  flat <- emix(faithful$waiting, k = 2, equal = "mean")
  expect_no_warning(s <- summary(flat))
  expect_match(s$notes, "singular")
  expect_true(all(is.na(s$coefficients[, -1])))
  s <- c(0, 0, 0, 5, 6, 5)
  edge <- summary(emix(cbind(s, 10 - s), k = 2, family = "binomial"))
  expect_match(edge$notes, "boundary.*prob.1")
  expect_identical(unname(is.na(edge$coefficients[, 2])), c(FALSE, FALSE, TRUE, FALSE))
  early <- emix_steps(faithful$waiting, 30, k = 2, start = list(mean = c(55, 80)))
  expect_match(summary(early)$notes, "not converged")
  expect_warning(chance <- emix(c(1:40 / 10, 9, 9.001), k = 2), class = "emix_warning_spurious")
  expect_match(summary(chance)$notes, "chance cluster", all = FALSE)
  map <- emix(faithful$waiting, k = 2, prior = "default")
  expect_match(lines_of(map), "curvature of the log posterior", all = FALSE)
})

test_that("where they are not to be had, a line says so", {
  hard <- emix(faithful$waiting, k = 2, control = em_control(estep = "hard"))
  expect_null(summary(hard)$coefficients)
  expect_match(lines_of(hard), "No standard errors: a hard E-step", all = FALSE)
  many <- emix_steps(seq(1, 400, 0.5), 1, k = 201, start = list(mean = seq(1, 401, 2)), equal = "sd")
  expect_match(summary(many)$notes, "too many parameters")
  some <- emix_steps(seq(1, 80, 0.5), 2, k = 40, start = list(mean = seq(1, 79, 2)), equal = "sd")
  expect_lt(length(lines_of(some)), 120)
})

test_that("a summary of the time before standard errors can be printed", {
  s <- summary(emix(faithful$waiting, k = 2))
  s[c("coefficients", "notes")] <- NULL
  expect_output(print(s), "expected")
})

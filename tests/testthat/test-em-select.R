# The choice among k and structures: every number from the formulas, folds by law.

x <- faithful$waiting
choose <- function(...) {
  set.seed(80)
  em_select(...)
}
grid <- choose(x, k = 1:4)

entropy_of <- function(fit, w = 1) {
  p <- predict(fit)
  -sum(w * ifelse(p > 0, p * log(p), 0))
}

test_that("a row per k and structure, with the numbers of the fits by emix()", {
  expect_s3_class(grid, c("em_select", "data.frame"), exact = TRUE)
  expect_identical(names(grid), c("equal", "k", "df", "loglik", "AIC", "AICc", "BIC", "ICL", "NEC", "converged", "spurious"))
  expect_identical(grid$equal, rep(c("none", "sd"), each = 4))
  expect_equal(grid$k, rep(1:4, 2))
  expect_equal(grid$df, c(3 * (1:4) - 1, 2 * (1:4)))
  for (equal in c("none", "sd")) {
    own <- suppressWarnings(emix(x, k = 1:4, equal = if (equal == "sd") "sd"), classes = "emix_warning_spurious")$selection
    mine <- as.data.frame(grid)[grid$equal == equal, -1]
    expect_near(as.matrix(mine), as.matrix(own), 1e-6)
  }
})

test_that("criteria are their formulas", {
  n <- length(x)
  one <- emix(x, k = 1)
  for (row in c(2, 3, 6, 7)) {
    g <- as.data.frame(grid)[row, ]
    fit <- emix(x, k = g$k, equal = if (g$equal == "sd") "sd")
    expect_near(g$AIC, -2 * fit$loglik + 2 * g$df, 1e-8)
    expect_near(g$BIC, -2 * fit$loglik + log(n) * g$df, 1e-8)
    expect_near(g$AICc, -2 * fit$loglik + 2 * g$df + 2 * g$df * (g$df + 1) / (n - g$df - 1), 1e-8)
    expect_near(g$ICL, BIC(fit) + 2 * entropy_of(fit), 1e-4)
    expect_near(g$NEC, entropy_of(fit) / (fit$loglik - one$loglik), 1e-4)
  }
  expect_equal(grid$NEC[grid$k == 1], c(1, 1))
})

test_that("NEC compares with one component where it is not among k too; AICc has no value for too many parameters", {
  without <- choose(x, k = 2:3, equal = "none")
  expect_near(without$NEC, grid$NEC[2:3], 1e-6)
  few <- choose(cbind(heads, tails) ~ 1, data = coins, family = "binomial", k = 1:3)
  expect_identical(is.na(few$AICc), c(FALSE, FALSE, TRUE))
  expect_near(few$AICc[2], few$AIC[2] + 2 * 3 * 4, 1e-12)
  expect_error(em_select(cbind(heads, tails) ~ 1, data = coins, family = "binomial", k = 3, criterion = "AICc"),
    "AICc", class = "emix_error_input")
  labels <- replace(rep(NA, 272), 1:2, c("long", "short"))
  expect_true(all(is.na(choose(x, k = 2:3, labels = labels, equal = "sd")$NEC)))
})

test_that("weights: three times as heavy is three times as many", {
  heavy <- choose(x, k = 1:2, weights = rep(3, 272))
  many <- choose(rep(x, 3), k = 1:2)
  expect_near(as.matrix(as.data.frame(heavy)[-1]), as.matrix(as.data.frame(many)[-1]), 1e-8)
})

test_that("the best by each criterion is a fit that emix() makes", {
  for (criterion in c("AIC", "AICc", "BIC", "ICL", "NEC")) {
    chosen <- choose(x, k = 1:4, criterion = criterion)
    best <- which.min(as.data.frame(grid)[[criterion]])
    expect_identical(chosen$criterion, criterion)
    expect_s3_class(chosen$best, "emix")
    expect_equal(chosen$best$k, grid$k[best])
    expect_identical(length(chosen$best$equal) > 0, grid$equal[best] == "sd")
    expect_near(chosen$best$loglik, grid$loglik[best], 1e-6)
  }
  expect_sound(grid$best)
  set.seed(80)
  grid <- em_select(x, k = 1:4)
  expect_identical(grid[["best"]], grid$best)
  expect_identical(deparse(grid$best$call), "emix(x = x, k = 2L, equal = \"sd\")")
  expect_near(coef(eval(grid$best$call)), coef(grid$best), 1e-8)
  expect_equal(update(grid$best, k = 3)$k, 3)
})

test_that("it is a data frame: parts of it are plain", {
  expect_identical(class(grid[1:2, ]), "data.frame")
  expect_identical(grid[grid$k == 2, "df"], c(5, 4))
  expect_identical(grid[["k"]], grid$k)
  expect_identical(class(as.data.frame(grid)), "data.frame")
  expect_identical(dim(head(grid, 3)), c(3L, 11L))
  expect_null(grid$nothing)
})

test_that("a formula, a data frame, a matrix and a vector are one", {
  same <- function(other) expect_identical(as.data.frame(other), as.data.frame(grid))
  same(choose(waiting ~ 1, data = faithful, k = 1:4))
  same(choose(faithful["waiting"], k = 1:4))
  same(choose(as.matrix(faithful["waiting"]), k = 1:4))
  set.seed(80)
  by_formula <- em_select(height ~ 1, heights, k = 2, equal = list("sd"), subset = sex == "male", weights = rep(2, 934))
  by_hand <- choose(heights$height[heights$sex == "male"], k = 2, equal = "sd", weights = rep(2, sum(heights$sex == "male")))
  expect_identical(as.data.frame(by_formula), as.data.frame(by_hand))
  expect_identical(deparse(formula(by_formula$best)), "height ~ 1")
  expect_identical(names(emix:::augment.emix(by_formula$best))[1], "height")
})

test_that("defaults of k and equal", {
  set.seed(1)
  expect_equal(unique(em_select(c(1, 2, 4, 8, 9), equal = "sd")$k), 1:5)
  labels <- replace(rep(NA, 272), 1:2, c("long", "short"))
  expect_equal(unique(em_select(x, labels = labels, equal = "sd")$k), 2:9)
  tosses <- em_select(coin_tosses, family = "binomial", k = 1:2)
  expect_identical(tosses$equal, c("none", "none"))
  three <- em_select(coin_tosses, family = "binomial", k = 1:2, equal = list(NULL, "prop", c("prob", "prop"), "none"))
  expect_identical(unique(three$equal), c("none", "prop", "prob + prop"))
})

# ---- cross-validation -----------------------------------------------------------------------------

test_that("with given folds, CV is the held-out log-likelihood of fits by emix()", {
  set.seed(3)
  y <- c(rnorm(30), rnorm(30, 5))
  w <- rep(c(1, 2.5), 30)
  folds <- rep(c("a", "b", "c"), 20)
  cv <- em_select(y, k = 1:2, equal = list("none", "sd"), folds = folds, weights = w, criterion = "CV")
  held <- sapply(list(list(1, NULL), list(2, NULL), list(1, "sd"), list(2, "sd")), function(model) {
    value <- numeric(60)
    for (f in unique(folds)) {
      out <- folds == f
      value[out] <- demix(y[out], emix(y[!out], k = model[[1]], equal = model[[2]], weights = w[!out]), log = TRUE)
    }
    value
  })
  expect_near(cv$CV, -2 * colSums(w * held), 1e-8)
  error <- function(v) 2 * sqrt(60 / 59 * sum(w^2 * (v - sum(w * v) / sum(w))^2))
  expect_near(cv$CV_se, apply(held, 2, error), 1e-7)
  best <- which.min(cv$CV)
  expect_near(cv$diff_se, apply(held - held[, best], 2, error), 1e-7)
  expect_equal(cv$diff_se[best], 0)
  expect_equal(cv$folds, 3)
})

test_that("binomial rows and known components are held out as they count in the likelihood", {
  labels <- c("A", NA, NA, "B", NA, NA, "A", NA, NA, "B", NA, "B")
  rows <- cbind(c(9, 8, 2, 4, 7, 3, 8, 9, 2, 3, 8, 5), 1 + c(0, 1, 7, 5, 2, 6, 1, 0, 7, 6, 1, 4))
  folds <- rep(1:3, 4)
  cv <- em_select(rows, k = 2, family = "binomial", labels = labels, folds = folds)
  value <- numeric(12)
  for (f in 1:3) {
    out <- folds == f
    p <- emix(rows[!out, ], k = 2, family = "binomial", labels = factor(labels, c("A", "B"))[!out])$parameters
    for (i in which(out)) {
      f_j <- p$prop * dbinom(rows[i, 1], sum(rows[i, ]), p$prob)
      value[i] <- log(if (is.na(labels[i])) sum(f_j) else f_j[[labels[i]]])
    }
  }
  expect_near(cv$CV, -2 * sum(value), 1e-8)
})

test_that("leave one out of a normal sample, by its formula", {
  y <- c(1, 2, 4, 8, 9, 13)
  cv <- em_select(y, k = 1, equal = "none", folds = 6)
  held <- sapply(seq_along(y), function(i) {
    z <- y[-i]
    dnorm(y[i], mean(z), sqrt(mean((z - mean(z))^2)), log = TRUE)
  })
  expect_near(cv$CV, -2 * sum(held), 1e-10)
  expect_near(cv$CV_se, 2 * sqrt(6) * sd(held), 1e-10)
})

test_that("a row of weight 3 is three rows, in folds too", {
  y <- c(1, 2, 3, 3.1, 7, 8, 9, 11, 12)
  heavy <- choose(y, k = 1:2, weights = rep(3, 9), folds = 3)
  many <- choose(rep(y, each = 3), k = 1:2, folds = 3)
  expect_near(as.matrix(as.data.frame(heavy)[-1]), as.matrix(as.data.frame(many)[-1]), 1e-8)
})

test_that("the seed decides on the folds, whatever is fitted; equal numbers in each", {
  expect_identical(as.data.frame(choose(x, k = 1:2, folds = 5)), as.data.frame(choose(x, k = 1:2, folds = 5)))
  expect_near(choose(x, k = 1:2, folds = 5)$CV[1:2], choose(x, k = 1:3, equal = "none", folds = 5)$CV[1:2], 1e-6)
  set.seed(1)
  frame <- list(x = x, weights = NULL, given = 272, kept = TRUE)
  cells <- emix:::draw_folds(5, frame)
  expect_equal(sort(cells$row), 1:272)
  expect_equal(range(table(cells$fold)), c(54, 55))
  frame$weights <- rep(c(0, 3, 5, 1), 68)
  cells <- emix:::draw_folds(4, frame)
  expect_equal(as.vector(tapply(cells$weight, factor(cells$row, 1:272), sum, default = 0)), frame$weights)
  expect_equal(as.vector(tapply(cells$weight, cells$fold, sum)), rep(153, 4))
  spread <- emix:::spread_counts(frame$weights, 4)
  expect_equal(rowSums(spread), frame$weights)
  frame$weights <- frame$weights / 2
  cells <- emix:::draw_folds(4, frame)
  expect_equal(sort(cells$row), which(frame$weights > 0))
})

test_that("missing rows: folds are of the rows that are given", {
  y <- c(NA, 1, 2, 3, 7, 8, 9.5)
  folds <- c(1, 1, 2, 3, 1, 2, 3)
  cv <- em_select(y, k = 1:2, equal = "sd", folds = folds, na.action = na.omit)
  expect_identical(as.data.frame(cv), as.data.frame(em_select(y[-1], k = 1:2, equal = "sd", folds = folds[-1])))
})

test_that("a model that collapses without a fold has no CV, one that gives a row no chance an infinite one", {
  y <- c(1, 1, 1, 5, 6, 7)
  cv <- suppressWarnings(em_select(y, k = 1:2, equal = "none", folds = rep(1:2, each = 3)), classes = "emix_warning")
  expect_true(all(is.na(cv$CV)))
  sure <- em_select(cbind(c(0, 0, 3), c(3, 3, 0)), k = 1, family = "binomial", folds = 3)
  expect_equal(sure$CV, Inf)
  expect_true(is.na(sure$CV_se))
})

test_that("print marks the best and says by what", {
  expect_output(print(grid), "8 mixtures of normal components (272 rows)", fixed = TRUE)
  expect_output(print(grid), "\\* +sd 2 +4 -1034.0")
  expect_output(print(grid), "* smallest BIC: Mixture of 2 normal components, equal sd; see $best", fixed = TRUE)
  expect_lte(max(nchar(utils::capture.output(print(choose(x, k = 1:2, folds = 4))))), 80)
  expect_output(print(choose(x, k = 1:2, folds = 4)), "4 folds")
  failed <- em_select(c(1, 1, 1, 5, 5, 5), k = 1:2, equal = "none")
  expect_output(print(failed), "collapsed")
  expect_output(print(rbind(grid, grid)), "AICc")
  expect_identical(withVisible(print(failed))$visible, FALSE)
})

test_that("arguments that do not fit", {
  expect_input_error(em_select(), "x")
  expect_input_error(em_select("a"), "x")
  expect_input_error(em_select(x, k = 0), "k")
  expect_input_error(em_select(x, k = double()), "k")
  expect_input_error(em_select(1:3, k = 2:4), "k")
  for (bad in list("bic", NA, NULL, 1, c("BIC", "AIC"))) expect_input_error(em_select(x, k = 1:2, criterion = bad), "criterion")
  for (bad in list(1, -2, 1.5, 273, NA, "a", 1:3, rep(1, 272), replace(rep(1:2, 136), 3, NA))) {
    expect_input_error(em_select(x, k = 1:2, folds = bad), "folds")
  }
  for (bad in list(1, list(), list("bogus"), "prob", list(c("mean", "sd")), TRUE)) {
    expect_input_error(em_select(x, k = 2, equal = bad), "equal")
  }
  expect_input_error(em_select(1:4, k = 3, folds = 2, equal = "sd"), "folds")
  expect_error(em_select(x, start = 3), "start", class = "emix_error_input")
  expect_error(em_select(rep(1, 5), k = 1:2), class = "emix_error_degenerate")
})

test_that("the plot shows every criterion of the table and changes nothing", {
  grDevices::pdf(NULL)
  on.exit(grDevices::dev.off())
  cv <- choose(x, k = 1:2, folds = 3)
  before <- graphics::par("mar", "mfrow")
  for (criterion in c("AIC", "AICc", "BIC", "ICL", "NEC", "CV")) {
    expect_identical(withVisible(plot(cv, criterion)), list(value = cv, visible = FALSE))
  }
  expect_identical(graphics::par("mar", "mfrow"), before)
  expect_no_error(plot(choose(x, k = 2, equal = "sd"), main = "one", xlab = "k"))
  expect_input_error(plot(grid, "CV"), "criterion")
  expect_input_error(plot(grid, "loglik"), "criterion")
})

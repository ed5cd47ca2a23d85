# The choice among covariance structures and numbers of components: tables by formula, likelihoods by the law of nested structures.

flowers <- as.matrix(iris[, 1:4])
quiet <- function(value) suppressWarnings(value, classes = "emix_warning")
choose_all <- function(x, k, ...) {
  set.seed(91)
  quiet(emix(x, k = k, family = mix_mvnormal("all"), ...))
}
garden <- choose_all(flowers, 1:3)
geyser <- choose_all(faithful, 1:3)

cell <- function(table, cov, k) table[table$cov == cov & table$k == k, ]

test_that("a row per structure and k, and the best is the fit", {
  table <- garden$selection
  expect_s3_class(table, c("emix_selection", "data.frame"), exact = TRUE)
  expect_identical(names(table), c("cov", "k", "df", "loglik", "AIC", "AICc", "BIC", "ICL", "NEC", "converged", "spurious", "highest",
    "reason"))
  expect_identical(table$cov, rep(covariance_structures, each = 3))
  expect_equal(table$k, rep(1:3, 14))
  expect_equal(table$df, mapply(function(cov, k) k - 1 + 4 * k + covariance_df(cov, 4, k), table$cov, table$k, USE.NAMES = FALSE))
  expect_equal(table$AIC, -2 * table$loglik + 2 * table$df)
  expect_equal(table$BIC, -2 * table$loglik + log(150) * table$df)
  expect_true(all(is.na(table$reason)))
  expect_identical(attr(table, "criterion"), "BIC")
  best <- table[which.min(table$BIC), ]
  expect_identical(c(best$cov, best$k), c("VEV", "2"))
  expect_identical(garden$family$cov, "VEV")
  expect_near(garden$loglik, best$loglik, 1e-10)
  expect_sound(garden)
})

test_that("no cell is worse than mclust's", {
  # BIC in mclust's sign, k = 2, of mclust 6.0.
  peer <- c(EII = -1123.4117, VII = -1012.2352, EEI = -1042.9679, VEI = -956.2823, EVI = -1007.3082, VVI = -857.5515, EEE = -688.0972,
    VEE = -656.3270, EVE = -657.2263, VVE = -605.1841, EEV = -644.5997, VEV = -561.7285, EVV = -658.3306, VVV = -574.0178)
  own <- as.data.frame(garden$selection)
  own <- own[own$k == 2, ]
  expect_true(all(-own$BIC >= peer[own$cov] - 1e-3))
  expect_near(min(garden$selection$BIC), 561.7285, 1e-3)
  expect_identical(c(geyser$family$cov, geyser$k), c("EEE", "3"))
  expect_lt(BIC(geyser), 2314.3165)
})

test_that("where mclust has a chance cluster, a maximum as high was met", {
  # Log-likelihoods of mclust 6.0 on faithful: its maxima have chance clusters.
  peer <- data.frame(cov = c("VEI", "VVI", "VVV"), k = c(8, 9, 6), loglik = c(-1102.677, -1093.027, -1095.406))
  for (i in 1:3) {
    set.seed(92)
    fit <- quiet(emix(faithful, k = peer$k[i], family = mix_mvnormal(peer$cov[i])))
    expect_gt(max(fit$maxima$loglik), peer$loglik[i])
  }
  for (table in list(garden$selection, geyser$selection)) {
    expect_true(all(table$highest >= table$loglik))
    expect_true(all(table$highest[table$spurious] == table$loglik[table$spurious]))
  }
})

test_that("a structure's likelihood is no lower than that of one nested in it", {
  for (fit in list(garden, geyser)) {
    table <- as.data.frame(fit$selection)
    for (k in 1:3) for (inner in covariance_structures) for (outer in covariance_structures) {
      if (!is_nested(inner, outer)) next
      a <- cell(table, inner, k)
      b <- cell(table, outer, k)
      if (!a$spurious && !b$spurious) expect_gte(b$loglik, a$loglik - 1e-5)
    }
  }
})

test_that("nested structures are those whose every letter asks less", {
  expect_identical(nested_next("VVV", covariance_structures), c("VVE", "VEV", "EVV"))
  expect_identical(nested_next("EEE", covariance_structures), "EEI")
  expect_identical(nested_next("VII", covariance_structures), "EII")
  expect_identical(nested_next("VVV", c("EII", "EEE", "VVV")), "EEE")
  lattice <- lattice_of(covariance_structures)
  expect_identical(lattice$around$EEI, c("VEI", "EVI", "EEE"))
  expect_length(lattice$inside$EII, 0)
  expect_length(lattice$around$VVV, 0)
})

test_that("structures that are one model for one component have one fit", {
  table <- garden$selection
  one <- table$loglik[table$k == 1]
  spheres <- c(1, 2)
  columns <- 3:6
  expect_identical(one, one[c(1, 1, 3, 3, 3, 3, rep(7, 8))])
  expect_near(unique(one), vapply(c("EII", "EEI", "EEE"), function(cov) emix(flowers, k = 1, family = mix_mvnormal(cov))$loglik, 0), 1e-9)
  chosen <- emix(flowers, k = 1, family = mix_mvnormal(c("VVV", "EEE", "EEI")))
  expect_identical(chosen$family$cov, "EEE")
  expect_sound(chosen)
})

test_that("what is asked of the chosen fit sees one structure", {
  again <- update(garden, k = 3)
  expect_identical(again$family$cov, "VEV")
  expect_null(again$selection)
  expect_identical(deparse(again$call$family), "mix_mvnormal(\"VEV\")")
  expect_near(again$loglik, cell(garden$selection, "VEV", 3)$loglik, 1e-6)
  expect_near(update(garden)$loglik, garden$loglik, 1e-9)
  expect_identical(update(garden, k = 2, family = "mvnormal")$family$cov, "VVV")
  expect_equal(predict(garden), predict(emix(flowers, k = 2, family = mix_mvnormal("VEV"))), tolerance = 1e-6)
  set.seed(1)
  expect_s3_class(em_bootstrap(garden, 3), "em_bootstrap")
})

test_that("every criterion chooses its smallest", {
  for (criterion in c("AIC", "AICc", "ICL", "NEC")) {
    fit <- quiet(emix(faithful, k = 1:3, family = mix_mvnormal(c("EEE", "VEV", "VVV")), criterion = criterion))
    best <- which.min(fit$selection[[criterion]])
    expect_identical(c(fit$family$cov, fit$k), c(fit$selection$cov[best], as.character(fit$selection$k[best])))
  }
  two <- quiet(emix(faithful, k = 2:3, family = mix_mvnormal(c("EEE", "VVV"))))$selection
  single <- emix(faithful, k = 1)$loglik
  fit <- emix(faithful, k = 2, family = mix_mvnormal("EEE"))
  p <- predict(fit)
  expect_near(two$NEC[1], -sum(ifelse(p > 0, p * log(p), 0)) / (fit$loglik - single), 1e-4)
})

test_that("models that cannot be fitted are NA and say why; where none can, that is the error", {
  set.seed(4)
  x <- matrix(rnorm(42), 6)
  fit <- quiet(emix(x, k = 1:2, family = mix_mvnormal(c("EII", "EEE", "VVV"))))
  table <- as.data.frame(fit$selection)
  expect_identical(is.na(table$loglik), c(FALSE, FALSE, TRUE, TRUE, TRUE, TRUE))
  expect_identical(is.na(table$BIC), is.na(table$loglik))
  expect_match(table$reason[3:6], "6 rows and 7 columns")
  expect_output(print(fit$selection), "NA: no fit \\(4 models")
  expect_error(emix(x, k = 1:2, family = mix_mvnormal(c("EEE", "VVV"))), "7 columns", class = "emix_error_degenerate")
  expect_error(emix(x, k = 1:7, family = mix_mvnormal("all")), class = "emix_error_input")
})

test_that("arguments are checked", {
  expect_error(mix_mvnormal(c("VVV", "XYZ")), "XYZ", class = "emix_error_input")
  expect_error(mix_mvnormal(character(0)), class = "emix_error_input")
  expect_identical(mix_mvnormal(c("VVV", "EII", "VVV"))$cov, c("EII", "VVV"))
  expect_identical(mix_mvnormal("all")$cov, covariance_structures)
  expect_output(print(mix_mvnormal(c("VVV", "EII"))), "EII and VVV")
  expect_error(emix(faithful$waiting, family = mix_mvnormal("all")), class = "emix_error_input")
  expect_error(emix(faithful, k = 2, family = mix_mvnormal("all"), start = rep(1:2, 136)), "one structure", class = "emix_error_input")
  expect_error(em_select(faithful$waiting, k = 1:2, cov = "VVV"), "`cov`", class = "emix_error_input")
  expect_error(em_select(faithful, k = 1:2, cov = "none"), class = "emix_error_input")
  expect_error(emix(faithful, k = 2, family = mix_mvnormal("all"), equal = "sd"), class = "emix_error_input")
})

test_that("em_select() chooses among structures, by default all, and among what is shared", {
  set.seed(91)
  all <- quiet(em_select(faithful, k = 2))
  expect_identical(all$cov, covariance_structures)
  some <- quiet(em_select(faithful, k = 2:3, cov = c("VVV", "EEE"), equal = list("none", "prop")))
  expect_identical(names(some)[1:3], c("equal", "cov", "k"))
  expect_equal(nrow(some), 8)
  expect_identical(some$best$family$cov, some$cov[which.min(some$BIC)])
  expect_identical(rownames(grid_values(some, "BIC")), c("2", "3"))
  expect_identical(colnames(grid_values(some, "BIC")), c("EEE", "VVV", "EEE, prop", "VVV, prop"))
  expect_near(eval(some$best$call)$loglik, some$best$loglik, 1e-6)
  expect_identical(quiet(em_select(faithful, k = 2, family = "mvnormal"))$equal, "none")
  named <- quiet(em_select(cbind(eruptions, waiting) ~ 1, data = faithful, k = 2, cov = c("EEE", "VVV")))
  expect_near(named$loglik, all$loglik[all$cov %in% c("EEE", "VVV")], 1e-6)
})

test_that("structures are compared by cross-validation", {
  set.seed(5)
  folds <- sample(rep(1:3, length.out = 272))
  grid <- quiet(em_select(faithful, k = 1:2, cov = c("EEE", "VVV"), folds = folds, criterion = "CV"))
  expect_identical(names(grid)[10:12], c("NEC", "CV", "CV_se"))
  own <- sapply(1:3, function(v) {
    fit <- emix(faithful[folds != v, ], k = 2, family = mix_mvnormal("VVV"))
    sum(log(predict(fit, faithful[folds == v, ], type = "density")))
  })
  expect_near(cell(as.data.frame(grid), "VVV", 2)$CV, -2 * sum(own), 1e-3)
  expect_identical(grid$best$family$cov, grid$cov[which.min(grid$CV)])
})

test_that("weights, labels and priors go with it", {
  pair <- c("EEE", "VVV")
  heavy <- quiet(emix(faithful, k = 1:2, weights = rep(3, 272), family = mix_mvnormal(pair)))$selection
  many <- quiet(emix(faithful[rep(1:272, 3), ], k = 1:2, family = mix_mvnormal(pair)))$selection
  expect_near(heavy$BIC, many$BIC, 1e-5)
  known <- ifelse(seq_len(150) %% 5 == 0, as.character(iris$Species), NA)
  fit <- quiet(emix(flowers, k = 3:4, labels = known, family = mix_mvnormal(pair)))
  expect_identical(fit$components[1:3], levels(iris$Species))
  expect_near(cell(fit$selection, "VVV", 3)$loglik, emix(flowers, k = 3, labels = known)$loglik, 1e-6)
  post <- quiet(emix(faithful, k = 1:2, prior = "default", family = mix_mvnormal(pair)))
  expect_near(cell(post$selection, "VVV", 2)$loglik, emix(faithful, k = 2, prior = "default")$loglik, 1e-5)
})

test_that("print says which model won, and shows the criterion as a matrix", {
  expect_output(print(garden), "VEV, k = 2 of 42 models has the smallest BIC")
  text <- capture.output(print(garden$selection))
  expect_lt(length(text), 14)
  expect_true(all(nchar(text) <= 80))
  expect_match(text, "561.7*", fixed = TRUE, all = FALSE)
  expect_output(print(summary(garden)), "BIC by number of components")
  expect_s3_class(garden$selection[1:3, ], "data.frame", exact = TRUE)
  expect_output(print(quiet(em_select(faithful, k = 2, cov = c("EEE", "VVV")))), "BIC by number")
})

test_that("plots draw the grid", {
  pdf(NULL)
  on.exit(dev.off())
  expect_silent(plot(garden, "criterion"))
  expect_silent(plot(quiet(em_select(faithful, k = 1:2, cov = c("EEE", "VVV")))))
})

test_that("one component that came from starts on a part of the rows says so", {
  set.seed(3)
  x <- matrix(rnorm(6000), ncol = 2)
  fit <- emix(x, k = 1:2, family = mix_mvnormal(c("EII", "VVV")))
  expect_identical(fit$k, 1L)
  expect_lt(fit$convergence$points, 3000)
  expect_output(print(summary(fit)), "runs on a part of [12],[0-9]{3} rows: ")
  expect_true(all(is.na(fit$selection$highest)))
  expect_null(emix(x, k = 1)$convergence$points)
})

test_that("the table of structures draws itself", {
  grDevices::pdf(NULL)
  on.exit(grDevices::dev.off())
  table <- emix(faithful, k = 1:2, family = mix_mvnormal(c("EII", "VVV")))$selection
  expect_identical(plot(table), table)
  expect_silent(plot(table, "ICL", xlab = "groups", cex.axis = 0.8))
  expect_input_error(plot(table, "CV"), "criterion")
  expect_input_error(plot(table, what = "BIC"), "what")
})

test_that("a model with more parameters than half the numbers in the data is chosen only where there is no other", {
  set.seed(93)
  fit <- quiet(emix(mtcars, k = 1:3, family = mix_mvnormal(c("EEE", "VEV"))))
  table <- fit$selection
  expect_lte(fit$df, 32 * 11 / 2)
  expect_gt(table$df[which.min(table$BIC)], 32 * 11 / 2)
  few <- table$df <= 32 * 11 / 2
  expect_near(BIC(fit), min(table$BIC[few], na.rm = TRUE), 1e-10)
  # Copies count.
  set.seed(93)
  heavy <- quiet(emix(mtcars, k = 1:3, weights = rep(2, 32), family = mix_mvnormal(c("EEE", "VEV"))))
  expect_identical(attr(heavy$selection, "row"), which.min(heavy$selection$BIC))
  expect_identical(quiet(emix(mtcars, k = 3, family = mix_mvnormal("VEV")))$k, 3L)
})

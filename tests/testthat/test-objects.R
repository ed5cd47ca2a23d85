# A damaged fit is a named error in every method, or harmless: never an error from deep within.

fits <- list(
  normal = emix(faithful$waiting[1:40], k = 2, equal = "sd"),
  binomial = emix(cbind(heads, tails) ~ 1, coins, k = 2, family = "binomial", equal = "prop")
)

uses <- list(
  print = function(f) utils::capture.output(print(f)),
  summary = function(f) utils::capture.output(print(summary(f))),
  coef = coef, as.data.frame = as.data.frame, logLik = logLik, AIC = AIC, nobs = nobs,
  formula = formula, fitted = fitted, residuals = residuals,
  response = function(f) residuals(f, "response"),
  predict = predict,
  class = function(f) predict(f, type = "class"),
  density = function(f) predict(f, type = "density"),
  cdf = function(f) predict(f, type = "cdf"),
  quantile = function(f) predict(f, type = "quantile"),
  simulate = function(f) simulate(f, 1, seed = 1),
  update = function(f) update(f, k = 1),
  plot = function(f) plot(f),
  residual_plot = function(f) plot(f, "residuals"), distribution_plot = function(f) plot(f, "distribution"),
  uncertainty_plot = function(f) plot(f, "uncertainty"), em_overlap = function(f) em_overlap(f),
  tidy = function(f) emix:::tidy.emix(f, conf.int = TRUE), glance = function(f) emix:::glance.emix(f),
  augment = function(f) emix:::augment.emix(f),
  vcov = vcov, sandwich = function(f) vcov(f, "sandwich", "free"), confint = function(f) confint(f),
  profile_limits = function(f) confint(f, method = "profile"), profile = function(f) plot(profile(f, level = 0.5, points = 2)),
  em_contrast = function(f) em_contrast(f, function(p) p$prop[1]),
  demix = function(f) demix(3, f, size = if (inherits(f, "emix_binomial")) 10),
  pemix = function(f) pemix(3, f, size = if (inherits(f, "emix_binomial")) 10),
  qemix = function(f) qemix(0.5, f, size = if (inherits(f, "emix_binomial")) 10),
  remix = function(f) remix(3, f, size = if (inherits(f, "emix_binomial")) 10)
)

# What a use of a damaged fit ends in, if that is no error of emix: NULL if all is well.
wrong_end <- function(use, fit) {
  tryCatch({
    suppressWarnings(use(fit))
    NULL
  }, emix_error = function(e) NULL, error = conditionMessage)
}

wrong_ends <- function(damaged, what) {
  grDevices::pdf(NULL)
  on.exit(grDevices::dev.off())
  ends <- Filter(Negate(is.null), lapply(uses, wrong_end, damaged))
  sprintf("%s(), %s: %s", names(ends), what, substr(unlist(ends), 1, 60))
}

expect_sound_ends <- function(wrong) {
  shown <- paste(utils::head(wrong, 6), collapse = "\n")
  expect(!length(wrong), sprintf("%d wrong ends, such as\n%s", length(wrong), shown))
}

test_that("without its essential parts a fit is an emix_error_object that names the part", {
  for (fit in fits) {
    for (part in c("parameters", "family", "k", "loglik", "df", "nobs", "x")) {
      damaged <- fit
      damaged[[part]] <- NULL
      for (use in uses[c("print", "summary", "coef", "logLik", "nobs", "predict", "fitted",
        "residuals", "simulate", "update", "plot", "demix", "quantile")]) {
        error <- expect_object_error(use(damaged))
        expect_match(conditionMessage(error), paste0("`", part, "`"), fixed = TRUE)
      }
    }
  }
})

test_that("an error about an object says what it found", {
  broken <- fits$normal
  broken$parameters <- NULL
  error <- expect_object_error(coef(broken))
  expect_s3_class(error, "emix_error")
  expect_identical(error$argument, "object")
  expect_match(conditionMessage(error), "damaged")
  expect_match(conditionMessage(error), "`parameters`", fixed = TRUE)
  expect_object_error(predict(structure(list(), class = "emix")))
  expect_object_error(print(structure(3, class = c("emix_normal", "emix"))))
  expect_object_error(update(structure(list(k = 2), class = "emix")))
})

for (part in union(names(unclass(fits$normal)), names(unclass(fits$binomial)))) {
  test_that(paste0("a fit whose `", part, "` is damaged ends in an error of emix, or well"), {
    wrong <- character()
    for (value in list(NULL, NA, "a", list(), -3:1)) {
      for (fit in fits) {
        damaged <- unclass(fit)
        damaged[part] <- list(value)
        what <- sprintf("%s, `%s` = %s", class(fit)[1], part, deparse1(value))
        wrong <- c(wrong, wrong_ends(structure(damaged, class = class(fit)), what))
      }
    }
    expect_sound_ends(wrong)
  })
}

test_that("a fit whose parameters are damaged ends in an error of emix, or well", {
  fit <- fits$normal
  damage <- list(
    function(p) p[1], function(p) c(p, 1), function(p) replace(p, 1, NA),
    function(p) as.character(p), function(p) replace(p, 1, Inf), function(p) -p,
    function(p) NULL, function(p) list(p)
  )
  wrong <- character()
  for (block in names(fit$parameters)) {
    for (harm in damage) {
      damaged <- fit
      damaged$parameters[[block]] <- harm(fit$parameters[[block]])
      wrong <- c(wrong, wrong_ends(damaged, paste0("parameters$", block, " by ", deparse1(harm))))
    }
  }
  expect_sound_ends(wrong)
})

test_that("a fit that has lost rows ends in an error of emix, or well", {
  damaged <- fits$normal
  damaged$x <- damaged$x[1:3]
  expect_sound_ends(wrong_ends(damaged, "x[1:3]"))
})

test_that("a fit of several columns whose parts are damaged ends in an error of emix, or well", {
  fit <- emix(faithful[1:60, ], 2, mix_mvnormal("VEV"), weights = rep(1:2, 30), control = em_control(starts = 3))
  uses$profile_limits <- uses$profile <- NULL
  uses$em_basins <- em_basins
  uses$em_trace <- function(f) suppressMessages(em_trace(f))
  harm <- list(
    family = list(name = "mvnormal"), family = list(name = "mvnormal", cov = "XXX"), family = mix_mvnormal("EII"),
    weights = -fit$weights, selection = 5, x = unname(fit$x), x = fit$x[, 1, drop = FALSE]
  )
  for (i in seq_along(harm)) {
    damaged <- fit
    damaged[[names(harm)[i]]] <- harm[[i]]
    expect_sound_ends(wrong_ends(damaged, deparse1(harm[i])))
  }
  for (b in list(function(p) p[, , 1], function(p) unname(p), function(p) replace(p, 1, -1), function(p) replace(p, 2, 1e3))) {
    damaged <- fit
    damaged$parameters$cov <- b(fit$parameters$cov)
    expect_sound_ends(wrong_ends(damaged, deparse1(b)))
  }
  expect_sound_ends(wrong_ends(structure(5, class = class(fit)), "a number"))
})

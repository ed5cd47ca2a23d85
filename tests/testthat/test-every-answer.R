# Every question of R users, put to every kind of fit: each answers, or says in a classed error why it cannot. Which ones
# cannot is written down here.

kinds_of_fit <- function() {
  set.seed(1)
  x <- round(c(rnorm(60), rnorm(60, 4)), 1)
  known <- rep(NA, 120)
  known[c(1, 2, 61, 62)] <- c(1, 1, 2, 2)
  s <- c(rbinom(40, 10, 0.2), rbinom(40, 10, 0.7))
  at_zero <- c(rep(0, 40), s[41:80])
  list(
    one = emix(x, k = 1),
    fixed = emix(x, fixed = list(mean = c(0, NA))),
    equal = emix(x, equal = "sd"),
    weighted = emix(x, weights = rep(1:2, 60)),
    labelled = emix(x, labels = known),
    prior = emix(x, prior = em_prior()),
    rows = emix(x, control = em_control(condense = "none")),
    binomial = emix(cbind(s, 10 - s), family = "binomial"),
    boundary = emix(cbind(at_zero, 10 - at_zero), family = "binomial"),
    hard = emix(x, control = em_control(estep = "hard")),
    unfinished = suppressWarnings(emix(x, control = em_control(max_iter = 1))),
    held = emix(x, fixed = list(prop = c(0.5, 0.5), mean = c(0, 4), sd = c(1, 1))),
    several = emix(x, k = 1:3),
    columns = emix(faithful, k = 2),
    ellipses = emix(faithful, k = 2, equal = "cov")
  )
}

questions <- list(
  print = function(f) print(f), summary = function(f) print(summary(f)), coef = coef, logLik = logLik, AIC = AIC, BIC = BIC,
  nobs = nobs, vcov = vcov, sandwich = function(f) vcov(f, "sandwich"), confint = confint,
  profile = function(f) confint(f, method = "profile"), bootstrap = function(f) confint(em_bootstrap(f, 19)),
  contrast = function(f) em_contrast(f, function(p) p$prop[1]), predict = predict, class = function(f) predict(f, type = "class"),
  uncertainty = function(f) predict(f, type = "uncertainty"), cdf = function(f) predict(f, type = "cdf"), fitted = fitted, residuals = residuals, simulate = simulate, update = update,
  formula = formula, overlap = em_overlap, gradient = em_gradient, step = em_step, bound = em_bound, trace = function(f) suppressMessages(em_trace(f)),
  data.frame = as.data.frame, plot = plot, residual_plot = function(f) plot(f, "residuals"),
  test = function(f) em_test_k(f, k = 1:2, replicates = 9)
)

many_columns <- if (!requireNamespace("mvtnorm", quietly = TRUE)) "cdf"

refused <- list(
  hard = c("vcov", "sandwich", "confint", "profile", "bootstrap", "contrast", "test"),
  columns = many_columns, ellipses = many_columns, fixed = "test", held = "test", labelled = "test", prior = "test"
)
# Components have standard deviations or covariances of their own.
for (kind in c("hard", "fixed", "weighted", "labelled", "prior", "rows", "unfinished", "several", "columns")) {
  refused[[kind]] <- c(refused[[kind]], "gradient")
}

test_that("every question is answered by every kind of fit, or refused with a reason", {
  grDevices::pdf(NULL)
  on.exit(grDevices::dev.off())
  fits <- kinds_of_fit()
  for (kind in names(fits)) {
    ends <- vapply(names(questions), function(question) {
      ask <- function() utils::capture.output(questions[[question]](fits[[kind]]))
      tryCatch({
        suppressWarnings(ask(), classes = "emix_warning")
        "answered"
      }, emix_error = function(e) "refused", error = conditionMessage, warning = conditionMessage)
    }, "")
    expected <- ifelse(names(questions) %in% refused[[kind]], "refused", "answered")
    expect_identical(ends, stats::setNames(expected, names(questions)), info = kind)
  }
})

# Tests: of one fit against another, and of the number of components.

# Why the first model is not a special case of the second; NULL where it is.
not_nested <- function(a, b) {
  if (a$family$name != b$family$name) return("they are of different families")
  own <- c("x", "weights", "labels")
  if (!identical(lapply(a[own], unname), lapply(b[own], unname))) return("they are fits to different rows, weights or labels")
  if (a$df >= b$df) return("it has no fewer free parameters")
  if (a$k > b$k) return("it has more components")
  if (!is.null(a$family$cov) && !is_special_structure(a$family$cov, b$family$cov, a$k == 1L)) {
    return(paste0("the structure ", b$family$cov, " does not hold all of ", a$family$cov))
  }
  why <- unlist(lapply(names(b$parameters), bond_left, a = a, b = b))
  if (length(why)) paste0("the larger one has ", why[1L], " where the smaller one has not")
}

# Letters of a structure: what is I is also E, and what is E is also V. One component's are as well equal as varying.
is_special_structure <- function(a, b, one) {
  freedom <- function(s) match(strsplit(s, "")[[1L]], c("I", "E", "V"))
  small <- freedom(a)
  all((if (one) pmin(small, 2L) else small) <= freedom(b))
}

# A bond of model b on a block of parameters that a does not have.
bond_left <- function(block, a, b) {
  one <- a$k == 1L
  held <- b$held[[block]]
  # A column per component.
  value <- function(fit) matrix(fit$parameters[[block]], ncol = fit$k)
  if (block == "prop") {
    if (b$k == 1L || !any(held)) return(NULL)
    same <- a$k == b$k && all(a$held$prop[held]) && isTRUE(all.equal(value(a)[held], value(b)[held]))
    # One component is as many equal ones as are asked for, with any proportions.
    return(if (!one && !same) "held proportions")
  }
  if (block %in% b$equal && !one && !block %in% a$equal && !all(a$held[[block]] & as.vector(value(a)) == value(a)[, 1L])) return(paste("a shared", block))
  if (!any(held)) return(NULL)
  all_one <- all(held) && all(a$held[[block]]) && all(value(b) == value(b)[, 1L]) && all(value(a) == value(b)[, 1L])
  same <- a$k == b$k && all(a$held[[block]][held]) && all(value(a)[held] == value(b)[held])
  if (!all_one && !same) paste("a held", block)
}

#' Likelihood-ratio tests of mixtures
#'
#' `anova()` tests a fit against a larger one that holds it as a special case; `em_test_k()` finds the number of components by such tests of
#' `k` against `k + 1`. The distribution of the statistic under the smaller model is found by the parametric bootstrap, as the
#' usual chi-squared approximation does not hold for the number of components (McLachlan 1987).
#'
#' @details
#' **The statistic** is `T = 2 (l1 - l0)`, with `l0` and `l1` the highest log-likelihoods of the two models. Each replicate
#' draws a sample from the smaller fit, as [em_bootstrap()] does (`type = "parametric"`), and computes `T*` in it. For `T` and all
#' `T*` the search is the same: the smaller model from the parameters of its fit and 8 starts of the rows' own (cuts that depend on the data alone, a
#' random one and others, as [emix()] makes them); the larger one from the maximum of the smaller with components split, in each way that the
#' family knows and the largest first (at most 24), and from 8 starts of its own. More than 1200 rows are first worked on as
#' about as many points that stand for them, and the best three maxima then on all rows (or nodes, see [em_control()]).
#' As the smaller model is part of the larger, `T` is never negative; below 4e-6 it counts as 0.
#'
#' **Structures of covariances** are special cases of one another letter by letter: `I` of `E`, and `E` of `V` (see [mix_mvnormal()]); with one
#' component, equal and varying are the same.
#'
#' **Chance clusters** and collapsing components (see [emix()]) are no maxima here: where the larger model has no other above `l0`,
#' `T = 0`, in the sample as in the replicates.
#'
#' This search is smaller than that of [emix()]. Where it misses the maximum that a larger fit has, the column
#' `missed` (of the value's attribute `"tests"`, or of `tests`) says by how much the log-likelihood of that fit is above it. The test holds
#' all the same, since replicates are searched in the same way, but may have less power.
#'
#' **The p-value** of `B` replicates of which `e` have `T* >= T` is `(1 + e) / (1 + B)`, and its Monte Carlo standard error
#' `sqrt(p (1 - p) / B)`.
#'
#' **Early stopping** (`stop = TRUE`; Besag & Clifford 1991): the test ends with exceedance number `h`, the smallest number at least `floor(level (B + 1))`
#' and above `level B` (50 of 999 at 0.05), since `p` would be above `level` whatever the replicates to come were: so the decision at `level` is that of all
#' replicates. The p-value is then `h / b`, with `b` the replicates up to that exceedance.
#'
#' **`em_test_k()`** fits the smallest `k` by [emix()] and tests it against `k + 1`; where `p <= level`, it goes on with the fit of `k + 1`, until
#' a test is not significant or `k` ends. `level` is that of each test, not of the sequence: the chance to find
#' more components than there are is at most about `level`, as only one true hypothesis is tested.
#'
#' **Seeds** are drawn by R's generator, one for each search and each replicate, as in [em_bootstrap()]: those of one test before it begins, whatever
#' number of replicates are then used. Fits of `em_test_k()` use the generator too. The number of processes makes no difference.
#'
#' @param object,... for `anova()`: two or more fits of [emix()] to the same data by maximum likelihood, each a special case of the next: fewer
#'   components, or more parameters shared or held. For `em_test_k()`: further arguments of [emix()], such as `family`, `data`, `equal`,
#'   `weights` or `labels` (these as vectors), but not `prior`, `start` or `fixed`.
#' @param x a fit of [emix()], of whose model and data `k` is tested, or data for [emix()].
#' @param k whole numbers of components in a row, of which the last is only an alternative. Default `1:5`.
#' @param replicates how many bootstrap samples for each test, at most, a whole number from 1 to 1e6. Default 999.
#' @param level of significance, between 0 and 1. Default 0.05.
#' @param stop stop early, as said below? Default `TRUE`.
#' @param control how runs are made, from [em_control()]: `threads` and `progress` matter. Default: that of the first fit.
#' @param digits significant digits.
#' @return `anova()`: a data frame of class `"anova"`, a row per fit: `k`, `Df` (free parameters), `logLik`, and from the second on
#'   `LR` (the statistic), `replicates` (used), `exceed` (of them), `MC error` and `Pr(>LR)`. The attribute `"tests"` is a list with, for each test,
#'   `statistic`, `replicates` (the values `T*`), `p`, `error`, `exceed`, `used`, `stopped`, `failed` and `missed`.
#'
#'   `em_test_k()`: a list of class `"em_test_k"` with `k` (the number found), `fit` (the fit of so many), `table` (a data frame, a row
#'   per test: `k`, `against`, `loglik`, `statistic`, `replicates`, `exceed`, `stopped`, `p.value`, `mc.error`), `tests` as above, `level`,
#'   `open` (was the last test significant too, so that more components may be needed?) and `collapsed` (did `k + 1` components collapse
#'   in every start of [emix()], so that there was nothing to test against?).
#' @section Warnings:
#' `emix_warning_replicates` counts bootstrap samples in which the smaller model cannot be fitted; they are left out. Those of [emix()].
#' @section Errors:
#' `emix_error_input` for fits that are not nested, or not by maximum likelihood; `emix_error_object` for a damaged fit.
#' @references
#' McLachlan, G. J. (1987). On bootstrapping the likelihood ratio test statistic for the number of components in a normal mixture.
#' *Applied Statistics* 36, 318-324.
#'
#' Besag, J. and Clifford, P. (1991). Sequential Monte Carlo p-values. *Biometrika* 78, 301-304.
#'
#' Davison, A. C. and Hinkley, D. V. (1997). *Bootstrap Methods and their Application*, chapter 4. Cambridge University Press.
#' @seealso `emix(x, k = 1:5)`, which chooses `k` by a criterion; [em_gradient()].
#' @examples
#' set.seed(1)
#' # One common standard deviation, or two?
#' anova(emix(faithful$waiting, equal = "sd"), emix(faithful$waiting), replicates = 49)
#'
#' em_test_k(faithful$waiting, k = 1:3, replicates = 49)
#' @export
anova.emix <- function(object, ..., replicates = 999, level = 0.05, stop = TRUE, control = NULL) {
  fits <- list(object, ...)
  replicates <- check_count(replicates, "replicates", 1, 1e6)
  level <- check_number(level, "level", 0, 1, open = TRUE)
  stop <- check_flag(stop, "stop")
  if (length(fits) < 2L) {
    stop_input("...", "further fits of emix(): a mixture is tested against a larger one", "nothing")
  }
  names <- names(fits)
  if (any(nzchar(names))) stop_input("...", "fits of emix(), without names", paste0("`", names[nzchar(names)][1L], "`"))
  for (i in seq_along(fits)) check_tested(fits[[i]], if (i == 1L) "object" else "...")
  for (i in seq_along(fits)[-1L]) {
    why <- not_nested(fits[[i - 1L]], fits[[i]])
    if (!is.null(why)) stop_input("...", "a larger model than the fit before it, of the same rows", paste("so:", why))
  }
  control <- if (is.null(control)) object$arguments$control else check_control(control)
  seeds <- lapply(fits[-1L], function(fit) draw_seeds(1L + replicates))
  tests <- lapply(seq_along(seeds), function(i) test_pair(fits[[i]], fits[[i + 1L]], seeds[[i]], level, stop, control))
  anova_table(fits, tests, level)
}

test_pair <- function(null, alternative, seeds, level, stop, control) {
  test <- ratio_test(null, alternative, seeds, level, stop, control)
  # Of heights that count: a fit to a chance cluster has missed nothing.
  above <- if (is_avoided(alternative)) 0 else alternative$loglik - null$loglik - test$statistic / 2
  c(test, list(missed = if (above > 1e-4) above else 0))
}

anova_table <- function(fits, tests, level) {
  of <- function(name) c(NA, vapply(tests, function(t) as.double(t[[name]]), 0))
  table <- data.frame(vapply(fits, `[[`, 0L, "k"), vapply(fits, function(f) as.double(f$df), 0), vapply(fits, `[[`, 0, "loglik"),
    of("statistic"), of("used"), of("exceed"), of("error"), of("p"))
  names(table) <- c("k", "Df", "logLik", "LR", "replicates", "exceed", "MC error", "Pr(>LR)")
  models <- paste0("Model ", seq_along(fits), ": ", vapply(fits, fit_title, ""))
  heading <- c("Likelihood-ratio test by parametric bootstrap\n", paste(c(models, ratio_notes(tests, level)), collapse = "\n"))
  structure(table, heading = heading, tests = tests, class = c("anova", "data.frame"))
}

# What has to be said of tests, but for their numbers.
ratio_notes <- function(tests, level) {
  if (!length(tests)) return(NULL)
  stopped <- vapply(tests, `[[`, NA, "stopped")
  failed <- sum(vapply(tests, function(t) as.double(t$failed), 0))
  missed <- vapply(tests, `[[`, 0, "missed")
  c(
    if (any(stopped)) paste0("stopped early: p is above ", format(level), " whatever further replicates are"),
    if (failed) paste(failed, "bootstrap samples could not be fitted and are left out"),
    if (any(missed > 0)) paste0("the fit of the larger model is higher by ", listing(format(missed[missed > 0], digits = 3)),
      " than the test's own search")
  )
}

#' @rdname anova.emix
#' @export
em_test_k <- function(x, k = 1:5, replicates = 999, level = 0.05, stop = TRUE, control = NULL, ...) {
  k <- check_numbers_of_components(k)
  replicates <- check_count(replicates, "replicates", 1, 1e6)
  level <- check_number(level, "level", 0, 1, open = TRUE)
  stop <- check_flag(stop, "stop")
  if (!is.null(control)) control <- check_control(control)
  fit_of <- fitter_of_k(x, control, ...)
  fit <- check_tested(fit_of(k[1L]), "x")
  if (is.null(control)) control <- fit$arguments$control
  rows <- tests <- list()
  open <- TRUE
  larger <- fit
  for (against in k[-1L]) {
    larger <- tryCatch(fit_of(against), emix_error_degenerate = function(e) NULL)
    if (is.null(larger)) {
      # No alternative that is a maximum.
      open <- FALSE
      break
    }
    why <- not_nested(fit, larger)
    if (!is.null(why)) stop_input("equal", paste0("such that k = ", fit$k, " is a special case of k = ", against), paste("so:", why))
    test <- test_pair(fit, larger, draw_seeds(1L + replicates), level, stop, control)
    tests <- c(tests, list(test))
    rows <- c(rows, list(data.frame(k = fit$k, against = against, loglik = fit$loglik, statistic = test$statistic,
      replicates = test$used, exceed = test$exceed, stopped = test$stopped, p.value = test$p, mc.error = test$error)))
    open <- test$p <= level
    if (!open) break
    fit <- larger
  }
  structure(list(k = fit$k, fit = fit, table = do.call(rbind, rows), tests = tests, level = level, open = open,
    collapsed = is.null(larger)), class = "em_test_k")
}

check_numbers_of_components <- function(k) {
  k <- check_numeric(k, "k")
  k <- vapply(k, check_count, 0L, "k", 1, 1e5)
  if (length(k) < 2L || any(diff(k) != 1L)) stop_input("k", "two or more whole numbers in a row, such as 1:5", listing(k))
  k
}

# A function that fits so many components; what has to be said of a fit that is only an alternative is not.
fitter_of_k <- function(x, control, ...) {
  given <- if (inherits(x, "emix")) {
    check_no_dots(...)
    update_arguments(check_tested(check_fit(x, "x"), "x"), list())
  } else {
    c(list(x), list(...))
  }
  unfit <- intersect(names(Filter(Negate(is.null), given)), c("fixed", "start", "prior"))
  if (length(unfit) && !(identical(unfit, "prior") && is_flat(as_prior(given$prior)))) {
    stop_input(unfit[1L], "left out: it is of one number of components, or no maximum likelihood")
  }
  if (!is.null(control)) given$control <- control
  function(k) {
    given$k <- k
    suppressWarnings(do.call(emix, given), classes = "emix_warning_spurious")
  }
}

#' @rdname anova.emix
#' @export
print.em_test_k <- function(x, digits = max(3L, getOption("digits") - 3L), ...) {
  check_no_dots(...)
  digits <- check_count(digits, "digits", 1, 22)
  cat("Number of components by likelihood-ratio tests (parametric bootstrap)\n\n")
  table <- x$table
  if (length(x$tests)) print(data.frame(test = paste(table$k, "against", table$against), LR = format(table$statistic, digits = digits),
    replicates = table$replicates, exceed = table$exceed, p = format(table$p.value, digits = digits),
    "MC error" = format(table$mc.error, digits = 2L), check.names = FALSE), row.names = FALSE)
  for (note in ratio_notes(x$tests, x$level)) cat(strwrap(note, 79L), sep = "\n")
  cat("\nk = ", x$k, if (x$open) paste0(": the last test is significant at ", x$level, " too, more may be needed") else
    if (x$collapsed) paste0(": with k = ", x$k + 1L, " every start collapses") else paste0(" is not rejected at ", x$level), "\n", sep = "")
  invisible(x)
}

# The bootstrap: a fit's parameters in many samples like its own.

boot_types <- c("parametric", "nonparametric", "weighted")

# What became of a refit, in words.
refit_status <- function(run) {
  if (run$status != 0L) return(status_names[run$status + 1L])
  if (run$spurious) "spurious" else if (!run$converged) "not converged" else "ok"
}

# One replicate, from the state of R's generator: parameters in the order of coef(), log-likelihood and status.
new_replicate <- function(source, type, marks) {
  rows <- resamplers[[type]](source)
  run <- refit_sample(rows, source)
  status <- refit_status(run)
  family <- source$spec$family
  values <- rep(NA_real_, length(source$listed))
  if (run$status == 0L) {
    own <- unpack(match_components(run$theta, marks), family, source$spec$k, source$affine)
    own$prop <- pmin(own$prop, 1)
    values <- unlist(own, use.names = FALSE)[source$listed]
    if (!all(is.finite(values))) status <- "diverged"
  }
  loglik <- if (run$status == 0L) run$likelihood + row_offset(rows, family, source$affine) else NA_real_
  list(values = if (status == "diverged") NA_real_ * values else values, loglik = loglik, status = status)
}

#' Bootstrap of a mixture
#'
#' Fits the model of a fit again to many samples like the fit's own. The value answers [confint()], [vcov()] and
#' [em_contrast()], so that one bootstrap serves many questions.
#'
#' @details
#' **Samples.**
#' - `"parametric"`: `n` rows drawn from the fitted mixture. Binomial rows keep their numbers of trials.
#' - `"nonparametric"`: `n` rows drawn with replacement from the rows (Efron 1979).
#' - `"weighted"`: the rows, with random weights, `n` times a draw of the flat Dirichlet distribution (Newton & Raftery 1994). No
#'   row is ever lost, so that small components survive. With a prior this is an approximate sample of the posterior distribution.
#'
#' *Case weights* that are whole numbers are counts: a row of weight `w` is `w` rows, in all three (`"parametric"`: `w` draws;
#' `"weighted"`: its weight is the sum of `w` exponential ones). Other weights stay with their rows: these are drawn with them, have
#' new values drawn for them, or have their weight multiplied by an exponential one.
#'
#' *Labels*: the likelihood of a labelled row is that of its value and its label together, so both vary. A labelled row is drawn
#' with its label; in a parametric sample the rows that are labelled stay the same, and each has its component drawn
#' and known.
#'
#' *Held* and *shared* parameters are so in each refit. A *prior* stays; what of it depends on the rows (the mean and scale of the
#' default prior) is computed from those of the sample, as [emix()] would.
#'
#' **Refits** begin at the fit's parameters and end with its certificate, on condensed rows and nodes as the fit itself. So a replicate is the
#' maximum that belongs to the fit's, not a higher one elsewhere. Where that run collapses or ends at a chance cluster (see
#' [emix()]), a few other starts are tried.
#'
#' **Components** are matched to the fit's: of all permutations that leave held values and labels in place the one with
#' the least `sum_j sum_b I_jb (v_jb - v*_jb)^2`, over the free parameters `b` of each component `j` that are not shared, on the log scale
#' (proportions, standard deviations), the logit scale (probabilities) or as they are (means). `I` is the information of the fit's rows were the
#' components known. Multivariate normal: `sum_j N_j [(log prop)^2 + the squared Mahalanobis distance of the means + half the sum of squares of
#' the log eigenvalues of S_j^-1 S*_j]`, of differences and with the fit's covariance `S_j`. The cheapest permutation is found exactly for any `k` (Kuhn 1955).
#'
#' **Seeds.** One seed per replicate is drawn by R's generator at the outset, `sample.int(.Machine$integer.max, replicates, replace = TRUE)`; after
#' the call the generator is as that line leaves it. Each replicate uses R's default generator with its seed. So [set.seed()]
#' decides everything, and the result is the same for any number of processes.
#'
#' **Processes.** As many as the fit may have threads (see [em_control()]; by default two), forked by \pkg{parallel}; one on Windows, in
#' a forked process, and where there is little to do. With `progress`, work of over two seconds shows how far it has come.
#'
#' @param fit a fit of [emix()], by maximum likelihood or with a prior.
#' @param replicates how many, a whole number from 1 to 1e6. Default 999.
#' @param type `"parametric"` (default), `"nonparametric"` or `"weighted"`.
#' @param control how refits are run, from [em_control()]: `tol`, `max_iter`, `accelerate`, `condense`, `threads` and `progress` matter.
#'   Default: the fit's own.
#' @param ... not used; anything given is an error.
#' @param x the value of `em_bootstrap()`.
#' @param digits significant digits.
#' @return a list of class `"em_bootstrap"`, of ordinary vectors only: `replicates` (a matrix, a row per replicate and a column per
#'   parameter, named and in the order of [coef()], in the units of the data; `NA` where a refit failed), `loglik` (of each replicate's sample),
#'   `status` (of each: `"ok"`; `"spurious"` and `"not converged"`, which count as estimates; `"collapsed"`, `"impossible"`
#'   and `"diverged"`, which are none), `estimate` ([coef()] of the fit), `type`, `seeds` and `fit`.
#'
#'   `print()` shows estimates, bias (the mean of replicates less the estimate), standard errors (their standard
#'   deviation) and percentile limits.
#' @section Warnings:
#' `emix_warning_replicates` counts replicates that failed, ended at a chance cluster or did not converge.
#' @section Errors:
#' `emix_error_input` for arguments outside what is said above and a fit with a hard E-step; `emix_error_fit` where
#' fewer than two replicates have an estimate, of more than one; `emix_error_object` for a damaged fit.
#' @references
#' Efron, B. (1979). Bootstrap methods: another look at the jackknife. *Annals of Statistics* 7, 1-26.
#'
#' Newton, M. A. and Raftery, A. E. (1994). Approximate Bayesian inference with the weighted likelihood bootstrap.
#' *Journal of the Royal Statistical Society B* 56, 3-48.
#'
#' Kuhn, H. W. (1955). The Hungarian method for the assignment problem. *Naval Research Logistics Quarterly* 2, 83-97.
#'
#' McLachlan, G. and Peel, D. (2000). *Finite Mixture Models*, section 2.16. Wiley, New York.
#' @seealso [confint.em_bootstrap()], [vcov.emix()], [em_contrast()]; [em_test_k()] for the number of components.
#' @examples
#' fit <- emix(faithful$waiting, k = 2)
#' set.seed(1)
#' boot <- em_bootstrap(fit, replicates = 199)
#' boot
#' confint(boot, "mean")
#' confint(boot, "mean", boot = "bca")
#' em_contrast(boot, function(p) p$mean[2] - p$mean[1])
#' @export
em_bootstrap <- function(fit, replicates = 999, type = c("parametric", "nonparametric", "weighted"), control = NULL, ...) {
  check_no_dots(...)
  check_soft(check_fit(fit, "fit"), "fit")
  replicates <- check_count(replicates, "replicates", 1, 1e6)
  type <- if (missing(type)) "parametric" else check_choice(type, "type", boot_types)
  control <- if (is.null(control)) fit$arguments$control else check_control(control)
  source <- boot_source(fit, control)
  check_resample(type, source)
  marks <- component_marks(fit, curvature(fit))
  seeds <- draw_seeds(replicates)
  each <- run_replicates(seeds, function(seed) new_replicate(source, type, marks), usable_processes(control), control$progress)
  found <- do.call(rbind, lapply(each, `[[`, "values"))
  colnames(found) <- names(coef(fit))
  boot <- structure(list(replicates = found, loglik = vapply(each, `[[`, 0, "loglik"),
    status = vapply(each, `[[`, "", "status"), estimate = coef(fit), type = type, seeds = seeds, fit = fit), class = "em_bootstrap")
  warn_of_replicates(boot)
  boot
}

# For functions that make their own bootstrap, and have another `type`.
resample_fit <- function(fit, replicates = 999, resample = "parametric", control = NULL, ...) {
  check_no_dots(...)
  em_bootstrap(fit, replicates, check_choice(resample, "resample", boot_types), control)
}

is_estimate <- function(boot) boot$status %in% c("ok", "spurious", "not converged")

warn_of_replicates <- function(boot) {
  counts <- table(boot$status[boot$status != "ok"])
  n <- length(boot$status)
  if (n > 1L && sum(is_estimate(boot)) < 2L) {
    emix_stop("fit", "Fewer than two of ", n, " bootstrap samples have an estimate (", paste(counts, names(counts), collapse = ", "),
      "). `equal`, fewer components or a prior would help.")
  }
  if (!length(counts)) return(invisible())
  failed <- sum(!is_estimate(boot))
  emix_warn("replicates", "Of ", counted(n, "bootstrap replicate"), ": ", paste(counts, names(counts), collapse = ", "), ".",
    if (failed) paste0(" Those without an estimate (", failed, ") are left out of what is computed from them."))
}

check_bootstrap <- function(x, argument = "object") {
  sound <- is.list(x) && is.matrix(x$replicates) && is.double(x$replicates) && is.character(x$status) &&
    length(x$status) == nrow(x$replicates) && isTRUE(x$type %in% boot_types)
  if (sound) check_fit(x$fit, argument)
  if (!sound || !identical(colnames(x$replicates), names(coef(x$fit)))) {
    emix_stop("object", "`", argument, "` must be what em_bootstrap() made, and undamaged.", argument = argument)
  }
  x
}

warn_of_lost <- function(curve, fit) {
  notes <- as.list(curvature_notes(curve, fit, Inf))
  if (length(notes$boundary)) emix_warn("boundary", notes$boundary, " There is no bootstrap for these: it is wrong on a boundary.")
}

# Replicates that are estimates, with NA for what has no standard error either; what there is to say of that is said.
estimates_of <- function(boot) {
  found <- boot$replicates[is_estimate(boot), , drop = FALSE]
  curve <- curvature(boot$fit)
  found[, !as.vector(curve$estimated)] <- NA
  warn_of_lost(curve, boot$fit)
  found
}

#' @rdname vcov.emix
#' @export
vcov.em_bootstrap <- function(object, scale = c("natural", "free"), complete = TRUE, ...) {
  check_no_dots(...)
  check_bootstrap(object)
  scale <- if (missing(scale)) "natural" else check_choice(scale, "scale", c("natural", "free"))
  complete <- check_flag(complete, "complete")
  if (scale == "free") check_coordinates(object$fit)
  found <- estimates_of(object)
  if (scale == "free") return(free_covariance(found, object$fit))
  covariance <- suppressWarnings(stats::cov(found))
  if (complete) covariance else covariance[!is.na(diag(covariance)), !is.na(diag(covariance)), drop = FALSE]
}

# Of the free coordinates, computed from each replicate's parameters.
free_covariance <- function(found, fit) {
  curve <- curvature(fit)
  k <- fit$k
  if (!curve$q) return(matrix(0, 0L, 0L))
  values <- vapply(seq_len(curve$q), function(i) {
    at <- which(curve$at == i)[1L]
    if (at <= k) return(log(found[, at]) - log(found[, curve$reference]))
    links[[curve$links[coordinate_blocks(curve)[i] - 1L]]]$to(found[, at])
  }, double(nrow(found)))
  values <- matrix(values, ncol = curve$q, dimnames = list(NULL, curve$names))
  infinite <- colSums(!is.finite(values)) > 0
  if (any(infinite)) {
    emix_warn("boundary", "Replicates of ", listing(curve$names[infinite]), " are on a boundary, infinite on this scale.")
    values[, infinite] <- NA
  }
  stats::cov(values)
}

#' @rdname em_bootstrap
#' @export
print.em_bootstrap <- function(x, digits = max(3L, getOption("digits") - 3L), ...) {
  check_no_dots(...)
  check_bootstrap(x, "x")
  digits <- check_count(digits, "digits", 1, 22)
  cat(toupper(substr(x$type, 1L, 1L)), substring(x$type, 2L), " bootstrap, ",
    counted(nrow(x$replicates), "replicate"), ": ", fit_title(x$fit), " (", format_n(x$fit), ")\n", sep = "")
  found <- suppressWarnings(estimates_of(x), classes = "emix_warning_boundary")
  table <- cbind(estimate = x$estimate, "std. error" = apply(found, 2L, stats::sd), bias = colMeans(found) - x$estimate,
    percentile_limits(found, 0.95))
  colnames(table)[4:5] <- limit_names(0.95)
  print(format_errors(table, max(1L, digits - 1L)), quote = FALSE, right = TRUE)
  counts <- table(x$status[x$status != "ok"])
  if (length(counts)) cat("not ok: ", paste(counts, names(counts), collapse = ", "), "\n", sep = "")
  invisible(x)
}

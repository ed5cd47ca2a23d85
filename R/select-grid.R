# The choice of a model: numbers of components and parameters to share, by one criterion out of several.

#' Choose the number of components and what they share
#'
#' Fits a mixture for every number of components and every structure of shared parameters or covariances, and compares them by information
#' criteria and, if asked for, by cross-validation.
#'
#' @details
#' With the log-likelihood `L`, `df` free parameters and `n` observations (the total weight), the smallest value is the best of
#' - `AIC`: `-2 L + 2 df` (Akaike 1974);
#' - `AICc`: `-2 L + 2 df n / (n - df - 1)`, for small samples (Hurvich & Tsai 1989); `NA` where `df` is too large for `n`;
#' - `BIC`: `-2 L + log(n) df` (Schwarz 1978), as [stats::BIC()];
#' - `ICL`: `BIC + 2 E` with `E = -sum_i w_i sum_j p_ij log p_ij`, the entropy of the posterior probabilities: it wants components
#'   that can be told apart (Biernacki, Celeux & Govaert 2000);
#' - `NEC`: `E / (L - L_1)` with `L_1` the log-likelihood of one component (Celeux & Soromenho 1996), 1 for one component (Biernacki,
#'   Celeux & Govaert 1999): above 1, one component is preferred. `NA` where known `labels` tell more than one component apart;
#' - `CV`: -2 times the log-likelihood of the rows of each fold under the fit to all other folds (Smyth 2000), on the scale of `AIC`.
#'
#' With a prior, `L` is the log-likelihood at the posterior mode. Of rows of several columns, models with more parameters than half the
#' numbers in the data (components then have about as many columns as rows) are chosen by `CV` only, or where there are no others.
#'
#' **Folds** are drawn by R's generator, before any fit: after `set.seed()` they depend on nothing else. A row of whole weight `w` is
#' `w` rows, which are drawn one by one; with weights that are no whole numbers, each row goes as a whole. Give `folds` as a
#' vector, one per row, where rows belong together. Fits without a fold run from the fit to all rows and a few starts of their own.
#' A held-out row of known component `j` counts with `log(prop_j f_j)`.
#'
#' `CV_se` is the standard error of `CV` from the spread of the rows' terms, of which most is common to all models; `diff_se` is that of
#' the difference from the model of the smallest `CV`, row by row: a difference that is not larger than it says nothing. Both take
#' the rows for
#' independent, though folds share most of their training rows.
#'
#' @param x,data,weights,labels,subset,family,prior,control,na.action as in [emix()]: a vector, matrix, data frame or formula, and
#'   what goes with it.
#' @param k numbers of components. Default: from 1 (or what `labels` tell apart) to 9, or to the number of rows.
#' @param equal the structures: a list of character vectors, as `equal` of [emix()] is one; `"none"` or `NULL` for nothing shared.
#'   Default: nothing, and
#'   for the normal family also a common standard deviation, `list("none", "sd")`.
#' @param cov covariance structures of rows of several columns, names as in [mix_mvnormal()], or `"all"`. Default: those of `family`, and where that
#'   is not given all fourteen.
#' @param criterion by which the best is chosen: `"BIC"` (default), `"AIC"`, `"AICc"`, `"ICL"`, `"NEC"` or `"CV"`.
#' @param folds `NULL` (default): no cross-validation, or 10 folds if `criterion` is `"CV"`. A number of folds from 2 up to the number of
#'   rows (leave one out); or a vector of the fold of each row.
#' @param ... for methods; anything unknown is an error.
#' @return a data frame of class `"em_select"`, a row per model: `equal`, of several covariance structures `cov`, `k`, `df`, `loglik`, the criteria `AIC` to `NEC`, with folds `CV`,
#'   `CV_se` and `diff_se`, and `converged` and `spurious` (see [emix()]). Numbers are `NA` where all starts collapsed, `CV` also where they do
#'   without some fold; the column `reason`, beside `cov`, says why. There also
#'   `highest`: see [emix()].
#'   `$best` is the best fit, of class `"emix"`; `$criterion` what it was chosen by. `[` gives a plain data frame. There are
#'   methods for [print()]
#'   and [plot()][plot.em_select()].
#' @section Errors and warnings:
#' Those of [emix()]; warnings are about the best fit. What some model does not allow is an error before any is fitted.
#' @references
#' Akaike, H. (1974). A new look at the statistical model identification. *IEEE Transactions on Automatic Control* 19, 716-723.
#'
#' Biernacki, C., Celeux, G. and Govaert, G. (1999). An improvement of the NEC criterion for assessing the number of clusters
#' in a mixture model. *Pattern Recognition Letters* 20, 267-272.
#'
#' Biernacki, C., Celeux, G. and Govaert, G. (2000). Assessing a mixture model for clustering with the integrated
#' completed likelihood. *IEEE Transactions on Pattern Analysis and Machine Intelligence* 22, 719-725.
#'
#' Celeux, G. and Soromenho, G. (1996). An entropy criterion for assessing the number of clusters in a mixture model.
#' *Journal of Classification* 13, 195-212.
#'
#' Hurvich, C. M. and Tsai, C.-L. (1989). Regression and time series model selection in small samples. *Biometrika* 76, 297-307.
#'
#' Schwarz, G. (1978). Estimating the dimension of a model. *Annals of Statistics* 6, 461-464.
#'
#' Smyth, P. (2000). Model selection for probabilistic clustering using cross-validated likelihood. *Statistics and Computing* 10, 63-72.
#' @seealso [emix()] with several `k`, where nothing else is to be chosen.
#' @examples
#' choice <- em_select(faithful$waiting, k = 1:4)
#' choice
#' choice$best
#' plot(choice)
#'
#' # Covariance structures
#' em_select(faithful, k = 1:3, cov = c("EEE", "VEV", "VVV"))
#'
#' # What do rows say that the fit has not seen?
#' set.seed(1)
#' em_select(height ~ 1, data = heights, k = 1:2, folds = 5, criterion = "CV")
#' @export
em_select <- function(x, ...) {
  if (missing(x)) stop_input("x", "given: a numeric vector, a matrix, a data frame or a formula")
  UseMethod("em_select")
}

#' @rdname em_select
#' @export
em_select.default <- function(x, k = 1:9, equal = NULL, cov = NULL, criterion = "BIC", folds = NULL, family = NULL,
                              weights = NULL, labels = NULL, prior = NULL, control = em_control(), na.action = na.fail, ...) {
  check_no_dots(...)
  numbers <- numbers_of(x)
  args <- list(family = family, weights = weights, labels = labels, prior = prior, control = control, na.action = na.action)
  select_among(numbers, args, list(k = k, k_given = !missing(k), equal = equal, cov = cov, criterion = criterion, folds = folds),
    match.call(), own_names(x, numbers))
}

#' @rdname em_select
#' @export
em_select.formula <- function(x, data = NULL, k = 1:9, equal = NULL, cov = NULL, criterion = "BIC", folds = NULL,
                              family = NULL, weights = NULL, labels = NULL, prior = NULL, control = em_control(), na.action = na.fail,
                              subset = NULL, ...) {
  check_no_dots(...)
  call <- match.call()
  frame <- formula_frame(x, data, call, parent.frame())
  numbers <- bare(model.response(frame))
  args <- list(family = family, weights = frame[["(weights)"]], labels = frame[["(labels)"]], prior = prior,
    control = control, na.action = na.action)
  select_among(numbers, args, list(k = k, k_given = !missing(k), equal = equal, cov = cov, criterion = criterion, folds = folds),
    call, names_of_rows(numbers), attr(frame, "terms"))
}

select_among <- function(x, args, grid, call, names, terms = NULL) {
  args["family"] <- list(family_to_select(args$family, grid$cov, NCOL(x)))
  problem <- read_problem(x, args, names)
  frame <- problem$frame
  args <- problem$args
  grid <- read_grid(grid, problem)
  families <- families_of(problem$family)
  for (equal in grid$equal) check_grid(frame, problem$rows, families, c(list(equal = equal), args["prior"]), grid$k)
  cells <- if (!is.null(grid$folds)) draw_folds(grid$folds, frame)
  if (!is.null(cells)) check_folds(cells, frame, max(grid$k))
  parts <- watched(args$control$progress, lapply(grid$equal, function(equal) {
    args["equal"] <- list(equal)
    part <- fit_grid(frame, problem$rows, problem$family, args, grid$k, grid$criterion)
    part$table <- cbind(equal = name_structure(equal), part$table)
    part
  }))
  fits <- do.call(c, lapply(parts, `[[`, "fits"))
  table <- do.call(rbind, lapply(parts, `[[`, "table"))
  if (!is.null(cells)) table <- watched(args$control$progress, add_folds(table, fits, grid, families, problem, args, cells))
  best <- best_model(table, grid$criterion, fits)
  if (!length(best)) stop_unchosen(fits, grid$criterion)
  fit <- chosen_fit(fits[[best]], call, terms, criterion = if (grid$criterion %in% criteria) grid$criterion else "BIC")
  warn_of_fit(fit)
  structure(table, class = c("em_select", "data.frame"), best = fit, row = best, criterion = grid$criterion,
    folds = if (!is.null(cells)) length(unique(cells$fold)))
}

# Of rows of several columns all structures, unless the user says which.
family_to_select <- function(family, cov, columns) {
  if (is.null(family) && columns > 1L) return(mix_mvnormal(if (is.null(cov)) "all" else cov))
  if (is.null(cov)) return(family)
  family <- as_family(family, columns)
  if (family$name != "mvnormal") stop_input("cov", "left out: covariance structures are of rows of several columns", describe(cov))
  mix_mvnormal(cov)
}

# The table with the columns of cross-validation.
add_folds <- function(table, fits, grid, families, problem, args, cells) {
  each <- length(grid$k) * length(families)
  models <- Map(function(fit, k, equal, family) list(fit = fit, k = k, equal = equal, family = family), fits, table$k,
    rep(grid$equal, each = each), rep(rep(families, each = length(grid$k)), length(grid$equal)))
  columns <- fold_columns(held_out(models, problem$frame, args, cells), cells)
  flags <- match("converged", names(table)):ncol(table)
  cbind(table[-flags], columns, table[flags])
}

# The best fit, with the call by which emix() would make it.
chosen_fit <- function(fit, call, terms, criterion) {
  cov <- fit$family$cov
  if (!is.null(cov) && (cov != "VVV" || !is.null(call$family))) call$family <- call_structure(cov)
  call[c("folds", "criterion", "cov")] <- NULL
  call$k <- fit$k
  call$equal <- if (length(fit$equal)) fit$equal
  fit$call <- plain_call(call)
  fit$arguments$criterion <- criterion
  fit$terms <- terms
  fit
}

read_grid <- function(grid, problem) {
  frame <- problem$frame
  least <- if (is.null(frame$labels)) 1L else max(1L, frame$labels$count)
  rows <- problem$rows$raw$n
  k <- if (grid$k_given) check_numeric(grid$k, "k") else seq(least, max(least, min(9, rows)))
  k <- sort(unique(vapply(k, check_count, 0L, "k", 1, 1e5)))
  if (!length(k)) stop_input("k", "one number at least", "empty")
  criterion <- check_choice(grid$criterion, "criterion", c(criteria, "CV"))
  folds <- if (is.null(grid$folds) && criterion == "CV") 10 else grid$folds
  list(k = k, equal = read_structures(grid$equal, problem$family), criterion = criterion, folds = folds)
}

# A list of what emix() takes as `equal`.
read_structures <- function(equal, family) {
  if (is.null(equal)) return(c(list(NULL), if ("sd" %in% family_of(family)$blocks) list("sd")))
  if (is.character(equal)) equal <- list(equal)
  if (!is.list(equal) || is.object(equal) || !length(equal)) stop_input("equal", "a list of character vectors", describe(equal))
  equal <- lapply(equal, function(one) if (!length(one) || identical(one, "none")) NULL else one)
  equal[!duplicated(vapply(equal, name_structure, ""))]
}

name_structure <- function(equal) if (length(equal)) paste(sort(unique(as.character(equal))), collapse = " + ") else "none"

#' @export
`$.em_select` <- function(x, name) {
  if (name %in% c("best", "criterion", "folds")) attr(x, name) else unclass(x)[[name]]
}

#' @export
`[[.em_select` <- function(x, i, ...) {
  if (is.character(i) && length(i) == 1L && i %in% c("best", "criterion", "folds")) attr(x, i) else NextMethod()
}

# Part of a table has no best fit.
#' @export
`[.em_select` <- function(x, ...) as.data.frame(x)[...]

#' @export
as.data.frame.em_select <- function(x, ...) {
  check_no_dots(...)
  attributes(x) <- attributes(x)[c("names", "row.names")]
  class(x) <- "data.frame"
  x
}

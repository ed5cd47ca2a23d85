#' Fit a finite mixture by the EM algorithm
#'
#' Finds the `k` hidden groups behind a sample: the maximum-likelihood estimate of a mixture of
#' `k` normal, multivariate normal or binomial distributions. One call starts EM from many places and returns the
#' best maximum found, as an object that answers R's usual questions.
#'
#' @details
#' A row `x` has density `sum_j prop_j f(x; component j)`, with `f` of the family. EM
#' alternates the E-step, the posterior probability of each component for each row,
#' `p_ij = prop_j f_j(x_i) / sum_l prop_l f_l(x_i)`,
#' and the M-step, the weighted maximum-likelihood estimate with these as weights (Dempster, Laird &
#' Rubin 1977). When it stops is said in [em_control()].
#'
#' The log-likelihood is that of the data as given: for binomial rows it includes the binomial
#' coefficients. A row of known component `j` adds `log(prop_j f_j(x))`.
#'
#' **Numbering.** Components are numbered in increasing order of mean or probability of success (ties: of
#' standard deviation, then of proportion); of several columns by the mean of the first (ties: of the next). Where the user told them apart, by `labels`, by
#' `start` or by different values in `fixed`, the user's order stays, and the names of
#' labels, of `start`'s first parameter or of its columns become the components' names.
#'
#' **Degrees of freedom** count free parameters: held ones not at all, shared ones once, proportions one
#' less than are free.
#'
#' **Starts.** Without `start`: cuts of the ordered rows into groups, which depend on the data
#' alone, then random centres spread as in k-means++, then moves from the best so far (two components
#' merged, another split). `fit$starts` is a data frame of one row per run: its `kind`, its `outcome` (`"converged"`: with
#' a certificate; `"stopped early"`: given up, as others were ahead; `"collapsed"`, `"impossible"`, `"diverged"`), the
#' `loglik` where it ended, its `evaluations`, whether it is `spurious` (see below) and which `maximum` it met. `fit$maxima`
#' has a row per maximum that was met, the highest first: `loglik`, by how many runs it was `met`, `spurious`, and its
#' parameters. Ends without a certificate are not among them, nor ridges where components coincide, unless there is
#' nothing else; maxima of one height count as one. With a prior or a hard E-step the column `loglik` of both is called
#' `objective` and holds what is then maximised. Of more than 1200 distinct rows, starts are run on fewer points that stand
#' for them (`fit$convergence$points`); both tables are then of these points, and only the best few runs go on to all rows.
#'
#' **Collapse and chance clusters.** The normal likelihood is unbounded where a component shrinks onto one value; runs
#' that go there are dropped and counted, and the best interior maximum wins. A component of less than a third of the
#' widest's standard deviation is called a chance cluster (*spurious*) if it has fewer than four rows, or if clusters like
#' it are to be expected by chance: where the others put `e` rows within two of its standard deviations and it adds
#' `m`, a Poisson count of mean `e` reaches `e + m` in one of the windows of that width that the data hold with a
#' probability above 1/1000 (small, as the fit has looked at every place and width). Case weights count: a row of weight 3
#' is three rows. Where the weights are on average below 1 they are no counts, and are scaled to an average of 1
#' for this rule. A maximum with such a component is taken only if there is no other, with a warning; or where [em_control()] allows
#' it (`spurious = "allow"`). What this means for rows of several
#' columns is said in [mix_mvnormal()].
#'
#' **Convergence.** `fit$convergence` is a list: `gain` (Newton's decrement: what the log-likelihood would still rise by),
#' `evaluations` (walks over the rows on the way from the start, as `iterations`, to the end), `flat` (is there a direction in which nothing
#' changes, as where components coincide, or one is empty and would grow nowhere), `boundary` (free parameters on the boundary of what is legal, e.g.
#' `"prob.1 = 0"`; of rows with gaps, of which few are whole, also covariances without an inverse, which EM cannot leave: such a run
#' has not converged), `spurious` (see above), `tol`, `maximum` (the row of `fit$maxima`), and
#' where starts were run on fewer points than rows, `points`, their number. A run that ended at a saddle has not converged, and its
#' `gain` is infinite: EM alone cannot always leave one, and from some the only way up is a collapse.
#'
#' **Missing values** in the response stop with an error that says how to leave these rows out
#' (`na.action`); infinite values always do. With `na.action = "likelihood"` rows of several columns are used through the values
#' that they have (multivariate normal family; see [mix_mvnormal()]). Rows of zero weight and binomial rows of zero trials are
#' allowed and do not influence the fit.
#'
#' @param x the response: a numeric vector (or time series); a matrix or data frame of one column; of two or more columns
#'   for the multivariate normal family (see [mix_mvnormal()]); for the binomial
#'   family a matrix or data frame of two columns (successes, failures), or a vector of
#'   successes with `family = mix_binomial(size = )`; or a formula `response ~ 1`, of several columns `cbind(a, b) ~ 1`, for the
#'   binomial family `cbind(successes, failures) ~ 1`.
#' @param k number of components, a whole number from 1 to the number of rows. Default 2,
#'   or the number of components that `labels` names. Several numbers (`k = 1:5`): each is fitted, the
#'   best by `criterion` is returned with the table of all in `fit$selection`; neighbouring numbers
#'   lend each other their components as starts. So it is with several covariance structures of [mix_mvnormal()].
#' @param family `"normal"` (default for one column), `"mvnormal"` (default for several), `"binomial"`, or the value of [mix_normal()],
#'   [mix_mvnormal()] or [mix_binomial()].
#' @param weights case weights: a non-negative number per row; a row of weight `w` counts as
#'   `w` equal rows. In the formula method looked up in `data` first.
#' @param start `NULL` (default: many starts); a list of parameters, one value per component, e.g.
#'   `list(mean = c(160, 180), sd = c(6, 6))`, of which `mean` or `prob` is needed; a vector of component
#'   labels, one per row, numbered as `labels` are; or a matrix of posterior probabilities, rows x `k`. For several columns `mean` is
#'   a matrix and `cov` an array, see [mix_mvnormal()].
#' @param fixed a list of parameters held at given values, `NA` where free:
#'   `list(prop = c(0.5, 0.5))`, `list(mean = c(0, NA))`. They overrule `start`.
#' @param equal names of parameters that all components share: `"sd"`, `"mean"`, `"cov"`, `"prob"`, or
#'   `"prop"` for proportions of `1/k` each.
#' @param labels known components of some rows, held throughout: a factor, whose levels number the components, a
#'   character vector, numbered in the order of the C locale (capitals first) on every machine, or
#'   component numbers; `NA` where unknown.
#' @param prior a prior from [em_prior()] or its name, `"default"`: the fit is then the posterior mode.
#'   `NULL` (default): maximum likelihood.
#' @param criterion by which `k`, or a covariance structure, is chosen among several: `"BIC"` (default), `"AIC"`, `"AICc"`, `"ICL"` or `"NEC"`; [em_select()] says what
#'   they are, and chooses among parameters to share and by cross-validation too. The smallest wins (of several columns not by a model with more
#'   parameters than half the numbers in the data, if there is another).
#' @param control how the fit is run, from [em_control()].
#' @param na.action what to do with missing values in the response: [na.fail()] (default),
#'   [na.omit()] or [na.exclude()] (results then have `NA` in these rows), or, for the multivariate normal family,
#'   `"likelihood"`: rows are used through the values that they have, see [mix_mvnormal()].
#' @param data a data frame in which the formula's variables, `weights`, `labels` and
#'   `subset` are looked up first.
#' @param subset rows of `data` to use, as in [lm()].
#' @param ... further arguments of the methods. Unknown ones are an error.
#' @return a list of class `c("emix_<family>", "emix")`, of ordinary vectors only, with among
#'   others `parameters` (a list of vectors, one value per component: `prop`, then `mean` and `sd`, or `prob`; for several columns a matrix `mean` and an array `cov`),
#'   `loglik`, `df`, `nobs` (the sum of the weights), `converged`, `iterations`, `convergence`,
#'   `starts`, `maxima`, `selection` (of several `k` or structures a data frame with a row for each; of several structures with the
#'   columns `cov`; `highest`, the log-likelihood of the highest maximum met, which is above `loglik` where that may have a chance cluster
#'   and was avoided, `NA` where starts ran on a part of the rows; and `reason`, why all starts collapsed where they did; printed as a matrix) and, if asked for, `trace`. Use the methods: [print()], [summary()], [plot()],
#'   [coef()], [logLik()], [AIC()], [BIC()], [nobs()], [predict()], [fitted()], [residuals()],
#'   [simulate()], [update()], [formula()], [as.data.frame()], [vcov()], [confint()], [em_contrast()], [em_overlap()],
#'   [profile()], [em_bootstrap()], [anova()], [em_test_k()].
#' @section Errors and warnings:
#' Errors have class `emix_error` and one of: `emix_error_input` (an argument is wrong; the
#' condition's element `argument` names it), `emix_error_degenerate` (every start collapsed),
#' `emix_error_fit` (a row is impossible under every component). Warnings have class `emix_warning`
#' and one of: `emix_warning_iterations` (`max_iter` was reached first),
#' `emix_warning_start` (components of `start` were equal and have been moved apart),
#' `emix_warning_spurious` (every maximum found has a chance cluster), `emix_warning_labels` (every row has a label, and none has that of
#' some component). With several `k` they are about the fit that
#' is returned; `fit$selection` says which of the others did not converge or have a chance cluster.
#' @references
#' Dempster, A. P., Laird, N. M. and Rubin, D. B. (1977). Maximum likelihood from incomplete data via
#' the EM algorithm. *Journal of the Royal Statistical Society B* 39, 1-38.
#'
#' Do, C. B. and Batzoglou, S. (2008). What is the expectation maximization algorithm?
#' *Nature Biotechnology* 26, 897-899. \doi{10.1038/nbt1406}
#'
#' McLachlan, G. J. and Peel, D. (2000). *Finite Mixture Models*. Wiley.
#' @examples
#' # Two coins, which of them was tossed is hidden; both are equally likely
#' fit <- emix(cbind(heads, tails) ~ 1, data = coins, k = 2, family = "binomial", equal = "prop")
#' fit
#' predict(fit)
#'
#' # The coins known: count and divide
#' emix(cbind(heads, tails) ~ 1, data = coins, family = "binomial", labels = coin)
#'
#' # Heights of women and men, without their sex
#' fit <- emix(height ~ 1, data = heights, k = 2, equal = "sd")
#' fit
#' plot(fit)
#'
#' # Several columns: how long a geyser erupts, and how long one then waits (minutes)
#' fit <- emix(faithful, k = 2)
#' fit
#' plot(fit)
#' emix(cbind(eruptions, waiting) ~ 1, data = faithful, k = 2, equal = "cov")
#'
#' # Known values, weights
#' emix(faithful$waiting, k = 2, fixed = list(prop = c(0.4, 0.6)))
#' emix(c(1, 2, 7, 8), k = 2, weights = c(10, 20, 20, 10), equal = "sd")
#' @export
emix <- function(x, ...) {
  if (missing(x)) stop_input("x", "given: a numeric vector, a matrix, a data frame or a formula")
  UseMethod("emix")
}

# A time series, a table or a value in I() is read as the numbers that it holds.
bare <- function(x) if (inherits(x, c("ts", "AsIs", "table"))) strip_class(x) else x

strip_class <- function(x) {
  attr(x, "tsp") <- NULL
  unclass(x)
}

# The call as the user would write it again. do.call() puts the data themselves into it: they are kept once, in
# the fit, and named here by what they are.
plain_call <- function(call) {
  call[[1L]] <- quote(emix)
  shorten(call)
}

shorten <- function(value) {
  if (is.call(value)) {
    if (identical(value[[1L]], quote(`function`))) return(value)
    attributes(value) <- attributes(value)["names"] # of a formula, its environment
    for (i in seq_along(value)) {
      if (!identical(value[[i]], quote(expr = ))) value[i] <- list(shorten(value[[i]]))
    }
    return(value)
  }
  if (is.symbol(value) || is_short(value)) value else as.name(paste0("<", describe(value), ">"))
}

is_short <- function(value) {
  if (is.null(value)) return(TRUE)
  if (!is.vector(value) || length(value) > 10L) return(FALSE)
  if (is.list(value)) all(vapply(value, is_short, NA)) else is.atomic(value) && sum(nchar(value, "bytes", keepNA = FALSE)) <= 200L
}

# What emix() and em_select() were given, checked: rows, family and the other arguments.
read_problem <- function(x, args, names = names_of_rows(x)) {
  args$control <- check_control(args$control)
  args["prior"] <- list(as_prior(args$prior))
  family <- as_family(args$family, NCOL(x))
  response <- family_of(family)$rows(x, family)
  frame <- collect_rows(response, family, args$weights, args$labels, args$na.action, names)
  list(frame = frame, rows = core_rows(frame, args$control$condense), family = family, args = args)
}

fit_response <- function(x, args, k_given, call, names = names_of_rows(x)) {
  problem <- read_problem(x, args, names)
  args <- problem$args
  if (!k_given && !is.null(problem$frame$labels)) args$k <- max(args$k, problem$frame$labels$count)
  criterion <- check_choice(args$criterion, "criterion", criteria)
  if (length(args$k) > 1L) args$k <- check_numeric(args$k, "k")
  several <- length(args$k) > 1L || length(problem$family$cov) > 1L
  fit <- watched(args$control$progress, if (several) select_model(problem$frame, problem$rows, problem$family, args, criterion) else
    fit_mixture(problem$frame, problem$rows, problem$family, args$k, args$start, args$fixed, args$equal, args$prior, args$control))
  fit$call <- call
  fit$arguments$criterion <- criterion
  warn_of_fit(fit)
  fit
}

# A vector, a matrix or a data frame as the numbers that it holds.
numbers_of <- function(x) {
  if (is.data.frame(x)) return(numbers_of_frame(x))
  x <- bare(x)
  if (is.null(x) || !is.atomic(x) || !is.numeric(x) || is.object(x) || length(dim(x)) > 2L) {
    stop_input("x", "a numeric vector, a matrix, a data frame or a formula", describe(x))
  }
  x
}

numbers_of_frame <- function(x) {
  if (ncol(x) == 0L) stop_input("x", "a data frame of one or more columns", "without columns")
  numbers <- numbers_of_columns(x, "x", " Leave it out; groups that are known are given by `labels`.")
  if (ncol(x) == 1L) x[[1L]] else numbers
}

# The user's own names of rows.
own_names <- function(x, numbers) {
  if (!is.data.frame(x)) names_of_rows(numbers) else if (.row_names_info(x) > 0L) row.names(x)
}

#' @rdname emix
#' @export
emix.default <- function(x, k = 2, family = NULL, weights = NULL, start = NULL, fixed = NULL,
                         equal = NULL, labels = NULL, prior = NULL, criterion = "BIC", control = em_control(), na.action = na.fail, ...) {
  check_no_dots(...)
  x <- numbers_of(x)
  args <- list(k = k, family = family, weights = weights, start = start, fixed = fixed, equal = equal,
    labels = labels, prior = prior, criterion = criterion, control = control, na.action = na.action)
  fit_response(x, args, !missing(k), plain_call(match.call()))
}

#' @rdname emix
#' @export
emix.data.frame <- function(x, k = 2, family = NULL, weights = NULL, start = NULL, fixed = NULL,
                            equal = NULL, labels = NULL, prior = NULL, criterion = "BIC", control = em_control(), na.action = na.fail, ...) {
  check_no_dots(...)
  response <- numbers_of(x)
  args <- list(k = k, family = family, weights = weights, start = start, fixed = fixed, equal = equal,
    labels = labels, prior = prior, criterion = criterion, control = control, na.action = na.action)
  fit_response(response, args, !missing(k), plain_call(match.call()), own_names(x, response))
}

#' @rdname emix
#' @export
emix.formula <- function(x, data = NULL, k = 2, family = NULL, weights = NULL, start = NULL, fixed = NULL,
                         equal = NULL, labels = NULL, prior = NULL, criterion = "BIC", control = em_control(),
                         na.action = na.fail, subset = NULL, ...) {
  check_no_dots(...)
  call <- match.call()
  frame <- formula_frame(x, data, call, parent.frame())
  args <- list(k = k, family = family, weights = frame[["(weights)"]], start = start, fixed = fixed,
    equal = equal, labels = frame[["(labels)"]], prior = prior, criterion = criterion, control = control,
    na.action = na.action)
  fit <- fit_response(bare(model.response(frame)), args, !missing(k), plain_call(call), own_names(frame))
  fit$terms <- attr(frame, "terms")
  fit
}

# The model frame: response, weights and labels, in R's usual way; missing values stay.
formula_frame <- function(formula, data, call, env) {
  if (!is.null(data) && !is.data.frame(data) && !is.list(data) && !is.environment(data)) {
    stop_input("data", "a data frame", describe(data))
  }
  if (length(formula) != 3L) {
    stop_input("x", "a formula with a response, `response ~ 1` (of several columns `cbind(first, second) ~ 1`)", deparse1(formula))
  }
  if ("." %in% all.vars(formula[[2L]])) {
    stop_input("x", "a formula whose left side names its columns; all columns are the data frame itself, emix(data)", deparse1(formula))
  }
  tt <- tryCatch(terms(formula, data = data), error = function(e) {
    emix_stop("input", "`x` is not a formula that can be used: ", conditionMessage(e), argument = "x")
  })
  if (length(attr(tt, "term.labels")) || !is.null(attr(tt, "offset")) || attr(tt, "intercept") != 1L) {
    stop_input("x", "`response ~ 1` (covariates need mixtures of regressions, which are not there yet)",
      deparse1(formula))
  }
  asked <- call[c(1L, match(c("data", "weights", "labels", "subset"), names(call), 0L))]
  asked[[1L]] <- quote(stats::model.frame)
  asked$formula <- formula
  asked$na.action <- quote(stats::na.pass)
  asked$drop.unused.levels <- FALSE
  frame <- tryCatch(eval(asked, env), error = function(e) {
    emix_stop("input", "the formula's variables cannot be used: ", conditionMessage(e), argument = "x")
  })
  response <- bare(model.response(frame))
  if (!is.numeric(response) || is.object(response)) {
    emix_stop("input", "the response `", deparse1(formula[[2L]]), "` must be numeric, not ", describe(response), ".",
      argument = "x")
  }
  frame
}

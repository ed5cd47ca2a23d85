# Cross-validation: what the rows that a fit has not seen have to say of it.
#
# Folds are cells, a row in a fold: `row`, `fold` and `weight`, three vectors. A row of weight 3 is three rows, which may
# come into different folds, so that a table of counts and the rows that it counts are treated alike. Rows of
# weights that are no whole numbers stay whole.

# More single rows than these are drawn into folds row by row, not one by one.
most_singles <- 1e7

is_whole <- function(weights) all(weights == round(weights))

draw_folds <- function(folds, frame) {
  weights <- if (is.null(frame$weights)) rep(1, NROW(frame$x)) else frame$weights
  live <- which(weights > 0)
  singles <- if (is_whole(weights)) sum(weights) else length(live)
  if (length(folds) > 1L) return(given_folds(folds, frame, weights))
  folds <- check_count(folds, "folds", 2, 1e6)
  if (folds > singles) stop_input("folds", sprintf("at most the number of rows of positive weight (%.0f)", singles), format(folds))
  if (!is_whole(weights)) {
    return(list(row = live, fold = sample(rep_len(seq_len(folds), length(live))), weight = weights[live]))
  }
  held <- if (singles > most_singles) spread_counts(weights, folds) else count_singles(weights, folds)
  at <- which(held > 0)
  list(row = (at - 1L) %% length(weights) + 1L, fold = (at - 1L) %/% length(weights) + 1L, weight = as.double(held[at]))
}

# Numbers of single rows, rows x folds: all drawn into folds of equal size.
count_singles <- function(weights, folds) {
  fold <- sample(rep_len(seq_len(folds), sum(weights)))
  row <- rep.int(seq_along(weights), weights)
  matrix(tabulate((fold - 1) * length(weights) + row, length(weights) * folds), ncol = folds)
}

# The same of so many that a number for each is too much: folds are then of nearly equal size.
spread_counts <- function(weights, folds) {
  left <- weights
  held <- matrix(0, length(weights), folds)
  for (v in seq_len(folds)) {
    held[, v] <- if (v < folds) stats::rbinom(length(left), left, 1 / (folds - v + 1)) else left
    left <- left - held[, v]
  }
  held
}

given_folds <- function(folds, frame, weights) {
  if (!(is.numeric(folds) || is.factor(folds) || is.character(folds)) || length(folds) != frame$given || anyNA(folds)) {
    stop_input("folds", sprintf("a number of folds, or the fold of each of %.0f rows", frame$given), describe(folds))
  }
  folds <- take_rows(folds, frame$kept)
  live <- which(weights > 0)
  fold <- match(folds[live], unique(folds[live]))
  if (max(fold) < 2L) stop_input("folds", "two different ones at least", "all the same")
  list(row = live, fold = fold, weight = weights[live])
}

# The rows that are left without a fold.
training_frame <- function(frame, cells, fold) {
  weights <- if (is.null(frame$weights)) rep(1, NROW(frame$x)) else frame$weights
  out <- cells$fold == fold
  weights[cells$row[out]] <- pmax(weights[cells$row[out]] - cells$weight[out], 0)
  live <- which(weights > 0)
  utils::modifyList(frame, list(x = take_rows(frame$x, live), weights = if (!is.null(frame$weights)) weights[live],
    labels = take_labels(frame$labels, live), given = length(live), kept = TRUE, about = NULL), keep.null = TRUE)
}

check_folds <- function(cells, frame, k) {
  for (fold in unique(cells$fold)) {
    left <- NROW(training_frame(frame, cells, fold)$x)
    if (left < k) stop_input("folds", sprintf("such that %d rows are left for %d components", k, k), sprintf("%d are", left))
  }
}

# The log density of each cell under the fits without its fold: a column per model. `models` is a list of `k`, `equal`, `family` and
# `fit`; runs begin at the fit of all rows too, with few others unless all of these collapse. NA where a fold has no fit.
held_out <- function(models, frame, args, cells) {
  few <- utils::modifyList(args$control, list(starts = 2L))
  value <- matrix(NA_real_, length(cells$row), length(models))
  for (fold in unique(cells$fold)) {
    train <- training_frame(frame, cells, fold)
    rows <- core_rows(train, args$control$condense)
    at <- which(cells$fold == fold)
    x <- take_rows(frame$x, cells$row[at])
    label <- frame$labels$code[cells$row[at]]
    for (m in seq_along(models)) {
      model <- models[[m]]
      if (!inherits(model$fit, "emix")) next
      say_of("fold ", fold, " of ", max(cells$fold), ", model ", m, " of ", length(models))
      more <- list(flat_parameters(model$fit$parameters))
      try_fit <- function(control) tryCatch(
        fit_mixture(train, rows, model$family, model$k, NULL, NULL, model$equal, args$prior, control, more),
        emix_error = function(e) NULL
      )
      fit <- try_fit(few)
      if (is.null(fit)) fit <- try_fit(args$control)
      if (!is.null(fit)) value[at, m] <- labelled_density(x, label, fit$parameters, family_of(model$family))
    }
  }
  value
}

# Log densities; of a row of known component, as in the log-likelihood, with this component's proportion.
labelled_density <- function(x, label, parameters, family) {
  value <- mixture_log_density(x, parameters, family)
  for (j in setdiff(unique(label), 0L)) {
    at <- which(label == j)
    value[at] <- log(parameters$prop[[j]]) + family$log_density(take_rows(x, at), one_component(parameters, j))
  }
  unname(value)
}

# -2 times the sum, on the scale of AIC, and its standard error.
fold_sum <- function(value, weight) -2 * sum(weight * value)

fold_error <- function(value, weight, whole) {
  spread <- value - sum(weight * value) / sum(weight)
  n <- if (whole) sum(weight) else length(weight)
  if (n < 2) return(NA_real_)
  error <- 2 * sqrt(n / (n - 1) * sum((if (whole) weight else weight^2) * spread^2))
  if (is.finite(error)) error else NA_real_
}

fold_columns <- function(value, cells) {
  weight <- cells$weight
  whole <- is_whole(weight)
  cv <- apply(value, 2L, fold_sum, weight)
  best <- which.min(cv)
  data.frame(CV = cv, CV_se = apply(value, 2L, fold_error, weight, whole),
    diff_se = if (length(best)) apply(value - value[, best], 2L, fold_error, weight, whole) else rep(NA_real_, length(cv)))
}

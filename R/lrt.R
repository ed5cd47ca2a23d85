# The likelihood-ratio test by parametric bootstrap: one statistic, for the sample and for replicates.
#
# A pair is what they have in common: null and alternative (setups, see refit.R), theta (where runs of the null begin) and
# source (of samples of the null).

# Ways to begin the alternative from the null's maximum, at most.
most_splits <- 24L

new_pair <- function(null, alternative, control) {
  control$accelerate <- TRUE
  control$max_iter <- max(control$max_iter, 5000L)
  source <- boot_source(null, control)
  setup <- function(fit) list(spec = fit_spec(fit), affine = null$core, control = source$control, prior = NULL)
  list(null = setup(null), alternative = setup(alternative), theta = source$theta, source = source)
}

# Twice the gain of the alternative over the null in these rows; NA where the null cannot be fitted. A chance cluster is no
# evidence of a component, and the null is itself in the alternative: so it is never negative.
ratio_statistic <- function(rows, pair) {
  points <- with_points(rows, pair$null$spec$family)
  null <- best_of_few(points, pair$null, pair$theta)
  if (is.null(null)) return(NA_real_)
  other <- best_of_few(points, pair$alternative, from_null(null$theta, pair))
  gain <- if (is.null(other) || other$spurious) 0 else 2 * (other$objective - null$objective)
  # Below this it is of runs that ended in one place.
  if (gain > 4 * same_maximum * null$unit) gain else 0
}

# Starts of the alternative, as columns: the null's maximum where it has as many components, else with components split
# in every way that the family knows.
from_null <- function(theta, pair) {
  spec <- pair$alternative$spec
  spec$values <- spec$family$to_core(spec$values, pair$alternative$affine)
  some <- list(unpack_core(theta, pair$null$spec))
  while (length(some[[1L]]$prop) < spec$k) {
    first <- length(some) == 1L
    some <- unlist(lapply(some, split_components, family = spec$family, most = if (first) most_splits else 1L), FALSE)
  }
  do.call(cbind, lapply(some, function(p) as_column(p, spec)))
}

# The parameters with one component more, the largest split first.
split_components <- function(parameters, family, most) {
  k <- length(parameters$prop)
  grown <- lapply(parameters, function(v) c(v, matrix(v, ncol = k)[, k]))
  grown$prop[length(grown$prop)] <- 0
  ways <- expand.grid(way = seq_len(family$split_ways), from = order(parameters$prop, decreasing = TRUE))
  ways <- ways[parameters$prop[ways$from] > 0, ]
  ways <- utils::head(ways, most)
  Map(function(from, way) family$split(grown, from, length(grown$prop), way), ways$from, ways$way)
}

# Exceedances at which p is above the level, at once and whatever the replicates to come are.
enough_exceedances <- function(replicates, level) {
  max(1, floor(level * (replicates + 1) + 1e-9), floor(level * replicates + 1e-9) + 1)
}

# The p-value of `statistic` from those of replicates, in their order; NA ones have none. With `most` exceedances the
# first that many decide, and the rest is not looked at.
bootstrap_p <- function(statistic, replicates, most = Inf) {
  known <- which(!is.na(replicates))
  count <- cumsum(replicates[known] >= statistic)
  last <- match(most, count)
  stopped <- !is.na(last)
  used <- if (stopped) last else length(known)
  exceed <- if (stopped) most else c(count, 0L)[max(used, 1L)]
  p <- if (stopped) exceed / used else (1 + exceed) / (1 + used)
  list(p = p, error = if (used) sqrt(p * (1 - p) / used) else NA_real_, exceed = as.integer(exceed), used = used, stopped = stopped,
    failed = sum(is.na(if (stopped) replicates[seq_len(known[last])] else replicates)))
}

# The test of one fit against another that holds it. seeds: that of the sample's own search, then one for each replicate.
ratio_test <- function(null, alternative, seeds, level, stop, control) {
  pair <- new_pair(null, alternative, control)
  rows <- pair$source$rows
  observed <- run_replicates(seeds[1L], function(seed) ratio_statistic(rows, pair), 1L)[[1L]]
  if (is.na(observed)) emix_stop("fit", "The smaller model cannot be fitted again to its own rows.")
  replicates <- length(seeds) - 1L
  most <- if (stop) enough_exceedances(replicates, level) else Inf
  found <- run_replicates(seeds[-1L], function(seed) ratio_statistic(resamplers$parametric(pair$source), pair),
    usable_processes(control), control$progress, enough = function(done) sum(unlist(done) >= observed, na.rm = TRUE) >= most)
  found <- as.double(unlist(found))
  p <- bootstrap_p(observed, found, most)
  # Batches end where processes do: what was not asked for is not kept.
  if (p$stopped) found <- found[seq_len(p$used + p$failed)]
  if (p$failed) {
    emix_warn("replicates", "The smaller model could not be fitted to ", p$failed, " of ", length(found), " bootstrap samples, which are left out.")
  }
  c(list(statistic = observed, replicates = found), p)
}

# What a test of two fits cannot do without.
check_tested <- function(fit, argument) {
  check_fit(fit, argument)
  if (identical(fit$arguments$control$estep, "hard") || !is_flat(fit$arguments$prior)) {
    stop_input(argument, "a fit by maximum likelihood: the test compares likelihoods at their maxima",
      if (is_flat(fit$arguments$prior)) "one by a hard E-step" else "one with a prior")
  }
  fit
}

is_flat <- function(prior) {
  is.null(prior) || (prior$type == "flat" && !length(Filter(Negate(is.null), unclass(prior)[-1L])))
}

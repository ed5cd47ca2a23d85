#' Simulate responses from a mixture
#'
#' Draws new samples of the fit's size from the fitted mixture, as [stats::simulate()] says.
#'
#' @param object a fit of [emix()].
#' @param nsim number of samples, default 1.
#' @param seed `NULL` (the generator goes on from where it is) or a seed for [set.seed()]; the
#'   generator is put back afterwards.
#' @param ... not used; anything given is an error.
#' @return a data frame of `nsim` columns `sim_1`, `sim_2`, ..., one value per row of the fit (whatever its weight); for the
#'   binomial family each column is a matrix (successes, failures) with the fit's numbers of trials, for the multivariate normal one a
#'   matrix of the data's columns. Known labels
#'   are not kept, nor are missing values: components are drawn anew. Rows that `na.exclude` left out are `NA`. The attribute `"seed"` is as in [stats::simulate()].
#' @examples
#' fit <- emix(faithful$waiting, k = 2)
#' head(simulate(fit, nsim = 2, seed = 1))
#' head(simulate(emix(faithful, k = 2), seed = 1)$sim_1)
#' @export
simulate.emix <- function(object, nsim = 1, seed = NULL, ...) {
  check_no_dots(...)
  check_fit(object)
  nsim <- check_count(nsim, "nsim", 1, 1e6)
  if (!exists(".Random.seed", envir = globalenv(), inherits = FALSE)) runif(1)
  if (is.null(seed)) {
    state <- get(".Random.seed", envir = globalenv())
  } else {
    seed <- check_count(seed, "seed", -.Machine$integer.max, .Machine$integer.max)
    before <- get(".Random.seed", envir = globalenv())
    on.exit(assign(".Random.seed", before, envir = globalenv()))
    set.seed(seed)
    state <- structure(seed, kind = as.list(RNGkind()))
  }
  draws <- lapply(seq_len(nsim), function(i) draw_like(object))
  draws <- lapply(draws, naresid, omit = object$na.action)
  structure(draws, names = paste0("sim_", seq_len(nsim)), row.names = .set_row_names(NROW(draws[[1L]])),
    class = "data.frame", seed = state)
}

draw_like <- function(object) {
  family <- family_of(object$family)
  size <- if (object$family$name == "binomial") object$x[, 2L]
  value <- draw_mixture(object$n, object$parameters, family, size)
  if (is.null(size)) value else cbind(successes = value, failures = size - value)
}

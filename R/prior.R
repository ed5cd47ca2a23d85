#' Priors: maximum a posteriori instead of maximum likelihood
#'
#' With `prior = em_prior(...)`, [emix()] maximises the log-likelihood plus the log density of the
#' prior. A weak prior removes the holes of the normal likelihood, where a component
#' collapses onto a few rows, and moves everything else little.
#'
#' @details
#' The densities, without constants:
#' - proportions: Dirichlet, `sum_j (prop - 1) log prop_j`;
#' - probabilities of the binomial family: beta, `sum_j [(prob[1] - 1) log p_j + (prob[2] - 1) log(1 - p_j)]`;
#' - mean and variance of the normal family: normal-inverse-gamma (Fraley & Raftery 2007),
#'   `mean_j | sd_j` normal about `mean` with variance `sd_j^2 / shrinkage`, and `sd_j^2` inverse gamma with `df` degrees
#'   of freedom and scale `scale`:
#'   `sum_j [-(df + 3) log sd_j - (scale + shrinkage (mean_j - mean)^2) / (2 sd_j^2)]`.
#'   So to speak, each mean has `shrinkage` rows at `mean` beforehand, and each variance the sum of squares
#'   `scale` over `df + 3` rows. A standard deviation shared by all components has its
#'   part, `scale` over `df + 2` rows, once;
#' - mean and covariance of the multivariate normal family, of `d` columns: normal-inverse-Wishart (Fraley & Raftery 2007),
#'   `mean_j | cov_j` normal about `mean` with covariance `cov_j / shrinkage`, and `cov_j` inverse Wishart:
#'   `sum_j [-(df + d + 2) log det(cov_j) / 2 - (tr(scale cov_j^-1) + shrinkage (mean_j - mean)' cov_j^-1 (mean_j - mean)) / 2]`.
#'   A covariance shared by all components has its part, `scale` over `df + d + 1` rows, once.
#'
#' `em_prior("default")` is that of Fraley & Raftery: `shrinkage = 0.01`, `df = 3`, `mean` the mean of
#' the data and `scale` their variance over `k^2` (divisor n, the total weight, where the program of Fraley & Raftery
#' has n - 1: so a row of weight 3 is three rows); for the binomial family `prob = c(1.5, 1.5)`, half
#' a success and half a failure beforehand, so that no probability is 0 or 1; for the multivariate normal family `shrinkage = 0.01`,
#' `df = d + 2`, `mean` that of the data and `scale` their covariance over `k^(2 / d)`. Proportions keep a flat prior.
#' `em_prior("flat")` is no prior at all: the fit is exactly that of maximum likelihood. Where some of its
#' arguments are given, the others are those without rows: `shrinkage = 0`, `df = 0`, `scale = 0`, `prob = c(1, 1)`.
#'
#' Held proportions and probabilities have no part in the prior.
#'
#' [logLik()] of the fit is the likelihood at the posterior mode; `fit$objective` adds the log prior.
#'
#' @param type `"default"` or `"flat"`: where the other arguments that are not given come from.
#' @param prop concentration of the Dirichlet density, at least 1: one number for all components, or one
#'   per component.
#' @param prob two numbers of at least 1, the parameters of the beta density.
#' @param mean prior mean of the components' means, in the units of the data: one number, or one per column.
#' @param shrinkage how many rows the prior mean counts for, not negative.
#' @param df degrees of freedom of the prior of the variances, at least 0.
#' @param scale its scale, in squared units of the data: a number, not negative; for the multivariate normal family a
#'   symmetric matrix of a row and a column per column of the data, or a number, which stands for that times the identity.
#' @return a list of class `"em_prior"`.
#' @section Errors:
#' `emix_error_input` for values outside what is said above; [emix()] raises it too where a prior does not
#' fit its family.
#' @references
#' Fraley, C. and Raftery, A. E. (2007). Bayesian regularization for normal mixture estimation and
#' model-based clustering. *Journal of Classification* 24, 155-181.
#' @examples
#' x <- c(1, 1, 1, 1, 2, 3, 5, 8, 13)
#' emix(x, k = 2, prior = em_prior())
#' emix(cbind(c(0, 0, 9, 10), c(10, 10, 1, 0)), family = "binomial", prior = em_prior(prob = c(2, 2)))
#'
#' # 32 cars, five columns: components of few rows, none of which collapses
#' cars <- log(mtcars[, c("mpg", "disp", "hp", "drat", "wt")])
#' emix(cars, k = 4, prior = "default")
#' @export
em_prior <- function(type = c("default", "flat"), prop = NULL, prob = NULL, mean = NULL, shrinkage = NULL,
                     df = NULL, scale = NULL) {
  type <- if (missing(type)) "default" else check_choice(type, "type", c("default", "flat"))
  if (!is.null(prop)) {
    prop <- check_numeric(prop, "prop")
    if (!length(prop) || anyNA(prop) || any(prop < 1 | prop == Inf)) stop_input("prop", "numbers of at least 1", describe(prop))
  }
  if (!is.null(prob)) {
    prob <- check_numeric(prob, "prob", 2L)
    if (anyNA(prob) || any(prob < 1 | prob == Inf)) stop_input("prob", "two numbers of at least 1")
  }
  positive <- function(x, name) if (!is.null(x)) check_number(x, name, 0, 1e300)
  structure(list(type = type, prop = prop, prob = prob, mean = if (!is.null(mean)) check_prior_mean(mean),
    shrinkage = positive(shrinkage, "shrinkage"), df = positive(df, "df"),
    scale = if (is.matrix(scale)) check_prior_scale(scale) else positive(scale, "scale")), class = "em_prior")
}

# One number, or one per column of the data.
check_prior_mean <- function(mean) {
  if (length(mean) < 2L) return(check_number(mean, "mean", -1e300, 1e300))
  mean <- check_numeric(mean, "mean")
  if (!all(abs(mean) <= 1e300 & !is.na(mean))) stop_input("mean", "finite", listing(mean))
  mean
}

check_prior_scale <- function(scale) {
  scale <- unname(scale)
  sound <- is.numeric(scale) && all(is.finite(scale)) && isSymmetric(scale) &&
    min(eigen(scale, symmetric = TRUE, only.values = TRUE)$values) >= -1e-12 * max(abs(scale))
  if (!sound) stop_input("scale", "a symmetric matrix without negative eigenvalues", describe(scale))
  storage.mode(scale) <- "double"
  scale
}

#' @export
print.em_prior <- function(x, ...) {
  given <- Filter(Negate(is.null), unclass(x)[-1L])
  matrix <- vapply(given, is.matrix, NA)
  given[matrix] <- lapply(given[matrix], describe)
  text <- if (length(given)) paste0(", ", paste(names(given), "=", vapply(given, listing, ""), collapse = ", "))
  cat("EM prior: ", x$type, text, "\n", sep = "")
  invisible(x)
}

# The prior argument of emix(): NULL, a name or a prior.
as_prior <- function(prior) {
  if (is.null(prior)) return(NULL)
  if (is.character(prior)) prior <- em_prior(check_choice(prior, "prior", c("default", "flat")))
  if (!inherits(prior, "em_prior")) stop_input("prior", "made by em_prior()", describe(prior))
  # Made once, but perhaps changed since.
  do.call(em_prior, unclass(prior)[intersect(names(formals(em_prior)), names(prior))])
}

# Stops where the family or the number of components has no use for the prior.
check_prior <- function(prior, spec) {
  strange <- intersect(names(Filter(Negate(is.null), unclass(prior))), spec$family$not_prior)
  if (length(strange)) {
    emix_stop("input", "`prior` has `", strange[1L], "`, which the ", spec$family$title, " family does not have.",
      argument = "prior")
  }
  d <- max(1L, length(spec$columns))
  if (!length(prior$mean) %in% c(0L, 1L, d)) {
    stop_input("prior$mean", if (d == 1L) "one number" else sprintf("one number or %d, one per column", d),
      sprintf("of length %d", length(prior$mean)))
  }
  if (is.matrix(prior$scale) && (d == 1L || nrow(prior$scale) != d)) {
    stop_input("prior$scale", if (d == 1L) "one number" else sprintf("a number or a matrix of %d x %d", d, d), describe(prior$scale))
  }
  if (!length(prior$prop) %in% c(0L, 1L, spec$k)) {
    stop_input("prior$prop", sprintf("one number or %d, one per component", spec$k),
      sprintf("of length %d", length(prior$prop)))
  }
}

# What the core gets: rows (Dirichlet) and family, each NULL where flat; offset of the log density.
core_prior <- function(prior, spec, rows, affine) {
  if (is.null(prior)) return(NULL)
  prop <- if (is.null(prior$prop)) 1 else prior$prop
  own <- spec$family$prior(prior, rows$raw, spec$k, affine)
  list(
    rows = if (any(prop != 1)) as.double(rep_len(prop, spec$k) - 1),
    family = if (!is.null(own)) as.double(own),
    # The core's units are not the user's: their density differs by a constant.
    offset = if (is.null(own)) 0 else spec$family$prior_offset(own, spec, affine)
  )
}

or_default <- function(value, default) if (is.null(value)) default else value

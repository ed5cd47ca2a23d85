# How well the components can be told apart.

#' Overlap of components and errors of classification
#'
#' How often the Bayes rule, which gives each row the component of the highest posterior probability, is wrong; which components
#' are taken for which; and how much each pair overlaps.
#'
#' @details
#' Component `j` has density `f_j`, distribution `P_j` and proportion `prop_j`. Under the fitted mixture, as if its parameters were true:
#' - `confusion[i, j] = P_i(the rule says j)`; `error = 1 - sum_j prop_j confusion[j, j]`, the expected misclassification rate;
#' - `omega[i, j] = P_i(prop_i f_i(X) < prop_j f_j(X))`: how often `j` is preferred to `i` for a row of `i`, these two alone
#'   (Maitra & Melnykov 2010; their
#'   overlap of a pair is `omega[i, j] + omega[j, i]`);
#' - `overlap[i, j]`, the overlap coefficient, the integral of `min(f_i, f_j)` (Weitzman 1970), whatever the proportions: 1 for
#'   equal components, 0 for
#'   separate ones.
#'
#' Of normal and binomial components they are exact: densities cross where a quadratic equation (normal) or a linear one (binomial, for
#' each number of trials) says. Of a binomial mixture they are averages over the rows' numbers of trials, by their weights.
#'
#' **Multivariate normal components.** `omega` and `overlap` are exact here too: the log of the ratio of two densities is a linear
#' combination of noncentral chi-squared variables and a normal one, whose distribution is found by inversion of its moment generating
#' function (Imhof 1961, Davies 1980) along a line through the saddlepoint, so that chances of 1e-300 keep their digits. So is
#' `confusion` of two components; and, from an integral over one variable, that of more, where they differ in two directions at most:
#' in rows of two columns, or of any number with up to three components of equal covariances. Else what third components take of `omega` is
#' simulated, along 8192 lines (fewer for many components) spread evenly through each component's mean, along which chances are exact.
#' `confusion_se` and `error_se` are the standard errors, from 16 replicates. The same parameters give the same numbers; R's generator is
#' not used. Missing values of rows are not looked at: the numbers are those of whole rows.
#'
#' Over the rows of the fit, weighted, with known labels respected:
#' - `uncertainty = 1 - mean(max_j p_ij)`, which estimates the misclassification rate of these rows;
#' - `entropy = -sum_i w_i sum_j p_ij log p_ij`; `certainty = 1 - entropy / (n log k)`: 1 where every row is clear, 0 where nothing is known
#'   (Celeux & Soromenho 1996).
#'
#' `error` and `uncertainty` are about the same where the model holds; both are too small where the parameters are uncertain, as
#' they take them for true.
#'
#' @param mixture a fit of [emix()], or a list of parameters as in [demix()].
#' @param size numbers of trials, where `mixture` is a list of binomial parameters: one, or several to average over.
#' @param x an object of class `"em_overlap"`.
#' @param digits significant digits of the rates; the matrices have one decimal more.
#' @param ... not used; anything given is an error.
#' @return a list of class `"em_overlap"`: `components`, `prop`, `error`, the k x k matrices `confusion`, `omega` (0 on its
#'   diagonal) and `overlap`; `error_se` and the matrix `confusion_se`, standard errors of what is simulated, 0 for what is exact; and for
#'   a fit `uncertainty`, `entropy` and `certainty` (`NA` for one component).
#' @section Errors:
#' `emix_error_input` for parameters or sizes that do not fit; `emix_error_object` for a damaged fit.
#' @references
#' Celeux, G. and Soromenho, G. (1996). An entropy criterion for assessing the number of clusters in a mixture model.
#' *Journal of Classification* 13, 195-212.
#'
#' Davies, R. B. (1980). The distribution of a linear combination of chi-squared random variables. *Applied Statistics* 29, 323-333.
#'
#' Imhof, J. P. (1961). Computing the distribution of quadratic forms in normal variables. *Biometrika* 48, 419-426.
#'
#' Maitra, R. and Melnykov, V. (2010). Simulating data to study performance of finite mixture modeling and clustering algorithms.
#' *Journal of Computational and Graphical Statistics* 19, 354-376.
#'
#' Weitzman, M. S. (1970). Measures of overlap of income distributions of white and Negro families in the United States.
#' Technical Paper 22, U.S. Bureau of the Census.
#' @seealso `plot(fit, "uncertainty")`, [plot.emix()].
#' @examples
#' fit <- emix(height ~ 1, data = heights, k = 2, equal = "sd")
#' em_overlap(fit)
#' # How many tosses tell two coins apart?
#' two_coins <- list(prop = c(0.5, 0.5), prob = c(0.8, 0.45))
#' sapply(c(5, 10, 50), function(size) em_overlap(two_coins, size)$error)
#' # Which species of iris are alike?
#' em_overlap(emix(iris[, 1:4], labels = iris$Species))
#' @export
em_overlap <- function(mixture, size = NULL) {
  m <- read_mixture(mixture)
  fit <- if (inherits(mixture, "emix")) mixture
  at <- overlap_rows(m, fit, size)
  found <- m$family$overlap(m$parameters, at$x, at$weights)
  components <- if (is.null(fit)) names(m$parameters$prop) else fit$components
  if (is.null(components)) components <- as.character(seq_along(m$parameters$prop))
  prop <- stats::setNames(as.vector(m$parameters$prop), components)
  found$error_se <- or_default(found$error_se, 0)
  found$confusion_se <- or_default(found$confusion_se, 0)
  square <- c("confusion", "omega", "overlap", "confusion_se")
  found[square] <- lapply(found[square], function(value) matrix(value, length(prop), length(prop), dimnames = list(components, components)))
  missed <- found$confusion
  diag(missed) <- 0
  value <- c(list(family = m$family$name, components = components, prop = prop, error = sum(prop * rowSums(missed))),
    found[c("error_se", square)])
  if (!is.null(fit)) value <- c(value, observed_certainty(fit))
  structure(value, class = "em_overlap")
}

overlap_rows <- function(m, fit, size) {
  if (m$family$name != "binomial" || !is.null(fit)) {
    if (!is.null(size)) stop_input("size", if (is.null(fit)) "left out: the mixture is not binomial" else "left out: the fit has its own")
    return(list(x = fit$x, weights = if (is.null(fit$weights)) rep(1, NROW(fit$x)) else fit$weights))
  }
  if (is.null(size)) stop_input("size", "given: the mixture is binomial")
  size <- check_numeric(size, "size")
  check_counts(size, "size")
  if (!length(size)) stop_input("size", "one number at least", "empty")
  list(x = cbind(0, size, deparse.level = 0), weights = rep(1, length(size)))
}

observed_certainty <- function(fit) {
  counts <- count_assigned(fit)
  list(uncertainty = counts$doubt / fit$nobs, entropy = counts$entropy,
    certainty = if (fit$k > 1L) 1 - counts$entropy / (fit$nobs * log(fit$k)) else NA_real_)
}

# With so many decimals; what is above zero is not shown as zero.
format_chances <- function(value, decimals) {
  text <- formatC(value, digits = decimals, format = "f")
  text[value > 0 & value < 0.5 * 10^-decimals] <- paste0("<", format(10^-decimals, scientific = FALSE))
  text
}

#' @rdname em_overlap
#' @export
print.em_overlap <- function(x, digits = 3L, ...) {
  check_no_dots(...)
  digits <- check_count(digits, "digits", 1, 22)
  say <- function(value) format(value, digits = digits)
  k <- length(x$prop)
  cat(counted(k, paste(family_of(x$family)$title, "component")), ", expected misclassification rate ", say(x$error),
    if (x$error_se > 1e-4 * x$error) paste0(" (standard error ", format(x$error_se, digits = 1), ")"), "\n", sep = "")
  if (!is.null(x$entropy)) {
    cat("rows: mean uncertainty ", say(x$uncertainty), ", entropy ", say(x$entropy),
      if (k > 1L) paste0(", certainty ", say(x$certainty)), "\n", sep = "")
  }
  if (k > 1L) {
    shown <- seq_len(min(k, 12L))
    show <- function(title, value) {
      cat("\n", title, "\n", sep = "")
      print(noquote(format_chances(value[shown, shown, drop = FALSE], digits + 1L)), right = TRUE)
    }
    show("rows of a component (down) that the Bayes rule gives to (across)", x$confusion)
    show("overlap of each pair, integral of the smaller density", x$overlap)
    if (k > 12L) cat("... and ", k - 12L, " more components\n", sep = "")
  }
  invisible(x)
}

#' Lindsay's gradient function: is the mixture the best of all?
#'
#' For a fitted mixture `G`, the gradient function
#' `D(t) = sum_i w_i f(x_i | t) / f_G(x_i) - sum_i w_i`
#' is the rate at which the log-likelihood rises when a further component with parameter `t` is given
#' a little weight. If `D(t) <= 0` for all `t`, no mixture of this kind with any number of components
#' has a higher likelihood: `G` is the nonparametric maximum-likelihood estimate (Lindsay 1983). Otherwise
#' the largest `D` bounds what any number of further components can gain.
#'
#' @details
#' `t` is the probability of success of a binomial component, or the mean of a normal
#' component with the standard deviation that all components share. The largest value is looked for
#' on a grid and then refined to rounding between its neighbours. At the support of a maximum, `D = 0` up to
#' rounding. A spike of `D` far from all components is the mark of an outlier.
#'
#' The bound: with `N = sum_i w_i`, no mixture of this kind has a log-likelihood above that of `G` by more than
#' `N log(1 + max D / N)`, which is at most `max D`. It is proved by Jensen's inequality: for any mixture `H`,
#' `sum w log(f_H / f_G) <= N log(sum w f_H / (N f_G))`, and the sum on the right is an average of `N + D(t)` over `H`.
#'
#' @param fit a fit of [emix()] with binomial components, or with normal components of one common
#'   standard deviation (`equal = "sd"`, held equal, or `k = 1`), without labels.
#' @param sd standard deviation of the further normal component. Default: the components' common one,
#'   for which alone `max D <= 0` proves optimality.
#' @param grid number of values of `t` at which `D` is computed for the plot, from 3 to 1e5. Default 512.
#' @param x the value of `em_gradient()`.
#' @param main,xlab title and label of the horizontal axis.
#' @param ... for `plot()`: graphical parameters; `print()` takes none.
#' @return a list of class `"em_gradient"`: `t` and `D` (the grid), `max` and `at` (the largest `D` and where),
#'   `bound` (what further components can gain at most), `support` (the components' parameters) with
#'   `D_support`, `n` (the sum of weights) and `parameter` (the name of `t`).
#' @section Errors:
#' `emix_error_input` where `fit` has labels or normal components of several standard deviations and no `sd`
#' is given; `emix_error_object` for a damaged object.
#' @references
#' Lindsay, B. G. (1983). The geometry of mixture likelihoods: a general theory. *Annals of Statistics* 11, 86-94.
#' @examples
#' fit <- emix(cbind(heads, tails) ~ 1, data = coins, k = 2, family = "binomial")
#' em_gradient(fit)
#' plot(em_gradient(fit))
#'
#' # One group of heights is not enough
#' em_gradient(emix(height ~ 1, data = heights, k = 1))
#' @export
em_gradient <- function(fit, sd = NULL, grid = 512) {
  check_fit(fit, "fit")
  grid <- check_count(grid, "grid", 3, 1e5)
  if (any(fit$labels > 0L)) stop_input("fit", "without labels: they tell rows apart", "one with labels")
  family <- family_of(fit$family$name)
  if (is.null(family$gradient)) {
    stop_input("fit", "of a family that has a gradient function", paste("of the", family$title, "family"))
  }
  rows <- gradient_rows(fit)
  problem <- family$gradient(fit, rows, sd)
  D <- gradient_function(rows, problem$log_density)
  values <- seq(problem$range[1L], problem$range[2L], length.out = grid)
  values <- sort(unique(c(values, problem$support)))
  d <- D(values)
  top <- refine_top(D, values, d)
  n <- sum(rows$weight)
  structure(list(t = values, D = d, max = top$D, at = top$t, bound = n * log1p(max(top$D, 0) / n),
    support = problem$support, D_support = D(problem$support), n = n, parameter = family$required),
    class = "em_gradient")
}

# Distinct rows with their weights, and the mixture's log density.
gradient_rows <- function(fit) {
  frame <- list(x = fit$x, weights = fit$weights, labels = NULL, given = fit$n, kept = TRUE)
  rows <- core_rows(frame, "auto")
  list(x = rows$x, weight = row_weights(rows), log_density = log_density_of(fit, rows$x))
}

# sum_i w_i exp(log f(x_i | t) - log f_G(x_i)) - n for each t.
gradient_function <- function(rows, log_density) {
  n <- sum(rows$weight)
  function(values) {
    vapply(values, function(t) sum(rows$weight * exp(log_density(rows$x, t) - rows$log_density)), 0) - n
  }
}

# The largest D: the best few peaks of the grid, each searched between its neighbours.
refine_top <- function(D, values, d) {
  last <- length(values)
  peaks <- which(d >= c(-Inf, d[-last]) & d >= c(d[-1L], -Inf))
  peaks <- utils::head(peaks[order(d[peaks], decreasing = TRUE)], 10L)
  best <- list(t = values[peaks[1L]], D = d[peaks[1L]])
  for (i in peaks) {
    if (!is.finite(best$D)) break
    ends <- values[c(max(i - 1L, 1L), min(i + 1L, last))]
    found <- stats::optimize(D, ends, maximum = TRUE, tol = 1e-9 * max(diff(ends), abs(values[i]) * 1e-6))
    if (found$objective > best$D) best <- list(t = found$maximum, D = found$objective)
  }
  best
}

#' @rdname em_gradient
#' @export
print.em_gradient <- function(x, ...) {
  check_no_dots(...)
  cat("Gradient function of a mixture, n = ", format(x$n, big.mark = ","), "\n", sep = "")
  cat("max D = ", format(x$max, digits = 3), " at ", x$parameter, " = ", format(x$at, digits = 6), "\n", sep = "")
  if (x$max <= 1e-6 * max(1, x$n * 1e-3)) {
    cat("no mixture with any number of such components has a higher likelihood\n",
      "(by more than ", format(max(x$bound, 0), digits = 1), ")\n", sep = "")
  } else {
    cat("further components can raise the log-likelihood, by ", format(x$bound, digits = 3), " at most\n", sep = "")
  }
  invisible(x)
}

#' @rdname em_gradient
#' @export
plot.em_gradient <- function(x, main = "Gradient function", xlab = x$parameter, ...) {
  # A spike must not flatten the rest: the axis is cut at the typical depth below.
  open_panel(range(x$t), c(max(min(x$D), -1.2 * x$n), max(x$D, 0.05 * x$n) * 1.08), main, xlab, "D", ...)
  graphics::abline(h = 0, col = "grey60", lty = 2L)
  lines(x$t, x$D, lwd = 2, col = okabe_ito[1L])
  points(x$support, x$D_support, pch = 16L)
  if (x$max > 1e-6) points(x$at, x$max, pch = 2L, col = okabe_ito[2L], lwd = 2)
  legend("topright", c("components", if (x$max > 1e-6) "largest D"), pch = c(16L, 2L), bty = "n",
    col = c("black", okabe_ito[2L]), cex = 0.85)
  invisible(x)
}

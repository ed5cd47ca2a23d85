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
#' component with the standard deviation that all components share. At the support of a maximum, `D = 0` up to
#' the precision of the fit. A spike of `D` far from all components is the mark of an outlier.
#'
#' The bound: with `N = sum_i w_i`, no mixture of this kind has a log-likelihood above that of `G` by more than
#' `N log(1 + max D / N)`, which is at most `max D`. It is proved by Jensen's inequality: for any mixture `H`,
#' `sum w log(f_H / f_G) <= N log(sum w f_H / (N f_G))`, and the sum on the right is an average of `N + D(t)` over `H`.
#'
#' **The largest value** is found for certain, however narrow its peak, by branch and bound. Let `h = log(1 + D / N)`. For
#' normal components `h(t) + t^2 / (2 sd^2)` is the log of a sum of exponentials of linear functions of `t`, and so
#' convex; for binomial ones of at most `m` trials `h(t) - m log(1 - t)` is convex in `logit t`. Between two values at which
#' it is known, a convex function is below its chord: so `h` has a bound there. The search begins at the values of the
#' plot: equally spaced ones, the components, and values a quarter of a component's width apart near
#' all rows (wider apart where these are too many). Intervals whose bound is above the largest `h` found are halved until
#' none is, but for 1e-10, or 1e-8 where that would take long. Where even this would take too long, the search
#' stops and `complete` is `FALSE`: then `max` may not be the largest value, but `bound` still holds. Outside the range of
#' normal rows `D` falls.
#'
#' More than 500 normal rows are condensed for the search: those within half a standard deviation become eight points
#' with positive weights that have the same moments up to the fifteenth (a Gauss rule; Golub & Welsch 1969), which leaves
#' the search as it was, to rounding. `max` and `D_support` are computed from all rows; what the two sums differ by is
#' added to `bound`.
#'
#' **Several columns.** `t` is the mean of a component with the covariance that all share. For any number of columns `D` has its peaks
#' where the mean shift rests, `t = sum p_i x_i` with weights `p_i` in proportion to the terms of `D` (Fukunaga & Hostetler 1975). From
#' up to 200 starts (the components, the rows where `D` is largest, others evenly spread) shifts and then Newton's steps lead to peaks;
#' `starts` is their number. In two columns the largest is then proved by branch and bound: `h + |t|^2 / 2` is convex (in units of the
#' covariance), so that in a square `h` is bounded by its values at the corners; rows are not condensed for this, so that with more than
#' some thousands of them the search may stop early. In more columns nothing is proved: `complete` is `FALSE`, `bound` is `NA`, and `max`
#' is the highest that was found.
#'
#' @param fit a fit of [emix()] with binomial components, with normal components of one common
#'   standard deviation (`equal = "sd"`, held equal, or `k = 1`), or with multivariate normal ones of one covariance (structures `"EII"`,
#'   `"EEI"` and `"EEE"`, or `k = 1`); without labels, and of several columns without missing values.
#' @param sd standard deviation of the further normal component. Default: the components' common one,
#'   for which alone `max D <= 0` proves optimality.
#' @param grid number of equally spaced values of `t` at which `D` is computed for the plot, from 3 to 1e5. Default
#'   512. Values near the rows are added, so that spikes are seen. `max` does not depend on it. In two columns the number for each, 101
#'   at most.
#' @param x the value of `em_gradient()`.
#' @param main,xlab title and label of the horizontal axis.
#' @param ... for `plot()`: graphical parameters; `print()` takes none.
#' @return a list of class `"em_gradient"`: `t` and `D` (values for the plot), `max` and `at` (the largest `D` and where),
#'   `bound` (what further components can gain at most), `complete` (is `max` known to be the largest value, to 1e-8 of
#'   `n + max`), `support` (the components' parameters) with `D_support`, `n` (the sum of weights) and `parameter` (the
#'   name of `t`). Of two columns `t` is a matrix of a row per point of a lattice, of more of a row per peak that was found; `at` is a
#'   vector, `support` a matrix of a row per component, and `starts` is there. `print()` says that no mixture is better where the search is complete and `max` is at most 1e-7
#'   `n`; beside it stands `bound`.
#' @section Errors:
#' `emix_error_input` where `fit` has labels, normal components of several standard deviations and no `sd`
#' is given, or several covariances, and for the plot of more than two columns; `emix_error_object` for a damaged object.
#' @references
#' Lindsay, B. G. (1983). The geometry of mixture likelihoods: a general theory. *Annals of Statistics* 11, 86-94.
#'
#' Fukunaga, K. and Hostetler, L. D. (1975). The estimation of the gradient of a density function, with applications in pattern
#' recognition. *IEEE Transactions on Information Theory* 21, 32-40.
#'
#' Golub, G. H. and Welsch, J. H. (1969). Calculation of Gauss quadrature rules. *Mathematics of Computation* 23,
#' 221-230.
#' @examples
#' fit <- emix(cbind(heads, tails) ~ 1, data = coins, k = 2, family = "binomial")
#' em_gradient(fit)
#' plot(em_gradient(fit))
#'
#' # One group of heights is not enough
#' em_gradient(emix(height ~ 1, data = heights, k = 1))
#'
#' # Two columns: where is a third component wanted?
#' plot(em_gradient(emix(faithful, k = 2, family = mix_mvnormal("EEE"))))
#' @export
em_gradient <- function(fit, sd = NULL, grid = 512) {
  check_fit(fit, "fit")
  grid <- check_count(grid, "grid", 3, 1e5)
  if (any(fit$labels > 0L)) stop_input("fit", "without labels: they tell rows apart", "one with labels")
  family <- family_of(fit$family)
  several <- !is.null(names_of_columns(fit$x))
  if (several && !is.null(sd)) stop_input("sd", "left out for components of several columns", describe(sd))
  if (several && anyNA(fit$x)) stop_input("fit", "without missing values", "one with some")
  rows <- gradient_rows(fit)
  if (several) return(columns_gradient(fit, rows, grid))
  n <- rows$total
  problem <- family$gradient(fit, rows, sd)
  values <- seq(problem$range[1L], problem$range[2L], length.out = grid)
  values <- sort(unique(c(values, problem$support, near_values(problem))))
  h <- log_sums(problem$log_terms, values, problem$size)
  top <- search_top(problem, values, h)
  found <- order(c(values, top$t))
  structure(list(t = c(values, top$t)[found], D = n * expm1(c(h, top$h)[found]), max = n * expm1(top$h), at = top$t,
    bound = n * max(top$upper, 0), complete = top$upper - top$h <= search_settings$enough,
    support = problem$support, D_support = n * expm1(log_sums(problem$exact, problem$support, length(rows$log_ratio))),
    n = n, parameter = family$required), class = "em_gradient")
}

# Distinct rows, with the logs of their share of the weight over the mixture's density.
gradient_rows <- function(fit) {
  frame <- list(x = fit$x, weights = fit$weights, labels = NULL, given = fit$n, kept = TRUE)
  rows <- core_rows(frame, "auto")
  weight <- row_weights(rows)
  total <- sum(weight)
  # Not infinite where a density is too small for a number, so that differences are numbers.
  list(x = rows$x, total = total, log_ratio = pmin(log(weight) - log(total) - log_density_of(fit, rows$x), 1e299))
}

# h = log(1 + D / n) at each t, from the logs of its terms, a stretch of values at a time.
log_sums <- function(log_terms, t, size) {
  stretch <- max(1, 2^20 %/% size)
  h <- lapply(split(t, (seq_along(t) - 1) %/% stretch), function(t) {
    e <- log_terms(t)
    sum <- colSums(exp(e))
    far <- which(sum < 1e-290 | sum == Inf)
    h <- log(sum)
    if (length(far)) h[far] <- log_sum_columns(e[, far, drop = FALSE])
    h
  })
  unlist(h, use.names = FALSE)
}

# Where sums are too large or small for a number; not below -1e300.
log_sum_columns <- function(e) {
  top <- pmax(apply(e, 2L, max), -1e300)
  pmax(top + log(colSums(exp(e - rep(top, each = nrow(e))))), -1e300)
}

# The bound on h is brought down to the largest h found but for `goal`, or with more than `fair` terms computed but for
# `enough`, or gives up after `most` terms. values: to begin with.
search_settings <- list(goal = 1e-10, enough = 1e-8, fair = 5e6, most = 1e8, values = 4096)

# Where D may have peaks: values a quarter of a component's width apart, out to five widths from every row and
# component; wider apart where these would be too many.
near_values <- function(problem) {
  u <- problem$to(c(problem$rows, problem$support))
  most <- min(search_settings$values, max(256, 2e7 %/% problem$size))
  step <- problem$width / 4
  repeat {
    cells <- unique(round(u / step))
    reach <- ceiling(5 * problem$width / step)
    if (length(cells) <= most) cells <- unique(as.vector(outer(cells, -reach:reach, "+")))
    if (length(cells) <= most) break
    step <- 2 * step
  }
  ends <- problem$to(problem$range)
  problem$from(pmin(pmax(cells * step, ends[1L]), ends[2L]))
}

# The largest h by branch and bound: cells between neighbouring values are halved until none can hold a higher one.
search_top <- function(problem, values, h) {
  seen <- values
  last <- length(values)
  best <- which.max(h)
  best <- list(t = values[best], h = h[best])
  cells <- list(a = values[-last], b = values[-1L], ha = h[-last], hb = h[-1L])
  work <- 0
  repeat {
    cells <- open_cells(cells, problem, best$h + search_settings$goal)
    upper <- max(best$h + search_settings$goal, cells$bound)
    limit <- if (upper - best$h <= search_settings$enough) search_settings$fair else search_settings$most
    if (!length(cells$a) || work > limit) break
    h <- log_sums(problem$log_terms, cells$middle, problem$size)
    work <- work + (problem$size + 20) * length(h)
    seen <- c(seen, cells$middle)
    if (max(h) > best$h) best <- list(t = cells$middle[which.max(h)], h = max(h))
    cells <- list(a = c(cells$a, cells$middle), b = c(cells$middle, cells$b), ha = c(cells$ha, h), hb = c(h, cells$hb))
  }
  polish_top(problem, best, upper, seen)
}

# Cells that may hold a value above `height`, with their middles and bounds; not those without a number between
# their ends.
open_cells <- function(cells, problem, height) {
  cells <- c(cells[c("a", "b", "ha", "hb")], list(bound = cell_bounds(cells, problem)))
  cells <- lapply(cells, `[`, cells$bound > height)
  cells$middle <- problem$from(problem$to(cells$a) / 2 + problem$to(cells$b) / 2)
  lapply(cells, `[`, cells$middle > cells$a & cells$middle < cells$b)
}

# Bounds on h from its values at the ends of cells. h plus a known function is convex, so it is below its chord:
# at a fraction q of the cell h <= (1 - q) ha + q hb + q (1 - q) bend / 2, whose largest value is this. At the ends
# of the range, where bend is infinite, what h can gain is `edge`.
cell_bounds <- function(cells, problem) {
  bend <- pmax(problem$bend(cells$a, cells$b), .Machine$double.xmin)
  edge <- problem$edge(cells$a, cells$b)
  fraction <- pmax(0, 0.5 - abs(cells$hb - cells$ha) / bend)
  gain <- ifelse(is.na(edge), bend * fraction^2 / 2, edge)
  bound <- pmax(cells$ha, cells$hb) + gain
  ifelse(is.na(bound), Inf, bound)
}

# The best value to rounding, then from all rows: what the two sums differ by is added to the bound.
polish_top <- function(problem, best, upper, seen) {
  ends <- c(max(seen[seen < best$t], -Inf), min(seen[seen > best$t], Inf))
  ends[!is.finite(ends)] <- best$t
  if (ends[2L] > ends[1L]) {
    h <- function(t) log_sums(problem$log_terms, t, problem$size)
    tol <- 1e-9 * max(diff(ends), abs(best$t) * 1e-6)
    found <- stats::optimize(h, ends, maximum = TRUE, tol = tol)
    if (found$objective > best$h) best <- list(t = found$maximum, h = found$objective)
  }
  h <- log_sums(problem$exact, best$t, problem$size)
  list(t = best$t, h = h, upper = max(h, upper + abs(h - best$h)))
}

# Is the largest D nothing, against the sum of weights?
is_best <- function(x) x$max <= 1e-7 * x$n

#' @rdname em_gradient
#' @export
print.em_gradient <- function(x, ...) {
  check_no_dots(...)
  cat("Gradient function of a mixture, n = ", format(x$n, big.mark = ","), "\n", sep = "")
  if (is.matrix(x$t)) {
    print_columns_gradient(x)
    return(invisible(x))
  }
  cat(if (x$complete) "max D" else "largest D found", " = ", format(x$max, digits = 3), " at ", x$parameter, " = ",
    format(x$at, digits = 6), "\n", sep = "")
  print_proof(x)
  invisible(x)
}

print_proof <- function(x) {
  if (x$complete && is_best(x)) {
    cat("no mixture with any number of such components has a higher likelihood\n",
      "(by more than ", format(x$bound, digits = 1), ")\n", sep = "")
  } else {
    cat("further components can", if (is_best(x)) " perhaps", " raise the log-likelihood, by ", format(x$bound, digits = 3),
      " at most\n", sep = "")
  }
  if (!x$complete) cat("the search was stopped early: D may be larger elsewhere\n")
}

#' @rdname em_gradient
#' @export
plot.em_gradient <- function(x, main = "Gradient function", xlab = NULL, ...) {
  if (is.matrix(x$t)) return(plot_columns_gradient(x, main, or_default(xlab, names(x$at)[1L]), ...))
  xlab <- or_default(xlab, x$parameter)
  before <- par(mar = c(4.2, 5.6, 3.8, 1))
  on.exit(par(before))
  # Spikes must not flatten the rest: the axis is cut at the typical depth below, and at ten times that above.
  range <- c(max(min(x$D), -1.2 * x$n), min(max(x$max, 0.05 * x$n), 10 * x$n))
  open_panel(range(x$t), range + c(-0.04, 0.08) * diff(range), "", xlab, "", ...)
  title(main = main, line = 2.2)
  if (is.null(list(...)$ylab)) mtext("D", 2L, 4.2)
  usr <- par("usr")
  graphics::abline(h = 0, col = "grey60", lty = 2L)
  lines(x$t, pmin(x$D, 2 * usr[4L] - usr[3L]), lwd = 2, col = okabe_ito[1L])
  points(x$support, x$D_support, pch = 16L)
  shown <- c(TRUE, !is_best(x))
  if (shown[2L] && x$at >= min(usr[1:2]) && x$at <= max(usr[1:2])) {
    points(x$at, min(x$max, usr[4L]), pch = 2L, col = okabe_ito[2L], lwd = 2, xpd = NA)
  }
  legend(mean(usr[1:2]), usr[4L], c("components", paste("largest D:", format(x$max, digits = 3)))[shown],
    pch = c(16L, 2L)[shown], col = c("black", okabe_ito[2L])[shown], horiz = TRUE, xjust = 0.5, yjust = 0, xpd = NA,
    bty = "n", cex = 0.85)
  invisible(x)
}

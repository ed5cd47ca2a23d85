#' How a fit is run
#'
#' Settings of the EM algorithm for [emix()]. The defaults are meant to be left alone.
#'
#' @details
#' **With acceleration** each iteration has at hand the EM step, which cannot lower the log-likelihood, and
#' proposes a longer one: with gradient `g` and observed information `J` (Louis 1982) in free coordinates (log
#' proportions, means, log standard deviations, logits of probabilities) and the
#' complete-data information `E`, the step `(J + lambda E)^-1 g`: Newton's for `lambda = 0`, near EM's for
#' a large `lambda` (Levenberg-Marquardt). What lowers the log-likelihood is refused, and EM's step taken. A run of more than
#' a dozen steps goes along a ridge: there a step may lead further out, where the log-likelihood is lower, and back by up to
#' three steps to the side, as long as it ends no lower than it began. At a saddle
#' point a step along the most negative curvature is proposed; a proportion or a probability about
#' to reach its boundary is moved onto it. The run has converged when Newton's decrement `g' J^-1 g / 2`, the
#' rise of the log-likelihood still to come if it were quadratic, is below `tol`; as it shrinks
#' quadratically, it ends far below.
#'
#' **Multivariate normal components** have too many parameters for that, and structures of covariances without free coordinates. There
#' the sums of the E-step are moved (weighted rows, sums and products of each component), from which the M-step gives legal parameters.
#' The proposal is the best step among those that the last 12 iterates span, with EM's own step for the rest: were the log-likelihood
#' quadratic, this would be the method of conjugate gradients with EM as preconditioner (Jamshidian & Jennrich 1993). The decrement is the same number, computed
#' by conjugate gradients at the end, one walk over the rows each.
#'
#' **Without**, every step is EM's. Near its limit each is `r` times as long as the one before,
#' with `r` often above 0.9, so that a short step proves nothing: after a step of length `s` every
#' parameter will still move by about `s r / (1 - r)`, and after a gain `d` the log-likelihood will still rise by about
#' `d r^2 / (1 - r^2)`. The run stops when the rise is below `tol` and the movement below `tol / 100`, in the parameters'
#' own units: proportions and probabilities as they are, means and standard deviations in units of
#' the data's standard deviation (rounded down to a power of two). The decrement is computed at the end.
#'
#' **Classification EM** (`estep = "hard"`; Celeux & Govaert 1992) gives each row wholly to its likeliest
#' component. It climbs the classification likelihood, `sum_i max_j log(prop_j f_j(x_i))`, which is
#' `fit$objective`; `logLik()` is the likelihood at its end. With equal known standard deviations and equal
#' proportions this is k-means. It is not accelerated.
#'
#' **Condensing.** All that EM needs of the rows are sums of smooth functions over them. The range of a continuous
#' column is cut into bins, narrow enough for log density and posterior probabilities to be polynomials in each,
#' and the rows of a bin replaced by 12 Chebyshev nodes with weights such that sums of polynomials of degree below
#' 12 are the same; bins of up to 12 rows keep them. Where a run on nodes ends, the exact log-likelihood and
#' gradient of all rows are computed and Newton's steps lead to their maximum. Where these do not converge at once,
#' or nodes would not be far fewer than rows, EM works on all rows. Not used with labels, `trace`,
#' `accelerate = FALSE` or a hard E-step. See `vignette("speed", package = "emix")`.
#'
#' @references
#' Louis, T. A. (1982). Finding the observed information matrix when using the EM algorithm. *Journal
#' of the Royal Statistical Society B* 44, 226-233.
#'
#' Jamshidian, M. and Jennrich, R. I. (1993). Conjugate gradient acceleration of the EM algorithm. *Journal of the American Statistical
#' Association* 88, 221-228.
#'
#' Celeux, G. and Govaert, G. (1992). A classification EM algorithm for clustering and two stochastic versions.
#' *Computational Statistics & Data Analysis* 14, 315-332.
#'
#' Trefethen, L. N. (2013). *Approximation Theory and Approximation Practice*. SIAM.
#'
#' @param tol a number in (0, 1): the log-likelihood may be this far below the maximum, by the
#'   measures above. Default `1e-8`.
#' @param max_iter the largest number of iterations of a run, a whole number from 0 to 1e9 (to 1e6 with
#'   `trace`). Default `5000`. Reaching it, unless it is 0, is a warning of class `emix_warning_iterations`.
#' @param starts how many starting values are tried when `start` is not given: first some
#'   that depend on the data alone, then random ones (R's generator, so [set.seed()] decides). A
#'   whole number from 1 to 10,000. Default `50`. Where rows are many they race in heats on some 1,200 points
#'   that stand for them, and moves (two components merged, another split) are tried from the winner.
#' @param accelerate `TRUE` (default): see Details; `FALSE`: the textbook's iterates.
#' @param estep `"soft"` (default): EM; `"hard"`: classification EM.
#' @param condense `"auto"` (default): equal rows are worked on as one row with a
#'   weight where that saves work, and many rows of one continuous column (from 1e5 rows x components) as weighted
#'   nodes that have the same sums to rounding; the maximum is then refined and certified on all rows (see
#'   Details). Nothing but rounding changes, unless two maxima are so near in height, or a start so near the
#'   border between two, that rounding decides. `"none"`: all rows throughout.
#' @param threads how many threads share the work, a whole number from 1 to 1,024; used only
#'   where the compiler had OpenMP, and never more than `OMP_NUM_THREADS` and `OMP_THREAD_LIMIT` allow; a
#'   forked child has one. They share the rows or, where these are few, take whole starts. Results are the same to the
#'   bit for any number. Default: the option `emix.threads`, or `"auto"`: 2 where there is much to do
#'   (rows x components x starts of 1e5 or more; of a step of the search, its own), else 1.
#' @param spurious `"avoid"` (default): a maximum with a component that may be a chance cluster (see [emix()]) is taken only where
#'   there is no other; `"allow"`: the highest maximum found is taken, as packages do that do not ask. It is still called spurious.
#' @param trace `TRUE` keeps every iterate in `fit$trace`, a data frame of one row per
#'   iterate: `iteration` from 0, `kind` of step (`start`, `EM`, `Newton`, `boundary`, `escape`; `secant`: from the last steps of EM), `loglik` (with a prior
#'   or a hard E-step the objective), then the parameters, named as in [coef()].
#'   See [em_trace()].
#' @param progress `TRUE` shows on the terminal what is being done, in calls of over two seconds: which starts, model, iteration,
#'   replicate or direction.
#'   Default: only in an interactive session.
#' @return a list of class `"em_control"`.
#' @section Errors:
#' `emix_error_input` for a value outside what is said above.
#' @examples
#' em_control(tol = 1e-10)
#' fit <- emix(cbind(heads, tails) ~ 1, data = coins, k = 2, family = "binomial",
#'   equal = "prop", start = list(prob = c(A = 0.6, B = 0.5)), control = em_control(trace = TRUE))
#' head(fit$trace)
#' @export
em_control <- function(tol = 1e-8, max_iter = 5000, starts = 50, accelerate = TRUE,
                       estep = c("soft", "hard"), condense = c("auto", "none"), spurious = c("avoid", "allow"),
                       threads = getOption("emix.threads", "auto"), trace = FALSE,
                       progress = interactive()) {
  if (missing(condense)) condense <- "auto"
  if (missing(estep)) estep <- "soft"
  if (missing(spurious)) spurious <- "avoid"
  control <- list(
    tol = check_number(tol, "tol", 0, 1, open = TRUE),
    max_iter = check_count(max_iter, "max_iter", 0),
    starts = check_count(starts, "starts", 1, 1e4),
    accelerate = check_flag(accelerate, "accelerate"),
    estep = check_choice(estep, "estep", c("soft", "hard")),
    condense = check_choice(condense, "condense", c("auto", "none")),
    spurious = check_choice(spurious, "spurious", c("avoid", "allow")),
    threads = if (identical(threads, "auto")) threads else check_count(threads, "threads", 1, 1024),
    trace = check_flag(trace, "trace"),
    progress = check_flag(progress, "progress")
  )
  if (control$trace && control$max_iter > 1e6) {
    stop_input("max_iter", "at most 1e6 when `trace` is TRUE", describe(max_iter))
  }
  # Classification EM climbs another function: its steps are its own.
  if (control$estep == "hard") control$accelerate <- FALSE
  structure(control, class = "em_control")
}

check_control <- function(control) {
  if (!inherits(control, "em_control")) {
    stop_input("control", "made by em_control()", describe(control))
  }
  # Made by em_control() once, but perhaps changed since.
  known <- intersect(names(formals(em_control)), names(control))
  do.call(em_control, unclass(control)[known])
}

#' @export
print.em_control <- function(x, ...) {
  cat("EM control: ", paste0(names(x), " = ", vapply(x, format, ""), collapse = ", "), "\n",
    sep = "", fill = FALSE)
  invisible(x)
}

# How a run goes, as the core reads it.
core_control <- function(control, threads, offset) {
  list(accelerate = control$accelerate, tol = control$tol, max_iter = control$max_iter, rough = FALSE, resumes = FALSE,
    threads = threads, auto = control$threads == "auto", trace = control$trace, progress = control$progress, offset = offset)
}

# A forked child must not start OpenMP threads: the parent's are gone and some
# run-times wait for them for ever.
usable_threads <- function(control, work) {
  if (Sys.getpid() != loaded$pid) return(1L)
  wanted <- if (control$threads != "auto") as.integer(control$threads) else if (work < much_work) 1L else 2L
  min(wanted, max(1L, .Call(C_emix_threads)))
}

# Rows x components x starts from which a second thread is worth its while.
much_work <- 1e5

loaded <- new.env(parent = emptyenv())

#' Every iterate of a fit
#'
#' How EM got there: one row per iteration, with the parameters, the log-likelihood, the lower bound that the step
#' pushed up, and what the log-likelihood gained beyond it. `plot()` draws the pictures by which EM is explained.
#'
#' @details
#' The lower bound of an iteration is `J(q, theta)` of [em_bound()] at the new parameters with the posterior
#' probabilities `q` of the old ones. Before the step it was the old log-likelihood, so that `bound` less the `loglik`
#' of the line above is what the M-step gained for certain, and `gap` is the rest, a Kullback-Leibler divergence. The
#' bound holds for steps of any kind; only an EM step is sure to raise it, and a Newton step may raise the
#' log-likelihood although the bound falls.
#'
#' A fit keeps its iterates if it was made with `em_control(trace = TRUE)`. Otherwise it is fitted again with that, as
#' it was made, and a message says so: the trace is that of the run from the start that led to the best maximum (where
#' random starts led the new search elsewhere, that is an error). For the textbook's EM, fit with
#' `em_control(accelerate = FALSE, trace = TRUE)` and a `start`.
#'
#' **Pictures**
#' - `"loglik"`: log-likelihood (filled) and lower bound (open) against the iteration. A bound that a longer step leaves
#'   far below is off the picture; its line leads there.
#' - `"parameters"`: every parameter that moves, against the iteration; of more than four columns those of four, which separate
#'   the components best, or which `along` names; covariances of one or two columns alone, else variances.
#' - `"bound"`: the log-likelihood along a line, and the lower bounds that touch it at the iterates; where a bound is
#'   highest, there the next iterate is. With `along` the name of a parameter (default: the first that is free), all
#'   others are held at their estimates, and the iterates are those of EM for this parameter alone, from where the
#'   trace began. (Elements of a covariance do not move alone.) With `along = "steps"` the horizontal axis leads from iterate to iterate, straight through all
#'   parameters.
#' - `"path"`: the log-likelihood as contours over two parameters (`along`: their names), all others at their
#'   estimates, and the iterates (of all parameters, so that with more than two free ones the path is a shadow on the
#'   contours). Contours are labelled by how far they are below the highest point of the map. Of rows of several columns
#'   it is the plane of two columns (by default the two that separate the components best; or `along`: their names), with the rows, the way of
#'   each component's mean, and ellipses that hold 95 % of a component at some iterates, at the last also 50 %; with names of two
#'   means or proportions as `along` it is the contours.
#' - `"ascent"`: EM as coordinate ascent (Neal & Hinton 1998): contours of `J(q, theta)`, where `theta` moves along a
#'   line as in `"bound"`, and `q` are the posterior probabilities at another place of it. The E-step moves `q` to the
#'   diagonal, the M-step `theta` up.
#' - `"posterior"`: the posterior probability of one component for each row, against the iteration. Of more than 12
#'   different rows, 12 that are spread over the sample (of several columns along the line to the component's mean).
#'
#' Lines and paths go through every iterate; marks stand at all of them, or at as many as there is room for.
#'
#' Of more than 4000 different values of a continuous column, the pictures along parameters are drawn with fewer points
#' that stand for them, whose log-likelihood is that of all rows to about a hundredth.
#'
#' @param fit a fit of [emix()].
#' @param x a trace.
#' @param type the picture, see above. `"path"` with `ascent = TRUE` is `"ascent"`.
#' @param along names of parameters as in [coef()], e.g. `"prob.A"`: one for `"bound"` and `"ascent"` (or `"steps"`),
#'   two for `"path"`. Of rows of several columns names of columns, two for `"path"`, one to four for `"parameters"`.
#' @param iterations for `"bound"` and `"ascent"`: how many iterates are shown. Default 4. For the others: the last
#'   that is shown. Default: all.
#' @param ascent see `type`.
#' @param component for `"posterior"`: number or name of a component. Default: the first.
#' @param range limits of the axis or axes of parameters: two numbers, for `"path"` a list of two pairs. Default:
#'   around the iterates.
#' @param col colours, used in turn.
#' @param main,xlab,ylab title and labels of axes.
#' @param digits,rows digits and rows that are printed.
#' @param ... for `plot()`: graphical parameters; `print()` takes none.
#' @return a data frame of class `"em_trace"`: `iteration` from 0, `kind` of step (`start`, `EM`, `Newton`,
#'   `boundary`, `escape`, `secant`), `loglik`, `objective` (only with a prior or a hard E-step: what is climbed), `bound` and
#'   `gap` (objective less bound; with a hard E-step log-likelihood less bound) from iteration 1 on, and the
#'   parameters, named as in [coef()]. `plot()` returns it invisibly.
#' @section Errors:
#' `emix_error_input`, `emix_error_object`; `emix_error_fit` where a fit without iterates is fitted again and another
#' maximum is found.
#' @references
#' Neal, R. M. and Hinton, G. E. (1998). A view of the EM algorithm that justifies incremental, sparse, and other
#' variants. In M. I. Jordan (ed.), *Learning in Graphical Models*, 355-368. Kluwer.
#' @seealso [em_step()], [em_bound()], [em_basins()], [em_animate()]
#' @examples
#' fit <- emix(cbind(heads, tails) ~ 1, data = coins, k = 2, family = "binomial", equal = "prop",
#'   start = list(prob = c(A = 0.6, B = 0.5)), control = em_control(accelerate = FALSE, trace = TRUE))
#' trace <- em_trace(fit)
#' trace
#' plot(trace)
#' plot(trace, "bound", along = "prob.A")
#' plot(trace, "path")
#' plot(trace, "ascent")
#' plot(trace, "posterior")
#'
#' # Two columns: the way of means and ellipses
#' trace <- em_trace(emix(faithful, k = 2, start = list(mean = cbind(c(2, 80), c(5, 55))),
#'   control = em_control(accelerate = FALSE, trace = TRUE)))
#' plot(trace, "path")
#' plot(trace, "parameters")
#' @order 1
#' @export
em_trace <- function(fit) {
  check_fit(fit, "fit")
  again <- is.null(fit$trace)
  if (again) fit <- fit_again(fit)
  check_trace(fit)
  lesson <- lesson_of_fit(fit)
  theta <- trace_theta(fit, lesson)
  view <- view_rows(lesson, lesson$rows)
  steps <- ncol(theta)
  loglik <- objective <- fit$trace$loglik
  bound <- rep(NA_real_, steps)
  log_prior <- double(steps)
  q <- NULL
  hard <- lesson$problem$model$hard
  for (t in seq_len(steps)) {
    if (!is.null(lesson$prior)) log_prior[t] <- core_step(lesson, theta[, t])$log_prior
    loglik[t] <- if (hard) weigh_rows(view, theta[, t]) else objective[t] - log_prior[t]
    if (t > 1L) bound[t] <- weigh(view$weight, q, view$joint(theta[, t])) + entropy_of(view$weight, q) + log_prior[t]
    q <- view$posterior(theta[, t])
  }
  height <- if (hard) loglik + log_prior else objective
  climbs_other <- hard || !is.null(lesson$prior)
  table <- data.frame(fit$trace[c("iteration", "kind")], loglik = loglik, row.names = NULL)
  if (climbs_other) table$objective <- objective
  table <- data.frame(table, bound = bound, gap = height - bound, fit$trace[-(1:3)], check.names = FALSE)
  structure(table, class = c("em_trace", "data.frame"), fit = fit, again = again)
}

fit_again <- function(fit) {
  control <- fit$arguments$control
  control$trace <- TRUE
  message("The fit kept no iterates: fitted again with em_control(trace = TRUE), from where its best start began.")
  again <- update(fit, control = control)
  if (abs(again$objective - fit$objective) > 1e-4 * max(1, abs(fit$objective)) ||
    !identical(names(coef(again)), names(coef(fit)))) {
    emix_stop("fit", "The search ended at another maximum when it was made again. Fit with ",
      "control = em_control(trace = TRUE), or give a `start`.")
  }
  again
}

check_trace <- function(fit) {
  names <- c("iteration", "kind", "loglik", names(coef(fit)))
  if (!is.data.frame(fit$trace) || !identical(names(fit$trace), names) || anyNA(fit$trace)) {
    emix_stop("object", "`fit` has been damaged: its element `trace` is not what emix() made.", argument = "fit")
  }
}

# The iterates as the core has them, a column each.
trace_theta <- function(fit, lesson) {
  spec <- lesson$spec
  values <- unname(t(as.matrix(fit$trace[names(coef(fit))])))[places_in_list(spec$sizes, fit$k, spec$columns), , drop = FALSE]
  pack_starts(unpack_field(values, spec), spec, lesson$affine)
}

#' @rdname em_trace
#' @export
print.em_trace <- function(x, digits = 6, rows = 20, ...) {
  check_no_dots(...)
  n <- nrow(x)
  rows <- check_count(rows, "rows", 2)
  cat("EM, iterate by iterate", if (isTRUE(attr(x, "again"))) " (fitted again to keep them)", "\n\n", sep = "")
  table <- as.data.frame(x)
  # What never moves is not printed, nor what is shared more than once.
  still <- vapply(table, function(v) is.double(v) && !anyNA(v) && n > 1L && all(v == v[1L]), NA) | duplicated(as.list(table))
  shown <- if (n <= rows) seq_len(n) else c(seq_len(rows - 2L), n)
  height <- c("loglik", "objective", "bound")
  cells <- lapply(stats::setNames(nm = names(table)[!still | names(table) %in% c("kind", height)]), function(name) {
    v <- table[[name]][shown]
    text <- if (name %in% height) formatC(v, digits = digits, format = "f") else
      if (name == "gap") formatC(v, digits = 2L, format = "e") else
        if (is.double(v)) format(v, digits = digits) else as.character(v)
    text[is.na(v)] <- ""
    if (n > rows) text <- append(text, "...", length(text) - 1L)
    text
  })
  print(as.data.frame(cells, optional = TRUE), row.names = FALSE)
  invisible(x)
}

#' @export
as.data.frame.em_trace <- function(x, row.names = NULL, optional = FALSE, ...) {
  attr(x, "fit") <- attr(x, "again") <- NULL
  class(x) <- "data.frame"
  x
}

#' The lower bound that EM climbs
#'
#' For any responsibilities `q` (of each row a distribution over the components) and any parameters: log-likelihood,
#' the lower bound of Jensen's inequality, its two parts, and what is missing between them. With `q` the posterior
#' probabilities at `theta` nothing is.
#'
#' @details
#' With `w_i` the weights,
#' - Q-function: `sum_i w_i sum_j q_ij log(prop_j f_j(x_i))`, the expected log-likelihood of rows and components
#'   together;
#' - entropy: `-sum_i w_i sum_j q_ij log q_ij`;
#' - lower bound: `J(q, theta)` = Q-function + entropy `= sum_i w_i sum_j q_ij log(prop_j f_j(x_i) / q_ij)`;
#' - log-likelihood: `l(theta) = sum_i w_i log sum_j prop_j f_j(x_i)`;
#' - gap: the Kullback-Leibler divergence of `q` from the posterior probabilities `p` at `theta`, `sum_i w_i sum_j
#'   q_ij log(q_ij / p_ij)`, which is never negative and zero for `q = p` alone.
#'
#' So `l(theta) = J(q, theta) + gap`, and `J <= l`: the logarithm of an average is no less than the average of
#' logarithms (Jensen). EM is coordinate ascent of `J`: the E-step raises it over `q`, to `l`; the M-step over `theta`
#' (Neal & Hinton 1998). Only the Q-function depends on `theta`, so that the M-step need not know the entropy. The
#' Q-function is not the log-likelihood: it is below it by entropy and gap.
#'
#' With a prior, its log density is added to log-likelihood and bound. All numbers are those of the data as given
#' (binomial coefficients included), from log densities that the core of [emix()] computes.
#'
#' @inheritParams em_step
#' @param x a fit of [emix()] or a step of [em_step()], whose data and model are used; or data, as in [em_step()]. For
#'   `print()`, the value of `em_bound()`.
#' @param theta parameters, in any form of [em_step()]. Default: those of the fit, or those after the step.
#' @param q responsibilities: a matrix of rows x components, each row of sum 1; or parameters in any form of `theta`,
#'   at which the posterior probabilities are taken. Default: the posterior probabilities at `theta`. Where components
#'   of rows are known, `q` must be 1 there.
#' @return a list of class `"em_bound"`: `loglik`, `bound`, `q_function`, `entropy`, `gap` (log-likelihood less
#'   bound), `kl` (the divergence, which is the same but for rounding), `log_prior` and `objective` (`loglik +
#'   log_prior`; above is then `bound`, with the log prior in it).
#' @section Errors:
#' `emix_error_input`, `emix_error_degenerate`, `emix_error_fit`.
#' @references
#' Neal, R. M. and Hinton, G. E. (1998). A view of the EM algorithm that justifies incremental, sparse, and other
#' variants. In M. I. Jordan (ed.), *Learning in Graphical Models*, 355-368. Kluwer.
#'
#' Do, C. B. and Batzoglou, S. (2008). What is the expectation maximization algorithm? *Nature Biotechnology* 26,
#' 897-899. \doi{10.1038/nbt1406}
#' @examples
#' step <- em_step(cbind(heads, tails) ~ 1, theta = c(A = 0.6, B = 0.5), data = coins,
#'   family = "binomial", equal = "prop")
#'
#' # At 0.6 and 0.5, with the posterior probabilities there: the bound touches
#' em_bound(step, theta = step$before)
#' # The M-step has moved theta, and not q
#' em_bound(step, q = step$posterior)
#' # The next E-step closes the gap
#' em_bound(step)
#' # Any q will do: each coin equally likely in all rounds
#' em_bound(step, q = matrix(0.5, 5, 2))
#' @order 1
#' @export
em_bound <- function(x, theta = NULL, q = NULL, data = NULL, family = NULL, weights = NULL, labels = NULL, fixed = NULL, equal = NULL,
                     prior = NULL, control = em_control(), na.action = na.fail, subset = NULL) {
  if (missing(x)) stop_input("x", "given: data, a formula, a fit or a step")
  call <- match.call()
  lesson <- open_lesson(x, theta, data, weights, labels, call, parent.frame(), c("x", "theta", "q"),
    "the parameters at which the bound is wanted",
    list(family = family, fixed = fixed, equal = equal, prior = prior, control = control, na.action = na.action))
  at <- read_theta(or_default(theta, x), lesson)
  view <- view_rows(lesson, rows_given(lesson))
  bound_at(at, read_q(q, at, view, lesson), view, lesson)
}

read_q <- function(q, at, view, lesson) {
  if (is.null(q)) return(view$posterior(at))
  if (!is.matrix(q) && !is.data.frame(q)) return(view$posterior(read_theta(q, lesson)))
  n <- view$rows$n
  q <- as.matrix(q)
  if (!is.numeric(q) || ncol(q) != lesson$spec$k || !nrow(q) %in% c(n, lesson$frame$given)) {
    stop_input("q", sprintf("a matrix of %.0f rows x %d components", n, lesson$spec$k), describe(q))
  }
  if (nrow(q) != n) q <- take_rows(q, lesson$frame$kept)
  if (anyNA(q) || any(q < 0) || any(abs(rowSums(q) - 1) > 1e-6)) stop_input("q", "probabilities, each row of sum 1")
  known <- which(view$rows$label > 0L)
  if (any(q[cbind(known, view$rows$label[known])] < 1)) {
    stop_input("q", "1 where the component of a row is known", sprintf("less (row %s)", listing(known)))
  }
  dimnames(q) <- NULL
  q / rowSums(q)
}

bound_at <- function(theta, q, view, lesson) {
  at <- core_step(lesson, theta)
  joint <- view$joint(theta)
  value <- weigh(view$weight, q, joint)
  entropy <- entropy_of(view$weight, q)
  bound <- value + entropy + at$log_prior
  loglik <- if (lesson$problem$model$hard) weigh_rows(view, theta) else at$loglik
  objective <- loglik + at$log_prior
  structure(list(loglik = loglik, bound = bound, q_function = value, entropy = entropy, gap = objective - bound,
    kl = weigh(view$weight, q, log(q) - (joint - view$density(theta))), log_prior = at$log_prior, objective = objective,
    prior = !is.null(lesson$prior)), class = "em_bound")
}

# The log-likelihood, where the core's objective is another.
weigh_rows <- function(view, theta) sum((view$weight * view$density(theta))[view$weight > 0])

#' @rdname em_bound
#' @param digits decimals. Default 6.
#' @param ... not used; anything given is an error.
#' @export
print.em_bound <- function(x, digits = 6, ...) {
  check_no_dots(...)
  digits <- check_count(digits, "digits", 0, 15)
  what <- if (x$prior) "log posterior" else "log-likelihood"
  value <- c(x$q_function, x$entropy, if (x$prior) x$log_prior, x$bound, x$kl, x$objective)
  sign <- c(" ", "+", if (x$prior) "+", "=", "+", "=")
  name <- c("Q-function", "entropy of q", if (x$prior) "log prior", "lower bound", "gap (Kullback-Leibler)", what)
  formula <- c("sum w q log(prop f)", "-sum w q log q", if (x$prior) "", "J(q, theta)", "sum w q log(q / p)",
    if (x$prior) "l(theta) + log prior" else "l(theta)")
  text <- sub("-(0[.]?0*)$", "\\1", formatC(value, digits = digits, format = "f"))
  cat("Lower bound and ", what, "\n\n", sep = "")
  cat(paste0(" ", sign, " ", format(name), "  ", formatC(text, width = max(nchar(text))), "   ", formula), sep = "\n")
  cat(if (abs(x$gap) <= 1e-9 * max(1, abs(x$objective))) "\nThe bound touches: q are the posterior probabilities at theta.\n")
  invisible(x)
}

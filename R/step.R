#' One step of EM, in numbers
#'
#' One E-step and one M-step from given parameters, by the same code as [emix()]'s. Its print is the table by which EM
#' is explained: of each row the posterior probabilities and the expected counts, their totals, the divisions that
#' give the new parameters, and the log-likelihood and its lower bound before and after.
#'
#' @details
#' With `theta` in force, the **E-step** gives row `i` to component `j` with its posterior probability `q_ij = prop_j
#' f_j(x_i) / sum_l prop_l f_l(x_i)`, times the row's weight: its *expected counts*. (A row whose component is known
#' goes there wholly.) The **M-step** treats these as if they had been observed, and divides: for coins expected heads
#' by expected tosses; for normal components the sum of values by the sum of shares, and of squares about the new
#' mean, of which the root is taken; for proportions the sum of shares by the number of rows. A prior adds its own
#' rows to both sides of a division (see [em_prior()]); shared parameters have one division for all components; held
#' ones have none.
#'
#' The **lower bound** with these `q` is `J(q, theta) = sum_i w_i sum_j q_ij log(prop_j f_j(x_i) / q_ij)`, see
#' [em_bound()]. Before the M-step it is the log-likelihood; the M-step raises it as far as it goes; the
#' log-likelihood is nowhere below it, and so has risen at least as much (Neal & Hinton 1998). With a prior,
#' log-likelihood and bound both have the log prior added.
#'
#' A step is the same to the bit as an iteration of `emix(..., control = em_control(accelerate = FALSE))`; go on with
#' `em_step(step)`, or with `theta = step$theta`. (For data so far from zero that they are shifted inside, only the
#' former has no rounding.) Components that are equal in `theta` stay so.
#'
#' @param x data, as the argument `x` of [emix()]: a vector, a matrix, a data frame or a formula. Or a fit of
#'   [emix()], whose data, model and parameters are then used; or a step, to go on from it. For the methods, a step.
#' @param theta parameters before the step: a list as the argument `start` of [emix()], e.g. `list(mean = c(160, 180),
#'   sd = c(6, 6))`; or numbers for the parameter without which nothing goes, `prob` or `mean` (then proportions are
#'   equal, and standard deviations all rows' distance to the nearest mean); or a fit or a step. Their number is the
#'   number of components. Not needed where `x` is a fit or a step.
#' @param data,subset,family,weights,labels,fixed,equal,prior,na.action as in [emix()].
#' @param control from [em_control()]; `estep = "hard"` gives each row wholly to its likeliest component. Other
#'   settings have no effect here.
#' @param formula `TRUE`: print the formulas with the numbers of one row filled in.
#' @param row which row, its number among those used. Default 1.
#' @param digits decimals of probabilities; expected counts have one less, where that is enough. Default 2.
#' @param rows how many rows of the table are printed. Default 12.
#' @param row.names,optional as in [as.data.frame()].
#' @param ... not used; anything given is an error.
#' @return a list of class `"em_step"`: `before` and `theta` (parameters before and after, lists of vectors),
#'   `posterior` (n x k), `expected` (a list of data frames, one per component: `weight`, that of a row times its
#'   posterior probability, and the family's expected counts), `totals` (a matrix of their sums, a row per component),
#'   `ratios` (the divisions), `loglik`, `log_prior`, `objective`, `bound`, `q_function` (vectors of two values,
#'   `before` and `after` the M-step), `entropy`. `as.data.frame()`: one row per row of the data.
#' @section Errors:
#' `emix_error_input`; `emix_error_degenerate` where a component collapses; `emix_error_fit` where a row is impossible
#' under every component.
#' @references
#' Do, C. B. and Batzoglou, S. (2008). What is the expectation maximization algorithm? *Nature Biotechnology* 26,
#' 897-899. \doi{10.1038/nbt1406}
#'
#' Neal, R. M. and Hinton, G. E. (1998). A view of the EM algorithm that justifies incremental, sparse, and other
#' variants. In M. I. Jordan (ed.), *Learning in Graphical Models*, 355-368. Kluwer.
#' @seealso [em_bound()], [em_trace()]
#' @examples
#' # The figure of Do and Batzoglou (2008)
#' step <- em_step(cbind(heads, tails) ~ 1, theta = c(A = 0.6, B = 0.5), data = coins,
#'   family = "binomial", equal = "prop")
#' step
#' print(step, formula = TRUE, row = 2)
#'
#' # Nine more
#' for (i in 1:9) step <- em_step(step)
#' step$theta
#'
#' em_step(heights$height, theta = c(women = 160, men = 180), equal = "sd")
#' @order 1
#' @export
em_step <- function(x, theta = NULL, data = NULL, family = NULL, weights = NULL, labels = NULL, fixed = NULL, equal = NULL,
                    prior = NULL, control = em_control(), na.action = na.fail, subset = NULL) {
  if (missing(x)) stop_input("x", "given: data, a formula, a fit or a step")
  call <- match.call()
  lesson <- open_lesson(x, theta, data, weights, labels, call, parent.frame(), c("x", "theta"), "the parameters before the step",
    list(family = family, fixed = fixed, equal = equal, prior = prior, control = control, na.action = na.action))
  step_from(read_theta(or_default(theta, x), lesson), lesson)
}

# The lesson of a fit or a step, which bring data and model along and leave only the arguments `own` to be given; or of data.
open_lesson <- function(x, theta, data, weights, labels, call, env, own, wanted, arguments) {
  if (inherits(x, c("emix", "em_step"))) {
    check_own_model(call, own)
    return(if (inherits(x, "emix")) lesson_of_fit(x) else revive(x$lesson))
  }
  if (is.null(theta)) stop_input("theta", paste("given:", wanted))
  # Weights and labels of a formula are looked up by `call`: they are not asked for here.
  new_lesson(read_response(x, data, weights, labels, call, env), theta, arguments)
}

check_own_model <- function(call, own) {
  more <- setdiff(names(call)[-1L], own)
  if (length(more)) stop_input(more[1L], "left out: `x` has its own data and model")
}

step_from <- function(theta, lesson) {
  spec <- lesson$spec
  step <- core_step(lesson, theta)
  view <- view_rows(lesson, rows_given(lesson))
  q <- view$posterior(theta)
  new <- parameters_of(step$theta, lesson)
  after <- core_step(lesson, step$theta)
  before <- parameters_of(theta, lesson)
  expected <- expected_counts(view, q, before, new, lesson)
  totals <- do.call(rbind, lapply(expected, colSums))
  rownames(totals) <- colnames(q) <- lesson$components
  value <- c(before = weigh(view$weight, q, view$joint(theta)), after = weigh(view$weight, q, view$joint(step$theta)))
  log_prior <- c(before = step$log_prior, after = after$log_prior)
  entropy <- entropy_of(view$weight, q)
  structure(list(
    family = unclass(lesson$family), k = spec$k, components = lesson$components,
    before = before, theta = new, posterior = q, expected = expected, totals = totals,
    ratios = step_ratios(totals, new, lesson),
    loglik = c(before = step$loglik, after = after$loglik), log_prior = log_prior,
    objective = c(before = step$objective, after = after$objective),
    q_function = value, entropy = entropy, bound = value + entropy + log_prior,
    x = view$rows$x, weights = view$rows$weight, labels = view$rows$label,
    core = list(theta = step$theta, factor = lesson$affine$factor, shift = lesson$affine$shift),
    lesson = put_away(lesson)
  ), class = "em_step")
}

# A data frame per component: shares, and the family's statistics times these. Missing values are those that the component
# expects before the step.
expected_counts <- function(view, q, before, new, lesson) {
  family <- lesson$spec$family
  x <- view$rows$x
  frames <- lapply(seq_len(lesson$spec$k), function(j) {
    share <- ifelse(view$weight > 0, view$weight * q[, j], 0)
    if (anyNA(x)) x <- family$fill(x, one_component(before, j))
    sums <- if (is.null(family$expected)) list() else family$expected(x, one_component(new, j), lesson$columns)
    data.frame(c(list(weight = share), lapply(sums, function(v) share * v)), check.names = FALSE)
  })
  stats::setNames(frames, lesson$components)
}

# The divisions of the M-step: by block a list of over and under (lists of one value per component), before (what a
# prior has of both),
# root, shared, held, and times: a factor.
step_ratios <- function(totals, new, lesson) {
  spec <- lesson$spec
  mass <- totals[, "weight"]
  blocks <- spec$family$blocks
  shared <- stats::setNames(blocks %in% spec$equal, blocks)
  own <- if (!is.null(spec$family$ratios)) {
    sums <- lapply(seq_len(ncol(totals) - 1L), function(c) totals[, c + 1L])
    spec$family$ratios(sums, mass, new, shared, lesson$prior$family, lesson$affine)
  }
  free <- !spec$held$prop
  rows <- if (is.null(lesson$prior$rows)) numeric(spec$k) else lesson$prior$rows
  all <- sum((mass + rows)[free])
  own$prop <- list(over = list(mass, rows)[c(TRUE, any(rows > 0))], under = list(rep(all, spec$k)), before = c(0, 0), root = FALSE,
    times = 1 - sum(spec$values$prop[!free]))
  own <- own[c("prop", setdiff(names(own), "prop"))]
  lapply(stats::setNames(nm = names(own)), function(name) {
    b <- or_default(own[[name]]$block, name)
    held <- matrix(spec$held[[b]], ncol = spec$k)[or_default(own[[name]]$column, 1L), ]
    c(own[[name]], list(shared = b != "prop" && shared[[b]], held = held))
  })
}

#' @rdname em_step
#' @export
as.data.frame.em_step <- function(x, row.names = NULL, optional = FALSE, ...) {
  check_no_dots(...)
  f <- family_of(x$family)
  data <- if (is.null(f$columns_of)) list(x = x$x) else f$columns_of(x$x, x$lesson$columns)
  counts <- lapply(x$components, function(j) {
    stats::setNames(x$expected[[j]], paste(names(x$expected[[j]]), j, sep = "."))
  })
  posterior <- as.data.frame(x$posterior)
  names(posterior) <- paste("posterior", x$components, sep = ".")
  weight <- if (!is.null(x$weights)) list(weight = x$weights)
  data.frame(c(data, weight), posterior, counts, row.names = row.names, check.names = FALSE)
}

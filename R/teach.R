# What the teaching functions share: data and model read as emix() reads them, parameters as the core has them, and the
# core's own answers about rows. Nothing of EM is computed here: steps, densities and posterior probabilities are the core's.
#
# A lesson is a list: frame (rows as given), rows (as the core works on them), family, spec, affine, prior (the core's),
# problem (what the core is called with), columns (names of the response's columns), components, arguments.

# The response, and weights and labels, whatever way they came; those of a formula are looked up in `data`.
read_response <- function(x, data, weights, labels, call, env) {
  if (inherits(x, "formula")) {
    frame <- formula_frame(x, data, call, env)
    response <- model.response(frame)
    columns <- if (is.matrix(response)) colnames(response) else deparse1(x[[2L]])
    return(list(x = bare(response), weights = frame[["(weights)"]], labels = frame[["(labels)"]], columns = columns,
      names = names_of_rows(response)))
  }
  numbers <- numbers_of(x)
  columns <- if (is.data.frame(x)) names(x) else if (is.matrix(numbers)) colnames(numbers) else name_of_column(call$x)
  list(x = numbers, weights = weights, labels = labels, columns = columns, names = own_names(x, numbers))
}

# x of the expressions x and data$x
name_of_column <- function(expression) {
  if (is.call(expression) && identical(expression[[1L]], quote(`$`))) expression <- expression[[3L]]
  if (is.symbol(expression)) as.character(expression)
}

# A model for given data; `theta` says how many components there are, and perhaps their names.
new_lesson <- function(given, theta, arguments) {
  arguments$control <- check_control(arguments$control)
  arguments["prior"] <- list(as_prior(arguments$prior))
  family <- as_family(arguments$family, NCOL(given$x))
  frame <- collect_rows(family_of(family)$rows(given$x, family), family, given$weights, given$labels,
    arguments$na.action, given$names)
  rows <- core_rows(frame, arguments$control$condense)
  k <- count_components(theta, family_of(family))
  spec <- check_model(frame, rows, family, k, arguments$fixed, arguments$equal, arguments$prior)
  affine <- spec$family$affine(rows$about)
  prior <- core_prior(arguments$prior, spec, rows, affine)
  start <- if (is.list(theta) && !is.object(theta)) theta else stats::setNames(list(theta), spec$family$required)
  list(frame = frame, rows = rows, family = family, spec = spec, affine = affine, prior = prior,
    problem = new_problem(rows, spec, affine, arguments$control, prior),
    columns = names(spec$family$columns_of(take_rows(frame$x, 1L), or_default(given$columns, ""))),
    components = if (inherits(theta, c("emix", "em_step"))) theta$components else component_names(spec, start, frame$labels),
    arguments = arguments)
}

# That of a fit, with its own data.
lesson_of_fit <- function(fit) {
  check_fit(fit, "x")
  own <- own_data(fit)
  a <- fit$arguments
  a$family$size <- NULL
  lesson <- new_lesson(c(own, list(columns = fit_columns(fit))), fit,
    c(a[c("family", "fixed", "equal", "prior", "control")], list(na.action = or_default(a$na.action, na.fail))))
  lesson$components <- fit$components
  lesson
}

# An object keeps its lesson without functions, so that it survives saveRDS() and a new version of the package.
put_away <- function(lesson) {
  lesson$spec$cov <- lesson$spec$family$cov
  lesson$spec$family <- lesson$problem$spec <- NULL
  lesson
}

revive <- function(lesson) {
  own <- lesson$family
  own$cov <- lesson$spec$cov
  lesson$spec$family <- family_of(own)
  lesson$problem$spec <- lesson$spec
  lesson
}

# heads and tails of cbind(heads, tails) ~ 1
fit_columns <- function(fit) {
  if (is.null(fit$terms)) return(name_of_column(fit$call$x))
  response <- formula(fit$terms)[[2L]]
  if (is.call(response) && identical(response[[1L]], quote(cbind))) vapply(as.list(response)[-1L], deparse1, "") else
    deparse1(response)
}

count_components <- function(theta, family) {
  if (inherits(theta, c("emix", "em_step"))) return(theta$k)
  first <- if (is.list(theta) && !is.object(theta) && length(theta)) theta[[1L]] else if (!is.list(theta)) theta
  count <- if (length(dim(first)) > 1L) dim(first)[length(dim(first))] else length(first)
  if (count < 1L) {
    stop_input("theta", paste0("a list of parameters, numbers for `", family$required, "`, a fit or a step"), describe(theta))
  }
  count
}

# The core's vector for parameters that the user gives. What comes from a fit or a step is taken as the core had it, so
# that not even rounding comes between.
read_theta <- function(theta, lesson) {
  spec <- lesson$spec
  if (inherits(theta, c("emix", "em_step"))) {
    if (theta$family$name != spec$family$name || theta$k != spec$k) {
      stop_input("theta", sprintf("of %d %s components", spec$k, spec$family$title),
        sprintf("of %d %s ones", theta$k, family_of(theta$family)$title))
    }
    same <- identical(theta$core[c("factor", "shift")], lesson$affine[c("factor", "shift")])
    if (same && obeys(theta$core$theta, spec, lesson$affine)) return(theta$core$theta)
    theta <- if (inherits(theta, "em_step")) theta$theta else theta$parameters
  }
  if (!is.list(theta)) theta <- stats::setNames(list(theta), spec$family$required)
  parameters <- start_from_list(theta, lesson$rows, spec, "theta")
  drop(pack_starts(impose(parameters, spec), spec, lesson$affine))
}

# Does theta have the values that are held, and shared ones equal?
obeys <- function(theta, spec, affine) {
  core <- unpack_core(theta, spec)
  same <- unlist(impose(core, utils::modifyList(spec, list(values = spec$family$to_core(spec$values, affine)))))
  identical(as.double(same), theta)
}

parameters_of <- function(theta, lesson) {
  unpack(theta, lesson$spec$family, lesson$spec$k, lesson$affine, lesson$components, lesson$spec$columns)
}

# One E-step and one M-step of the core: log-likelihood, log prior and their sum at theta, mass and new theta.
core_step <- function(lesson, theta) {
  p <- lesson$problem
  at <- .Call(C_emix_step, p$data, p$model, few_threads(p, 1), theta)
  if (at$status != 0L) stop_step(status_names[at$status + 1L], lesson, theta)
  objective <- at$objective + p$control$offset
  loglik <- at$sums[1L] + row_offset(lesson$rows, lesson$spec$family, lesson$affine)
  list(objective = objective, loglik = loglik,
    log_prior = if (is.null(lesson$prior)) 0 else at$objective - at$sums[1L] + lesson$prior$offset,
    mass = at$sums[1L + seq_len(lesson$spec$k)], theta = at$theta)
}

stop_step <- function(status, lesson, theta) {
  if (status == "collapsed") {
    emix_stop("degenerate", "A component collapses: its ", if (is.null(lesson$spec$columns)) "standard deviation is zero" else
      "covariance is singular", " to rounding, where the likelihood is unbounded. ", sub("^a ", "A ", shared_spread(lesson$spec$family$cov)),
    ", a prior or other parameters would help.")
  }
  if (status == "impossible") {
    l <- .Call(C_emix_evaluate, lesson$problem$data, lesson$problem$model, 1L, theta, 2L)$log_density
    emix_stop("fit", name_row(lesson$frame, lesson$rows, which(!(l > -1e299))[1L]),
      " has probability zero under every component. Move `theta` away from the boundary.")
  }
  emix_stop("fit", "The step left the finite numbers.")
}

# Rows to be told about: all that were given, or those that the core works on, which are fewer.
rows_given <- function(lesson) {
  f <- lesson$frame
  weight <- f$weights
  told <- if (anyNA(f$x)) tells(f$x, f$labels$code) else TRUE
  if (!all(told)) weight <- or_default(weight, 1) * told
  list(x = f$x, n = NROW(f$x), weight = weight, label = f$labels$code, about = lesson$rows$about)
}

# Asked of the core at theta (a vector, or several as columns of a matrix): posterior probabilities, the log of
# prop_j f_j(x_i), which is the log density of a row that is known to be of component j, and of each row.
view_rows <- function(lesson, rows) {
  spec <- lesson$spec
  hard <- lesson$problem$model$hard
  offset <- spec$family$row_offset(rows$x, lesson$affine)
  data <- core_data(list(x = rows$x, label = rows$label), lesson$affine)
  model <- core_model(spec, rows, hard = hard)
  soft <- core_model(spec, rows)
  evaluate <- function(data, model, theta, what) .Call(C_emix_evaluate, data, model, 1L, theta, what)
  finite <- function(l) ifelse(is.nan(l) | l < -1e299, -Inf, l + offset)
  as_component <- lapply(seq_len(spec$k), function(j) utils::modifyList(data, list(label = rep(j, rows$n))))
  list(
    rows = rows,
    weight = row_weights(rows),
    posterior = function(theta) matrix(evaluate(data, model, theta, 1L)$posterior, ncol = spec$k),
    density = function(theta) finite(evaluate(data, soft, theta, 2L)$log_density),
    joint = function(theta) {
      l <- vapply(as_component, function(d) finite(evaluate(d, soft, theta, 2L)$log_density), double(rows$n))
      l <- matrix(l, ncol = spec$k)
      # A known row can be of no other component.
      if (!is.null(rows$label)) l[rows$label > 0L & col(l) != rows$label] <- -Inf
      l
    }
  )
}

# sum of weights times sums over components, where nothing is 0 log 0.
weigh <- function(weight, q, values) {
  terms <- ifelse(q > 0, q * values, 0)
  sum((weight * rowSums(terms))[weight > 0])
}

entropy_of <- function(weight, q) -weigh(weight, q, log(q))

# One fit, from checked arguments to the object.

status_names <- c("ok", "collapsed", "impossible", "diverged")

# The largest relative effort of a race: rows x components x starts x iterations.
race_effort <- 5e7

# Everything the core needs for one set of rows.
new_problem <- function(rows, spec, affine, control) {
  list(
    data = core_data(rows, affine), model = core_model(spec, rows), affine = affine,
    control = list(accelerate = control$accelerate, tol = control$tol, max_iter = control$max_iter, threads = usable_threads(control),
      trace = control$trace, progress = control$progress, offset = row_offset(rows, spec$family, affine))
  )
}

run_em <- function(problem, theta, trace = problem$control$trace) {
  control <- problem$control
  control$trace <- trace
  .Call(C_emix_run, problem$data, problem$model, control, theta)
}

# Short runs from all starts, on a part of the rows where there are many.
race <- function(rows, spec, affine, control, theta) {
  part <- some_rows(rows)
  problem <- new_problem(part, spec, affine, control)
  effort <- race_effort / (part$n * spec$k * ncol(theta))
  problem$control$max_iter <- as.integer(min(control$max_iter, max(50, effort)))
  problem$control$trace <- FALSE
  problem$control$progress <- FALSE
  ended <- .Call(C_emix_race, problem$data, problem$model, problem$control, theta)
  ended$all_rows <- part$n == rows$n
  ended
}

# Log-likelihoods this close are of one maximum.
same_maximum <- 1e-6

# Which starts go on: the best five maxima, each by the first start that met it; where the
# race was run on a part of the rows, all in order, of which the first that ends well is the fit.
finalists <- function(ended) {
  order <- order(ended$objective, decreasing = TRUE)
  order <- order[ended$status[order] == 0L]
  if (!ended$all_rows || !length(order)) return(order)
  maximum <- cumsum(c(TRUE, -diff(ended$objective[order]) > same_maximum))
  utils::head(as.vector(tapply(order, maximum, min)), 5L)
}

run_starts <- function(rows, spec, affine, control, starts) {
  theta <- vapply(starts$parameters, pack, double(spec$k * (1L + length(spec$family$blocks))),
    spec$family, affine)
  theta <- matrix(theta, ncol = length(starts$parameters))
  problem <- new_problem(rows, spec, affine, control)
  if (ncol(theta) == 1L) {
    best <- run_em(problem, theta[, 1L])
    best$starts <- start_table(starts$kind, best, best$iterations)
    return(best)
  }
  ended <- race(rows, spec, affine, control, theta)
  best <- NULL
  outcome <- ended
  for (s in finalists(ended)) {
    run <- run_em(problem, ended$theta[, s], FALSE)
    outcome$objective[s] <- run$objective
    outcome$status[s] <- run$status
    outcome$converged[s] <- run$converged
    if (run$status != 0L) next
    run$iterations <- run$iterations + ended$iterations[s]
    if (is.null(best) || run$objective > best$objective + same_maximum) best <- c(run, winner = s)
    if (!ended$all_rows) break
  }
  if (is.null(best)) best <- list(status = max(1L, min(ended$status)), row = 0, component = 0L)
  else if (control$trace) best <- utils::modifyList(best, run_em(problem, theta[, best$winner]))
  best$starts <- start_table(starts$kind, outcome, ended$iterations)
  if (!ended$all_rows) best$starts$loglik[-c(0L, best$winner)] <- NA
  best
}

start_table <- function(kind, ended, iterations) {
  state <- ifelse(ended$status == 0L, ifelse(ended$converged, "converged", "stopped short"),
    status_names[ended$status + 1L])
  data.frame(start = seq_along(kind), kind = kind, outcome = state,
    loglik = ifelse(ended$status == 0L, ended$objective, NA), iterations = iterations)
}

# No run ended well: say why and what would help.
stop_failed <- function(run, rows, spec, given) {
  what <- if (given) "The run from `start`" else "Every start"
  switch(status_names[run$status + 1L],
    collapsed = emix_stop("degenerate", what, " collapsed: ",
      if (rows$about[["min"]] == rows$about[["max"]]) "all rows have the same value, " else
        "a component shrank onto rows of (nearly) one value, ",
      "where the likelihood is unbounded. ",
      if (spec$k > 1L) "Fewer components, `equal = \"sd\"`, another `start` or " else "",
      "a standard deviation held by `fixed` would help."),
    impossible = emix_stop("fit", what, " gives ",
      if (run$row > 0) paste("row", format(run$row)) else "a row",
      " probability zero under every component. Move `start` or `fixed` away from the boundary."),
    emix_stop("fit", what, " left the finite numbers in component ", run$component, ".")
  )
}

# The user's own numbering is kept where the user told components apart.
keeps_order <- function(spec, start, labels) {
  told <- vapply(spec$values, function(v) !all(is.na(v)) && length(unique(v)) > 1L, NA)
  !is.null(start) || !is.null(labels) || any(told)
}

component_names <- function(spec, start, labels) {
  names <- as.character(seq_len(spec$k))
  given <- labels$levels
  if (is.null(given) && is.list(start) && !is.data.frame(start)) given <- names(start[[spec$family$required]])
  if (is.null(given) && (is.matrix(start) || is.data.frame(start))) given <- colnames(start)
  if (is.null(given) && is.factor(start)) given <- levels(start)
  if (is.null(given) && is.character(start)) given <- levels(factor(start))
  given <- given[seq_len(min(length(given), spec$k))]
  known <- !is.na(given) & nzchar(given)
  names[seq_along(given)[known]] <- given[known]
  make.unique(names)
}

check_k <- function(k, n) {
  if (length(k) > 1L) {
    stop_input("k", "one number of components (choosing among several is not there yet)", describe(k))
  }
  k <- check_count(k, "k", 1, 1e5)
  if (n < k) stop_input("k", sprintf("at most the number of rows of positive weight (%.0f)", n), format(k))
  k
}

fit_mixture <- function(frame, family, k, k_given, start, fixed, equal, control, call) {
  table <- family_of(family$name)
  rows <- core_rows(frame, control$condense)
  labels <- frame$labels
  if (!k_given && !is.null(labels)) k <- max(k, labels$count)
  k <- check_k(k, rows$raw$n)
  if (!is.null(labels) && labels$count > k) {
    stop_input("labels", sprintf("labels of at most k = %d components", k), sprintf("of %d", labels$count))
  }
  spec <- make_spec(table, k, fixed, equal, labels)
  if (family$name == "binomial" && max(rows$x[, 2L]) == 0) {
    stop_input("size", "positive in at least one row", "zero in all")
  }
  affine <- table$affine(rows$about)
  starts <- if (is.null(start)) make_starts(some_rows(rows), spec, control$starts) else
    read_start(start, rows, spec)
  run <- run_starts(rows, spec, affine, control, starts)
  if (run$status != 0L) stop_failed(run, rows, spec, !is.null(start))
  fit <- new_fit(run, rows, frame, spec, affine, family, start, control)
  fit$call <- call
  if (!is.list(start) || is.data.frame(start)) start <- take_rows(start, frame$kept)
  fit$arguments <- list(k = k, family = family, start = start, fixed = fixed, equal = equal,
    control = control)
  if (!fit$converged && control$max_iter > 0L) warn_not_converged(fit)
  fit
}

warn_not_converged <- function(fit) {
  emix_warn("iterations", "EM stopped after max_iter = ", fit$arguments$control$max_iter,
    " iterations; the log-likelihood would still rise by about ", format(fit$convergence$gain, digits = 2),
    ". Allow more: control = em_control(max_iter = ).")
}

new_fit <- function(run, rows, frame, spec, affine, family, start, control) {
  components <- component_names(spec, start, frame$labels)
  parameters <- unpack(run$theta, spec$family, spec$k, affine)
  order <- if (keeps_order(spec, start, frame$labels)) seq_len(spec$k) else spec$family$order(parameters)
  parameters <- lapply(parameters, function(v) stats::setNames(v[order], components))
  places <- as.vector(outer(order, (seq_len(1L + length(spec$family$blocks)) - 1L) * spec$k, "+"))
  structure(list(
    call = NULL,
    family = unclass(family),
    k = spec$k,
    parameters = parameters,
    components = components,
    loglik = run$objective,
    df = count_df(spec),
    nobs = if (is.null(frame$weights)) NROW(frame$x) else sum(frame$weights),
    n = NROW(frame$x),
    converged = run$converged,
    iterations = run$iterations,
    convergence = list(gain = run$gain, flat = run$flat, evaluations = run$evaluations, tol = control$tol),
    held = lapply(spec$held, function(h) h[order]),
    equal = spec$equal,
    starts = run$starts,
    trace = if (control$trace) new_trace(run, spec, affine, places, components),
    x = frame$x,
    weights = frame$weights,
    labels = frame$labels$code,
    na.action = frame$omitted,
    core = list(theta = run$theta[places], factor = affine$factor, shift = affine$shift),
    arguments = NULL
  ), class = c(paste0("emix_", family$name), "emix"))
}

# One row per iterate, in users' units.
new_trace <- function(run, spec, affine, places, components) {
  theta <- matrix(run$trace_theta, nrow = length(run$theta))[places, , drop = FALSE]
  values <- t(apply(theta, 2L, function(column) {
    unlist(unpack(column, spec$family, spec$k, affine), use.names = FALSE)
  }))
  colnames(values) <- theta_names(spec$family, components)
  kind <- factor(run$trace_kind, 0:4, c("start", "EM", "Newton", "boundary", "escape"))
  data.frame(iteration = seq_along(run$trace_objective) - 1L, kind = kind, loglik = run$trace_objective, values,
    check.names = FALSE)
}

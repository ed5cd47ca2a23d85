# One fit, from checked arguments to the object.

# What shares a spread among components, for advice: `equal` where the structure `cov` (NULL: one column) goes with it.
shared_spread <- function(cov) {
  if (is.null(cov)) return("`equal = \"sd\"`")
  if (cov %in% c("VII", "VVI", "VVV")) return("`equal = \"cov\"`")
  paste0("a simpler structure (`mix_mvnormal(\"", or_default(simpler_structure(cov), "EII"), "\")`)")
}

# Why every run collapsed, and what would help.
stop_collapsed <- function(what, constant, spec) {
  columns <- spec$columns
  emix_stop("degenerate", what, " collapsed: ",
    if (constant) "all rows have the same value, " else if (is.null(columns)) "a component shrank onto rows of (nearly) one value, " else
      "a component shrank onto rows of (nearly) one value, or in one plane, ",
    "where the likelihood is unbounded. ",
    if (constant || spec$k == 1L) "A" else
      paste0("Fewer components, ", shared_spread(spec$family$cov), ", another `start`, ", if (!is.null(columns)) "a diagonal structure, ",
        "a prior (prior = em_prior()) or a"), if (is.null(columns)) " standard deviation" else " covariance", " held by `fixed` would help.")
}

# No run ended well: say why and what would help.
stop_failed <- function(run, frame, rows, spec, given) {
  what <- if (given) "The run from `start`" else "Every start"
  switch(status_names[run$status + 1L],
    collapsed = stop_collapsed(what, all(rows$about$min == rows$about$max), spec),
    impossible = emix_stop("fit", what, " gives ",
      if (run$row > 0) name_row(frame, rows, run$row) else "a row",
      " probability zero under every component. Move `start` or `fixed` away from the boundary."),
    emix_stop("fit", what, " left the finite numbers", if (run$component > 0L) paste(" in component", run$component), ".")
  )
}

# The user's own numbering is kept where the user told components apart.
keeps_order <- function(spec, start, labels, prior) {
  told <- function(v, size) !all(is.na(v)) && count_distinct(v, size) > 1L
  !is.null(start) || !is.null(labels) || any(unlist(Map(told, spec$values, spec$sizes[names(spec$values)]))) || told(prior$prop, 1L)
}

component_names <- function(spec, start, labels) {
  names <- as.character(seq_len(spec$k))
  given <- labels$levels
  if (is.null(given) && is.list(start) && !is.data.frame(start)) given <- names_of_components(start[[spec$family$required]], spec)
  if (is.null(given) && (is.matrix(start) || is.data.frame(start))) given <- colnames(start)
  if (is.null(given) && (is.factor(start) || is.character(start))) given <- label_levels(start)
  given <- given[seq_len(min(length(given), spec$k))]
  known <- !is.na(given) & nzchar(given)
  names[seq_along(given)[known]] <- given[known]
  make.unique(names)
}

# Of a parameter as users give it.
names_of_components <- function(value, spec) if (is.matrix(value)) colnames(value) else if (is.null(spec$columns)) names(value)

check_k <- function(k, n) {
  k <- check_count(k, "k", 1, 1e5)
  if (n < k) stop_input("k", sprintf("at most the number of rows of positive weight (%.0f)", n), format(k))
  k
}

# What is free, held and shared with k components, or an error where that does not go with the rows.
check_model <- function(frame, rows, family, k, fixed, equal, prior) {
  labels <- frame$labels
  k <- check_k(k, rows$raw$n)
  if (!is.null(labels) && labels$count > k) {
    stop_input("labels", sprintf("labels of at most k = %d components", k), sprintf("of %d", labels$count))
  }
  spec <- make_spec(family_of(family), k, fixed, equal, labels, names_of_columns(frame$x))
  if (family$name == "binomial" && max(rows$x[, 2L]) == 0) {
    stop_input("size", "positive in at least one row", "zero in all")
  }
  check_prior(prior, spec)
  if (!is.null(spec$family$check_rows)) spec$family$check_rows(rows, spec, prior)
  spec
}

# One k. `more` holds further starts: components of a neighbouring k.
fit_mixture <- function(frame, rows, family, k, start, fixed, equal, prior, control, more = NULL) {
  spec <- check_model(frame, rows, family, k, fixed, equal, prior)
  table <- spec$family
  affine <- table$affine(rows$about)
  part <- if (is.null(start)) some_rows(rows, table) else rows
  starts <- if (is.null(start)) make_starts(part, spec, control$starts, more) else read_start(start, rows, spec)
  core <- core_prior(prior, spec, rows, affine)
  run <- run_starts(rows, part, spec, affine, control, starts, core)
  args <- list(start = start, fixed = fixed, equal = equal, prior = prior, control = control)
  fit_of_run(run, list(frame = frame, rows = rows, part = part), family, spec, args, core)
}

# A fit from the run that won. `ground`: the frame, its rows and the part of them on which starts ran; `core`: the prior in the
# core's units.
fit_of_run <- function(run, ground, family, spec, args, core) {
  rows <- ground$rows
  part <- ground$part
  table <- spec$family
  control <- args$control
  start <- args$start
  affine <- table$affine(rows$about)
  if (run$status == 0L && !is.finite(run$objective)) run[c("status", "component")] <- list(3L, 0L)
  if (run$status != 0L) stop_failed(run, ground$frame, rows, spec, !is.null(start))
  run$loglik <- if (control$estep == "hard") soft_likelihood(run, rows, spec, affine, control, core) else
    run$likelihood + row_offset(rows, table, affine)
  if (allows_chance(control)) run <- name_chance(run, rows, part, spec)
  run$field <- settle_field(run, part, spec, control)
  run$points <- if (isFALSE(run$all_rows)) part$n
  own <- family
  own$cov <- table$cov
  fit <- new_fit(run, rows, ground$frame, spec, affine, own, start, control, args$prior)
  # Standard deviations may be numbers where variances are none.
  sound <- is.null(spec$columns) || isTRUE(table$legal("cov", fit$parameters$cov)$ok)
  if (!sound || !all(is.finite(c(unlist(fit$parameters), fit$loglik)))) {
    emix_stop("fit", "The parameters are beyond the range of numbers: use other units for the data.")
  }
  if (!is.list(start) || is.data.frame(start)) start <- take_rows(start, ground$frame$kept)
  fit$arguments <- list(k = spec$k, family = family, start = start, fixed = args$fixed, equal = args$equal,
    prior = args$prior, control = control, na.action = if (isTRUE(ground$frame$partial)) "likelihood")
  fit
}

# The search did not ask for chance clusters, but the user is told of them.
name_chance <- function(run, rows, part, spec) {
  ask <- function(runs, some) spurious_runs(runs, list(spec = spec, total = effective_rows(some), avoid = TRUE))
  run$spurious <- ask(run[c("theta", "status")], rows)
  run$field$spurious <- ask(run$field, part)
  run
}

# What the user must know of the fit that is returned.
warn_of_fit <- function(fit) {
  several <- !is.null(fit$selection)
  if (!fit$converged && fit$arguments$control$max_iter > 0L) warn_not_converged(fit, several)
  if (fit$converged && is_avoided(fit)) warn_spurious(fit, several)
  warn_empty_classes(fit)
}

# Components without rows though every row has a label: levels that do not occur, or numbers that do not begin at 1.
warn_empty_classes <- function(fit) {
  known <- if (is.null(fit$weights)) fit$labels else fit$labels[fit$weights > 0]
  if (!length(known) || any(known == 0L)) return(invisible())
  empty <- setdiff(seq_len(fit$k), known)
  if (length(empty)) {
    emix_warn("labels", "Every row has a label, and none has that of ", if (length(empty) == 1L) "component " else "components ",
      listing(fit$components[empty]), ", which therefore has no rows. Leave it out: droplevels(labels), or factor(labels) where these are numbers.")
  }
}

# "k = 3", or "VEV, k = 3" where structures were chosen among too.
name_chosen <- function(fit) paste0(if (!is.null(fit$selection$cov)) paste0(fit$family$cov, ", "), "k = ", fit$k)

# A run that ended, but at no maximum.
at_saddle <- function(fit) {
  c <- fit$convergence
  !fit$converged && !at_edge(fit) && !is.finite(c$gain) && (c$flat || fit$iterations < fit$arguments$control$max_iter)
}

# One that came to covariances without an inverse.
at_edge <- function(fit) any(startsWith(fit$convergence$boundary, "cov."))

warn_not_converged <- function(fit, several) {
  gain <- fit$convergence$gain
  control <- fit$arguments$control
  chosen <- if (several) sprintf("With the chosen %s ", name_chosen(fit))
  if (at_edge(fit)) {
    emix_warn("iterations", chosen, "EM came to where ", listing(fit$convergence$boundary), ", and cannot go on from there: too few rows are whole ",
      "to hold it off, and the log-likelihood may be higher elsewhere. A prior, prior = em_prior(), or a diagonal structure would help.")
  } else if (at_saddle(fit)) {
    emix_warn("iterations", chosen, "EM ended at a saddle point: the log-likelihood rises from there",
      if (!control$accelerate) ". Another `start`, or accelerate = TRUE, leads on." else
        paste0(", but only until a component collapses. Fewer components, ", shared_spread(fit$family$cov), " or a prior would help."))
  } else {
    emix_warn("iterations", chosen, "EM stopped after max_iter = ", control$max_iter, " iterations",
      if (is.finite(gain)) paste("; the log-likelihood would still rise by about", format(gain, digits = 2)),
      ". Allow more: control = em_control(max_iter = ).")
  }
}

warn_spurious <- function(fit, several) {
  what <- if (!is.null(fit$arguments$start)) "The maximum reached from `start`" else
    if (several) sprintf("With the chosen %s every maximum found", name_chosen(fit)) else "Every maximum found"
  emix_warn("spurious", what, " has a component that may be a chance cluster of a few rows (see ?emix",
    if (several) paste0("; `fit$selection` marks every such ", if (is.null(fit$selection$cov)) "k" else "model"), "). ",
    "Fewer components", if (is.null(fit$arguments$prior)) paste0(", ", shared_spread(fit$family$cov), " or a prior, prior = em_prior(),") else
      paste(" or", shared_spread(fit$family$cov)), " would help.")
}

new_fit <- function(run, rows, frame, spec, affine, family, start, control, prior) {
  components <- component_names(spec, start, frame$labels)
  parameters <- unpack(run$theta, spec$family, spec$k, affine)
  order <- if (keeps_order(spec, start, frame$labels, prior)) seq_len(spec$k) else spec$family$order(parameters)
  ordered <- block_places(spec$sizes, spec$k, order)
  places <- unlist(ordered, use.names = FALSE)
  parameters <- unpack(run$theta[places], spec$family, spec$k, affine, components, spec$columns)
  parameters$prop <- pmin(parameters$prop, 1) # rounding
  height <- if (is.null(prior) && control$estep == "soft") "loglik" else "objective"
  own <- Filter(Negate(is.na), run$field$met[run$field$own])
  singular <- singular_components(frame$x, parameters)
  if (length(singular)) singular <- sprintf("cov.%s has no inverse", components[singular])
  structure(list(
    call = NULL,
    family = unclass(family),
    k = spec$k,
    parameters = parameters,
    components = components,
    loglik = run$loglik,
    objective = run$objective,
    df = count_df(spec),
    nobs = if (is.null(rows$raw$weight)) rows$raw$n else sum(rows$raw$weight),
    n = NROW(frame$x),
    converged = run$converged && !length(singular),
    iterations = run$iterations,
    convergence = list(gain = run$gain, flat = run$flat, evaluations = run$evaluations,
      tol = control$tol, boundary = c(on_boundary(parameters, spec), singular), spurious = isTRUE(run$spurious),
      maximum = if (length(own)) own, points = run$points),
    held = Map(function(h, at) h[at - min(at) + 1L], spec$held, ordered[names(spec$held)]),
    equal = spec$equal,
    starts = start_table(run$field, height),
    maxima = maxima_table(run$field, spec, affine, height),
    trace = if (control$trace) new_trace(run, spec, affine, places, components),
    x = frame$x,
    weights = frame$weights,
    labels = frame$labels$code,
    row.names = proper_names(frame$names),
    na.action = frame$omitted,
    core = list(theta = run$theta[places], factor = affine$factor, shift = affine$shift),
    arguments = NULL
  ), class = c(paste0("emix_", family$name), "emix"))
}

# Free parameters on the boundary of what is legal: "prop.2 = 0".
on_boundary <- function(parameters, spec) {
  edge <- lapply(names(parameters), function(block) {
    v <- parameters[[block]]
    if (length(v) > spec$k) return(NULL)
    at <- if (block == "prop") v == 0 & spec$k > 1L else at_limit(block, v, spec$family)
    at <- which(at & !spec$held[[block]])
    if (length(at)) sprintf("%s.%s = %g", block, names(v)[at], v[at])
  })
  as.character(unlist(edge))
}

# Legal values beside which the next number, below or above, is not.
at_limit <- function(block, value, family) {
  legal <- function(v) family$legal(block, v)$ok
  step <- pmax(abs(value) * .Machine$double.eps, .Machine$double.xmin)
  legal(value) & !(legal(value - step) & legal(value + step))
}

# The runs as the user is told of them. Heats end at a loose tolerance: only a run with the certificate has
# converged. Where runs were on all rows, that of the fit ended where the fit is. `met`: the rank of the
# maximum that a run met, NA where it met none; maxima of one height are one.
settle_field <- function(run, part, spec, control) {
  f <- run$field
  scale <- row_unit(part)
  enough <- pmax(10 * control$tol * scale, 64 * .Machine$double.eps * abs(f$objective))
  f$converged <- f$status == 0L & f$converged & is.finite(f$gain) & f$gain <= enough
  own <- which(f$status == 0L & f$objective == run$height)[1L]
  if (!isFALSE(run$all_rows)) {
    f$theta[, own] <- run$theta
    for (e in c("objective", "gain", "flat", "iterations", "evaluations")) f[[e]][own] <- run[[e]]
    f$converged[own] <- run$converged && is.finite(run$gain)
  }
  f$own <- seq_along(f$status) == own
  at <- which(true_maxima(f, spec))
  at <- at[order(f$objective[at], decreasing = TRUE)]
  f$met <- rep(NA_integer_, length(f$status))
  f$met[at] <- cumsum(-diff(c(Inf, f$objective[at])) > 1e-4 * scale)
  f
}

# Where components coincide, or another direction is flat, there is a ridge or a saddle: no maximum, unless
# nothing else was found.
true_maxima <- function(f, spec) {
  peak <- rep(FALSE, length(f$status))
  ended <- which(f$converged & !f$flat)
  ended <- ended[order(f$objective[ended])]
  # Runs of one height ended in one place: one of them is enough to look at.
  for (group in split(ended, cumsum(c(TRUE, diff(f$objective[ended]) > same_maximum))[seq_along(ended)])) {
    peak[group] <- any_apart(group, f, spec)
  }
  if (any(peak)) peak else f$converged
}

# Is there a run among these in which no components coincide?
any_apart <- function(runs, field, spec) {
  for (s in runs) if (!length(coinciding(unpack_core(field$theta[, s], spec), spec))) return(TRUE)
  FALSE
}

# What became of each start. Where rows are many, of its run on a part of them.
start_table <- function(f, height) {
  outcome <- ifelse(f$status == 0L, ifelse(f$converged, "converged", "stopped early"), status_names[f$status + 1L])
  table <- data.frame(start = seq_along(f$kind), kind = f$kind, outcome = outcome,
    height = ifelse(f$status == 0L, f$objective, NA), evaluations = f$evaluations,
    spurious = f$spurious, maximum = f$met)
  names(table)[4L] <- height
  table
}

# The distinct maxima that runs met, the highest first.
maxima_table <- function(f, spec, affine, height) {
  if (all(is.na(f$met))) return(NULL)
  order <- order(f$met, -f$objective)
  first <- order[!duplicated(f$met[order]) & !is.na(f$met[order])]
  listed <- listed_places(spec$sizes, spec$k, spec$columns)
  values <- lapply(first, function(s) {
    p <- unpack(f$theta[, s], spec$family, spec$k, affine)
    unlist(p, use.names = FALSE)[unlist(block_places(spec$sizes, spec$k, spec$family$order(p)), use.names = FALSE)[listed]]
  })
  values <- do.call(rbind, values)
  colnames(values) <- theta_names(spec$family, seq_len(spec$k), spec$columns)
  table <- data.frame(height = f$objective[first], met = tabulate(f$met, length(first)),
    spurious = f$spurious[first], values, check.names = FALSE)
  names(table)[1L] <- height
  table
}

# One row per iterate, in users' units.
new_trace <- function(run, spec, affine, places, components) {
  theta <- matrix(run$trace_theta, nrow = length(run$theta))[places, , drop = FALSE]
  listed <- listed_places(spec$sizes, spec$k, spec$columns)
  values <- t(apply(theta, 2L, function(column) {
    unlist(unpack(column, spec$family, spec$k, affine), use.names = FALSE)[listed]
  }))
  colnames(values) <- theta_names(spec$family, components, spec$columns)
  kinds <- c("start", "EM", "Newton", "boundary", "escape", if (is.null(spec$family$links)) "secant")
  kind <- factor(run$trace_kind, seq_along(kinds) - 1L, kinds)
  data.frame(iteration = seq_along(run$trace_objective) - 1L, kind = kind, loglik = run$trace_objective, values,
    check.names = FALSE)
}

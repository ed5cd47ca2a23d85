# Several covariance structures, each with several k: cells of a lattice, whose neighbours lend each other their components.
#
# A cell is a list: family (of one structure), k, spec, affine, prior (the core's), problem_of, problem (all rows), small (the part on
# which runs race), field (its runs); or `error`, why there are none. `ground`: frame, rows, part and args, the same for all.
#
# A structure is nested in another if that asks less of the covariances. A cell starts where the cells nested in it ended too, so
# that its likelihood is no lower than theirs, as it must be.

# A cell's own starts, where cells are many; all starts of a few; how many splits and merges a cell lends; how many cells are
# searched with all starts, as they may be the best, and as they lie below their neighbours in k.
lattice_starts <- 24L
lattice_work <- 600L
lattice_lent <- 4L
lattice_full <- 6L
lattice_low <- 8L

is_nested <- function(a, b) {
  rank <- c(I = 1L, E = 2L, V = 3L)
  letters <- strsplit(c(a, b), "")
  all(rank[letters[[1L]]] <= rank[letters[[2L]]])
}

# Those of `structures` that are nested in one of them, without those nested in another of these.
nested_next <- function(cov, structures) {
  inside <- Filter(function(s) s != cov && is_nested(s, cov), structures)
  Filter(function(s) !any(vapply(setdiff(inside, s), function(t) is_nested(s, t), NA)), inside)
}

# Of each structure those just inside and just around it.
lattice_of <- function(structures) {
  inside <- lapply(stats::setNames(nm = structures), nested_next, structures)
  list(inside = inside, around = lapply(stats::setNames(nm = structures), function(cov) {
    structures[vapply(inside, function(of) cov %in% of, NA)]
  }))
}

# Of one component many structures are the same: the first of them.
twin_of <- function(cov, k, structures) {
  if (k > 1L) return(cov)
  kind <- function(s) if (substr(s, 2L, 2L) == "I") "spheres" else if (substr(s, 3L, 3L) == "I") "columns" else "any"
  structures[match(kind(cov), vapply(structures, kind, ""))]
}

cell_key <- function(cov, k) paste(cov, k)

# A list of fits, or of the errors that they ended in, structure by structure.
fit_lattice <- function(frame, rows, families, args, k, criterion) {
  structures <- names(families)
  part <- some_rows(rows, family_of(families[[1L]]))
  ground <- list(frame = frame, rows = rows, part = part, args = args)
  starts <- min(args$control$starts, max(lattice_starts, lattice_work %/% (length(k) * length(structures))))
  cells <- list()
  lattice <- lattice_of(structures)
  for (one in k) {
    own <- NULL
    say_of("first runs of k = ", one)
    for (cov in unique(vapply(structures, twin_of, "", one, structures))) {
      cell <- new_cell(ground, families[[cov]], one)
      if (is.null(own) && is.null(cell$error)) own <- own_starts(part, cell, starts)
      cells[[cell_key(cov, one)]] <- race_cell(cell, own, cells, lattice)
    }
  }
  cells <- lend_up(lend_down(cells, lattice), lattice)
  fits <- lapply(cells, end_cell, ground)
  fits <- search_best(fits, cells, ground, lattice, criterion)
  grid <- expand.grid(k = k, cov = structures, stringsAsFactors = FALSE)
  Map(function(cov, one) as_structure(fits[[cell_key(twin_of(cov, one, structures), one)]], cov), grid$cov, grid$k, USE.NAMES = FALSE)
}

as_structure <- function(fit, cov) {
  if (inherits(fit, "emix")) fit$family$cov <- fit$arguments$family$cov <- cov
  fit
}

new_cell <- function(ground, family, k) {
  args <- ground$args
  spec <- tryCatch(check_model(ground$frame, ground$rows, family, k, NULL, args$equal, args$prior), emix_error_degenerate = identity)
  cell <- list(family = family, k = k, spec = spec)
  if (inherits(spec, "condition")) return(c(cell, list(error = spec)))
  affine <- spec$family$affine(ground$rows$about)
  prior <- core_prior(args$prior, spec, ground$rows, affine)
  problem_of <- function(some) new_problem(some, spec, affine, of_part(args$control), prior)
  problem <- new_problem(ground$rows, spec, affine, args$control, prior)
  c(cell, list(affine = affine, prior = prior, problem_of = problem_of, problem = problem,
    small = race_problem(ground$rows, ground$part, problem, problem_of)))
}

# Starts of all cells of one k, as the least restricted structure has them.
own_starts <- function(part, cell, starts) {
  family <- family_of(list(name = cell$family$name, cov = "VVV"))
  equal <- setdiff(cell$spec$equal, "cov")
  spec <- make_spec(family, cell$k, NULL, if (length(equal)) equal, NULL, cell$spec$columns)
  make_starts(part, spec, starts)
}

# A cell with more runs: `best` is where the best of all ended, by block in the user's units; NULL where none ended well.
with_runs <- function(cell, field) {
  cell$field <- join_fields(cell$field, field)
  at <- rank_runs(cell$field)[1L]
  if (is.na(at)) return(cell)
  theta <- cell$field$theta[, at]
  cell$best <- list(theta = theta, objective = cell$field$objective[at], spurious = cell$field$spurious[at],
    parameters = cell$spec$family$from_core(unpack_core(theta, cell$spec), cell$affine))
  cell
}

# Columns of theta for a cell.
theta_for <- function(cell, parameters) pack_starts(impose(lapply(parameters, as.matrix), cell$spec), cell$spec, cell$affine)

lent_by_structure <- function(cell, cells, structures) {
  best <- lapply(structures, function(cov) cells[[cell_key(cov, cell$k)]]$best)
  do.call(cbind, lapply(best, function(b) if (!is.null(b)) theta_for(cell, b$parameters)))
}

lent_by_size <- function(cell, other) {
  best <- if (is.null(cell$problem$data$label)) other$best
  if (is.null(best)) return(NULL)
  resized_multi(best$theta, other$small, cell, lattice_lent)
}

# The first runs of a cell: from starts of its own, from structures nested in it, and from one component less.
race_cell <- function(cell, own, cells, lattice) {
  if (!is.null(cell$error)) return(cell)
  say_doing(cell$family$cov)
  theta <- theta_for(cell, own$parameters)
  lent <- cbind(lent_by_structure(cell, cells, lattice$inside[[cell$family$cov]]),
    lent_by_size(cell, cells[[cell_key(cell$family$cov, cell$k - 1L)]]))
  kind <- c(own$kind, rep("neighbour", length(lent) %/% nrow(theta)))
  theta <- cbind(theta, lent)
  control <- cell$problem$control
  with_runs(cell, if (control$accelerate && ncol(theta) > 3L) run_heats(cell$small, theta, kind, c(6L, 3L)) else
    run_field(cell$small, theta, kind, min(control$max_iter, 5000L)))
}

add_runs <- function(cell, theta) {
  if (!is.null(cell$error) || !length(theta)) return(cell)
  steps <- min(cell$problem$control$max_iter, 300L)
  with_runs(cell, run_field(cell$small, theta, rep("neighbour", ncol(theta)), steps, tol = 1e-4))
}

# From one component more, and from less restricted structures.
lend_down <- function(cells, lattice) {
  for (key in rev(names(cells))) {
    cell <- cells[[key]]
    if (!is.null(cell$error) || cell$k == 1L) next
    cov <- cell$family$cov
    say_of("what neighbours lend: ", key)
    theta <- cbind(lent_by_structure(cell, cells, lattice$around[[cov]]),
      lent_by_size(cell, cells[[cell_key(cov, cell$k + 1L)]]))
    cells[[key]] <- add_runs(cell, theta)
  }
  cells
}

# From the structures nested in that of a cell, where they have come higher since.
lend_up <- function(cells, lattice) {
  for (key in names(cells)) {
    cell <- cells[[key]]
    if (!is.null(cell$error) || cell$k == 1L) next
    inside <- Filter(function(cov) {
      other <- cells[[cell_key(cov, cell$k)]]$best
      !is.null(other) && (is.null(cell$best) || is_below(cell$best, other))
    }, lattice$inside[[cell$family$cov]])
    cells[[key]] <- add_runs(cell, lent_by_structure(cell, cells, inside))
  }
  cells
}

# Is a cell lower than one nested in it that is not to be avoided?
is_below <- function(mine, other) other$objective > mine$objective + same_maximum && !other$spurious

end_cell <- function(cell, ground) {
  if (!is.null(cell$error)) return(cell$error)
  say_of("all rows: ", cell_key(cell$family$cov, cell$k))
  args <- c(list(start = NULL, fixed = NULL), ground$args[c("equal", "prior", "control")])
  tryCatch({
    run <- end_race(cell$field, ground$rows, ground$part, cell$problem, cell$problem_of, args$control)
    fit_of_run(run, ground, cell$family, cell$spec, args, cell$prior)
  }, emix_error_degenerate = identity)
}

# Cells that lie low, and then those that may be the best, are searched with all starts, until the best is one that was; and
# what lies below a cell nested in it goes on from there.
search_best <- function(fits, cells, ground, lattice, criterion) {
  full <- low_keys(fits)
  for (key in full) fits[[key]] <- search_more(fits[[key]], cells[[key]], ground)
  by <- if (criterion %in% criteria) criterion else "BIC"
  repeat {
    fits <- raise_fits(fits, cells, ground, lattice)
    best <- best_key(fits, by)
    if (is.na(best) || best %in% full || length(full) >= lattice_low + lattice_full) return(fits)
    full <- c(full, best)
    fits[[best]] <- search_more(fits[[best]], cells[[best]], ground)
  }
}

search_more <- function(fit, cell, ground) {
  args <- ground$args
  say_of("searching on: ", cell_key(cell$family$cov, cell$k))
  again <- tryCatch(fit_mixture(ground$frame, ground$rows, cell$family, cell$k, NULL, NULL, args$equal, args$prior, args$control,
    if (inherits(fit, "emix")) list(flat_parameters(fit$parameters))), emix_error_degenerate = identity)
  if (inherits(again, "emix") && !better_fit(fit, again)) again else fit
}

# Likelihoods mostly rise less and less with k: the cells that are lowest below the middle of their neighbours.
low_keys <- function(fits) {
  height <- vapply(fits, function(fit) if (inherits(fit, "emix")) fit$loglik else NA_real_, 0)
  k <- as.integer(sub(".* ", "", names(fits)))
  beside <- function(step) unname(height[cell_key(sub(" .*", "", names(fits)), k + step)])
  deficit <- (beside(-1L) + beside(1L)) / 2 - height
  least <- 2 * max(0, vapply(fits, function(fit) if (inherits(fit, "emix")) min(1, fit$nobs / fit$n) else 0, 0))
  names(fits)[utils::head(order(deficit, decreasing = TRUE), min(lattice_low, sum(deficit > least, na.rm = TRUE)))]
}

best_key <- function(fits, criterion) {
  k <- vapply(fits, function(fit) if (inherits(fit, "emix")) fit$k else NA_integer_, 0L)
  table <- selection_table(k, fits, NULL)
  if (criterion == "NEC") criterion <- "ICL"
  names(fits)[best_model(table, criterion, fits)][1L]
}

raise_fits <- function(fits, cells, ground, lattice) {
  for (key in names(fits)) {
    cell <- cells[[key]]
    if (!is.null(cell$error) || cell$k == 1L || !is.null(ground$args$prior)) next
    for (cov in lattice$inside[[cell$family$cov]]) {
      other <- fits[[cell_key(cov, cell$k)]]
      mine <- fits[[key]]
      if (!inherits(other, "emix") || is_avoided(other)) next
      if (inherits(mine, "emix") && mine$objective >= other$objective - same_maximum) next
      again <- fit_from(cell, other, ground)
      if (inherits(again, "emix") && better_fit(again, mine)) fits[[key]] <- again
    }
  }
  fits
}

# A cell's fit from another's parameters, on all rows.
fit_from <- function(cell, other, ground) {
  theta <- theta_for(cell, flat_parameters(other$parameters))
  field <- run_field(cell$problem, theta, "neighbour", ground$args$control$max_iter)
  if (ground$part$n == ground$rows$n) field <- join_fields(cell$field, field)
  ground$part <- ground$rows
  cell$field <- field
  end_cell(cell, ground)
}

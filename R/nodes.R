# Continuous samples as weighted nodes: the grid on which src/nodes.c condenses them.

# Condensing pays from here on (rows x components).
nodes_pay <- 1e5

# Nodes per bin, as in src/nodes.h, and what is left of an expansion that has converged.
nodes_per_bin <- 12L
nodes_left <- 1e-11

# The coarsest grid. With fewer rows than nodes of it, or of a bin for each component, four times over, nodes
# would be too many to pay, and a grid that is cut finer and finer costs more than the fit.
first_bins <- 64L

# Functions of many smooth rows can be had from nodes; textbook iterates and hard shares cannot.
may_use_nodes <- function(rows, spec, control) {
  spec$family$smooth && is.null(rows$label) && control$condense == "auto" && control$accelerate &&
    control$estep == "soft" && !control$trace && as.double(rows$n) * spec$k >= nodes_pay &&
    rows$n >= 4 * nodes_per_bin * max(first_bins, spec$k) && resolves(rows)
}

# Cells of the grid must be narrow against where most rows are. Asked of a part of them.
resolves <- function(rows) {
  at <- golden_rows(rows$n, 1000L)
  range <- rows$about[["max"]] / 2 - rows$about[["min"]] / 2
  range > 0 && stats::IQR(rows$x[at]) / 2 > range / 1000
}

# The problem on nodes, good for mixtures near those of the columns of theta; NULL where there would
# be too many of them, or no grid of these cells is fine enough.
node_problem <- function(rows, problem, theta) {
  grid <- make_grid(problem, theta, rows$about, rows$n / 4 / nodes_per_bin)
  if (nodes_per_bin * length(grid$start) > rows$n / 4) return(NULL)
  points <- .Call(C_emix_nodes, problem$data, grid)
  if (length(points$x) > rows$n / 2) return(NULL)
  grid$full <- points$full
  nodes <- problem
  nodes$data <- list(x = points$x, columns = 1L, factor = 1, shift = 0, weight = points$weight, label = NULL)
  nodes$grid <- grid
  if (nodes_hold(nodes, theta)) nodes
}

# Do these nodes stand for the rows in these mixtures too? Bins that kept their rows always do.
nodes_hold <- function(nodes, theta, left = nodes_left) {
  grid <- nodes$grid
  width <- diff(c(grid$start, grid$cells))
  all(bins_converged(nodes, as.matrix(theta), grid, grid$start[grid$full], width[grid$full], left))
}

# Bins of equal width, cut in two until the mixtures' log density and shares are polynomials
# in each, or as narrow as cells are, or more than `most`.
make_grid <- function(problem, theta, about, most, cells = 65536L, first = first_bins) {
  ends <- c(about[["min"]], about[["max"]]) * problem$data$factor - problem$data$shift
  grid <- list(low = ends[1L], per_cell = cells / diff(ends), cells = cells)
  start <- integer(0)
  open <- as.integer(seq(0, cells - 1, by = cells / first))
  length <- rep(cells %/% first, first)
  while (length(open)) {
    smooth <- length == 1L | bins_converged(problem, theta, grid, open, length)
    start <- c(start, open[smooth])
    half <- length[!smooth] %/% 2L
    open <- c(open[!smooth], open[!smooth] + half)
    length <- c(half, half)
    if (length(start) + length(open) > min(2e4, most)) break
  }
  grid$start <- sort(c(start, open))
  grid
}

# For each bin: have the Chebyshev expansions of log density and shares converged?
bins_converged <- function(problem, theta, grid, start, length, left = nodes_left) {
  p <- nodes_per_bin
  half <- length / 2 / grid$per_cell
  middle <- grid$low + start / grid$per_cell + half
  angle <- pi * (seq_len(p) - 0.5) / p
  x <- as.vector(outer(cos(angle), half) + rep(middle, each = p))
  # The last two coefficients, of degrees p - 2 and p - 1.
  last <- 2 / p * rbind(cos((p - 2) * angle), cos((p - 1) * angle))
  data <- list(x = x, columns = 1L, factor = 1, shift = 0, weight = NULL, label = NULL)
  converged <- rep(TRUE, length(start))
  for (t in seq_len(ncol(theta))) {
    converged <- converged & !hides_peak(problem$spec, theta[, t], middle, half)
    values <- .Call(C_emix_evaluate, data, problem$model, 1L, theta[, t], 3L)
    each <- matrix(c(values$posterior, values$log_density), p)
    rest <- matrix(apply(abs(last %*% each), 2L, max), length(start))
    size <- matrix(apply(abs(each), 2L, max), length(start))
    converged <- converged & rowSums(!(rest <= left * pmax(size, 1))) == 0
  }
  converged
}

# A component so narrow that it could pass between the nodes of a bin.
hides_peak <- function(spec, theta, middle, half) {
  peaks <- spec$family$peaks(unpack_core(theta, spec))
  hidden <- rep(FALSE, length(middle))
  for (j in which(peaks$width < max(half))) {
    reach <- abs(middle - peaks$at[j]) < half + 9 * peaks$width[j]
    hidden <- hidden | (reach & half > 2 * peaks$width[j])
  }
  hidden
}

# A run on nodes goes through mixtures for which they were not made. Where it ends in one, it goes on, or is
# made again, on nodes that are good for that too, a few times; NULL where that does not settle.
settle_on_nodes <- function(rows, problem, theta, run_on) {
  run <- NULL
  for (turn in 1:4) {
    nodes <- node_problem(rows, problem, theta)
    if (is.null(nodes)) return(NULL)
    run <- or_default(if (!is.null(run)) go_on_from(run, nodes), run_on(nodes))
    if (run$status != 0L) return(NULL)
    if (nodes_hold(nodes, run$theta, 100 * nodes_left)) return(to_all_rows(run, nodes, problem))
    theta <- cbind(theta, as.vector(run$theta))
  }
}

# One run from a given start.
run_one <- function(rows, problem, theta, control) {
  run <- if (may_use_nodes(rows, problem$spec, control)) {
    settle_on_nodes(rows, problem, as.matrix(theta), function(nodes) leave_ridge(run_em(nodes, theta), nodes))
  }
  if (is.null(run)) leave_saddle(leave_ridge(run_em(problem, theta, control$trace), problem), problem) else run
}

# The best few on nodes, and the best of these on all rows; NULL where nodes are of no use.
finish_on_nodes <- function(field, rows, problem, control) {
  order <- utils::head(distinct_runs(field, rank_runs(field), 12L), 4L)
  if (!length(order)) return(NULL)
  settle_on_nodes(rows, problem, field$theta[, order, drop = FALSE], function(nodes) finish(field, nodes, problem, control))
}

# A run goes on where it ended on other nodes, if it is as high there: else it was misled.
go_on_from <- function(run, nodes) {
  end <- run_em(nodes, run$theta)
  if (end$status == 0L && end$objective > run$objective - 1e-4 * nodes$unit) join_runs(run, end, nodes)
}

# A run on nodes goes on to the maximum of all rows, by Newton's steps where these are all it takes.
to_all_rows <- function(run, nodes, problem) {
  end <- if (run$converged) .Call(C_emix_polish, problem$data, nodes$data, problem$model, problem$control, run$theta)
  # One that ran out of iterations is only looked at.
  if (is.null(end)) problem$control$max_iter <- 0L
  if (is.null(end) || !end$converged) end <- run_em(problem, run$theta)
  # Nodes that stand for the rows have the rows' likelihood.
  if (end$status != 0L || abs(end$objective - run$objective) > 1e-9 * abs(end$objective) + 1e-4 * problem$unit) return(NULL)
  join_runs(run, end, problem)
}

# `run`, ended where `end` has gone on to.
join_runs <- function(run, end, problem) {
  end[c("trace_theta", "trace_objective", "trace_kind")] <- NULL
  end$iterations <- end$iterations + run$iterations
  end$evaluations <- end$evaluations + run$evaluations
  end$spurious <- spurious_runs(end, problem)
  # What leave_ridge() found does not change.
  end$flat <- end$flat || run$flat
  if (run$flat && !run$converged) end[c("converged", "gain")] <- run[c("converged", "gain")]
  utils::modifyList(run, end)
}

#' Where EM leads from each start
#'
#' Runs EM from a grid of starts over two parameters and tells the maxima that they reach: the map shows which start
#' leads where. EM always climbs; which maximum it climbs to is the start's doing.
#'
#' @details
#' All runs are the core's of [emix()]. By default they are EM's own iterations, without acceleration. Parameters that
#' are not on the grid begin at `theta`. A run ends at a *maximum* where the certificate of [emix()] says so; two ends
#' are one maximum where log-likelihood and all parameters agree (components with their parameters exchanged are two
#' places of the map, and two maxima here). Ends without curvature or with a way up, which EM alone cannot leave, are
#' a *saddle* (or ridge): those from starts with equal components, as a rule. Where a component shrinks onto one value
#' the run has *collapsed*; and what `max_iter` cut short is *unfinished*: on a plateau where components nearly
#' coincide EM is as good as still, and the default acceleration of `em_control()` leads on from there.
#'
#' @param x data, in any form of [em_step()], or a fit of [emix()], whose data and model are used; a fit's parameters
#'   are then `theta`. For the methods, the value of `em_basins()`.
#' @param theta parameters of all starts, in any form of [em_step()]: the two on the grid are replaced.
#' @param along names of the two parameters as in [coef()]. Default: those of the first two components (`prob` or
#'   `mean`; of several columns the means of the first column). Elements of a covariance cannot be on the grid.
#' @param grid numbers of values on the two axes, one number for both. Default 41.
#' @param range limits of the axes: two numbers for both, or a list of two pairs. Default: for probabilities 0.02 to
#'   0.98, for means the range of the data.
#' @param data,subset,family,weights,labels,fixed,equal,prior,na.action as in [emix()].
#' @param control from [em_control()]. Default: without acceleration.
#' @param type of the plot: `"basins"` (default): each basin with the number of its maximum, whose height the legend tells; the
#'   maxima themselves are numbered circles, and may lie elsewhere on the map; or `"iterations"`: how many each run took.
#' @param col colours of the maxima, used in turn.
#' @param main,xlab,ylab title and labels of the axes.
#' @param ... for `plot()`: graphical parameters; `print()` takes none.
#' @return a list of class `"em_basins"`: `starts`, a data frame of one row per start (the two parameters, `end`, a
#'   factor: `"maximum"`, `"saddle"`, `"collapsed"`, `"impossible"`, `"diverged"`, `"unfinished"`; `maximum`, a row of
#'   `maxima`; `loglik`, with a prior or hard E-step `objective`; `iterations`); `maxima`, a data frame with the
#'   height, `starts` (how many lead there) and the parameters, the highest first; `along`; `axes`.
#' @section Errors:
#' `emix_error_input`.
#' @examples
#' # Two coins: the same maximum twice, and the diagonal, from which EM cannot tell the coins apart
#' basins <- em_basins(cbind(heads, tails) ~ 1, data = coins, theta = c(A = 0.6, B = 0.5),
#'   family = "binomial", equal = "prop", grid = 21)
#' basins
#' plot(basins)
#'
#' # The same column of two components, others at the estimates
#' plot(em_basins(emix(faithful, k = 2), along = c("mean.1.waiting", "mean.2.waiting"), grid = 9))
#'
#' plot(em_basins(height ~ 1, data = subset(heights, classroom), theta = c(160, 180), equal = "sd",
#'   grid = 21))
#' @order 1
#' @export
em_basins <- function(x, theta = NULL, along = NULL, grid = 41, range = NULL, data = NULL, family = NULL, weights = NULL, labels = NULL,
                      fixed = NULL, equal = NULL, prior = NULL, control = em_control(accelerate = FALSE),
                      na.action = na.fail, subset = NULL) {
  if (missing(x)) stop_input("x", "given: data, a formula or a fit")
  if (inherits(x, "em_step")) stop_input("x", "data, a formula or a fit", "a step")
  call <- match.call()
  # A fit brings its model along, but not how it was run.
  if (inherits(x, "emix") && is.list(x)) x$arguments$control <- check_control(control)
  lesson <- open_lesson(x, theta, data, weights, labels, call, parent.frame(), c("x", "theta", "along", "grid", "range", "control"),
    "the parameters of which two are replaced",
    list(family = family, fixed = fixed, equal = equal, prior = prior, control = control, na.action = na.action))
  from <- flat_parameters(parameters_of(read_theta(or_default(theta, x), lesson), lesson))
  p <- grid_parameters(along, lesson)
  axes <- grid_axes(p, grid, range, lesson)
  places <- expand.grid(axes, KEEP.OUT.ATTRS = FALSE)
  names(places) <- p$name
  field <- run_grid(places, p, from, lesson)
  new_basins(field, places, p, axes, lesson)
}

# The two parameters, of those that are free and not shared.
grid_parameters <- function(along, lesson) {
  table <- single_parameters(lesson)
  if (is.null(along)) {
    if (NROW(table) < 2L) stop_input("x", "a model with two free parameters at least that are not shared")
    # The same column of the first two components.
    two <- table[!duplicated(table$component), ]
    return(if (is.null(lesson$spec$columns) || nrow(two) < 2L) table[1:2, ] else two[1:2, ])
  }
  at <- if (is.character(along)) match(along, table$name) else NA
  if (length(at) != 2L || anyNA(at) || anyDuplicated(at)) {
    stop_input("along", paste("two of", listing(dQuote(table$name, FALSE), 9L)), describe(along))
  }
  table[at, ]
}

# Block, place in the block, component, column and name of each. Of a covariance no number can be set alone.
single_parameters <- function(lesson) {
  spec <- lesson$spec
  cells <- cell_names(spec$sizes, spec$columns)
  blocks <- setdiff(spec$family$blocks[spec$sizes[spec$family$blocks] <= max(1L, length(spec$columns))], spec$equal)
  do.call(rbind, lapply(blocks, function(b) {
    at <- which(!spec$held[[b]])
    j <- (at - 1L) %/% spec$sizes[[b]] + 1L
    column <- (at - 1L) %% spec$sizes[[b]] + 1L
    name <- paste(b, lesson$components[j], sep = ".")
    if (length(at)) data.frame(block = b, at = at, component = j, column = column,
      name = if (spec$sizes[[b]] > 1L) paste(name, cells[[b]][column], sep = ".") else name)
  }))
}

grid_axes <- function(p, grid, range, lesson) {
  grid <- check_numeric(grid, "grid")
  if (!length(grid) %in% 1:2) stop_input("grid", "one number or two", describe(grid))
  grid <- vapply(rep_len(grid, 2L), check_count, 0L, argument = "grid", low = 2, high = 1000)
  if (!is.null(range) && !is.list(range)) range <- list(range, range)
  lapply(1:2, function(i) {
    reach <- if (is.null(range)) usual_range(p$block[i], p$column[i], lesson) else check_numeric(range[[i]], "range", 2L)
    legal <- lesson$spec$family$legal(p$block[i], reach)
    if (anyNA(reach) || !(reach[1L] < reach[2L]) || !all(legal$ok)) {
      stop_input("range", paste("two numbers, the lower first,", legal$expected), listing(reach))
    }
    seq(reach[1L], reach[2L], length.out = grid[i])
  })
}

usual_range <- function(block, column, lesson) {
  family <- lesson$spec$family
  about <- lesson$rows$about
  if (identical(family$links[[block]], "logit")) return(c(0.02, 0.98))
  if (block == family$required) return(c(about[["min"]][column], about[["max"]][column]))
  about[["sd"]] * c(0.1, 1.5)
}

run_grid <- function(places, p, from, lesson) {
  n <- nrow(places)
  starts <- lapply(from, function(v) matrix(v, length(v), n))
  for (i in 1:2) starts[[p$block[i]]][p$at[i], ] <- places[[i]]
  theta <- pack_starts(starts, lesson$spec, lesson$affine)
  run_field(lesson$problem, theta, rep("grid", n), lesson$arguments$control$max_iter)
}

new_basins <- function(field, places, p, axes, lesson) {
  tol <- lesson$problem$control$tol * lesson$problem$unit
  enough <- pmax(10 * tol, 64 * .Machine$double.eps * abs(field$objective))
  top <- field$status == 0L & is.finite(field$gain) & !field$flat & (field$gain <= enough | field$converged)
  # Where components coincide there is a ridge or a saddle, whatever rounding makes of its curvature.
  met <- same_ends(field, which(top), lesson$problem$unit)
  ridge <- vapply(match(seq_len(max(met, 0L, na.rm = TRUE)), met), function(s) {
    length(coinciding(unpack_core(field$theta[, s], lesson$spec), lesson$spec)) > 0L
  }, NA)
  top <- top & !(met %in% which(ridge))
  end <- ifelse(field$status != 0L, status_names[field$status + 1L], ifelse(top, "maximum",
    ifelse(field$iterations >= lesson$arguments$control$max_iter, "unfinished", "saddle")))
  met <- same_ends(field, which(top), lesson$problem$unit)
  first <- match(seq_len(max(met, 0L, na.rm = TRUE)), met)
  height <- if (is.null(lesson$prior) && lesson$arguments$control$estep == "soft") "loglik" else "objective"
  spec <- lesson$spec
  listed <- listed_places(spec$sizes, spec$k, spec$columns)
  values <- t(vapply(first, function(s) unlist(parameters_of(field$theta[, s], lesson), use.names = FALSE)[listed], double(length(listed))))
  colnames(values) <- theta_names(lesson$spec$family, lesson$components, lesson$spec$columns)
  maxima <- data.frame(height = field$objective[first], starts = tabulate(met, length(first)), values, check.names = FALSE)
  starts <- data.frame(places, end = factor(end, c("maximum", "saddle", "unfinished", status_names[-1L])), maximum = met,
    height = ifelse(field$status == 0L, field$objective, NA), iterations = field$iterations, check.names = FALSE)
  names(maxima)[1L] <- names(starts)[5L] <- height
  structure(list(starts = starts, maxima = maxima, along = p$name, axes = stats::setNames(axes, p$name), family = lesson$family$name,
    n = lesson$rows$raw$n), class = "em_basins")
}

# Numbers of the maxima that runs reached, the highest first: ends are one where height and parameters agree.
same_ends <- function(field, at, unit) {
  met <- rep(NA_integer_, length(field$status))
  at <- at[order(field$objective[at], decreasing = TRUE)]
  seen <- integer()
  for (s in at) {
    near <- vapply(seen, function(r) {
      abs(field$objective[r] - field$objective[s]) < 1e-4 * unit && max(abs(field$theta[, r] - field$theta[, s])) < 0.02
    }, NA)
    if (!any(near)) seen <- c(seen, s)
    met[s] <- if (any(near)) which(near)[1L] else length(seen)
  }
  met
}

#' @rdname em_basins
#' @export
print.em_basins <- function(x, ...) {
  check_no_dots(...)
  n <- nrow(x$starts)
  cat(counted(n, "start"), " over ", x$along[1L], " and ", x$along[2L], ": ", nrow(x$maxima),
    if (nrow(x$maxima) == 1L) " maximum" else " maxima",
    "\n\n", sep = "")
  if (nrow(x$maxima)) print(format(utils::head(x$maxima, 12L), digits = 6L))
  if (nrow(x$maxima) > 12L) cat("... ", nrow(x$maxima) - 12L, " more\n", sep = "")
  other <- table(x$starts$end)[-1L]
  other <- other[other > 0L]
  if (length(other)) cat("\nOther ends: ", paste(names(other), other, collapse = ", "), "\n", sep = "")
  invisible(x)
}

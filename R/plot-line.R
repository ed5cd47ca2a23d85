# Pictures along parameters: the bounds that touch, the path over contours, coordinate ascent.
#
# A line is a list: lesson, theta(s) (the core's vector at place s), nodes (places of the iterates), label, scale (places that are
# shown), legal (the range of s).

# The parameters of a fit that can move alone: block, place in the block and name of each. Of a covariance none can: it has to stay one.
free_parameters <- function(fit) {
  sizes <- fit_sizes(fit)
  columns <- names_of_columns(fit$x)
  cells <- cell_names(sizes, columns)
  blocks <- names(sizes)[sizes <= max(1L, length(columns))]
  table <- do.call(rbind, lapply(c(setdiff(blocks, "prop"), "prop"), function(b) {
    one <- b %in% fit$equal && b != "prop"
    at <- which(!fit$held[[b]])
    if (b == "prop" && fit$k < 2L) at <- integer()
    if (one) at <- utils::head(at, sizes[[b]])
    if (!length(at)) return(NULL)
    name <- paste(b, fit$components[(at - 1L) %/% sizes[[b]] + 1L], sep = ".")
    own <- cells[[b]][(at - 1L) %% sizes[[b]] + 1L]
    data.frame(block = b, at = at, name = if (sizes[[b]] > 1L) paste(name, own, sep = ".") else name)
  }))
  if (is.null(table)) stop_input("x", "of a fit with a free parameter", "one in which all are held")
  table
}

# Rows of that table for the names that the user gives.
choose_parameters <- function(along, fit, count) {
  table <- free_parameters(fit)
  if (is.null(along)) return(table[seq_len(min(count, nrow(table))), ])
  at <- if (is.character(along)) match(along, table$name) else NA
  if (length(at) != count || anyNA(at) || anyDuplicated(at)) {
    stop_input("along", sprintf("%d of the free parameters %s", count, listing(dQuote(table$name, FALSE), 9L)),
      if (is.character(along)) listing(dQuote(along, FALSE)) else describe(along))
  }
  table[at, ]
}

# Parameters with one of them at `value`: a shared one for all, proportions with the others in their ratios.
put_parameter <- function(parameters, block, j, value, spec) {
  v <- parameters[[block]]
  if (block == "prop") {
    others <- setdiff(which(!spec$held$prop), j)
    left <- 1 - sum(v[spec$held$prop]) - value
    v[others] <- if (sum(v[others]) > 0) left * v[others] / sum(v[others]) else left / length(others)
  }
  size <- length(v) %/% length(parameters$prop)
  v[if (block %in% setdiff(spec$equal, "prop")) seq((j - 1L) %% size + 1L, length(v), by = size) else j] <- value
  parameters[[block]] <- v
  parameters
}

legal_range <- function(block, lesson) {
  if (block == "prop" || identical(lesson$spec$family$links[[block]], "logit")) return(c(0, 1))
  if (identical(lesson$spec$family$links[[block]], "log")) c(0, Inf) else c(-Inf, Inf)
}

# Places around the nodes, within what is legal.
around <- function(nodes, legal, part = 0.35) {
  span <- diff(range(nodes))
  if (!(span > 0)) span <- max(abs(nodes), 1) / 20
  reach <- range(nodes) + c(-1, 1) * part * span
  inside <- legal + c(1, -1) * 1e-3 * (if (all(is.finite(legal))) 1 else span)
  pmin(pmax(reach, inside[1L]), inside[2L])
}

# EM for one parameter alone, all others held at their estimates.
parameter_line <- function(fit, along, iterations, range) {
  p <- choose_parameters(along, fit, 1L)
  if (p$block == "prop" && sum(!fit$held$prop) > 2L) {
    stop_input("along", "another parameter or \"steps\": with more than two proportions free, one cannot move alone", p$name)
  }
  legal <- legal_range(p$block, list(spec = list(family = family_of(fit$family))))
  if (p$block == "prop") legal[2L] <- 1 - sum(fit$parameters$prop[fit$held$prop])
  line <- if (is.null(names_of_columns(fit$x))) held_line(fit, p) else column_line(fit, p)
  nodes <- fit$trace[[p$name]][1L]
  for (t in seq_len(iterations)) nodes[t + 1L] <- line$step(nodes[t])
  c(line, list(nodes = nodes, label = p$name, legal = legal, scale = or_default(range, around(nodes, legal))))
}

line_theta <- function(fit, p, lesson) {
  function(s) {
    parameters <- put_parameter(flat_parameters(fit$parameters), p$block, p$at, s, list(held = fit$held, equal = fit$equal))
    drop(pack_starts(parameters, lesson$spec, lesson$affine))
  }
}

# By the core's own steps.
held_line <- function(fit, p) {
  held <- lapply(fit$parameters, unname)
  held[[p$block]][if (p$block %in% c(fit$equal, "prop")) TRUE else p$at] <- NA
  held$prop[fit$held$prop] <- unname(fit$parameters$prop)[fit$held$prop]
  arguments <- fit$arguments[c("family", "equal", "prior", "control")]
  arguments$family$size <- NULL
  lesson <- new_lesson(c(own_data(fit), list(columns = fit_columns(fit))), fit, c(arguments, list(fixed = held, na.action = or_default(fit$arguments$na.action, na.fail))))
  lesson$components <- fit$components
  lesson <- for_pictures(lesson)
  theta <- line_theta(fit, p, lesson)
  list(lesson = lesson, theta = theta, step = function(s) {
    parameters_of(core_step(lesson, theta(s))$theta, lesson)[[p$block]][[p$at]]
  })
}

# The core holds a mean of several columns as a whole. But along one of its elements the bound is a parabola, whose highest point three
# values tell; and what the step makes of proportions does not depend on the other parameters.
column_line <- function(fit, p) {
  lesson <- for_pictures(lesson_of_fit(fit))
  line <- list(lesson = lesson, theta = line_theta(fit, p, lesson))
  d <- ncol(fit$x)
  h <- sqrt(max(fit$parameters$cov[(p$at - 1L) %% d + 1L, (p$at - 1L) %% d + 1L, ]))
  line$step <- function(s) {
    if (p$block == "prop") return(parameters_of(core_step(lesson, line$theta(s))$theta, lesson)$prop[[p$at]])
    bound <- bounds_along(line, s, s + c(-h, 0, h))
    s + h / 2 * (bound[1L] - bound[3L]) / (bound[1L] - 2 * bound[2L] + bound[3L])
  }
  line
}

# From iterate to iterate, and on beyond the first and the last as far as is legal.
steps_line <- function(fit, iterations, range) {
  lesson <- for_pictures(lesson_of_fit(fit))
  iterates <- trace_theta(fit, lesson)
  last <- min(ncol(iterates), iterations + 1L)
  if (last < 2L) stop_input("x", "of a fit with an iteration at least", "one without")
  theta <- function(s) {
    t <- min(max(floor(s), 0), last - 2)
    iterates[, t + 1L] + (s - t) * (iterates[, t + 2L] - iterates[, t + 1L])
  }
  list(lesson = lesson, theta = theta, nodes = seq_len(last) - 1, label = "iterate", legal = c(-Inf, Inf),
    scale = or_default(range, c(-0.3, last - 0.7)))
}

make_line <- function(fit, along, iterations, range) {
  if (!is.null(range)) {
    range <- check_numeric(range, "range", 2L)
    if (anyNA(range) || !(range[1L] < range[2L])) stop_input("range", "two numbers, the lower first", listing(range))
  }
  if (identical(along, "steps")) steps_line(fit, iterations, range) else parameter_line(fit, along, iterations, range)
}

# From so many points on pictures along parameters are of fewer that stand for them (see some_rows()).
many_points <- 4000L

for_pictures <- function(lesson) {
  rows <- lesson$rows
  if (rows$n <= many_points || !isTRUE(lesson$spec$family$smooth) || !is.null(rows$label)) return(lesson)
  rows <- some_rows(rows, lesson$spec$family, many_points)
  lesson$rows <- rows
  lesson$problem <- new_problem(rows, lesson$spec, lesson$affine, check_control(lesson$arguments$control), lesson$prior)
  lesson
}

# Objective and log prior of the core; NA where it has none.
height_at <- function(lesson, theta) {
  p <- lesson$problem
  at <- .Call(C_emix_step, p$data, p$model, few_threads(p, 1), theta)
  value <- at$objective + p$control$offset
  c(value, if (is.null(lesson$prior)) 0 else at$objective - or_default(at$sums[1L], NA_real_) + lesson$prior$offset)
}

finite_or_na <- function(v) replace(v, !is.finite(v), NA)

# J(q, theta) along the places s, for q of the posterior probabilities at the places `from`: a column for each of these.
bounds_along <- function(line, from, s) {
  view <- view_rows(line$lesson, line$lesson$rows)
  q <- lapply(from, function(t) view$posterior(line$theta(t)))
  entropy <- vapply(q, function(q) entropy_of(view$weight, q), 0)
  out <- vapply(s, function(place) {
    theta <- line$theta(place)
    joint <- view$joint(theta)
    log_prior <- if (is.null(line$lesson$prior)) 0 else height_at(line$lesson, theta)[2L]
    vapply(q, function(q) weigh(view$weight, q, joint), 0) + entropy + log_prior
  }, double(length(from)))
  finite_or_na(t(matrix(out, length(from))))
}

plot_bound <- function(fit, along, iterations, range, labels, col, ...) {
  line <- make_line(fit, along, iterations, range)
  s <- sort(unique(c(seq(line$scale[1L], line$scale[2L], length.out = 241L), line$nodes)))
  height <- finite_or_na(vapply(s, function(place) height_at(line$lesson, line$theta(place))[1L], 0))
  last <- length(line$nodes)
  from <- line$nodes[-last]
  bounds <- bounds_along(line, from, s)
  touch <- height[match(line$nodes, s)]
  top <- bounds[cbind(match(line$nodes[-1L], s), seq_along(from))]
  reach <- range(touch, top, na.rm = TRUE)
  lowest <- max(min(height, na.rm = TRUE), reach[1L] - 0.6 * diff(reach))
  limits <- c(lowest, max(height, na.rm = TRUE))
  limits <- limits + c(-0.04, 0.06) * diff(limits)
  # Entries are long: three beside each other need a picture that is wide.
  beside <- if (par("din")[1L] < 7.8) 2L else 3L
  legend_lines <- ceiling((last + 1) / beside)
  before <- par(mar = c(4.2, 5.8, 2.7 + 1.1 * legend_lines, 1))
  on.exit(par(before))
  what <- objective_name(fit)
  panel_with_legend(range(s), limits, labels, list(main = "Bounds that touch", xlab = line$label, ylab = ""),
    legend_lines, xaxt = if (line$label == "iterate") "n" else "s", ...)
  if (line$label == "iterate") axis(1L, line$nodes)
  if (is.null(labels$ylab)) mtext(what, 2L, 4.6)
  colour <- rep_len(or_default(col, okabe_ito[-1L]), length(from))
  type <- c(5L, 2L, 4L, 3L)[(seq_along(from) - 1L) %% 4L + 1L]
  segments(line$nodes, limits[1L], y1 = touch, col = "grey70", lty = 3L)
  lines(s, height, lwd = 2.5)
  for (t in seq_along(from)) lines(s, bounds[, t], col = colour[t], lty = type[t], lwd = 1.8)
  points(line$nodes, touch, pch = 16L)
  points(line$nodes[-1L], top, pch = 2L, col = colour, lwd = 1.5)
  label_nodes(line$nodes, touch)
  legend_above(paste0(c(what, paste("bound that touches at", seq_along(from) - 1L), "highest point of a bound"), "  "),
    lwd = c(2.5, rep(1.8, length(from)), NA), col = c("black", colour, "black"), lty = c(1L, type, NA),
    pch = c(NA, rep(NA, length(from)), 2L),
    ncol = min(beside, last + 1L), seg.len = 2.4)
}

# Points all along a path.
fill_in <- function(path) {
  n <- nrow(path)
  if (n < 2L) return(path)
  t <- seq(1, n, length.out = min(40L * n, 2000L))
  cbind(stats::approx(seq_len(n), path[, 1L], t)$y, stats::approx(seq_len(n), path[, 2L], t)$y)
}

# Numbers of iterates above their points, as long as there is room between them.
label_nodes <- function(x, y, below = FALSE) {
  width <- graphics::strwidth("00", cex = 0.85)
  shown <- 1L
  for (i in seq_along(x)[-1L]) if (min(abs(x[i] - x[shown])) > width) shown <- c(shown, i)
  place <- if (below) c(-0.7, 1.3) else c(0.5, -0.8)
  text(x[shown], y[shown], shown - 1L, adj = place, cex = 0.85, xpd = NA)
}

plot_path <- function(fit, along, iterations, range, labels, style, ...) {
  if (!is.null(names_of_columns(fit$x)) && (is.null(along) || all(along %in% shown_columns(fit)))) {
    return(plot_plane_path(fit, along, iterations, range, labels, style, ...))
  }
  p <- choose_parameters(along, fit, 2L)
  if (nrow(p) < 2L) stop_input("type", "another than \"path\": only one parameter is free")
  lesson <- for_pictures(lesson_of_fit(fit))
  at <- until(fit, iterations)
  path <- as.matrix(fit$trace[at, p$name])
  axes <- map_axes(p, path, range, lesson)
  z <- map_heights(fit, p, axes, lesson)
  others <- nrow(free_parameters(fit)) - (sum(!fit$held$prop) > 1L) > 2L
  before <- par(mar = c(4.2, 4.6, 3.8 + others, 1))
  on.exit(par(before))
  panel_with_legend(range(axes[[1L]]), range(axes[[2L]]), labels, list(main = "The way up", xlab = p$name[1L], ylab = p$name[2L]),
    1 + others, xaxs = "i", ...)
  if (others) {
    mtext(paste("on contours of the", objective_name(fit), "with all other parameters at their estimates"), line = 0.1,
      cex = 0.75 * par("cex"))
  }
  draw_contours(axes[[1L]], axes[[2L]], z, fill_in(path))
  lines(path, col = okabe_ito[1L], lwd = 1.5)
  points(path[apart_marks(path[, 1L], path[, 2L]), , drop = FALSE], pch = 16L, cex = 0.8, col = okabe_ito[1L])
  points(path[1L, 1L], path[1L, 2L], pch = 21L, bg = "white", cex = 1.4, lwd = 1.5)
  points(path[nrow(path), 1L], path[nrow(path), 2L], pch = 4L, cex = 1.5, lwd = 2.5, col = okabe_ito[2L])
  legend_above(c("start", "iterates", "end"), pch = c(21L, 16L, 4L), pt.lwd = c(1.5, 1, 2.5),
    col = c("black", okabe_ito[1:2]), horiz = TRUE, lift = others)
}

map_axes <- function(p, path, range, lesson, size = 91L) {
  if (!is.null(range) && !(is.list(range) && length(range) == 2L)) stop_input("range", "a list of two pairs of numbers", describe(range))
  lapply(1:2, function(i) {
    reach <- if (is.null(range)) around(path[, i], legal_range(p$block[i], lesson), 0.5) else check_numeric(range[[i]], "range", 2L)
    if (anyNA(reach) || !(reach[1L] < reach[2L])) stop_input("range", "pairs of numbers, the lower first", listing(reach))
    seq(reach[1L], reach[2L], length.out = size)
  })
}

# The objective over two parameters, others at the estimates.
map_heights <- function(fit, p, axes, lesson) {
  own <- flat_parameters(fit$parameters)
  outer(axes[[1L]], axes[[2L]], Vectorize(function(a, b) {
    parameters <- put_parameter(own, p$block[1L], p$at[1L], a, lesson$spec)
    parameters <- put_parameter(parameters, p$block[2L], p$at[2L], b, lesson$spec)
    legal <- all(unlist(parameters$prop) >= 0)
    if (legal) finite_or_na(height_at(lesson, drop(pack_starts(parameters, lesson$spec, lesson$affine)))[1L]) else NA_real_
  }))
}

plot_ascent <- function(fit, along, iterations, range, labels, ...) {
  line <- make_line(fit, along, iterations, range)
  s <- seq(line$scale[1L], line$scale[2L], length.out = 91L)
  z <- t(bounds_along(line, s, s))
  nodes <- line$nodes
  last <- length(nodes)
  before <- par(mar = c(4.2, 4.6, 3.8, 1))
  on.exit(par(before))
  panel_with_legend(range(s), range(s), labels, list(main = "Coordinate ascent in (q, theta)",
    xlab = paste0(line$label, " at which q was taken"), ylab = line$label), xaxs = "i", ...)
  stairs <- cbind(rep(nodes, each = 2L)[-2L * last], rep(nodes, each = 2L)[-1L])
  draw_contours(s, s, z, fill_in(stairs))
  lines(range(s), range(s), col = "grey40", lty = 3L)
  # M-steps up, E-steps across to the diagonal.
  segments(nodes[-last], nodes[-last], y1 = nodes[-1L], col = okabe_ito[2L], lwd = 2)
  segments(nodes[-last], nodes[-1L], x1 = nodes[-1L], col = okabe_ito[1L], lwd = 2, lty = 2L)
  points(nodes, nodes, pch = 16L)
  label_nodes(nodes, nodes, below = TRUE)
  legend_above(c("M-step", "E-step", "bound touches"), col = c(okabe_ito[2:1], "grey40"), lty = c(1L, 2L, 3L), lwd = c(2, 2, 1),
    horiz = TRUE)
}

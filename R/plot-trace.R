# Pictures of a trace against the iteration. Those along parameters are in plot-line.R.

#' @rdname em_trace
#' @order 2
#' @export
plot.em_trace <- function(x, type = "loglik", along = NULL, iterations = NULL, ascent = FALSE, component = 1, range = NULL,
                          col = NULL, main = NULL, xlab = NULL, ylab = NULL, ...) {
  type <- check_choice(type, "type", c("loglik", "parameters", "bound", "path", "ascent", "posterior"))
  if (check_flag(ascent, "ascent") && type == "path") type <- "ascent"
  fit <- attr(x, "fit")
  if (is.null(fit)) emix_stop("object", "`x` is no longer a trace of em_trace().", argument = "x")
  if (!is.null(iterations)) iterations <- check_count(iterations, "iterations", 1)
  labels <- list(main = main, xlab = xlab, ylab = ylab)
  style <- component_style(fit, col)
  switch(type,
    loglik = plot_heights(x, fit, iterations, labels, ...),
    parameters = plot_moves(fit, along, style, iterations, labels, ...),
    posterior = plot_memberships(fit, component, iterations, labels, ...),
    path = plot_path(fit, along, iterations, range, labels, style, ...),
    bound = plot_bound(fit, along, or_default(iterations, 4L), range, labels, col, ...),
    ascent = plot_ascent(fit, along, or_default(iterations, 4L), range, labels, ...)
  )
  invisible(x)
}

panel_with_legend <- function(x_range, y_range, labels, defaults, rows = 1, ...) {
  open_panel(x_range, y_range, "", or_default(labels$xlab, defaults$xlab), or_default(labels$ylab, defaults$ylab), ...)
  title(main = or_default(labels$main, defaults$main), line = 0.8 + 1.1 * rows)
}

# `lift`: lines of text that stand between legend and panel.
legend_above <- function(..., lift = 0) {
  usr <- par("usr")
  line <- par("cxy")[2L] * par("cex")
  legend(mean(usr[1:2]), usr[4L] + lift * line, ..., xjust = 0.5, yjust = 0, xpd = NA, bty = "n", cex = 0.85)
}

# Ticks at whole iterations.
iteration_axis <- function(last) {
  at <- pretty(c(0, last))
  axis(1L, at[at == round(at) & at <= last])
}

# Which of the iterates on a curve get a mark: those that stand clear of the mark before, and the last.
apart_marks <- function(x, y, least = 0.1) {
  at <- in_inches(x, y)
  n <- nrow(at)
  kept <- 1L
  for (i in seq_len(n)[-1L]) {
    if (sqrt(sum((at[i, ] - at[kept[length(kept)], ])^2)) >= least) kept <- c(kept, i)
  }
  if (kept[length(kept)] == n) return(kept)
  c(if (length(kept) > 1L) kept[-length(kept)] else kept, n)
}

until <- function(fit, iterations) seq_len(min(nrow(fit$trace), or_default(iterations, Inf) + 1))

plot_heights <- function(x, fit, iterations, labels, ...) {
  at <- until(fit, iterations)
  table <- as.data.frame(x)[at, ]
  height <- or_default(table$objective, table$loglik)
  what <- objective_name(fit)
  em <- table$kind %in% c("start", "EM")
  lines <- 1 + any(!em)
  before <- par(mar = c(4.2, 5.8, 2.7 + 1.1 * lines, 1))
  on.exit(par(before))
  # A step off or onto a boundary may leave its bound at -Inf.
  table$bound <- finite_or_na(table$bound)
  # What a longer step does to the bound must not flatten the climb: such a bound may be off the picture.
  lowest <- min(height) - 0.25 * diff(range(height))
  reach <- range(height, table$bound[is.na(table$bound) | em | table$bound > lowest], na.rm = TRUE)
  panel_with_legend(range(table$iteration), reach, labels,
    list(main = "EM climbs", xlab = "iteration", ylab = ""), lines, xaxt = "n", yaxs = "r", ...)
  iteration_axis(max(table$iteration))
  if (is.null(labels$ylab)) mtext(what, 2L, 4.6)
  mark <- union(apart_marks(table$iteration, height), which(!em))
  later <- setdiff(mark, 1L)
  # From the old height up to the bound, and by the gap up to the new height.
  segments(table$iteration[later], table$bound[later], y1 = height[later], col = "grey50")
  lines(table$iteration, height, col = okabe_ito[1L], lwd = 1.5)
  points(table$iteration[mark], height[mark], pch = ifelse(em, 16L, 17L)[mark], col = okabe_ito[1L])
  points(table$iteration[mark], table$bound[mark], pch = 1L, col = okabe_ito[2L])
  shown <- c(TRUE, any(!em), TRUE)
  legend_above(c(what, paste(what, "after a longer step"), "lower bound after the step")[shown], pch = c(16L, 17L, 1L)[shown],
    col = okabe_ito[c(1L, 1L, 2L)][shown], ncol = 2L)
}

# Panels of parameters that move: title, and columns of the trace. Of rows of several columns at most nine panels: of four columns, those of
# `along` or those that separate best, with means and variances, and covariances where there is room.
moving_panels <- function(fit, along) {
  sizes <- fit_sizes(fit)
  columns <- names_of_columns(fit$x)
  if (is.null(columns)) {
    if (!is.null(along)) stop_input("along", "left out: it is for other pictures", describe(along))
    # `equal` and `fixed` leave blocks that never move.
    blocks <- names(sizes)[!vapply(fit$held[names(sizes)], all, NA) & !(names(sizes) == "prop" & fit$k == 1L)]
    return(lapply(blocks, function(b) list(title = b, names = paste(b, fit$components, sep = "."), one = b %in% setdiff(fit$equal, "prop"))))
  }
  chosen <- choose_columns(fit, along, seq_len(4L), 4L)$at
  cells <- cell_names(sizes, columns)
  pair <- which(lower.tri(diag(length(columns)), diag = TRUE), arr.ind = TRUE)
  shown <- list(prop = TRUE, mean = chosen, cov = which(pair[, 1L] == pair[, 2L] & pair[, 1L] %in% chosen),
    cov = if (length(chosen) < 3L) which(pair[, 1L] != pair[, 2L] & pair[, 1L] %in% chosen & pair[, 2L] %in% chosen))
  panels <- unlist(Map(function(b, at) {
    lapply(cells[[b]][at], function(cell) {
      names <- paste(b, fit$components, sep = ".")
      list(title = if (nzchar(cell)) paste(b, cell, sep = ".") else b, names = if (nzchar(cell)) paste(names, cell, sep = ".") else names)
    })
  }, names(shown), shown), recursive = FALSE)
  panels <- lapply(unname(panels), function(panel) {
    values <- as.matrix(fit$trace[panel$names])
    c(panel, list(one = fit$k > 1L && panel$title != "prop" && all(values == values[, 1L]), moves = any(values != rep(values[1L, ], each = nrow(values)))))
  })
  Filter(function(panel) panel$moves, panels)
}

plot_moves <- function(fit, along, style, iterations, labels, ...) {
  at <- until(fit, iterations)
  panels <- moving_panels(fit, along)
  if (!length(panels)) stop_input("type", "\"loglik\": no parameter is free", "\"parameters\"")
  shape <- if (length(panels) > 3L) rev(grDevices::n2mfrow(length(panels))) else c(1L, length(panels))
  before <- par(mar = c(4.2, 4.6, 2.6 + 1.1 * legend_rows(fit), 1), mfrow = shape)
  on.exit(par(before))
  for (panel in panels) draw_moves(fit, at, panel, style, labels, ...)
}

draw_moves <- function(fit, at, panel, style, labels, ...) {
  values <- as.matrix(fit$trace[at, panel$names, drop = FALSE])
  one <- panel$one
  panel_with_legend(c(0, length(at) - 1), range(values),
    list(main = or_default(labels$main, panel$title), xlab = labels$xlab, ylab = labels$ylab), list(xlab = "iteration", ylab = panel$title),
    legend_rows(fit), xaxt = "n", yaxs = "r", ...)
  iteration_axis(length(at) - 1)
  for (j in if (one) 1L else seq_len(fit$k)) {
    lines(at - 1, values[, j], col = if (one) "black" else style$col[j], lty = if (one) 1L else style$lty[j], lwd = 1.5)
    # Marks tell the components apart in grey.
    some <- apart_marks(at - 1, values[, j], 0.15)
    points(at[some] - 1, values[some, j], pch = if (one) 16L else mark_of(j), col = if (one) "black" else style$col[j])
  }
  if (one) legend_above("all components", lty = 1L, pch = 16L, lwd = 1.5) else {
    j <- seq_len(min(fit$k, 8L))
    legend_above(paste0(fit$components[j], "  "), col = style$col[j], lty = style$lty[j], pch = mark_of(j),
      lwd = 1.5, ncol = min(3L, fit$k))
  }
}

mark_of <- function(j) c(16L, 17L, 15L, 18L)[(j - 1L) %% 4L + 1L]

plot_memberships <- function(fit, component, iterations, labels, ...) {
  j <- if (is.character(component)) match(component, fit$components) else suppressWarnings(as.integer(component))
  if (length(j) != 1L || is.na(j) || j < 1L || j > fit$k) {
    stop_input("component", paste("one of", listing(fit$components, 9L)), describe(component))
  }
  at <- until(fit, iterations)
  lesson <- lesson_of_fit(fit)
  rows <- spread_rows(lesson, if (!is.null(names_of_columns(fit$x))) function(x) towards_component(fit, x, j))
  theta <- trace_theta(fit, lesson)[, at, drop = FALSE]
  posterior <- view_rows(lesson, rows)$posterior
  p <- matrix(vapply(at, function(t) posterior(theta[, t])[, j], double(rows$n)), rows$n)
  names <- row_titles(rows, lesson)
  last <- length(at) - 1
  before <- par(mar = c(4.2, 4.4, 2.6, 1 + 0.55 * max(nchar(names))))
  on.exit(par(before))
  open_panel(c(0, max(last, 1)), c(0, 1), or_default(labels$main, "Memberships"), or_default(labels$xlab, "iteration"),
    or_default(labels$ylab, paste("posterior probability of component", fit$components[j])), xaxt = "n", ...)
  iteration_axis(last)
  shade <- grDevices::colorRampPalette(okabe_ito[c(2L, 4L, 1L)])(rows$n)
  for (i in seq_len(rows$n)) {
    lines(at - 1, p[i, ], col = shade[i], lty = c(1L, 5L, 3L)[(i - 1L) %% 3L + 1L], lwd = 1.5, xpd = NA)
    points(c(0, last), p[i, c(1L, length(at))], pch = mark_of(i), col = shade[i], cex = 0.8, xpd = NA)
  }
  # At the ends, moved apart where they would cover each other.
  end <- apart_by(p[, length(at)], strheight_of_line())
  text(par("usr")[2L], end, names, pos = 4L, cex = 0.75, xpd = NA, offset = 0.3)
  # What the numbers are, above them, as far to the right as there is room.
  if (!is.null(attr(names, "what"))) {
    text(graphics::grconvertX(0.995, "nfc", "user"), max(end, 1) + 1.2 * strheight_of_line(), attr(names, "what"), adj = 1, cex = 0.75, font = 3L, xpd = NA)
  }
}

strheight_of_line <- function() 1.5 * graphics::strheight("0", cex = 0.75)

# Heights at least `least` apart, in their order, as near to where they were as can be.
apart_by <- function(y, least) {
  order <- order(y)
  z <- y[order]
  for (turn in seq_len(200L)) {
    gap <- least - diff(z)
    if (!any(gap > 1e-9)) break
    move <- pmax(gap, 0) / 2
    z <- z - c(move, 0) + c(0, move)
  }
  z[order(order)]
}

# Of rows of several columns, how far they lie from the centre of all to that of a component, in units of the columns' spread.
towards_component <- function(fit, x, j) {
  p <- standardised(fit$parameters)
  middle <- drop(unname(fit$parameters$mean) %*% p$prop)
  z <- (x - rep(middle, each = nrow(x))) / rep(p$scale, each = nrow(x))
  z[is.na(z)] <- 0
  drop(z %*% (if (fit$k > 1L) p$mean[, j] else 1 + 0 * p$mean[, j]))
}

# Different rows in order, at most `most`, spread over the sample.
spread_rows <- function(lesson, coordinate = NULL, most = 12L) {
  rows <- lesson$rows
  once <- which(!duplicated(if (is.null(rows$label)) rows$x else cbind(rows$x, rows$label)))
  coordinate <- or_default(coordinate, lesson$spec$family$coordinate)
  once <- once[order(coordinate(take_rows(rows$x, once)))]
  if (length(once) > most) once <- once[round(seq(1, length(once), length.out = most))]
  list(x = take_rows(rows$x, once), n = length(once), label = rows$label[once], number = once)
}

# "5 heads, 5 tails", "162.56"
row_titles <- function(rows, lesson) {
  columns <- lesson$spec$family$columns_of
  if (is.null(columns) || length(lesson$spec$columns) > 3L) return(paste("row", rows$number))
  data <- columns(rows$x, lesson$columns)
  structure(apply(do.call(cbind, lapply(data, format, trim = TRUE)), 1L, paste, collapse = ":"), what = paste(names(data), collapse = ":"))
}

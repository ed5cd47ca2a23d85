# Pictures of multivariate normal fits: what all of them share.
#
# A view is what a picture draws from: x (rows that are shown, as many columns as axes), class, doubt (one minus the highest
# posterior probability) and size (of a symbol, by weight) of each, prop, mean, cov (of the components in these axes), names (of the
# axes), note (how many rows are shown).

# Symbols that differ from each other in black and white, neighbours by their outline too.
class_symbols <- c(19L, 2L, 15L, 3L, 17L, 1L, 8L, 0L, 18L, 4L, 6L, 5L, 10L, 7L, 12L, 9L)

symbol_of <- function(class) class_symbols[(class - 1L) %% length(class_symbols) + 1L]

# By type: functions of the fit and, by name, columns, levels of ellipses, colours, title, label of the horizontal axis and graphical
# parameters.
multi_plots <- list(
  fit = function(x, ..., columns) plot_columns(x, choose_columns(x, columns, 1:12, 5L), "class", ...),
  uncertainty = function(x, ..., columns) plot_columns(x, choose_columns(x, columns, 2:12, 5L), "doubt", ...),
  density = function(x, ..., columns) plot_columns(x, choose_columns(x, columns, 1:2, 2L), "density", ...),
  discriminant = function(x, ..., columns) plot_discriminant(x, ...),
  residuals = function(x, ..., columns, level) plot_distances(x, c("qq", "worm"), ...),
  qq = function(x, ..., columns, level) plot_distances(x, "qq", ...),
  worm = function(x, ..., columns, level) plot_distances(x, "worm", ...)
)

plot_multi <- function(x, type, col, main, xlab, columns, level, ...) {
  check_given(columns, type)
  multi_plots[[type]](x, columns = columns, level = check_level(level), col = col, main = main, xlab = xlab, ...)
}

# Shorter than fit_title(): what fits above a picture.
multi_title <- function(x) {
  many <- if (x$k == 1L) "One multivariate normal component" else sprintf("Mixture of %d multivariate normal components", x$k)
  paste(c(many, x$family$cov), collapse = ", ")
}

check_given <- function(columns, type) {
  if (!is.null(columns) && !type %in% c("fit", "uncertainty", "density")) {
    stop_input("columns", sprintf("left out: the picture \"%s\" is of all columns", type), describe(columns))
  }
}

check_level <- function(level) {
  level <- check_numeric(level, "level")
  if (anyNA(level) || any(level <= 0 | level >= 1)) stop_input("level", "probabilities between 0 and 1", describe(level))
  sort(unique(level))
}

# Places of the columns that the user names, else of the `wanted` best, with a note.
choose_columns <- function(x, columns, counts, wanted) {
  d <- ncol(x$x)
  names <- shown_columns(x)
  if (is.null(columns)) {
    if (d <= wanted) return(list(at = seq_len(d)))
    return(list(at = separating_columns(x, wanted), note = sprintf("%d of %d columns, those that separate the components best", wanted, d)))
  }
  at <- if (is.character(columns)) match(columns, names) else if (is.numeric(columns)) match(columns, seq_len(d)) else NA
  if (!length(at) %in% counts || anyNA(at) || anyDuplicated(at)) {
    many <- if (min(counts) < min(max(counts), d)) sprintf("%d to %d", min(counts), min(max(counts), d)) else min(counts)
    found <- if (is.character(columns)) dQuote(columns, FALSE) else if (is.numeric(columns)) columns
    stop_input("columns", sprintf("names or numbers of %s of the columns %s", many, listing(dQuote(names, FALSE), 12L)),
      if (length(found)) listing(found) else describe(columns))
  }
  list(at = at)
}

shown_columns <- function(x) or_default(colnames(x$x), paste0("x", seq_len(ncol(x$x))))

# Some rows of positive weight, without chance: multiples of the golden section, which are spread evenly over the rows and keep no step
# with any period in them. In this order no class is drawn over all others.
scattered_rows <- function(x, most) {
  live <- if (is.null(x$weights)) NULL else which(x$weights > 0)
  n <- if (is.null(live)) x$n else length(live)
  golden <- (sqrt(5) - 1) / 2
  at <- if (n <= most) order((seq_len(n) * golden) %% 1) else unique(floor(n * ((seq_len(most) * golden) %% 1)) + 1)
  if (is.null(live)) at else live[at]
}

# The view along the columns of `axes` (d x p), after columns were divided by `scale`; NULL: the columns `columns`.
view_of <- function(x, columns = NULL, axes = NULL, scale = NULL, names = NULL, most = 5000L) {
  at <- scattered_rows(x, most)
  rows <- x$x[at, , drop = FALSE]
  p <- posterior_of(x, rows, x$labels[at])
  class <- max.col(p, "first")
  p[cbind(seq_along(class), class)] <- 0
  w <- if (is.null(x$weights)) rep(1, length(at)) else x$weights[at]
  note <- if (length(at) < x$n && length(at) >= 0.5 * most) {
    paste(format(length(at), big.mark = ","), "of", counted(x$n, "row"), "shown")
  }
  c(list(class = class, doubt = rowSums(p), size = pmin(pmax(sqrt(w / mean(w)), 0.6), 2), note = note),
    if (is.null(axes)) seen_columns(x, rows, columns) else seen_along(x, rows, axes, scale, names))
}

seen_columns <- function(x, rows, columns) {
  list(x = unname(rows[, columns, drop = FALSE]), names = shown_columns(x)[columns], prop = unname(x$parameters$prop),
    mean = unname(x$parameters$mean[columns, , drop = FALSE]), cov = unname(x$parameters$cov[columns, columns, , drop = FALSE]))
}

seen_along <- function(x, rows, axes, scale, names) {
  turn <- axes / scale
  k <- length(x$parameters$prop)
  cov <- vapply(seq_len(k), function(j) crossprod(turn, x$parameters$cov[, , j] %*% turn), diag(ncol(axes)))
  list(x = rows %*% turn, names = names, prop = unname(x$parameters$prop), mean = crossprod(turn, unname(x$parameters$mean)),
    cov = array(cov, c(ncol(axes), ncol(axes), k)))
}

# Two axes of a view.
take_axes <- function(view, a, b) {
  view$x <- view$x[, c(a, b)]
  view$names <- view$names[c(a, b)]
  view$mean <- view$mean[c(a, b), , drop = FALSE]
  view$cov <- view$cov[c(a, b), c(a, b), , drop = FALSE]
  view
}

# ---- which columns ----------------------------------------------------------------------------------

# Means and covariances with the columns' total standard deviations as units, and these.
standardised <- function(parameters) {
  p <- parameters$prop
  mean <- unname(parameters$mean) - as.vector(unname(parameters$mean) %*% p)
  d <- nrow(mean)
  within <- matrix(vapply(seq_len(d), function(i) parameters$cov[i, i, ], p), ncol = d)
  scale <- sqrt(as.vector(p %*% within) + as.vector(mean^2 %*% p))
  scale[!(scale > 0)] <- 1
  cov <- unname(parameters$cov) / array(outer(scale, scale), dim(parameters$cov))
  list(prop = unname(p), mean = mean / scale, cov = cov, scale = scale)
}

# Log of the sum over pairs of components of sqrt(p_i p_j) times their Bhattacharyya coefficient, a bound on the rate of rows that are
# put into a wrong class (Kailath 1967).
log_overlap <- function(parameters) {
  k <- length(parameters$prop)
  if (k < 2L) return(0)
  d <- nrow(parameters$mean)
  root <- lapply(seq_len(k), function(j) chol_ridged(matrix(parameters$cov[, , j], d)))
  half <- vapply(root, function(r) sum(log(diag(r))), 0)
  pairs <- utils::combn(k, 2L)
  terms <- apply(pairs, 2L, function(at) {
    middle <- chol_ridged(matrix(parameters$cov[, , at[1L]] + parameters$cov[, , at[2L]], d) / 2)
    z <- backsolve(middle, parameters$mean[, at[1L]] - parameters$mean[, at[2L]], transpose = TRUE)
    sum(log(parameters$prop[at])) / 2 - sum(z^2) / 8 - sum(log(diag(middle))) + sum(half[at]) / 2
  })
  top <- max(terms)
  if (top == -Inf) -Inf else top + log(sum(exp(terms - top)))
}

# Of a singular covariance, one that is nearly so.
chol_ridged <- function(cov) {
  tiny <- 1e-10 * max(diag(cov), 1e-10)
  for (ridge in tiny * c(0, 1, 1e3, 1e6)) {
    root <- tryCatch(chol(cov + diag(ridge, nrow(cov))), error = function(e) NULL)
    if (!is.null(root)) return(root)
  }
  diag(sqrt(diag(cov) + tiny), nrow(cov))
}

# One after the other the column that, with those before, has the least bound; in the data's order. Of many columns the
# best thirty are tried.
separating_columns <- function(x, count, most = 30L) {
  p <- standardised(x$parameters)
  overlap <- function(at) {
    log_overlap(list(prop = p$prop, mean = p$mean[at, , drop = FALSE], cov = p$cov[at, at, , drop = FALSE]))
  }
  alone <- vapply(seq_len(nrow(p$mean)), overlap, 0)
  left <- sort(utils::head(order(alone), most))
  chosen <- integer()
  while (length(chosen) < count) {
    best <- left[which.min(vapply(left, function(one) overlap(c(chosen, one)), 0))]
    chosen <- c(chosen, best)
    left <- setdiff(left, best)
  }
  sort(chosen)
}

# ---- ellipses, densities -------------------------------------------------------------------------------

# Lower triangular root of a 2 x 2 covariance: a, b, c of rows (a, 0) and (b, c).
plane_root <- function(cov) {
  a <- sqrt(cov[1L, 1L])
  b <- if (a > 0) cov[2L, 1L] / a else 0
  c(a, b, max(sqrt(max(cov[2L, 2L] - b^2, 0)), 1e-6 * sqrt(cov[2L, 2L])))
}

# The ellipse of one component that holds a row of it with probability `level`.
ellipse_of <- function(view, j, level) {
  r <- sqrt(stats::qchisq(level, 2))
  turn <- seq(0, 2 * pi, length.out = 121L)
  root <- plane_root(view$cov[, , j])
  cbind(view$mean[1L, j] + r * root[1L] * cos(turn), view$mean[2L, j] + r * (root[2L] * cos(turn) + root[3L] * sin(turn)))
}

# Of all axes: ranges of the rows that are shown and of the ellipses, these at most a fifth beyond the rows.
view_ranges <- function(view, level) {
  r <- sqrt(stats::qchisq(max(level, 0.5), 2))
  vapply(seq_along(view$names), function(i) {
    rows <- range(view$x[, i], na.rm = TRUE)
    sd <- sqrt(view$cov[i, i, ])
    more <- max(rows[2L] - rows[1L], 0) / 5
    reach <- range(view$mean[i, ] - r * sd, view$mean[i, ] + r * sd)
    if (!(more > 1e-12 * abs(rows[1L]))) {
      reach <- range(rows, reach)
      return(if (diff(reach) > 1e-12 * abs(reach[1L])) reach else reach + max(abs(reach[1L]), 1e-300) * c(-0.5, 0.5))
    }
    c(min(rows[1L], max(reach[1L], rows[1L] - more)), max(rows[2L], min(reach[2L], rows[2L] + more)))
  }, double(2))
}

# Log density of the mixture in a plane, up to a constant: at pairs of values, or on their grid.
plane_log_density <- function(view, x, y, grid = FALSE) {
  terms <- lapply(seq_along(view$prop), function(j) {
    root <- plane_root(view$cov[, , j])
    z <- (x - view$mean[1L, j]) / root[1L]
    across <- if (grid) outer(-root[2L] * z, y - view$mean[2L, j], "+") else y - view$mean[2L, j] - root[2L] * z
    log(view$prop[j]) - log(root[1L] / max(abs(view$cov[1L, 1L, ]))^0.5) - log(root[3L] / max(abs(view$cov[2L, 2L, ]))^0.5) -
      z^2 / 2 - (across / root[3L])^2 / 2
  })
  top <- do.call(pmax, terms)
  top + log(Reduce(`+`, lapply(terms, function(t) exp(t - top))))
}

# The log density above which the mixture has the mass `mass`: by evenly spread points of each component.
mass_levels <- function(view, mass, points = 400L) {
  i <- seq_len(points)
  r <- sqrt(-2 * log((i - 0.5) / points))
  turn <- i * pi * (3 - sqrt(5))
  value <- lapply(seq_along(view$prop), function(j) {
    root <- plane_root(view$cov[, , j])
    plane_log_density(view, view$mean[1L, j] + root[1L] * r * cos(turn),
      view$mean[2L, j] + r * (root[2L] * cos(turn) + root[3L] * sin(turn)))
  })
  value <- unlist(value)
  weight <- rep(view$prop / points, each = points)
  order <- order(value, decreasing = TRUE)
  stats::approx(cumsum(weight[order]), value[order], mass, rule = 2, ties = "ordered")$y
}

# Places along an axis, close where a component is narrow.
axis_grid <- function(mean, sd, reach, points) {
  near <- unlist(lapply(seq_along(mean), function(j) mean[j] + sd[j] * seq(-3, 3, 0.5)))
  sort(unique(c(seq(reach[1L], reach[2L], length.out = points), near[near > reach[1L] & near < reach[2L]])))
}

# What contour() takes: log density on a grid over the panel, and its levels.
plane_contours <- function(view, reach, mass, points) {
  x <- axis_grid(view$mean[1L, ], sqrt(view$cov[1L, 1L, ]), reach[, 1L], points)
  y <- axis_grid(view$mean[2L, ], sqrt(view$cov[2L, 2L, ]), reach[, 2L], points)
  z <- plane_log_density(view, x, y, grid = TRUE)
  list(x = x, y = y, z = pmax(z, max(z) - 300), levels = mass_levels(view, mass))
}

# ---- legend and notes -----------------------------------------------------------------------------------

# Centres carry the components' names where these are short, else numbers.
centre_names <- function(x) {
  if (all(nchar(x$components) <= 2L)) x$components else as.character(seq_len(x$k))
}

# Names with proportions, at most `most` of them, in columns that fit into `width` inches. `doubt`: sizes of doubt in a row below.
multi_key <- function(x, style, width, doubt = FALSE, most = 16L) {
  j <- seq_len(min(x$k, most))
  marks <- centre_names(x)[j]
  names <- ifelse(marks == x$components[j], marks, paste0(marks, ": ", x$components[j]))
  names <- sprintf("%s (%s)  ", names, format(x$parameters$prop[j], digits = 2, nsmall = 2))
  if (x$k > most) names[most] <- sprintf("... %d more", x$k - most + 1L)
  columns <- fitting_columns(names, width)
  rows <- if (x$k < 2L) 0L else ceiling(length(names) / columns)
  list(names = names, columns = columns, rows = rows + (doubt && x$k > 1L), doubt = doubt, col = style$col[j], lty = style$lty[j],
    pch = symbol_of(j))
}

# In how many columns of equal length a legend's entries fit into `width` inches.
fitting_columns <- function(names, width) {
  room <- (width - 0.4) / (par("cin")[1L] * 0.85 * (0.5 * max(nchar(names)) + 4.6))
  columns <- max(1L, min(length(names), floor(room)))
  ceiling(length(names) / ceiling(length(names) / columns))
}

# Above a panel, its foot at y.
draw_key <- function(key, x, y, cex = 0.85) {
  if (key$rows < 1L) return(invisible())
  up <- if (key$doubt) draw_doubt_key(x, y, cex) else 0
  legend(x, y + up, key$names, col = key$col, pch = key$pch, lty = key$lty, seg.len = 1.6, ncol = key$columns, xjust = 0.5, yjust = 0,
    xpd = NA, bty = "n", cex = cex, y.intersp = 0.9)
}

# Which size means what, in a line above y; returns its height.
draw_doubt_key <- function(x, y, cex) {
  doubt <- c(0, 0.05, 0.2, 0.5)
  labels <- c("chance of a wrong class:", doubt)
  widths <- function(cex) graphics::strwidth(labels, "inches", cex = cex) + 2.5 * graphics::strwidth("M", "inches", cex = cex)
  cex <- cex * min(1, par("fin")[1L] / sum(widths(cex)))
  width <- widths(cex) * graphics::xinch()
  letter <- graphics::strwidth("M", cex = cex)
  height <- 1.75 * graphics::strheight("M", cex = cex)
  at <- x - sum(width) / 2 + cumsum(c(0, width[-5L])) + 1.5 * letter
  text(at, y + height / 2, labels, adj = c(0, 0.5), cex = cex, xpd = NA)
  points(at[-1L] - letter, rep(y + height / 2, 4L), pch = 19L, cex = c(0.5, doubt_size(doubt[-1L])), col = c("grey60", rep("grey30", 3L)), xpd = NA)
  height
}

# Text in the middle of `width` inches around x, smaller where it would not fit.
fitted_text <- function(x, y, label, width, cex, ...) {
  if (!length(label) || !nzchar(label)) return(invisible())
  fits <- 0.98 * width / graphics::strwidth(label, "inches", cex = cex, ...)
  text(x, y, label, cex = cex * min(1, fits), xpd = NA, ...)
}

# Title and note of one panel, at lines of its margins.
panel_title <- function(main, line, note = "", below = 0) {
  usr <- par("usr")
  inches <- function(lines) lines * par("cin")[2L] * par("cex") * graphics::yinch()
  middle <- graphics::grconvertX(0.5, "nfc")
  fitted_text(middle, usr[4L] + inches(line + 0.5), main, par("fin")[1L], 1.2, font = 2L)
  fitted_text(middle, usr[3L] - inches(below + 0.5), note, par("fin")[1L], 0.75, col = "grey35")
}

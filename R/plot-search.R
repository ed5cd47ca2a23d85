# Pictures of the search: where runs ended, and the choice among several k.

# Runs in the order of their ends, the best first. Depths from a billionth to thousands are told
# apart on a log scale that begins at the height where two ends are one maximum.
plot_starts <- function(x, main, xlab, ...) {
  height <- heights_of(x$starts)
  s <- x$starts[is.finite(height), , drop = FALSE]
  lost <- sum(!is.finite(height))
  if (!nrow(s)) stop_input("type", "\"fit\": no run has a log-likelihood", "\"starts\"")
  below <- max(heights_of(s)) - heights_of(s)
  order <- order(below)
  depth <- pmax(below[order], same_maximum)
  flagged <- s$spurious[order]
  lower <- is.na(s$maximum[order])
  range <- c(max(depth, 1), same_maximum)
  before <- par(mar = c(4.2, 5.6, 3.8, 1))
  on.exit(par(before))
  if (is.null(xlab)) xlab <- paste0("run", on_points(x), ", best first")
  open_panel(c(1, nrow(s)), log10(range), "", xlab, "", yaxt = "n", yaxs = "r", ...)
  title(main = if (is.null(main)) "Where the runs ended" else main, line = 2.2)
  mtext(paste(objective_name(x), "below the best"), 2L, 4.2)
  ticks <- 10^seq(-6, ceiling(log10(range[1L])), by = 2)
  axis(2L, log10(ticks), c("same", format(ticks[-1L], scientific = FALSE, drop0trailing = TRUE, trim = TRUE)), las = 1)
  points(seq_along(depth), log10(depth), pch = ifelse(flagged, 4L, ifelse(lower, 1L, 16L)),
    col = ifelse(flagged, okabe_ito[2L], okabe_ito[1L]))
  shown <- seq_len(3L + (lost > 0))
  usr <- par("usr")
  legend(mean(usr[1:2]), usr[4L], c("maximum", "no maximum", "chance cluster", sprintf("(%d collapsed)", lost))[shown],
    pch = c(16L, 1L, 4L, NA)[shown], col = okabe_ito[c(1L, 1L, 2L, 1L)][shown], horiz = TRUE, xjust = 0.5, yjust = 0,
    xpd = NA, bty = "n", cex = 0.85)
}

# Those on one scale, and the one that was chosen by.
shown_criteria <- function(table) {
  chosen <- attr(table, "criterion")
  if (chosen == "NEC") "NEC" else union(c("AIC", "BIC", "ICL"), chosen)
}

stop_alone <- function() {
  emix_stop("input", "`type` \"criterion\" compares fits of several `k`, and this fit is of one. Several are fitted by emix(k = 1:5).", argument = "type")
}

plot_criterion <- function(x, main, xlab, ...) {
  table <- x$selection
  if (is.null(table)) stop_alone()
  if (has_structures(table)) return(plot_grid(grid_values(table, attr(table, "criterion")), attr(table, "criterion"), NULL, main, xlab, ...))
  names <- shown_criteria(table)
  values <- as.matrix(table[names])
  values[!is.finite(values)] <- NA
  before <- par(mar = c(4.2, 5.8, 3.8, 1))
  on.exit(par(before))
  open_panel(range(table$k), range(values, na.rm = TRUE), "", if (is.null(xlab)) "components" else xlab, "", xaxt = "n", yaxs = "r", ...)
  title(main = if (is.null(main)) "Choice of the number of components" else main, line = 2)
  if (is.null(list(...)$ylab)) mtext("criterion (smaller is better)", 2L, 4.6)
  axis(1L, table$k)
  for (i in seq_along(names)) {
    lines(table$k, values[, i], type = "b", col = okabe_ito[i], pch = 14L + i, lty = i, lwd = 1.5)
  }
  chosen <- attr(table, "criterion")
  points(x$k, values[match(x$k, table$k), chosen], cex = 2.4, lwd = 1.5)
  usr <- par("usr")
  legend(mean(usr[1:2]), usr[4L], paste0(names, "  "), col = okabe_ito[seq_along(names)], pch = 14L + seq_along(names), lty = seq_along(names),
    xjust = 0.5, yjust = 0, xpd = NA, bty = "n", horiz = TRUE, cex = 0.85)
}

#' Plot the choice of a model
#'
#' A criterion against the number of components, a line for each structure of shared parameters; the best is ringed. Covariance structures
#' of multivariate normal fits have the symbols that users of mclust know (Scrucca et al. 2016); their panel ends above the best value of the worst
#' structure and of the worst number of components, and says how many values lie above it (`ylim` changes it). For
#' cross-validation, bars
#' of one standard error of the difference from the best (see [em_select()]).
#'
#' @param x a choice by [em_select()], or the table `selection` of a fit of several covariance structures.
#' @param criterion what to show: a criterion of the table. Default: the one that was chosen by.
#' @param col colours of the structures, used in turn.
#' @param main,xlab title and label of the horizontal axis.
#' @param ... graphical parameters, such as `ylim`.
#' @return `x`, invisibly. Graphical parameters are as before afterwards.
#' @section Errors:
#' `emix_error_input` for a criterion that is not there.
#' @references
#' Scrucca, L., Fop, M., Murphy, T. B. and Raftery, A. E. (2016). mclust 5: clustering, classification and density estimation using
#' Gaussian finite mixture models. *The R Journal* 8, 289-317.
#' @examples
#' plot(em_select(faithful$waiting, k = 1:5))
#' @export
plot.em_select <- function(x, criterion = x$criterion, col = NULL, main = NULL, xlab = NULL, ...) {
  check_graphical(...)
  table <- as.data.frame(x)
  criterion <- check_choice(criterion, "criterion", intersect(c(criteria, "CV"), names(table)))
  if (has_structures(table)) {
    plot_grid(grid_values(table, criterion), criterion, col, main, xlab, ...)
    return(invisible(x))
  }
  structures <- unique(table$equal)
  style <- component_style(list(k = length(structures)), col)
  value <- replace(table[[criterion]], !is.finite(table[[criterion]]), NA)
  error <- if (criterion == "CV") table$diff_se
  if (!any(is.finite(value))) stop_input("criterion", "one that is defined for a model of the table", dQuote(criterion, FALSE))
  many <- length(structures) > 1L
  before <- par(mar = c(4.2, 5.8, if (many) 4 else 2.6, 1))
  on.exit(par(before))
  open_panel(range(table$k) + c(-0.1, 0.1), range(value, value - error, value + error, na.rm = TRUE), "",
    if (is.null(xlab)) "components" else xlab, "", xaxt = "n", yaxs = "r", ...)
  if (is.null(list(...)$ylab)) mtext(paste(criterion, "(smaller is better)"), 2L, 4.6)
  title(main = if (is.null(main)) "Choice of the model" else main, line = if (many) 2.2 else 0.8)
  axis(1L, unique(table$k))
  pch <- 15:18
  for (i in seq_along(structures)) {
    own <- which(table$equal == structures[i])
    # Bars beside each other, not over each other.
    at <- table$k[own] + if (is.null(error)) 0 else (i - (length(structures) + 1) / 2) * 0.06
    lines(at, value[own], type = "b", col = style$col[i], lty = i, pch = pch[(i - 1L) %% 4L + 1L], lwd = 1.5)
    if (!is.null(error)) segments(at, (value - error)[own], at, (value + error)[own], col = style$col[i], lwd = 1.5)
    if (which.min(value) %in% own) points(at[own == which.min(value)], min(value, na.rm = TRUE), cex = 2.4, lwd = 1.5)
  }
  if (many) {
    i <- seq_along(structures)
    usr <- par("usr")
    legend(mean(usr[1:2]), usr[4L], paste0("equal: ", structures, "  "), col = style$col, lty = i, pch = pch[(i - 1L) %% 4L + 1L],
      xjust = 0.5, yjust = 0, xpd = NA, bty = "n", cex = 0.85, ncol = min(3L, length(i)))
  }
  invisible(x)
}

#' @rdname plot.em_select
#' @export
plot.emix_selection <- function(x, criterion = attr(x, "criterion"), col = NULL, main = NULL, xlab = NULL, ...) {
  check_graphical(...)
  criterion <- check_choice(criterion, "criterion", intersect(criteria, names(x)))
  plot_grid(grid_values(as.data.frame(x), criterion), criterion, col, main, xlab, ...)
  invisible(x)
}

# The pictures of plot() as ggplot2 makes them. Registered when ggplot2 is there.

utils::globalVariables(".data")

#' Plot a mixture with ggplot2
#'
#' Methods for [ggplot2::autoplot()], registered when ggplot2 is there; emix does not need it. They show what [plot.emix()] and
#' [plot.em_select()] show, as objects to which scales, themes and labels can be added.
#'
#' @param object a fit of [emix()], or a choice by [em_select()].
#' @param type `"fit"` (default), `"residuals"` (`"qq"` and `"worm"` as two facets), `"qq"`, `"worm"`, `"distribution"`, `"uncertainty"` or
#'   `"criterion"`, as in [plot.emix()]; for binomial fits, `"fit"` is its upper panel. Multivariate normal fits have `"density"` and
#'   `"discriminant"` too, and no `"distribution"`; the panels of their `"residuals"` are both in normal quantiles.
#' @param breaks,columns,level as in [plot.emix()].
#' @param col colours of the components or structures, used in turn.
#' @param criterion as in [plot.em_select()].
#' @param ... not used; anything given is an error.
#' @return an object of class `"ggplot"`.
#' @section Errors:
#' `emix_error_input`, `emix_error_object`.
#' @examplesIf requireNamespace("ggplot2", quietly = TRUE)
#' fit <- emix(height ~ 1, data = heights, k = 2, equal = "sd")
#' ggplot2::autoplot(fit)
#' ggplot2::autoplot(fit, "residuals") + ggplot2::theme_bw()
#' ggplot2::autoplot(em_select(faithful$waiting, k = 1:4))
#' ggplot2::autoplot(emix(faithful, k = 2))
#' @name autoplot.emix
#' @exportS3Method ggplot2::autoplot
autoplot.emix <- function(object, type = "fit", breaks = NULL, col = NULL, columns = NULL, level = c(0.5, 0.95), ...) {
  check_no_dots(...)
  check_fit(object)
  multi <- object$family$name == "mvnormal"
  type <- check_choice(type, "type", if (multi) c(names(gg_multis), "criterion") else c("fit", names(gg_plots)))
  style <- component_style(object, col)
  if (multi && type %in% names(gg_multis)) return(gg_multi(object, type, columns, level, style))
  if (!is.null(columns)) stop_input("columns", "left out: it is for pictures of multivariate normal fits", describe(columns))
  if (!is.null(breaks)) breaks <- check_breaks(breaks, object)
  if (type == "fit") gg_fit(object, style, breaks) else gg_plots[[type]](object, style)
}

gg_plots <- list(
  residuals = function(x, style) {
    gg_deviations(residual_points(x), c("qq", "worm")) +
      ggplot2::facet_wrap(~panel, scales = "free_y", labeller = ggplot2::as_labeller(c(qq = "Quantile residuals", worm = "Worm plot"))) +
      ggplot2::labs(x = "normal quantile", y = NULL)
  },
  qq = function(x, style) {
    gg_deviations(residual_points(x), "qq") + ggplot2::labs(title = "Quantile residuals", x = "normal quantile", y = "residual")
  },
  worm = function(x, style) {
    gg_deviations(residual_points(x), "worm") +
      ggplot2::labs(title = "Worm plot of quantile residuals", x = "normal quantile", y = "residual - normal quantile")
  },
  distribution = function(x, style) gg_distribution(x),
  uncertainty = function(x, style) gg_uncertainty(x, style),
  criterion = function(x, style) gg_criterion(x)
)

gg_lines <- function(curves, fit, names) {
  data.frame(at = curves$at, height = c(curves$each, curves$total),
    component = factor(rep(c(fit$components, "mixture"), each = length(curves$at)), c(fit$components, "mixture"), names))
}

gg_fit <- function(fit, style, breaks) {
  normal <- fit$family$name == "normal"
  curves <- switch(fit$family$name,
    normal = normal_curves(fit, breaks),
    binomial = share_curves(fit, breaks),
    stop_input("object", "of a family that ggplot2 can draw", paste("of the", family_of(fit$family$name)$title, "family"))
  )
  last <- length(curves$edges)
  bins <- data.frame(low = curves$edges[-last], high = curves$edges[-1L], observed = curves$observed)
  names <- c(sprintf("%s (%s)", fit$components, format(fit$parameters$prop, digits = 2, nsmall = 2)), "mixture")
  shown <- gg_lines(curves, fit, names)
  if (fit$k == 1L) shown <- shown[shown$component == "mixture", ]
  plot <- ggplot2::ggplot(shown) +
    ggplot2::geom_rect(ggplot2::aes(xmin = .data$low, xmax = .data$high, ymin = 0, ymax = .data$observed), data = bins,
      fill = "white", colour = "grey70") +
    ggplot2::geom_line(ggplot2::aes(x = .data$at, y = .data$height, colour = .data$component, linetype = .data$component))
  if (!normal) plot <- plot + ggplot2::geom_point(ggplot2::aes(x = .data$at, y = .data$height, colour = .data$component))
  keep <- if (fit$k == 1L) length(names) else seq_along(names)
  plot + ggplot2::scale_colour_manual(NULL, values = stats::setNames(c(style$col, "black"), names)[keep]) +
    ggplot2::scale_linetype_manual(NULL, values = stats::setNames(c(rep_len(2:6, fit$k), 1L), names)[keep]) +
    ggplot2::labs(title = fit_title(fit), x = response_label(fit), y = curves$ylab)
}

# One picture or two panels: `less` is what the worm takes off.
gg_deviations <- function(points, panels) {
  bind <- function(f) do.call(rbind, lapply(panels, function(panel) cbind(panel = panel, f(as.numeric(panel == "worm")))))
  dots <- bind(function(less) data.frame(x = points$normal, y = points$residual - less * points$normal))
  band <- bind(function(less) data.frame(x = points$grid, low = points$low - less * points$grid, high = points$high - less * points$grid))
  ends <- range(points$grid)
  line <- bind(function(less) data.frame(x = ends, y = (1 - less) * ends))
  plot <- ggplot2::ggplot(dots, ggplot2::aes(x = .data$x, y = .data$y)) +
    ggplot2::geom_ribbon(ggplot2::aes(x = .data$x, ymin = .data$low, ymax = .data$high), data = band,
      inherit.aes = FALSE, fill = "grey85") +
    ggplot2::geom_line(data = line, colour = "grey40") +
    ggplot2::geom_point(colour = okabe_ito[1L], size = if (nrow(dots) > 400L) 0.7 else 1.5)
  if (!"worm" %in% panels || is.null(points$trend)) return(plot)
  trend <- data.frame(panel = "worm", x = points$trend$normal, y = points$trend$deviation)
  plot + ggplot2::geom_line(data = trend, colour = okabe_ito[2L])
}

gg_distribution <- function(fit) {
  curves <- distribution_curves(fit)
  observed <- data.frame(at = curves$at, p = curves$observed, what = "observed")
  fitted <- data.frame(at = curves$grid, p = curves$fitted, what = "fitted")
  band <- data.frame(at = curves$grid, low = curves$low, high = curves$high)
  if (curves$step) {
    band <- data.frame(at = c(rep(curves$grid, each = 2L)[-1L], max(curves$grid)),
      low = rep(curves$low, each = 2L), high = rep(curves$high, each = 2L))
  }
  line <- ggplot2::aes(x = .data$at, y = .data$p, colour = .data$what)
  draw <- if (curves$step) ggplot2::geom_step else ggplot2::geom_line
  ggplot2::ggplot(band) +
    ggplot2::geom_ribbon(ggplot2::aes(x = .data$at, ymin = .data$low, ymax = .data$high), fill = "grey85") +
    draw(line, data = fitted) + ggplot2::geom_step(line, data = observed) +
    ggplot2::scale_colour_manual(NULL, values = c(observed = "black", fitted = okabe_ito[2L])) +
    ggplot2::labs(title = fit_title(fit), x = response_label(fit), y = "distribution function")
}

gg_uncertainty <- function(fit, style) {
  shown <- uncertainty_points(fit)
  curve <- uncertainty_curve(fit, range(shown$at))
  shown$class <- factor(fit$components[shown$class], fit$components)
  plot <- ggplot2::ggplot(shown, ggplot2::aes(x = .data$at, y = .data$uncertainty))
  if (!is.null(curve)) plot <- plot + ggplot2::geom_line(data = curve, colour = "grey60")
  plot + ggplot2::geom_point(ggplot2::aes(colour = .data$class, shape = .data$class)) +
    ggplot2::geom_rug(ggplot2::aes(colour = .data$class), sides = "b") +
    ggplot2::scale_colour_manual(NULL, values = stats::setNames(style$col, fit$components), drop = FALSE) +
    ggplot2::scale_shape_manual(NULL, values = stats::setNames(class_marks(seq_len(fit$k)), fit$components), drop = FALSE) +
    ggplot2::labs(title = "Uncertainty of classes", x = response_label(fit), y = "1 - highest posterior probability")
}

gg_criterion <- function(fit) {
  table <- fit$selection
  if (is.null(table)) stop_alone()
  if (has_structures(table)) return(gg_grid(grid_values(table, attr(table, "criterion")), attr(table, "criterion")))
  names <- shown_criteria(table)
  shown <- data.frame(k = table$k, value = unlist(table[names], use.names = FALSE), line = factor(rep(names, each = nrow(table)), names))
  best <- data.frame(k = fit$k, value = table[match(fit$k, table$k), attr(table, "criterion")])
  gg_choice(shown, best, okabe_ito[seq_along(names)], "Choice of the number of components", "criterion (smaller is better)")
}

# Lines of a criterion over k, the best ringed.
gg_choice <- function(shown, best, col, title, ylab, shapes = 15:18, lines = 1:6) {
  # A line has a gap where there is no value.
  shown$piece <- paste(shown$line, cumsum(!is.finite(shown$value)))
  shown <- shown[is.finite(shown$value), ]
  ggplot2::ggplot(shown, ggplot2::aes(x = .data$k, y = .data$value)) +
    ggplot2::geom_line(ggplot2::aes(colour = .data$line, linetype = .data$line, group = .data$piece)) +
    ggplot2::geom_point(ggplot2::aes(colour = .data$line, shape = .data$line)) +
    ggplot2::geom_point(data = best, shape = 1L, size = 5) +
    ggplot2::scale_colour_manual(NULL, values = col) + ggplot2::scale_linetype_manual(NULL, values = rep_len(lines, nlevels(shown$line))) +
    ggplot2::scale_shape_manual(NULL, values = rep_len(shapes, nlevels(shown$line))) +
    ggplot2::scale_x_continuous(breaks = unique(shown$k)) +
    ggplot2::labs(title = title, x = "components", y = ylab)
}

#' @rdname autoplot.emix
#' @exportS3Method ggplot2::autoplot
autoplot.em_select <- function(object, criterion = object$criterion, col = NULL, ...) {
  check_no_dots(...)
  table <- as.data.frame(object)
  criterion <- check_choice(criterion, "criterion", intersect(c(criteria, "CV"), names(table)))
  value <- table[[criterion]]
  if (!any(is.finite(value))) stop_input("criterion", "one that is defined for a model of the table", dQuote(criterion, FALSE))
  if (has_structures(table)) return(gg_grid(grid_values(table, criterion), criterion, col))
  structures <- unique(table$equal)
  style <- component_style(list(k = length(structures)), col)
  line <- factor(paste("equal:", table$equal), paste("equal:", structures))
  best <- which.min(replace(value, !is.finite(value), NA))
  plot <- gg_choice(data.frame(k = table$k, value = value, line = line), data.frame(k = table$k, value = value)[best, ], style$col,
    "Choice of the model", paste(criterion, "(smaller is better)"))
  if (criterion != "CV") return(plot)
  bars <- data.frame(k = table$k, value = value, low = value - table$diff_se, high = value + table$diff_se, line = line)
  plot + ggplot2::geom_linerange(ggplot2::aes(ymin = .data$low, ymax = .data$high, colour = .data$line), data = bars[is.finite(bars$low), ])
}

# The pictures of multivariate normal fits as ggplot2 makes them, from the same views.

gg_multi <- function(x, type, columns, level, style) {
  check_given(columns, type)
  gg_multis[[type]](x, columns, check_level(level), style)
}

gg_multis <- list(
  fit = function(x, columns, level, style) gg_columns(x, choose_columns(x, columns, 1:12, 5L), "class", level, style),
  uncertainty = function(x, columns, level, style) gg_columns(x, choose_columns(x, columns, 2:12, 5L), "doubt", level, style),
  density = function(x, columns, level, style) gg_columns(x, choose_columns(x, columns, 1:2, 2L), "density", level, style),
  discriminant = function(x, columns, level, style) {
    gg_planes(x, discriminant_view(x), "class", level, style) + ggplot2::labs(title = "Discriminant coordinates")
  },
  residuals = function(x, columns, level, style) {
    gg_deviations(distance_points(x), c("qq", "worm")) +
      ggplot2::facet_wrap(~panel, scales = "free_y", labeller = ggplot2::as_labeller(c(qq = "Mahalanobis distances", worm = "Worm plot"))) +
      ggplot2::labs(x = "normal quantile", y = NULL)
  },
  qq = function(x, columns, level, style) {
    points <- distance_points(x)
    at <- c("normal", "residual", "grid", "low", "high")
    points[at] <- lapply(points[at], as_distance, ncol(x$x))
    gg_deviations(points, "qq") + ggplot2::labs(title = "Mahalanobis distances", y = "squared distance to own centre",
      x = sprintf("chi-squared quantile (%d df)", ncol(x$x)))
  },
  worm = function(x, columns, level, style) {
    gg_deviations(distance_points(x), "worm") +
      ggplot2::labs(title = "Worm plot of distances", x = "normal quantile", y = "residual - normal quantile")
  }
)

gg_columns <- function(x, chosen, what, level, style) {
  at <- chosen$at
  if (length(at) == 1L) {
    return(gg_fit(marginal_fit(x, at), style, NULL) + ggplot2::labs(title = multi_title(x), x = shown_columns(x)[at]))
  }
  view <- view_of(x, at, most = if (length(at) > 2L) 2000L else 5000L)
  view$note <- c(chosen$note, view$note)
  gg_planes(x, view, what, if (length(at) > 2L) max(level) else level, style) +
    ggplot2::labs(title = if (what == "class") multi_title(x) else plane_titles[[what]])
}

# The data frames that functions of a plane make, for each panel below the diagonal and above it, with the names of its axes as factors.
each_plane <- function(view, lower, upper = lower) {
  p <- length(view$names)
  frame <- function(f, a, b) {
    if (is.null(f)) return(NULL)
    plane <- f(take_axes(view, a, b))
    cbind(plane, across = rep(factor(view$names[a], view$names), nrow(plane)), down = rep(factor(view$names[b], view$names), nrow(plane)))
  }
  if (p == 2L) return(frame(lower, 1L, 2L))
  pairs <- utils::combn(p, 2L, simplify = FALSE)
  do.call(rbind, lapply(pairs, function(pair) rbind(frame(lower, pair[1L], pair[2L]), frame(upper, pair[2L], pair[1L]))))
}

# What is drawn of a plane, as functions that make data frames of it.
plane_frames <- function(x, level) {
  class <- function(j) factor(x$components[j], x$components)
  list(
    rows = function(v) {
      rows <- data.frame(x = v$x[, 1L], y = v$x[, 2L], class = class(v$class), doubt = v$doubt, size = v$size)
      rows[!is.na(rows$x) & !is.na(rows$y), ]
    },
    ellipses = function(v) {
      paths <- Map(function(j, one) {
        path <- ellipse_of(v, j, one)
        data.frame(x = path[, 1L], y = path[, 2L], class = class(j), line = paste(j, one))
      }, rep(seq_along(v$prop), each = length(level)), level)
      do.call(rbind, paths)
    },
    centres = function(v) data.frame(x = v$mean[1L, ], y = v$mean[2L, ], class = class(seq_along(v$prop)), mark = centre_names(x))
  )
}

gg_planes <- function(x, view, what, level, style) {
  frames <- plane_frames(x, level)
  many <- length(view$names) > 2L
  plot <- ggplot2::ggplot(mapping = ggplot2::aes(x = .data$x, y = .data$y)) +
    gg_rows(each_plane(view, frames$rows, NULL), what, nrow(view$x))
  if (what != "density") {
    plot <- plot + ggplot2::geom_path(ggplot2::aes(colour = .data$class, group = .data$line), data = each_plane(view, frames$ellipses, NULL))
  }
  if (what == "density") plot <- plot + gg_contours(each_plane(view, function(v) contour_paths(v, 101L)))
  if (many) {
    plot <- plot + gg_contours(each_plane(view, NULL, function(v) contour_paths(v, 51L))) + gg_names(view) +
      ggplot2::facet_grid(down ~ across, scales = "free")
  }
  centres <- each_plane(view, frames$centres)
  named <- function(values) stats::setNames(values, x$components)
  plot + ggplot2::geom_point(ggplot2::aes(colour = .data$class), data = centres, shape = 21L, fill = "white", size = if (many) 3 else 5,
    show.legend = FALSE) + ggplot2::geom_text(ggplot2::aes(label = .data$mark), data = centres, size = if (many) 2 else 3) +
    ggplot2::scale_colour_manual(NULL, values = named(style$col), drop = FALSE, labels = gg_class_names(x)) +
    ggplot2::scale_shape_manual(NULL, values = named(symbol_of(seq_len(x$k))), drop = FALSE, labels = gg_class_names(x)) +
    ggplot2::labs(x = if (!many) view$names[1L], y = if (!many) view$names[2L],
      caption = if (any(nzchar(view$note))) paste(view$note, collapse = "; "))
}

gg_contours <- function(paths) {
  list(ggplot2::geom_path(ggplot2::aes(group = .data$line, alpha = .data$mass), data = paths, colour = "grey20"),
    ggplot2::scale_alpha_manual("mass inside", values = stats::setNames(c(1, 0.75, 0.55, 0.35), paste0(100 * plane_mass, " %"))))
}

gg_class_names <- function(x) {
  marks <- centre_names(x)
  ifelse(marks == x$components, marks, paste0(marks, ": ", x$components))
}

gg_rows <- function(rows, what, n) {
  dot <- dot_style(n)
  if (what == "density") return(ggplot2::geom_point(data = rows, colour = okabe_ito[1L], size = 0.4, alpha = dot$alpha))
  if (what == "class") {
    return(ggplot2::geom_point(ggplot2::aes(colour = .data$class, shape = .data$class), data = rows, size = 1.8 * dot$cex * rows$size,
      alpha = dot$alpha))
  }
  rows <- rows[order(rows$doubt), ]
  sure <- rows$doubt < 0.01
  list(
    ggplot2::geom_point(ggplot2::aes(shape = .data$class), data = rows[sure, ], colour = "grey60", size = 0.8 * dot$cex, alpha = dot$alpha),
    ggplot2::geom_point(ggplot2::aes(colour = .data$class, shape = .data$class, size = .data$doubt), data = rows[!sure, ], alpha = 0.85),
    ggplot2::scale_size_area("chance of a wrong class", max_size = 4)
  )
}

# The names of the axes in the panels of the diagonal.
gg_names <- function(view) {
  reach <- view_ranges(view, 0.9)
  name <- factor(view$names, view$names)
  ggplot2::geom_text(ggplot2::aes(label = .data$across), size = 3.5, fontface = "bold",
    data = data.frame(x = colMeans(reach), y = colMeans(reach), across = name, down = name))
}

# Contours as paths: `mass` inside, `line` their number.
contour_paths <- function(view, points) {
  contours <- plane_contours(view, view_ranges(view, 0.99), plane_mass, points)
  text <- paste0(100 * plane_mass, " %")
  paths <- lapply(seq_along(plane_mass), function(i) {
    pieces <- grDevices::contourLines(contours$x, contours$y, contours$z, levels = contours$levels[i])
    do.call(rbind, lapply(seq_along(pieces), function(l) {
      data.frame(x = pieces[[l]]$x, y = pieces[[l]]$y, mass = factor(text[i], text), line = paste(i, l))
    }))
  })
  do.call(rbind, paths)
}

# As plot_grid().
gg_grid <- function(values, criterion = "BIC", col = NULL, title = "Choice of the model") {
  curves <- grid_curves(values, col)
  if (!length(curves$best)) stop_input("criterion", "one that is defined for a model of the table", dQuote(criterion, FALSE))
  shown <- data.frame(k = curves$k, value = as.vector(curves$values), line = factor(rep(curves$names, each = length(curves$k)), curves$names))
  best <- data.frame(k = curves$k[curves$best[1L]], value = curves$values[curves$best[1L], curves$best[2L]])
  gg_choice(shown, best, curves$col, title, paste(criterion, "(smaller is better)"), curves$pch, curves$lty) +
    ggplot2::coord_cartesian(ylim = grid_range(curves$values)) + ggplot2::labs(caption = grid_best(curves, criterion))
}

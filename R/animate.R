#' EM as a moving picture
#'
#' Writes one picture per iterate of a fit: above, data and components at these parameters (of binomial rows their
#' posterior probabilities, one bar per row up to 40 rows, and against the share of successes beyond; of rows of several columns the
#' plane of the two that separate the components best, rows in colours mixed as their posterior probabilities are, with ellipses that hold
#' 50 and 95 % of a component); below, the log-likelihood so far.
#'
#' @param fit a fit of [emix()] with its iterates, `em_control(trace = TRUE)`; or else it is fitted again, see
#'   [em_trace()].
#' @param file where to: a name that ends in `.gif`, or in `.png` with a place for the number, e.g. `"em-%03d.png"`
#'   (`"em.png"` is read as `"em-%03d.png"`). A GIF needs the package magick.
#' @param iterations the last iterate that is shown. Default: all.
#' @param fps pictures per second of a GIF, from 0.1 to 50. Default 2.
#' @param width,height,res size in pixels and pixels per inch. Default 720 x 720 at 110.
#' @param loop `TRUE` (default): the GIF begins again at its end.
#' @param col colours of the components, used in turn.
#' @param xlab label of the horizontal axis of the data. Of several columns: their names.
#' @return the names of the files that were written, invisibly.
#' @section Errors:
#' `emix_error_input`; `emix_error_package` where a GIF is asked for and magick is not installed, or where this R
#' draws no PNG.
#' @examples
#' fit <- emix(cbind(heads, tails) ~ 1, data = coins, k = 2, family = "binomial", equal = "prop",
#'   start = list(prob = c(A = 0.6, B = 0.5)), control = em_control(accelerate = FALSE, trace = TRUE))
#' files <- em_animate(fit, file.path(tempdir(), "coins.png"), iterations = 2)
#' basename(files)
#' unlink(files)
#'
#' # Old Faithful, from a bad start
#' fit <- emix(faithful, k = 2, start = list(mean = cbind(c(2, 80), c(5, 55))),
#'   control = em_control(accelerate = FALSE, trace = TRUE))
#' files <- em_animate(fit, file.path(tempdir(), "faithful.png"), iterations = 1)
#' unlink(files)
#' @export
em_animate <- function(fit, file, iterations = NULL, fps = 2, width = 720, height = 720, res = 110, loop = TRUE, col = NULL, xlab = NULL) {
  check_fit(fit, "fit")
  if (missing(file) || !is.character(file) || length(file) != 1L || is.na(file) || !grepl("[.](gif|png)$", file, ignore.case = TRUE)) {
    stop_input("file", "a name that ends in .gif or .png", if (missing(file)) NULL else describe(file))
  }
  if (!is.null(iterations)) iterations <- check_count(iterations, "iterations", 1)
  fps <- check_number(fps, "fps", 0.1, 50)
  width <- check_count(width, "width", 100, 1e4)
  height <- check_count(height, "height", 100, 1e4)
  res <- check_count(res, "res", 20, 1000)
  loop <- check_flag(loop, "loop")
  gif <- grepl("[.]gif$", file, ignore.case = TRUE)
  if (!dir.exists(dirname(file))) stop_input("file", "in a directory that exists", describe(dirname(file)))
  if (gif && !requireNamespace("magick", quietly = TRUE)) {
    emix_stop("package", "A GIF needs the package magick. Install it, or give a `file` that ends in .png.")
  }
  if (!capabilities("png")) emix_stop("package", "This R draws no PNG.")
  if (is.null(fit$trace)) fit <- fit_again(fit)
  check_trace(fit)
  pattern <- if (gif) tempfile("em-", fileext = "-%05d.png") else if (grepl("%[0-9]*d", file)) file else
    sub("[.](png)$", "-%03d.\\1", file, ignore.case = TRUE)
  frames <- draw_frames(fit, pattern, until(fit, iterations), component_style(fit, col), xlab, width, height, res)
  if (!gif) return(invisible(frames))
  on.exit(unlink(frames))
  write_gif(frames, file, fps, loop)
  invisible(file)
}

# It counts in hundredths of a second.
write_gif <- function(frames, file, fps, loop) {
  film <- magick::image_animate(magick::image_read(frames), delay = max(2, round(100 / fps)), loop = if (loop) 0 else 1)
  magick::image_write(film, file)
}

draw_frames <- function(fit, pattern, at, style, xlab, width, height, res) {
  files <- sprintf(pattern, seq_along(at))
  if (anyDuplicated(files)) stop_input("file", "a name with one place for a number, e.g. em-%03d.png")
  lesson <- lesson_of_fit(fit)
  theta <- trace_theta(fit, lesson)
  if (is.null(xlab) && is.null(names_of_columns(fit$x))) xlab <- response_label(fit)
  same <- same_scale(fit, theta[, at, drop = FALSE], lesson)
  grDevices::png(pattern, width, height, res = res)
  on.exit(grDevices::dev.off())
  for (t in at) {
    graphics::layout(matrix(1:2), heights = if (fit$family$name == "mvnormal") c(2, 1) else c(3, 2))
    now <- fit_at(fit, theta[, t], lesson)
    draw_frame(now, style, sprintf("iterate %d%s", t - 1L, tell_parameters(now)), xlab, same)
    draw_climb(fit, at, t)
  }
  files
}

# The fit as it stood at an iterate.
fit_at <- function(fit, theta, lesson) {
  fit$parameters <- parameters_of(theta, lesson)
  fit$core$theta <- theta
  fit
}

# Those that tell components apart, as far as they are few.
tell_parameters <- function(fit) {
  family <- family_of(fit$family)
  values <- fit$parameters[[family$required]]
  # Pictures of several columns have their centres on both axes.
  if (is.matrix(values)) return("")
  if (fit$k > 4L) return(paste(":", family$title))
  paste(":", family$required, paste(vapply(values, function(v) show_parameter(v, family$required, family, 3L), ""), collapse = ", "))
}

# The same bins and heights, or axes, in every picture.
same_scale <- function(fit, theta, lesson) {
  if (fit$family$name == "mvnormal") return(plane_film(fit, theta, lesson))
  if (fit$family$name != "normal") return(NULL)
  edges <- normal_breaks(fit$x, fit$parameters$sd, NULL)
  grid <- seq(edges[1L], edges[length(edges)], length.out = 201L)
  top <- vapply(seq_len(ncol(theta)), function(t) {
    p <- parameters_of(theta[, t], lesson)
    max(Reduce(`+`, lapply(seq_len(fit$k), function(j) p$prop[j] * dnorm(grid, p$mean[j], p$sd[j]))))
  }, 0)
  list(edges = edges, ylim = c(0, 1.04 * max(top, bin_rows(fit$x, fit$weights, edges) / diff(edges))))
}

draw_frame <- function(fit, style, main, xlab, same) {
  if (fit$family$name == "mvnormal") {
    draw_plane_frame(fit, style, main, xlab, same)
  } else if (fit$family$name == "normal") {
    plot_normal(fit, style, main, xlab, same$edges, ylim = same$ylim)
  } else if (fit$family$name == "binomial") {
    par(mar = c(4.2, 4.4, 3.8, 1))
    if (fit$n <= 40L) plot_row_bars(fit, style) else plot_row_points(fit, style, xlab)
    title(main = main, line = 2.2)
    j <- seq_len(min(fit$k, 8L))
    legend_above(fit$components[j], fill = bar_tints(style)[j], border = NA, ncol = min(4L, fit$k))
  } else {
    stop_input("fit", "with normal, multivariate normal or binomial components", paste("with", fit$family$name, "ones"))
  }
}

draw_climb <- function(fit, at, t) {
  par(mar = c(4.2, 5.8, 1, 1))
  height <- fit$trace$loglik[at]
  open_panel(c(0, max(length(at) - 1, 1)), range(height), "", "iteration", "", xaxt = "n", yaxs = "r")
  mtext(objective_name(fit), 2L, 4.6)
  iteration_axis(length(at) - 1)
  lines(seq_len(t) - 1, height[seq_len(t)], type = "b", pch = 16L, cex = 0.8, col = okabe_ito[1L])
  points(t - 1, height[t], pch = 16L, cex = 1.5, col = okabe_ito[2L])
}

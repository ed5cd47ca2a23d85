# Pictures of profiles.

#' @rdname profile.emix
#' @param type `"root"` (default): the signed root against the value, a straight line where Wald limits are good; `"deviance"`: twice the fall of
#'   the log-likelihood, a parabola there.
#' @param levels confidence levels whose limits are drawn. Default 0.5, 0.8, 0.95 and 0.99, as far as the profile reaches.
#' @export
plot.em_profile <- function(x, type = "root", levels = c(0.5, 0.8, 0.95, 0.99), ...) {
  type <- check_choice(type, "type", c("root", "deviance"))
  levels <- check_numeric(levels, "levels")
  if (anyNA(levels) || any(levels <= 0 | levels >= 1)) stop_input("levels", "numbers between 0 and 1", describe(levels))
  parameters <- unique(x$parameter)
  shape <- grDevices::n2mfrow(length(parameters))
  before <- par(mfrow = if (length(parameters) > 1L) shape else par("mfrow"), mar = c(4.2, 4.4, 1.2, 2.6))
  on.exit(par(before))
  name <- if ("objective" %in% names(x)) "log posterior" else "log-likelihood"
  for (p in parameters) profile_panel(x[x$parameter == p, ], p, type, sort(levels), name, ...)
  invisible(x)
}

profile_panel <- function(rows, parameter, type, levels, name, ...) {
  height <- function(root) if (type == "root") root else root^2
  z <- stats::qnorm((1 + levels) / 2)
  shown <- z <= max(abs(rows$root)) * (1 + 1e-6)
  z <- z[shown]
  root <- max(abs(rows$root), 0.1)
  open_panel(range(rows$value), if (type == "root") c(-1.05, 1.05) * root else c(0, 1.08 * root^2), "", parameter,
    if (type == "root") "signed root" else paste("2 x fall of the", name), ...)
  graphics::abline(h = if (type == "root") c(-z, 0, z) else z^2, col = "grey85")
  axis(4L, if (type == "root") c(-z, z) else z^2, paste0(format(100 * levels[shown]), "%")[rep(seq_along(z), if (type == "root") 2L else 1L)],
    las = 1, tick = FALSE, line = -0.8, cex.axis = 0.75, col.axis = "grey40")
  ends <- c(value_of_root(rows, -z), value_of_root(rows, z))
  at <- height(c(-z, z))
  base <- par("usr")[3L]
  segments(ends, base, ends, at, col = "grey60", lty = 3L)
  curve <- profile_curve(rows)
  lines(curve$value, height(curve$root), lwd = 2, col = okabe_ito[1L])
  points(rows$value, height(rows$root), pch = 16L, cex = 0.6, col = okabe_ito[1L])
  estimate <- rows$value[rows$root == 0][1L]
  points(estimate, 0, pch = 21L, bg = "white", cex = 1.2)
}

# A smooth curve through the points where the profile is monotone, else straight lines.
profile_curve <- function(rows) {
  if (nrow(rows) < 3L || any(diff(rows$root) <= 0) || any(diff(rows$value) <= 0)) return(rows[c("value", "root")])
  value <- seq(min(rows$value), max(rows$value), length.out = 201L)
  list(value = value, root = stats::splinefun(rows$value, rows$root, method = "monoH.FC")(value))
}

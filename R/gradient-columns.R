# The gradient function of multivariate normal components with one covariance S.
#
# In coordinates in which S is the identity, with h = log(1 + D / n),
#   h(t) = log sum_i r_i exp(-|y_i - t|^2 / 2),    r_i >= 0,
# so that h(t) + |t|^2 / 2 is the log of a sum of exponentials of linear functions of t: convex. Its stationary points are fixed points
# of the mean shift, t = sum p_i(t) y_i, p_i the shares of the terms, and so in the hull of the rows; the shift never lowers h.
#
# Of two columns the largest h is found for certain. In a square of side s a convex function is below what its corners give along one
# side and then along the other; so h is, but for s^2 q (1 - q) / 2 each time (cell_bounds() has the largest value of such a curve). And
# h(t) <= log sum r_i - (distance to the nearest row)^2 / 2. Squares that may hold more than the highest value found are quartered.

# Settings of the search: starts of the shift, shifts, squares to begin with, terms in all.
columns_settings <- list(starts = 200L, shifts = 60L, squares = 1e5, goal = 1e-10, enough = 1e-8, fair = 3e7, most = 2e8)

columns_problem <- function(fit, rows) {
  cov <- fit$parameters$cov
  d <- dim(cov)[1L]
  first <- matrix(cov[, , 1L], d)
  scale <- outer(sqrt(diag(first)), sqrt(diag(first)))
  if (any(abs(cov - as.vector(first)) > 1e-12 * as.vector(scale))) {
    stop_input("fit", "of multivariate normal components with one common covariance (structures EII, EEI and EEE)", "of several covariances")
  }
  root <- chol(first)
  centre <- rowMeans(fit$parameters$mean)
  to <- function(x) t(backsolve(root, t(x) - centre, transpose = TRUE))
  y <- to(rows$x)
  list(y = y, log_ratio = rows$log_ratio - sum(log(diag(root))) - d * log(2 * pi) / 2, support = to(t(fit$parameters$mean)),
    to = to, from = function(t) t(crossprod(root, t(t)) + centre), n = rows$total)
}

# h at each row of t; `each` is given the terms' logs (a row per data row, a column per row of t), their h, and which rows of t these are.
columns_heights <- function(problem, t, each = NULL) {
  h <- numeric(nrow(t))
  stretch <- max(1, 2^20 %/% nrow(problem$y))
  for (at in split(seq_len(nrow(t)), (seq_len(nrow(t)) - 1) %/% stretch)) {
    e <- problem$log_ratio
    for (c in seq_len(ncol(t))) e <- e - outer(problem$y[, c], t[at, c], "-")^2 / 2
    sum <- colSums(exp(e))
    h[at] <- log(sum)
    far <- which(sum < 1e-290 | sum == Inf)
    if (length(far)) h[at][far] <- log_sum_columns(e[, far, drop = FALSE])
    if (!is.null(each)) each(e, h[at], at)
  }
  h
}

# The mean shift of each row of t, and its h before.
shift_means <- function(problem, t) {
  moved <- t
  h <- columns_heights(problem, t, function(e, h, at) {
    p <- exp(e - rep(h, each = nrow(e)))
    moved[at, ] <<- crossprod(p, problem$y) / colSums(p)
  })
  list(t = moved, h = h)
}

# Components, the rows where D is largest, and others evenly spread.
columns_starts <- function(problem) {
  n <- nrow(problem$y)
  most <- max(20L, min(columns_settings$starts, 5e7 %/% (n * columns_settings$shifts)))
  some <- unique(round(seq(1, n, length.out = min(n, 10 * most))))
  h <- columns_heights(problem, problem$y[some, , drop = FALSE])
  best <- some[utils::head(order(h, decreasing = TRUE), most %/% 2L)]
  spread <- some[round(seq(1, length(some), length.out = min(length(some), most - most %/% 2L)))]
  rbind(problem$support, problem$y[unique(c(best, spread)), , drop = FALSE])
}

# Local maxima from many starts: mean shifts of all, then Newton's steps from the highest.
columns_peaks <- function(problem) {
  t <- start <- columns_starts(problem)
  for (turn in seq_len(columns_settings$shifts)) {
    moved <- shift_means(problem, t)
    far <- max(abs(moved$t - t))
    t <- moved$t
    if (far < 1e-9) break
  }
  h <- columns_heights(problem, t)
  peaks <- t[order(h, decreasing = TRUE), , drop = FALSE]
  peaks <- peaks[!duplicated(round(peaks, 2L)), , drop = FALSE]
  peaks <- peaks[seq_len(min(nrow(peaks), 10L)), , drop = FALSE]
  for (i in seq_len(nrow(peaks))) peaks[i, ] <- polish_peak(problem, peaks[i, ])
  h <- columns_heights(problem, peaks)
  order <- order(h, decreasing = TRUE)
  peaks <- peaks[order, , drop = FALSE]
  apart <- !duplicated(round(peaks, 5L))
  list(t = peaks[apart, , drop = FALSE], h = h[order][apart], starts = nrow(start))
}

# Newton's step where h is concave and it raises h, else a shift.
polish_peak <- function(problem, t) {
  p <- NULL
  for (turn in 1:60) {
    before <- columns_heights(problem, matrix(t, 1L), function(e, h, at) p <<- exp(e[, 1L] - h))
    mean <- drop(crossprod(problem$y, p)) / sum(p)
    off <- problem$y - rep(mean, each = nrow(problem$y))
    step <- mean - t
    newton <- tryCatch(drop(chol2inv(chol(diag(length(t)) - crossprod(off, p * off) / sum(p))) %*% step), error = function(e) step)
    if (columns_heights(problem, matrix(t + newton, 1L)) >= before) step <- newton
    t <- t + step
    if (max(abs(step)) < 1e-10) break
  }
  t
}

# ---- two columns: proof ---------------------------------------------------------------------------

# The highest value, with a bound on all others. Squares of side s are complex whole numbers, in units of s from the lowest corner.
search_squares <- function(problem, best) {
  s <- 1
  low <- apply(problem$y, 2L, min)
  at <- first_squares(problem, low, best$h)
  upper <- log_sum_columns(matrix(problem$log_ratio))
  if (is.null(at)) return(c(best, list(upper = upper)))
  work <- 0
  repeat {
    corners <- square_heights(problem, at, low, s)
    work <- work + corners$count * (nrow(problem$y) + 20)
    if (max(corners$h) > best$h) best <- list(t = corners$top, h = max(corners$h))
    bound <- square_bounds(corners$h, s)
    open <- bound > best$h + columns_settings$goal
    upper <- max(best$h + columns_settings$goal, bound)
    limit <- if (upper - best$h <= columns_settings$enough) columns_settings$fair else columns_settings$most
    if (!any(open) || work + 2 * sum(open) * nrow(problem$y) > limit || s < 1e-7) break
    at <- as.vector(outer(2 * at[open], c(0, 1, 1i, 1 + 1i), "+"))
    s <- s / 2
  }
  c(best, list(upper = upper))
}

# Squares of side 1 near rows: elsewhere h is below its highest value. NULL where they are too many.
first_squares <- function(problem, low, height) {
  reach <- ceiling(sqrt(2 * max(log_sum_columns(matrix(problem$log_ratio)) - height, 0)) + 1e-6)
  cells <- floor(problem$y - rep(low, each = nrow(problem$y)))
  cells <- unique(complex(real = cells[, 1L], imaginary = cells[, 2L]))
  near <- as.vector(outer(-reach:reach, 1i * (-reach:reach), "+"))
  if (length(cells) * length(near) > 50 * columns_settings$squares) return(NULL)
  cells <- unique(as.vector(outer(cells, near, "+")))
  if (length(cells) <= columns_settings$squares) cells
}

# h at the corners of squares: a column per corner, each point of the lattice computed once.
square_heights <- function(problem, at, low, s) {
  corner <- c(at, at + 1, at + 1i, at + 1 + 1i)
  one <- unique(corner)
  t <- cbind(Re(one) * s + low[1L], Im(one) * s + low[2L])
  h <- columns_heights(problem, t)
  list(h = matrix(h[match(corner, one)], ncol = 4L), top = t[which.max(h), ], count = length(one))
}

square_bounds <- function(h, s) {
  along <- function(a, b) pmax(a, b) + s^2 * pmax(0, 0.5 - abs(b - a) / s^2)^2 / 2
  along(along(h[, 1L], h[, 2L]), along(h[, 3L], h[, 4L]))
}

# ---- the answer -----------------------------------------------------------------------------------

columns_gradient <- function(fit, rows, grid) {
  problem <- columns_problem(fit, rows)
  d <- ncol(problem$y)
  n <- problem$n
  names <- rownames(fit$parameters$mean)
  peaks <- columns_peaks(problem)
  top <- list(t = peaks$t[1L, ], h = peaks$h[1L])
  top <- if (d == 2L) search_squares(problem, top) else c(top, upper = Inf)
  named <- function(t) matrix(problem$from(t), ncol = d, dimnames = list(NULL, names))
  shown <- if (d == 2L) columns_grid(fit, rows, grid, names) else named(peaks$t)
  proved <- is.finite(top$upper)
  structure(list(t = shown, D = n * expm1(columns_heights(problem, problem$to(shown))), max = n * expm1(top$h), at = named(matrix(top$t, 1L))[1L, ],
    bound = if (proved) n * max(top$upper, 0) else NA_real_, complete = top$upper - top$h <= columns_settings$enough,
    support = t(fit$parameters$mean), D_support = n * expm1(columns_heights(problem, problem$support)), n = n, parameter = "mean",
    starts = peaks$starts), class = "em_gradient")
}

# A lattice over the range of the rows.
columns_grid <- function(fit, rows, grid, names) {
  grid <- max(3, min(grid, 101, max(15, floor(sqrt(3e7 / nrow(rows$x))))))
  values <- lapply(1:2, function(c) {
    range <- range(rows$x[, c])
    seq(range[1L] - 0.05 * diff(range), range[2L] + 0.05 * diff(range), length.out = grid)
  })
  matrix(unlist(expand.grid(values)), ncol = 2L, dimnames = list(NULL, names))
}

print_columns_gradient <- function(x) {
  where <- paste(names(x$at), format_each(x$at, 6), sep = " = ", collapse = ", ")
  cat(if (x$complete) "max D" else "largest D found", " = ", format(x$max, digits = 3), " at ", where, "\n", sep = "")
  if (x$complete || is.finite(x$bound)) return(print_proof(x))
  cat(if (is_best(x)) "no mean of a further component was found that raises the log-likelihood\n" else
    "further components can raise the log-likelihood\n",
  "searched from ", counted(x$starts, "start"), ": D may be larger elsewhere",
  if (length(x$at) > 2L) " (there is a proof for one and two columns alone)", "\n", sep = "")
}

format_each <- function(x, digits) vapply(x, format, "", digits = digits)

# Contours of D, where it is above 0 shaded; components and the largest D.
plot_columns_gradient <- function(x, main, xlab, ylab = names(x$at)[2L], ...) {
  if (length(x$at) > 2L) stop_input("x", "of a fit to one or two columns", sprintf("to %d", length(x$at)))
  at <- lapply(1:2, function(c) unique(x$t[, c]))
  z <- matrix(pmin(x$D, 10 * x$n), length(at[[1L]]))
  before <- par(mar = c(4.2, 4.4, 3.8, 1))
  on.exit(par(before))
  open_panel(range(at[[1L]]), range(at[[2L]]), "", xlab, ylab, yaxs = "i", ...)
  title(main = main, line = 2.2)
  floor <- 1e-6 * x$n
  if (max(z) > floor) graphics::.filled.contour(at[[1L]], at[[2L]], z, c(floor, max(z) + 1), "grey88")
  levels <- setdiff(pretty(c(max(min(z), -x$n), max(z)), 8L), c(-x$n, 0))
  graphics::contour(at[[1L]], at[[2L]], z, levels = levels, add = TRUE, col = "grey35", labcex = 0.75)
  points(x$support[, 1L], x$support[, 2L], pch = 16L)
  shown <- c(TRUE, !is_best(x))
  if (shown[2L]) points(x$at[1L], x$at[2L], pch = 2L, col = okabe_ito[2L], lwd = 2)
  usr <- par("usr")
  legend(mean(usr[1:2]), usr[4L], c("components", paste("largest D:", format(x$max, digits = 3)))[shown], pch = c(16L, 2L)[shown],
    col = c("black", okabe_ito[2L])[shown], horiz = TRUE, xjust = 0.5, yjust = 0, xpd = NA, bty = "n", cex = 0.85)
  invisible(x)
}

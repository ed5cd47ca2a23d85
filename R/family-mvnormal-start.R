# What the search needs of multivariate normal mixtures: parameters of groups of rows, and components merged, split,
# compared and judged. Blocks are flat: d numbers of mean and d * d of covariance for each component in turn.

# How many columns, of a mixture by block.
columns_in <- function(parameters) NROW(parameters$mean) %/% NROW(parameters$prop)

place_of <- function(j, size) (j - 1L) * size + seq_len(size)

# One component: its mean and its covariance.
component_at <- function(parameters, j) {
  d <- columns_in(parameters)
  list(mean = parameters$mean[place_of(j, d)], cov = matrix(parameters$cov[place_of(j, d^2)], d))
}

put_component <- function(parameters, j, mean, cov) {
  d <- length(mean)
  parameters$mean[place_of(j, d)] <- mean
  parameters$cov[place_of(j, d^2)] <- cov
  parameters
}

chol_or_null <- function(s) tryCatch(chol(s), error = function(e) NULL)

# Moments of two components together: one component.
merged_component <- function(m, a, b) {
  both <- m$prop[c(a, b)]
  share <- both / max(sum(both), .Machine$double.xmin)
  gap <- m$mean[, a] - m$mean[, b]
  list(prop = sum(both), mean = m$mean[, b] + share[1L] * gap,
    cov = share[1L] * m$cov[, a] + share[2L] * m$cov[, b] + prod(share) * as.vector(outer(gap, gap)))
}

# Moments of each component's share of the rows, with columns in units of their sds. A covariance that is singular to a
# millionth takes some rows of the common one.
mvnormal_estimate <- function(rows, shares, k) {
  rows <- filled_rows(rows)
  d <- ncol(rows$x)
  about <- rows$about
  unit <- ifelse(about$sd > 0, about$sd, pmax(abs(about$mean), 1e-300) * 1e-3)
  z <- (rows$x - rep(about$mean, each = nrow(rows$x))) / rep(unit, each = nrow(rows$x))
  mass <- numeric(k)
  mean <- matrix(0, d, k)
  cov <- matrix(0, d * d, k)
  for (j in seq_len(k)) {
    w <- shares(j)
    mass[j] <- sum(w)
    mean[, j] <- colSums(z * w) / mass[j]
    off <- (z - rep(mean[, j], each = nrow(z))) * sqrt(w)
    cov[, j] <- crossprod(off) / mass[j]
  }
  pooled <- drop(cov %*% mass) / sum(mass)
  pooled <- pooled + as.vector(diag(1e-6 * mean(pooled[place_of_diagonal(d)]) + 1e-12, d))
  own <- (d + 1) / 2 * if (is.null(rows$weight)) 1 else mean(rows$weight)
  for (j in which(!apply(cov, 2L, well_shaped, pooled = pooled))) {
    cov[, j] <- (mass[j] * cov[, j] + own * pooled) / (mass[j] + own)
  }
  list(prop = mass / sum(mass), mean = as.vector(mean * unit + about$mean), cov = as.vector(cov * as.vector(outer(unit, unit))))
}

place_of_diagonal <- function(d) (seq_len(d) - 1L) * d + seq_len(d)

# Is a covariance not thinner than a thousandth of the common one in any direction?
well_shaped <- function(cov, pooled) {
  d <- as.integer(round(sqrt(length(cov))))
  root <- chol_or_null(matrix(pooled, d))
  if (is.null(root)) return(FALSE)
  inner <- backsolve(root, t(backsolve(root, matrix(cov, d), transpose = TRUE)), transpose = TRUE)
  min(eigen(inner, symmetric = TRUE, only.values = TRUE)$values) > 1e-6
}

# Covariances for means that came alone: the rows' moments about the nearest mean, columns in units of their sds.
mvnormal_complete <- function(rows, parameters) {
  if (!is.null(parameters$cov)) return(parameters)
  rows <- filled_rows(rows)
  d <- ncol(rows$x)
  k <- length(parameters$prop)
  about <- rows$about
  unit <- ifelse(about$sd > 0, about$sd, pmax(abs(about$mean), 1e-300) * 1e-3)
  z <- (t(rows$x) - about$mean) / unit
  w <- row_weights(rows)
  centres <- (matrix(parameters$mean, d) - about$mean) / unit
  nearest <- max.col(-distances(t(z), t(centres)), "first")
  off <- (z - centres[, nearest, drop = FALSE]) * rep(sqrt(w / sum(w)), each = d)
  cov <- tcrossprod(off)
  if (!well_shaped(cov, cov + 1e-6 * diag(mean(diag(cov)) + 1e-12, d))) cov <- cov + diag(1e-3 * max(diag(cov), 1e-6), d)
  parameters$cov <- rep(as.vector(cov * outer(unit, unit)), k)
  parameters
}

# Covariances brought to what is simple of the structure: one in common, axes along columns, spheres; the M-step does the rest.
# What conforms stays to the bit.
mvnormal_conform <- function(parameters, spec) {
  shape <- shape_of(spec)
  if (!shape$common && !shape$diagonal && !shape$spherical) return(parameters)
  k <- spec$k
  cov <- as.matrix(parameters$cov)
  prop <- as.matrix(parameters$prop)
  for (s in seq_len(ncol(cov))) {
    each <- matrix(cov[, s], ncol = k)
    own <- shape
    own$common <- shape$common && any(each != each[, 1L])
    cov[, s] <- shape_covariances(each, prop[, s] / sum(prop[, s]), own)
  }
  parameters$cov[] <- cov
  parameters
}

# Covariances of one start brought to a structure by its M-step, from the start's own moments, so that no iterate is lower than
# the start. What is of the structure, but for rounding, stays to the bit.
mvnormal_bring <- function(parameters, spec) {
  structure <- spec$family$cov
  if (structure %in% c("EII", "VII", "EEI", "VVI", "EEE", "VVV") || spec$k < 2L) return(parameters)
  k <- spec$k
  d <- columns_in(parameters)
  unit <- max(matrix(parameters$cov, ncol = k)[place_of_diagonal(d), ])
  given <- array(parameters$cov / unit, c(d, d, k))
  rows <- pmax(as.double(parameters$prop), 1e-3)
  bring <- function(old) {
    .Call(C_emix_structure, match(structure, covariance_structures) - 1L, rows, given * rep(rows, each = d * d), old)
  }
  kept <- bring(given)
  if (kept$status == 0L && max(abs(kept$cov - given)) < 1e-10) return(parameters)
  # One for all is of every structure.
  pooled <- shape_covariances(matrix(given, d * d), rows / sum(rows), list(common = TRUE,
    diagonal = substr(structure, 3L, 3L) == "I", spherical = FALSE))
  brought <- bring(array(pooled, c(d, d, k)))
  if (brought$status == 0L) parameters$cov <- as.vector(brought$cov) * unit
  parameters
}

# By the mean's first coordinate, then by the others.
mvnormal_order <- function(parameters) {
  d <- columns_in(parameters)
  mean <- matrix(parameters$mean, d)
  do.call(order, c(lapply(seq_len(d), function(c) mean[c, ]), list(as.vector(parameters$prop))))
}

# The longest axis of a component, whatever the columns' units, as long as one standard deviation.
longest_axis <- function(cov) {
  unit <- sqrt(diag(cov))
  e <- eigen(cov / outer(unit, unit), symmetric = TRUE)
  unit * e$vectors[, 1L] * sqrt(e$values[1L])
}

# Means by a fifth of a standard deviation along the longest axis where they are free, else covariances by a fifth of sds.
mvnormal_apart <- function(parameters, same, free, times = 1) {
  step <- times * (seq_along(same) - (length(same) + 1) / 2) / 5
  for (i in seq_along(same)) {
    one <- component_at(parameters, same[i])
    if (all(free$mean[same])) {
      parameters <- put_component(parameters, same[i], one$mean + step[i] * longest_axis(one$cov), one$cov)
    } else if (all(free$cov[same])) {
      parameters <- put_component(parameters, same[i], one$mean, one$cov * exp(2 * step[i]))
    }
  }
  parameters
}

# Moments of two components together.
mvnormal_merge <- function(parameters, a, b) {
  d <- columns_in(parameters)
  m <- list(prop = as.vector(parameters$prop), mean = matrix(parameters$mean, d), cov = matrix(parameters$cov, d^2))
  both <- merged_component(m, a, b)
  parameters$prop[c(a, b)] <- c(both$prop, 0)
  put_component(parameters, a, both$mean, both$cov)
}

# Component `from` becomes two, the second at place `to`: side by side along its longest axis (way 1), or a narrow one within
# a wide one (way 2).
mvnormal_split <- function(parameters, from, to, way = 1L) {
  one <- component_at(parameters, from)
  parameters$prop[c(from, to)] <- parameters$prop[from] / 2
  if (way == 2L) {
    parameters <- put_component(parameters, from, one$mean, one$cov * 0.25)
    return(put_component(parameters, to, one$mean, one$cov * 1.69))
  }
  axis <- longest_axis(one$cov)
  cov <- one$cov - (1 - 0.65^2) * outer(axis, axis)
  parameters <- put_component(parameters, from, one$mean - 0.8 * axis, cov)
  put_component(parameters, to, one$mean + 0.8 * axis, cov)
}

# Minus the distance of two means in units of both spreads.
mvnormal_closeness <- function(parameters, a, b) {
  x <- component_at(parameters, a)
  y <- component_at(parameters, b)
  root <- chol_or_null((x$cov + y$cov) / 2)
  if (is.null(root)) return(-Inf)
  -sqrt(sum(backsolve(root, x$mean - y$mean, transpose = TRUE)^2)) / 2
}

# Means and standard deviations, in every direction, nearer than a twentieth of a standard deviation.
mvnormal_coincide <- function(parameters, a, b) {
  x <- component_at(parameters, a)
  y <- component_at(parameters, b)
  root <- chol_or_null(x$cov)
  if (is.null(root)) return(FALSE)
  if (sum(backsolve(root, x$mean - y$mean, transpose = TRUE)^2) >= 0.05^2) return(FALSE)
  inner <- backsolve(root, t(backsolve(root, y$cov, transpose = TRUE)), transpose = TRUE)
  all(abs(eigen(inner, symmetric = TRUE, only.values = TRUE)$values - 1) < 0.1)
}

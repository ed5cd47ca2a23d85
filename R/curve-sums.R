# Curvature in the space of the sums of the E-step, for families whose core has no scores: the multivariate normal one.
#
# src/secant.h says what the space is: x are sums, theta(x) the parameters that maximise with them (M-step), e(x) the
# coefficients of the sums in the expected complete log-likelihood at theta(x), and G(x) the sums that the E-step finds
# there. With directions W in it, and derivatives along them by central differences of the core:
#
#   complete information   W' e'(W)
#   observed information   (W - G'(W))' e'(W) = I_com (I - DM)      (Meng & Rubin 1991), with a prior that of the log posterior
#   slopes                 theta'(W)
#
# Most directions change nothing: those by which sums leave the structure of the covariances, and what is held or
# shared. So W is made of the eigenvectors of the complete information with positive eigenvalues, scaled so that it
# becomes the identity; there are as many as free parameters. Beside what every curvature has (see vcov.R):
#
#   along        theta'(W), all of the core's parameters; listed: which of them coef() has
#   at           x, where it is not what the E-step finds
#   directions   W
#   natural      e'(W)
#   each         users' units of each of the core's parameters in one of the core's
#   singular     have fewer parameters than are free a direction of their own

# More sums than these have no matrix that is decomposed in reasonable time.
most_sums <- 1500L

# Steps of differences, in parts of the sums, after which about ten digits are right; and eigenvalues, 1 where a component's
# parameters are free, that are rounding.
sums_step <- 1e-5
sums_rounding <- 1e-6

# Elements of a packed symmetric matrix that have sums.
sums_lower <- function(problem) {
  d <- problem$data$columns
  if (has_diagonal(problem)) (seq_len(d) - 1L) * (d + 1L) + 1L else which(lower.tri(diag(d), diag = TRUE))
}

count_sums <- function(fit, problem) fit$k * (1L + problem$data$columns + length(sums_lower(problem)))

sums_curve <- function(fit, problem) {
  spec <- problem$spec
  at <- block_places(spec$sizes, spec$k)
  prop <- fit$core$theta[at$prop]
  open <- !fit$held$prop & prop > 0
  free <- !unlist(fit$held[names(spec$sizes)], use.names = FALSE)
  # What the structure of the covariances has at zero is no parameter.
  if (has_diagonal(problem)) free[at$cov] <- free[at$cov] & rep(as.vector(diag(problem$data$columns) == 1), fit$k)
  estimated <- free
  estimated[at$prop] <- open & sum(open) > 1L
  empty <- block_places(spec$sizes, spec$k, which(prop == 0))
  estimated[unlist(empty[!names(empty) %in% shared_blocks(spec)])] <- FALSE
  listed <- listed_places(spec$sizes, spec$k, spec$columns)
  affine <- list(factor = fit$core$factor, shift = 0 * fit$core$shift)
  each <- spec$family$from_core(lapply(at, function(i) rep(1, length(i))), affine)
  list(ways = sums_ways, q = as.integer(fit$df), estimated = estimated[listed], lost = (free & !estimated)[listed],
    theta = fit$core$theta, prop = prop, room = sum(prop[open]), problem = problem, listed = listed,
    each = unlist(each[names(at)], use.names = FALSE))
}

# Are covariances diagonal? The first six structures are.
has_diagonal <- function(problem) problem$model$options[1L] < 6

# Mean and covariance of a component, in the core's units.
core_component <- function(curve, j) {
  spec <- curve$problem$spec
  at <- block_places(spec$sizes, spec$k, j)
  list(prop = curve$theta[at$prop], mean = curve$theta[at$mean], cov = matrix(curve$theta[at$cov], length(at$mean)))
}

# Where the sums of component j are: mass, values, products.
sums_places <- function(problem, j) {
  d <- problem$data$columns
  s <- length(sums_lower(problem))
  own <- problem$spec$k + (j - 1L) * (d + s)
  list(mass = j, values = own + seq_len(d), products = own + d + seq_len(s))
}

# A column per sum: the change of the sums of N rows, by N, when a component's rows have more mass, another mean or
# another covariance, in units of a standard error of one row.
sums_basis <- function(curve, n) {
  problem <- curve$problem
  d <- problem$data$columns
  lower <- sums_lower(problem)
  basis <- matrix(0, n, n)
  for (j in seq_len(problem$spec$k)) {
    at <- sums_places(problem, j)
    cov <- core_component(curve, j)$cov
    root <- t(chol(cov))
    basis[at$mass, at$mass] <- 1
    basis[at$products, at$mass] <- cov[lower]
    basis[at$values, at$values] <- root
    for (i in seq_along(lower)) {
      unit <- matrix(0, d, d)
      unit[lower[i]] <- 1
      unit <- unit + t(unit)
      basis[at$products, at$products[i]] <- (root %*% unit %*% t(root))[lower] / sqrt(max(unit))
    }
  }
  basis
}

call_differ <- function(curve, directions, part, walk, expect) {
  problem <- curve$problem
  .Call(C_emix_differ, problem$data, problem$model, problem$threads, curve$theta, directions,
    list(part = part, walk = walk, expect = expect, at = curve$at))
}

differ_sums <- function(curve, directions, part, walk) {
  # No parameter is free.
  if (!ncol(directions)) return(list(found = directions, natural = directions, parameters = matrix(0, length(curve$theta), 0L)))
  found <- call_differ(curve, directions, part, walk, TRUE)
  if (found$status != 0L) stop_no_number()
  found
}

# Differences that take two walks over the rows for each direction: a few directions at a time.
differ_walks <- function(curve, directions, each = 32L) {
  part <- sums_step * sqrt(total_weight(curve$problem$rows))
  q <- ncol(directions)
  if (!q) return(differ_sums(curve, directions, part, TRUE))
  blocks <- lapply(seq(1L, q, by = each), function(first) {
    say_doing("information: direction ", first, " of ", q)
    differ_sums(curve, directions[, first:min(first + each - 1L, q), drop = FALSE], part, TRUE)
  })
  columns <- c("natural", "parameters", "found")
  stats::setNames(lapply(columns, function(e) do.call(cbind, lapply(blocks, `[[`, e))), columns)
}

# W, a column per coordinate.
sums_directions <- function(curve, n) {
  mass <- if (is.null(curve$at)) differ_sums(curve, matrix(0, n, 1L), 1, FALSE)$sums else curve$at
  mass <- mass[seq_len(curve$problem$spec$k)]
  basis <- sums_basis(curve, n)
  rows <- numeric(n)
  for (j in seq_along(mass)) rows[unlist(sums_places(curve$problem, j))] <- mass[j]
  found <- differ_sums(curve, basis * rep(rows, each = n), sums_step, FALSE)
  basis <- basis * rep(sqrt(rows), each = n)
  metric <- crossprod(basis, found$natural) / rep(sqrt(ifelse(rows > 0, rows, Inf)), each = n)
  e <- eigen((metric + t(metric)) / 2, symmetric = TRUE)
  kept <- which(e$values > sums_rounding)
  basis %*% (e$vectors[, kept, drop = FALSE] / rep(sqrt(e$values[kept]), each = n))
}

sums_inform <- function(curve, fit, type) {
  n <- count_sums(fit, curve$problem)
  if (n > most_sums) {
    stop_input("object", sprintf("of at most %d sums, k (1 + d (d + 3) / 2), for a matrix of covariances from the curvature; em_bootstrap() has no such limit",
      most_sums), format(n))
  }
  w <- sums_directions(curve, n)
  q <- ncol(w)
  curve$singular <- q < curve$q && !any(curve$lost)
  curve$q <- q
  found <- watched(isTRUE(fit$arguments$control$progress), differ_walks(curve, w))
  information <- crossprod(w - found$found, found$natural)
  curve$information <- (information + t(information)) / 2
  curve$metric <- diag(q)
  curve$directions <- w
  curve$natural <- found$natural
  curve$along <- found$parameters
  if (type == "sandwich") {
    scores <- sums_row_scores(fit, curve, curve$problem$data, curve$problem$model)
    curve$outer <- crossprod(scores * sqrt(row_weights(curve$problem$rows)))
  }
  curve
}

sums_slopes <- function(curve) curve$along[curve$listed, , drop = FALSE]

# Is a listed parameter a variance?
listed_variances <- function(curve) {
  spec <- curve$problem$spec
  d <- length(spec$columns)
  own <- block_places(spec$sizes, spec$k)$cov
  curve$listed %in% matrix(own, d * d)[(seq_len(d) - 1L) * (d + 1L) + 1L, ]
}

sums_scales <- function(curve) {
  scales <- ifelse(listed_variances(curve), "variance", "identity")
  scales[seq_along(curve$prop)] <- "logit"
  scales
}

# Proportions by the logit, variances by the log, means and covariances as they are.
sums_limits <- function(curve, fit, z) {
  k <- fit$k
  value <- unname(coef(fit))
  reach <- z * parameter_errors(curve)
  limits <- value + outer(reach, c(-1, 1))
  logs <- listed_variances(curve)
  limits[logs, ] <- value[logs] * exp(outer(reach[logs] / value[logs], c(-1, 1)))
  limits[seq_len(k), ] <- prop_limits(curve, z)
  limits
}

# On straight lines: legal for small steps, but for what bends in a structure of covariances.
sums_moved <- function(fit, curve, step) {
  if (!any(step != 0)) return(fit$parameters)
  move <- drop(curve$along %*% step) * curve$each
  spec <- curve$problem$spec
  Map(function(value, at) {
    value[] <- value + move[at]
    value
  }, fit$parameters, block_places(spec$sizes, spec$k)[names(fit$parameters)])
}

sums_lost_moves <- function(fit, curve) {
  spec <- curve$problem$spec
  sd <- sqrt(apply(fit$parameters$cov, 3L, diag))
  lost <- replace(logical(length(curve$theta)), curve$listed, curve$lost)
  lapply(which(lost), function(i) {
    parameters <- fit$parameters
    for (b in names(parameters)) {
      at <- match(i, block_places(spec$sizes, spec$k)[[b]])
      if (is.na(at)) next
      if (b == "mean") parameters$mean[at] <- parameters$mean[at] + sd[at] / 16
      if (b == "cov") parameters$cov[at] <- parameters$cov[at] * 1.0625
      if (b == "prop") parameters$prop[at] <- parameters$prop[at] + 2^-10
    }
    parameters$prop <- parameters$prop / sum(parameters$prop)
    parameters
  })
}

# A sixteenth of what a component is, in units of its proportion, sds and covariance; powers of two, with which sums are exact.
sums_steps <- function(curve, fit) {
  spec <- curve$problem$spec
  size <- numeric(curve$q)
  for (j in which(curve$prop > 0)) {
    own <- core_component(curve, j)
    at <- block_places(spec$sizes, spec$k, j)
    root <- chol(own$cov)
    rooted <- function(m) backsolve(root, m, transpose = TRUE)
    for (i in seq_len(curve$q)) {
      cov <- matrix(curve$along[at$cov, i], nrow(root))
      size[i] <- max(size[i], abs(curve$along[at$prop, i]) / own$prop, abs(rooted(curve$along[at$mean, i])),
        abs(rooted(t(rooted(cov)))))
    }
  }
  2^floor(log2(ifelse(size > 0, 1 / size, 1))) / 16
}

# For a refit's theta: complete-data information about proportion and mean, and the distance of Fisher and Rao of
# covariances, half the sum of squares of log eigenvalues. What is shared or held is equally far from all.
sums_distance <- function(fit, curve) {
  k <- fit$k
  own <- lapply(seq_len(k), function(j) core_component(curve, j))
  roots <- lapply(own, function(o) chol(o$cov))
  function(theta) {
    curve$theta <- theta
    cost <- matrix(0, k, k)
    for (l in seq_len(k)) {
      other <- core_component(curve, l)
      for (j in seq_len(k)) {
        rooted <- function(m) backsolve(roots[[j]], m, transpose = TRUE)
        ratio <- eigen(rooted(t(rooted(other$cov))), symmetric = TRUE, only.values = TRUE)$values
        squares <- c(log(max(other$prop, 1e-300) / max(own[[j]]$prop, 1e-300)), rooted(other$mean - own[[j]]$mean),
          log(pmax(ratio, 1e-300)) / sqrt(2))
        cost[j, l] <- fit$nobs * own[[j]]$prop * sum(squares^2)
      }
    }
    cost
  }
}

sums_ways <- list(
  inform = sums_inform,
  slopes = sums_slopes,
  units = function(curve) curve$each[curve$listed],
  scales = sums_scales,
  limits = sums_limits,
  moved = sums_moved,
  lost_moves = sums_lost_moves,
  first_steps = sums_steps,
  row_scores = function(fit, curve, data, model) sums_row_scores(fit, curve, data, model),
  distance = sums_distance
)

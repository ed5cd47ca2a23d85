# Covariance structures from their definition alone: volumes, shapes and axes made explicit, the axes turned plane by plane.
# Slow and plain; shares no code with the package.
#
#   S_j = volume_j D_j diag(shape_j) D_j'    prod(shape_j) = 1

mv_structures <- c("EII", "VII", "EEI", "VEI", "EVI", "VVI", "EEE", "VEE", "EVE", "VVE", "EEV", "VEV", "EVV", "VVV")

mv_letters <- function(structure) strsplit(structure, "")[[1L]]

# How many volumes, shapes and axes there are, and where their steps are in one vector: shapes d each (one too many, for their
# geometric mean is taken out), axes an angle for each pair of columns.
mv_layout <- function(structure, d, k) {
  times <- c(E = 1L, V = k, I = 0L)[mv_letters(structure)]
  size <- unname(times * c(1L, d, d * (d - 1L) / 2L))
  list(times = times, parts = rep(1:3, size), size = size)
}

# Component j's share of a step: all have the first where there is one, none moves where there is none.
mv_share <- function(step, layout, part, j) {
  if (layout$size[part] == 0L) return(0)
  values <- matrix(step[layout$parts == part], ncol = layout$times[part])
  values[, if (layout$times[part] == 1L) 1L else j]
}

mv_rotate <- function(axes, angles) {
  planes <- which(upper.tri(axes), arr.ind = TRUE)
  for (a in seq_along(angles)) {
    if (angles[a] == 0) next
    p <- planes[a, ]
    axes[, p] <- axes[, p] %*% matrix(c(cos(angles[a]), sin(angles[a]), -sin(angles[a]), cos(angles[a])), 2L)
  }
  axes
}

# Volumes, shapes and axes a step away from `base`, a list of volume (k), shape (d x k), axes (d x d x k).
mv_step <- function(base, step, structure) {
  d <- nrow(base$shape)
  k <- ncol(base$shape)
  layout <- mv_layout(structure, d, k)
  for (j in seq_len(k)) {
    base$volume[j] <- base$volume[j] * exp(mv_share(step, layout, 1L, j))
    logs <- rep(mv_share(step, layout, 2L, j), length.out = d)
    base$shape[, j] <- base$shape[, j] * exp(logs - mean(logs))
    if (layout$size[3L] > 0L) base$axes[, , j] <- mv_rotate(matrix(base$axes[, , j], d), mv_share(step, layout, 3L, j))
  }
  base
}

mv_cov <- function(base) {
  d <- nrow(base$shape)
  cov <- base$axes
  for (j in seq_along(base$volume)) {
    axes <- matrix(base$axes[, , j], d)
    cov[, , j] <- base$volume[j] * axes %*% (base$shape[, j] * t(axes))
  }
  cov
}

# A legal set of covariances, at random.
mv_random <- function(structure, d, k) {
  base <- list(volume = rep(1, k), shape = matrix(1, d, k), axes = array(diag(d), c(d, d, k)))
  layout <- mv_layout(structure, d, k)
  mv_step(base, rnorm(sum(layout$size), sd = c(0.5, 0.5, 2)[layout$parts]), structure)
}

# Volumes, shapes and axes of covariances that are of the structure: those that are common are read off the first component
# (common axes off a mixture of all). If the covariances are of the structure, mv_cov() gives them back.
mv_base <- function(cov, structure) {
  d <- dim(cov)[1L]
  k <- dim(cov)[3L]
  common <- mv_letters(structure) == "E"
  each <- lapply(seq_len(k), function(j) eigen(matrix(cov[, , j], d), symmetric = TRUE))
  axes <- array(vapply(each, function(e) e$vectors, diag(d) + 0), c(d, d, k))
  if (mv_letters(structure)[3L] == "I") axes[] <- diag(d)
  if (common[3L]) axes[] <- eigen(matrix(apply(cov, 1:2, function(x) sum(x * sqrt(seq(2, by = 3, length.out = k)))), d), symmetric = TRUE)$vectors
  values <- vapply(seq_len(k), function(j) {
    a <- matrix(axes[, , j], d)
    colSums(a * (matrix(cov[, , j], d) %*% a))
  }, numeric(d))
  values <- matrix(values, d)
  volume <- exp(colMeans(log(values)))
  shape <- values / rep(volume, each = d)
  if (common[1L]) volume[] <- volume[1L]
  if (common[2L]) shape[] <- shape[, 1L]
  if (mv_letters(structure)[2L] == "I") shape[] <- 1
  list(volume = volume, shape = shape, axes = axes)
}

# sum_j -(N_j log|S_j| + tr(W_j S_j^-1)) / 2
mv_objective <- function(base, rows, scatter) {
  d <- nrow(base$shape)
  sum(vapply(seq_along(rows), function(j) {
    if (rows[j] == 0) return(0)
    axes <- matrix(base$axes[, , j], d)
    spread <- colSums(axes * (matrix(scatter[, , j], d) %*% axes))
    -(rows[j] * d * log(base$volume[j]) + sum(spread / base$shape[, j]) / base$volume[j]) / 2
  }, 0))
}

mv_objective_of <- function(cov, rows, scatter) {
  sum(vapply(seq_along(rows), function(j) {
    s <- matrix(cov[, , j], dim(cov)[1L])
    -(rows[j] * as.numeric(determinant(s)$modulus) + sum(diag(solve(s, matrix(scatter[, , j], nrow(s)))))) / 2
  }, 0))
}

# The highest objective that a general optimiser finds from `base`, begun anew where it stopped.
mv_oracle <- function(structure, base, rows, scatter) {
  size <- sum(mv_layout(structure, nrow(base$shape), ncol(base$shape))$size)
  for (turn in 1:3) {
    found <- stats::optim(numeric(size), function(step) -mv_objective(mv_step(base, step, structure), rows, scatter) / sum(rows),
      method = "BFGS", control = list(maxit = 500, reltol = 1e-15, ndeps = rep(1e-5, size)))
    base <- mv_step(base, found$par, structure)
  }
  base
}

# Change of objective and covariances per unit of each coordinate of a step.
mv_derivatives <- function(structure, base, rows, scatter, h = 1e-5) {
  size <- sum(mv_layout(structure, nrow(base$shape), ncol(base$shape))$size)
  sides <- lapply(seq_len(size), function(i) {
    lapply(c(h, -h), function(x) mv_step(base, replace(numeric(size), i, x), structure))
  })
  list(
    gradient = vapply(sides, function(s) (mv_objective(s[[1L]], rows, scatter) - mv_objective(s[[2L]], rows, scatter)) / (2 * h), 0),
    jacobian = vapply(sides, function(s) as.vector(mv_cov(s[[1L]]) - mv_cov(s[[2L]])) / (2 * h), as.vector(mv_cov(base)))
  )
}

# Scatters of k components with axes of their own, turned by `turn` from common ones.
mv_scatters <- function(d, k, turn = 1) {
  rows <- round(runif(k, 20, 120), 2)
  axes <- qr.Q(qr(matrix(rnorm(d * d), d)))
  scatter <- array(0, c(d, d, k))
  for (j in seq_len(k)) {
    mine <- mv_rotate(axes, rnorm(d * (d - 1) / 2, sd = turn))
    x <- matrix(rnorm(40 * d), 40) %*% (exp(rnorm(d, sd = 0.7)) * t(mine))
    scatter[, , j] <- crossprod(x) * rows[j] / 40
  }
  list(rows = rows, scatter = scatter)
}

# The multivariate normal family for oracle_em(), in plain R. Covariances of VVV, VVI and EEE in closed form.
oracle_mvnormal <- function(cov) {
  list(
    log_density = function(x, parameters, j) {
      s <- as.matrix(parameters$cov[, , j])
      off <- x - rep(parameters$mean[, j], each = nrow(x))
      -ncol(x) * log(2 * pi) / 2 - as.numeric(determinant(s)$modulus) / 2 - rowSums((off %*% solve(s)) * off) / 2
    },
    maximise = function(x, share, old, fixed, equal) oracle_mv_step(unname(as.matrix(x)), share, old, fixed, equal, cov),
    chart = function(parameters) oracle_mv_chart(parameters, cov)
  )
}

oracle_mv_step <- function(x, share, old, fixed, equal, cov) {
  k <- ncol(share)
  d <- ncol(x)
  mass <- colSums(share)
  scatter <- function(mean) {
    array(vapply(seq_len(k), function(j) {
      off <- x - rep(mean[, j], each = nrow(x))
      crossprod(off * sqrt(share[, j]))
    }, matrix(0, d, d)), c(d, d, k))
  }
  mean <- crossprod(x, share) / rep(mass, each = d)
  held <- if (is.null(fixed$mean)) logical(k) else !is.na(fixed$mean[1, ])
  if (any(held)) mean[, held] <- fixed$mean[, held]
  kept <- if (is.null(fixed$cov)) logical(k) else !is.na(fixed$cov[1, 1, ])
  spread <- function(mean) {
    s <- oracle_mv_shape(scatter(mean), mass, if ("cov" %in% equal) c(VVV = "EEE", VVI = "EEI")[[cov]] else cov)
    if (any(kept)) s[, , kept] <- fixed$cov[, , kept]
    s
  }
  if ("mean" %in% equal) {
    # In turn: each given the other.
    centre <- mean
    for (turn in 1:2000) {
      s <- spread(mean)
      weight <- lapply(seq_len(k), function(j) mass[j] * solve(s[, , j]))
      own <- Reduce(`+`, lapply(seq_len(k), function(j) weight[[j]] %*% centre[, j]))
      new <- solve(Reduce(`+`, weight), own)
      moved <- max(abs(new - mean[, 1]))
      mean[] <- new
      if (moved < 1e-15) break
    }
  }
  list(mean = mean, cov = spread(mean))
}

oracle_mv_shape <- function(w, mass, structure) {
  k <- length(mass)
  own <- sweep(w, 3L, mass, "/")
  if (substr(structure, 1L, 1L) == "E") own[] <- rowSums(w, dims = 2L) / sum(mass)
  if (substr(structure, 3L, 3L) == "I") for (j in seq_len(k)) own[, , j] <- diag(diag(own[, , j]))
  own
}

# Free coordinates: logs of proportions against the first, means, Cholesky factors with the logs of their diagonals.
oracle_mv_chart <- function(parameters, cov) {
  d <- nrow(parameters$mean)
  k <- ncol(parameters$mean)
  free <- if (cov == "VVI") diag(d) == 1 else lower.tri(diag(d), TRUE)
  different <- seq_len(if (cov == "EEE") 1L else k)
  roots <- vapply(different, function(j) {
    l <- t(chol(as.matrix(parameters$cov[, , j])))
    diag(l) <- log(diag(l))
    l[free]
  }, double(sum(free)))
  build <- function(v) {
    prop <- c(1, exp(v[seq_len(k - 1)]))
    v <- v[-seq_len(k - 1)]
    root <- matrix(v[-seq_len(d * k)], sum(free))
    each <- vapply(seq_len(k), function(j) {
      l <- matrix(0, d, d)
      l[free] <- root[, min(j, ncol(root))]
      diag(l) <- exp(diag(l))
      l %*% t(l)
    }, matrix(0, d, d))
    list(prop = prop / sum(prop), mean = matrix(v[seq_len(d * k)], d), cov = array(each, c(d, d, k)))
  }
  list(at = c(log(parameters$prop[-1] / parameters$prop[1]), parameters$mean, roots), parameters = build)
}

# Chance clusters among multivariate normal components.
#
# A component whose sds are on (geometric) average below 0.58 of the largest component's is asked, or where components differ in
# nothing but their volumes, below a third: it puts N rows into its ellipsoid of 95 %, where the others put e. Would the data
# hold an ellipsoid like it by chance? Some of its rows, `used`, give it its form, so that it may be as flat as they are: a
# Poisson count of mean e must reach N - used + e, in one of the ellipsoids that used + 1 rows out of all give; or, where that is
# less, in one of the places that the volumes of all components have for it, by three for each number that its form has.
# With fewer than used + 3 rows a component is always called a chance cluster. `e` is had by a soft ellipsoid, a normal bump of
# its volume, for which it has a closed form.

# How many rows give the form of a component's covariance, of how many numbers it is, and how much narrower (in log volume) than
# the largest a component is that is asked. NULL: volumes are equal, no component is unbounded.
form_of <- function(cov, d) {
  if (substr(cov, 1L, 1L) == "E") return(NULL)
  switch(cov, VVV = list(used = d, numbers = d * (d + 1) / 2, narrow = d * log(3) / 2),
    VVI = , VVE = list(used = 1, numbers = d, narrow = d * log(3) / 2), list(used = 1, numbers = 1, narrow = d * log(3)))
}

# For each of many runs (a column of each block): may a component be a chance cluster?
mvnormal_spurious <- function(parameters, total, spec) {
  prop <- as.matrix(parameters$prop)
  k <- nrow(prop)
  runs <- ncol(prop)
  mean <- matrix(parameters$mean, ncol = k * runs)
  cov <- matrix(parameters$cov, ncol = k * runs)
  d <- nrow(mean)
  spurious <- rep(FALSE, runs)
  form <- form_of(spec$family$cov, d)
  if (k < 2L || is.null(form)) return(spurious)
  used <- form$used
  at <- (seq_len(d) - 1L) * d + seq_len(d)
  # In units of the first component of each run nothing is out of range.
  unit <- sqrt(cov[at, (col(prop) - 1L) * k + 1L, drop = FALSE])
  cov <- cov / (unit[rep(seq_len(d), d), , drop = FALSE] * unit[rep(seq_len(d), each = d), , drop = FALSE])
  mean <- mean / unit
  volume <- matrix(log_dets(cov) / 2, k)
  rows <- total * prop
  live <- rows > 0
  largest <- apply(ifelse(live, volume, -Inf), 2L, max)
  narrow <- which(volume < rep(largest, each = k) - form$narrow & live & !held_components(spec, k))
  if (!length(narrow)) return(spurious)
  run <- col(prop)[narrow]
  few <- rows[narrow] < 0.95 * (used + 3)
  spurious[run[few]] <- TRUE
  narrow <- narrow[!spurious[run]]
  if (!length(narrow)) return(spurious)
  run <- col(prop)[narrow]
  own <- rep(narrow, each = k)
  other <- as.vector(outer(seq_len(k), (run - 1L) * k, `+`))
  bump <- soft_radius(d)
  # Log densities, but for their constant, of the distances of means.
  logs <- .Call(C_emix_bumps, cov, mean, other, own, bump)
  inside <- exp(logs + volume[own] + d * log(bump) / 2)
  expected <- colSums(matrix(ifelse(own == other, 0, rows[other] * pmin(inside, 1)), k))
  count <- rows[narrow] * 0.95 - used
  chance <- stats::ppois(ceiling(count + expected) - 1, expected, lower.tail = FALSE, log.p = TRUE)
  places <- largest[run] + log(colSums(exp(volume[, run, drop = FALSE] - rep(largest[run], each = k)))) - volume[narrow]
  windows <- pmin(lchoose(max(total, used + 1), used + 1), places + form$numbers * log(3))
  spurious[run[chance + windows > log(0.001)]] <- TRUE
  spurious
}

# Of a normal bump, the variance (in those of a component) with which its volume is that of the ellipsoid of 95 %.
soft_radius <- function(d) {
  log_volume <- d * log(pi) / 2 - lgamma(d / 2 + 1) + d * log(stats::qchisq(0.95, d)) / 2
  exp(2 * log_volume / d) / (2 * pi)
}

held_components <- function(spec, k) {
  held <- spec$held$cov
  if (is.null(held)) rep(FALSE, k) else colSums(matrix(held, ncol = k)) > 0
}

# Numerical derivatives, and the objective of a fit on free coordinates, all by the oracle alone.

# Central differences, extrapolated (Richardson): the gradient from h, h/2 and h/4, its error of the
# order h^6; the Hessian from h and h/2, of the order h^4.
numeric_gradient <- function(f, at, h = 1e-2) {
  difference <- function(i, h) {
    up <- down <- at
    up[i] <- up[i] + h
    down[i] <- down[i] - h
    (f(up) - f(down)) / (2 * h)
  }
  vapply(seq_along(at), function(i) {
    a <- (4 * difference(i, h / 2) - difference(i, h)) / 3
    b <- (4 * difference(i, h / 4) - difference(i, h / 2)) / 3
    (16 * b - a) / 15
  }, 0)
}

numeric_hessian <- function(f, at, h = 2e-2) {
  centre <- f(at)
  moved <- function(i, a, j, b) {
    to <- at
    to[i] <- to[i] + a
    to[j] <- to[j] + b
    f(to)
  }
  second <- function(i, j, h) {
    if (i == j) return((moved(i, h, i, 0) - 2 * centre + moved(i, -h, i, 0)) / h^2)
    (moved(i, h, j, h) - moved(i, h, j, -h) - moved(i, -h, j, h) + moved(i, -h, j, -h)) / (4 * h^2)
  }
  q <- length(at)
  hessian <- matrix(0, q, q)
  for (i in seq_len(q)) {
    for (j in seq_len(i)) {
      hessian[i, j] <- hessian[j, i] <- (4 * second(i, j, h / 2) - second(i, j, h)) / 3
    }
  }
  hessian
}

# Free coordinates at `parameters`: logs of the free proportions against the largest of them, and
# the family's own (oracle$free). Held parameters, components of proportion zero and parameters on
# their boundary have none; shared ones have one.
#
#   at           the coordinates
#   parameters   function(v), back
oracle_chart <- function(parameters, oracle, fixed = NULL, equal = NULL) {
  if (!is.null(oracle$chart)) return(oracle$chart(lapply(parameters, unname)))
  parameters <- lapply(parameters, unname)
  live <- parameters$prop > 0
  open <- live & !oracle_held(parameters$prop, fixed$prop, "prop" %in% equal, TRUE)
  reference <- which(open)[which.max(parameters$prop[open])]
  logs <- setdiff(which(open), reference)
  room <- sum(parameters$prop[open])
  parts <- list()
  for (block in names(oracle$free)) {
    value <- oracle$free[[block]]$to(parameters[[block]])
    shared <- block %in% equal
    at <- which(live & is.finite(value) & !oracle_held(value, fixed[[block]], shared, FALSE))
    first <- if (shared) at[min(1, length(at))] else at
    parts[[block]] <- list(at = at, value = value[first])
  }
  build <- function(v) {
    new <- parameters
    taken <- 0
    take <- function(n) {
      taken <<- taken + n
      v[taken - n + seq_len(n)]
    }
    share <- rep(1, length(open))
    share[logs] <- exp(take(length(logs)))
    new$prop[open] <- room * share[open] / sum(share[open])
    for (block in names(parts)) {
      p <- parts[[block]]
      new[[block]][p$at] <- oracle$free[[block]]$from(take(length(p$value)))
    }
    new
  }
  at <- c(log(parameters$prop[logs] / parameters$prop[reference]),
    unlist(lapply(parts, function(p) p$value), use.names = FALSE))
  list(at = at, parameters = build)
}

oracle_held <- function(value, fixed, shared, is_prop) {
  k <- length(value)
  held <- if (is.null(fixed)) logical(k) else !is.na(fixed)
  if (is_prop) return(if (k == 1 || shared || sum(!held) == 1) rep(TRUE, k) else held)
  if (shared && any(held)) rep(TRUE, k) else held
}

# Gradient, Hessian and Newton's decrement of the objective (log-likelihood, plus log prior where
# `prior` holds all its numbers) at a fit's parameters.
oracle_top <- function(fit, x, oracle, ..., fixed = NULL, equal = NULL, prior = NULL) {
  parameters <- if (is.list(fit$parameters)) fit$parameters else fit
  chart <- oracle_chart(parameters, oracle, fixed, equal)
  f <- function(v) {
    oracle_objective(x, chart$parameters(v), oracle, ..., equal = equal, prior = prior)
  }
  if (!length(chart$at)) {
    return(list(gradient = numeric(), hessian = matrix(0, 0, 0), decrement = 0, definite = TRUE))
  }
  gradient <- numeric_gradient(f, chart$at)
  hessian <- numeric_hessian(f, chart$at)
  values <- eigen(-hessian, symmetric = TRUE)$values
  list(gradient = gradient, hessian = hessian, definite = min(values) > 1e-7 * max(abs(values)),
    decrement = tryCatch(drop(gradient %*% solve(-hessian, gradient)) / 2, error = function(e) NA))
}

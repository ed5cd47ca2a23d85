# Profile limits by brute force: the oracle's objective, maximised by optim() with a parameter held, and uniroot().

# Parameters with one of them at `value`, and what is then fixed. i: its number in coef().
oracle_hold <- function(parameters, i, value, fixed, equal) {
  k <- length(parameters$prop)
  b <- names(parameters)[(i - 1) %/% k + 1]
  j <- (i - 1) %% k + 1
  at <- if (b %in% equal) seq_len(k) else j
  if (is.null(fixed[[b]])) fixed[[b]] <- rep(NA_real_, k)
  fixed[[b]][at] <- value
  if (b == "prop") {
    free <- is.na(fixed$prop)
    left <- 1 - sum(fixed$prop, na.rm = TRUE)
    parameters$prop[free] <- left * parameters$prop[free] / sum(parameters$prop[free])
  }
  parameters[[b]][at] <- value
  list(parameters = parameters, fixed = fixed)
}

# The highest objective near `parameters`, and where.
oracle_climb <- function(parameters, x, oracle, weights = NULL, labels = NULL, fixed = NULL, equal = NULL, prior = NULL) {
  chart <- oracle_chart(parameters, oracle, fixed, equal)
  f <- function(v) {
    value <- -oracle_objective(x, chart$parameters(v), oracle, weights, labels, equal, prior)
    if (is.finite(value)) value else 1e10
  }
  if (!length(chart$at)) return(list(objective = -f(numeric()), parameters = parameters))
  found <- stats::optim(chart$at, f, method = "BFGS", control = list(reltol = 1e-10, maxit = 500))
  # Its differences are coarse: a step of Newton.
  step <- tryCatch(solve(numeric_hessian(f, found$par), numeric_gradient(f, found$par)), error = function(e) 0 * found$par)
  at <- if (f(found$par - step) <= found$value) found$par - step else found$par
  list(objective = -f(at), parameters = chart$parameters(at))
}

# Values on a grid to one side, a step apart, until the fall is that of the level; then uniroot().
brute_limit <- function(fit, i, side, level, x, oracle, ..., fixed = NULL, equal = NULL, step) {
  parameters <- lapply(fit$parameters, unname)
  top <- oracle_climb(parameters, x, oracle, ..., fixed = fixed, equal = equal)$objective
  goal <- stats::qchisq(level, 1) / 2
  warm <- parameters
  fall <- function(t) {
    held <- oracle_hold(warm, i, t, fixed, equal)
    found <- oracle_climb(held$parameters, x, oracle, ..., fixed = held$fixed, equal = equal)
    warm <<- found$parameters
    top - found$objective - goal
  }
  from <- coef(fit)[[i]]
  for (turn in 1:60) {
    to <- from + side * step
    if (fall(to) >= 0) return(stats::uniroot(fall, sort(c(from, to)), tol = 1e-9)$root)
    from <- to
  }
  NA
}

# Every limit of a fit against the oracle: the objective has fallen enough a millionth of a standard error beyond it, and not
# yet as much before it, nor half way to it. Which: all, but the second of two proportions and shared ones once.
expect_profile <- function(fit, x, oracle, ..., fixed = NULL, equal = NULL, level = 0.95, which = NULL) {
  if (is.null(which)) {
    k <- fit$k
    again <- lapply(seq_along(fit$parameters), function(b) if ((b == 1 && k == 2) || names(fit$parameters)[b] %in% equal) (b - 1) * k + 2:k)
    which <- setdiff(seq_along(coef(fit)), unlist(again))
  }
  limits <- confint(fit, which, level = level, method = "profile")
  errors <- sqrt(diag(vcov(fit)))[which]
  expect_identical(unname(is.na(limits)), cbind(unname(is.na(errors)), unname(is.na(errors))))
  parameters <- lapply(fit$parameters, unname)
  level <- oracle_climb(parameters, x, oracle, ..., fixed = fixed, equal = equal)$objective - stats::qchisq(level, 1) / 2
  for (row in base::which(!is.na(errors))) {
    for (side in 1:2) {
      end <- limits[row, side]
      small <- c(-1, 1)[side] * 1e-6 * errors[row]
      values <- unname(c((coef(fit)[[which[row]]] + end) / 2, end - small, end + small))
      warm <- parameters
      above <- vapply(values, function(t) {
        held <- oracle_hold(warm, which[row], t, fixed, equal)
        found <- oracle_climb(held$parameters, x, oracle, ..., fixed = held$fixed, equal = equal)
        warm <<- found$parameters
        found$objective > level
      }, NA)
      expect_identical(above, c(TRUE, TRUE, FALSE), label = paste("heights about a limit of", rownames(limits)[row]))
    }
  }
  invisible(limits)
}

# Profile limits of multivariate normal fits by plain R alone: Newton's method, with numerical derivatives in a chart of the model, for
#
#   d (l - m phi) / dv = 0,   l = top - q^2 / 2
#
# with phi the parameter and m its multiplier, from where a parabola would have them.

# i: numbers of coef(); `free`: coordinates of the chart that are not held. A row per parameter.
multi_limits <- function(x, parameters, structure, i, level = 0.95, weights = NULL, labels = NULL, log_prior = function(p) 0, one_mean = FALSE,
                         free = TRUE) {
  w <- if (is.null(weights)) rep(1, nrow(x)) else weights
  chart <- multi_chart(parameters, structure, one_mean)
  at <- chart$at[free]
  whole <- function(v) replace(chart$at, if (isTRUE(free)) seq_along(v) else which(free), v)
  height <- function(v) {
    p <- chart$back(whole(v))
    sum(w * multi_rows(x, p, labels)) + log_prior(p)
  }
  gradient <- numeric_gradient(height, at)
  hessian <- numeric_hessian(height, at)
  at <- at - solve(hessian, gradient)
  goal <- height(at) - stats::qchisq(level, 1) / 2
  t(vapply(i, function(one) {
    vapply(c(-1, 1), function(side) {
      multi_limit(height, function(v) chart$listed(whole(v))[one], at, hessian, side, goal, sqrt(stats::qchisq(level, 1)))
    }, 0)
  }, double(2)))
}

coarse_gradient <- function(f, at, h = 1e-4) {
  vapply(seq_along(at), function(i) (f(at + h * (seq_along(at) == i)) - f(at - h * (seq_along(at) == i))) / (2 * h), 0)
}

# By way of smaller falls. Second derivatives are taken anew only now and then.
multi_limit <- function(height, phi, at, hessian, side, goal, q, parts = c(0.4, 0.7, 1)) {
  slope <- numeric_gradient(phi, at)
  reach <- solve(-hessian, slope)
  error <- sqrt(sum(slope * reach))
  top <- height(at)
  v <- at
  m <- 0
  for (part in seq_along(parts)) {
    by <- parts[part] - c(0, parts)[part]
    v <- v + side * q * by * reach / error
    m <- m - side * q * by / error
    own <- top - (top - goal) * parts[part]^2
    bend <- numeric_hessian(height, v) - m * numeric_hessian(phi, v)
    for (turn in 1:40) {
      gradient <- if (part < length(parts)) coarse_gradient else numeric_gradient
      fall <- gradient(height, v)
      slope <- gradient(phi, v)
      step <- solve(rbind(cbind(bend, -slope), c(fall, 0)), -c(fall - m * slope, height(v) - own))
      v <- v + step[seq_along(v)]
      m <- m + step[length(step)]
      if (max(abs(step)) < (if (part < length(parts)) 1e-3 else 1e-8)) break
      if (turn %% 8 == 0) bend <- numeric_hessian(height, v) - m * numeric_hessian(phi, v)
    }
    reach <- -solve(bend, slope)
    error <- sqrt(abs(sum(slope * reach)))
  }
  if (max(abs(step)) < 1e-8) phi(v) else NA
}

# The distribution of a quadratic function of normal variables, by inversion of its moment generating function.
#
#   Q = sum_r (l_r y_r^2 + b_r y_r) + c,    y_r independent standard normal
#   M(s) = E exp(s Q) = exp(s c) prod_r (1 - 2 s l_r)^(-1/2) exp(s^2 b_r^2 / (2 (1 - 2 s l_r)))
#   P(Q < 0) = 1 / (2 pi i) integral of M(-p) / p dp, upwards along any line to the right of 0 on which M is finite
#
# Imhof (1961) and Davies (1980) integrate along the imaginary axis, where small probabilities are differences of large numbers. Here the
# line goes through the saddlepoint p0 of G(p) = log M(-p) - log p, where the integrand is positive and largest, so that
# probabilities of 1e-300 have as many digits as others; and it is bent to where exp(-p (c - sum b_r^2 / (4 l_r))) falls:
#   p(u) = p0 + w (i sinh u + g (cosh u - 1)),    w = 1 / sqrt(G''(p0)),    G''(p) = 1 / p^2 + sum 2 l_r^2 / q_r^2 + b_r^2 / q_r^3,  q_r = 1 + 2 p l_r,
# which goes around the singularities, all on the real axis. The integrand falls at least like exp(-|u| / 2), and the trapezoidal
# rule converges exponentially in the number of its points (Trefethen & Weideman 2014). Nothing is divided by l_r: some may be 0.
#
# Imhof, J. P. (1961). Computing the distribution of quadratic forms in normal variables. Biometrika 48, 419-426.
# Davies, R. B. (1980). The distribution of a linear combination of chi-squared random variables. Applied Statistics 29, 323-333.
# Trefethen, L. N. and Weideman, J. A. C. (2014). The exponentially convergent trapezoidal rule. SIAM Review 56, 385-458.

# P(Q < 0) and P(Q > 0), and what the first is uncertain by, relative to the smaller one; `l`, `b`, `c` as above.
quadratic_chances <- function(l, b, c) {
  some <- l != 0 | b != 0
  l <- l[some]
  b <- b[some]
  if (!length(l)) return(list(below = as.double(c < 0), above = as.double(c > 0), doubt = 0))
  if (all(l == 0)) {
    z <- c / sqrt(sum(b^2))
    return(list(below = stats::pnorm(-z), above = stats::pnorm(z), doubt = 0))
  }
  if (sum(l) + c < 0) {
    other <- quadratic_tail(-l, -b, -c)
    return(list(below = 1 - other$chance, above = other$chance, doubt = other$doubt))
  }
  own <- quadratic_tail(l, b, c)
  list(below = own$chance, above = 1 - own$chance, doubt = own$doubt)
}

# P(Q < 0) where it is the smaller one, E Q >= 0.
quadratic_tail <- function(l, b, c) {
  far <- sum(ifelse(l == 0, ifelse(b == 0, 0, -Inf), -b^2 / (4 * l))) + c
  least <- if (all(l >= 0)) far else -Inf
  if (least >= 0) return(list(chance = 0, doubt = 0))
  # In units in which p0 = 1 nothing is out of range.
  unit <- saddlepoint(l, b, c)
  l <- l * unit
  b <- b * unit
  c <- c * unit
  top <- log_integrand(1, l, b, c)
  if (Re(top) < -750) return(list(chance = 0, doubt = 0))
  width <- 1 / sqrt(sum(2 * (l / (1 + 2 * l))^2 + b^2 / (1 + 2 * l)^3) + 1)
  for (bend in sign(far) * c(0.7, 0.35, 0.15, 0.05, 0)) {
    on_line <- function(u) {
      p <- 1 + width * complex(real = bend * (cosh(u) - 1), imaginary = sinh(u))
      list(log = log_integrand(p, l, b, c) - top, speed = complex(real = bend * sinh(u), imaginary = cosh(u)))
    }
    value <- line_integral(on_line)
    if (is.finite(value$doubt)) break
  }
  list(chance = min(width * value$integral * exp(Re(top)) / pi, 1), doubt = value$doubt)
}

# The trapezoidal rule with ever more points, until two agree; Inf as doubt where the integrand rises along the line.
line_integral <- function(on_line, reach = 90) {
  integrand <- function(u) {
    at <- on_line(u)
    if (any(Re(at$log) > 3)) return(NULL)
    at$log[Re(at$log) < -700] <- -700
    Im(exp(at$log) * at$speed)
  }
  step <- 1 / 4
  before <- NULL
  sum <- integrand(0) / 2
  more <- integrand(seq(step, reach, step))
  for (turn in seq_len(9L)) {
    if (is.null(more)) return(list(integral = 0, doubt = Inf))
    sum <- sum + sum(more)
    integral <- step * sum
    doubt <- if (is.null(before)) Inf else abs(integral - before) / abs(integral)
    if (is.finite(doubt) && doubt < 1e-13) break
    before <- integral
    more <- integrand(seq(step / 2, reach, step))
    step <- step / 2
  }
  list(integral = integral, doubt = doubt)
}

# G at complex p. Products of few factors keep to one branch of the logarithm: each factor is right of 0 or off the real axis.
log_integrand <- function(p, l, b, c) {
  value <- -p * c - log(p)
  for (r in seq_along(l)) {
    q <- 1 + 2 * p * l[r]
    value <- value - 0.5 * log(q) + (p * b[r])^2 / (2 * q)
  }
  value
}

# Where G is least on the real axis between 0 and the first singularity: p G'(p) rises from -1.
saddlepoint <- function(l, b, c) {
  end <- if (any(l < 0)) 1 / (2 * max(-l)) else Inf
  place <- function(v) if (end < Inf) end * stats::plogis(v) else exp(v)
  slope <- function(v) {
    p <- place(v)
    q <- if (end < Inf) stats::plogis(-v) + stats::plogis(v) * (1 + 2 * end * l) else 1 + 2 * p * l
    value <- -1 - p * c + sum(-l * p / q + (b * p / q)^2 * (1 + p * l))
    if (is.nan(value)) 1e300 else max(min(value, 1e300), -1e300)
  }
  low <- -1
  high <- 1
  while (slope(low) > 0 && low > -700) low <- 2 * low
  while (slope(high) < 0 && high < 700) high <- 2 * high
  place(stats::uniroot(slope, c(low, high), tol = 1e-4)$root)
}

# The binomial family; its formulas are in src/family-binomial.c. Rows are a
# two-column matrix: successes, trials.

# From this many trials on the core works with deviances, in which nothing cancels.
many_trials <- 2^13

binomial_rows <- function(x, options) {
  two <- is.matrix(x) && ncol(x) == 2L
  plain <- is.numeric(x) && !is.object(x) && if (two) is.null(options$size) else
    is.null(dim(x)) && length(options$size) %in% c(1L, length(x))
  rows <- if (plain) .Call(C_emix_pairs, x, options$size)
  # Where there is something to say, it is said in words.
  if (is.null(rows)) binomial_rows_in_words(x, options) else rows
}

binomial_rows_in_words <- function(x, options) {
  if (is.matrix(x) && ncol(x) == 2L) {
    if (!is.null(options$size)) {
      stop_input("size", "left out when the response has two columns (successes, failures)")
    }
    if (!is.numeric(x)) stop_input("x", "numeric", describe(x))
    rows <- cbind(x[, 1L], x[, 1L] + x[, 2L])
    failures <- x[, 2L]
  } else {
    x <- check_numeric(if (is.matrix(x) && ncol(x) == 1L) x[, 1L] else x, "x")
    if (is.null(options$size)) {
      emix_stop("input", "`x` must have two columns (successes, failures), or the numbers of ",
        "trials must be given: family = mix_binomial(size = ).", argument = "x")
    }
    if (!length(options$size) %in% c(1L, length(x))) {
      stop_input("size", sprintf("one number or one per row (%d)", length(x)),
        sprintf("of length %d", length(options$size)))
    }
    rows <- cbind(x, rep_len(options$size, length(x)))
    failures <- rows[, 2L] - rows[, 1L]
  }
  known <- !is.na(rows[, 1L]) & !is.na(failures)
  finite <- known & is.finite(rows[, 1L]) & is.finite(failures)
  check_counts(rows[finite, 1L], "x")
  short <- which(finite & failures < 0)
  if (length(short)) {
    emix_stop("input", if (is.null(options$size)) "failures must not be negative" else
      "`size` must not be less than the successes", " (row ", listing(short), ").",
      argument = if (is.null(options$size)) "x" else "size")
  }
  check_counts(failures[finite], if (is.null(options$size)) "x" else "size")
  check_counts(rows[finite, 2L], "size")
  dimnames(rows) <- NULL
  storage.mode(rows) <- "double"
  rows
}

# What does not depend on the parameters: log choose(t, s), or against the saturated model where
# the core gives deviances. The first by the second, which is accurate for any size.
binomial_row_offset <- function(x, deviance) {
  s <- x[, 1L]
  t <- x[, 2L]
  share <- ifelse(t > 0, s / t, 0)
  saturated <- dbinom(s, t, share, log = TRUE)
  if (deviance) return(saturated)
  xlogy <- function(a, b) ifelse(a > 0, a * log(b), 0)
  saturated - xlogy(s, share) - xlogy(t - s, 1 - share)
}

# Half a success and half a failure are added: no start sits on a boundary, which EM cannot leave.
binomial_estimate <- function(rows, shares, k) {
  prob <- mass <- numeric(k)
  for (j in seq_len(k)) {
    w <- shares(j)
    mass[j] <- sum(w)
    prob[j] <- (sum(w * rows$x[, 1L]) + 0.5) / (sum(w * rows$x[, 2L]) + 1)
  }
  list(prop = mass / sum(mass), prob = prob)
}

binomial_apart <- function(parameters, same, free, times = 1) {
  step <- times * (seq_along(same) - (length(same) + 1) / 2) / 5
  if (all(free$prob[same])) {
    p <- pmin(pmax(parameters$prob[same], 0.001), 0.999)
    parameters$prob[same] <- stats::plogis(stats::qlogis(p) + step)
  }
  parameters
}

binomial_merge <- function(parameters, a, b) {
  prop <- parameters$prop[c(a, b)]
  parameters$prob[a] <- sum(prop * parameters$prob[c(a, b)]) / max(sum(prop), .Machine$double.xmin)
  parameters$prop[c(a, b)] <- c(sum(prop), 0)
  parameters
}

binomial_split <- function(parameters, from, to, way = 1L) {
  at <- c(from, to)
  logit <- stats::qlogis(min(max(parameters$prob[from], 0.001), 0.999))
  parameters$prop[at] <- parameters$prop[from] / 2
  parameters$prob[at] <- stats::plogis(logit + c(-0.5, 0.5))
  parameters
}

# Lindsay's gradient function. With m the most trials of a row, log(1 + D / n) - m log(1 - t) is convex in logit t (each
# term is the exponential of a convex function) and rises with t; so is log(1 + D / n) - m log t, which falls.
# In the arcsine scale components are equally wide.
binomial_gradient <- function(fit, rows, sd) {
  if (!is.null(sd)) stop_input("sd", "left out: binomial components have none")
  trials <- rows$x[, 2L]
  most <- max(trials)
  terms <- binomial_terms(rows$x[, 1L], trials, rows$log_ratio)
  list(range = c(0, 1), support = unname(fit$parameters$prob), rows = (rows$x[, 1L] / trials)[trials > 0],
    width = 0.5 / sqrt(most), to = function(t) asin(sqrt(t)), from = function(u) sin(u)^2, size = length(trials),
    log_terms = terms, exact = terms,
    bend = function(a, b) {
      steepest <- ifelse(a < 0.5 & b > 0.5, 0.25, pmax(a * (1 - a), b * (1 - b)))
      most * steepest * (log(b / a) + log((1 - a) / (1 - b)))^2
    },
    edge = function(a, b) ifelse(a == 0, -most * log1p(-b), ifelse(b == 1, -most * log(a), NA)))
}

# Logs of the terms of 1 + D / n: a row per point, a column per probability. The first part is accurate for any number of
# trials, the second is small where the probabilities are near each other.
binomial_terms <- function(s, trials, log_ratio) {
  counts <- cbind(s, trials - s)
  function(t) {
    about <- min(max(t[(length(t) + 1L) %/% 2L], 2^-1000), 1 - 2^-53)
    change <- pmax(rbind(log(t / about), log((1 - t) / (1 - about))), -1e300)
    log_ratio + dbinom(s, trials, about, log = TRUE) + counts %*% change
  }
}

# Far out pbinom() underflows, with a warning, where its log need not: the tail is at least its first term, and
# there hardly more.
binomial_cdf <- function(s, size, prob, lower.tail, log.p) {
  value <- suppressWarnings(pbinom(s, size, prob, lower.tail, log.p))
  lost <- which(log.p & value == -Inf)
  first <- floor(s) + !lower.tail
  value[lost] <- dbinom(first[lost], rep_len(size, length(s))[lost], prob, log = TRUE)
  value
}

# The M-step in numbers: expected successes over expected trials, and what the prior has beforehand of both.
binomial_ratios <- function(totals, mass, new, shared, prior, affine) {
  prior <- or_default(prior, c(0, 0))
  list(prob = list(over = totals[1L], under = totals[1:2], before = c(prior[1L], sum(prior)), root = FALSE))
}

binomial_family <- function(options = NULL) list(
  name = "binomial",
  title = "binomial",
  blocks = "prob",
  sizes = function(columns) c(prob = 1L),
  links = c(prob = "logit"),
  required = "prob",
  columns = 2L,
  spreads = FALSE,
  smooth = FALSE,
  discrete = TRUE,
  rows = binomial_rows,
  options = function(rows) as.double(max(rows$x[, 2L]) >= many_trials),
  affine = function(about) list(factor = c(1, 1), shift = c(0, 0)),
  to_core = function(parameters, affine) parameters,
  from_core = function(core, affine) core,
  row_offset = function(x, affine) binomial_row_offset(x, max(x[, 2L]) >= many_trials),
  legal = function(block, value) {
    list(ok = value >= 0 & value <= 1, expected = "between 0 and 1")
  },
  coordinate = function(x) (x[, 1L] + 0.5) / (x[, 2L] + 1),
  estimate = binomial_estimate,
  statistics = function(rows) rows$x,
  from_sums = function(sums, rows) {
    list(prop = sums[[1L]] / rep(colSums(sums[[1L]]), each = nrow(sums[[1L]])),
      prob = (sums[[2L]] + 0.5) / (sums[[3L]] + 1))
  },
  complete = function(rows, parameters) parameters,
  apart = binomial_apart,
  prior = function(prior, rows, k, affine) {
    if (prior$type == "flat" && is.null(prior$prob)) return(NULL)
    or_default(prior$prob, c(1.5, 1.5)) - 1
  },
  prior_offset = function(own, spec, affine) 0,
  not_prior = c("mean", "shrinkage", "df", "scale"),
  thin = spaced_rows,
  gradient = binomial_gradient,
  spurious = function(parameters, total, spec) rep(FALSE, ncol(parameters$prop)),
  overlap = binomial_overlap,
  merge = binomial_merge,
  split = binomial_split,
  split_ways = 1L,
  closeness = function(parameters, a, b) -abs(parameters$prob[a] - parameters$prob[b]),
  coincide = function(parameters, a, b) abs(diff(parameters$prob[c(a, b)])) < 1e-3,
  order = function(parameters) order(parameters$prob, parameters$prop),
  log_density = function(x, par, log = TRUE) dbinom(x[, 1L], x[, 2L], par$prob, log = log),
  cdf = function(q, par, lower.tail = TRUE, log.p = FALSE) {
    binomial_cdf(q[, 1L], q[, 2L], par$prob, lower.tail, log.p)
  },
  quantile = function(p, par, lower.tail = TRUE, log.p = FALSE) {
    qbinom(p[, 1L], p[, 2L], par$prob, lower.tail, log.p)
  },
  draw = function(n, par, size) rbinom(n, size, par$prob),
  centre = function(x, par) x[, 2L] * par$prob,
  columns_of = function(x, names) {
    names <- if (length(names) == 2L && all(nzchar(names)) && !anyDuplicated(names)) names else c("successes", "failures")
    stats::setNames(list(x[, 1L], x[, 2L] - x[, 1L]), names)
  },
  expected = function(x, new, names) stats::setNames(list(x[, 1L], x[, 2L] - x[, 1L]), names),
  ratios = binomial_ratios,
  density_text = function(x, par, show) sprintf("dbinom(%s, %s, %s)", show(x[, 1L]), show(x[, 2L]), show(par$prob))
)

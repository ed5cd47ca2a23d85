# The mixture as a distribution: d, p, q, r.

one_component <- function(parameters, j) {
  lapply(parameters, function(v) {
    switch(length(dim(v)) + 1L, unname(v[[j]]), NULL, unname(v[, j]), unname(array(v[, , j], dim(v)[1:2])))
  })
}

# log sum_j prop_j exp(terms_j): terms is a list of vectors.
log_mix <- function(terms, prop) {
  terms <- Map(function(t, w) t + log(w), terms, prop)
  top <- Reduce(pmax, terms)
  top[top == -Inf] <- 0
  top + log(Reduce(`+`, lapply(terms, function(t) exp(t - top))))
}

mixture_log_density <- function(x, parameters, family) {
  log_mix(lapply(seq_along(parameters$prop), function(j) {
    family$log_density(x, one_component(parameters, j))
  }), parameters$prop)
}

mixture_cdf <- function(q, parameters, family, lower.tail = TRUE, log.p = FALSE) {
  if (is.null(family$cdf)) return(mixture_below(q, parameters, family, lower.tail, log.p))
  value <- log_mix(lapply(seq_along(parameters$prop), function(j) {
    family$cdf(q, one_component(parameters, j), lower.tail, log.p = TRUE)
  }), parameters$prop)
  value <- pmin(value, 0)
  if (log.p) return(value)
  # Near 1 the other tail has the digits.
  top <- value > log(0.9)
  if (any(top)) {
    high <- mixture_cdf(take_rows(q, top), parameters, family, !lower.tail, TRUE)
    return(replace(exp(value), top, -expm1(high)))
  }
  exp(value)
}

# Of rows of several columns.
mixture_below <- function(q, parameters, family, lower.tail, log.p) {
  value <- 0
  for (j in which(parameters$prop > 0)) value <- value + parameters$prop[[j]] * family$below(q, one_component(parameters, j))
  value <- if (lower.tail) pmin(value, 1) else pmax(1 - value, 0)
  if (log.p) log(value) else value
}

# The quantile lies between the smallest and the largest of the components' quantiles. The
# distribution function is halved down between them, to the last bit (normal) or to one count
# (binomial). `p` holds logs of probabilities of the lower or the upper tail: the other tail is
# used where it is the smaller one, so that no digit is lost in either.
mixture_quantile <- function(p, parameters, family, lower.tail = TRUE) {
  discrete <- family$discrete
  chance <- if (is.matrix(p)) p[, 1L] else p
  live <- which(parameters$prop > 0)
  each <- vapply(live, function(j) {
    family$quantile(p, one_component(parameters, j), lower.tail, log.p = TRUE)
  }, double(length(chance)))
  each <- matrix(each, ncol = length(live))
  low <- apply(each, 1L, min)
  high <- apply(each, 1L, max)
  other <- log1m_exp(chance)
  swap <- chance > other
  slack <- if (discrete) 1e-12 else 0
  reaches <- function(x) {
    q <- if (is.matrix(p)) cbind(x, p[, 2L]) else x
    below <- mixture_cdf(q, parameters, family, TRUE, TRUE)
    above <- mixture_cdf(q, parameters, family, FALSE, TRUE)
    low <- if (lower.tail) chance else other
    high <- if (lower.tail) other else chance
    ifelse(swap == lower.tail, above <= high + slack, below >= low - slack)
  }
  for (turn in seq_len(2200L)) {
    middle <- if (discrete) floor(low + (high - low) / 2) else low + (high - low) / 2
    open <- is.finite(low) & is.finite(high) & low < high & middle < high & (discrete | middle > low)
    if (!any(open)) break
    enough <- reaches(ifelse(open, middle, high))
    high <- ifelse(open & enough, middle, high)
    low <- ifelse(open & !enough, if (discrete) middle + 1 else middle, low)
  }
  high
}

# log(1 - exp(x)), x <= 0, without loss at either end (Maechler 2012).
log1m_exp <- function(x) ifelse(x > -log(2), log(-expm1(x)), log1p(-exp(x)))

#' The distribution of a mixture
#'
#' Density, distribution function, quantile function and random generation, in R's own
#' convention, for a fit or for parameters written down.
#'
#' @param x,q vectors of values; for a binomial mixture numbers of successes; for a multivariate normal one a matrix or a data
#'   frame of its columns, or one row. `NA` gives `NA`.
#' @param p a vector of probabilities.
#' @param n number of values to draw; if it is a vector, its length.
#' @param mixture a fit of [emix()], or a list of parameters of equal lengths: `prop`
#'   (of sum 1), with `mean` and `sd` (normal), with `prob` (binomial), or with `mean` and `cov` in the form of
#'   [mix_mvnormal()] (multivariate normal).
#' @param size numbers of trials of a binomial mixture: one, or one per value.
#' @param log,log.p if `TRUE`, probabilities are given as logarithms.
#' @param lower.tail if `TRUE` (default), probabilities are `P(X <= q)`, else `P(X > q)`.
#' @return a numeric vector as long as `x`, `q` or `p`, or of `n` values; of rows of several columns `demix()` gives a value for
#'   each, `remix()` a matrix of `n` rows. `remix()` uses R's
#'   generator: the components are drawn first, then the values.
#' @details
#' The density is `sum_j prop_j f_j(x)` and so for the distribution function, both summed on the log scale, so
#' that far tails keep their digits. The quantile is found by halving between the smallest
#' and the largest of the components' quantiles.
#'
#' Of a multivariate normal mixture `pemix()` gives the probability that no column's value is above that of `q` (`Inf`: any value).
#' It needs the package mvtnorm, and is right to about 1e-10 for two and three columns, 1e-6 for more; `lower.tail = FALSE` gives one
#' minus that. A single column has the univariate mixture of its `prop`, `mean` and the roots of its variances.
#' @section Errors:
#' `emix_error_input` for arguments that do not fit, and for `qemix()` of a multivariate normal mixture, whose rows have no order;
#' `emix_error_package` for `pemix()` of one where the package mvtnorm is not there.
#' @examples
#' people <- list(prop = c(0.5, 0.5), mean = c(164, 177), sd = c(6, 6.5))
#' demix(170, people)
#' pemix(c(160, 170, 180), people)
#' qemix(c(0.05, 0.5, 0.95), people)
#' set.seed(1)
#' remix(5, people)
#' demix(0:10, list(prop = c(0.5, 0.5), prob = c(0.8, 0.45)), size = 10)
#' @export
demix <- function(x, mixture, size = NULL, log = FALSE) {
  m <- read_mixture(mixture)
  log <- check_flag(log, "log")
  value <- over_known(with_size(x, "x", m, size), function(known, at) {
    mixture_log_density(known, m$parameters, m$family)
  })
  if (log) value else exp(value)
}

#' @rdname demix
#' @export
pemix <- function(q, mixture, size = NULL, lower.tail = TRUE, log.p = FALSE) {
  m <- read_mixture(mixture)
  lower.tail <- check_flag(lower.tail, "lower.tail")
  log.p <- check_flag(log.p, "log.p")
  over_known(with_size(q, "q", m, size), function(known, at) {
    mixture_cdf(known, m$parameters, m$family, lower.tail, log.p)
  })
}

#' @rdname demix
#' @export
qemix <- function(p, mixture, size = NULL, lower.tail = TRUE, log.p = FALSE) {
  m <- read_mixture(mixture)
  check_line(m$family)
  lower.tail <- check_flag(lower.tail, "lower.tail")
  log.p <- check_flag(log.p, "log.p")
  p <- check_numeric(p, "p")
  bad <- which(if (log.p) p > 0 else p < 0 | p > 1)
  if (length(bad)) stop_input("p", if (log.p) "logs of probabilities" else "probabilities", format(p[bad[1L]]))
  if (!log.p) p <- log(p)
  over_known(with_size(p, "p", m, size), function(known, at) {
    mixture_quantile(known, m$parameters, m$family, lower.tail)
  })
}

#' @rdname demix
#' @export
remix <- function(n, mixture, size = NULL) {
  m <- read_mixture(mixture)
  n <- if (length(n) > 1L) length(n) else check_count(n, "n", 0, 2^31 - 1)
  size <- if (is.matrix(m$parameters$mean)) with_size(m$parameters$mean[, 1L], "n", m, size) else with_size(numeric(n), "n", m, size)
  size <- if (m$family$name == "binomial") size[, 2L]
  draw_mixture(n, m$parameters, m$family, size)
}

draw_mixture <- function(n, parameters, family, size = NULL,
                         component = sample.int(length(parameters$prop), n, replace = TRUE, prob = parameters$prop)) {
  force(component)
  columns <- if (is.matrix(parameters$mean)) rownames(parameters$mean)
  value <- if (is.null(columns)) numeric(n) else matrix(0, n, length(columns), dimnames = list(NULL, columns))
  for (j in unique(component)) {
    at <- which(component == j)
    drawn <- family$draw(length(at), one_component(parameters, j), size[at])
    if (is.null(columns)) value[at] <- drawn else value[at, ] <- drawn
  }
  value
}

# A fit or a list of parameters, checked.
read_mixture <- function(mixture) {
  if (inherits(mixture, "emix")) {
    check_fit(mixture, "mixture")
    return(list(family = family_of(mixture$family), parameters = mixture$parameters))
  }
  if (!is.list(mixture) || is.null(mixture$prop)) {
    stop_input("mixture", "a fit of emix() or a list of parameters with `prop`", describe(mixture))
  }
  family <- family_with(names(mixture))
  blocks <- c("prop", family$blocks)
  columns <- if (any(family$sizes(2L) > 1L)) columns_of_means(mixture[[family$required]])
  parameters <- check_parameters(mixture, "mixture", family, length(mixture$prop), free = FALSE, columns)
  missing <- setdiff(blocks, names(parameters))
  if (length(missing)) stop_input(paste0("mixture$", missing[1L]), "given")
  if (!length(mixture$prop) || abs(sum(mixture$prop) - 1) > 1e-6) {
    stop_input("mixture$prop", "of sum 1", format(sum(mixture$prop)))
  }
  parameters <- parameters[blocks]
  if (!is.null(columns)) parameters <- shape_parameters(parameters, block_sizes(family, length(columns)), component_labels(mixture), columns)
  list(family = family, parameters = parameters)
}

# Names of columns, from a matrix of means.
columns_of_means <- function(mean) {
  d <- NROW(mean)
  if (d < 2L) stop_input("mixture$mean", "a matrix of a row per column and a column per component", describe(mean))
  names <- if (is.matrix(mean)) rownames(mean) else names(mean)
  if (is.null(names) || anyDuplicated(names)) paste0("x", seq_len(d)) else names
}

component_labels <- function(mixture) {
  names <- if (is.matrix(mixture$mean)) colnames(mixture$mean) else NULL
  or_default(names, or_default(names(mixture$prop), as.character(seq_along(mixture$prop))))
}

# The family whose parameters these are: the largest that is all there, else the nearest.
family_with <- function(names) {
  score <- vapply(family_names, function(name) {
    blocks <- family_of(name)$blocks
    mean(blocks %in% names) + length(blocks) / 10
  }, 0)
  family_of(family_names[which.max(score)])
}

# Rows of these columns: a matrix or a data frame, whose columns are found by name or, without names, by place; or one row.
columns_like <- function(x, argument, columns) {
  d <- length(columns)
  if (is.data.frame(x)) x <- numbers_of_columns(known_columns(x, argument, columns), argument)
  if (is.numeric(x) && is.null(dim(x)) && length(x) == d) x <- matrix(x, 1L, dimnames = list(NULL, names(x)))
  if (!is.matrix(x) || !is.numeric(x)) stop_input(argument, sprintf("a numeric matrix or a data frame of %d columns", d), describe(x))
  if (all(columns %in% colnames(x)) && !anyDuplicated(colnames(x))) x <- x[, columns, drop = FALSE]
  known_columns(x, argument, columns)
  if (ncol(x) != d) stop_input(argument, sprintf("of %d columns (%s)", d, listing(columns)), sprintf("of %d", ncol(x)))
  storage.mode(x) <- "double"
  dimnames(x) <- list(NULL, columns)
  x
}

# A data frame's columns of these names, where it has them; some of the names without the others are an error.
known_columns <- function(x, argument, columns) {
  known <- columns %in% colnames(x)
  if (any(known) && !all(known)) {
    stop_input(argument, sprintf("of the columns %s", listing(columns, 12L)), paste("without", listing(columns[!known])))
  }
  if (all(known) && is.data.frame(x)) x[columns] else x
}

# Quantiles are of one value.
check_line <- function(family) {
  if (is.null(family$quantile)) {
    emix_stop("input", "A quantile is not there for the ", family$title, " family: rows of several columns have no order.",
      argument = "mixture")
  }
}

# Values, beside their numbers of trials where the family has them.
with_size <- function(x, argument, m, size) {
  if (is.logical(x) && all(is.na(x))) storage.mode(x) <- "double"
  if (is.matrix(m$parameters$mean)) {
    if (!is.null(size)) stop_input("size", "left out: the mixture is not binomial")
    return(columns_like(x, argument, rownames(m$parameters$mean)))
  }
  x <- check_numeric(x, argument)
  if (m$family$name != "binomial") {
    if (!is.null(size)) stop_input("size", "left out: the mixture is not binomial")
    return(x)
  }
  if (is.null(size)) stop_input("size", "given: the mixture is binomial")
  size <- check_numeric(size, "size")
  check_counts(size, "size")
  if (!length(size) %in% c(1L, length(x))) {
    stop_input("size", sprintf("one number or %d", length(x)), sprintf("of length %d", length(size)))
  }
  cbind(x, rep_len(size, length(x)), deparse.level = 0)
}

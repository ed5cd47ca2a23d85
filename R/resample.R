# Samples like a fit's: from its mixture, of its rows, or of their weights.
#
# A source is what samples are drawn from: rows (as the core has them), whole (are the weights counts), total (their sum),
# spec, theta (where refits begin, in the core's units), affine, prior, control, parameters, size and labelled (per row of x).

# Draws of a sample at once.
most_draws <- 1e8

boot_source <- function(fit, control) {
  control$trace <- FALSE
  control$progress <- FALSE
  weights <- fit$weights
  whole <- is.null(weights) || all(weights == round(weights))
  frame <- list(x = fit$x, weights = weights, labels = if (!is.null(fit$labels)) list(code = fit$labels),
    given = fit$n, kept = TRUE)
  # Rows of equal value but with weights that are no counts are not one another's copies.
  rows <- core_rows(frame, if (whole) control$condense else "none")
  spec <- fit_spec(fit)
  list(fit = fit, rows = rows, listed = listed_places(spec$sizes, spec$k, spec$columns), whole = whole, total = total_weight(rows), spec = spec, theta = inner_theta(fit, spec),
    affine = fit$core, prior = fit$arguments$prior, control = control,
    size = if (fit$family$name == "binomial") fit$x[, 2L], labelled = if (any(fit$labels > 0L)) fit$labels > 0L)
}

# What is free, held and shared in a fit.
fit_spec <- function(fit) {
  values <- Map(function(v, held) ifelse(held, as.vector(v), NA_real_), fit$parameters[names(fit$held)], fit$held)
  list(family = family_of(fit$family), k = fit$k, columns = names_of_columns(fit$x), sizes = fit_sizes(fit), equal = fit$equal, values = values, held = fit$held)
}

# EM cannot leave a probability of 0 or 1: where that is free, runs begin beside it.
inner_theta <- function(fit, spec) {
  theta <- matrix(fit$core$theta, nrow = fit$k)
  for (b in which(spec$family$links == "logit")) {
    free <- !fit$held[[b + 1L]]
    theta[free, b + 1L] <- pmin(pmax(theta[free, b + 1L], 1e-3), 1 - 1e-3)
  }
  as.vector(theta)
}

# Each takes a source and gives rows in the form of core_rows().
resamplers <- list(
  parametric = function(source) {
    p <- source$fit$parameters
    # A row that counts for w rows is w draws; weights that are no counts stay with their rows.
    times <- if (source$whole && !is.null(source$fit$weights)) source$fit$weights
    each <- function(v) if (is.null(times) || is.null(v)) v else rep(v, times)
    n <- if (is.null(times)) source$fit$n else sum(times)
    size <- each(source$size)
    component <- sample.int(source$fit$k, n, replace = TRUE, prob = p$prop)
    value <- draw_mixture(n, p, source$spec$family, size, component)
    if (anyNA(source$fit$x)) value[is.na(source$fit$x)[if (is.null(times)) TRUE else rep(seq_along(times), times), ]] <- NA
    labelled <- each(source$labelled)
    frame <- list(x = if (is.null(size)) value else cbind(value, size, deparse.level = 0L),
      weights = if (is.null(times)) source$fit$weights,
      labels = if (!is.null(labelled)) list(code = ifelse(labelled, component, 0L)), given = n, kept = TRUE)
    # Draws from a density are distinct.
    core_rows(frame, if (source$whole && source$spec$family$discrete) source$control$condense else "none")
  },
  nonparametric = function(source) {
    rows <- source$rows
    weight <- if (!source$whole) {
      rows$weight * tabulate(sample.int(rows$n, rows$n, TRUE), rows$n)
    } else if (is.null(rows$weight)) {
      tabulate(sample.int(rows$n, rows$n, TRUE), rows$n)
    } else {
      stats::rmultinom(1L, source$total, rows$weight)[, 1L]
    }
    reweighted(rows, as.double(weight))
  },
  weighted = function(source) {
    rows <- source$rows
    own <- row_weights(rows)
    # A row that counts for w rows has the sum of their w exponential weights.
    weight <- if (source$whole) stats::rgamma(rows$n, own) else own * stats::rexp(rows$n)
    reweighted(rows, weight * (source$total / sum(weight)))
  }
)

# The rows with other weights, without those that have none.
reweighted <- function(rows, weight) {
  live <- if (any(weight == 0)) which(weight > 0) else TRUE
  own <- list(x = take_rows(rows$x, live), weight = weight[live], label = take_rows(rows$label, live))
  own$n <- NROW(own$x)
  own$about <- rows$about
  raw <- own
  raw$n <- rows$raw$n
  c(own, list(raw = raw))
}

check_resample <- function(type, source) {
  draws <- if (type == "parametric") most_draws else if (type == "nonparametric") .Machine$integer.max else Inf
  if (source$whole && source$total > draws) {
    emix_stop("input", "a ", type, " sample of ", format(source$total, digits = 4), " rows (the sum of `weights`) is too large. Use type = \"weighted\".",
      argument = "type")
  }
}

# Several k: each is fitted, and neighbours lend each other their components as starts.

select_k <- function(frame, rows, family, args, criterion) {
  k <- sort(unique(vapply(args$k, check_count, 0L, "k", 1, 1e5)))
  if (!is.null(args$start) || !is.null(args$fixed)) {
    emix_stop("input", "`k` must be one number where `start` or `fixed` are given.", argument = "k")
  }
  # The largest first: too many components are what is most often wrong.
  for (one in rev(k)) check_model(frame, rows, family, one, NULL, args$equal, args$prior)
  fits <- list()
  for (one in k) {
    below <- fits[[as.character(one - 1L)]]
    fits[[as.character(one)]] <- fit_one_k(frame, rows, family, args, one, below)
  }
  fits <- improve_down(fits, k, function(one, above) fit_one_k(frame, rows, family, args, one, above))
  table <- selection_table(k, fits)
  best <- which.min(table[[criterion]])
  if (!length(best)) stop(fits[[1L]])
  fit <- fits[[best]]
  fit$selection <- structure(table, criterion = criterion)
  fit$arguments$k <- k
  fit
}

# Back down: the closest pair of a fit with one component more, merged, may show a better fit.
improve_down <- function(fits, k, refit) {
  for (one in rev(k)) {
    above <- fits[[as.character(one + 1L)]]
    here <- fits[[as.character(one)]]
    if (!inherits(above, "emix") || one < 2L) next
    again <- refit(one, above)
    if (inherits(again, "emix") && better_fit(again, here)) fits[[as.character(one)]] <- again
  }
  fits
}

better_fit <- function(again, here) {
  if (!inherits(here, "emix")) return(TRUE)
  if (again$convergence$spurious != here$convergence$spurious) return(here$convergence$spurious)
  again$objective > here$objective + same_maximum
}

# A fit, or the error that it ended in. From a neighbour above, few starts of its own.
fit_one_k <- function(frame, rows, family, args, k, neighbour) {
  more <- NULL
  if (inherits(neighbour, "emix") && may_exchange(neighbour)) {
    more <- if (neighbour$k < k) grown(neighbour) else shrunk(neighbour)
    if (neighbour$k > k) args$control$starts <- 2L
  }
  tryCatch(
    fit_mixture(frame, rows, family, k, NULL, NULL, args$equal, args$prior, args$control, more),
    emix_error_degenerate = identity
  )
}

may_exchange <- function(fit) is.null(fit$labels)

# Parameters of one component more: components split in turn, at most eight, the largest first.
grown <- function(fit) {
  family <- family_of(fit$family$name)
  p <- lapply(fit$parameters, function(v) c(unname(v), unname(v[length(v)])))
  p$prop[fit$k + 1L] <- 0
  from <- utils::head(order(fit$parameters$prop, decreasing = TRUE), 8L)
  lapply(from, function(j) family$split(p, j, fit$k + 1L))
}

# Parameters of one component less: each pair of neighbours merged.
shrunk <- function(fit) {
  family <- family_of(fit$family$name)
  p <- lapply(fit$parameters, unname)
  order <- family$order(p)
  lapply(seq_len(fit$k - 1L), function(i) {
    merged <- family$merge(p, order[i], order[i + 1L])
    lapply(merged, function(v) v[-order[i + 1L]])
  })
}

selection_table <- function(k, fits) {
  value <- function(f) vapply(fits, function(fit) if (inherits(fit, "emix")) as.double(f(fit)) else NA_real_, 0)
  data.frame(k = k, df = value(function(fit) fit$df), loglik = value(function(fit) fit$loglik), AIC = value(AIC),
    BIC = value(BIC), ICL = value(icl), converged = value(function(fit) fit$converged) == 1,
    spurious = value(function(fit) fit$convergence$spurious) == 1, row.names = NULL)
}

# BIC plus twice the entropy of the posterior probabilities.
icl <- function(fit) BIC(fit) + 2 * count_assigned(fit)$entropy

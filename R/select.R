# Several k: each is fitted, and neighbours lend each other their components as starts.

# What a choice may be by; each is better where it is smaller.
criteria <- c("AIC", "AICc", "BIC", "ICL", "NEC")

select_k <- function(frame, rows, family, args, criterion) {
  k <- sort(unique(vapply(args$k, check_count, 0L, "k", 1, 1e5)))
  if (!is.null(args$start) || !is.null(args$fixed)) {
    emix_stop("input", "`k` must be one number where `start` or `fixed` are given.", argument = "k")
  }
  # The largest first: too many components are what is most often wrong.
  for (one in rev(k)) check_model(frame, rows, family, one, NULL, args$equal, args$prior)
  fits <- fit_each_k(frame, rows, family, args, k)
  table <- selection_table(k, fits, fit_single(frame, rows, family, args, fits))
  best <- which.min(table[[criterion]])
  if (!length(best)) stop_unchosen(fits, criterion)
  fit <- fits[[best]]
  fit$selection <- structure(table, criterion = criterion)
  fit$arguments$k <- k
  fit
}

# No fit has the criterion: they all collapsed, or there are too many parameters for it.
stop_unchosen <- function(fits, criterion) {
  failed <- Filter(function(fit) inherits(fit, "condition"), fits)
  if (length(failed) == length(fits)) stop(fits[[1L]])
  emix_stop("input", "`criterion` must be another one: ", criterion, " is not defined for any of these models.",
    argument = "criterion")
}

# A list by k of fits, or of the errors that they ended in.
fit_each_k <- function(frame, rows, family, args, k) {
  fits <- list()
  for (one in k) {
    below <- fits[[as.character(one - 1L)]]
    fits[[as.character(one)]] <- fit_one_k(frame, rows, family, args, one, below)
  }
  improve_down(fits, k, function(one, above) fit_one_k(frame, rows, family, args, one, above))
}

# The fit of one component, with which NEC compares; NULL where labels tell more apart.
fit_single <- function(frame, rows, family, args, fits) {
  if (!is.null(fits[["1"]])) return(fits[["1"]])
  if (is.null(frame$labels) || frame$labels$count < 2L) fit_one_k(frame, rows, family, args, 1L, NULL)
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
  family <- family_of(fit$family)
  p <- lapply(flat_parameters(fit$parameters), function(v) c(v, utils::tail(v, length(v) / fit$k)))
  p$prop[fit$k + 1L] <- 0
  from <- utils::head(order(fit$parameters$prop, decreasing = TRUE), 8L)
  lapply(from, function(j) family$split(p, j, fit$k + 1L))
}

# Parameters of one component less: each pair of neighbours merged.
shrunk <- function(fit) {
  family <- family_of(fit$family)
  p <- flat_parameters(fit$parameters)
  order <- family$order(p)
  lapply(seq_len(fit$k - 1L), function(i) {
    merged <- family$merge(p, order[i], order[i + 1L])
    gone <- order[i + 1L]
    lapply(merged, function(v) {
      size <- length(v) / fit$k
      v[-((gone - 1L) * size + seq_len(size))]
    })
  })
}

selection_table <- function(k, fits, single) {
  value <- function(f) vapply(fits, function(fit) if (inherits(fit, "emix")) as.double(f(fit)) else NA_real_, 0)
  bic <- value(BIC)
  entropy <- value(function(fit) count_assigned(fit)$entropy)
  data.frame(k = k, df = value(function(fit) fit$df), loglik = value(function(fit) fit$loglik), AIC = value(AIC),
    AICc = value(aicc), BIC = bic, ICL = bic + 2 * entropy, NEC = nec(k, value(function(fit) fit$loglik), entropy, single),
    converged = value(function(fit) fit$converged) == 1,
    spurious = value(function(fit) fit$convergence$spurious) == 1, row.names = NULL)
}

# Hurvich and Tsai (1989); not defined where parameters are as many as observations.
aicc <- function(fit) {
  left <- fit$nobs - fit$df - 1
  if (left > 0) -2 * fit$loglik + 2 * fit$df * fit$nobs / left else NA_real_
}

# Entropy per log-likelihood gained over one component (Celeux & Soromenho 1996); 1 for one component (Biernacki,
# Celeux & Govaert 1999).
nec <- function(k, loglik, entropy, single) {
  gain <- loglik - if (inherits(single, "emix")) single$loglik else NA_real_
  ifelse(k == 1L & !is.na(loglik), 1, ifelse(gain > 0, entropy / gain, Inf))
}

# Several k, or covariance structures: each is fitted, and neighbours lend each other their components as starts.

# What a choice may be by; each is better where it is smaller.
criteria <- c("AIC", "AICc", "BIC", "ICL", "NEC")

select_model <- function(frame, rows, family, args, criterion) {
  k <- sort(unique(vapply(args$k, check_count, 0L, "k", 1, 1e5)))
  if (!is.null(args$start) || !is.null(args$fixed)) {
    what <- if (length(k) > 1L) c("`k` must be one number", "k") else c("`cov` of the family must be one structure", "family")
    emix_stop("input", what[1L], " where `start` or `fixed` are given.", argument = what[2L])
  }
  grid <- fit_grid(frame, rows, family, args, k, criterion)
  table <- grid$table
  best <- best_model(table, criterion, grid$fits)
  if (!length(best)) stop_unchosen(grid$fits, criterion)
  fit <- grid$fits[[best]]
  fit$selection <- if (is.null(table$cov)) structure(table, criterion = criterion) else
    structure(table, class = c("emix_selection", "data.frame"), criterion = criterion, row = best)
  fit$arguments$k <- k
  fit
}

# Numbers that the rows of a fit hold; a row of weight 3 is three rows.
count_numbers <- function(fit) if (inherits(fit, "emix")) sum(!is.na(fit$x)) * max(1, fit$nobs / fit$n) else 0

# The row of the smallest value. Of several columns a criterion says little of a model with more parameters than half the numbers
# in the data, as there components have about as many columns as rows: it is chosen only where there is no other.
best_model <- function(table, criterion, fits) {
  value <- table[[criterion]]
  columns <- max(0L, vapply(fits, function(fit) if (inherits(fit, "emix")) NCOL(fit$x) else 0L, 0L))
  sound <- !is.na(value) & table$df <= max(0, vapply(fits, count_numbers, 0)) / 2
  if (columns > 1L && criterion != "CV" && any(sound)) value[!sound] <- NA
  which.min(value)
}

# Fits of each structure and each k, and their table.
fit_grid <- function(frame, rows, family, args, k, criterion) {
  families <- families_of(family)
  check_grid(frame, rows, families, args, k)
  if (length(families) == 1L) {
    fits <- fit_each_k(frame, rows, families[[1L]], args, k)
    return(list(fits = unname(fits), table = selection_table(k, fits, fit_single(frame, rows, families[[1L]], args, fits))))
  }
  fits <- fit_lattice(frame, rows, families, args, k, criterion)
  parts <- lapply(seq_along(families), function(i) {
    own <- stats::setNames(fits[(i - 1L) * length(k) + seq_along(k)], k)
    table <- selection_table(k, own, fit_single(frame, rows, families[[i]], args, own))
    cbind(cov = names(families)[i], table, highest = vapply(own, highest_of, 0), reason = vapply(own, reason_of, ""))
  })
  list(fits = fits, table = do.call(rbind, c(parts, make.row.names = FALSE)))
}

# Why there is no fit.
reason_of <- function(fit) if (inherits(fit, "condition")) conditionMessage(fit) else NA_character_

# The log-likelihood of the highest maximum met, though it was avoided; NA where starts were run on a part of the rows, or
# climbed another function.
highest_of <- function(fit) {
  if (!inherits(fit, "emix") || !is.null(fit$convergence$points) || is.null(fit$maxima$loglik)) return(NA_real_)
  max(fit$loglik, fit$maxima$loglik)
}

# A family of several structures as a list of families of one, by name.
families_of <- function(family) {
  if (length(family$cov) < 2L) return(list(family))
  lapply(stats::setNames(nm = family$cov), function(cov) {
    family$cov <- cov
    family
  })
}

# What the user must change is an error before anything is fitted; rows that are too few for one of several structures are not.
check_grid <- function(frame, rows, families, args, k) {
  # The largest first: too many components are what is most often wrong.
  check <- function(family) for (one in rev(k)) check_model(frame, rows, family, one, NULL, args$equal, args$prior)
  if (length(families) == 1L) return(check(families[[1L]]))
  for (family in families) make_spec(family_of(family), max(k), NULL, args$equal, frame$labels, names_of_columns(frame$x))
  tryCatch(check(families[[1L]]), emix_error_degenerate = identity)
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

# Has a fit a chance cluster, and the user has not allowed it?
is_avoided <- function(fit) isTRUE(fit$convergence$spurious) && !allows_chance(fit$arguments$control)

better_fit <- function(again, here) {
  if (!inherits(here, "emix")) return(TRUE)
  if (is_avoided(again) != is_avoided(here)) return(is_avoided(here))
  again$objective > here$objective + same_maximum
}

# A fit, or the error that it ended in. From a neighbour above, few starts of its own.
fit_one_k <- function(frame, rows, family, args, k, neighbour) {
  more <- NULL
  if (inherits(neighbour, "emix") && may_exchange(neighbour)) {
    more <- if (neighbour$k < k) grown(neighbour) else shrunk(neighbour)
    if (neighbour$k > k) args$control$starts <- 2L
  }
  say_of("k = ", k)
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
  loglik <- value(function(fit) fit$loglik)
  df <- value(function(fit) fit$df)
  bic <- -2 * loglik + value(function(fit) log(fit$nobs)) * df
  entropy <- value(function(fit) count_assigned(fit)$entropy)
  data.frame(k = k, df = df, loglik = loglik, AIC = -2 * loglik + 2 * df,
    AICc = value(aicc), BIC = bic, ICL = bic + 2 * entropy, NEC = nec(k, loglik, entropy, single),
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

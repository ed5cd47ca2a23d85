# Other branches of a profile: higher ones, those of a component less, those on which components have exchanged their places.
# What ridges, handles and points are is said in profile-walk.R.

# Pairs of components whose exchange leaves the objective as it is: neither labels nor held values nor a prior tell them apart.
alike_pairs <- function(fit, problem) {
  if (fit$k < 2L || fit$k > 200L || any(fit$labels > 0L)) return(matrix(0L, 0L, 2L))
  held <- lapply(names(fit$held), function(b) {
    values <- ifelse(fit$held[[b]], format(as.vector(fit$parameters[[b]]), digits = 15), "")
    apply(matrix(values, ncol = fit$k), 2L, paste, collapse = " ")
  })
  marks <- do.call(paste, c(held, list(rep_len(or_default(problem$model$prior_rows, 0), fit$k))))
  pairs <- t(utils::combn(fit$k, 2L))
  pairs[marks[pairs[, 1L]] == marks[pairs[, 2L]], , drop = FALSE]
}

# Squared distances of components (numbers i) of one set to those (j) of another.
place_gaps <- function(a, b, i, j) rowSums((a[i, , drop = FALSE] - b[j, , drop = FALSE])^2)

# Has the walk come to where two components that are alike are in each other's place?
have_exchanged <- function(ridge, theta) {
  one <- ridge$pairs[, 1L]
  two <- ridge$pairs[, 2L]
  if (!length(one)) return(FALSE)
  now <- ridge$ways$places(ridge, theta)
  top <- ridge$ways$places(ridge, ridge$theta)
  crossed <- place_gaps(now, top, one, two) + place_gaps(now, top, two, one)
  # Those that coincide in the fit have no places.
  any(crossed < place_gaps(now, top, one, one) + place_gaps(now, top, two, two) & place_gaps(top, top, one, two) > 1e-8)
}

# Other maxima that the search for the fit has met, but for chance clusters: the highest few, as lists of the core's parameters.
other_maxima <- function(fit, family, most = 4L) {
  table <- fit$maxima
  if (is.null(table)) return(list())
  avoid <- !allows_chance(fit$arguments$control)
  others <- utils::head(setdiff(which(!(avoid & table$spurious)), fit$convergence$maximum), most)
  columns <- names_of_columns(fit$x)
  sizes <- fit_sizes(fit)
  lapply(others, function(row) {
    values <- as.double(unlist(table[row, theta_names(family, seq_len(fit$k), columns)]))[places_in_list(sizes, fit$k, columns)]
    family$to_core(lapply(block_places(sizes, fit$k), function(at) values[at]), fit$core)
  })
}

# Where EM goes on to, with nothing held, from where it is higher than the maximum.
higher_end <- function(ridge, theta) {
  run <- run_em(ridge$problem, as.vector(theta))
  if (run$status != 0L || is_chance(ridge, run$theta)) return(list("collapse"))
  list("higher", theta = run$theta, objective = run$objective)
}

is_chance <- function(ridge, theta) spurious_runs(list(theta = as.vector(theta), status = 0L), ridge$problem)

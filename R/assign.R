# Whose component is whose: the components of a refit in the order of the fit's.

# For each row of a square matrix of costs a column of its own, with the least sum. Rows are added one at a time, each by
# the cheapest path of exchanges, with prices that keep all reduced costs non-negative (Kuhn 1955, Jonker & Volgenant 1987).
cheapest_match <- function(cost) {
  n <- nrow(cost)
  # Nothing to exchange where the diagonal is the cheapest of every row.
  if (all(cost[cbind(seq_len(n), seq_len(n))] <= do.call(pmin, as.data.frame(cost)))) return(seq_len(n))
  price_row <- numeric(n + 1L)
  price <- numeric(n + 1L)
  owner <- integer(n + 1L) # of each column; the last column is where a path begins
  for (row in seq_len(n)) {
    owner[n + 1L] <- row
    at <- n + 1L
    least <- rep(Inf, n)
    from <- rep(n + 1L, n)
    seen <- rep(FALSE, n + 1L)
    repeat {
      seen[at] <- TRUE
      i <- owner[at]
      open <- which(!seen[seq_len(n)])
      reduced <- cost[i, open] - price_row[i] - price[open]
      lower <- reduced < least[open]
      least[open[lower]] <- reduced[lower]
      from[open[lower]] <- at
      next_at <- open[which.min(least[open])]
      step <- least[next_at]
      price_row[owner[seen]] <- price_row[owner[seen]] + step
      price[seen] <- price[seen] - step
      least[open] <- least[open] - step
      at <- next_at
      if (owner[at] == 0L) break
    }
    while (at != n + 1L) {
      owner[at] <- owner[from[at]]
      at <- from[at]
    }
  }
  match(seq_len(n), owner[seq_len(n)])
}

# What components are told apart by: their distances, and groups of those that may be exchanged.
component_marks <- function(fit, curve) {
  k <- fit$k
  known <- if (is.null(fit$labels)) integer() else unique(fit$labels[fit$labels > 0L])
  held <- vapply(seq_len(k), function(j) {
    values <- Map(function(v, held) {
      own <- matrix(v, ncol = k)[, j]
      ifelse(matrix(held, ncol = k)[, j], format(own, digits = 15L), "")
    }, fit$parameters[names(fit$held)], fit$held)
    paste(unlist(values), collapse = " ")
  }, "")
  told <- seq_len(k) %in% known | length(unique(fit$arguments$prior$prop)) > 1L
  list(distance = curve$ways$distance(fit, curve), group = ifelse(told, paste("own", seq_len(k)), held), sizes = fit_sizes(fit))
}

# theta (the core's) with its components in the order of those of `marks`.
match_components <- function(theta, marks) {
  k <- length(marks$group)
  if (k == 1L || anyDuplicated(marks$group) == 0L) return(theta)
  cost <- marks$distance(theta)
  cost[outer(marks$group, marks$group, "!=")] <- 4 * k * max(cost, 1)
  theta[unlist(block_places(marks$sizes, k, cheapest_match(cost)), use.names = FALSE)]
}

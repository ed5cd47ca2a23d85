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

# What components are told apart by: free parameters on the scale of their links, a matrix of a row per component, and how
# much a unit of each counts. That is the complete-data information, so that distances are in standard errors
# of a fit that knows the components. Components of one group may be exchanged.
component_marks <- function(fit, curve) {
  weight <- matrix(c(0, diag(as.matrix(curve$metric)))[ifelse(is.na(curve$at), 0L, curve$at) + 1L], nrow = fit$k)
  shared <- curve$blocks %in% fit$equal
  weight[, shared] <- 0
  weight[, 1L] <- ifelse(curve$estimated[, 1L], fit$nobs * curve$theta[, 1L], 0)
  weight[!is.finite(weight)] <- 0
  known <- if (is.null(fit$labels)) integer() else unique(fit$labels[fit$labels > 0L])
  held <- vapply(seq_len(fit$k), function(j) {
    values <- Map(function(v, held) if (held[j]) format(v[[j]], digits = 15L) else "", fit$parameters[names(fit$held)], fit$held)
    paste(unlist(values), collapse = " ")
  }, "")
  told <- seq_len(fit$k) %in% known | length(unique(fit$arguments$prior$prop)) > 1L
  list(at = linked(curve$theta, curve), weight = weight, group = ifelse(told, paste("own", seq_len(fit$k)), held), links = curve$links)
}

linked <- function(theta, marks) {
  for (b in seq_along(marks$links)) theta[, b + 1L] <- links[[marks$links[b]]]$to(theta[, b + 1L])
  theta[, 1L] <- log(theta[, 1L])
  # What is on a boundary is far away, but not infinitely.
  pmin(pmax(theta, -1e6), 1e6)
}

# theta (the core's) with its components in the order of those of `marks`.
match_components <- function(theta, marks) {
  k <- nrow(marks$at)
  if (k == 1L || anyDuplicated(marks$group) == 0L) return(theta)
  theta <- matrix(theta, nrow = k)
  found <- linked(theta, marks)
  # A row for each component of the fit, a column for each of the refit.
  cost <- matrix(0, k, k)
  for (b in seq_len(ncol(found))) cost <- cost + marks$weight[, b] * outer(marks$at[, b], found[, b], "-")^2
  cost[outer(marks$group, marks$group, "!=")] <- 4 * k * max(cost, 1)
  as.vector(theta[cheapest_match(cost), ])
}

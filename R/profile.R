# Profile likelihood: limits and profile().

# A line that is written over, from the second second on, as the core's.
new_watch <- function(shown) {
  begun <- said <- proc.time()[[3L]]
  list(
    tell = function(...) {
      now <- proc.time()[[3L]]
      if (!shown || now - begun < 2 || now - said < 0.5) return(invisible())
      said <<- now
      cat(sprintf("\r%-60s", paste0("emix: ", ...)), file = stderr())
    },
    end = function() if (said != begun) cat(sprintf("\r%60s\r", ""), file = stderr())
  )
}

# The walks of all handles to both sides: a list of handles, each with start, low and high.
walk_handles <- function(fit, chosen, goal, most, argument) {
  check_soft(fit, argument)
  problem <- ridge_problem(fit)
  ridge <- new_ridge(fit, problem)
  watch <- new_watch(problem$settings$progress)
  on.exit(watch$end())
  handles <- ridge_handles(ridge, fit, chosen)
  lost <- vapply(handles, `[[`, NA, "lost")
  if (any(lost)) {
    emix_warn("boundary", "On the boundary, or of a component without rows: ",
      listing(vapply(handles[lost], `[[`, "", "own")), ". There are no limits for these.")
  }
  handles <- handles[!lost]
  small <- ridge_on_nodes(ridge, fit, handles, goal)
  handles <- lapply(handles, function(handle) {
    for (side in c("low", "high")) {
      watch$tell("profile of ", handle$own, " (", match(handle$own, vapply(handles, `[[`, "", "own")), " of ", length(handles), ")")
      handle[[side]] <- walk_side(ridge, small, handle, c(low = -1, high = 1)[[side]], goal, most)
    }
    handle
  })
  warn_of_walks(fit, ridge, handles, goal)
  list(ridge = ridge, handles = handles)
}

# On nodes where these stand for the rows all along, else on the rows.
walk_side <- function(ridge, small, handle, side, goal, most) {
  if (!is.null(small)) {
    handle$start <- ridge_start(small, handle)
    found <- follow_ridge(small, handle, side, goal, most)
    ends <- lapply(c(list(handle$start), found$points), function(point) as.vector(point$theta))
    ends <- do.call(cbind, ends[unique(c(1L, length(ends)))])
    if (!found$end %in% c("higher", "collapse") && nodes_hold(small$problem, ends, 100 * nodes_left)) return(found)
  }
  handle$start <- ridge_start(ridge, handle)
  follow_ridge(ridge, handle, side, goal, most)
}

# The same ridge on nodes that are good for the maximum and about where limits will be; NULL where that does not pay.
ridge_on_nodes <- function(ridge, fit, handles, goal) {
  problem <- ridge$problem
  if (!length(handles) || !may_use_nodes(problem$rows, problem$spec, problem$settings)) return(NULL)
  theta <- lapply(handles, function(handle) {
    from <- ridge_start(ridge, handle)
    if (from$status != 0L) return(NULL)
    vapply(c(-1.2, 1.2) * goal, function(way) {
      as.vector(step_theta(ridge, from$theta, from$at, from$along * from$first * way))
    }, double(length(ridge$theta)))
  })
  nodes <- node_problem(problem$rows, problem, do.call(cbind, c(list(as.vector(ridge$theta)), theta)))
  if (is.null(nodes)) return(NULL)
  nodes$threads <- nodes$control$threads <- 1L
  tryCatch(new_ridge(fit, nodes), emix_error_fit = function(e) NULL)
}

# phi in users' units; Inf and -Inf are the ends of what is legal.
users_value <- function(ridge, fit, handle, phi) {
  if (handle$block == 1L) return(ridge$room * stats::plogis(phi))
  core <- lapply(ridge$blocks, function(b) rep(1, length(phi)))
  names(core) <- ridge$blocks
  core[[handle$block]] <- links[[handle$link]]$from(phi)
  ridge$problem$spec$family$from_core(core, fit$core)[[handle$block]]
}

end_value <- function(ridge, fit, handle, side) {
  walk <- handle[[side]]
  if (walk$end == "higher") return(NA_real_)
  users_value(ridge, fit, handle, if (walk$end == "limit") walk$phi else c(low = -Inf, high = Inf)[[side]])
}

profile_limits <- function(fit, level, chosen) {
  walks <- walk_handles(fit, chosen, stats::qnorm((1 + level) / 2), 1, "object")
  limits <- matrix(NA_real_, count_coordinates(fit), 2L)
  names <- names(coef(fit))
  for (handle in walks$handles) {
    at <- match(handle$names, names)
    limits[at, 1L] <- end_value(walks$ridge, fit, handle, "low")
    limits[at, 2L] <- end_value(walks$ridge, fit, handle, "high")
  }
  limits
}

# What a walk that found no limit means, for users.
walk_reasons <- c(
  flat = "the %s does not fall enough before the boundary, which is given",
  empty = "the %s does not fall enough before the component is without rows; the boundary is given",
  exchange = "the %s does not fall enough before components exchange their places; the boundary is given",
  collapse = "further on a component collapses or becomes a chance cluster, before the %s has fallen enough; the boundary is given")

warn_of_walks <- function(fit, ridge, handles, goal) {
  ends <- lapply(handles, function(h) c(low = h$low$end, high = h$high$end))
  if (!fit$converged) emix_warn("iterations", "The fit has not converged: the profile is about the maximum that lies next to it.")
  for (reason in names(walk_reasons)) {
    missed <- unlist(lapply(seq_along(handles), function(i) {
      sides <- c("lower", "upper")[ends[[i]] == reason]
      if (length(sides)) paste(paste(sides, collapse = " and "), "of", handles[[i]]$own)
    }))
    if (length(missed)) {
      emix_warn("limit", "There is no limit (", paste(missed, collapse = ", "), "): ",
        sprintf(walk_reasons[[reason]], objective_name(fit)), ".")
    }
  }
  higher <- unlist(lapply(handles, function(h) {
    lapply(Filter(function(side) side$end == "higher", h[c("low", "high")]), function(side) list(side$theta))
  }), recursive = FALSE)
  if (length(higher)) warn_of_higher(fit, ridge, unlist(higher, recursive = FALSE))
}

# EM without anything held goes on from where it is higher. `thetas`: such places.
warn_of_higher <- function(fit, ridge, thetas) {
  problem <- ridge$problem
  runs <- Filter(function(run) run$status == 0L, lapply(thetas, function(theta) run_em(problem, as.vector(theta))))
  best <- runs[[which.max(vapply(runs, `[[`, 0, "objective"))]]
  family <- problem$spec$family
  parameters <- unpack(best$theta, family, fit$k, fit$core, fit$components)
  objective <- fit$objective + best$objective - ridge$top
  text <- sprintf("%s = %s", names(coef(fit)), format(unlist(parameters), digits = 5, trim = TRUE))
  warning(warningCondition(paste0("The fit is not at the highest maximum: a refit found a ", objective_name(fit), " of ",
    format(objective, digits = 8), " against ", format(fit$objective, digits = 8), ", at ", listing(text, 9L),
    ". Limits on that side are NA. Fit again with these parameters as `start`."), parameters = parameters, objective = objective,
    class = c("emix_warning_maximum", "emix_warning"), call = NULL))
}

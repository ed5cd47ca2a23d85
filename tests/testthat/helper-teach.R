# Steps of EM by hand, from each to the next by its parameters alone.
steps_by_hand <- function(n, x, theta, ...) {
  theta_list <- list()
  loglik <- double()
  for (i in seq_len(n)) {
    step <- em_step(x, theta = theta, ...)
    theta <- step$theta
    theta_list[[i]] <- unlist(theta, use.names = FALSE)
    loglik[i] <- step$objective[["after"]]
  }
  list(theta = do.call(rbind, theta_list), loglik = loglik)
}

# What a problem of helper-problems.R is to em_step(): its start with all blocks.
step_problem <- function(problem, ...) {
  a <- problem$args
  do.call(em_step, c(list(problem$x, theta = a$start), a[setdiff(names(a), c("k", "start"))], list(...)))
}

# The oracle's bound: log prior included.
oracle_bound <- function(problem, parameters, q) {
  a <- problem$args
  joint <- oracle_joint(problem$x, parameters, problem$oracle)
  w <- if (is.null(a$weights)) rep(1, NROW(problem$x)) else a$weights
  terms <- ifelse(q > 0, q * (joint - log(q)), 0)
  prior <- if (is.null(problem$prior)) 0 else problem_log_prior(problem, parameters)
  sum((w * rowSums(terms))[w > 0]) + prior
}

problem_log_prior <- function(problem, parameters) {
  a <- problem$args
  with <- oracle_objective(problem$x, parameters, problem$oracle, a$weights, a$labels, a$equal, problem$prior)
  with - oracle_objective(problem$x, parameters, problem$oracle, a$weights, a$labels, a$equal)
}

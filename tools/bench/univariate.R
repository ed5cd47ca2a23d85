# Times emix against the peers that are installed: a normal mixture of k = 3, one thread.
# Run from the package root with emix installed:
#
#   Rscript tools/bench/univariate.R [n ...] [--limit=seconds] [--repeats=number]
#
# n: numbers of rows, default 1e4 1e5 1e6. limit: what one run may take, default 120 s.
# repeats: how often every time is taken, default 5; the median is printed. README.md beside
# this file says how to read the tables. Base R only; the peers are used when installed.

usage <- "usage: Rscript tools/bench/univariate.R [n ...] [--limit=seconds] [--repeats=number]"

# Helpers stand beside this file.
here <- sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE)[1])
source(file.path(dirname(here), "helpers.R"))

# ---- the tools ----------------------------------------------------------------------------

# Each tool has
#   package  what must be installed, or NULL;
#   iterate  function(x, max_iter): EM from `start`, that many steps and no test that could end
#            it sooner; returns the number of steps done and the means, which show whether
#            it did the same work;
#   fit      function(x): the fit that a user gets who only names k and the model; returns the
#            log-likelihood; or NULL.

# The EM that one writes in R in ten lines: columns as vectors, no loop over the rows.
plain_em <- function(x, max_iter) {
  prop <- start$prop
  mean <- start$mean
  sd <- start$sd
  density <- matrix(0, length(x), k)
  for (iteration in seq_len(max_iter)) {
    for (j in seq_len(k)) density[, j] <- prop[j] * dnorm(x, mean[j], sd[j])
    total <- rowSums(density)
    loglik <- sum(log(total))
    posterior <- density / total
    mass <- colSums(posterior)
    prop <- mass / length(x)
    mean <- colSums(posterior * x) / mass
    for (j in seq_len(k)) sd[j] <- sqrt(sum(posterior[, j] * (x - mean[j])^2) / mass[j])
  }
  list(steps = max_iter, mean = mean, loglik = loglik)
}

# EM steps alone, on all rows: the pass over the rows is what is timed. The smallest tol never ends a run.
emix_tool <- list(
  package = "emix",
  iterate = function(x, max_iter) {
    control <- emix::em_control(tol = 1e-300, max_iter = max_iter, accelerate = FALSE, condense = "none", threads = 1)
    fit <- withCallingHandlers(
      emix::emix(x, k = k, start = start, control = control),
      emix_warning_iterations = function(w) invokeRestart("muffleWarning")
    )
    list(steps = fit$iterations, mean = unname(fit$parameters$mean))
  },
  fit = function(x) as.numeric(logLik(emix::emix(x, k = k)))
)

# em() is an E-step and then me(), which counts pairs of an M-step and an E-step.
mclust_tool <- list(
  package = "mclust",
  iterate = function(x, max_iter) {
    given <- list(
      pro = start$prop, mean = start$mean,
      variance = list(modelName = "V", d = 1, G = k, sigmasq = start$sd^2)
    )
    control <- mclust::emControl(tol = 0, itmax = max_iter)
    fit <- mclust::em(x, modelName = "V", parameters = given, control = control)
    list(steps = abs(attr(fit, "info")[["iterations"]]), mean = unname(fit$parameters$mean))
  },
  fit = function(x) mclust::Mclust(x, G = k, modelNames = "V", verbose = FALSE)$loglik
)

mixtools_tool <- list(
  package = "mixtools",
  iterate = function(x, max_iter) {
    # It runs while the log-likelihood rises by more than epsilon; with -Inf not even once.
    fit <- silently(mixtools::normalmixEM(x,
      lambda = start$prop, mu = start$mean, sigma = start$sd,
      k = k, epsilon = -1e9, maxit = max_iter
    ))
    list(steps = length(fit$all.loglik) - 1, mean = fit$mu)
  },
  fit = function(x) silently(mixtools::normalmixEM(x, k = k))$loglik
)

tools <- list(
  emix = emix_tool,
  mclust = mclust_tool,
  mixtools = mixtools_tool,
  "plain R" = list(package = NULL, iterate = plain_em, fit = NULL)
)

# ---- seconds per iteration ----------------------------------------------------------------

# The shorter run; the longer one does `extra` more. Their difference leaves out what a call
# costs before and after its iterations.
few <- 2
extra_steps <- function(n) if (n <= 2e5) 20 else 8

# How many calls fill a third of a second, which the clock's milliseconds measure well.
# NA where one call is over the limit.
calls_needed <- function(tool, x, limit) {
  pilot <- time_within(tool$iterate(x, few + extra_steps(length(x))), limit)$seconds
  if (is.finite(pilot)) min(1000, max(1, ceiling(0.3 / max(pilot, 1e-3)))) else NA
}

run_calls <- function(tool, x, max_iter, calls) {
  begun <- cpu_now()
  for (call in seq_len(calls)) done <- tool$iterate(x, max_iter)
  c(done, seconds = (cpu_now() - begun) / calls)
}

time_iteration <- function(tool, x, calls) {
  gc()
  short <- run_calls(tool, x, few, calls)
  long <- run_calls(tool, x, few + extra_steps(length(x)), calls)
  list(
    seconds = (long$seconds - short$seconds) / (long$steps - short$steps),
    mean = long$mean
  )
}

# Rounds take the tools in turn, A B C A B C, so that a machine that slows down hits all alike.
bench_iterations <- function(tools, x, limit, repeats) {
  calls <- vapply(tools, calls_needed, 0, x = x, limit = limit)
  seconds <- matrix(Inf, repeats, length(tools), dimnames = list(NULL, names(tools)))
  means <- list()
  for (round in seq_len(repeats)) {
    for (name in names(tools)[!is.na(calls)]) {
      timed <- time_iteration(tools[[name]], x, calls[[name]])
      seconds[round, name] <- timed$seconds
      means[[name]] <- timed$mean
    }
  }
  apart <- vapply(means, function(m) max(abs(m - means[[1]])), 0)
  list(seconds = apply(seconds, 2, median), apart = apart[names(tools)])
}

# ---- seconds per fit ----------------------------------------------------------------------

# A tool that was over the limit once is not asked again.
bench_fits <- function(tools, x, limit, repeats) {
  tools <- Filter(function(tool) !is.null(tool$fit), tools)
  seconds <- matrix(NA_real_, repeats, length(tools), dimnames = list(NULL, names(tools)))
  loglik <- seconds
  for (round in seq_len(repeats)) {
    for (name in names(tools)) {
      if (any(seconds[, name] == Inf, na.rm = TRUE)) next
      set.seed(round)
      timed <- time_within(tools[[name]]$fit(x), limit)
      seconds[round, name] <- timed$seconds
      if (!is.null(timed$value)) loglik[round, name] <- timed$value
    }
  }
  # Over the limit once: that is the result, and the log-likelihood is not known.
  over <- apply(seconds == Inf, 2, any, na.rm = TRUE)
  loglik[, over] <- NA
  list(
    seconds = ifelse(over, Inf, apply(seconds, 2, median, na.rm = TRUE)),
    lowest = apply(loglik, 2, min), highest = apply(loglik, 2, max)
  )
}

# ---- the tables ---------------------------------------------------------------------------

ratio_text <- function(seconds, limit) {
  if (is.infinite(seconds[["emix"]])) return("")
  over <- is.infinite(seconds)
  ratio <- ifelse(over, limit, seconds) / seconds[["emix"]]
  paste0(ifelse(over, "> ", ""), format_each(ratio, 3))
}

print_iterations <- function(result, n, limit) {
  seconds <- result$seconds
  over <- is.infinite(seconds)
  table <- data.frame(
    tool = names(seconds),
    "ms/iteration" = ifelse(over, "> limit", format_each(1e3 * seconds, 3)),
    "ns/row/component" = ifelse(over, "", format_each(1e9 * seconds / (n * k), 3)),
    "tool/emix" = ifelse(over, "", ratio_text(seconds, limit)),
    "means differ" = ifelse(over, "", sprintf("%.0e", result$apart)),
    check.names = FALSE
  )
  cat(sprintf("\nOne EM iteration, n = %g, k = %d, all rows, same start\n", n, k))
  print(table, row.names = FALSE)
}

# A log-likelihood is given by how far it stays below the highest that any tool reached.
below_text <- function(value, top) ifelse(is.na(value), "", sprintf("%.4f", top - value))

print_fits <- function(result, n, limit) {
  over <- is.infinite(result$seconds)
  top <- if (all(over)) NA else max(result$highest, na.rm = TRUE)
  table <- data.frame(
    tool = names(result$seconds),
    seconds = ifelse(over, "> limit", format_each(result$seconds, 3)),
    "tool/emix" = ratio_text(result$seconds, limit),
    "best run below top" = below_text(result$highest, top),
    "worst run below top" = below_text(result$lowest, top),
    check.names = FALSE
  )
  cat(sprintf("\nOne default fit, n = %g, k = %d; top log-likelihood %.4f\n", n, k, top))
  print(table, row.names = FALSE)
}

# ---- the run ------------------------------------------------------------------------------

main <- function(arguments) {
  limit <- read_option(arguments, "limit", 120)
  repeats <- read_option(arguments, "repeats", 5)
  sizes <- grep("^--(limit|repeats)=", arguments, value = TRUE, invert = TRUE)
  sizes <- if (length(sizes)) vapply(sizes, read_number, 0) else c(1e4, 1e5, 1e6)
  tools <- load_tools(tools)
  cat(sprintf("CPU seconds, medians of %g; a single run may take %g s\n", repeats, limit))
  for (n in sizes) {
    x <- draw_sample(n)
    print_iterations(bench_iterations(tools, x, limit, repeats), n, limit)
    # Fits of a million rows take minutes for some.
    rounds <- if (n <= 1e5) repeats else 1
    print_fits(bench_fits(tools, x, limit, rounds), n, limit)
  }
}

main(commandArgs(trailingOnly = TRUE))

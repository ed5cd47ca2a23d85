# Default fits on the panel of problems.R: emix with many seeds, beside mclust, mixtools and
# flexmix where these are installed. Run from the package root with emix installed:
#
#   Rscript tools/bench/panel.R [problem ...] [--seeds=20] [--peer-seeds=5] [--limit=60] [--search]
#
# seeds, peer-seeds: how often every problem is fitted. limit: CPU seconds that one fit of a peer
# may take. --search looks for the best maximum of each problem anew, which takes some ten
# minutes, and writes panel-best.csv beside this file. README.md says how to read the table.

usage <- paste("usage: Rscript tools/bench/panel.R [problem ...] [--seeds=n] [--peer-seeds=n]",
  "[--limit=seconds] [--search]")

this_folder <- function() {
  file <- grep("^--file=", commandArgs(), value = TRUE)
  dirname(normalizePath(sub("^--file=", "", file[1])))
}

# Log-likelihoods this close are of one maximum.
same <- 1e-6

cpu_now <- function() sum(proc.time()[c("user.self", "sys.self")])

quietly <- function(expr) suppressWarnings(suppressMessages(expr))

# What a package writes to the console is not our output.
silently <- function(expr) {
  sink(nullfile())
  on.exit(sink())
  quietly(expr)
}

# A fit of emix, or NULL where it ends in an error of its own.
fit_emix <- function(problem, start = NULL, ...) {
  control <- emix::em_control(progress = FALSE, ...)
  family <- if (is_binomial(problem)) "binomial" else "normal"
  tryCatch(
    quietly(emix::emix(problem$x, problem$k, family, start = start, control = control)),
    emix_error = function(e) NULL
  )
}

# ---- solutions ----------------------------------------------------------------------------

# A solution is a list: loglik, and parameters (prop, then mean and sd, or prob).

is_binomial <- function(problem) is.matrix(problem$x)

# The log-likelihood by R's own densities, the same for all tools.
loglik_of <- function(problem, parameters) {
  x <- problem$x
  each <- vapply(seq_along(parameters$prop), function(j) {
    log(parameters$prop[j]) + if (is_binomial(problem)) {
      dbinom(x[, 1], x[, 1] + x[, 2], parameters$prob[j], log = TRUE)
    } else {
      dnorm(x, parameters$mean[j], parameters$sd[j], log = TRUE)
    }
  }, double(NROW(x)))
  each <- matrix(each, nrow = NROW(x))
  top <- apply(each, 1, max)
  sum(top + log(rowSums(exp(each - top))))
}

as_solution <- function(problem, parameters) {
  list(loglik = loglik_of(problem, parameters), parameters = parameters)
}

# The maximum above a solution, by emix from there, or NULL where it collapses; with emix's rule
# on spurious maxima.
polish <- function(problem, parameters) {
  fit <- fit_emix(problem, parameters)
  if (is.null(fit) || !fit$converged) return(NULL)
  list(loglik = fit$loglik, spurious = fit$convergence$spurious)
}

# ---- the search for the best maximum ------------------------------------------------------

# A start that shares nothing with emix's own: components anywhere among the rows, of any width.
random_start <- function(problem) {
  k <- problem$k
  prop <- rexp(k)
  prop <- prop / sum(prop)
  if (is_binomial(problem)) return(list(prop = prop, prob = runif(k)))
  width <- exp(runif(k, log(0.02), log(1)))
  list(prop = prop, mean = sample(problem$x, k), sd = sd(problem$x) * width)
}

# Plain EM from random starts, on part of the rows where there are many; then the best distinct
# ones on all rows, to the end. Spurious maxima are many and high: they must not crowd the
# others out.
search_plain <- function(problem, starts = 500, rows = 3000) {
  part <- problem
  n <- NROW(problem$x)
  if (n > rows) part$x <- take_rows(problem$x, sort(sample.int(n, rows)))
  ends <- lapply(seq_len(starts), function(i) {
    fit_emix(part, random_start(part), max_iter = 200, accelerate = FALSE)
  })
  ends <- Filter(Negate(is.null), ends)
  ends <- ends[order(-vapply(ends, `[[`, 0, "loglik"))]
  ends <- ends[!duplicated(round(vapply(ends, `[[`, 0, "loglik"), 2))]
  spurious <- vapply(ends, function(fit) fit$convergence$spurious, NA)
  finals <- if (n > 2e4) 10 else 30
  on <- c(utils::head(which(!spurious), finals), utils::head(which(spurious), 10))
  lapply(ends[on], function(end) polish(problem, lapply(end$parameters, unname)))
}

# What emix itself finds with 500 starts. Not a spurious one: it prefers the others by itself.
search_emix <- function(problem, seeds = 3, starts = 500) {
  lapply(seq_len(seeds), function(seed) {
    set.seed(1000 + seed)
    fit <- fit_emix(problem, starts = starts)
    if (!is.null(fit)) list(loglik = fit$loglik, spurious = fit$convergence$spurious)
  })
}

search_peers <- function(problem) {
  found <- lapply(peers, function(peer) {
    lapply(seq_len(if (peer$random) 3 else 1), function(seed) {
      done <- run_peer(peer, problem, seed, 30)
      if (!is.null(done$solution)) polish(problem, done$solution$parameters)
    })
  })
  unlist(found, recursive = FALSE)
}

take_rows <- function(x, at) if (is.matrix(x)) x[at, , drop = FALSE] else x[at]

# Three searches; the highest maximum that is not spurious, and who found it.
search_best <- function(problem) {
  set.seed(1)
  found <- list(
    emix = search_emix(problem), plain = search_plain(problem), peers = search_peers(problem)
  )
  table <- do.call(rbind, lapply(names(found), function(by) {
    known <- Filter(Negate(is.null), found[[by]])
    if (!length(known)) return(NULL)
    field <- function(name, type) vapply(known, `[[`, type, name)
    data.frame(by = by, loglik = field("loglik", 0), spurious = field("spurious", NA))
  }))
  sound <- table[!table$spurious, ]
  best <- if (nrow(sound)) max(sound$loglik) else NA
  by <- unique(sound$by[sound$loglik > best - same])
  data.frame(best = best, found_by = paste(by, collapse = "+"))
}

# Tells the problem's data, so that a stored best belongs to them.
mark <- function(problem) {
  sprintf("%d/%.10g", NROW(problem$x), sum(problem$x * seq_along(problem$x)))
}

read_best <- function(file) {
  if (!file.exists(file)) return(data.frame(problem = character(), data = character()))
  read.csv(file, stringsAsFactors = FALSE)
}

best_known <- function(problems, file, again) {
  known <- read_best(file)
  for (name in names(problems)) {
    row <- which(known$problem == name & known$data == mark(problems[[name]]))
    if (length(row) && !again) next
    cat("searching:", name, "\n", file = stderr())
    best <- cbind(problem = name, data = mark(problems[[name]]), search_best(problems[[name]]))
    known <- rbind(known[known$problem != name, ], best)
    write_best(known, file)
  }
  known[match(names(problems), known$problem), ]
}

write_best <- function(known, file) {
  known$best <- sprintf("%.9f", as.numeric(known$best))
  write.csv(known, file, row.names = FALSE, quote = FALSE)
}

# ---- the peers ----------------------------------------------------------------------------

# Each: package, fit (gives a list of parameters), whether it has binomial mixtures, and whether
# it depends on random numbers.

fit_mclust <- function(problem, models) {
  fit <- mclust::Mclust(problem$x, G = problem$k, modelNames = models, verbose = FALSE)
  if (is.null(fit)) stop("no fit")
  p <- fit$parameters
  list(prop = p$pro, mean = unname(p$mean), sd = rep_len(sqrt(p$variance$sigmasq), problem$k))
}

fit_mixtools <- function(problem) {
  fit <- mixtools::normalmixEM(problem$x, k = problem$k)
  list(prop = fit$lambda, mean = fit$mu, sd = fit$sigma)
}

# Components may have been dropped on the way: that is counted as a failure.
fit_flexmix <- function(problem) {
  if (is_binomial(problem)) {
    model <- flexmix::FLXMRglm(family = "binomial")
  } else {
    model <- flexmix::FLXMCnorm1()
  }
  fit <- flexmix::flexmix(x ~ 1, data = list(x = problem$x), k = problem$k, model = model)
  prop <- flexmix::prior(fit)
  if (length(prop) < problem$k) stop("components were dropped")
  p <- flexmix::parameters(fit)
  if (is_binomial(problem)) return(list(prop = prop, prob = plogis(as.vector(p))))
  list(prop = prop, mean = unname(p["mean", ]), sd = unname(p["sd", ]))
}

new_peer <- function(package, fit, binomial = FALSE, random = TRUE) {
  list(package = package, fit = fit, binomial = binomial, random = random)
}

peers <- list(
  mclust = new_peer("mclust", function(p) fit_mclust(p, "V"), random = FALSE),
  "mclust both" = new_peer("mclust", function(p) fit_mclust(p, c("E", "V")), random = FALSE),
  mixtools = new_peer("mixtools", fit_mixtools),
  flexmix = new_peer("flexmix", fit_flexmix, binomial = TRUE)
)

# mclust looks its own functions up on the search path, so the peers must be attached.
attach_peers <- function() {
  here <- vapply(peers, function(peer) requireNamespace(peer$package, quietly = TRUE), NA)
  if (!all(here)) cat("Not installed, left out:", toString(names(peers)[!here]), "\n")
  packages <- unique(vapply(peers[here], `[[`, "", "package"))
  for (package in packages) {
    suppressPackageStartupMessages(
      library(package, character.only = TRUE, warn.conflicts = FALSE)
    )
  }
  versions <- vapply(c("emix", packages), function(package) format(packageVersion(package)), "")
  cat(R.version.string, "-", toString(paste(names(versions), versions)), "\n")
  peers[here]
}

run_peer <- function(peer, problem, seed, limit) {
  if (is_binomial(problem) && !peer$binomial) return(NULL)
  set.seed(seed)
  begun <- cpu_now()
  setTimeLimit(cpu = limit, transient = TRUE)
  parameters <- tryCatch(silently(peer$fit(problem)), error = function(e) e)
  setTimeLimit(cpu = Inf)
  seconds <- cpu_now() - begun
  good <- !inherits(parameters, "error") && seconds < limit &&
    all(is.finite(unlist(parameters))) && (is_binomial(problem) || all(parameters$sd > 0))
  list(seconds = seconds, solution = if (good) as_solution(problem, parameters))
}

# ---- the runs -----------------------------------------------------------------------------

run_emix <- function(problem, seeds) {
  runs <- lapply(seq_len(seeds), function(seed) {
    set.seed(seed)
    begun <- cpu_now()
    fit <- fit_emix(problem)
    seconds <- cpu_now() - begun
    if (is.null(fit)) return(data.frame(seconds, loglik = -Inf, spurious = NA, walks = NA))
    data.frame(seconds, loglik = fit$loglik, spurious = fit$convergence$spurious,
      walks = sum(fit$starts$evaluations) + fit$convergence$evaluations)
  })
  do.call(rbind, runs)
}

# emix against the best known; both a spurious and a lower maximum are misses.
judge_emix <- function(runs, best) {
  good <- !is.na(runs$spurious) & !runs$spurious
  known <- !is.na(best)
  list(
    hits = if (known) sum(good & runs$loglik > best - same) else NA,
    short = if (known) max(0, best - runs$loglik[good]) else NA,
    top = max(-Inf, runs$loglik[good]), seconds = mean(runs$seconds), walks = mean(runs$walks)
  )
}

# A peer's runs: median shortfall. `mark` says what the run of median height is, where emix's rule
# or a collapse explains a height above the best known.
judge_peer <- function(runs, problem, best) {
  of <- length(runs)
  if (is.null(runs[[1]])) return(list(short = NA, seconds = NA, fails = NA, of = 0, text = ""))
  solutions <- Filter(Negate(is.null), lapply(runs, `[[`, "solution"))
  out <- list(short = NA, seconds = mean(vapply(runs, `[[`, 0, "seconds")),
    fails = of - length(solutions), of = of, text = "")
  if (!length(solutions) || is.na(best)) return(out)
  heights <- vapply(solutions, `[[`, 0, "loglik")
  middle <- order(heights)[(length(heights) + 1) %/% 2]
  out$short <- best - heights[middle]
  out$text <- sprintf("%.2g", if (abs(out$short) < same) 0 else out$short)
  if (out$short < -same) {
    end <- polish(problem, solutions[[middle]]$parameters)
    out$text <- paste(out$text, if (is.null(end)) "collapse" else
      if (end$spurious) "spurious" else "higher")
  }
  out
}

run_problem <- function(name, problem, best, tools, options) {
  emix <- judge_emix(run_emix(problem, options$seeds), best)
  judged <- lapply(tools, function(peer) {
    runs <- list()
    for (seed in seq_len(if (peer$random) options$peer_seeds else 1)) {
      runs[seed] <- list(run_peer(peer, problem, seed, options$limit))
      # Over the limit once: not asked again.
      if (isTRUE(runs[[seed]]$seconds >= options$limit)) break
    }
    judge_peer(runs, problem, best)
  })
  list(name = name, problem = problem, best = best, emix = emix, peers = judged)
}

# ---- the table ----------------------------------------------------------------------------

milliseconds <- function(seconds) {
  if (is.na(seconds)) return("")
  format(signif(1e3 * seconds, 2), scientific = FALSE, big.mark = ",")
}

table_row <- function(result, seeds) {
  e <- result$emix
  row <- c(
    problem = result$name, n = format(NROW(result$problem$x), big.mark = ","),
    k = format(result$problem$k),
    best = if (is.na(result$best)) "spurious only" else sprintf("%.4f", result$best),
    "emix hits" = if (is.na(e$hits)) "-" else sprintf("%d/%d", e$hits, seeds),
    below = if (is.na(e$short)) "-" else if (e$short < same) "0" else sprintf("%.2g", e$short),
    ms = milliseconds(e$seconds), walks = format(round(e$walks))
  )
  for (name in names(result$peers)) {
    p <- result$peers[[name]]
    failed <- if (isTRUE(p$fails > 0)) sprintf("%d/%d failed", p$fails, p$of)
    text <- paste(c(p$text[nzchar(p$text)], failed), collapse = " ")
    row <- c(row, stats::setNames(c(text, milliseconds(p$seconds)), c(name, "ms")))
  }
  row
}

names_where <- function(results, what) {
  toString(vapply(Filter(what, results), `[[`, "", "name"))
}

print_hits <- function(results, seeds) {
  known <- Filter(function(r) !is.na(r$best), results)
  hits <- vapply(known, function(r) r$emix$hits, 0)
  cat(sprintf("\nemix: best known within %g with every seed in %d of %d problems (%d of %d fits)\n",
    same, sum(hits == seeds), length(known), sum(hits), length(known) * seeds))
  lists <- c(
    "not in" = names_where(known, function(r) r$emix$hits < seeds),
    "no maximum known but spurious ones" = names_where(results, function(r) is.na(r$best)),
    "emix is above the best known (search again)" =
      names_where(known, function(r) r$emix$top > r$best + same)
  )
  lists <- lists[nzchar(lists)]
  cat(sprintf("  %s: %s\n", names(lists), lists), sep = "")
}

print_totals <- function(results, tools) {
  cat("\nCPU seconds for one fit of each problem that the tool has, and emix on the same;\n",
    "problems in which the tool's median run is near the best known\n", sep = "")
  sum_of <- function(of, f) sum(vapply(of, f, 0))
  rows <- lapply(names(tools), function(name) {
    had <- Filter(function(r) r$peers[[name]]$of > 0, results)
    theirs <- sum_of(had, function(r) r$peers[[name]]$seconds)
    ours <- sum_of(had, function(r) r$emix$seconds)
    known <- Filter(function(r) !is.na(r$best), had)
    near <- function(d) sum_of(known, function(r) isTRUE(abs(r$peers[[name]]$short) <= d))
    data.frame(tool = name, seconds = round(theirs, 2), emix = round(ours, 2),
      "tool/emix" = signif(theirs / ours, 2), problems = length(known),
      "within 1e-6" = near(same), "within 0.01" = near(0.01), check.names = FALSE)
  })
  print(do.call(rbind, rows), row.names = FALSE)
}

# ---- the run ------------------------------------------------------------------------------

read_option <- function(arguments, name, default) {
  flag <- paste0("^--", name, "=")
  given <- sub(flag, "", grep(flag, arguments, value = TRUE))
  if (!length(given)) return(default)
  value <- suppressWarnings(as.numeric(given[length(given)]))
  if (is.na(value) || value <= 0) {
    stop("not a positive number: --", name, "\n", usage, call. = FALSE)
  }
  value
}

check_arguments <- function(arguments, problems) {
  options <- grep("^--", arguments, value = TRUE)
  known <- "^--(seeds|peer-seeds|limit)=|^--search$"
  strange <- c(
    setdiff(arguments, c(options, names(problems))),
    grep(known, options, value = TRUE, invert = TRUE)
  )
  if (length(strange)) stop("not known: ", toString(strange), "\n", usage, call. = FALSE)
}

main <- function(arguments) {
  folder <- this_folder()
  source(file.path(folder, "problems.R"))
  problems <- panel_problems()
  check_arguments(arguments, problems)
  options <- list(
    seeds = read_option(arguments, "seeds", 20), limit = read_option(arguments, "limit", 60),
    peer_seeds = read_option(arguments, "peer-seeds", 5)
  )
  named <- intersect(names(problems), arguments)
  if (length(named)) problems <- problems[named]
  peers <<- attach_peers()
  best <- best_known(problems, file.path(folder, "panel-best.csv"), "--search" %in% arguments)
  # A first call loads what is loaded once.
  for (peer in peers) run_peer(peer, problems[[1]], 1, options$limit)
  run_emix(problems[[1]], 1)
  results <- lapply(seq_along(problems), function(i) {
    cat("fitting:", names(problems)[i], "\n", file = stderr())
    run_problem(names(problems)[i], problems[[i]], best$best[i], peers, options)
  })
  table <- do.call(rbind, lapply(results, table_row, options$seeds))
  rownames(table) <- rep("", nrow(table))
  width <- options(width = 250)
  print(table, quote = FALSE, right = TRUE)
  options(width)
  print_hits(results, options$seeds)
  print_totals(results, peers)
}

main(commandArgs(trailingOnly = TRUE))

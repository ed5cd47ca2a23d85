# Is emix as fast and as lean as it is meant to be? Measures, in one run, each promise beside what
# it is measured by: a plain C loop, R's sort() and unique(), other packages.
# Run from the package root with emix installed:
#
#   Rscript tools/bench/speed.R [line ...] [--n=rows] [--repeats=number] [--limit=seconds]
#
# line: pass, fit, components, binomial, threads, memory, growth; default all. n: the largest number of
# rows, default 1e7; lines of "a million" take a tenth of it. repeats: default 5. limit: what one
# run of another package may take, default 300 s, a fifth of it in `growth`.
# README.md beside this file says how to read the table. Base R and a C compiler; the peers are
# used when installed.

usage <- "usage: Rscript tools/bench/speed.R [line ...] [--n=rows] [--repeats=number] [--limit=seconds]"

# Helpers stand beside this file.
here <- sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE)[1])
source(file.path(dirname(here), "helpers.R"))

# ---- the binomial problem -----------------------------------------------------------------

binomial_truth <- list(prop = truth$prop, prob = c(0.25, 0.4, 0.65))
binomial_start <- list(prop = rep(1 / 3, 3), prob = c(0.3, 0.5, 0.6))

# Successes and failures of 10 to 50 trials, integers as rbinom() gives them.
draw_binomial <- function(n) {
  set.seed(2)
  component <- sample.int(3, n, replace = TRUE, prob = binomial_truth$prop)
  size <- sample(10:50, n, replace = TRUE)
  successes <- rbinom(n, size, binomial_truth$prob[component])
  cbind(successes, failures = size - successes)
}

# ---- the plain loop -----------------------------------------------------------------------

# plain.c, compiled with -O2 and nothing else, whatever the user's own settings are.
build_plain <- function() {
  folder <- tempfile("plain")
  dir.create(folder)
  file.copy(file.path(dirname(this_script()), "plain.c"), folder)
  settings <- file.path(folder, "Makevars.user")
  writeLines("CFLAGS = -O2", settings)
  before <- setwd(folder)
  on.exit(setwd(before))
  said <- system2(file.path(R.home("bin"), "R"), c("CMD", "SHLIB", "plain.c"),
    stdout = TRUE, stderr = TRUE, env = paste0("R_MAKEVARS_USER=", shQuote(settings)))
  library <- paste0("plain", .Platform$dynlib.ext)
  if (!file.exists(library)) stop("plain.c does not compile:\n", paste(said, collapse = "\n"), call. = FALSE)
  getNativeSymbolInfo("plain_em", dyn.load(file.path(folder, library)))
}

# Steps between the two runs, more of them where rows are few, as the clock counts milliseconds.
enough <- function(steps, x) ceiling(steps * max(1, 1e6 / NROW(x)))

# A tool of the passes: function(steps) that does as many steps of EM from the start and returns
# the parameters in one vector; `few` and `many` steps, whose times are subtracted.
plain_pass <- function(symbol, x, from) {
  theta <- unlist(from, use.names = FALSE)
  components <- length(from$prop)
  list(few = 2, many = 2 + enough(4, x), run = function(steps) .Call(symbol, x, components, theta, as.integer(steps)))
}

# ---- emix ---------------------------------------------------------------------------------

# Plain EM steps on all rows. The smallest tol never ends a run.
emix_pass <- function(x, from, family = "normal", threads = 1, steps = 40) {
  list(few = 2, many = 2 + enough(steps, x), run = function(steps) {
    control <- emix::em_control(tol = 1e-300, max_iter = steps, accelerate = FALSE, condense = "none", threads = threads)
    fit <- withCallingHandlers(
      emix::emix(x, k = length(from$prop), family = family, start = from, control = control),
      emix_warning_iterations = function(w) invokeRestart("muffleWarning")
    )
    unlist(fit$parameters[names(from)], use.names = FALSE)
  })
}

# A user's fit, of whom nothing is asked but k and the family; on one thread. A maximum that may be
# spurious is no matter here.
default_fit <- function(x, components, family = NULL, threads = 1) {
  withCallingHandlers(
    emix::emix(x, k = components, family = family, control = emix::em_control(threads = threads, progress = FALSE)),
    emix_warning_spurious = function(w) invokeRestart("muffleWarning")
  )
}

# ---- the peers ----------------------------------------------------------------------------

mclust_pass <- function(x, from) {
  given <- list(
    pro = from$prop, mean = from$mean,
    variance = list(modelName = "V", d = 1, G = length(from$prop), sigmasq = from$sd^2)
  )
  list(few = 2, many = 2 + enough(8, x), run = function(steps) {
    fit <- mclust::em(x, modelName = "V", parameters = given, control = mclust::emControl(tol = 0, itmax = steps))
    with(fit$parameters, c(pro, unname(mean), sqrt(variance$sigmasq)))
  })
}

# scikit-learn in a process of its own, which reads the data and reports CPU seconds of fit() and the
# log-likelihood. Its tol, 1e-3, is in units of the log-likelihood per row.
sklearn_code <- '
import sys, time, numpy
from sklearn.mixture import GaussianMixture
x = numpy.fromfile(sys.argv[1]).reshape(-1, 1)
begun = time.process_time()
fit = GaussianMixture(int(sys.argv[2]), random_state=1).fit(x)
print(time.process_time() - begun, repr(fit.score(x) * len(x)))
'

# One thread also for the linear algebra that it calls.
run_python <- function(arguments, limit = 0) {
  one <- paste0(c("OMP", "OPENBLAS", "MKL"), "_NUM_THREADS=1")
  suppressWarnings(system2("python3", shQuote(arguments), stdout = TRUE, stderr = FALSE, env = one, timeout = limit))
}

has_sklearn <- function() {
  nzchar(Sys.which("python3")) && any(run_python(c("-c", "import sklearn; print(1)")) == "1")
}

# Each has a package, what its line says, how many times faster emix is meant to be (NA: no promise), and
# fit(x, k), the log-likelihood of a default fit. To add a peer, add an entry.
peers <- list(
  mclust = list(package = "mclust", call = "mclust::Mclust", wanted = 50,
    fit = function(x, k) mclust::Mclust(x, G = k, verbose = FALSE)$loglik),
  mixtools = list(package = "mixtools", call = "mixtools::normalmixEM", wanted = 50,
    fit = function(x, k) silently(mixtools::normalmixEM(x, k = k))$loglik),
  flexmix = list(package = "flexmix", call = "flexmix::flexmix", wanted = NA,
    fit = function(x, k) {
      fit <- flexmix::flexmix(x ~ 1, k = k, model = flexmix::FLXMCnorm1())
      if (fit@k < k) NA else fit@logLik
    }),
  mixR = list(package = "mixR", call = "mixR::mixfit", wanted = NA,
    fit = function(x, k) mixR::mixfit(x, ncomp = k)$loglik),
  Rmixmod = list(package = "Rmixmod", call = "Rmixmod::mixmodCluster", wanted = NA,
    fit = function(x, k) Rmixmod::mixmodCluster(x, k)@bestResult@likelihood)
)

# In a fresh process, which can be ended in the middle of compiled code: CPU seconds of the fit and the
# log-likelihood.
print_peer <- function(name, file, components) {
  peer <- peers[[name]]
  suppressPackageStartupMessages(library(peer$package, character.only = TRUE, warn.conflicts = FALSE))
  x <- readBin(file, "double", file.size(file) / 8)
  set.seed(1)
  timed <- time_within(peer$fit(x, components), Inf)
  cat(format(timed$seconds, digits = 15), format(timed$value, digits = 15), "\n")
}

# Where the data are, for the processes of the peers.
write_sample <- function(x) {
  file <- tempfile(fileext = ".bin")
  writeBin(x, file)
  file
}

# seconds: Inf where it was not done after `limit`, NA where it failed. value: the log-likelihood. The
# process is ended later than that, as some packages need long to load.
run_peer <- function(name, file, components, limit, to_load = 30) {
  said <- suppressWarnings(if (name == "sklearn") {
    run_python(c("-c", sklearn_code, file, components), limit + to_load)
  } else {
    arguments <- c("--vanilla", this_script(), "peer", name, file, components)
    libraries <- paste0("R_LIBS=", shQuote(paste(.libPaths(), collapse = .Platform$path.sep)))
    system2(file.path(R.home("bin"), "Rscript"), shQuote(arguments), stdout = TRUE, stderr = FALSE, env = libraries,
      timeout = limit + to_load)
  })
  if (identical(attr(said, "status"), 124L)) return(list(seconds = Inf, value = NA))
  figures <- if (length(said)) suppressWarnings(as.numeric(strsplit(trimws(said[length(said)]), " +")[[1L]]))
  if (length(figures) != 2L || is.na(figures[1L])) return(list(seconds = NA, value = NA))
  if (figures[1L] >= limit) list(seconds = Inf, value = NA) else list(seconds = figures[1L], value = figures[2L])
}

# ---- times --------------------------------------------------------------------------------

announce <- function(...) message(format(Sys.time(), "%H:%M:%S "), ...)

# Seconds per step, and the parameters after `few` steps, by tool. Rounds take the tools in turn, so
# that a machine that slows down hits all alike; the least time of each run counts, as other
# work on the machine can only add to it.
time_passes <- function(tools, repeats, now = cpu_now) {
  short <- long <- rep(list(numeric(0)), length(tools))
  after <- list()
  timed <- function(tool, steps) {
    gc()
    begun <- now()
    value <- tool$run(steps)
    list(value = value, seconds = now() - begun)
  }
  for (round in seq_len(repeats)) {
    for (i in seq_along(tools)) {
      one <- timed(tools[[i]], tools[[i]]$few)
      short[[i]][round] <- one$seconds
      long[[i]][round] <- timed(tools[[i]], tools[[i]]$many)$seconds
      after[[i]] <- one$value
    }
  }
  steps <- vapply(tools, function(tool) tool$many - tool$few, 0)
  seconds <- (vapply(long, min, 0) - vapply(short, min, 0)) / steps
  list(seconds = stats::setNames(seconds, names(tools)), after = stats::setNames(after, names(tools)))
}

# Did all tools do the same work? Rounding is far below this.
check_same <- function(after, least = 1e-8) {
  apart <- vapply(after, function(theta) max(abs(theta - after[[1]])), 0)
  if (any(apart > least)) {
    stop("not the same step: ", toString(sprintf("%s differs by %.1e", names(after), apart)), call. = FALSE)
  }
}

# Seconds of functions called in turn, a matrix of a row per round and the values of the last one. What
# depends on R's generator starts from a new seed in each round. No round begins after `budget` seconds.
time_calls <- function(calls, repeats, budget = Inf) {
  seconds <- matrix(0, repeats, length(calls), dimnames = list(NULL, names(calls)))
  values <- list()
  for (round in seq_len(repeats)) {
    if (sum(seconds) > budget) return(list(seconds = seconds[seq_len(round - 1L), , drop = FALSE], values = values))
    for (name in names(calls)) {
      values[name] <- list(NULL) # the last value's memory can be used again
      set.seed(round)
      timed <- time_within(calls[[name]](), Inf)
      seconds[round, name] <- timed$seconds
      values[name] <- list(timed$value)
    }
  }
  list(seconds = seconds, values = values)
}

# ---- rows of the table --------------------------------------------------------------------

in_seconds <- function(values) {
  one <- function(v) if (is.infinite(v)) "> limit" else if (v < 1) sprintf("%.3g ms", 1e3 * v) else sprintf("%.3g s", v)
  range <- if (length(values) > 1) sprintf(" (%s to %s)", one(min(values)), one(max(values))) else ""
  paste0(one(stats::median(values)), range)
}

table_row <- function(what, emix, other, ratio, wanted, met) {
  data.frame(what = what, emix = emix, "the other" = other, ratio = ratio, wanted = wanted,
    met = if (is.na(met)) "" else if (met) "yes" else "NO", check.names = FALSE)
}

# "at least so many times faster": NA is no promise.
faster_row <- function(what, emix, other, wanted, over = NULL) {
  ratio <- stats::median(other) / stats::median(emix)
  table_row(what, in_seconds(emix), if (is.null(over)) in_seconds(other) else sprintf("> %g s", over),
    paste0(if (!is.null(over)) "> ", format_each(ratio, 3)),
    if (is.na(wanted)) "" else sprintf(">= %g", wanted), ratio >= wanted)
}

# "in less than so many times the time"
less_row <- function(what, emix, other, wanted) {
  ratio <- stats::median(emix) / stats::median(other)
  table_row(what, in_seconds(emix), in_seconds(other), format_each(ratio, 3), sprintf("< %g", wanted), ratio < wanted)
}

rows_text <- function(n) format(n, big.mark = ",", scientific = FALSE)

# ---- the lines ----------------------------------------------------------------------------

line_pass <- function(o) {
  n <- o$n / 10
  plain <- build_plain()
  x <- draw_sample(n)
  tools <- list(emix = emix_pass(x, start), plain = plain_pass(plain, x, start))
  if (is_installed("mclust")) tools$mclust <- mclust_pass(x, start)
  announce("pass, normal")
  normal <- time_passes(tools, o$repeats)
  check_same(normal$after)
  y <- draw_binomial(n)
  announce("pass, binomial")
  binomial <- time_passes(list(
    emix = emix_pass(y, binomial_start, "binomial"),
    plain = plain_pass(plain, cbind(y[, 1], rowSums(y)), binomial_start)
  ), o$repeats)
  check_same(binomial$after)
  what <- function(family, other) sprintf("exact pass, %s, k = 3, n = %s: %s", family, rows_text(n), other)
  out <- rbind(
    faster_row(what("normal", "plain C"), normal$seconds[["emix"]], normal$seconds[["plain"]], 8),
    if ("mclust" %in% names(tools)) {
      faster_row(what("normal", "mclust"), normal$seconds[["emix"]], normal$seconds[["mclust"]], 10)
    },
    faster_row(what("binomial", "plain C"), binomial$seconds[["emix"]], binomial$seconds[["plain"]], 8)
  )
  out
}

line_fit <- function(o) {
  announce("fit, sort()")
  x <- draw_sample(o$n)
  times <- time_calls(list(emix = function() default_fit(x, k), sort = function() sort(x)), o$repeats)$seconds
  out <- less_row(sprintf("default fit, normal, k = 3, n = %s: sort(x)", rows_text(o$n)),
    times[, "emix"], times[, "sort"], 1)
  rm(x)
  rbind(out, peer_rows(o))
}

# A million rows take minutes with some: peers run once. The log-likelihood must be no lower, but
# for rounding.
peer_rows <- function(o) {
  n <- o$n / 10
  x <- draw_sample(n)
  ours <- time_calls(list(emix = function() default_fit(x, k)$loglik), o$repeats)
  file <- write_sample(x)
  on.exit(unlink(file))
  do.call(rbind, lapply(o$peers, function(name) {
    announce("fit, ", peer_call(name))
    peer_row(n, peer_call(name), ours, run_peer(name, file, k, o$limit), if (name == "sklearn") NA else peers[[name]]$wanted, o$limit)
  }))
}

peer_call <- function(name) if (name == "sklearn") "sklearn GaussianMixture" else peers[[name]]$call

peer_row <- function(n, call, ours, timed, wanted, limit) {
  what <- sprintf("default fit, normal, k = 3, n = %s: %s", rows_text(n), call)
  if (is.na(timed$seconds)) return(table_row(what, in_seconds(ours$seconds[, 1]), "failed", "", "", NA))
  over <- if (is.infinite(timed$seconds)) limit
  out <- faster_row(what, ours$seconds[, 1], if (is.null(over)) timed$seconds else limit, wanted, over)
  if (!is.null(over) || is.na(timed$value)) return(out)
  lead <- ours$values$emix - timed$value
  also <- table_row(sprintf("  log-likelihood above that of %s", call), sprintf("%.4f", ours$values$emix),
    sprintf("%.4f", timed$value), sprintf("%+.2g", lead), if (is.na(wanted)) "" else ">= 0", if (is.na(wanted)) NA else lead >= -1e-6)
  rbind(out, also)
}

line_components <- function(o) {
  announce("components")
  x <- draw_sample(o$n)
  times <- time_calls(list(three = function() default_fit(x, 3), eight = function() default_fit(x, 8)), o$repeats)$seconds
  less_row(sprintf("default fit, normal, n = %s: k = 8 against k = 3", rows_text(o$n)),
    times[, "eight"], times[, "three"], 3)
}

line_binomial <- function(o) {
  announce("binomial")
  x <- draw_binomial(o$n)
  # Successes and trials in one integer.
  code <- 64L * x[, 1L] + x[, 1L] + x[, 2L]
  times <- time_calls(list(emix = function() default_fit(x, k, "binomial"), unique = function() unique(code)), o$repeats)$seconds
  less_row(sprintf("default fit, binomial, k = 3, n = %s: unique(code)", rows_text(o$n)),
    times[, "emix"], times[, "unique"], 2)
}

line_threads <- function(o) {
  announce("threads")
  x <- draw_sample(o$n)
  tools <- list(two = emix_pass(x, start, threads = 2, steps = 12), one = emix_pass(x, start, threads = 1, steps = 12))
  # By the clock on the wall, which other work on the machine disturbs: the least of many.
  passes <- time_passes(tools, 2 * o$repeats, wall_now)
  same <- identical(passes$after$one, passes$after$two)
  fits <- lapply(1:2, function(threads) {
    set.seed(1)
    default_fit(x, k, threads = threads)[c("parameters", "loglik", "convergence")]
  })
  rbind(
    faster_row(sprintf("exact pass, normal, k = 3, n = %s: two threads, one", rows_text(o$n)),
      passes$seconds[["two"]], passes$seconds[["one"]], 1.7),
    table_row("  the same bits, pass and default fit", "", "", "", "identical", same && identical(fits[[1]], fits[[2]]))
  )
}

line_memory <- function(o) {
  announce("memory")
  peaks <- peaks_of_child(draw_sample(o$n))
  peak <- if (is.na(peaks[["process"]])) peaks[["heap"]] else peaks[["process"]]
  table_row(sprintf("peak above x of the default fit, n = %s", rows_text(o$n)), sprintf("%.3g MB", peak),
    sprintf("R heap: %.3g MB", peaks[["heap"]]), "", "<= 20 MB", peak <= 20)
}

# ---- growth -------------------------------------------------------------------------------

# The default fit as rows and components grow; the data have three. Peers that were not done at one
# size are not asked for the next.
line_growth <- function(o) {
  budget <- 30 # repeats of a fit begin within so many seconds
  sizes <- 10^seq(4, log10(o$n))
  rbind(
    growth_rows(o, sizes, rep(k, length(sizes)), budget),
    growth_rows(o, rep(max(1e4, o$n / 100), 7), c(2, 3, 4, 6, 8, 12, 16), budget)
  )
}

growth_rows <- function(o, sizes, components, budget) {
  limit <- o$limit / 5
  left <- o$peers
  out <- list()
  for (i in seq_along(sizes)) {
    n <- sizes[i]
    announce("growth, n = ", rows_text(n), ", k = ", components[i])
    x <- draw_sample(n)
    ours <- time_calls(list(emix = function() default_fit(x, components[i])), o$repeats, budget)
    file <- write_sample(x)
    rm(x)
    runs <- lapply(stats::setNames(nm = left), run_peer, file = file, components = components[i], limit = limit)
    unlink(file)
    out <- c(out, list(growth_row(n, components[i], ours)),
      lapply(o$peers, function(name) growth_peer_row(peer_call(name), ours, runs[[name]], limit)))
    left <- Filter(function(name) is.finite(runs[[name]]$seconds), left)
  }
  do.call(rbind, out)
}

growth_row <- function(n, components, ours) {
  seconds <- ours$seconds[, 1]
  points <- ours$values$emix$convergence$points
  table_row(sprintf("growth, normal, k = %g, n = %s", components, rows_text(n)), in_seconds(seconds),
    paste0(format_each(1e9 * stats::median(seconds) / n, 3), " ns/row", if (!is.null(points)) sprintf(", %s points", rows_text(points))),
    "", "", NA)
}

# Its log-likelihood less ours where both ended.
growth_peer_row <- function(call, ours, timed, limit) {
  row <- function(other, ratio = "") table_row(paste0("  ", call), "", other, ratio, "", NA)
  if (is.null(timed)) return(row("not run: no end before"))
  if (is.na(timed$seconds)) return(row("failed"))
  over <- is.infinite(timed$seconds)
  ratio <- paste0(if (over) "> ", format_each(min(timed$seconds, limit) / stats::median(ours$seconds[, 1]), 3))
  if (over) return(row(sprintf("> %g s", limit), ratio))
  apart <- if (is.na(timed$value)) "fewer components" else sprintf("log-likelihood %+.2g", timed$value - ours$values$emix$loglik)
  row(paste0(in_seconds(timed$seconds), ", ", apart), ratio)
}

# ---- the run ------------------------------------------------------------------------------

lines <- list(pass = line_pass, fit = line_fit, components = line_components, binomial = line_binomial,
  threads = line_threads, memory = line_memory, growth = line_growth)

read_options <- function(arguments) {
  known <- "^--(n|repeats|limit)="
  wrong <- grep("^--", grep(known, arguments, value = TRUE, invert = TRUE), value = TRUE)
  if (length(wrong)) refuse(paste("no such option:", wrong[1]))
  asked <- grep("^--", arguments, value = TRUE, invert = TRUE)
  unknown <- setdiff(asked, names(lines))
  if (length(unknown)) refuse(paste("no such line:", unknown[1]))
  o <- list(n = read_option(arguments, "n", 1e7), repeats = read_option(arguments, "repeats", 5),
    limit = read_option(arguments, "limit", 300), asked = if (length(asked)) asked else names(lines))
  if (o$n < 1e5 || o$n %% 10 != 0) refuse("n: at least 1e5, a multiple of 10")
  o
}

main <- function(arguments) {
  o <- read_options(arguments)
  installed <- load_tools(c(list(emix = list(package = "emix")), peers))
  o$peers <- setdiff(names(installed), "emix")
  if (any(c("fit", "growth") %in% o$asked)) {
    if (has_sklearn()) o$peers <- c(o$peers, "sklearn") else cat("Not installed, left out: scikit-learn\n")
  }
  cat(sprintf("One thread, CPU seconds, %g repeats; n = %s\n", o$repeats, rows_text(o$n)))
  rows <- lapply(lines[intersect(names(lines), o$asked)], function(line) line(o))
  cat("\n")
  print_wide(do.call(rbind, unname(rows)))
}

print_wide <- function(table) {
  before <- options(width = 250)
  on.exit(options(before))
  table$what <- formatC(table$what, width = -max(nchar(table$what)), flag = " ")
  print(table, row.names = FALSE)
}

arguments <- commandArgs(trailingOnly = TRUE)
if (length(arguments) == 2 && arguments[1] == "child") {
  print_peaks(arguments[2], function(x) default_fit(x, k))
} else if (length(arguments) == 4 && arguments[1] == "peer") {
  print_peer(arguments[2], arguments[3], as.numeric(arguments[4]))
} else {
  main(arguments)
}

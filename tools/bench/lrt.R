# The bootstrap likelihood-ratio test: its size, and its time beside other packages.
#
#   Rscript tools/bench/lrt.R [size] [time] [--samples=500] [--n=200] [--replicates=199] [--rows=1e4] [--draws=999] [--limit=120]
#
# See README.md.

usage <- "usage: lrt.R [size] [time] [--samples=500] [--n=200] [--replicates=199] [--rows=1e4] [--draws=999] [--limit=120] [--processes=2]"
file <- sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE)[1])
source(file.path(dirname(normalizePath(file)), "helpers.R"))

# ---- size: null hypotheses that hold ---------------------------------------------------------

two_normal <- function(n) rnorm(n, ifelse(runif(n) < 0.4, 0, 3))
nulls <- list(
  "normal, 1 against 2" = list(k = 1, draw = rnorm, family = "normal"),
  "normal, 2 against 3" = list(k = 2, draw = two_normal, family = "normal"),
  "normal, equal sd, 2 against 3" = list(k = 2, draw = two_normal, family = "normal", equal = "sd"),
  "binomial of 20, 2 against 3" = list(k = 2, family = "binomial", draw = function(n) {
    s <- rbinom(n, 20, ifelse(runif(n) < 0.4, 0.3, 0.7))
    cbind(s, 20 - s)
  })
)

one_test <- function(seed, null, n, replicates) {
  set.seed(seed)
  x <- null$draw(n)
  control <- em_control(threads = 1, progress = FALSE)
  fit <- function(k) suppressWarnings(emix(x, k = k, family = null$family, equal = null$equal, control = control))
  test <- attr(suppressWarnings(anova(fit(null$k), fit(null$k + 1), replicates = replicates)), "tests")[[1]]
  c(test$p, test$used, test$missed > 0, test$failed)
}

measure_size <- function(samples, n, replicates, processes) {
  cat("\nsize: n = ", n, ", ", samples, " samples, ", replicates, " replicates at most; in %, Monte Carlo standard errors ",
    paste(format(100 * sqrt(c(0.05, 0.1) * c(0.95, 0.9) / samples), digits = 2), collapse = " and "), "\n", sep = "")
  cat(sprintf("%-30s %8s %8s %6s %7s %7s %8s\n", "null", "at 5 %", "at 10 %", "used", "missed", "failed", "seconds"))
  for (name in names(nulls)) {
    begun <- wall_now()
    each <- parallel::mclapply(seq_len(samples), one_test, nulls[[name]], n, replicates, mc.cores = processes)
    broken <- vapply(each, inherits, NA, "try-error")
    if (any(broken)) stop(each[broken][[1]])
    each <- do.call(rbind, each)
    cat(sprintf("%-30s %8.1f %8.1f %6.0f %7d %7d %8.0f\n", name, 100 * mean(each[, 1] <= 0.05), 100 * mean(each[, 1] <= 0.1),
      mean(each[, 2]), sum(each[, 3] > 0), as.integer(sum(each[, 4])), wall_now() - begun))
  }
}

# ---- time: all replicates of 2 against 3 -----------------------------------------------------

peers <- list(
  emix = list(package = "emix", run = function(x, draws) {
    small <- emix(x, k = 2)
    large <- suppressWarnings(emix(x, k = 3))
    attr(anova(small, large, replicates = draws, stop = FALSE), "tests")[[1]]$p
  }),
  mclust = list(package = "mclust", run = function(x, draws) {
    # It tests 1 against 2 first, with as many replicates.
    silently(mclust::mclustBootstrapLRT(x, modelName = "V", nboot = draws, maxG = 2, level = 1, verbose = FALSE))$p.value[2]
  }),
  mixtools = list(package = "mixtools", run = function(x, draws) {
    # Its k components against k + 1, from 1 on.
    grDevices::pdf(NULL)
    on.exit(grDevices::dev.off())
    silently(mixtools::boot.comp(x, max.comp = 2, B = draws, sig = 1, mix.type = "normalmix", hist = FALSE))$p.values[2]
  })
)

# CPU seconds of this process and of those that it forked, and seconds on the wall.
spend <- function(code) {
  before <- proc.time()
  value <- tryCatch(code, error = identity)
  spent <- proc.time() - before
  list(value = value, cpu = sum(spent[c(1, 2, 4, 5)]), wall = spent[[3]])
}

# In a process of its own, which is ended at the limit: some packages catch R's own time limit and go on.
within_limit <- function(code, limit) {
  if (.Platform$OS.type == "windows") return(spend(code))
  job <- parallel::mcparallel(spend(code), detached = FALSE)
  found <- parallel::mccollect(job, wait = FALSE, timeout = limit)
  if (!is.null(found)) return(found[[1]])
  tools::pskill(job$pid, tools::SIGKILL)
  suppressWarnings(parallel::mccollect(job))
  NULL
}

measure_time <- function(here, n, draws, limit) {
  set.seed(1)
  x <- two_normal(n)
  cat("\ntime: n = ", n, ", 2 against 3 normal components with free sds, ", draws, " replicates\n", sep = "")
  for (name in names(here)) {
    # emix forks itself, which a child may not.
    found <- if (name == "emix") spend(here$emix$run(x, draws)) else within_limit(here[[name]]$run(x, draws), limit)
    text <- if (is.null(found)) paste0("> ", limit, " s on the wall: ended") else
      if (inherits(found$value, "error")) paste("failed:", conditionMessage(found$value)) else
        sprintf("%8.1f s CPU, %8.1f s on the wall, p = %.3f", found$cpu, found$wall, found$value)
    cat(format(name, width = 10), text, "\n")
  }
}

main <- function(arguments) {
  words <- arguments[!startsWith(arguments, "--")]
  unknown <- setdiff(words, c("size", "time"))
  if (length(unknown)) refuse(paste("not known:", unknown[1]))
  if (!length(words)) words <- c("time", "size")
  here <- load_tools(peers)
  library(emix)
  processes <- if (.Platform$OS.type == "windows") 1 else read_option(arguments, "processes", 2)
  if ("time" %in% words) {
    measure_time(here, read_option(arguments, "rows", 1e4), read_option(arguments, "draws", 999), read_option(arguments, "limit", 120))
  }
  if ("size" %in% words) {
    measure_size(read_option(arguments, "samples", 500), read_option(arguments, "n", 200), read_option(arguments, "replicates", 199), processes)
  }
}

main(commandArgs(TRUE))

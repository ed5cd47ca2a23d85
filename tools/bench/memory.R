# Measures the peak memory of a fit above its data: normal mixture, k = 3, n = 1e6, given start.
# Run from the package root with emix installed:
#
#   Rscript tools/bench/memory.R [n]
#
# Every figure comes from fresh R processes, because memory that one fit gives back is still the
# process's own, and would hide what the next one takes. README.md beside this file says how
# to read the table. Base R only.

usage <- "usage: Rscript tools/bench/memory.R [n]"
megabyte <- 1e6
k <- 3
repeats <- 3

# ---- in a fresh process -------------------------------------------------------------------

# A field of /proc/self/status in MB: VmRSS is what the process holds now, VmHWM the most that it
# held. NA on systems that have no such file.
status_of_process <- function(field) {
  if (!file.exists("/proc/self/status")) return(NA_real_)
  line <- grep(paste0("^", field, ":"), readLines("/proc/self/status"), value = TRUE)
  if (length(line)) as.numeric(gsub("[^0-9]", "", line)) * 1024 / megabyte else NA_real_
}

# Linux forgets the peak so far when asked to. Where it does not, the figure is too large rather
# than too small, since the peak after is compared with what was held before.
forget_peak <- function() {
  try(suppressWarnings(cat("5", file = "/proc/self/clear_refs")), silent = TRUE)
}

fit_once <- function(x, condense) {
  control <- emix::em_control(max_iter = 5, condense = condense, threads = 1, progress = FALSE)
  start <- list(prop = rep(1 / k, k), mean = c(-1, 0, 2), sd = c(1, 1, 1))
  withCallingHandlers(
    emix::emix(x, k = k, start = start, control = control),
    emix_warning_iterations = function(w) invokeRestart("muffleWarning")
  )
}

# What R itself counts of its objects, in MB: now ("used") or the most since the last reset
# ("max used"). gc() counts nodes of seven pointers and vector cells of eight bytes.
heap <- function(column, reset = FALSE) {
  cells <- gc(reset = reset)[c("Ncells", "Vcells"), column]
  sum(cells * c(7 * .Machine$sizeof.pointer, 8)) / megabyte
}

# Prints the two figures: the process's peak and R's own, both above what there was before.
child <- function(file, condense) {
  n <- file.size(file) / 8
  # Code that is loaded at its first call, and the compiler that R would load to compile this
  # script's functions, are not the fit's memory.
  compiler::enableJIT(0)
  fit_once(rnorm(100), condense)
  x <- readBin(file, "double", n)
  heap_before <- heap("used", reset = TRUE)
  forget_peak()
  held_before <- status_of_process("VmRSS")
  fit <- fit_once(x, condense)
  process <- status_of_process("VmHWM") - held_before
  cat(process, heap("max used") - heap_before, "\n")
}

# ---- in the process that was called -------------------------------------------------------

this_script <- function() {
  file <- grep("^--file=", commandArgs(), value = TRUE)
  normalizePath(sub("^--file=", "", file[1]))
}

# The data come by a file of plain doubles: reading it leaves nothing behind but the vector.
write_sample <- function(n) {
  set.seed(1)
  component <- sample.int(k, n, replace = TRUE, prob = c(0.4, 0.35, 0.25))
  x <- rnorm(n, c(-2, 0.5, 4)[component], c(1, 0.9, 1.6)[component])
  file <- tempfile(fileext = ".bin")
  writeBin(x, file)
  file
}

measure <- function(n, condense) {
  file <- write_sample(n)
  on.exit(unlink(file))
  rscript <- file.path(R.home("bin"), "Rscript")
  arguments <- shQuote(c("--vanilla", this_script(), "child", file, condense))
  environment <- c(
    # --vanilla drops a profile that may have set the library.
    paste0("R_LIBS=", shQuote(paste(.libPaths(), collapse = .Platform$path.sep))),
    # glibc's malloc shall give every larger block back at once, so that none is there to be
    # used again, unseen by the process's figures. Other systems do not read these.
    "MALLOC_MMAP_THRESHOLD_=16384", "MALLOC_TRIM_THRESHOLD_=16384"
  )
  runs <- replicate(repeats, {
    text <- system2(rscript, arguments, stdout = TRUE, env = environment)
    if (!length(text)) stop("the measuring process failed", call. = FALSE)
    scan(text = text[length(text)], quiet = TRUE)
  })
  apply(runs, 1, max)
}

main <- function(n) {
  cases <- expand.grid(condense = c("none", "auto"), n = c(1000, n), stringsAsFactors = FALSE)
  figures <- vapply(seq_len(nrow(cases)), function(i) {
    measure(cases$n[i], cases$condense[i])
  }, c(process = 0, heap = 0))
  cat(sprintf("emix %s, normal, k = %d, given start; the largest of %d runs\n",
    format(packageVersion("emix")), k, repeats))
  cat("Peak memory above the data, MB (1e6 bytes)\n\n")
  print(data.frame(
    n = format(cases$n, big.mark = ","), condense = cases$condense,
    process = sprintf("%.2f", figures["process", ]),
    "R heap" = sprintf("%.2f", figures["heap", ]), check.names = FALSE
  ), row.names = FALSE)
  cat(sprintf("\nFor comparison: the data are %g MB, one n x k array would be %g MB.\n",
    8 * n / megabyte, 8 * n * k / megabyte))
}

arguments <- commandArgs(trailingOnly = TRUE)
if (length(arguments) == 3 && arguments[1] == "child") {
  child(arguments[2], arguments[3])
} else {
  n <- if (length(arguments)) suppressWarnings(as.numeric(arguments[1])) else 1e6
  if (length(arguments) > 1 || is.na(n) || n < 100) stop(usage, call. = FALSE)
  main(n)
}

# Measures the peak memory of a fit above its data: normal mixture, k = 3, n = 1e6, given start.
# Run from the package root with emix installed:
#
#   Rscript tools/bench/memory.R [n]
#
# Every figure comes from fresh R processes, because memory that one fit gives back is still the
# process's own, and would hide what the next one takes. README.md beside this file says how
# to read the table. Base R only.

usage <- "usage: Rscript tools/bench/memory.R [n]"
repeats <- 3

# Helpers stand beside this file.
here <- sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE)[1])
source(file.path(dirname(here), "helpers.R"))

fit_once <- function(x, condense) {
  control <- emix::em_control(max_iter = 5, condense = condense, threads = 1, progress = FALSE)
  withCallingHandlers(
    emix::emix(x, k = k, start = start, control = control),
    emix_warning_iterations = function(w) invokeRestart("muffleWarning")
  )
}

main <- function(n) {
  cases <- expand.grid(condense = c("none", "auto"), n = c(1000, n), stringsAsFactors = FALSE)
  figures <- vapply(seq_len(nrow(cases)), function(i) {
    peaks_of_child(draw_sample(cases$n[i]), cases$condense[i], repeats)
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
  condense <- arguments[3]
  print_peaks(arguments[2], function(x) fit_once(x, condense))
} else {
  n <- if (length(arguments)) suppressWarnings(as.numeric(arguments[1])) else 1e6
  if (length(arguments) > 1 || is.na(n) || n < 100) stop(usage, call. = FALSE)
  main(n)
}

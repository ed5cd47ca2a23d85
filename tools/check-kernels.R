# Do the kernels say the same on every instruction set that this machine can run? The binary has one version of each kernel
# for AVX-512, one for AVX2 and one for any machine, and the loader takes the best: a test suite sees one of them only.
# This installs the package once for each, in a temporary library, and runs the tests. From the package root:
#
#   Rscript tools/check-kernels.R [filter]
#
# `filter`: as in testthat::test_dir(); default: all tests. Needs testthat and, for AVX2 and AVX-512, gcc or clang on
# x86-64; elsewhere plain C alone is tried. Ends with status 1 where a test fails. Base R but for the tests.

filter <- commandArgs(TRUE)[1L]
if (is.na(filter)) filter <- NULL

# What the processor has, as Linux tells it.
flags <- if (file.exists("/proc/cpuinfo")) grep("^flags", readLines("/proc/cpuinfo"), value = TRUE)[1L] else ""
has <- function(flag) grepl(paste0(" ", flag, "( |$)"), flags)
x86 <- R.version$arch == "x86_64"
sets <- c("plain C" = "",
  if (x86 && has("avx2") && has("fma")) c("AVX2" = "-mavx2 -mfma"),
  if (x86 && has("avx512f")) c("AVX-512" = "-mavx2 -mfma -mavx512f -mprefer-vector-width=512"))

run <- function(command, args, env = character(), log) {
  status <- system2(command, args, stdout = log, stderr = log, env = env)
  if (status != 0L) writeLines(utils::tail(readLines(log), 40L))
  status == 0L
}

try_set <- function(name) {
  folder <- tempfile("kernels")
  library <- file.path(folder, "library")
  dir.create(library, recursive = TRUE)
  # Without what an earlier build has left.
  files <- grep("[.]Rcheck$", list.files("."), value = TRUE, invert = TRUE)
  dir.create(file.path(folder, "emix"))
  file.copy(files, file.path(folder, "emix"), recursive = TRUE)
  unlink(list.files(file.path(folder, "emix", "src"), "[.](o|so|dll)$", full.names = TRUE))
  writeLines(paste("CFLAGS = -g -O2 -DEM_ONE_KERNEL", sets[[name]]), file.path(folder, "Makevars"))
  r <- file.path(R.home("bin"), "R")
  log <- file.path(folder, "log")
  installed <- run(r, c("CMD", "INSTALL", "--no-docs", paste0("--library=", library), file.path(folder, "emix")),
    paste0("R_MAKEVARS_USER=", file.path(folder, "Makevars")), log)
  if (!installed) return(c(passed = 0L, failed = 1L))
  count <- file.path(folder, "count")
  script <- file.path(folder, "tests.R")
  writeLines(deparse(bquote({
    library(testthat)
    library(emix, lib.loc = .(library))
    done <- as.data.frame(test_dir(.(normalizePath("tests/testthat")), package = "emix", load_package = "installed",
      reporter = "summary", stop_on_failure = FALSE, filter = .(filter)))
    writeLines(as.character(c(sum(done$passed), sum(done$failed) + sum(done$error))), .(count))
  })), script)
  run(r, c("--vanilla", "--no-echo", "-f", script), paste0("R_LIBS=", library), log)
  if (!file.exists(count)) return(c(passed = 0L, failed = 1L))
  counts <- stats::setNames(as.integer(readLines(count)), c("passed", "failed"))
  if (counts[["failed"]]) writeLines(readLines(log))
  unlink(folder, recursive = TRUE)
  counts
}

results <- vapply(names(sets), try_set, integer(2L))
for (name in names(sets)) cat(sprintf("%-8s  %d passed, %d failed\n", name, results["passed", name], results["failed", name]))
quit(status = as.integer(any(results["failed", ] > 0L | results["passed", ] == 0L)))

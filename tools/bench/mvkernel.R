# What a row costs the multivariate normal's kernels, per component, beside plain C loops: the log density and the
# weighted moments, without the shares between them. Run from the package root:
#
#   Rscript tools/bench/mvkernel.R [columns ...] [--repeats=number]
#
# columns: default 2 5 10 20 50 64. repeats: default 30, of which the fastest counts; each takes about a millisecond.
# Compiles src/mvkernel.c as it stands with -O2, as a package is; emix need not be installed. Base R and a C compiler.

arguments <- commandArgs(TRUE)
option <- grep("^--repeats=[0-9]+$", arguments, value = TRUE)
columns <- setdiff(arguments, option)
if (!all(grepl("^[0-9]+$", columns)) || any(as.integer(columns) < 1L | as.integer(columns) > 256L)) {
  stop("usage: Rscript tools/bench/mvkernel.R [columns ...] [--repeats=number]", call. = FALSE)
}
columns <- if (length(columns)) as.integer(columns) else c(2L, 5L, 10L, 20L, 50L, 64L)
repeats <- if (length(option)) as.integer(sub("--repeats=", "", option)) else 30L

here <- dirname(sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE)[1]))

build <- function() {
  folder <- tempfile("mvkernel")
  dir.create(folder)
  source <- file.path(here, "..", "..", "src")
  file.copy(file.path(source, c("types.h", "mvkernel.h", "mvkernel-lanes.h")), folder)
  file.copy(file.path(source, "mvkernel.c"), file.path(folder, "kernel.c"))
  file.copy(file.path(here, "mvkernel.c"), file.path(folder, "bench.c"))
  writeLines("CFLAGS = -O2", file.path(folder, "Makevars.user"))
  before <- setwd(folder)
  on.exit(setwd(before))
  said <- system2(file.path(R.home("bin"), "R"), c("CMD", "SHLIB", "-o", "bench.so", "bench.c", "kernel.c"),
    stdout = TRUE, stderr = TRUE, env = "R_MAKEVARS_USER=Makevars.user")
  if (!file.exists("bench.so")) stop("does not compile:\n", paste(said, collapse = "\n"), call. = FALSE)
  getNativeSymbolInfo("mv_time", dyn.load(file.path(folder, "bench.so")))
}

mv_time <- build()
measure <- function(d, diagonal, plain) {
  work <- if (diagonal) 6 * d else d * (d + 5)
  tiles <- max(8L, as.integer(4e4 / work / if (plain) 10 else 1))
  .Call(mv_time, d, diagonal, plain, tiles, repeats)
}

cat("ns per row and component\n")
cat(sprintf("%-9s %7s   %8s %8s %8s   %8s %8s\n", "", "columns", "density", "moments", "both", "plain C", "ratio"))
for (diagonal in c(FALSE, TRUE)) {
  for (d in columns) {
    ours <- measure(d, diagonal, FALSE)
    plain <- sum(measure(d, diagonal, TRUE))
    cat(sprintf("%-9s %7d   %8.2f %8.2f %8.2f   %8.2f %8.1f\n", if (diagonal) "diagonal" else "whole", d,
      ours[1], ours[2], sum(ours), plain, plain / sum(ours)))
  }
}

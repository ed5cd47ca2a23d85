# What the benchmark scripts share: the sample, the clock, memory of a process, options. Base R only.

# ---- the problem --------------------------------------------------------------------------

# Overlapping components: EM is slow here, so that no run reaches its limit, where a package
# might leave the loop early, in as few iterations as are timed.
truth <- list(prop = c(0.4, 0.35, 0.25), mean = c(-2, 0.5, 4), sd = c(1, 0.9, 1.6))
start <- list(prop = rep(1 / 3, 3), mean = c(-1, 0, 2), sd = c(1, 1, 1))
k <- length(truth$prop)

draw_sample <- function(n) {
  set.seed(1)
  component <- sample.int(k, n, replace = TRUE, prob = truth$prop)
  rnorm(n, truth$mean[component], truth$sd[component])
}

# ---- packages -----------------------------------------------------------------------------

# What a package writes to the console is not our output, and writing it takes no time here.
silently <- function(expr) {
  sink(nullfile())
  on.exit(sink())
  expr
}

is_installed <- function(package) is.null(package) || requireNamespace(package, quietly = TRUE)

# `tools` is a list with an element `package` each (NULL: none needed). Those that are installed are
# attached, because mclust looks its own functions up on the search path.
load_tools <- function(tools) {
  here <- vapply(tools, function(tool) is_installed(tool$package), NA)
  if (!here[["emix"]]) stop("emix is not installed: R CMD INSTALL .", call. = FALSE)
  if (!all(here)) cat("Not installed, left out:", toString(names(tools)[!here]), "\n")
  packages <- unique(unlist(lapply(tools[here], `[[`, "package")))
  for (package in setdiff(packages, "emix")) {
    suppressPackageStartupMessages(library(package, character.only = TRUE, warn.conflicts = FALSE))
  }
  versions <- vapply(packages, function(package) format(packageVersion(package)), "")
  cat(R.version.string, "-", toString(paste(packages, versions)), "\n")
  tools[here]
}

# ---- the clock ----------------------------------------------------------------------------

# CPU seconds: with one thread they are what a clock on the wall shows on an idle machine, and
# other work on the machine disturbs them less.
cpu_now <- function() sum(proc.time()[c("user.self", "sys.self")])

wall_now <- function() proc.time()[["elapsed"]]

# Seconds, and the value, of an expression; Inf where it took more than `limit`. R looks at the
# limit only between calls of compiled code, and a package may catch the error and go on:
# hence the second look at the clock.
time_within <- function(expr, limit, now = cpu_now) {
  gc()
  begun <- now()
  setTimeLimit(cpu = limit)
  value <- tryCatch(expr, error = function(e) e)
  setTimeLimit(cpu = Inf)
  seconds <- now() - begun
  if (seconds >= limit) return(list(seconds = Inf, value = NULL))
  if (inherits(value, "error")) stop(value)
  list(seconds = seconds, value = value)
}

# ---- memory -------------------------------------------------------------------------------

megabyte <- 1e6

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

# What R itself counts of its objects, in MB: now ("used") or the most since the last reset
# ("max used"). gc() counts nodes of seven pointers and vector cells of eight bytes.
heap <- function(column, reset = FALSE) {
  cells <- gc(reset = reset)[c("Ncells", "Vcells"), column]
  sum(cells * c(7 * .Machine$sizeof.pointer, 8)) / megabyte
}

# In a fresh process: prints the process's peak and R's own while fit(x) runs, both above what
# there was before. The data come by a file of plain doubles: reading it leaves nothing behind
# but the vector.
print_peaks <- function(file, fit) print_peaks_of_matrix(file, identity, fit, rnorm(100))

# The same of data in the shape that `shaped` gives the vector; `few` are values for a first fit.
print_peaks_of_matrix <- function(file, shaped, fit, few) {
  # Code that is loaded at its first call, and the compiler that R would load to compile a
  # script's functions, are not the fit's memory.
  compiler::enableJIT(0)
  fit(shaped(few))
  x <- shaped(readBin(file, "double", file.size(file) / 8))
  heap_before <- heap("used", reset = TRUE)
  forget_peak()
  held_before <- status_of_process("VmRSS")
  fitted <- fit(x)
  process <- status_of_process("VmHWM") - held_before
  cat(process, heap("max used") - heap_before, "\n")
}

# The largest of the two figures of print_peaks() in `runs` fresh processes of the script that runs;
# they are called with "child", the file of the data, and the further arguments.
peaks_of_child <- function(x, arguments = character(), runs = 3) {
  file <- tempfile(fileext = ".bin")
  on.exit(unlink(file))
  writeBin(x, file)
  rscript <- file.path(R.home("bin"), "Rscript")
  arguments <- shQuote(c("--vanilla", this_script(), "child", file, arguments))
  environment <- c(
    # --vanilla drops a profile that may have set the library.
    paste0("R_LIBS=", shQuote(paste(.libPaths(), collapse = .Platform$path.sep))),
    # glibc's malloc shall give every larger block back at once, so that none is there to be
    # used again, unseen by the process's figures. Other systems do not read these.
    "MALLOC_MMAP_THRESHOLD_=16384", "MALLOC_TRIM_THRESHOLD_=16384"
  )
  figures <- replicate(runs, {
    text <- system2(rscript, arguments, stdout = TRUE, env = environment)
    if (!length(text)) stop("the measuring process failed", call. = FALSE)
    scan(text = text[length(text)], quiet = TRUE)
  })
  stats::setNames(apply(figures, 1, max), c("process", "heap"))
}

# ---- options and figures ------------------------------------------------------------------

this_script <- function() {
  file <- grep("^--file=", commandArgs(), value = TRUE)
  normalizePath(sub("^--file=", "", file[1]))
}

# Arguments that are wrong end a script with its usage.
refuse <- function(why) stop(why, "\n", usage, call. = FALSE)

read_number <- function(text) {
  value <- suppressWarnings(as.numeric(text))
  if (is.na(value) || value <= 0) refuse(paste("not a positive number:", text))
  value
}

# The text after --name=, or NULL; the last one where there are several.
read_text <- function(arguments, name) {
  flag <- paste0("^--", name, "=")
  given <- sub(flag, "", grep(flag, arguments, value = TRUE))
  if (length(given)) given[length(given)]
}

read_option <- function(arguments, name, default) {
  given <- read_text(arguments, name)
  if (is.null(given)) default else read_number(given)
}

format_each <- function(values, digits) {
  vapply(values, function(v) format(signif(v, digits), scientific = FALSE), "")
}

# Is the worked example of CONTRIBUTING.md true? Its code, word for word, goes into a copy of the package, which is then
# installed, checked by tools/check-layers.R, tested by the example's own test, and run as the example's last section shows.
#
#   Rscript tools/check-example.R
#
# Works on a copy in the session's temporary directory. The exit status is not 0 where something does not hold.

stop_unless <- function(ok, ...) if (!ok) stop(..., call. = FALSE)

# The fenced pieces of code of a section, by the number in its heading.
pieces <- function(lines, section) {
  from <- grep(paste0("^### ", section, "\\. "), lines)
  stop_unless(length(from) == 1L, "CONTRIBUTING.md has no section ", section)
  to <- c(grep("^##", lines), length(lines) + 1L)
  own <- lines[seq(from, min(to[to > from]) - 1L)]
  fences <- grep("^```", own)
  starts <- fences[c(TRUE, FALSE)]
  ends <- fences[c(FALSE, TRUE)]
  Map(function(a, b) own[seq(a + 1L, b - 1L)], starts, ends)
}

# The line of a file that begins as `line` does becomes `line`.
replace_line <- function(file, line, beginning) {
  text <- readLines(file, encoding = "UTF-8")
  at <- which(startsWith(text, beginning))
  stop_unless(length(at) == 1L, file, " has ", length(at), " lines that begin with ", beginning)
  writeLines(append(text, line, at)[-at], file, useBytes = TRUE)
}

append_lines <- function(file, lines) cat("", lines, file = file, sep = "\n", append = TRUE)

run <- function(what, command, ...) {
  cat("==", what, "\n")
  stop_unless(system2(command, c(...)) == 0L, "Failed: ", what)
}

arguments <- commandArgs(FALSE)
script <- normalizePath(sub("^--file=", "", grep("^--file=", arguments, value = TRUE)[1L]))
root <- dirname(dirname(script))
text <- readLines(file.path(root, "CONTRIBUTING.md"), encoding = "UTF-8")
text <- text[seq(grep("^## How to add a family", text), length(text))]

copy <- file.path(tempdir(), "emix")
library_there <- file.path(tempdir(), "library")
dir.create(copy)
dir.create(library_there)
here <- c("CONTRIBUTING.md", "DESCRIPTION", "LICENSE", "NAMESPACE", "NEWS.md", "README.md", "R", "data", "inst", "man", "src", "tests", "tools")
stop_unless(all(file.copy(file.path(root, here), copy, recursive = TRUE)), "cannot copy the package")
setwd(copy)
unlink(list.files("src", "[.](o|so)$", full.names = TRUE))

# 1 to 3: formulas, names, words. 4: the picture. 5: the laws.
writeLines(pieces(text, 1)[[1L]], "src/family-poisson.c", useBytes = TRUE)
writeLines(pieces(text, 2)[[1L]], "R/family-poisson.R", useBytes = TRUE)
words <- pieces(text, 3)
replace_line("src/families.h", words[[1L]], "#define EM_FAMILIES(plug)")
replace_line("R/family.R", words[[2L]], "family_names <- ")
append_lines("R/family.R", words[[3L]])
picture <- pieces(text, 4)
normal <- grep("^ *normal = plot_normal", readLines("R/plot.R"), value = TRUE)
replace_line("R/plot.R", c(normal, picture[[1L]]), normal)
writeLines(picture[[2L]], "R/plot-poisson.R", useBytes = TRUE)
writeLines(pieces(text, 5)[[1L]], "tests/testthat/test-family-poisson.R", useBytes = TRUE)
writeLines(pieces(text, 6)[[1L]], "session.R", useBytes = TRUE)
# What roxygen2 writes, where that is not installed.
append_lines("NAMESPACE", "export(mix_poisson)")

rscript <- file.path(R.home("bin"), "Rscript")
Sys.setenv(R_LIBS = paste(c(library_there, .libPaths()), collapse = .Platform$path.sep), NOT_CRAN = "true")
run("layers", rscript, "tools/check-layers.R")
run("install", file.path(R.home("bin"), "R"), "CMD", "INSTALL", "--no-docs", paste0("--library=", library_there), ".")
run("session", rscript, "-e", shQuote("pdf(NULL); source('session.R', echo = TRUE)"))
run("test", rscript, "-e", shQuote(paste(
  "testthat::test_dir('tests/testthat', filter = '^family-poisson$', package = 'emix', load_package = 'installed',",
  "reporter = 'summary', stop_on_failure = TRUE)")))
cat("The example holds.\n")

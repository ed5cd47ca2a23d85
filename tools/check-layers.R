# Checks the house: the direction of dependence between files, and the length of functions and
# files. Run from the package root: Rscript tools/check-layers.R
# Lists every violation and exits with status 1 if there is one. Base R only.
#
# Every file of src/ and R/ must be in a table below. A new file fails until it has a line there,
# so that its place is a decision and not an accident.

# ---- tables -------------------------------------------------------------------------------

# Regular expressions of whole file names in src/, lowest layer first.
src_layers <- list(
  "0" = c("types\\.h", "(numerics|exp-log|vector|softmax|mvkernel(-[a-z]+)?|linalg|eigen|volumes|axes|parallel)\\.[ch]"),
  "1" = "(family|latent|prior|covmodel(-turn)?|family-mvnormal)\\.h",
  "2" = c("(family|latent)-[a-z0-9-]+\\.c", "covmodel(-turn)?\\.c", "(condense|nodes)\\.[ch]"),
  "3" = c("families\\.h", "registry\\.[ch]", "score\\.[ch]"),
  "4" = "step\\.[ch]",
  "5" = "(accel|inform|ridge|boundary|progress|secant|sums)\\.[ch]",
  "6" = c("em(-[a-z]+)?\\.[ch]", "polish\\.[ch]"),
  "7" = "starts\\.[ch]",
  "8" = c("bridge(-[a-z0-9-]+)?\\.[ch]", "hooks(-[a-z0-9-]+)?\\.[ch]", "init\\.c")
)

# Layers whose files may include each other's headers: the foundations, the contracts, the
# registry (which reads families.h), the steps (inform.c fills what accel.c works on) and the
# bridge (which init.c registers). Elsewhere two files
# of one layer do not know each other: a family never learns of another family.
open_layers <- c(0, 1, 3, 5, 6, 8)
bridge_layer <- 8

# Regular expressions of whole file names in R/ without ".R", lowest layer first. Functions of one
# layer may call each other. `select` and `lattice` stand with `emix`, which calls them to choose among several models.
r_layers <- list(
  "conditions", "check", "watch", "control", "prior", "covmodel",
  c("family(-[a-z0-9-]+)?", "latent(-[a-z0-9-]+)?", "spec", "rows", "start(-[a-z]+)?"),
  c("evaluate", "nodes", "search(-[a-z]+)?", "moves", "leave", "saddle"),
  c("emix", "fit", "select", "lattice"),
  c("methods(-[a-z]+)?", "predict", "simulate", "distribution", "update", "vcov", "curve-[a-z]+", "confint", "contrast", "profile(-[a-z]+)?", "summary",
    "select-[a-z]+", "overlap", "tidy", "resample", "replicates", "assign", "refit", "bootstrap(-[a-z]+)?", "lrt", "anova"),
  c("teach", "step(-[a-z]+)?", "bound", "basins"),
  c("plot(-[a-z]+)?", "trace", "gradient(-[a-z]+)?", "animate"),
  c("data", "emix-package", "zzz")
)

limits <- list(
  c_median = 12, c_ninth_decile = 45, c_function = 80, c_file = 400,
  r_function = 80, r_file = 350
)

# ---- helpers ------------------------------------------------------------------------------

# Layer (numbered from 0) of each file name, NA where the table does not know it.
layer_of <- function(names, table) {
  known <- vapply(table, function(patterns) {
    grepl(paste0("^(", paste(patterns, collapse = "|"), ")$"), names)
  }, logical(length(names)))
  known <- matrix(known, nrow = length(names))
  ifelse(rowSums(known) > 0, max.col(known, "first") - 1, NA)
}

base_of <- function(names) sub("\\.[^.]*$", "", names)

# One message per line; none for no lines.
at_each <- function(path, lines, texts) {
  if (length(lines) == 0) character() else sprintf("%s:%d: %s", path, lines, texts)
}

lines_of <- function(found) found$last - found$first + 1

read_text <- function(path) readLines(path, warn = FALSE, encoding = "UTF-8")

# C source without comments (and without the text of strings), line numbers kept. Strings have to
# be matched too, or "/*" in a string would open a comment.
strip_c <- function(lines, blank_strings = TRUE) {
  if (length(lines) == 0) {
    return(lines)
  }
  text <- paste(lines, collapse = "\n")
  comment <- "/\\*[^*]*+(?:\\*(?!/)[^*]*+)*+\\*/|//[^\\n]*+"
  string <- "\"(?:[^\"\\\\\\n]|\\\\.)*+\"|'(?:[^'\\\\\\n]|\\\\.)*+'"
  found <- gregexpr(paste(comment, string, sep = "|"), text, perl = TRUE, useBytes = TRUE)
  blank <- function(tokens) {
    is_comment <- startsWith(tokens, "/")
    tokens[is_comment] <- gsub("[^\n]", " ", tokens[is_comment], useBytes = TRUE)
    if (blank_strings) tokens[!is_comment] <- "\"\""
    tokens
  }
  regmatches(text, found) <- lapply(regmatches(text, found), blank)
  stripped <- strsplit(text, "\n", fixed = TRUE)[[1]]
  length(stripped) <- length(lines) # strsplit() drops empty lines at the end
  ifelse(is.na(stripped), "", stripped)
}

# ---- src: includes and forbidden words ------------------------------------------------------

includes_of <- function(lines) {
  pattern <- "^\\s*#\\s*include\\s*([<\"])([^>\"]+)[>\"].*$"
  line <- grep(pattern, lines)
  list(line = line, file = sub(pattern, "\\2", lines[line]),
       quoted = sub(pattern, "\\1", lines[line]) == "\"")
}

is_r_header <- function(file) grepl("^(R|Rinternals|Rdefines)\\.h$|^R_ext/", file)

# Why `file` may not include the project header `header`; "" if it may.
include_fault <- function(file, header) {
  layers <- layer_of(c(file, header), src_layers)
  own <- base_of(file) == base_of(header)
  same <- layers[1] == layers[2]
  if (is.na(layers[2])) {
    "unknown header"
  } else if (own || is.na(layers[1])) {
    ""
  } else if (layers[2] > layers[1] || (same && !layers[1] %in% open_layers)) {
    sprintf("layer %d may not include layer %d", layers[1], layers[2])
  } else if (base_of(file) == "accel" && layers[2] > 0) {
    "accel may include layer 0 only"
  } else {
    ""
  }
}

check_includes <- function(path, file, lines) {
  inc <- includes_of(strip_c(lines, blank_strings = FALSE))
  is_r <- is_r_header(inc$file)
  project <- inc$quoted & !is_r
  fault <- rep("", length(inc$file))
  fault[project] <- vapply(inc$file[project], include_fault, "", file = file)
  in_bridge <- identical(layer_of(file, src_layers), bridge_layer)
  fault[is_r & !in_bridge] <- "R's headers belong to layer 8"
  bad <- nzchar(fault)
  at_each(path, inc$line[bad], paste0("includes ", inc$file[bad], ": ", fault[bad]))
}

# Words that only some files may use. `strings`: look inside string literals too.
omp_pragma <- "omp\\s+(?!simd\\b|declare\\s+simd\\b)"
words <- list(
  list(
    pattern = "\\bRf_error(call)?\\b|\\berror\\s*\\(",
    free_in = "^bridge.*\\.c$", strings = FALSE,
    fault = "raises an R error outside bridge*.c"
  ),
  list(
    pattern = sprintf("#\\s*pragma\\s+%1$s|_Pragma\\s*\\(\\s*\"\\s*%1$s", omp_pragma),
    free_in = "^parallel\\.[ch]$", strings = TRUE,
    fault = "OpenMP pragma outside parallel.* (only simd is allowed anywhere)"
  ),
  list(
    pattern = "#\\s*include.*\\bomp\\.h|\\bomp_\\w+\\s*\\(",
    free_in = "^parallel\\.[ch]$", strings = TRUE,
    fault = "OpenMP call outside parallel.*"
  ),
  list(
    pattern = "(?<![.>\\w])((R_)?([mc]alloc|realloc|free|Calloc|Realloc|Free)|R_chk_\\w+)\\s*\\(",
    free_in = "^$", strings = FALSE,
    fault = "takes memory from the heap (use R's transient heap, in the bridge)"
  )
)

check_words <- function(path, file, lines) {
  unlist(lapply(words, function(word) {
    if (grepl(word$free_in, file)) {
      return(NULL)
    }
    found <- grep(word$pattern, strip_c(lines, blank_strings = !word$strings), perl = TRUE)
    at_each(path, found, word$fault)
  }))
}

# ---- src: lengths ---------------------------------------------------------------------------

# Preprocessor lines and their continuations: macros are not functions.
is_preprocessor <- function(lines) {
  continues <- grepl("\\\\\\s*$", lines)
  inside <- grepl("^\\s*#", lines)
  for (i in seq_along(lines)[-1]) {
    if (inside[i - 1] && continues[i - 1]) inside[i] <- TRUE
  }
  inside
}

count_of <- function(mark, text) lengths(regmatches(text, gregexpr(mark, text, fixed = TRUE)))

# Name of the function whose signature is `head` (all before its brace); NA for a struct, an
# enum, a union or an initialised table.
function_name <- function(head) {
  pattern <- "(\\w+)\\s*(\\((?:[^()]++|(?2))*+\\))\\s*$"
  if (grepl("=", head, fixed = TRUE) || !grepl(pattern, head, perl = TRUE)) {
    return(NA_character_)
  }
  start <- regexpr(pattern, head, perl = TRUE)
  sub("^(\\w+).*$", "\\1", substring(head, start))
}

# Functions of a file: name, first line (of the signature), last line. Relies on the layout that
# clang-format gives: what is at file level starts in column 0, and its last brace too.
c_functions <- function(lines) {
  lines <- strip_c(lines)
  lines[is_preprocessor(lines)] <- ""
  found <- data.frame(name = character(), first = integer(), last = integer())
  head <- ""
  first <- i <- 1L
  while (i <= length(lines)) {
    if (!nzchar(trimws(head))) first <- i
    head <- paste(head, lines[i], sep = "\n")
    open <- count_of("{", head)
    if (open > 0) {
      last <- end_of_block(lines, i, open == count_of("}", head))
      name <- function_name(sub("\\{.*$", "", head))
      if (!is.na(name)) found[nrow(found) + 1, ] <- list(name, first, last)
      i <- last
      head <- ""
    } else if (grepl(";\\s*$", head) || is_gap(lines[i], head)) {
      head <- ""
    }
    i <- i + 1L
  }
  found
}

# A blank line ends what came before it (a macro on a line of its own), but not inside parentheses.
is_gap <- function(line, head) !nzchar(trimws(line)) && count_of("(", head) == count_of(")", head)

end_of_block <- function(lines, from, closed) {
  if (closed) {
    return(from)
  }
  after <- seq_along(lines) > from
  c(which(after & startsWith(lines, "}")), length(lines))[1]
}

check_c_function_lengths <- function(functions) {
  lines <- lines_of(functions)
  long <- lines > limits$c_function
  out <- at_each(functions$path[long], functions$first[long], sprintf(
    "function %s has %d lines, more than %d", functions$name[long], lines[long], limits$c_function
  ))
  centre <- stats::median(lines)
  decile <- stats::quantile(lines, 0.9, names = FALSE)
  if (centre > limits$c_median) {
    out <- c(out, sprintf("src: median C function has %g lines, more than %d", centre,
                          limits$c_median))
  }
  if (decile > limits$c_ninth_decile) {
    out <- c(out, sprintf("src: one C function in ten has more than %d lines (90th percentile %g)",
                          limits$c_ninth_decile, decile))
  }
  out
}

check_file_length <- function(path, lines, limit) {
  if (length(lines) <= limit) {
    return(NULL)
  }
  sprintf("%s: %d lines, more than %d", path, length(lines), limit)
}

check_src <- function() {
  files <- list.files("src", pattern = "\\.(c|h|cc|cpp|hpp|f|f90|f95)$", recursive = TRUE)
  faults <- sprintf("src/%s: unknown file; give it a layer in tools/check-layers.R",
                    files[is.na(layer_of(files, src_layers))])
  functions <- NULL
  for (file in files) {
    path <- file.path("src", file)
    lines <- read_text(path)
    faults <- c(faults, check_includes(path, file, lines), check_words(path, file, lines),
                check_file_length(path, lines, limits$c_file))
    found <- c_functions(lines)
    if (nrow(found) > 0) functions <- rbind(functions, cbind(path = path, found))
  }
  if (!is.null(functions)) faults <- c(faults, check_c_function_lengths(functions))
  list(faults = faults, files = length(files), lengths = lines_of(functions))
}

# ---- R ----------------------------------------------------------------------------------------

# Top-level assignments of a file: name, first line, last line, whether a function.
r_assignments <- function(parsed) {
  found <- data.frame(name = character(), first = integer(), last = integer(), fun = logical())
  refs <- utils::getSrcref(parsed)
  for (i in seq_along(parsed)) {
    e <- parsed[[i]]
    if (is.call(e) && length(e) == 3 && as.character(e[[1]])[1] %in% c("<-", "=")) {
      is_fun <- is.call(e[[3]]) && identical(e[[3]][[1]], quote(`function`))
      name <- paste(deparse(e[[2]]), collapse = "")
      found[nrow(found) + 1, ] <- list(name, refs[[i]][1], refs[[i]][3], is_fun)
    }
  }
  found
}

# Functions called by name in a file, with their lines; not x$f() nor package::f().
r_calls <- function(parsed) {
  tokens <- utils::getParseData(parsed)
  tokens <- tokens[tokens$terminal, ]
  before <- c("", tokens$token)[seq_len(nrow(tokens))]
  is_call <- tokens$token == "SYMBOL_FUNCTION_CALL" &
    !before %in% c("'$'", "'@'", "NS_GET", "NS_GET_INT")
  data.frame(name = tokens$text[is_call], line = tokens$line1[is_call])
}

read_r_file <- function(file) {
  path <- file.path("R", file)
  parsed <- tryCatch(parse(path, keep.source = TRUE, encoding = "UTF-8"), error = identity)
  if (inherits(parsed, "error")) {
    return(list(path = path, fault = sprintf("%s: cannot be parsed", path)))
  }
  list(path = path, layer = layer_of(base_of(file), r_layers),
       assigned = r_assignments(parsed), calls = r_calls(parsed))
}

check_r_lengths <- function(file) {
  lines <- lines_of(file$assigned)
  long <- lines > limits$r_function
  at_each(file$path, file$assigned$first[long], sprintf(
    "%s has %d lines, more than %d", file$assigned$name[long], lines[long], limits$r_function
  ))
}

# A file may call functions of its own layer or of lower ones. S3 dispatch is free: a generic may
# reach methods of any layer.
check_r_calls <- function(file, layer_of_function) {
  theirs <- layer_of_function[file$calls$name]
  up <- !is.na(theirs) & !is.na(file$layer) & theirs > file$layer
  at_each(file$path, file$calls$line[up], sprintf(
    "calls %s(), which is in a higher layer of R/", file$calls$name[up]
  ))
}

# Names of the package's functions, each with the layer of its file.
function_layers <- function(files) {
  of_file <- function(file) {
    names <- file$assigned$name[file$assigned$fun]
    stats::setNames(rep(file$layer, length(names)), names)
  }
  unlist(lapply(files, of_file))
}

check_r <- function() {
  names <- list.files("R", pattern = "\\.[Rr]$")
  faults <- sprintf("R/%s: unknown file; give it a layer in tools/check-layers.R",
                    names[is.na(layer_of(base_of(names), r_layers))])
  files <- lapply(names, read_r_file)
  broken <- !vapply(files, function(file) is.null(file$fault), NA)
  faults <- c(faults, vapply(files[broken], function(file) file$fault, ""))
  files <- files[!broken]
  layers <- function_layers(files)
  for (file in files) {
    faults <- c(faults, check_r_lengths(file), check_r_calls(file, layers),
                check_file_length(file$path, read_text(file$path), limits$r_file))
  }
  lengths <- unlist(lapply(files, function(file) lines_of(file$assigned[file$assigned$fun, ])))
  list(faults = faults, files = length(names), lengths = lengths)
}

# ---- run ----------------------------------------------------------------------------------------

spread <- function(lines) {
  if (length(lines) == 0) {
    return("no functions")
  }
  sprintf("%d functions (lines: median %g, 90th percentile %g, longest %d)", length(lines),
          stats::median(lines), stats::quantile(lines, 0.9), max(lines))
}

main <- function() {
  if (!file.exists("DESCRIPTION") && !dir.exists("src") && !dir.exists("R")) {
    stop("run this from the package root", call. = FALSE)
  }
  src <- check_src()
  r <- check_r()
  faults <- c(src$faults, r$faults)
  cat(sprintf("src: %d files, %s\n", src$files, spread(src$lengths)))
  cat(sprintf("R:   %d files, %s\n", r$files, spread(r$lengths)))
  cat(if (length(faults) > 0) paste0("  ", faults, "\n"), sep = "")
  cat(sprintf("layers and lengths: %d violation%s\n", length(faults),
              if (length(faults) == 1) "" else "s"))
  quit(status = as.integer(length(faults) > 0))
}

main()

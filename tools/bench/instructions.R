# Has the compiled code become slower? Counts instructions, which other work on the machine does
# not disturb, and compares them with a table.
# Run from the package root with emix installed (Linux, valgrind):
#
#   Rscript tools/bench/instructions.R [--update] [--tolerance=0.05]
#
# Ends with status 1 where a function, or all of them together, runs more instructions than the table
# in instructions.csv allows. --update writes the table anew. README.md beside this file says
# how to read what is printed. Base R only.

usage <- "usage: Rscript tools/bench/instructions.R [--update] [--tolerance=0.05]"

# Helpers stand beside this file.
here <- sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE)[1])
source(file.path(dirname(here), "helpers.R"))

# Functions below this share of all instructions are left out: nobody waits for them.
least_share <- 0.002

# ---- the work that is counted -------------------------------------------------------------

# Kernels by themselves, then passes over the rows, then fits. No random numbers of R's: the
# rows are quantiles, in an order that looks like none.
work <- function() {
  shuffled <- function(n) (seq_len(n) * 0.6180339887498949) %% 1
  normal_rows <- function(n) {
    u <- shuffled(n)
    stats::qnorm(u, c(-2, 0.5, 4)[1 + seq_len(n) %% 3], c(1, 0.9, 1.6)[1 + seq_len(n) %% 3])
  }
  count_rows <- function(n) {
    size <- 10 + seq_len(n) %% 41
    s <- stats::qbinom(shuffled(n), size, c(0.25, 0.4, 0.65)[1 + seq_len(n) %% 3])
    cbind(s, size - s)
  }
  for (name in names(kernels)) kernels[[name]](shuffled)
  plain <- emix::em_control(tol = 1e-300, max_iter = 20, accelerate = FALSE, condense = "none", threads = 1)
  usual <- emix::em_control(threads = 1)
  binomial_start <- list(prop = rep(1 / 3, 3), prob = c(0.3, 0.5, 0.6))
  set.seed(1)
  quietly <- function(expr) suppressWarnings(expr, classes = "emix_warning")
  quietly({
    emix::emix(normal_rows(2e4), k = 3, start = start, control = plain)
    emix::emix(count_rows(2e4), k = 3, family = "binomial", start = binomial_start, control = plain)
    emix::emix(normal_rows(300), k = 2, control = usual)
    emix::emix(normal_rows(5e4), k = 3, control = usual)
    emix::emix(count_rows(5e4), k = 3, family = "binomial", control = usual)
  })
  invisible()
}

hook <- function(name, ...) .Call(get(paste0("C_hook_", name), asNamespace("emix")), ...)

kernels <- list(
  exp = function(shuffled) hook("exp", -50 * shuffled(2e4)),
  log = function(shuffled) hook("log", 50 * shuffled(2e4)),
  softmax = function(shuffled) for (i in 1:40) hook("softmax", matrix(-9 * shuffled(256 * 5), 256)),
  dot = function(shuffled) for (i in 1:200) hook("dot", shuffled(256), shuffled(256)),
  deviance_part = function(shuffled) hook("deviance_part", 50 * shuffled(5000), 10 + 30 * shuffled(5000))
)

# ---- counting -----------------------------------------------------------------------------

# Instructions by function of emix.so, and of libm, whose functions emix may call, in one number.
count_instructions <- function() {
  if (!nzchar(Sys.which("valgrind"))) stop("valgrind is not installed", call. = FALSE)
  file <- tempfile("callgrind.")
  on.exit(unlink(file))
  valgrind <- paste0("valgrind --tool=callgrind --callgrind-out-file=", file)
  said <- system2(file.path(R.home("bin"), "R"), c("-d", shQuote(valgrind), "--vanilla", "--no-echo",
    shQuote(paste0("--file=", this_script())), "--args", "child"), stdout = TRUE, stderr = TRUE,
    env = paste0("R_LIBS=", shQuote(paste(.libPaths(), collapse = .Platform$path.sep))))
  if (!file.exists(file) || any(grepl("^Error|Execution halted", said))) {
    stop("valgrind failed:\n", paste(said, collapse = "\n"), call. = FALSE)
  }
  lines <- system2("callgrind_annotate", c("--threshold=100", "--auto=no", file), stdout = TRUE)
  read_counts(lines)
}

# "1,234 ( 0.1%)  vector.c:em_dot.default [/some/where/emix.so]"; a recursion's name ends in 'number.
read_counts <- function(lines) {
  form <- "^ *([0-9,]+) +(\\([^)]*\\))? *[^ ]*:([^ :]+) \\[([^]]*)\\].*$"
  lines <- grep(form, lines, value = TRUE)
  object <- basename(sub(form, "\\4", lines))
  count <- as.numeric(gsub(",", "", sub(form, "\\1", lines)))
  name <- sub("'[0-9]+$", "", sub(form, "\\3", lines))
  libm <- sum(count[grepl("^libm[.-]", object)])
  ours <- object == "emix.so"
  if (!any(ours)) stop("callgrind saw no function of emix.so", call. = FALSE)
  counts <- tapply(count[ours], name[ours], sum)
  total <- sum(counts)
  counts <- sort(counts[counts >= least_share * total], decreasing = TRUE)
  c("(emix.so)" = total, "(libm)" = libm, counts)
}

# The instruction set for which the kernels that ran were compiled: the end of their names.
path_of <- function(counts) {
  ends <- sub("^[^.]*\\.?", "", names(counts))
  path <- intersect(c("avx512f", "arch_x86_64_v3", "avx2", "default"), ends)
  if (length(path)) path[1] else "plain"
}

# What else the counts depend on.
compiler <- function() {
  said <- system2(file.path(R.home("bin"), "R"), c("CMD", "config", "CC"), stdout = TRUE)
  cc <- strsplit(said, " +")[[1]][1]
  paste(basename(cc), system2(cc, "-dumpfullversion", stdout = TRUE, stderr = FALSE)[1], R.version$arch)
}

# ---- the table ----------------------------------------------------------------------------

table_file <- function() file.path(dirname(this_script()), "instructions.csv")

read_table <- function() {
  if (!file.exists(table_file())) return(NULL)
  utils::read.csv(table_file(), stringsAsFactors = FALSE)
}

# Rows of other instruction sets stay.
update_table <- function(counts, path, cc) {
  old <- read_table()
  new <- data.frame(path = path, compiler = cc, name = names(counts), instructions = as.vector(counts))
  utils::write.csv(rbind(old[old$path != path, ], new), table_file(), row.names = FALSE, quote = FALSE)
  cat("Written:", nrow(new), "rows for", path, "\n")
}

compare <- function(counts, known, tolerance) {
  names <- union(known$name, names(counts))
  before <- known$instructions[match(names, known$name)]
  now <- as.vector(counts[names])
  ratio <- now / before
  # One that is new, or gone, may have been cut in two: the sum says whether it costs.
  verdict <- ifelse(is.na(before), "new", ifelse(is.na(now), "gone",
    ifelse(ratio > 1 + tolerance, "MORE", ifelse(ratio < 1 - tolerance, "less", ""))))
  data.frame(name = names, before = before, now = now, ratio = round(ratio, 3), verdict = verdict)
}

print_comparison <- function(table) {
  shown <- table
  for (column in c("before", "now")) {
    shown[[column]] <- ifelse(is.na(table[[column]]), "", format(table[[column]], big.mark = ",", scientific = FALSE))
  }
  shown$ratio <- ifelse(is.na(table$ratio), "", sprintf("%.3f", table$ratio))
  print(shown, row.names = FALSE)
}

main <- function(arguments) {
  wrong <- grep("^--update$|^--tolerance=", arguments, value = TRUE, invert = TRUE)
  if (length(wrong)) refuse(paste("no such option:", wrong[1]))
  counts <- count_instructions()
  path <- path_of(counts)
  cc <- compiler()
  if ("--update" %in% arguments) return(update_table(counts, path, cc))
  known <- read_table()
  known <- known[known$path == path, ]
  if (!length(known$path)) stop("the table has no rows for ", path, ": --update makes them", call. = FALSE)
  cat("Instructions of the kernels for ", path, ", ", cc, "\n\n", sep = "")
  if (known$compiler[1] != cc) {
    cat("The table was made with ", known$compiler[1], ": counts may differ for that alone.\n\n", sep = "")
  }
  table <- compare(counts, known, read_option(arguments, "tolerance", 0.05))
  print_comparison(table)
  more <- sum(table$verdict == "MORE")
  cat(sprintf("\n%d of %d run more instructions than the table allows\n", more, nrow(table)))
  if (more > 0) quit(status = 1)
}

arguments <- commandArgs(trailingOnly = TRUE)
if (identical(arguments, "child")) work() else main(arguments)

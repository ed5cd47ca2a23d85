# Errors and warnings that a program can catch by class.
#
#   emix_error_input       an argument is not what it should be; has $argument
#   emix_error_degenerate  a component collapsed onto a point, in every start
#   emix_error_fit         the fit cannot go on (a row is impossible, no finite value)
#   emix_error_object      an object that is not, or no longer, what emix made
#   emix_error_package     a suggested package is needed and not there
#   emix_warning_iterations  max_iter was reached first
#   emix_warning_start       the start was changed
#   emix_warning_spurious    every maximum found may have a chance cluster
#   emix_warning_labels      every row has a label, and a component has none
#   emix_warning_replicates  some bootstrap samples have no estimate, or a doubtful one; or they are too few
#   emix_warning_singular, _indefinite, _boundary, _range, _derivative   what standard errors lack: see vcov.R, contrast.R
#   emix_warning_limit       a profile likelihood has no limit on a side
#   emix_warning_maximum     a refit is higher than the fit; has $parameters and $objective

# Stops with a condition of class emix_error_<kind>, then emix_error.
emix_stop <- function(kind, ..., argument = NULL, call = NULL) {
  stop(errorCondition(paste0(...), argument = argument, call = call,
    class = c(paste0("emix_error_", kind), "emix_error")))
}

# Stops for a bad argument: which, what it should be, what it is.
stop_input <- function(argument, expected, found = NULL) {
  found <- if (is.null(found)) "" else paste0(", not ", found)
  emix_stop("input", "`", argument, "` must be ", expected, found, ".", argument = argument)
}

emix_warn <- function(kind, ...) {
  warning(warningCondition(paste0(...), call = NULL,
    class = c(paste0("emix_warning_", kind), "emix_warning")))
}

# What a value is, in few words, for error messages.
describe <- function(x) {
  if (is.null(x)) return("NULL")
  if (is.data.frame(x)) return(sprintf("a data frame of %d x %d", nrow(x), ncol(x)))
  if (is.factor(x)) return("a factor")
  if (is.function(x)) return("a function")
  if (is.matrix(x)) return(sprintf("%s matrix of %d x %d", with_article(typeof(x)), nrow(x), ncol(x)))
  if (length(dim(x)) > 2L) return(paste("an array of", paste(dim(x), collapse = " x ")))
  if (is.object(x)) return(paste0("an object of class \"", class(x)[1L], "\""))
  if (!is.atomic(x)) return(with_article(typeof(x)))
  if (length(x) == 1L) return(if (is.character(x)) dQuote(x, FALSE) else format(x, digits = 6))
  sprintf("%s of length %.0f", switch(typeof(x), double = "a numeric vector",
    integer = "an integer vector", character = "a character vector",
    logical = "a logical vector", paste("a", typeof(x), "vector")), length(x))
}

with_article <- function(word) paste(if (grepl("^[aeiou]", word)) "an" else "a", word)

# "1, 2 and 5"; at most `most` of them.
listing <- function(x, most = 5L, last = " and ") {
  x <- as.character(x)
  if (length(x) > most) return(paste0(paste(x[seq_len(most)], collapse = ", "), ", ..."))
  if (length(x) < 2L) return(x)
  paste0(paste(x[-length(x)], collapse = ", "), last, x[length(x)])
}

# "1 row", "2 rows"
counted <- function(n, what) {
  sprintf("%s %s%s", format(n, big.mark = ",", scientific = FALSE), what, if (n == 1) "" else "s")
}

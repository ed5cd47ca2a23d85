# Checks of single arguments. Each returns the value in the form the code works with.

is_number <- function(x) {
  is.numeric(x) && !is.object(x) && is.null(dim(x)) && length(x) == 1L && !is.na(x)
}

check_number <- function(x, argument, low = -Inf, high = Inf, open = FALSE) {
  inside <- is_number(x) && (if (open) x > low && x < high else x >= low && x <= high)
  if (!inside) {
    range <- if (open) sprintf("a number between %g and %g, both excluded", low, high) else
      sprintf("a number from %g to %g", low, high)
    stop_input(argument, range, describe(x))
  }
  as.double(x)
}

check_count <- function(x, argument, low = 1, high = 1e9) {
  if (!is_number(x) || x < low || x > high || x != round(x)) {
    ends <- vapply(c(low, high), format, "", big.mark = ",", scientific = FALSE)
    stop_input(argument, sprintf("a whole number from %s to %s", ends[1L], ends[2L]), describe(x))
  }
  as.integer(x)
}

check_flag <- function(x, argument) {
  if (!is.logical(x) || length(x) != 1L || is.na(x)) stop_input(argument, "TRUE or FALSE", describe(x))
  as.logical(x)
}

check_choice <- function(x, argument, choices) {
  if (!is.character(x) || length(x) != 1L || !x %in% choices) {
    stop_input(argument, paste("one of", listing(dQuote(choices, FALSE), 14L, " or ")), describe(x))
  }
  as.character(x)
}

# A numeric vector without attributes; integers become doubles.
check_numeric <- function(x, argument, n = NULL) {
  ok <- is.numeric(x) && !is.object(x) && (is.null(dim(x)) || length(dim(x)) == 1L)
  if (!ok) stop_input(argument, "a numeric vector", describe(x))
  if (!is.null(n) && length(x) != n) {
    stop_input(argument, sprintf("of length %.0f", n), sprintf("%.0f", length(x)))
  }
  plain(x)
}

# A double without attributes, and the very same object where it is that already.
plain <- function(x) {
  if (is.double(x) && is.null(attributes(x))) x else as.double(x)
}

# `...` of a function that takes no more arguments.
check_no_dots <- function(...) {
  if (...length() == 0L) return(invisible())
  names <- ...names_or_empty(...)
  bad <- if (nzchar(names[1L])) paste0("`", names[1L], "`") else "an argument without a name"
  hint <- if (names[1L] %in% names(foreign_arguments)) paste0(" ", foreign_arguments[[names[1L]]], ".")
  emix_stop("input", "unused argument: ", bad, " is not known here.", hint,
    argument = if (nzchar(names[1L])) names[1L])
}

# Arguments of functions that do something alike, or that belong elsewhere, and where to go with them.
foreign_arguments <- local({
  one <- function(names, text) stats::setNames(rep(text, length(names)), names)
  control <- c("tol", "max_iter", "starts", "accelerate", "estep", "condense", "spurious", "threads", "trace", "progress")
  c(one(c("G", "n_components", "ncomp"), "The number of components is `k`"),
    one(c("cov", "modelNames", "modelName", "covariance_type"), "A structure of covariances goes with its family: family = mix_mvnormal(cov = )"),
    one(c("size", "trials"), "Numbers of trials go with their family: family = mix_binomial(size = )"),
    one(c("initialization", "init", "init_params", "mu", "sigma", "lambda"), "Starting values are given by `start`"),
    one(c("n_init", "nstart"), "The number of starts is that of control = em_control(starts = )"),
    one(c("verbose", "verb"), "Progress is shown by control = em_control(progress = TRUE)"),
    one("na.rm", "What to do with missing values is said by `na.action`"),
    one(c("what", "which"), "What is wanted is said by `type`"),
    stats::setNames(sprintf("It belongs to control = em_control(%s = )", control), control))
})

# The columns of a data frame as a matrix of numbers; `advice` is for one that is none. A column of nothing but NA may be logical.
numbers_of_columns <- function(x, argument, advice = NULL) {
  good <- vapply(x, function(column) is.numeric(column) && !is.object(column) || is.logical(column) && all(is.na(column)), NA)
  if (!all(good)) {
    bad <- which(!good)[1L]
    emix_stop("input", sprintf("`%s` must be numeric in every column: column `%s` is %s.", argument, names(x)[bad], describe(x[[bad]])),
      advice, argument = argument)
  }
  numbers <- as.matrix(x)
  if (!is.numeric(numbers)) storage.mode(numbers) <- "double"
  numbers
}

...names_or_empty <- function(...) {
  names <- names(eval(substitute(alist(...))))
  if (is.null(names)) character(...length()) else names
}

check_weights <- function(weights, n) {
  if (is.null(weights)) return(NULL)
  w <- check_numeric(weights, "weights", n)
  # Weights are many: no vector is made as long as they are good.
  if (anyNA(w) || min(w) < 0 || max(w) == Inf) {
    bad <- which(is.na(w) | w < 0 | w == Inf)
    stop_input("weights", "finite and non-negative", sprintf("%g (row %s)", w[bad[1L]], listing(bad)))
  }
  total <- sum(w)
  if (total == 0) stop_input("weights", "positive in at least one row", "zero in all")
  if (!is.finite(total)) stop_input("weights", "of a finite sum", "so large")
  w
}

# Known components: a list of codes (0 = unknown, else 1..) and the levels.
check_labels <- function(labels, n, argument = "labels") {
  if (is.null(labels)) return(NULL)
  usable <- (is.factor(labels) || is.numeric(labels) || is.character(labels) || is.logical(labels)) &&
    (is.factor(labels) || !is.object(labels)) && is.null(dim(labels))
  if (!usable) stop_input(argument, "a vector or a factor", describe(labels))
  if (length(labels) != n) {
    stop_input(argument, sprintf("of length %.0f, one per row", n), sprintf("%.0f", length(labels)))
  }
  whole <- is.numeric(labels) && !is.factor(labels) && all(labels == round(labels) & labels >= 1 & labels <= 1e5, na.rm = TRUE)
  if (is.numeric(labels) && !is.factor(labels) && !whole) {
    bad <- which(!(labels == round(labels) & labels >= 1 & labels <= 1e5))
    stop_input(argument, "component numbers from 1 to 1e5, or names (factor() makes names of numbers)",
      sprintf("%s (row %s)", format(labels[bad[1L]], digits = 8), listing(bad)))
  }
  if (whole) {
    top <- suppressWarnings(max(labels, na.rm = TRUE))
    levels <- NULL
    code <- as.integer(labels)
    count <- if (is.finite(top)) as.integer(top) else 0L
  } else {
    levels <- label_levels(labels)
    code <- if (is.factor(labels) && !anyNA(levels(labels))) as.integer(labels) else match(as.character(labels), levels)
    count <- length(levels)
  }
  code[is.na(code)] <- 0L
  list(code = code, levels = levels, count = count)
}

# In the order of a factor's levels; text in that of the C locale, the same on every machine.
label_levels <- function(labels) {
  if (is.factor(labels)) Filter(Negate(is.na), levels(labels)) else sort(unique(as.character(labels)), method = "radix")
}

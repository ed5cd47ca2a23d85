# From what the user gave to the rows that the core works on.
#
# `rows` is a list: x (double vector, or matrix of a column per variable), weight, label
# (NULL where there are none), n: points after condensing; raw: the same before condensing;
# trees: a place for what the starts make of the rows (see kept_trees()); given: how many rows the user gave; kept: which of these are in raw, in its order (TRUE: all);
# about: location and spread of x; omitted: the na.action attribute or NULL.

# How an na.action treats missing values is asked of the function itself.
read_na_action <- function(na.action) {
  if (is.null(na.action)) na.action <- na.fail
  if (identical(na.action, "likelihood")) return(na.action)
  given <- na.action
  if (is.character(na.action) && length(na.action) == 1L) na.action <- get0(na.action, mode = "function")
  if (!is.function(na.action)) {
    stop_input("na.action", "na.fail, na.omit, na.exclude or \"likelihood\"", describe(given))
  }
  tried <- tryCatch(suppressWarnings(attr(na.action(data.frame(x = c(1, NA))), "na.action")), error = function(e) "fail")
  if (inherits(tried, "omit")) return("omit")
  if (inherits(tried, "exclude")) return("exclude")
  if (identical(tried, "fail")) return("fail")
  stop_input("na.action", "na.fail, na.omit, na.exclude or \"likelihood\"", "a function that keeps missing values")
}

# By column; missing and infinite values of all.
describe_rows <- function(x) {
  found <- matrix(.Call(C_emix_describe, x), nrow = 6L)
  list(min = found[1L, ], max = found[2L, ], mean = found[3L, ], sd = found[4L, ], missing = sum(found[5L, ]),
    infinite = sum(found[6L, ]))
}

missing_rows <- function(x) {
  if (is.matrix(x)) which(rowSums(is.na(x)) > 0) else which(is.na(x))
}

# The rows left out for missing values, as na.omit() marks them; NULL where there are none.
omit_missing <- function(x, about, how, family) {
  most <- or_default(family$incomplete, 0L)
  if (how == "likelihood" && most == 0L) {
    stop_input("na.action", sprintf("na.fail, na.omit or na.exclude for the %s family: of a row without its value nothing is left",
      family$title), "\"likelihood\"")
  }
  if (about[["missing"]] == 0) return(NULL)
  gone <- missing_rows(x)
  if (how == "fail") {
    emix_stop("input", "`x` has missing values in ", counted(length(gone), "row"), " (", listing(gone),
      "). To leave these rows out: na.action = na.omit (or na.exclude).",
      if (NCOL(x) <= most) " To use the values that they have: na.action = \"likelihood\".", argument = "x")
  }
  if (how != "likelihood") return(structure(gone, class = how))
  if (NCOL(x) > most) {
    stop_input("na.action", sprintf("na.omit or na.exclude for rows of more than %d columns with missing values", most),
      sprintf("\"likelihood\" (%d columns)", NCOL(x)))
  }
}

# Names of the columns for each of which a component has values of its own; rows of other kinds have none.
names_of_columns <- function(x) if (is.matrix(x)) colnames(x)

names_of_rows <- function(x) if (is.matrix(x)) rownames(x) else names(x)

# Names of rows that are not just their numbers.
proper_names <- function(names) if (!is.null(names) && !identical(names, as.character(seq_along(names)))) names

take_rows <- function(x, which) {
  if (is.null(x) || isTRUE(which)) x else if (is.matrix(x)) x[which, , drop = FALSE] else x[which]
}

# `names` (NULL where there are none) are the user's names of rows, for messages.
collect_rows <- function(x, family, weights, labels, na.action, names = NULL) {
  given <- NROW(x)
  if (given == 0L) stop_input("x", "at least one row", "empty")
  about <- describe_rows(x)
  if (about[["infinite"]] > 0) {
    bad <- which(is.infinite(x))[1L]
    column <- names_of_columns(x)[(bad - 1) %/% given + 1]
    stop_input("x", "finite", sprintf("%g (row %.0f%s)", x[bad], (bad - 1) %% given + 1,
      if (is.null(column)) "" else paste0(", column ", sQuote(column, FALSE))))
  }
  weights <- check_weights(weights, given)
  labels <- check_labels(labels, given)
  how <- read_na_action(na.action)
  omitted <- omit_missing(x, about, how, family_of(family))
  kept <- if (is.null(omitted)) TRUE else seq_len(given)[-as.integer(omitted)]
  x <- take_rows(x, kept)
  if (NROW(x) == 0L) stop_input("x", "at least one row without missing values", "only missing values")
  list(x = x, weights = take_rows(weights, kept), labels = take_labels(labels, kept), given = given,
    kept = kept, omitted = omitted, partial = how == "likelihood", names = names, about = if (is.null(omitted)) about)
}

take_labels <- function(labels, kept) {
  if (!is.null(labels)) labels$code <- take_rows(labels$code, kept)
  labels
}

# Rows of weight zero say nothing, and could say NaN. (min() makes no vector as long as the rows.)
core_rows <- function(frame, condense) {
  live <- if (length(frame$weights) && min(frame$weights) == 0) which(frame$weights > 0) else TRUE
  if (anyNA(frame$x)) live <- telling_rows(frame, live)
  raw <- list(x = take_rows(frame$x, live), weight = take_rows(frame$weights, live),
    label = take_rows(frame$labels$code, live))
  raw$n <- NROW(raw$x)
  raw$about <- if (isTRUE(live) && !is.null(frame$about)) frame$about else describe_rows(raw$x)
  points <- if (condense == "auto") .Call(C_emix_condense, raw$x, raw$weight, raw$label)
  collect_garbage(beside_many(raw))
  rows <- if (is.null(points)) raw else condensed_rows(points, raw)
  kept <- if (isTRUE(frame$kept)) live else if (isTRUE(live)) frame$kept else frame$kept[live]
  c(rows, list(raw = raw, given = frame$given, kept = kept, trees = new.env(parent = emptyenv())))
}

# Of rows of which some have missing values: those that say something, rows of one pattern together.
telling_rows <- function(frame, live) {
  some <- if (isTRUE(live)) seq_len(nrow(frame$x)) else live
  some <- some[tells(take_rows(frame$x, some), frame$labels$code[some])]
  if (!length(some)) stop_input("x", "of one value at least in a row of positive weight", "only missing values")
  some[unlist(missing_patterns(take_rows(frame$x, some)), use.names = FALSE)]
}

# Has a row a value, or a known component?
tells <- function(x, label = NULL) {
  value <- rowSums(!is.na(x)) > 0
  if (is.null(label)) value else value | label > 0L
}

# Numbers of the rows of each pattern of missing values, the whole ones first.
missing_patterns <- function(x) {
  if (!anyNA(x)) return(if (nrow(x)) list(seq_len(nrow(x))))
  gone <- is.na(x)
  some <- which(rowSums(gone) > 0)
  patterns <- do.call(paste0, as.data.frame(+gone[some, , drop = FALSE]))
  whole <- seq_len(nrow(x))[-some]
  c(if (length(whole)) list(whole), unname(split(some, patterns)))
}

condensed_rows <- function(points, raw) {
  x <- if (is.matrix(raw$x)) points$x else points$x[, 1L]
  list(x = x, weight = points$weight, label = points$label, n = NROW(x), about = raw$about)
}

# "row 5", or "row 5 (\"e\")": the first row that the user gave of those that one point stands for.
name_row <- function(frame, rows, point) {
  raw <- rows$raw
  if (rows$n < raw$n) {
    value <- as.vector(take_rows(rows$x, point))
    alike <- colSums(t(raw$x) != value | t(is.na(raw$x)) != is.na(value), na.rm = TRUE) == 0
    if (!is.null(raw$label)) alike <- alike & raw$label == rows$label[point]
    point <- which(alike)[1L]
  }
  number <- format(if (isTRUE(rows$kept)) point else rows$kept[point], scientific = FALSE)
  name <- frame$names[as.numeric(number)]
  if (is.null(name) || name == number) paste("row", number) else paste0("row ", number, " (", dQuote(name, FALSE), ")")
}

# How many rows the data count for: the total weight; where weights are on average below 1, and so
# no counts, the number of rows that have one. Of a part of the rows (see pick_rows()), its share.
effective_rows <- function(rows) or_default(rows$share, 1) * max(rows$raw$n, sum(rows$raw$weight))

# R lets the more garbage pile up the more memory is in use: beside many values of several columns it is collected soon. `raw`: rows as
# they are, before equal ones are made one.
beside_many <- function(raw) length(names_of_columns(raw$x)) > 1L && length(raw$x) > 1e6

# `full`: what has lived through a collection too, which takes longer.
collect_garbage <- function(many, full = FALSE) if (isTRUE(many)) gc(FALSE, full = full)

core_data <- function(rows, affine) {
  list(x = rows$x, columns = NCOL(rows$x), factor = affine$factor, shift = affine$shift,
    weight = rows$weight, label = rows$label)
}

# What the core leaves out of the log-likelihood.
row_offset <- function(rows, family, affine) {
  offset <- family$row_offset(rows$x, affine)
  if (length(offset) == 1L) return(offset * if (is.null(rows$weight)) rows$n else sum(rows$weight))
  if (is.null(rows$weight)) sum(offset) else sum(rows$weight * offset)
}

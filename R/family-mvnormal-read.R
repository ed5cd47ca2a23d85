# What users give of multivariate normal mixtures, checked: rows, parameters, and columns that no covariance can have.

most_columns <- 256L

# A matrix of doubles with names of columns; the very same object where it is that already.
mvnormal_rows <- function(x, options) {
  if (!is.matrix(x) || !is.numeric(x)) {
    stop_input("x", "a matrix or a data frame of two or more columns for the multivariate normal family", describe(x))
  }
  if (ncol(x) < 2L) {
    stop_input("x", "of two or more columns for the multivariate normal family (for one: family = \"normal\")", counted(ncol(x), "column"))
  }
  if (ncol(x) > most_columns) stop_input("x", sprintf("of at most %d columns", most_columns), sprintf("%d", ncol(x)))
  names <- colnames(x)
  plain <- paste0("x", seq_len(ncol(x)))
  if (is.null(names)) names <- plain
  unnamed <- is.na(names) | !nzchar(names)
  names <- make.unique(ifelse(unnamed, plain, names))
  if (!is.double(x)) storage.mode(x) <- "double"
  if (!identical(dimnames(x), list(NULL, names))) dimnames(x) <- list(NULL, names)
  x
}

# Columns that leave the likelihood without a maximum. Covariances that a prior or `fixed` holds off zero are not looked at.
mvnormal_check_rows <- function(rows, spec, prior) {
  cov <- spec$family$cov
  sd <- rows$raw$about$sd
  extreme <- which(sd > 1e150 | (sd > 0 & sd < 1e-150) | abs(rows$raw$about$mean) > 1e300)
  if (length(extreme)) {
    emix_stop("fit", "Variances of ", listing(sQuote(spec$columns[extreme], FALSE)), " are beyond the range of numbers: use other units for the data.")
  }
  columns <- spec$columns
  check_values_of_columns(rows$raw, columns)
  if (!any(!spec$held$cov) || !is.null(prior$scale)) return(invisible())
  constant <- which(rows$raw$about$min == rows$raw$about$max)
  spheres <- substr(cov, 2L, 2L) == "I"
  if (length(constant) == length(columns) || (length(constant) && !spheres)) {
    emix_stop("degenerate", "`x` has ", if (length(constant) == 1L) "a column" else "columns", " of one value: ",
      listing(sQuote(columns[constant], FALSE)), ". No variance can be estimated there: leave ",
      if (length(constant) == 1L) "it" else "them", " out, or give a prior with a `scale`, em_prior(scale = ).", argument = "x")
  }
  if (substr(cov, 3L, 3L) == "I") return(invisible())
  d <- length(columns)
  if (rows$raw$n <= d) {
    emix_stop("degenerate", "`x` has ", counted(rows$raw$n, "row"), " and ", d, " columns: covariances of the structure ", cov,
      " need more rows than columns. ", remedies, argument = "x")
  }
  check_collinear(rows$raw, columns, cov)
}

remedies <- "Leave columns out, or use a diagonal structure, family = mix_mvnormal(\"VVI\"), or a prior with a `scale`, em_prior(scale = )."

check_values_of_columns <- function(rows, columns) {
  empty <- if (anyNA(rows$x)) which(colSums(!is.na(rows$x)) == 0)
  if (length(empty)) {
    emix_stop("input", "`x` has ", if (length(empty) == 1L) "a column" else "columns", " without any value: ",
      listing(sQuote(columns[empty], FALSE)), ". Leave ", if (length(empty) == 1L) "it" else "them", " out.", argument = "x")
  }
}

# Of the columns' correlations by Cholesky's factor with pivots: a column of which the others leave less than a
# millionth is a combination of them.
check_collinear <- function(rows, columns, cov) {
  d <- length(columns)
  affine <- mvnormal_affine(rows$about, "VVV")
  if (anyNA(rows$x) && has_normal(pick_rows(rows, 4000L), affine)) return(invisible())
  moments <- core_moments(rows, affine)
  s <- stats::cov2cor(moments$cov)
  least <- if (isTRUE(moments$propped)) 1e-4 else 1e-12
  root <- suppressWarnings(chol(s, pivot = TRUE, tol = least))
  rank <- attr(root, "rank")
  if (rank == d && !isTRUE(moments$collapsed)) return(invisible())
  name <- function(at) listing(sQuote(columns[at], FALSE), 9L)
  if (rank == d) stop_few(name(seq_len(d)), cov)
  lost <- combined_columns(s, 4 * least)
  if (!length(lost)) lost <- list(list(at = attr(root, "pivot")[d], of = seq_len(d)[-attr(root, "pivot")[d]]))
  first <- lost[[1L]]
  both <- sort(c(first$at, first$of))
  if (sum(rowSums(is.na(rows$x[, both, drop = FALSE])) == 0) <= length(both)) stop_few(name(both), cov)
  gone <- vapply(lost, `[[`, 0L, "at")
  emix_stop("degenerate", "`x` has collinear columns: ", name(first$at), if (length(first$of) == 1L)
    paste0(" is ", name(first$of), " but for shift and scale") else paste0(" is a linear combination of ", name(first$of)),
    if (length(gone) > 1L) paste0(" (and so for ", name(gone[-1L]), ")"), ". ",
    sub("Leave columns out", paste("Leave", name(gone), "out"), remedies),
    if (d == 2L && .Call(C_emix_counts, as.double(rows$x))) " Successes and failures want family = \"binomial\".", argument = "x")
}

# So few rows have values in all of these columns that a plane goes through them.
stop_few <- function(columns, cov) {
  emix_stop("degenerate", "`x` has too few rows with values in all of ", columns, " for covariances of the structure ", cov, ". ", remedies,
    argument = "x")
}

# Columns that those before them determine, and which of these.
combined_columns <- function(s, least) {
  kept <- 1L
  lost <- list()
  for (c in seq_len(ncol(s))[-1L]) {
    root <- chol(s[kept, kept, drop = FALSE])
    part <- backsolve(root, s[kept, c], transpose = TRUE)
    if (s[c, c] - sum(part^2) > least) {
      kept <- c(kept, c)
    } else {
      lost <- c(lost, list(list(at = c, of = kept[abs(backsolve(root, part)) > if (least > 1e-6) 1e-3 else 1e-6])))
    }
  }
  lost
}

mvnormal_legal <- function(block, value) {
  if (block == "mean") return(list(ok = is.finite(value), expected = "finite"))
  d <- dim(value)
  ok <- length(d) == 3L && all(is.finite(value)) && all(apply(value, 3L, is_covariance))
  list(ok = ok, expected = "symmetric and positive definite")
}

is_covariance <- function(s) {
  isSymmetric(unname(s), tol = 1e-8) && !inherits(try(chol(s), silent = TRUE), "try-error")
}

# A block as users give it, as a flat vector: a matrix of a column per component, or an array of a matrix per component.
# NA where `free`: a component's values all, or none.
mvnormal_read <- function(value, argument, block, k, free, columns, cov) {
  what <- paste0(argument, "$", block)
  if (free && is.logical(value) && all(is.na(value))) storage.mode(value) <- "double"
  if (!is.numeric(value) || is.object(value)) stop_input(what, "numeric", describe(value))
  d <- if (is.null(columns)) nrow(as.matrix(value)) else length(columns)
  value <- if (block == "mean") shape_means(value, what, d, k) else shape_covariances_of(value, what, d, k)
  value <- in_order(value, columns)
  flat <- matrix(value, ncol = k)
  if (any(is.nan(flat))) stop_input(what, "without NaN")
  gone <- colSums(is.na(flat))
  if (!free && any(gone > 0L)) stop_input(what, "without missing values")
  half <- which(gone > 0L & gone < nrow(flat))
  if (length(half)) {
    stop_input(what, "given or NA as a whole for each component", sprintf("in part (component %s)", listing(half)))
  }
  if (any(is.infinite(flat))) stop_input(what, "finite")
  if (block == "cov") flat <- read_covariances(flat, what, d, gone > 0L, if (free) cov)
  as.double(flat)
}

shape_means <- function(value, what, d, k) {
  if (is.null(dim(value)) && length(value) == d && k == 1L) value <- matrix(value, d, dimnames = list(names(value), NULL))
  if (is.null(dim(value)) && all(is.na(value)) && length(value) == k) value <- matrix(NA_real_, d, k)
  if (!identical(dim(value), c(d, k))) {
    stop_input(what, sprintf("a matrix of %d rows (columns of `x`) and %d columns (components)", d, k), describe(value))
  }
  value
}

# One matrix is every component's.
shape_covariances_of <- function(value, what, d, k) {
  if (is.null(dim(value)) && all(is.na(value)) && length(value) == k) value <- array(NA_real_, c(d, d, k))
  if (is.matrix(value) && all(dim(value) == d)) value <- array(value, c(d, d, k), c(dimnames(value), list(NULL))[c(1L, 2L, 3L)])
  if (!identical(dim(value), c(d, d, k))) {
    found <- if (length(dim(value)) == 3L) paste("an array of", paste(dim(value), collapse = " x ")) else describe(value)
    stop_input(what, sprintf("an array of %d x %d x %d: a matrix per component", d, d, k), found)
  }
  value
}

# In the order of the columns, where the rows of a parameter have their names.
in_order <- function(value, columns) {
  names <- dimnames(value)[[1L]]
  if (is.null(names) || is.null(columns) || identical(names, columns) || !setequal(names, columns) || anyDuplicated(names)) return(value)
  at <- match(columns, names)
  if (length(dim(value)) == 2L) value[at, , drop = FALSE] else value[at, at, , drop = FALSE]
}

# Symmetric and positive definite; what is held must obey the structure too.
read_covariances <- function(flat, what, d, free, structure) {
  if (!is.null(structure) && !all(free) && !structure %in% c("VII", "VVI", "VVV")) {
    stop_input(what, "left out: covariances can be held with the structures VII, VVI and VVV", paste("given with", structure))
  }
  for (j in which(!free)) {
    s <- matrix(flat[, j], d)
    if (!is_covariance(s)) stop_input(what, "symmetric and positive definite for each component", sprintf("so for component %d", j))
    flat[, j] <- if (isSymmetric(s, tol = 0)) s else (s + t(s)) / 2
    if (is.null(structure)) next
    fits <- switch(structure, VII = all(abs(s - diag(s[1L], d)) <= 1e-8 * s[1L]), VVI = all(s[row(s) != col(s)] == 0), TRUE)
    if (!fits) stop_input(what, sprintf("of the structure %s for each component", structure), sprintf("so for component %d", j))
  }
  flat
}

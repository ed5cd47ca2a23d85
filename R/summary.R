# Summary of a fit: the parameters with their standard errors, how the rows fall into components, what became of the starts.

#' @rdname print.emix
#' @export
summary.emix <- function(object, ...) {
  check_no_dots(...)
  check_fit(object)
  shares <- count_assigned(object)
  table <- cbind(summary_parameters(object), shares[c("expected", "assigned")])
  inference <- summary_inference(object)
  structure(list(fit = object, table = table, coefficients = inference$table, notes = inference$notes,
    certainty = shares$certain / object$nobs,
    AIC = AIC(object), BIC = BIC(object)), class = "summary.emix")
}

# Of rows of several columns the proportions: means and covariances are tables of their own.
summary_parameters <- function(fit) {
  table <- as.data.frame(fit)
  if (is.null(names_of_columns(fit$x))) table else table[c("component", "prop")]
}

# What is worth the time of a summary: coordinates, and rows times their squares; and what is worth reading: rows of the table,
# where components have many parameters.
summary_effort <- list(coordinates = 600, work = 1e10, rows = 60)

# Why a summary has no standard errors; NULL where it may have.
no_errors <- function(fit) {
  if (identical(fit$arguments$control$estep, "hard")) return("a hard E-step does not maximise the likelihood.")
  many <- any(fit_sizes(fit) > 1L) && fit$df > summary_effort$rows
  if (many || count_coordinates(fit) > summary_effort$coordinates) return("too many parameters for a summary; see vcov().")
}

# Estimates, standard errors and 95 % limits of the free parameters, shared ones once, and what has to be said of them.
summary_inference <- function(fit) {
  none <- function(...) list(table = NULL, notes = paste0("No standard errors: ", ...))
  why <- no_errors(fit)
  if (!is.null(why)) return(none(why))
  problem <- fit_problem(fit)
  if (NROW(problem$data$x) * count_coordinates(fit)^2 > summary_effort$work) {
    return(none("they would take long for so many rows and components; see vcov()."))
  }
  curve <- with_covariance(curvature(fit, problem), fit, "observed")
  limits <- wald_limits(curve, fit, 0.95)
  table <- cbind(coef(fit), parameter_errors(curve), limits)
  dimnames(table) <- list(names(coef(fit)), c("estimate", "std. error", limit_names(0.95)))
  wide <- rownames(table)[wide_limits(curve, limits)]
  listed <- listed_parameters(fit)
  shared <- listed$block %in% shared_blocks(problem$spec)
  rownames(table)[shared] <- listed$name[shared]
  shown <- as.vector(curve$estimated | curve$lost) & !duplicated(rownames(table))
  list(table = if (any(shown)) table[shown, , drop = FALSE], notes = inference_notes(fit, curve, wide))
}

# Limits between which lies nearly all that is possible.
wide_limits <- function(curve, limits) {
  kinds <- curve$ways$scales(curve)
  room <- ifelse(seq_along(kinds) <= length(curve$prop), curve$room, 1)
  ratio <- limits[, 2L] / limits[, 1L]
  wide <- ifelse(kinds == "logit", limits[, 2L] - limits[, 1L] > 0.8 * room,
    (kinds == "log" & (is.na(ratio) | ratio > 100)) | (kinds == "variance" & (is.na(ratio) | ratio > 1e4)))
  which(wide & !is.na(limits[, 1L]))
}

inference_notes <- function(fit, curve, wide) {
  c(
    unname(curve$notes[names(curve$notes) != "iterations"]),
    if (!fit$converged) "The fit has not converged: standard errors are not those of a maximum.",
    if (curve$q && isTRUE(fit$convergence$spurious)) "Standard errors of a component that may be a chance cluster mean nothing.",
    if (length(wide)) paste0("The limits of ", listing(wide), " cover nearly all that is possible: the rows say little of ",
      if (length(wide) == 1L) "it" else "them", ". See plot(fit), fewer components or `equal`.")
  )
}

# Numbers of a matrix as text: `digits` significant ones of the standard error (column 2), the others of a row with as many decimals.
format_errors <- function(x, digits) {
  text <- x
  mode(text) <- "character"
  for (row in seq_len(nrow(x))) text[row, ] <- format_row(x[row, ], digits)
  text
}

format_row <- function(x, digits) {
  unit <- abs(if (isTRUE(x[2L] > 0)) x[2L] else x[1L])
  decimals <- digits - 1 - floor(log10(unit))
  if (is.finite(decimals) && decimals <= 8 && isTRUE(max(abs(x), na.rm = TRUE) < 1e7)) {
    formatC(x, digits = max(0, decimals), format = "f")
  } else {
    format(x, digits = digits)
  }
}

print_inference <- function(x, digits) {
  if (is.null(x$coefficients) && !length(x$notes)) return(invisible())
  cat("\n")
  if (!is.null(x$coefficients)) {
    shown <- utils::head(x$coefficients, 50L)
    print(format_errors(shown, digits), quote = FALSE, right = TRUE)
    left <- nrow(x$coefficients) - nrow(shown)
    if (left > 0L) cat(sprintf("... and %d more: see confint()\n", left))
    if (!is.null(x$fit$arguments$prior)) cat("standard errors from the curvature of the log posterior\n")
  }
  for (note in x$notes) cat(strwrap(note, 79L), sep = "\n")
}

#' @rdname print.emix
#' @export
print.summary.emix <- function(x, digits = max(3L, getOption("digits") - 3L), ...) {
  check_no_dots(...)
  digits <- check_count(digits, "digits", 1, 22)
  fit <- x$fit
  cat(fit_title(fit), " (", format_n(fit), ")\n", sep = "")
  print_call(fit)
  cat("\n")
  table <- x$table
  table[-1L] <- lapply(table[-1L], format, digits = digits)
  # Counts as counts: 100000, not 1e+05.
  counts <- c("expected", "assigned")
  table[counts] <- lapply(x$table[counts], format, digits = digits, scientific = 5)
  print(utils::head(table, 50L), row.names = FALSE)
  if (!is.null(names_of_columns(fit$x))) {
    cat("\n")
    print_part(means_text(fit, digits)[-1L, , drop = FALSE], most_printed[["mean"]], "column", "fit$parameters")
    print_covariances(fit, digits)
  }
  if (fit$k > 1L) {
    cat("\nrows are assigned with a mean posterior probability of ", format(x$certainty, digits = 3), "\n", sep = "")
  }
  print_inference(x, max(1L, digits - 1L))
  cat("\n")
  print_likelihood(fit)
  print_convergence(fit)
  print_starts(fit)
  if (!is.null(fit$selection)) {
    cat("\n")
    if (is.null(fit$selection$cov)) print(format(fit$selection, digits = 6), row.names = FALSE) else print(fit$selection)
  }
  invisible(x)
}

print_starts <- function(fit) {
  s <- fit$starts
  if (nrow(s) < 2L) return(invisible())
  counts <- table(s$outcome)
  top <- fit$convergence$maximum
  cat(counted(nrow(s), "run"), on_points(fit), ": ",
    if (!is.null(top)) paste0(fit$maxima$met[top], " met this maximum; "),
    paste(counts, names(counts), collapse = ", "), "\n", sep = "")
  others <- if (is.null(top)) fit$maxima else fit$maxima[-top, , drop = FALSE]
  if (NROW(others)) {
    shown <- utils::head(others, 4L)
    values <- paste0(formatC(heights_of(shown), digits = 4, format = "f"), ifelse(shown$spurious, " (spurious)", ""))
    of <- c(if (!is.null(shown$objective)) objective_name(fit), if (!is.null(fit$convergence$points)) if (is.matrix(fit$parameters$mean)) "of this part" else "of these points")
    cat("other maxima", if (length(of)) paste0(" (", paste(of, collapse = " "), ")"), ": ",
      paste(values, collapse = ", "), if (nrow(others) > 4L) ", ...", "\n", sep = "")
  }
}

# Where rows are many, starts run on fewer points; of several columns, on a part of the rows.
on_points <- function(fit) {
  points <- fit$convergence$points
  if (is.null(points)) return(NULL)
  if (is.matrix(fit$parameters$mean)) paste(" on a part of", counted(points, "row")) else
    sprintf(" on %s that stand for the rows", counted(points, "point"))
}


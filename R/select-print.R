# How a choice of models is printed: a row per model, or, of covariance structures, a criterion as a matrix.

flag_meaning <- c(n = "not converged", s = "a component may be a chance cluster")

flags_of <- function(table) ifelse(is.na(table$loglik), "", ifelse(!table$converged, "n", ifelse(table$spurious, "s", "")))

# "VEV", or "VEV, mean" where what components share was chosen too.
structure_lines <- function(table) {
  cov <- as.character(table$cov)
  if (length(unique(table$equal)) > 1L) ifelse(table$equal == "none", cov, paste(cov, table$equal, sep = ", ")) else cov
}

has_structures <- function(table) length(unique(table$cov)) > 1L

#' @rdname em_select
#' @param digits digits after the point.
#' @export
print.em_select <- function(x, digits = 1L, ...) {
  check_no_dots(...)
  digits <- check_count(digits, "digits", 0, 15)
  fit <- x$best
  # A table that other functions have put together has no best fit.
  if (!inherits(fit, "emix")) {
    print(as.data.frame(x))
    return(invisible(x))
  }
  cat(counted(nrow(x), "mixture"), " of ", family_of(fit$family)$title, " components (", format_n(fit), ")", sep = "")
  if (!is.null(x$folds)) cat(", ", counted(x$folds, "fold"), sep = "")
  cat("\n\n")
  table <- as.data.frame(x)
  if (has_structures(table)) print_grid(table, x$criterion, attr(x, "row"), digits) else print_models(table, attr(x, "row"), digits)
  cat("* smallest ", x$criterion, ": ", fit_title(fit), "; see $best\n", sep = "")
  print_flags(table)
  invisible(x)
}

print_models <- function(table, best, digits) {
  flags <- ifelse(is.na(table$loglik), "c", flags_of(table))
  shown <- setdiff(names(table), c("converged", "spurious", "highest", "reason"))
  text <- table[shown]
  numbers <- setdiff(shown, c("equal", "cov", "k", "df", "NEC"))
  text[numbers] <- lapply(text[numbers], formatC, digits = digits, format = "f")
  text$NEC <- formatC(text$NEC, digits = digits + 1L, format = "f")
  text <- cbind(paste0(flags, ifelse(seq_len(nrow(table)) == best, "*", "")), text)
  names(text) <- c("", shown)
  print(utils::head(text, 60L), row.names = FALSE, right = TRUE)
  if (nrow(table) > 60L) cat(sprintf("... and %d more: see as.data.frame()\n", nrow(table) - 60L))
  cat("\n")
}

# A criterion with a row per number of components and a column per structure.
print_grid <- function(table, criterion, best, digits) {
  lines <- structure_lines(table)
  k <- sort(unique(table$k))
  value <- table[[criterion]]
  text <- ifelse(is.na(value), "NA", formatC(value, digits = if (criterion == "NEC") digits + 1L else digits, format = "f"))
  mark <- flags_of(table)
  mark[best] <- paste0(mark[best], "*")
  marked <- any(nzchar(mark))
  text <- if (marked) paste0(text, formatC(mark, width = -max(nchar(mark)))) else text
  grid <- matrix("", length(k), length(unique(lines)), dimnames = list(k, unique(lines)))
  grid[cbind(match(table$k, k), match(lines, colnames(grid)))] <- text
  cat(criterion, " by number of components and structure of the covariances:\n", sep = "")
  print(grid, quote = FALSE, right = TRUE)
  cat("\n")
}

print_flags <- function(table) {
  flags <- flags_of(table)
  for (flag in intersect(names(flag_meaning), flags)) cat(flag, ": ", flag_meaning[[flag]], "\n", sep = "")
  none <- sum(is.na(table$loglik))
  if (none > 0L) cat(if (has_structures(table)) "NA: no fit (" else "c: all starts collapsed (", counted(none, "model"),
    if (!is.null(table$reason)) "; the column `reason` says why", ")\n", sep = "")
}

#' @export
print.emix_selection <- function(x, digits = 1L, ...) {
  check_no_dots(...)
  digits <- check_count(digits, "digits", 0, 15)
  by <- attr(x, "criterion")
  best <- attr(x, "row")
  table <- as.data.frame(x)
  if (is.null(by) || is.null(best) || !all(c("cov", "k", "loglik", by) %in% names(table))) {
    print(table)
    return(invisible(x))
  }
  print_grid(table, by, best, digits)
  cat("* smallest ", by, ": ", table$cov[best], ", k = ", table$k[best], "\n", sep = "")
  print_flags(table)
  invisible(x)
}

# Part of a table is a plain data frame.
#' @export
`[.emix_selection` <- function(x, ...) as.data.frame(x)[...]

#' @export
as.data.frame.emix_selection <- function(x, ...) {
  check_no_dots(...)
  attributes(x) <- attributes(x)[c("names", "row.names")]
  class(x) <- "data.frame"
  x
}

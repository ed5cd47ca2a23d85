# How a step is printed: the table of the E-step, the divisions of the M-step, what became of the bound.

# Numbers with `digits` decimals, or with more where they are small: at least two figures, as far as nine decimals.
show_numbers <- function(v, digits) {
  small <- min(abs(v[v != 0 & is.finite(v)]), Inf)
  more <- if (is.finite(small)) max(digits, min(9, 1 - floor(log10(small)))) else digits
  formatC(v, digits = more, format = "f")
}

# Parameters: proportions and probabilities with `digits` decimals, others with two figures more than that.
show_parameter <- function(v, block, family, digits) {
  share <- block == "prop" || identical(family$links[[block]], "logit")
  if (share) formatC(v, digits = digits, format = "f") else sub("[.]$", "", formatC(v, digits = digits + 2L, format = "g", flag = "#"))
}

#' @rdname em_step
#' @order 2
#' @export
print.em_step <- function(x, formula = FALSE, row = 1, digits = 2, rows = 12, ...) {
  check_no_dots(...)
  n <- nrow(x$posterior)
  digits <- check_count(digits, "digits", 1, 12)
  rows <- check_count(rows, "rows", 1)
  family <- family_of(x$family)
  cat("One step of EM: ", counted(n, "row"), ", ", x$k, " ", family$title, if (x$k == 1L) " component" else " components", "\n\n", sep = "")
  if (check_flag(formula, "formula")) {
    print_formulas(x, family, check_count(row, "row", 1, n), digits)
  } else {
    cat("E-step: posterior probabilities, and what each row is expected to give to each component\n\n")
    print_table(x, family, digits, rows)
    if (!is.null(family$expected_note)) cat("\n  ", family$expected_note, "\n", sep = "")
    cat("\nM-step: divide\n\n")
    cat(paste0("  ", division_lines(x, family, digits)), sep = "\n")
  }
  cat("\n")
  print_bound_lines(x)
  invisible(x)
}

print_table <- function(x, family, digits, rows) {
  n <- nrow(x$posterior)
  shown <- if (n <= rows) seq_len(n) else c(seq_len(max(rows - 2L, 1L)), n)
  gap <- n > length(shown)
  cells <- function(v, total, format) {
    text <- c(format(v[shown]), if (is.na(total)) "" else format(total))
    last <- length(text)
    c(text[seq_len(last - 1L - gap)], if (gap) "...", text[if (gap) last - 1L], text[last])
  }
  count <- function(v) formatC(v, digits = digits - 1L, format = "f")
  plain <- function(v) format(v, trim = TRUE)
  brief <- function(v) format(v, digits = 4L, trim = TRUE)
  data <- if (is.null(family$columns_of)) list() else family$columns_of(x$x, x$lesson$columns)
  names <- row_labels(x)
  left <- c(list(row = c(names[shown[seq_len(length(shown) - gap)]], if (gap) "...", if (gap) names[n], "total")),
    lapply(data, function(v) cells(v, NA, plain)), if (!is.null(x$weights)) list(weight = cells(x$weights, sum(x$weights), brief)))
  weighted <- !is.null(x$weights)
  groups <- lapply(stats::setNames(nm = x$components), function(j) {
    e <- x$expected[[j]][if (weighted) TRUE else -1L]
    q <- x$posterior[, j]
    posterior <- cells(q, NA, function(v) formatC(v, digits = digits, format = "f"))
    if (!weighted) posterior[length(posterior)] <- formatC(x$totals[j, 1L], digits = digits, format = "f")
    c(list(posterior = posterior), Map(function(v, total) cells(v, total, count), e, colSums(e)))
  })
  write_groups(left, groups)
}

row_labels <- function(x) {
  n <- nrow(x$posterior)
  kept <- x$lesson$frame$kept
  number <- if (isTRUE(kept)) seq_len(n) else kept
  names <- x$lesson$frame$names
  as.character(if (is.null(names)) number else names[number])
}

# The components' columns beside each other under their names, as many as the terminal has room for.
write_groups <- function(left, groups) {
  block <- function(columns) {
    Map(function(v, name) formatC(c(name, v), width = max(nchar(c(name, v), "width"))), columns, names(columns))
  }
  wide <- function(columns) sum(vapply(columns, function(v) nchar(v[1L], "width"), 0L)) + length(columns)
  first <- block(left)
  blocks <- lapply(groups, block)
  widths <- vapply(blocks, wide, 0) + 2
  while (length(blocks)) {
    fit <- max(1L, sum(wide(first) + cumsum(widths) <= getOption("width")))
    taken <- seq_len(fit)
    head <- vapply(names(blocks)[taken], function(j) paste0("  ", centred(j, wide(blocks[[j]]))), "")
    cat(sub(" +$", "", paste0(c(strrep(" ", wide(first)), head), collapse = "")), "\n", sep = "")
    lines <- do.call(paste, c(unname(first), lapply(unname(blocks[taken]), function(b) do.call(paste, c("  ", unname(b))))))
    last <- length(lines)
    cat(lines[-last], sep = "\n")
    cat(strrep("-", max(nchar(lines, "width"))), lines[last], sep = "\n")
    blocks <- blocks[-taken]
    widths <- widths[-taken]
    if (length(blocks)) cat("\n")
  }
}

centred <- function(text, width) {
  room <- max(0, width - nchar(text, "width"))
  paste0(strrep(" ", room - room %/% 2), text, strrep(" ", room %/% 2))
}

# "prob.A = 21.3 / (21.3 + 8.6) = 0.71"
division_lines <- function(x, family, digits) {
  lines <- lapply(names(x$ratios), function(b) block_lines(x, family, b, digits))
  held <- vapply(x$ratios, function(r) all(r$held), NA)
  text <- unlist(lines[!held])
  if (has_prior(x)) text <- c(text, "(the last term in a bracket is the prior's)")
  if (!is.null(family$ratios_note)) text <- c(text, family$ratios_note)
  if (any(held)) text <- c(text, paste0("held: ", listing(names(x$ratios)[held], 9L)))
  if (length(text)) text else "nothing is free"
}

has_prior <- function(x) any(x$log_prior != 0)

block_lines <- function(x, family, block, digits) {
  r <- x$ratios[[block]]
  new <- x$theta[[or_default(r$block, block)]]
  if (!is.null(r$column)) new <- new[r$column, ]
  label <- function(j) paste(c(or_default(r$block, block), x$components[j], rownames(x$theta$mean)[r$column]), collapse = ".")
  times <- or_default(r$times, 1)
  count <- function(v) show_numbers(v, digits - 1L)
  terms <- function(parts, j, before) {
    at <- if (r$shared) seq_along(new) else j
    v <- c(unlist(lapply(parts, `[`, at)), if (before != 0) before)
    text <- paste(count(v), collapse = " + ")
    if (length(v) > 1L) paste0("(", text, ")") else text
  }
  one <- function(j) {
    if (r$held[j]) return(paste0(label(j), " is held at ", show_parameter(new[[j]], or_default(r$block, block), family, digits)))
    text <- paste(terms(r$over, j, r$before[1L]), "/", terms(r$under, j, r$before[2L]))
    if (r$root) text <- paste0("sqrt(", text, ")")
    if (times != 1) text <- paste(format(times, digits = 4L), "*", text)
    name <- if (r$shared) block else label(j)
    paste0(name, " = ", text, " = ", show_parameter(new[[j]], or_default(r$block, block), family, digits))
  }
  vapply(if (r$shared) 1L else seq_along(new), one, "")
}

print_bound_lines <- function(x) {
  prior <- has_prior(x)
  height <- rbind(if (prior) x$objective else x$loglik, x$bound)
  hard <- if (isTRUE(x$lesson$problem$model$hard)) "classification "
  rownames(height) <- c(paste0(hard, if (prior) "log posterior" else "log-likelihood"), "lower bound")
  text <- formatC(height, digits = 6L, format = "f")
  gap <- formatC(height[1L, ] - height[2L, ], digits = 6L, format = "f")
  text <- rbind(text, gap = sub("-(0[.]0*)$", "\\1", gap))
  text <- cbind(c("", rownames(text)), rbind(c("before", "after the M-step"), text))
  cat(do.call(paste, c(list(" "), lapply(seq_len(3L), function(c) {
    formatC(text[, c], width = if (c == 1L) -max(15L, nchar(text[, 1L])) else if (c == 2L) 16L else 18L)
  }))), sep = "\n")
}

# The formulas with the numbers of one row.
print_formulas <- function(x, family, row, digits) {
  number <- function(v) format(v, digits = digits + 4L, trim = TRUE)
  at <- take_rows(x$x, row)
  q <- x$posterior[row, ]
  w <- if (is.null(x$weights)) 1 else x$weights[row]
  columns <- if (is.null(family$columns_of)) list() else family$columns_of(at, x$lesson$columns)
  cat("Row ", row_labels(x)[row], ": ", paste(names(columns), vapply(columns, number, ""), sep = " = ", collapse = ", "),
    if (w != 1) paste0(", weight = ", number(w)), "\n\n", sep = "")
  known <- if (is.null(x$labels)) 0L else x$labels[row]
  if (known > 0L) {
    cat("E-step: the row is known to be of component ", x$components[known], "\n", sep = "")
  } else {
    print_bayes(x, family, at, q, number)
  }
  cat("\nExpected counts: ", if (w != 1) "weight * ", "posterior * data\n\n", sep = "")
  print_shares(x, row, q, w, number)
  cat("\nM-step: the sums over all ", nrow(x$posterior), " rows, divided\n\n", sep = "")
  cat(paste0("  ", division_lines(x, family, digits + 2L)), sep = "\n")
}

print_bayes <- function(x, family, at, q, number) {
  density <- exp(vapply(seq_len(x$k), function(j) family$log_density(at, one_component(x$before, j)), 0))
  joint <- x$before$prop * density
  text <- vapply(seq_len(x$k), function(j) {
    call <- if (is.null(family$density_text)) "f(x)" else family$density_text(at, one_component(x$before, j), number)
    paste(number(x$before$prop[[j]]), "*", call)
  }, "")
  name <- format(x$components)
  cat("E-step: proportion x density, and its share of their sum\n\n")
  cat(paste0("  ", name, "  ", format(text), " = ", number(joint)), sep = "\n")
  cat("  ", strrep(" ", max(nchar(name, "width"))), "  sum", strrep(" ", max(nchar(text)) - 3L), " = ", number(sum(joint)),
    "\n\n", sep = "")
  top <- formatC(number(joint), width = max(nchar(number(joint))))
  cat(paste0("  posterior of ", name, " = ", top, " / ", number(sum(joint)), " = ", number(unname(q))), sep = "\n")
}

print_shares <- function(x, row, q, w, number) {
  for (j in x$components) {
    e <- x$expected[[j]][row, -1L, drop = FALSE]
    share <- paste0(if (w != 1) paste0(number(w), " * "), number(q[[j]]))
    lines <- vapply(names(e), function(name) {
      value <- if (q[[j]] > 0 && w > 0) e[[name]] / (w * q[[j]]) else NA_real_
      paste0(share, if (!is.na(value)) paste(" *", number(value)), " = ", number(e[[name]]))
    }, "")
    cat(paste0("  ", formatC(j, width = -max(nchar(x$components, "width"))), "  ", format(names(e)), "  ", lines), sep = "\n")
  }
}

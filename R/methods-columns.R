# How fits to rows of several columns are printed: means as a table of columns by components, covariances as standard
# deviations and correlations.

# Means are printed for so many columns, correlations for so many.
most_printed <- c(mean = 20L, cov = 6L)

# A table of text of which only the first rows and columns are printed.
print_part <- function(text, rows, what, see) {
  shown <- seq_len(min(nrow(text), rows))
  some <- seq_len(min(ncol(text), 30L))
  print(text[shown, some, drop = FALSE], quote = FALSE, right = TRUE)
  left <- c(if (nrow(text) > rows) counted(nrow(text) - rows, what), if (ncol(text) > 30L) counted(ncol(text) - 30L, "component"))
  if (length(left)) cat("... and ", paste(left, collapse = ", "), " more: see ", see, "\n", sep = "")
}

# Numbers with a mark at those that are held.
marked <- function(value, held, digits) paste0(format(value, digits = digits), if (any(held)) ifelse(held, "*", " ") else "")

# Proportions and means: a column per component, a row per column of the data in digits of its own.
means_text <- function(x, digits) {
  held <- x$held
  if (x$k == 1L || "prop" %in% x$equal) held$prop[] <- FALSE
  mean <- x$parameters$mean
  held_mean <- matrix(held$mean, nrow(mean))
  text <- rbind(marked(x$parameters$prop, held$prop, digits),
    t(vapply(seq_len(nrow(mean)), function(c) marked(mean[c, ], held_mean[c, ], digits), character(x$k))))
  if (x$k == 1L) text <- matrix(c(marked(x$parameters$prop, held$prop, digits),
    vapply(seq_len(nrow(mean)), function(c) marked(mean[c, ], held_mean[c, ], digits), "")))
  dimnames(text) <- list(c("prop", paste("mean", rownames(mean))), x$components)
  text
}

print_columns <- function(x, digits) {
  text <- means_text(x, digits)
  print_part(text, 1L + most_printed[["mean"]], "column", "fit$parameters")
  if (any(unlist(x$held[c("prop", "mean")])) && any(grepl("*", text, fixed = TRUE))) cat("* held\n")
  if (any(x$held$cov)) {
    d <- nrow(x$parameters$mean)
    own <- colSums(matrix(x$held$cov, d^2)) > 0
    cat("cov held of ", if (all(own)) "all components" else paste(if (sum(own) == 1L) "component" else "components", listing(x$components[own])), "\n", sep = "")
  }
}

# Standard deviations and, below the diagonal, correlations of a covariance; of diagonal ones the former alone.
spread_table <- function(cov, digits, diagonal) {
  sd <- sqrt(diag(cov))
  text <- cbind(sd = format(sd, digits = digits))
  rownames(text) <- rownames(cov)
  if (diagonal) return(text)
  r <- formatC(cov / outer(sd, sd), digits = max(2L, min(digits - 1L, 3L)), format = "f")
  r[upper.tri(r, TRUE)] <- ""
  r <- r[, -ncol(r), drop = FALSE]
  cbind(text, r)
}

print_covariances <- function(x, digits) {
  cov <- x$parameters$cov
  columns <- rownames(x$parameters$mean)
  cat("\n", name_covariance(x$family$cov), "\n", sep = "")
  if (substr(x$family$cov, 2L, 2L) == "I") {
    text <- rbind(sd = format(sqrt(cov[1L, 1L, ]), digits = digits))
    colnames(text) <- x$components
    return(print_part(text, 1L, "row", "fit$parameters"))
  }
  diagonal <- substr(x$family$cov, 3L, 3L) == "I"
  if (diagonal || length(columns) > most_printed[["cov"]]) {
    sd <- vapply(seq_len(x$k), function(j) sqrt(diag(cov[, , j])), double(length(columns)))
    text <- t(apply(matrix(sd, ncol = x$k), 1L, format, digits = digits))
    text <- matrix(text, ncol = x$k, dimnames = list(paste("sd", columns), x$components))
    print_part(text, most_printed[["mean"]], "column", "fit$parameters")
    if (!diagonal) cat("correlations: see fit$parameters$cov\n")
    return(invisible())
  }
  cat("standard deviations and correlations\n")
  common <- !is.null(family_of(x$family)$shared)
  shown <- seq_len(if (common) 1L else min(x$k, 9L))
  for (j in shown) {
    text <- spread_table(array(cov[, , j], dim(cov)[1:2], dimnames(cov)[1:2]), digits, FALSE)
    if (!common && x$k > 1L) cat("\n", "component ", x$components[j], "\n", sep = "")
    print(text, quote = FALSE, right = TRUE)
  }
  if (!common && x$k > 9L) cat("... and ", counted(x$k - 9L, "component"), " more: see fit$parameters$cov\n", sep = "")
}

# A criterion over numbers of components and covariance structures.

# Symbols of the structures as users of mclust know them (Scrucca et al. 2016).
structure_symbols <- c(EII = 17L, VII = 2L, EEI = 16L, VEI = 13L, EVI = 10L, VVI = 1L, EEE = 15L, VEE = 12L, EVE = 8L, VVE = 9L,
  EEV = 5L, VEV = 7L, EVV = 14L, VVV = 0L)

# Of a table, rows numbers of components and columns structures, NA where there is no fit: style of each line and the best cell.
grid_curves <- function(values, col) {
  values[!is.finite(values)] <- NA
  names <- colnames(values)
  pch <- structure_symbols[names]
  pch[is.na(pch)] <- symbol_of(which(is.na(pch)))
  style <- component_style(list(k = length(names)), col)
  best <- arrayInd(which.min(values), dim(values))
  list(values = values, k = as.numeric(rownames(values)), names = names, pch = unname(pch), col = style$col, lty = style$lty, best = as.vector(best))
}

# A criterion of a table with a row per fit, its structure in the column "cov", as plot_grid() takes it.
grid_values <- function(table, criterion) {
  k <- sort(unique(table$k))
  lines <- structure_lines(table)
  names <- unique(lines)
  values <- matrix(NA_real_, length(k), length(names), dimnames = list(k, names))
  values[cbind(match(table$k, k), match(lines, names))] <- table[[criterion]]
  values
}

# "smallest BIC: VEV, 2 components, 561.728"
grid_best <- function(curves, criterion) {
  at <- curves$best
  sprintf("smallest %s: %s, %s, %s", criterion, curves$names[at[2L]], counted(curves$k[at[1L]], "component"),
    format(curves$values[at[1L], at[2L]], nsmall = 1, digits = 6, big.mark = ","))
}

# From the best value to the best of the worst structure and of the worst `k`: what lies above tells nothing, and would press
# together the rest.
grid_range <- function(values) {
  least <- function(v) if (all(is.na(v))) NA_real_ else min(v, na.rm = TRUE)
  reach <- range(apply(values, 1L, least), apply(values, 2L, least), na.rm = TRUE)
  reach[2L] <- min(reach[2L] + 0.15 * (reach[2L] - reach[1L]), max(values, na.rm = TRUE))
  reach
}

# Draws the table `values`, a line per structure, the best ringed. Structures without a finite value are named as such.
plot_grid <- function(values, criterion = "BIC", col = NULL, main = NULL, xlab = NULL, ylab = NULL, ...) {
  curves <- grid_curves(values, col)
  if (!length(curves$best)) stop_input("criterion", "one that is defined for a model of the table", dQuote(criterion, FALSE))
  names <- paste0(curves$names, ifelse(colSums(!is.na(curves$values)) > 0, "  ", " (none)  "))
  count <- length(names)
  columns <- fitting_columns(names, par("fin")[1L])
  lines <- if (count > 1L) ceiling(count / columns) else 0
  before <- par(mar = c(5.2, 5.4, 2.6 + 1.1 * lines, 1))
  on.exit(par(before))
  reach <- grid_range(curves$values)
  open_panel(range(curves$k) + c(-0.1, 0.1), reach, "", or_default(xlab, "components"), "", xaxt = "n", yaxs = "r", ...)
  mtext(or_default(ylab, paste(criterion, "(smaller is better)")), 2L, 4.2, cex = par("cex"))
  axis(1L, curves$k)
  for (i in seq_len(count)) {
    lines(curves$k, curves$values[, i], type = "b", col = curves$col[i], lty = curves$lty[i], pch = curves$pch[i], lwd = 1.4)
  }
  best <- curves$best
  points(curves$k[best[1L]], curves$values[best[1L], best[2L]], cex = 2.6, lwd = 1.6)
  usr <- par("usr")
  if (count > 1L) {
    legend(graphics::grconvertX(0.5, "nfc"), usr[4L], names, col = curves$col, lty = curves$lty, pch = curves$pch, ncol = columns, seg.len = 2.2,
      xjust = 0.5, yjust = 0, xpd = NA, bty = "n", cex = 0.85, y.intersp = 0.9)
  }
  above <- sum(curves$values > usr[4L], na.rm = TRUE)
  note <- paste(c(grid_best(curves, criterion), if (above > 0) paste(counted(above, "value"), "above the panel")), collapse = "; ")
  panel_title(or_default(main, "Choice of the model"), 0.8 + 1.1 * lines, note, 4)
}

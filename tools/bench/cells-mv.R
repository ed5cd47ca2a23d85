# Every cell of mclust's grid, fourteen structures by k = 1..9, on four data sets: is emix's BIC at least as high
# (in mclust's sign) wherever mclust gives one? Prints the cells below, and their number. Where a maximum has a chance cluster
# by emix's rule and there is another without, emix takes that, and may be below: `chance` says whether mclust's maximum has one,
# `highest` is the BIC of the highest maximum that emix met and avoided.
#
#   Rscript tools/bench/cells-mv.R [--grid] [--allow] [data set ...]
#
# Each cell of emix is a default fit of its own: no cell lends another its components. With --grid one call of emix() chooses
# among all. With --allow emix takes the highest maximum, chance clusters or not.
library(emix)
suppressPackageStartupMessages(library(mclust))

structures <- c("EII", "VII", "EEI", "VEI", "EVI", "VVI", "EEE", "VEE", "EVE", "VVE", "EEV", "VEV", "EVV", "VVV")
tolerance <- 1e-6

from_mclust <- function(name, columns) {
  place <- new.env()
  utils::data(list = name, package = "mclust", envir = place)
  data.matrix(place[[name]])[, columns]
}

data_sets <- list(
  iris = function() as.matrix(iris[, 1:4]),
  faithful = function() as.matrix(faithful),
  diabetes = function() from_mclust("diabetes", 2:4),
  banknote = function() from_mclust("banknote", 2:7)
)

cpu <- function() sum(proc.time()[c("user.self", "sys.self")])

# One cell: mclust's sign of the BIC.
fit_cell <- function(x, cov, k) {
  begun <- cpu()
  fit <- tryCatch(suppressWarnings(emix(x, k = k, family = mix_mvnormal(cov), control = control)), error = identity)
  seconds <- cpu() - begun
  if (inherits(fit, "condition")) {
    return(data.frame(bic = NA, highest = NA, spurious = NA, converged = NA, seconds = seconds, error = class(fit)[1L]))
  }
  highest <- 2 * (max(fit$maxima$loglik) - fit$loglik) - BIC(fit)
  data.frame(bic = -BIC(fit), highest = highest, spurious = fit$convergence$spurious, converged = fit$converged, seconds = seconds, error = "")
}

# Has the maximum to which mclust's parameters lead a chance cluster?
chance_of_peer <- function(name, cov, k) {
  x <- data_sets[[name]]()
  p <- Mclust(x, G = k, modelNames = cov, verbose = FALSE)$parameters
  start <- list(prop = p$pro, mean = p$mean, cov = p$variance$sigma)
  fit <- tryCatch(suppressWarnings(emix(x, k = k, family = mix_mvnormal(cov), start = start)), error = identity)
  if (inherits(fit, "condition")) NA else fit$convergence$spurious
}

# All cells of one call.
fit_grid <- function(x, cells) {
  begun <- cpu()
  table <- suppressWarnings(emix(x, k = 1:9, family = mix_mvnormal("all"), control = control))$selection
  at <- match(paste(cells$cov, cells$k), paste(table$cov, table$k))
  highest <- 2 * (table$highest - table$loglik)[at] - table$BIC[at]
  data.frame(bic = -table$BIC[at], highest = highest, spurious = table$spurious[at], converged = table$converged[at],
    seconds = (cpu() - begun) / nrow(cells), error = ifelse(is.na(table$reason[at]), "", "emix_error"))
}

grid_of <- function(name) {
  x <- data_sets[[name]]()
  begun <- cpu()
  peer <- mclustBIC(x, G = 1:9, modelNames = structures, verbose = FALSE)
  peer_seconds <- cpu() - begun
  cells <- expand.grid(k = 1:9, cov = structures, stringsAsFactors = FALSE)
  set.seed(1)
  own <- if (whole_grid) fit_grid(x, cells) else do.call(rbind, Map(fit_cell, list(x), cells$cov, cells$k))
  table <- cbind(data = name, cells, mclust = peer[cbind(as.character(cells$k), cells$cov)], own)
  table$difference <- table$bic - table$mclust
  cat(sprintf("%s: %d rows, %d columns; emix %.1f s, mclust %.1f s\n", name, nrow(x), ncol(x), sum(own$seconds), peer_seconds))
  best <- which.max(replace(table$bic, table$spurious %in% TRUE, NA))
  top <- which.max(table$mclust)
  cat(sprintf("  best: emix %s %d (%.3f), mclust %s %d (%.3f)\n", table$cov[best], table$k[best], table$bic[best],
    table$cov[top], table$k[top], table$mclust[top]))
  table
}

chosen <- commandArgs(trailingOnly = TRUE)
whole_grid <- "--grid" %in% chosen
control <- em_control(spurious = if ("--allow" %in% chosen) "allow" else "avoid")
chosen <- setdiff(chosen, c("--grid", "--allow"))
if (!length(chosen)) chosen <- names(data_sets)
table <- do.call(rbind, lapply(chosen, grid_of))
below <- !is.na(table$mclust) & (is.na(table$bic) | table$difference < -tolerance)
table$chance <- FALSE
table$chance[below] <- as.logical(unlist(Map(chance_of_peer, table$data[below], table$cov[below], table$k[below])))
if (any(below)) print(table[below, ], row.names = FALSE, digits = 6)
cat(sprintf("emix below in %d cells, %d of them a maximum of mclust's with a chance cluster\n", sum(below), sum(below & table$chance %in% TRUE)))
low <- !is.na(table$mclust) & (is.na(table$highest) | table$highest - table$mclust < -tolerance)
cat(sprintf("cells whose highest maximum is below: %d\n", sum(low)))
if (any(low & !below)) print(table[low & !below, ], row.names = FALSE, digits = 6)
cat(sprintf("cells where mclust gives a BIC: %d; emix below in %d; higher by more than 0.01 in %d; not converged %d, chance clusters %d\n",
  sum(!is.na(table$mclust)), sum(below), sum(table$difference > 0.01, na.rm = TRUE), sum(!table$converged, na.rm = TRUE),
  sum(table$spurious, na.rm = TRUE)))

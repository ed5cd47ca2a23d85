# What is free, held and shared: `fixed`, `equal` and k, checked and in the form of the core.
#
# A spec holds: family (its table), k, columns (names of the rows' columns, where components have a value for each), sizes
# (of blocks, see block_sizes()), equal (block names), held (a list of logical
# vectors per block), values (a list of numbers per block, NA where free).

# A list of parameters by block, each of length k or of the block's size for each component; NA allowed where `free` is.
check_parameters <- function(x, argument, family, k, free, columns = NULL) {
  if (is.list(x) && !is.object(x) && !length(x)) return(x)
  if (!is.list(x) || is.object(x) || is.null(names(x)) || anyDuplicated(names(x))) {
    stop_input(argument, paste0("a list with names among ", listing(c("prop", family$blocks), last = ", ")),
      describe(x))
  }
  unknown <- setdiff(names(x), c("prop", family$blocks))
  if (length(unknown)) {
    emix_stop("input", "`", argument, "` has an element `", unknown[1L], "`; the ", family$title,
      " family has ", listing(c("prop", family$blocks)), ".", argument = argument)
  }
  for (block in names(x)) {
    own <- block != "prop" && !is.null(family$read_block)
    x[[block]] <- if (own) family$read_block(x[[block]], argument, block, k, free, columns) else
      check_block(x[[block]], argument, block, family, k, free)
  }
  x
}

check_block <- function(value, argument, block, family, k, free) {
  what <- paste0(argument, "$", block)
  if (free && is.logical(value) && all(is.na(value))) storage.mode(value) <- "double"
  names <- names(value)
  value <- check_numeric(value, what)
  if (length(value) != k) {
    stop_input(what, sprintf("of length %d, one per component", k), sprintf("of length %d", length(value)))
  }
  if (!free && anyNA(value)) stop_input(what, "without missing values")
  legal <- if (block == "prop") list(ok = value >= 0 & value <= 1, expected = "between 0 and 1") else
    family$legal(block, value)
  bad <- which((!is.na(value) & !legal$ok) | is.nan(value))
  if (length(bad)) stop_input(what, legal$expected, format(value[bad[1L]]))
  stats::setNames(value, names)
}

make_spec <- function(family, k, fixed, equal, labels, columns = NULL) {
  blocks <- c("prop", family$blocks)
  if (!is.null(equal) && (!is.character(equal) || anyNA(equal) || !all(equal %in% blocks))) {
    stop_input("equal", paste0("among ", listing(dQuote(blocks, FALSE))),
      if (is.character(equal)) listing(dQuote(setdiff(equal, blocks), FALSE)) else describe(equal))
  }
  if (!is.null(family$restrict)) {
    family <- family$restrict(equal)
    equal <- setdiff(equal, family$shared)
  }
  sizes <- block_sizes(family, length(columns))
  values <- lapply(sizes, function(size) rep(NA_real_, k * size))
  if (!is.null(fixed)) {
    fixed <- check_parameters(fixed, "fixed", family, k, free = TRUE, columns)
    values[names(fixed)] <- lapply(fixed, as.vector)
  }
  spec <- list(family = family, k = k, columns = columns, sizes = sizes, equal = unique(as.character(equal)), values = values)
  spec <- hold_equal(spec)
  spec <- hold_prop(spec)
  spec$held <- lapply(spec$values, function(v) !is.na(v))
  check_identifiable(spec, labels)
  spec
}

# One value held for a shared parameter holds it for all.
hold_equal <- function(spec) {
  for (block in setdiff(spec$equal, "prop")) {
    value <- matrix(spec$values[[block]], nrow = spec$sizes[[block]])
    given <- unique(value[, !is.na(value[1L, ]), drop = FALSE], MARGIN = 2L)
    if (ncol(given) > 1L) {
      stop_input(paste0("fixed$", block), sprintf("one value, as `equal` has \"%s\"", block),
        if (nrow(given) == 1L) listing(given) else counted(ncol(given), "different one"))
    }
    if (ncol(given)) spec$values[[block]][] <- given
  }
  spec
}

# Equal proportions are 1/k. Held ones must leave room for the free, and the last one free is no
# longer free.
hold_prop <- function(spec) {
  prop <- spec$values$prop
  k <- spec$k
  if (k == 1L || "prop" %in% spec$equal) {
    if (any(abs(prop - 1 / k) > 1e-8, na.rm = TRUE)) {
      stop_input("fixed$prop", sprintf("%g for each of %d equal proportions", 1 / k, k), listing(prop))
    }
    prop[] <- 1 / k
  }
  free <- is.na(prop)
  total <- sum(prop[!free])
  if (!any(free) && abs(total - 1) > 1e-8) stop_input("fixed$prop", "of sum 1", format(total))
  if (!any(free)) prop <- prop / total
  if (any(free) && total >= 1) stop_input("fixed$prop", "of sum below 1, to leave room for the free ones", format(total))
  if (sum(free) == 1L) prop[free] <- 1 - total
  spec$values$prop <- prop
  spec
}

# Unlabelled components that must be the same cannot be told apart: their proportions are
# arbitrary, so they must be held.
check_identifiable <- function(spec, labels) {
  same <- vapply(spec$family$blocks, function(b) {
    v <- spec$values[[b]]
    b %in% shared_blocks(spec) || (!anyNA(v) && count_distinct(v, spec$sizes[[b]]) == 1L)
  }, NA)
  if (spec$k > 1L && all(same) && is.null(labels) && anyNA(spec$values$prop)) {
    emix_stop("input", "`equal` (with `fixed`) makes all components the same: without `labels` their ",
      "proportions cannot be estimated. Leave one of ", listing(spec$family$blocks),
      " free, or use k = 1.", argument = "equal")
  }
}

# How many components differ in their values of a block.
count_distinct <- function(value, size) {
  if (size == 1L) length(unique(value)) else ncol(unique(matrix(value, nrow = size), MARGIN = 2L))
}

# Blocks that all components share: by `equal`, or by the family's nature.
shared_blocks <- function(spec) intersect(spec$family$blocks, c(spec$equal, spec$family$shared))

# Degrees of freedom: free parameters, shared ones counted once, proportions summing to 1.
count_df <- function(spec) {
  if (!is.null(spec$family$df)) return(spec$family$df(spec))
  free <- vapply(spec$held, function(h) sum(!h), 0L)
  free[["prop"]] <- max(0L, free[["prop"]] - 1L)
  shared <- intersect(spec$equal, spec$family$blocks)
  free[shared] <- pmin(free[shared], 1L)
  sum(free)
}

# The mean over k components of each of their values, for each column of a block.
component_means <- function(value, k) {
  by_component <- aperm(array(value, c(nrow(value) / k, k, ncol(value))), c(2L, 1L, 3L))
  matrix(colMeans(matrix(by_component, nrow = k)), nrow(value) / k, ncol(value))
}

# Parameters brought to what the spec demands: vectors, or matrices of a column per set.
impose <- function(parameters, spec) {
  if (!is.null(spec$family$conform)) parameters <- spec$family$conform(parameters, spec)
  for (block in spec$family$blocks) {
    value <- as.matrix(parameters[[block]])
    if (block %in% shared_blocks(spec)) {
      first <- rep(seq_len(spec$sizes[[block]]), spec$k)
      uneven <- colSums(value != value[first, , drop = FALSE]) > 0
      value[, uneven] <- component_means(value[, uneven, drop = FALSE], spec$k)[first, ]
    }
    held <- spec$held[[block]]
    value[held, ] <- spec$values[[block]][held]
    parameters[[block]][] <- value
  }
  held <- spec$held$prop
  prop <- pmax(as.matrix(parameters$prop), 0)
  left <- 1 - sum(spec$values$prop[held])
  prop[held, ] <- spec$values$prop[held]
  if (!all(held)) {
    prop[!held, colSums(prop[!held, , drop = FALSE]) == 0] <- 1
    total <- colSums(prop[!held, , drop = FALSE])
    # What sums to what is left, but for rounding, stays to the bit: an iterate of EM given as start is that iterate.
    off <- abs(total - left) > 8 * spec$k * .Machine$double.eps
    prop[!held, off] <- left * prop[!held, off] / rep(total[off], each = sum(!held))
  }
  parameters$prop[] <- prop
  parameters[c("prop", spec$family$blocks)]
}

# The model as the core wants it.
core_model <- function(spec, rows, prior = NULL, hard = FALSE) {
  bits <- sum(2^(match(setdiff(spec$equal, "prop"), spec$family$blocks) - 1))
  list(
    family = spec$family$name, latent = "mix", k = spec$k, equal = as.integer(bits),
    held = as.integer(unlist(spec$held[c("prop", spec$family$blocks)], use.names = FALSE)),
    options = spec$family$options(rows), prior_rows = prior$rows, prior_family = prior$family, hard = hard
  )
}

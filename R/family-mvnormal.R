# The multivariate normal family; its formulas are in src/family-mvnormal.c. Rows are a matrix with names of columns.
#
# By block a component's mean is d numbers and its covariance d * d, one component after the other; `spec$columns` names the
# d columns. Functions of many runs or starts take a matrix of a column for each.

#' Multivariate normal components
#'
#' Components of rows of several columns: multivariate normal distributions with parameters `mean` and `cov`. [emix()] takes them
#' for a matrix or a data frame of two or more columns.
#'
#' @details
#' **Structures.** A covariance is `cov_j = volume_j D_j A_j D_j'`: its *volume* `det(cov_j)^(1/d)`, its *shape* `A_j`, a diagonal
#' matrix of determinant 1, and its *orientation* `D_j`, an orthogonal matrix. Each is equal in all components (`E`), varies from
#' component to component (`V`), or is the identity (`I`): shape `I` makes spheres, orientation `I` axes along the columns (Banfield
#' & Raftery 1993, Celeux & Govaert 1995). `d` columns, `k` components:
#'
#' | `cov` | volume | shape | orientation | free parameters of the covariances |
#' |---|---|---|---|---|
#' | `"EII"` | equal | spheres | | `1` |
#' | `"VII"` | varies | spheres | | `k` |
#' | `"EEI"` | equal | equal | columns | `d` |
#' | `"VEI"` | varies | equal | columns | `k + d - 1` |
#' | `"EVI"` | equal | varies | columns | `1 + k (d - 1)` |
#' | `"VVI"` | varies | varies | columns | `k d` |
#' | `"EEE"` | equal | equal | equal | `d (d + 1) / 2` |
#' | `"VEE"` | varies | equal | equal | `k - 1 + d (d + 1) / 2` |
#' | `"EVE"` | equal | varies | equal | `1 + k (d - 1) + d (d - 1) / 2` |
#' | `"VVE"` | varies | varies | equal | `k d + d (d - 1) / 2` |
#' | `"EEV"` | equal | equal | varies | `d + k d (d - 1) / 2` |
#' | `"VEV"` | varies | equal | varies | `k + d - 1 + k d (d - 1) / 2` |
#' | `"EVV"` | equal | varies | varies | `1 + k (d (d + 1) / 2 - 1)` |
#' | `"VVV"` | varies | varies | varies | `k d (d + 1) / 2` |
#'
#' What scikit-learn calls `full`, `tied`, `diag` and `spherical` are `VVV`, `EEE`, `VVI` and `VII`; mclust has these fourteen names.
#'
#' The M-step of `EVE` and `VVE` is that of Browne & McNicholas (2014) in its aim: the orientation that all share, found on the
#' orthogonal matrices.
#'
#' **Units.** In `EEI VEI EVI VVI EEE VEE EVV VVV` the units of each column may be chosen freely. In the other six they matter: a
#' sphere where all columns are in centimetres is none where one of them is in inches; columns of unlike kinds want [scale()] first.
#'
#' **Parameters.** `fit$parameters` has `prop` (`k` values), `mean` (a matrix of a row per column of the data and a column per
#' component) and `cov` (an array, columns x columns x components). `start` and `fixed` take them in the same form. In `fixed` the
#' mean of a component is given as a whole, or `NA` as a whole; so is its covariance, which can be held with `"VII"`, `"VVI"` and
#' `"VVV"` alone. `equal` may have `"mean"`, a mean common to all, and `"cov"`: then `"VVV"` is fitted as `"EEE"`, `"VVI"` as `"EEI"`
#' and `"VII"` as `"EII"`. [coef()] lists of each covariance the lower triangle, column by column.
#'
#' **Rows** may have up to 256 columns. A column of one value, and a column that is a linear combination of others, leave the
#' likelihood without a maximum: they are errors that name the column. Diagonal structures (the first six) are untroubled by
#' the latter.
#'
#' **Missing values.** With `na.action = "likelihood"` the likelihood is that of the values that are there: a row's density is the
#' marginal one of its observed columns, and EM puts what a component expects of the others, given these, in their place (Little &
#' Rubin 2019, sections 8.2 and 11.2; Ghahramani & Jordan 1994). That is right where values are *missing at random*: whether one
#' is missing may depend on values that are there, not on what it would have been. Every row has posterior probabilities, from what it has, and
#' so have new rows in [predict()]; a row without any value says nothing, is not counted by [nobs()] and has the proportions. Up to 64
#' columns; each needs values. Where hardly any row is whole, little is known of what holds between the columns together, and the likelihood may be highest
#' at a covariance without inverse: EM then goes on for long, and a prior, [em_prior()], helps.
#' `fitted()` gives the components' means, `simulate()` whole rows.
#'
#' **Many rows.** Of more than 2000 rows (200 for each column and one, if that is more) starts are run on a part. Where parameters are many the
#' highest maxima of a part are those of its chance clusters; so some runs (`"simpler"` in `fit$starts`) begin where others ended with
#' covariances that are equal (`"EEE"`; `"EEI"` for `"VEI"`, `"EVI"` and `"VVI"`). These and the best of the others continue on larger
#' parts and then, fewer, on all rows.
#'
#' **Chance clusters.** The likelihood is unbounded where a component shrinks onto a plane; runs that go there are dropped and
#' counted. A component whose volume varies is asked whether it is a chance cluster (*spurious*) where `det(cov)^(1/(2d))`, its
#' standard deviation on average over directions, is below 0.58 (with `"VII"`, `"VEI"`, `"VEE"` and `"VEV"` a third) of the largest
#' component's. Some of its rows give it its form: `d` of them with `"VVV"`, else 1. With fewer than three more it always is one.
#' Else it puts `N` rows into its ellipsoid of 95 %, where the others put `e`: it is one if a Poisson count of mean `e` reaches
#' `N + e`, less those of its form, with a probability above 1/1000 in one of the ellipsoids that so many rows and one, out
#' of all, can give (or, if fewer, that the components have room for, times three for each number of its form). Small and tight
#' clusters of more rows are not called so.
#'
#' **Choice.** With several structures, or `"all"`, [emix()] fits each (and with several `k` each with each), and returns the best by its
#' `criterion`. A mixture of one structure is one of every structure that asks less: its components are starts there too, and
#' the likelihood is no lower. With one component `EII` and `VII` are one model, so are the other four diagonal structures, and so the last eight.
#' `fit$selection` is the table of all models; see [emix()].
#'
#' @param cov the structure of the covariances, one of the fourteen names, default `"VVV"`; or several, or `"all"`, to choose among.
#' @return a list of class `"emix_family"` with the elements `name` and `cov`.
#' @section Errors:
#' `emix_error_input` for anything else than names of structures. [emix()] raises `emix_error_degenerate` for columns of one value
#' or that others determine, and where rows are too few for the structure.
#' @references
#' Banfield, J. D. and Raftery, A. E. (1993). Model-based Gaussian and non-Gaussian clustering. *Biometrics* 49, 803-821.
#'
#' Browne, R. P. and McNicholas, P. D. (2014). Estimating common principal components in high dimensions. *Advances in Data
#' Analysis and Classification* 8, 217-226.
#'
#' Celeux, G. and Govaert, G. (1995). Gaussian parsimonious clustering models. *Pattern Recognition* 28, 781-793.
#'
#' Fraley, C. and Raftery, A. E. (2002). Model-based clustering, discriminant analysis, and density estimation. *Journal of the
#' American Statistical Association* 97, 611-631.
#'
#' Ghahramani, Z. and Jordan, M. I. (1994). Supervised learning from incomplete data via an EM approach. *Advances in Neural
#' Information Processing Systems* 6, 120-127.
#'
#' Little, R. J. A. and Rubin, D. B. (2019). *Statistical Analysis with Missing Data*, third edition. Wiley.
#' @seealso [mix_normal()] for one column, [em_prior()] for the normal-inverse-Wishart prior; `vignette("clustering")` and
#'   `vignette("classify")`.
#' @examples
#' fit <- emix(faithful, k = 2)
#' fit
#' fit$parameters$cov
#' emix(faithful, k = 3, family = mix_mvnormal("EEE"))
#'
#' # Rows with missing values, used through those that they have
#' some <- faithful
#' some$waiting[1:90] <- NA
#' emix(some, k = 2, na.action = "likelihood")
#'
#' # Which structure, how many components?
#' choice <- emix(faithful, k = 2:3, family = mix_mvnormal(c("EEE", "VVV")))
#' choice$selection
#' plot(choice, "criterion")
#' @export
mix_mvnormal <- function(cov = "VVV") {
  structure(list(name = "mvnormal", cov = check_structures(cov)), class = "emix_family")
}

# The one place where the argument is checked: names in the order of the table above.
check_structures <- function(cov) {
  if (identical(cov, "all")) return(covariance_structures)
  wrong <- if (is.character(cov)) setdiff(cov, covariance_structures) else character()
  if ("all" %in% wrong) stop_input("cov", "\"all\" alone, or names of structures", listing(dQuote(cov, FALSE)))
  # What scikit-learn calls them.
  other <- c(full = "VVV", tied = "EEE", diag = "VVI", spherical = "VII")
  same <- wrong[wrong %in% names(other)][1L]
  if (!is.na(same)) stop_input("cov", sprintf("\"%s\", which is what elsewhere is \"%s\"", other[[same]], same))
  if (length(cov) < 2L || !is.character(cov)) return(check_choice(cov, "cov", covariance_structures))
  if (length(wrong)) stop_input("cov", paste0("\"all\", or names of structures among ", listing(covariance_structures, 14L)), describe(wrong[1L]))
  covariance_structures[covariance_structures %in% cov]
}

# "VVV: volume, shape, orientation vary"
name_covariance <- function(cov) {
  letters <- strsplit(cov, "")[[1L]]
  if (letters[2L] == "I") {
    text <- c(E = "spheres of equal volume", V = "spheres, volume varies")[[letters[1L]]]
    return(paste0(cov, ": ", text))
  }
  parts <- c("volume", "shape", "orientation")
  said <- function(letter, one, many) {
    at <- parts[letters == letter]
    if (length(at)) paste(paste(at, collapse = ", "), if (length(at) == 1L) one else many)
  }
  paste0(cov, ": ", paste(c(said("V", "varies", "vary"), said("E", "equal", "equal"), if (letters[3L] == "I") "axes along columns"),
    collapse = "; "))
}

# A power of two as scale is exact. Where the structure depends on the columns' units, all have one.
mvnormal_affine <- function(about, cov) {
  spread <- about[["sd"]] > 0
  power <- ifelse(spread, pmax(pmin(floor(log2(about[["sd"]])), 1000), -1000), 0)
  if (!cov %in% free_of_units && any(spread)) power[] <- max(power[spread])
  factor <- 2^-power
  far <- abs(about[["mean"]]) > 2^20 * about[["sd"]]
  list(factor = factor, shift = ifelse(far, about[["mean"]] * factor, 0))
}

free_of_units <- c("EEI", "VEI", "EVI", "VVI", "EEE", "VEE", "EVV", "VVV")

# Squared distances of rows from a mean, in units of a covariance, and log densities: a number per row each. Of a row with
# missing values those of the values that it has.
squared_distances <- function(x, par) over_patterns(x, par, function(root, z) colSums(z^2))

mvnormal_log_density <- function(x, par) {
  over_patterns(x, par, function(root, z) -colSums(z^2) / 2 - sum(log(diag(root))) - nrow(root) * log(2 * pi) / 2)
}

mvnormal_draw <- function(n, par) {
  z <- matrix(stats::rnorm(n * length(par$mean)), n)
  z %*% chol(par$cov) + rep(par$mean, each = n)
}

# How many numbers of a covariance of the structure components have; what is held is not free.
mvnormal_df <- function(spec) {
  d <- length(spec$columns)
  by_component <- function(block) colSums(matrix(!spec$held[[block]], nrow = spec$sizes[[block]])) > 0
  prop <- max(0L, sum(!spec$held$prop) - 1L)
  mean <- if ("mean" %in% spec$equal) min(1L, sum(by_component("mean"))) else sum(by_component("mean"))
  free <- sum(by_component("cov"))
  prop + d * mean + if (free) covariance_df(spec$family$cov, d, if (any(spec$held$cov)) free else spec$k) else 0
}

# `equal = "cov"` is another structure.
mvnormal_restrict <- function(cov, equal) {
  if (!"cov" %in% equal) return(mvnormal_family(list(cov = cov)))
  common <- c(VVV = "EEE", VVI = "EEI", VII = "EII", EEE = "EEE", EEI = "EEI", EII = "EII")[cov]
  if (is.na(common)) {
    emix_stop("input", "`equal` has \"cov\", which does not go with the structure ", cov,
      ": equal covariances are the structures EEE, EEI and EII.", argument = "equal")
  }
  mvnormal_family(list(cov = common[[1L]]))
}

# The M-step's divisions: of a mean the sum of a column's values by the sum of shares, for each column. A mean in common
# weighs components by their covariances: no division of numbers.
mvnormal_ratios <- function(totals, mass, new, shared, prior, affine) {
  if (shared[["mean"]]) return(list())
  d <- nrow(new$mean)
  before <- function(c) {
    if (is.null(prior)) c(0, 0) else prior[1L] * c((prior[2L + c] + affine$shift[c]) / affine$factor[c], 1)
  }
  ratios <- lapply(seq_len(d), function(c) {
    list(over = list(totals[[c]]), under = list(mass), before = before(c), root = FALSE, block = "mean", column = c)
  })
  stats::setNames(ratios, paste("mean", rownames(new$mean), sep = "."))
}

# "dmvnorm(c(3.6, 79), mean.1, cov.1)" would hide what no row of a page can hold.
mvnormal_density_text <- function(x, par, show) {
  sprintf("dmvnorm((%s), (%s), cov)", paste(show(x), collapse = ", "), paste(show(par$mean), collapse = ", "))
}

# Blocks of theta from the user's units to the core's and back: values of a component recur in the order of the columns.
mvnormal_rescale <- function(parameters, factor, shift) {
  parameters$mean <- parameters$mean * factor - shift
  parameters$cov <- parameters$cov * as.vector(outer(factor, factor))
  parameters
}

mvnormal_family <- function(options = NULL) {
  # Of several structures, among which is yet to be chosen, any knows how rows are read.
  cov <- if (is.null(options$cov)) "VVV" else check_structures(options$cov)[1L]
  list(
    name = "mvnormal",
    title = "multivariate normal",
    cov = cov,
    blocks = c("mean", "cov"),
    sizes = function(columns) c(mean = columns, cov = columns^2L),
    shared = if (cov %in% c("EII", "EEI", "EEE")) "cov",
    restrict = function(equal) mvnormal_restrict(cov, equal),
    required = "mean",
    columns = 2:256,
    incomplete = 64L,
    fill = function(x, par) expected_values(x, par$mean, par$cov),
    spreads = FALSE,
    smooth = FALSE,
    discrete = FALSE,
    rows = mvnormal_rows,
    check_rows = mvnormal_check_rows,
    read_block = function(...) mvnormal_read(..., cov = cov),
    options = function(rows) as.double(c(match(cov, covariance_structures) - 1L, anyNA(rows$x))),
    affine = function(about) mvnormal_affine(about, cov),
    to_core = function(parameters, affine) mvnormal_rescale(parameters, affine$factor, affine$shift),
    from_core = function(core, affine) mvnormal_rescale(core, 1 / affine$factor, -affine$shift / affine$factor),
    row_offset = function(x, affine) {
      if (anyNA(x)) as.vector((!is.na(x)) %*% log(affine$factor)) else sum(log(affine$factor))
    },
    legal = mvnormal_legal,
    df = mvnormal_df,
    conform = mvnormal_conform,
    bring = mvnormal_bring,
    estimate = mvnormal_estimate,
    complete = mvnormal_complete,
    apart = mvnormal_apart,
    prior = mvnormal_prior,
    # Densities of covariances: their determinants have twice the factors of the scale, each for half of their rows.
    prior_offset = function(own, spec, affine) {
      rows <- own[2L] + length(spec$columns) + 2
      rows <- if (is.null(spec$family$shared)) spec$k * rows else rows - 1 + spec$k
      rows * sum(log(affine$factor))
    },
    not_prior = "prob",
    overlap = mvnormal_overlap,
    thin = pick_rows,
    spurious = mvnormal_spurious,
    merge = mvnormal_merge,
    split = mvnormal_split,
    split_ways = 2L,
    closeness = mvnormal_closeness,
    coincide = mvnormal_coincide,
    order = mvnormal_order,
    log_density = function(x, par, log = TRUE) mvnormal_log_density(x, par),
    below = mvnormal_below,
    draw = function(n, par, size) mvnormal_draw(n, par),
    centre = function(x, par) rep(par$mean, each = nrow(x)),
    columns_of = function(x, names) stats::setNames(lapply(seq_len(ncol(x)), function(c) unname(x[, c])), colnames(x)),
    expected = function(x, new, names) stats::setNames(lapply(seq_len(ncol(x)), function(c) unname(x[, c])), colnames(x)),
    ratios = mvnormal_ratios,
    ratios_note = "cov: sum of shares times squares and products about the new mean, over the sum of shares; then its structure",
    density_text = mvnormal_density_text
  )
}

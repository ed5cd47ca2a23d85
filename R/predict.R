#' What a mixture says of each row
#'
#' Posterior probabilities, classes, densities, distribution function and quantiles, for the rows
#' of the fit or for new ones.
#'
#' @param object a fit of [emix()].
#' @param newdata new rows in the form of the fit's response: a vector or matrix, or a data frame with
#'   the formula's variables. `NULL` (default): the rows of the fit, where known labels are respected. Of several columns
#'   those of the fit are found by name among any others; where none of their names is there, columns are taken in the fit's order, and some
#'   names without the others are an error.
#'   Missing values give `NA`; with `na.action = "likelihood"` in the fit, what the values that are there say: the posterior
#'   probabilities given them, and their density. A row without any value has the proportions as posterior probabilities.
#' @param type what to compute:
#'   `"posterior"` (default): a matrix, rows x components, of the probability that a row
#'   belongs to a component given its value;
#'   `"class"`: a factor, the component of the highest posterior probability (the first of equals);
#'   `"density"`: a vector, the mixture's density (binomial: probability) of each row;
#'   `"uncertainty"`: a vector, one minus the highest posterior probability;
#'   `"cdf"`: a vector, the probability of a value not above the row's; of several columns, of values none of which is above (see
#'   [pemix()]: the package mvtnorm is needed);
#'   `"quantile"`: the smallest value whose `"cdf"` is at least `p`: a vector, one value per `p`,
#'   or for the binomial family a matrix, rows (which give the numbers of trials) x `p`. Not for rows of several columns.
#' @param p probabilities for `type = "quantile"`, default quartiles.
#' @param ... not used; anything given is an error.
#' @return see `type`. Rows of the matrix, and elements of vectors, have the names of the rows, where these have names of their own. With
#'   `na.action = na.exclude` in the fit, rows left out are `NA`.
#' @section Errors:
#' `emix_error_input` for arguments that do not fit; `emix_error_object` for a damaged object; `emix_error_package` where the package
#' mvtnorm is needed and not there.
#' @seealso [demix()] for these functions in R's d/p/q/r form.
#' @examples
#' fit <- emix(height ~ 1, data = heights, k = 2, equal = "sd")
#' predict(fit, data.frame(height = c(160, 170, 180)))
#' table(predict(fit, type = "class"), heights$sex)
#' predict(fit, type = "quantile", p = c(0.05, 0.95))
#'
#' # Rows of several columns; how doubtful are their classes?
#' fit <- emix(faithful, k = 2)
#' predict(fit, data.frame(eruptions = c(2, 3, 4), waiting = c(50, 65, 80)))
#' faithful[predict(fit, type = "uncertainty") > 0.01, ]
#' @export
predict.emix <- function(object, newdata = NULL,
                         type = c("posterior", "class", "density", "uncertainty", "cdf", "quantile"),
                         p = c(0.25, 0.5, 0.75), ...) {
  check_no_dots(...)
  check_fit(object)
  type <- if (missing(type)) "posterior" else
    check_choice(type, "type", c("posterior", "class", "density", "uncertainty", "cdf", "quantile"))
  if (type == "quantile") return(predict_quantile(object, newdata, p))
  x <- if (is.null(newdata)) object$x else new_rows(object, newdata)
  label <- if (is.null(newdata)) object$labels
  value <- if (uses_missing(object)) predict_rows(object, x, label, type) else
    over_known(x, function(known, at) predict_rows(object, known, take_rows(label, at), type),
      empty = predict_rows(object, take_rows(object$x, 1L), NULL, type))
  if (is.null(newdata)) of_all_rows(object, value) else name_rows(value, proper_names(names_of_data(newdata)))
}

# Values of the fit's rows, with the rows' names and NA for those that na.exclude left out.
of_all_rows <- function(object, value) {
  gone <- object$na.action
  names <- object$row.names
  if (inherits(gone, "omit") && !is.null(names)) names <- names[-as.integer(gone)]
  name_rows(naresid(gone, value), names)
}

name_rows <- function(value, names) {
  if (is.null(names) || length(names) != NROW(value)) return(value)
  if (is.matrix(value)) rownames(value) <- names else names(value) <- names
  value
}

names_of_data <- function(x) if (is.data.frame(x)) own_names(x) else if (is.atomic(x) && length(dim(x)) <= 2L) names_of_rows(x)

predict_rows <- function(object, x, label, type) {
  switch(type,
    posterior = posterior_of(object, x, label),
    class = factor(object$components[max.col(posterior_of(object, x, label), "first")], object$components),
    density = exp(log_density_of(object, x)),
    uncertainty = doubt_of(posterior_of(object, x, label)),
    cdf = mixture_cdf(x, object$parameters, family_of(object$family))
  )
}

# One minus the highest of each row, with all digits.
doubt_of <- function(p) {
  p[cbind(seq_len(nrow(p)), max.col(p, "first"))] <- 0
  unname(rowSums(p))
}

# Applies f to the rows without missing values and puts NA in the others; `empty` is a
# value of the form that f gives, for where no row is without.
over_known <- function(x, f, empty = 0) {
  gone <- missing_rows(x)
  if (!length(gone)) return(f(x, TRUE))
  at <- seq_len(NROW(x))[-gone]
  value <- if (length(at)) f(take_rows(x, at), at) else empty
  where <- rep(NA_integer_, NROW(x))
  where[at] <- seq_along(at)
  take_rows(value, where)
}

# New rows in the form of the fit's.
new_rows <- function(object, newdata) {
  family <- family_of(object$family)
  columns <- names_of_columns(object$x)
  if (!is.null(columns)) {
    if (is.data.frame(newdata) && !is.null(object$terms) && !all(columns %in% names(newdata))) newdata <- response_of(object, newdata)
    return(columns_like(newdata, "newdata", columns))
  }
  if (is.data.frame(newdata) && !is.null(object$terms)) {
    newdata <- response_of(object, newdata)
  } else if (is.data.frame(newdata)) {
    newdata <- if (ncol(newdata) == 1L) newdata[[1L]] else as.matrix(newdata)
  }
  if (!is.numeric(newdata) || is.object(newdata)) stop_input("newdata", "numeric", describe(newdata))
  options <- object$family
  if (length(options$size) > 1L && !is.matrix(newdata) && length(newdata) != length(options$size)) {
    stop_input("newdata", "a matrix (successes, failures), as the fit has a number of trials per row",
      describe(newdata))
  }
  if (is.matrix(newdata) && ncol(newdata) == 2L) options$size <- NULL
  tryCatch(family$rows(newdata, options), emix_error_input = function(e) {
    emix_stop("input", "`newdata` cannot be used: ", conditionMessage(e), argument = "newdata")
  })
}

# The formula's response in new data.
response_of <- function(object, newdata) {
  frame <- tryCatch(model.frame(object$terms, newdata, na.action = stats::na.pass), error = function(e) {
    emix_stop("input", "`newdata` cannot be used: ", conditionMessage(e), argument = "newdata")
  })
  model.response(frame)
}

predict_quantile <- function(object, newdata, p) {
  p <- check_numeric(p, "p")
  if (!length(p) || anyNA(p) || any(p < 0 | p > 1)) stop_input("p", "probabilities between 0 and 1", describe(p))
  family <- family_of(object$family)
  if (is.null(family$quantile)) {
    stop_input("type", sprintf("another for the %s family: rows of several columns have no order", family$title), "\"quantile\"")
  }
  if (!is.matrix(object$x)) return(mixture_quantile(log(p), object$parameters, family))
  x <- if (is.null(newdata)) object$x else new_rows(object, newdata)
  value <- vapply(p, function(q) {
    mixture_quantile(cbind(rep(log(q), nrow(x)), x[, 2L]), object$parameters, family)
  }, double(nrow(x)))
  matrix(value, nrow = nrow(x), dimnames = list(NULL, format(p, trim = TRUE)))
}

#' Fitted values and residuals of a mixture
#'
#' `fitted()`: the mean of each row's components, weighted by its posterior probabilities (binomial:
#' expected successes; multivariate normal: a matrix, a mean for each column). `residuals()`: randomised quantile residuals (Dunn & Smyth
#' 1996), `qnorm(F(x))` with the mixture's distribution function F; where F jumps (binomial) a
#' uniform value within the jump, by R's generator. If the model holds they are standard normal. Rows of several columns have
#' no distribution function of that kind: for the multivariate normal family `F` is that of the squared distance
#' `(x - mean_j)' cov_j^-1 (x - mean_j)`, which is chi-squared with `d` degrees of freedom for a row of component `j`, weighted by the
#' row's posterior probabilities. These residuals are nearly standard normal where components lie apart; large ones are rows far
#' from every component.
#'
#' @param object a fit of [emix()].
#' @param type `"quantile"` (default), or `"response"`: observed minus fitted.
#' @param ... not used; anything given is an error.
#' @return a numeric vector, one value per row (of several columns fitted values and response residuals are a matrix); with `na.action = na.exclude` in the fit, `NA` in the
#'   rows left out; and the rows' names where they have some. Of rows with missing values (`na.action = "likelihood"`) the distance is of the values that are there, response
#'   residuals of the others are `NA`. Units: of the data, but for quantile residuals, which have none.
#' @references
#' Dunn, P. K. and Smyth, G. K. (1996). Randomized quantile residuals. *Journal of Computational
#' and Graphical Statistics* 5, 236-244.
#' @examples
#' fit <- emix(faithful$waiting, k = 2)
#' head(fitted(fit))
#' qqnorm(residuals(fit))
#'
#' fit <- emix(faithful, k = 2)
#' head(residuals(fit, "response"))
#' faithful[residuals(fit) > 2.5, ]    # far from both components
#' @export
fitted.emix <- function(object, ...) {
  check_no_dots(...)
  check_fit(object)
  of_all_rows(object, fitted_rows(object))
}

fitted_rows <- function(object) {
  family <- family_of(object$family)
  posterior <- own_posterior(object)
  columns <- names_of_columns(object$x)
  value <- if (is.null(columns)) numeric(object$n) else matrix(0, object$n, length(columns), dimnames = list(NULL, columns))
  for (j in seq_len(object$k)) {
    value <- value + unname(posterior[, j]) * family$centre(object$x, one_component(object$parameters, j))
  }
  value
}

#' @rdname fitted.emix
#' @export
residuals.emix <- function(object, type = c("quantile", "response"), ...) {
  check_no_dots(...)
  check_fit(object)
  type <- if (missing(type)) "quantile" else check_choice(type, "type", c("quantile", "response"))
  value <- if (type == "response") {
    (if (object$family$name == "binomial") object$x[, 1L] else object$x) - fitted_rows(object)
  } else {
    quantile_residuals(object)
  }
  of_all_rows(object, value)
}

# From the nearer tail, on the log scale: rows 60 sd out have finite residuals too.
quantile_residuals <- function(object) {
  family <- family_of(object$family)
  if (is.null(family$cdf)) return(chi_squared_residuals(object))
  tail_of <- function(x, lower) mixture_cdf(x, object$parameters, family, lower, TRUE)
  x <- object$x
  low <- tail_of(x, TRUE)
  high <- tail_of(x, FALSE)
  if (family$discrete) {
    u <- runif(NROW(x))
    less <- if (is.matrix(x)) cbind(x[, 1L] - 1, x[, 2L]) else x - 1
    below <- tail_of(less, TRUE)
    at <- tail_of(less, FALSE)
    low <- log_blend(below, low, u)
    high <- log_blend(high, at, 1 - u)
  }
  ifelse(low < high, qnorm(low, log.p = TRUE), qnorm(high, lower.tail = FALSE, log.p = TRUE))
}

# Of rows of several columns: for a row of component j the squared distance from its mean is chi-squared with d degrees of freedom.
# Their distribution functions, weighted by the row's posterior probabilities, on the log scale from the nearer tail.
chi_squared_residuals <- function(object) {
  posterior <- own_posterior(object)
  d <- ncol(object$x) - rowSums(is.na(object$x))
  squares <- lapply(seq_len(object$k), function(j) squared_distances(object$x, one_component(object$parameters, j)))
  tail_of <- function(lower) {
    terms <- lapply(seq_along(squares), function(j) log(posterior[, j]) + stats::pchisq(squares[[j]], d, lower.tail = lower, log.p = TRUE))
    pmin(unname(log_mix(terms, rep(1, object$k))), 0)
  }
  low <- tail_of(TRUE)
  high <- tail_of(FALSE)
  value <- ifelse(low < high, qnorm(low, log.p = TRUE), qnorm(high, lower.tail = FALSE, log.p = TRUE))
  replace(value, d == 0, NA)
}

# log((1 - u) exp(a) + u exp(b)), a <= b.
log_blend <- function(a, b, u) b + log(u + (1 - u) * exp(pmin(a - b, 0)))

#' Fit a mixture again with changes
#'
#' Fits the model of `object` again with some arguments changed. The data, weights and labels of
#' the fit are kept in it and used unless new ones are given, so that a fit read
#' from a file can be updated in a session without its data.
#'
#' @param object a fit of [emix()].
#' @param ... arguments of [emix()] to change, by name, e.g. `k = 3` or `equal = "sd"`; `x` or
#'   `data` for new data (weights and labels of the fit are then dropped: give them anew, as vectors). A `start`, `fixed` or `labels` of the fit is kept; `NULL` removes it. A change of `k`
#'   drops a `start` and a `fixed` that are not given anew. Where `k` was chosen among several, it is chosen among
#'   them again, unless `k` is given; a covariance structure that was chosen stays, unless `family` is given.
#' @param evaluate if `FALSE`, the changed arguments are returned as a list.
#' @return a fit of class `"emix"`; its `call` is the old one with the changes.
#' @examples
#' fit <- emix(faithful$waiting, k = 2)
#' update(fit, equal = "sd")
#' @export
update.emix <- function(object, ..., evaluate = TRUE) {
  check_fit(object)
  new <- list(...)
  if (length(new) && (is.null(names(new)) || !all(nzchar(names(new))))) {
    stop_input("...", "arguments of emix() by name", "arguments without names")
  }
  args <- update_arguments(object, new)
  if (!check_flag(evaluate, "evaluate")) return(args)
  fit <- do.call(emix, args)
  call <- object$call
  given <- as.list(substitute(list(...)))[-1L]
  for (name in names(given)) {
    if (!is.null(given[[name]])) call[[name]] <- given[[name]] else if (name %in% names(call)) call[[name]] <- NULL
  }
  # A structure that was chosen among several stays.
  if (is.call(call) && !is.null(object$selection$cov) && !"family" %in% names(new)) call$family <- call_structure(object$family$cov)
  fit$call <- if (is.call(call)) plain_call(call)
  if (is.null(new$x) && is.null(new$data)) {
    fit$terms <- object$terms
    fit$na.action <- object$na.action
    fit["row.names"] <- object["row.names"]
  }
  fit
}

call_structure <- function(cov) call("mix_mvnormal", cov)

# The arguments of the old fit, its data among them, with the new ones over them.
update_arguments <- function(object, new) {
  args <- object$arguments
  if ("k" %in% names(new) && !identical(as.integer(new$k), args$k)) args[c("start", "fixed")] <- NULL
  fresh <- any(c("x", "data") %in% names(new))
  if (!fresh) {
    args <- c(own_data(object), args)
    args$family$size <- NULL
  } else if (is.null(new$x)) {
    if (is.null(object$terms)) stop_input("data", "left out: the fit was not made by a formula; give `x`")
    args <- c(list(x = formula(object$terms)), args)
  }
  for (name in names(new)) args[name] <- list(new[[name]])
  args
}

# The rows of the fit in a form that emix() reads, whatever way they once came.
own_data <- function(object) {
  x <- object$x
  if (object$family$name == "binomial") x <- cbind(x[, 1L], x[, 2L] - x[, 1L])
  labels <- object$labels
  if (!is.null(labels)) {
    # Only the levels that occur: with fewer components there may be no others.
    used <- object$components[seq_len(max(labels))]
    labels <- factor(used[ifelse(labels > 0L, labels, NA)], used)
  }
  list(x = x, weights = object$weights, labels = labels)
}

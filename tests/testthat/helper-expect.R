# Equal to `within`, absolutely where numbers are below 1 and relatively above; shape and names
# aside.
expect_near <- function(object, expected, within = 1e-10) {
  act <- list(val = object, lab = deparse1(substitute(object)))
  a <- as.double(unlist(act$val, use.names = FALSE))
  e <- as.double(unlist(expected, use.names = FALSE))
  if (length(a) != length(e)) {
    fail(sprintf("%s has %d numbers, not %d.", act$lab, length(a), length(e)))
    return(invisible(act$val))
  }
  same <- (is.na(a) & is.na(e)) | (!is.na(a) & !is.na(e) & a == e)
  off <- ifelse(same, 0, abs(a - e) / pmax(1, abs(e)))
  off[is.na(off)] <- Inf
  worst <- which.max(off)
  expect(all(off <= within), sprintf("%s: number %d is %.17g, not %.17g (off by %.3g > %.3g).",
    act$lab, worst, a[worst], e[worst], off[worst], within))
  invisible(act$val)
}

# An error about an argument: its class, the condition's `argument`, and a message that explains
# and names it (or what of it is wrong: `named`).
expect_input_error <- function(code, argument, message = NULL, named = argument) {
  error <- expect_error(code, class = "emix_error_input")
  if (!inherits(error, "emix_error_input")) return(invisible(error))
  expect_s3_class(error, "emix_error")
  found <- if (is.null(error$argument)) "nothing" else error$argument
  expect(found == argument || startsWith(found, paste0(argument, "$")),
    sprintf("The condition names `%s`, not `%s`.", found, argument))
  text <- conditionMessage(error)
  said <- grepl(named, text, fixed = TRUE) && nchar(text) > nchar(named) + 15L
  expect(said, sprintf("The message \"%s\" does not explain `%s`.", text, named))
  if (!is.null(message)) expect_match(text, message)
  invisible(error)
}

expect_object_error <- function(code) {
  expect_error(code, class = "emix_error_object")
}

# Values along a run that never fall, but for rounding.
expect_ascent <- function(values) {
  fall <- max(0, -diff(values))
  allowed <- 64 * .Machine$double.eps * max(1, abs(values))
  expect(fall <= allowed, sprintf("The objective falls by %.3g.", fall))
  expect_true(all(is.finite(values)))
}

# A fit in which every number is one, that can be printed and asked.
expect_sound <- function(fit) {
  expect_s3_class(fit, "emix")
  numbers <- c(unlist(fit$parameters), fit$loglik, fit$objective, fit$df, fit$nobs,
    fit$convergence$gain)
  expect(!anyNA(numbers), paste("A number of the fit is none:", paste(numbers, collapse = " ")))
  expect_true(all(is.finite(numbers[seq_len(length(numbers) - 1)])))
  expect_near(sum(fit$parameters$prop), 1, 1e-12)
  expect_gte(min(fit$parameters$prop), 0)
  expect_lte(max(fit$parameters$prop), 1 + 1e-14)
  if (!is.null(fit$parameters$sd)) expect_gt(min(fit$parameters$sd), 0)
  if (!is.null(fit$parameters$prob)) {
    expect_true(all(fit$parameters$prob >= 0 & fit$parameters$prob <= 1))
  }
  asked <- tryCatch({
    utils::capture.output(print(fit), print(summary(fit)))
    c(predict(fit), predict(fit, type = "density"), coef(fit), BIC(fit))
  }, error = identity)
  if (inherits(asked, "error")) return(fail(paste("Of the fit:", conditionMessage(asked))))
  expect(!anyNA(asked), "A posterior probability or a density is NaN.")
}

# `iterations` steps and no more, of EM alone unless told otherwise: the warning that there could
# be more is expected, and what stands there is no maximum yet.
emix_steps <- function(x, iterations, ..., control = list()) {
  settings <- list(max_iter = iterations, tol = 1e-15, accelerate = FALSE)
  control <- do.call(em_control, utils::modifyList(settings, control))
  withCallingHandlers(
    emix(x, ..., control = control),
    emix_warning_iterations = function(w) invokeRestart("muffleWarning"),
    emix_warning_spurious = function(w) invokeRestart("muffleWarning")
  )
}

# All of the fit that is an answer; calls, data and settings aside.
answer <- function(fit) {
  fit[c("parameters", "loglik", "df", "nobs", "converged", "iterations")]
}

rows_of <- function(x, i) if (is.matrix(x)) x[i, , drop = FALSE] else x[i]

permute <- function(parameters, order) {
  lapply(parameters, function(v) {
    v <- unname(v)
    switch(length(dim(v)) + 1L, v[order], NULL, v[, order, drop = FALSE], v[, , order, drop = FALSE])
  })
}

# Parameters as coef() lists them: of symmetric matrices the lower triangle.
listed <- function(parameters) {
  unlist(lapply(parameters, function(v) {
    if (length(dim(v)) < 3L) return(as.vector(v))
    apply(v, 3L, function(s) s[lower.tri(s, TRUE)])
  }), use.names = FALSE)
}

# The same value for every component: the mean of all of them.
common_value <- function(v) {
  if (is.null(dim(v))) return(rep(mean(v), length(v)))
  size <- length(v) / dim(v)[length(dim(v))]
  array(rowMeans(matrix(v, size)), dim(v))
}

# Runs code, given as text, in a fresh R session that has the same libraries; its output.
in_fresh_session <- function(code) {
  script <- tempfile(fileext = ".R")
  on.exit(unlink(script))
  paths <- unique(c(dirname(system.file(package = "emix")), .libPaths()))
  writeLines(c(paste0(".libPaths(", paste(deparse(paths), collapse = ""), ")"), code), script)
  rscript <- file.path(R.home("bin"), "Rscript")
  out <- suppressWarnings(system2(rscript, c("--vanilla", shQuote(script)), stdout = TRUE,
    stderr = TRUE))
  expect_null(attr(out, "status"), label = paste(c("status of the session, which said", out),
    collapse = "\n"))
  out
}

heights_class <- subset(heights, classroom)$height
coin_tosses <- as.matrix(coins[c("heads", "tails")])

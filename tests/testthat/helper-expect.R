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

# `iterations` EM steps and no more: the warning that there could be more is expected.
emix_steps <- function(x, iterations, ..., control = list()) {
  control <- do.call(em_control, c(list(max_iter = iterations, tol = 1e-15), control))
  withCallingHandlers(
    emix(x, ..., control = control),
    emix_warning_iterations = function(w) invokeRestart("muffleWarning")
  )
}

# All of the fit that is an answer; calls, data and settings aside.
answer <- function(fit) {
  fit[c("parameters", "loglik", "df", "nobs", "converged", "iterations")]
}

rows_of <- function(x, i) if (is.matrix(x)) x[i, , drop = FALSE] else x[i]

permute <- function(parameters, order) lapply(parameters, function(v) unname(v)[order])

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

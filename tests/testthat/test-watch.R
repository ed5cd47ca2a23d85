# The line that says what is being done.

# What an expression writes to the standard error, line by line.
written_by <- function(expr) {
  file <- tempfile()
  on.exit(unlink(file))
  connection <- file(file, "w")
  sink(connection, type = "message")
  tryCatch(force(expr), finally = {
    sink(type = "message")
    close(connection)
  })
  trimws(strsplit(readChar(file, file.size(file)), "\r", fixed = TRUE)[[1L]])
}

test_that("a line tells what is done and is cleared at the end, also by an error", {
  said <- written_by(watched(TRUE, {
    say_of("k = 2")
    say_doing("starts")
    say_of("")
    say_doing("moves")
  }, after = 0))
  expect_identical(said[nzchar(said)], c("emix: k = 2", "emix: k = 2: starts", "emix: moves"))
  expect_identical(said[length(said)], "")
  failed <- written_by(expect_error(watched(TRUE, {
    say_doing("a")
    stop("b")
  }, after = 0), "b"))
  expect_identical(failed[nzchar(failed)], "emix: a")
  expect_null(watching$line)
})

test_that("one line for all that a call does, none where it is not wanted or soon over", {
  twice <- written_by(watched(TRUE, {
    watched(TRUE, say_doing("inner"), after = 0)
    watched(FALSE, {
      say_doing("silent")
      watched(TRUE, say_doing("of its own"), after = 0)
    })
    say_doing("outer")
  }, after = 0))
  expect_identical(twice[nzchar(twice)], c("emix: inner", "emix: of its own", "emix: outer"))
  expect_length(written_by(watched(FALSE, say_doing("nothing"), after = 0)), 0)
  expect_length(written_by(watched(TRUE, say_doing("nothing"))), 0)
  expect_length(written_by(say_doing("nothing")), 0)
})

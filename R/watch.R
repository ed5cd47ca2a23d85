# The line on the terminal that says what is being done, written over, as the core's own. A call of the user's has one line
# however many fits it makes, from the second second on.

watching <- new.env(parent = emptyenv())

# The value of `expr`, under a line if `shown`: that of the call around it where there is one. Not shown: nothing within says a word.
watched <- function(shown, expr, after = 2) {
  outer <- watching$line
  line <- if (shown && is.null(outer)) new_line(after) else if (shown) outer
  watching$line <- line
  on.exit({
    if (is.null(outer) && !is.null(line)) line$clear()
    watching$line <- outer
  })
  expr
}

# What is being done now; `of`: what all that is to come is a part of.
say_doing <- function(...) if (!is.null(watching$line)) watching$line$say(paste0(...))

say_of <- function(...) if (!is.null(watching$line)) watching$line$of(paste0(...))

line_width <- 76L

new_line <- function(after) {
  begun <- wall_clock()
  said <- -Inf
  of <- ""
  own <- Sys.getpid()
  # A forked child shares the terminal, not the line.
  write <- function(text) if (Sys.getpid() == own) cat(sprintf("\r%-*s", line_width, strtrim(text, line_width)), file = stderr())
  say <- function(text) {
    now <- wall_clock()
    silent <- now - begun < after || now - said < min(0.5, after)
    if (silent || !nzchar(paste0(of, text))) return(invisible())
    said <<- now
    write(paste0("emix: ", of, if (nzchar(of) && nzchar(text)) ": ", text))
  }
  list(
    of = function(text) {
      of <<- text
      say("")
    },
    say = say,
    clear = function() if (is.finite(said)) {
      write("")
      if (Sys.getpid() == own) cat("\r", file = stderr())
    }
  )
}

wall_clock <- function() proc.time()[["elapsed"]]

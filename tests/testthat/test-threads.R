# The number of threads changes the time and nothing else: not a bit.

# The whole fit apart from how it was asked for.
all_but_call <- function(fit) {
  fit$arguments$control <- NULL
  fit[names(fit) != "call"]
}

expect_same_bits <- function(fit, threads = c(2, 3, 8)) {
  one <- all_but_call(fit(1))
  for (t in threads) expect_identical(all_but_call(fit(t)), one, label = paste(t, "threads"))
  expect_identical(all_but_call(fit("auto")), one, label = "auto")
}

quietly <- function(code) suppressWarnings(code, classes = "emix_warning")

seeded <- function(..., control = list()) {
  force(list(...)) # what is drawn is drawn once
  function(threads) {
    set.seed(1)
    quietly(emix(..., control = do.call(em_control, utils::modifyList(list(threads = threads, progress = FALSE), control))))
  }
}

test_that("few rows and many starts, which threads take whole", {
  expect_same_bits(seeded(faithful$waiting, k = 3))
  expect_same_bits(seeded(heights$height, k = 4, control = list(starts = 130)))
  expect_same_bits(seeded(heights$height, k = 2, control = list(starts = 3, accelerate = FALSE)))
  expect_same_bits(seeded(faithful$eruptions, k = 2, control = list(estep = "hard")))
  expect_same_bits(seeded(faithful$eruptions, k = 3, prior = "default", equal = "sd"))
  expect_same_bits(seeded(faithful$eruptions, k = 1:4))
})

test_that("starts that collapse, each in its own thread", {
  set.seed(2)
  x <- c(round(rnorm(60), 1), rep(5, 20))
  fit <- seeded(x, k = 3, prior = em_prior())
  expect_same_bits(fit)
  outcomes <- function(threads) {
    tryCatch(seeded(c(rep(0, 50), rep(1, 50)), k = 2)(threads), emix_error_degenerate = conditionMessage)
  }
  expect_type(outcomes(1), "character")
  for (t in c(2, 8)) expect_identical(outcomes(t), outcomes(1))
})

test_that("many rows, with nodes and without, weighted or not", {
  set.seed(3)
  x <- c(rnorm(3e4), rnorm(3e4, 3, 2))
  w <- runif(6e4)
  for (condense in c("auto", "none")) {
    settings <- list(condense = condense)
    expect_same_bits(seeded(x, k = 2, control = settings))
    expect_same_bits(seeded(x, k = 3, weights = w, control = settings))
    expect_same_bits(seeded(round(x, 1), k = 2, control = settings))
    expect_same_bits(seeded(x, k = 2, start = list(mean = c(0, 3)), control = settings))
  }
  labels <- rep(NA, 6e4)
  labels[c(1:50, 3e4 + 1:50)] <- rep(1:2, each = 50)
  expect_same_bits(seeded(x, k = 2, labels = labels))
})

test_that("a sample of half a million", {
  set.seed(4)
  x <- c(rnorm(3e5), rnorm(2e5, 3, 2))
  expect_same_bits(seeded(x, k = 2), threads = c(2, 3))
  expect_same_bits(seeded(x, k = 2, start = list(mean = c(0, 3)), control = list(condense = "none")), threads = c(2, 3))
})

test_that("binomial rows, few and many", {
  expect_same_bits(seeded(as.matrix(coins[c("heads", "tails")]), k = 2, family = "binomial"))
  set.seed(5)
  size <- sample(20:400, 3e4, TRUE)
  heads <- rbinom(3e4, size, sample(c(0.2, 0.5, 0.7), 3e4, TRUE))
  tosses <- cbind(heads, size - heads)
  for (condense in c("auto", "none")) {
    expect_same_bits(seeded(tosses, k = 3, family = "binomial", control = list(condense = condense, starts = 8)))
  }
  w <- runif(2000)
  expect_same_bits(seeded(tosses[1:2000, ], k = 2, family = "binomial", weights = w))
})

test_that("the state of R's generator afterwards does not hang on threads", {
  after <- function(threads) {
    set.seed(6)
    emix(faithful$waiting, k = 3, control = em_control(threads = threads))
    runif(1)
  }
  for (t in list(2, 3, 8, "auto")) expect_identical(after(t), after(1))
})

test_that("a forked child fits like its parent, and has one thread", {
  skip_on_os("windows") # has no fork
  set.seed(7)
  x <- c(rnorm(3e4), rnorm(3e4, 3, 2))
  for (condense in c("auto", "none")) {
    fit <- function() all_but_call(seeded(x, k = 2, control = list(condense = condense, starts = 5))(2))
    here <- fit()
    child <- parallel::mcparallel(list(fit(), emix:::usable_threads(em_control(threads = 8), 1e9)))
    there <- parallel::mccollect(child)[[1]]
    expect_identical(there, list(here, 1L))
  }
  # And the parent goes on with threads.
  expect_identical(fit(), here)
})

test_that("threads that may be used: never more than there are, one where there is little to do", {
  most <- .Call(emix:::C_emix_threads)
  expect_equal(emix:::usable_threads(em_control(threads = 1), 1e9), 1)
  expect_equal(emix:::usable_threads(em_control(threads = 1024), 1e9), most)
  expect_equal(emix:::usable_threads(em_control(threads = 2), 1), min(2, most))
  expect_equal(emix:::usable_threads(em_control(threads = "auto"), 10), 1)
  expect_equal(emix:::usable_threads(em_control(threads = "auto"), 1e9), min(2, most))
  old <- options(emix.threads = 1)
  on.exit(options(old))
  expect_equal(emix:::usable_threads(em_control(), 1e9), 1)
})

test_that("OMP_NUM_THREADS and OMP_THREAD_LIMIT are kept to", {
  for (name in c("OMP_NUM_THREADS", "OMP_THREAD_LIMIT")) {
    before <- Sys.getenv(name, NA)
    do.call(Sys.setenv, stats::setNames(list("1"), name))
    out <- in_fresh_session("cat('threads', .Call(emix:::C_emix_threads))")
    if (is.na(before)) Sys.unsetenv(name) else do.call(Sys.setenv, stats::setNames(list(before), name))
    expect_match(paste(out, collapse = " "), "threads 1")
  }
})

# Seconds until the limit is noticed.
time_limited <- function(code, limit = 0.3) {
  begun <- proc.time()[["elapsed"]]
  on.exit(setTimeLimit(elapsed = Inf))
  setTimeLimit(elapsed = limit, transient = TRUE)
  stopped <- tryCatch({
    force(code)
    FALSE
  }, error = function(e) grepl("elapsed time limit", conditionMessage(e)))
  setTimeLimit(elapsed = Inf)
  list(stopped = stopped, seconds = proc.time()[["elapsed"]] - begun)
}

test_that("a time limit stops a race in threads, soon, and the next fit is none the worse", {
  skip_on_cran()
  set.seed(8)
  x <- rnorm(3000)
  for (threads in c(1, 2, 8)) {
    long <- em_control(threads = threads, starts = 5000, accelerate = FALSE, tol = 1e-14, progress = FALSE)
    asked <- time_limited(quietly(emix(x, k = 5, control = long)))
    expect_true(asked$stopped)
    expect_lt(asked$seconds, 5)
    expect_identical(all_but_call(seeded(faithful$waiting, k = 2)(threads)), all_but_call(seeded(faithful$waiting, k = 2)(1)))
  }
})

test_that("a time limit stops threads that share rows", {
  skip_on_cran()
  set.seed(9)
  x <- rnorm(3e5)
  long <- em_control(threads = 2, accelerate = FALSE, tol = 1e-15, max_iter = 1e6, condense = "none", progress = FALSE)
  asked <- time_limited(quietly(emix(x, k = 4, start = list(mean = c(-1, 0, 0.5, 1)), control = long)))
  expect_true(asked$stopped)
  expect_lt(asked$seconds, 3)
})

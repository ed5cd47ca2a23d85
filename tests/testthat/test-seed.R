# The seed decides, and R's generator is left as R's functions leave it.

x <- faithful$eruptions
state <- function() get(".Random.seed", envir = globalenv())
after <- function(seed, code) {
  set.seed(seed)
  force(code)
  state()
}

test_that("the same seed gives the same fit, all of it", {
  fits <- list(
    function() emix(x, k = 3),
    function() emix(x, k = 3, equal = "sd", prior = "default"),
    function() emix(x, k = 1:3),
    function() emix(cbind(c(0:9, 5), c(9:0, 5)), k = 2, family = "binomial"),
    function() emix(round(rep(x, 20) + seq_len(5440) / 1e5, 5), k = 3)
  )
  for (fit in fits) {
    run <- function(seed) {
      set.seed(seed)
      suppressWarnings(fit(), classes = "emix_warning_spurious")
    }
    one <- run(80)
    expect_identical(run(80), one)
    expect_near(run(81)$loglik, one$loglik, 1e-6)
  }
})

test_that("the state moves on from what set.seed() set, and restoring it repeats the fit", {
  set.seed(82)
  before <- state()
  one <- emix(x, k = 3)
  expect_false(identical(state(), before))
  moved <- state()
  assign(".Random.seed", before, envir = globalenv())
  expect_identical(emix(x, k = 3), one)
  expect_identical(state(), moved)
  # The next number follows on.
  follows <- runif(1)
  assign(".Random.seed", moved, envir = globalenv())
  expect_identical(runif(1), follows)
})

test_that("the state afterwards does not hang on threads, tolerance or acceleration", {
  one <- after(83, emix(x, k = 2))
  expect_identical(after(83, emix(x, k = 2, control = em_control(threads = 2))), one)
  expect_identical(after(83, emix(x, k = 2, control = em_control(trace = FALSE, tol = 1e-4))), one)
  expect_identical(after(83, emix(x, k = 2, control = em_control(accelerate = FALSE))), one)
})

test_that("no number is drawn where a start is given, for one component, or for few starts", {
  set.seed(84)
  before <- state()
  emix(x, k = 2, start = list(mean = c(2, 4)))
  emix(x, k = 2, start = ifelse(x < 3, 1, 2))
  emix(x, k = 2, start = cbind(x < 3, x >= 3) + 0)
  emix(x, k = 2, start = list(mean = c(2, 4)), control = em_control(estep = "hard"))
  emix(x, k = 1)
  emix(x, k = 2, control = em_control(starts = 1))
  fit <- emix(coin_tosses, k = 2, family = "binomial", start = list(prob = c(0.6, 0.5)))
  em_gradient(fit)
  predict(fit)
  summary(fit)
  expect_identical(state(), before)
})

test_that("a fit works before the generator was ever used, and leaves it set", {
  if (exists(".Random.seed", globalenv())) rm(".Random.seed", envir = globalenv())
  fit <- emix(x, k = 2)
  expect_true(exists(".Random.seed", globalenv()))
  expect_near(fit$loglik, -276.360040495734, 1e-9)
  rm(".Random.seed", envir = globalenv())
  emix(x, k = 2, start = list(mean = c(2, 4)))
  set.seed(1)
})

test_that("other generators serve as well", {
  old <- RNGkind()
  on.exit(RNGkind(old[1], old[2], old[3]))
  for (kind in c("Wichmann-Hill", "L'Ecuyer-CMRG")) {
    RNGkind(kind)
    set.seed(85)
    one <- emix(x, k = 3)
    set.seed(85)
    expect_identical(emix(x, k = 3), one)
  }
})

test_that("an error in a fit leaves the generator where R's functions would", {
  set.seed(86)
  before <- state()
  try(emix(c(x, NA), k = 2), silent = TRUE)
  expect_identical(state(), before)
  try(emix(x, k = 0), silent = TRUE)
  expect_identical(state(), before)
})

test_that("starts: as many as asked for; the first are the same for every seed", {
  tables <- lapply(1:3, function(seed) {
    set.seed(seed)
    emix(x, k = 2, control = em_control(starts = 30))$starts
  })
  for (table in tables) {
    expect_equal(nrow(table), 30)
    expect_equal(table$start, 1:30)
    expect_identical(names(table)[1:4], c("start", "kind", "outcome", "loglik"))
    expect_identical(sum(table$kind == "random"), sum(tables[[1]]$kind == "random"))
    sure <- table$kind != "random"
    expect_gt(sum(sure), 1)
    expect_identical(table[sure, ], tables[[1]][sure, ])
  }
  expect_identical(emix(x, k = 2, start = list(mean = c(2, 4)))$starts$kind, "given")
})

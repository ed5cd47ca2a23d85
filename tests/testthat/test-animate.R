# em_animate(), and the demos.

coin_fit <- function() {
  emix(cbind(heads, tails) ~ 1, data = coins, k = 2, family = "binomial", equal = "prop", start = list(prob = c(A = 0.6, B = 0.5)),
    control = em_control(accelerate = FALSE, trace = TRUE))
}

test_that("numbered pictures, one per iterate", {
  skip_if_not(capabilities("png"))
  dir <- tempfile("frames")
  dir.create(dir)
  on.exit(unlink(dir, recursive = TRUE))
  files <- em_animate(coin_fit(), file.path(dir, "c.png"), iterations = 2, width = 300, height = 300, res = 60)
  expect_identical(basename(files), sprintf("c-%03d.png", 1:3))
  expect_identical(sort(list.files(dir)), basename(files))
  expect_true(all(file.size(files) > 1000))
  fit <- emix(heights_class, k = 2, equal = "sd", start = list(mean = c(160, 180)), control = em_control(trace = TRUE))
  files <- em_animate(fit, file.path(dir, "h%02d.png"), iterations = 1, width = 300, height = 300, res = 60, xlab = "cm")
  expect_identical(basename(files), c("h01.png", "h02.png"))
  expect_true(all(file.exists(files)))
})

test_that("a GIF, where magick is there", {
  skip_if_not(capabilities("png"))
  skip_if_not_installed("magick")
  file <- tempfile(fileext = ".gif")
  on.exit(unlink(file))
  expect_identical(em_animate(coin_fit(), file, iterations = 2, width = 200, height = 200, res = 50), file)
  expect_identical(rawToChar(readBin(file, "raw", 3)), "GIF")
})

test_that("what cannot be is told", {
  fit <- coin_fit()
  expect_input_error(em_animate(fit), "file")
  expect_input_error(em_animate(fit, "a.mp4"), "file")
  expect_input_error(em_animate(fit, file.path(tempdir(), "no", "such", "a.png")), "file")
  expect_input_error(em_animate(fit, "a.png", fps = 0), "fps")
  expect_object_error(em_animate(1, "a.png"))
})

test_that("the demos run", {
  grDevices::pdf(NULL)
  on.exit(grDevices::dev.off())
  for (topic in c("coins", "heights")) {
    out <- utils::capture.output(utils::demo(topic, package = "emix", character.only = TRUE, ask = FALSE, echo = FALSE))
    expect_true(is.character(out))
  }
})

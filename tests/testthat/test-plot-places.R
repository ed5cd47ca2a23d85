# Where labels, marks and numbers stand in pictures: clear of each other.

on_page <- function(code) {
  grDevices::pdf(NULL, width = 7, height = 5)
  on.exit(grDevices::dev.off())
  graphics::plot.default(NA, xlim = c(0, 1), ylim = c(0, 1))
  code()
}

test_that("marks stand clear of each other, at the first and the last of the points", {
  kept <- on_page(function() {
    x <- seq(0, 1, length.out = 1000)
    y <- x^0.1
    kept <- apart_marks(x, y, 0.1)
    at <- in_inches(x, y)[kept, ]
    gaps <- sqrt(rowSums(diff(at)^2))
    expect_true(all(gaps[-length(gaps)] >= 0.1))
    # All along the curve, its steep part too.
    expect_lt(max(gaps[-1]), 0.2)
    kept
  })
  expect_identical(c(kept[1], kept[length(kept)]), c(1L, 1000L))
  expect_identical(on_page(function() apart_marks(0:10 / 10, rep(0.5, 11))), 1:11)
  expect_identical(on_page(function() apart_marks(rep(0.5, 4), rep(0.5, 4))), c(1L, 4L))
  expect_identical(on_page(function() apart_marks(0.5, 0.5)), 1L)
})

test_that("labels of contours are clear of other contours, labels, path and edges", {
  on_page(function() {
    s <- seq(0, 1, length.out = 41)
    z <- -outer(s, s, function(a, b) (a - 0.6)^2 + 3 * (b - 0.4)^2) * 50
    path <- cbind(c(0.1, 0.6), c(0.9, 0.4))
    along <- in_inches(fill_in(path)[, 1], fill_in(path)[, 2])
    labels <- place_labels(find_rings(s, s, depth_levels(z)), along)
    expect_gt(length(labels), 4)
    b <- t(vapply(labels, function(l) c(l$place, l$half), double(4)))
    for (i in seq_len(nrow(b))[-1]) for (j in seq_len(i - 1)) {
      expect_true(any(abs(b[i, 1:2] - b[j, 1:2]) >= b[i, 3:4] + b[j, 3:4] - 1e-9))
    }
    for (i in seq_len(nrow(b))) expect_gt(clearance(b[i, 1:2, drop = FALSE], along, b[i, 3:4]), 0)
    corners <- in_inches(graphics::par("usr")[1:2], graphics::par("usr")[3:4])
    expect_true(all(t(b[, 1:2] - b[, 3:4]) > corners[1, ]) && all(t(b[, 1:2] + b[, 3:4]) < corners[2, ]))
  })
})

test_that("parts of a region are those that hang together", {
  region <- matrix(c(
    1, 1, 0, 0,
    1, 0, 0, 1,
    0, 0, 1, 1), 3, byrow = TRUE) == 1
  expect_identical(parts_of(region), matrix(c(1L, 1L, 0L, 1L, 0L, 0L, 0L, 0L, 2L, 0L, 2L, 2L), 3))
  expect_identical(max(parts_of(!region)), 1L)
  expect_identical(parts_of(region & FALSE), matrix(0L, 3, 4))
  disc <- outer(-10:10, -10:10, function(a, b) a^2 + b^2 < 90)
  middle <- middle_of(disc, list(1:21, 1:21), matrix(0, 0, 2))
  expect_lte(max(abs(middle - 11)), 1)
})

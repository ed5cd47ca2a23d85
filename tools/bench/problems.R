# The panel: real and simulated problems on which default fits are compared. Each is a list with
# x (a vector, or successes and failures), k, and what is hard about it. Simulated data come from
# fixed seeds, so that the panel is the same everywhere.

draw_normal <- function(n, prop, mean, sd, seed) {
  set.seed(seed)
  j <- sample.int(length(prop), n, replace = TRUE, prob = prop)
  rnorm(n, mean[j], sd[j])
}

draw_binomial <- function(n, prop, prob, size, seed) {
  set.seed(seed)
  j <- sample.int(length(prop), n, replace = TRUE, prob = prop)
  size <- rep_len(size, n)
  s <- rbinom(n, size, prob[j])
  cbind(s, size - s)
}

real_problems <- function() {
  data <- new.env()
  utils::data("coins", "heights", package = "emix", envir = data)
  heights <- data$heights
  list(
    waiting = list(x = faithful$waiting, k = 2, why = "well separated"),
    eruptions = list(x = faithful$eruptions, k = 2, why = "well separated, unequal sds"),
    eruptions3 = list(x = faithful$eruptions, k = 3, why = "one component too many"),
    galton = list(x = heights$height, k = 2, why = "overlap, rounded"),
    galton3 = list(x = heights$height, k = 3, why = "more than the data show"),
    class = list(x = heights$height[heights$classroom], k = 2, why = "overlap, n = 100, chance clusters"),
    quakes = list(x = quakes$depth, k = 3, why = "skewed groups, n = 1000"),
    quakes5 = list(x = quakes$depth, k = 5, why = "skewed groups, many components"),
    iris = list(x = iris$Petal.Length, k = 3, why = "rounded, two groups close"),
    rivers = list(x = log(rivers), k = 2, why = "skewed, one far point"),
    galaxies = list(x = MASS::galaxies / 1000, k = 4, why = "small, many maxima"),
    galaxies6 = list(x = MASS::galaxies / 1000, k = 6, why = "small, many maxima"),
    coins = list(x = as.matrix(data$coins[c("heads", "tails")]), k = 2, why = "five rows"),
    budworm = list(x = cbind(c(1, 4, 9, 13, 18, 20, 0, 2, 6, 10, 12, 16), c(19, 16, 11, 7, 2, 0, 20, 18, 14, 10, 8, 4)),
      k = 3, why = "twelve rows, boundary near")
  )
}

simulated_problems <- function() {
  list(
    overlap2 = list(x = draw_normal(500, c(.5, .5), c(0, 2), c(1, 1), 1), k = 2, why = "means 2 sd apart"),
    rare = list(x = draw_normal(2000, c(.99, .01), c(0, 5), c(1, 1), 2), k = 2, why = "1 : 99"),
    rare2 = list(x = draw_normal(1e4, c(.01, .98, .01), c(-6, 0, 6), c(.5, 1, .5), 3), k = 3, why = "1 : 98 : 1"),
    samemean = list(x = draw_normal(1000, c(.5, .5), c(0, 0), c(1, 4), 4), k = 2, why = "same mean, sds 1 and 4"),
    samemean3 = list(x = draw_normal(3000, c(.4, .3, .3), c(0, 0, 0), c(.3, 1, 5), 5), k = 3, why = "same mean, three sds"),
    outliers = list(x = c(draw_normal(300, c(.6, .4), c(0, 5), c(1, 1), 6), 40, 41.5, -30), k = 2, why = "three outliers"),
    rounded = list(x = round(draw_normal(5000, c(.3, .4, .3), c(0, 3, 7), c(1, 1, 1.5), 7)), k = 3, why = "rounded to whole numbers"),
    four = list(x = draw_normal(400, rep(.25, 4), c(0, 3, 6, 9), rep(1, 4), 8), k = 4, why = "four, 3 sd apart"),
    five = list(x = draw_normal(1000, c(.1, .3, .2, .3, .1), c(0, 4, 6, 11, 15), c(1, .5, 2, 1, .5), 9), k = 5, why = "five of unequal sd"),
    six = list(x = draw_normal(3000, rep(1 / 6, 6), 3 * (1:6), rep(c(.6, 1.2), 3), 10), k = 6, why = "six, overlap"),
    seven = list(x = draw_normal(2000, rep(1 / 7, 7), c(0, 2.5, 6, 9, 13, 15, 20), rep(1, 7), 11), k = 7, why = "seven, uneven gaps"),
    eight = list(x = draw_normal(5000, rep(1 / 8, 8), 4 * (1:8), rep(1, 8), 12), k = 8, why = "eight, 4 sd apart"),
    eight2 = list(x = draw_normal(2000, (1:8) / 36, cumsum(c(0, 3, 4, 3, 5, 3, 4, 6)), rep(c(1, .5), 4), 13), k = 8, why = "eight of unequal size"),
    claw = list(x = draw_normal(2000, c(.5, rep(.1, 5)), c(0, -1, -.5, 0, .5, 1), c(1, rep(.1, 5)), 14), k = 6, why = "Marron & Wand's claw"),
    small = list(x = draw_normal(50, c(.5, .5), c(0, 3), c(1, 1), 15), k = 2, why = "n = 50"),
    large = list(x = draw_normal(1e5, c(.3, .4, .3), c(0, 3, 7), c(1, 1, 2), 16), k = 3, why = "n = 100,000"),
    large5 = list(x = draw_normal(1e5, rep(.2, 5), c(0, 3, 6, 10, 12), c(1, 1, 1, 2, .5), 17), k = 5, why = "n = 100,000, five"),
    b2 = list(x = draw_binomial(200, c(.5, .5), c(.3, .6), 20, 18), k = 2, why = "size 20"),
    b3 = list(x = draw_binomial(1000, c(.2, .5, .3), c(.1, .4, .7), 20, 19), k = 3, why = "size 20"),
    b4 = list(x = draw_binomial(5000, rep(.25, 4), c(.1, .35, .6, .9), 30, 20), k = 4, why = "size 30"),
    b_rare = list(x = draw_binomial(2000, c(.97, .03), c(.02, .3), 50, 21), k = 2, why = "3 : 97, zeros"),
    b_sizes = list(x = draw_binomial(3000, c(.5, .5), c(.2, .3), 5:60, 22), k = 2, why = "sizes 5 to 60, overlap"),
    b_one = list(x = draw_binomial(500, 1, .4, 20, 23), k = 2, why = "one component too many")
  )
}

panel_problems <- function() c(real_problems(), simulated_problems())

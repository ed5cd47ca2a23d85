#!/usr/bin/env Rscript
# Draws the pictures of README.md and of the help pages into man/figures, with the emix that is installed. Run from the
# package root:
#
#   Rscript tools/figures.R

library(emix)

source(file.path("vignettes", "small-pictures.R"))

draw <- function(name, width, height, plotting) {
  file <- file.path("man", "figures", paste0(name, ".png"))
  png(file, width, height, res = 110)
  plotting()
  dev.off()
  make_small(file)
}

groups <- emix(height ~ 1, data = heights, k = 2, equal = "sd")
draw("heights", 900, 550, function() plot(groups, xlab = "height (cm)", breaks = 12))

coin_fit <- emix(cbind(heads, tails) ~ 1, data = coins, k = 2, family = "binomial", equal = "prop",
  start = list(prob = c(A = 0.6, B = 0.5)), control = em_control(accelerate = FALSE, trace = TRUE))
trace <- em_trace(coin_fit)
draw("coins-bound", 900, 550, function() {
  plot(trace, "bound", along = "prob.A", iterations = 3, xlab = "probability of heads, coin A")
})
draw("coins-path", 900, 640, function() {
  plot(trace, "path", range = list(c(0.3, 0.95), c(0.3, 0.95)), xlab = "probability of heads, coin A",
    ylab = "probability of heads, coin B")
})

geyser <- emix(faithful, k = 2)
draw("geyser", 900, 640, function() plot(geyser, xlab = "duration of the eruption (minutes)", ylab = "waiting time to the next (minutes)"))

# BIC of every structure and number of components.
choice <- emix(iris[, 1:4], k = 1:9, family = mix_mvnormal("all"))
draw("iris-criterion", 900, 640, function() plot(choice, "criterion"))

flowers <- emix(iris[, 1:4], k = 3, family = mix_mvnormal("VEV"))
draw("iris", 780, 780, function() plot(flowers))

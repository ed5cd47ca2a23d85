# Draws the pictures of README.md into man/figures, with the emix that is installed.
#
#   Rscript tools/figures.R
library(emix)
root <- normalizePath(file.path(dirname(sub("--file=", "", grep("--file=", commandArgs(), value = TRUE))), ".."))

draw <- function(name, plotting, height = 550) {
  grDevices::png(file.path(root, "man", "figures", name), width = 900, height = height, res = 110)
  on.exit(grDevices::dev.off())
  plotting()
}

groups <- emix(height ~ 1, data = heights, k = 2, equal = "sd")
draw("heights.png", function() plot(groups, xlab = "height (cm)", breaks = 12))

coin_fit <- emix(cbind(heads, tails) ~ 1, data = coins, k = 2, family = "binomial", equal = "prop",
  start = list(prob = c(A = 0.6, B = 0.5)), control = em_control(accelerate = FALSE, trace = TRUE))
trace <- em_trace(coin_fit)
draw("coins-bound.png", function() {
  plot(trace, "bound", along = "prob.A", iterations = 3, xlab = "probability of heads, coin A")
})
draw("coins-path.png", function() {
  plot(trace, "path", range = list(c(0.3, 0.95), c(0.3, 0.95)), xlab = "probability of heads, coin A",
    ylab = "probability of heads, coin B")
}, 640)

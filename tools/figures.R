#!/usr/bin/env Rscript
# Draws the pictures of README.md and of the help pages into man/figures, with the emix that is installed. Run from the
# package root:
#
#   Rscript tools/figures.R

library(emix)

draw <- function(name, width, height, plotting) {
  png(file.path("man", "figures", paste0(name, ".png")), width, height, res = 110)
  on.exit(dev.off())
  plotting()
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

# BIC of every structure and number of components; NA where all starts collapsed.
structures <- c("EII", "VII", "EEI", "VEI", "EVI", "VVI", "EEE", "VEE", "EVE", "VVE", "EEV", "VEV", "EVV", "VVV")
bic_of <- function(k, cov) {
  tryCatch(suppressWarnings(BIC(emix(iris[, 1:4], k = k, family = mix_mvnormal(cov)))), emix_error_degenerate = function(e) NA)
}
values <- sapply(structures, function(cov) vapply(1:9, bic_of, 0, cov = cov))
rownames(values) <- 1:9
draw("iris-criterion", 900, 640, function() emix:::plot_grid(values))

flowers <- emix(iris[, 1:4], k = 3, family = mix_mvnormal("VEV"))
draw("iris", 780, 780, function() plot(flowers))

# Heights of women and men, without their sex.
library(emix)
class <- subset(heights, classroom)

# The sex known: means and standard deviations of two groups.
tapply(class$height, class$sex, mean)

# The sex hidden: guess two means. Each height is shared out (E-step); sums are divided by sums of shares (M-step).
step <- em_step(height ~ 1, theta = c(women = 160, men = 180), data = class, equal = "sd")
print(step, rows = 6)
print(step, formula = TRUE)

# Steps to the end.
fit <- emix(height ~ 1, data = class, k = 2, equal = "sd", start = list(mean = c(women = 160, men = 180)),
  control = em_control(accelerate = FALSE, trace = TRUE))
fit
plot(fit, xlab = "height (cm)")

# How EM got there: fast at first, then slowly.
trace <- em_trace(fit)
print(trace, rows = 10)
plot(trace, "parameters")
plot(trace, "bound", along = "mean.women")
plot(trace, "ascent", along = "mean.women")
plot(trace, "path")
plot(trace, "posterior", iterations = 30)

# Newton's steps on top of EM's need a tenth of the iterations, and end at the same place.
fast <- update(fit, control = em_control(trace = TRUE))
c(EM = fit$iterations, accelerated = fast$iterations)
em_trace(fast)

# Where starts lead when each group has a standard deviation of its own: to several maxima, and some to a collapse.
basins <- em_basins(height ~ 1, theta = list(mean = c(160, 180), sd = c(3, 3)), data = class, grid = 31)
basins
plot(basins)

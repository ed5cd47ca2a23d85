# Two coins (Do and Batzoglou 2008): the EM algorithm, number by number.
library(emix)

# Five rounds of ten tosses. In each, one of two coins was tossed.
coins

# The coins known: count and divide. Heads of A over tosses of A, and of B.
known <- emix(cbind(heads, tails) ~ 1, data = coins, family = "binomial", labels = coin)
known$parameters$prob

# The coins hidden, and equally likely. Guess 0.6 and 0.5. How likely is coin A in each round, given its heads?
# Share out heads and tails by that (E-step); then count and divide again (M-step).
step <- em_step(cbind(heads, tails) ~ 1, theta = c(A = 0.6, B = 0.5), data = coins,
  family = "binomial", equal = "prop")
step

# The second round in formulas.
print(step, formula = TRUE, row = 2)

# The log-likelihood and its lower bound: they are equal at the guess. The M-step raises the bound, and so the log-likelihood.
em_bound(step, theta = step$before)
em_bound(step, q = step$posterior)

# Again, from where the step ended.
step <- em_step(step)
step$theta$prob

# And so on, until nothing changes.
fit <- emix(cbind(heads, tails) ~ 1, data = coins, k = 2, family = "binomial", equal = "prop",
  start = list(prob = c(A = 0.6, B = 0.5)),
  control = em_control(accelerate = FALSE, trace = TRUE))
trace <- em_trace(fit)
trace
plot(trace)

# Each bound touches the log-likelihood at an iterate; the next iterate is where the bound is highest.
plot(trace, "bound", along = "prob.A")

# The way over the contours of the log-likelihood, and how the rounds change their minds.
plot(trace, "path")
plot(trace, "posterior")

# The start matters: the other half of the map leads to the same coins with their names exchanged, and on the diagonal
# EM cannot tell them apart.
basins <- em_basins(fit)
basins
plot(basins)

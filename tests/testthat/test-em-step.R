# em_step() and em_bound(): the figure of Do & Batzoglou (2008), and the laws of a step.

figure <- function(theta = c(A = 0.6, B = 0.5), ...) {
  em_step(cbind(heads, tails) ~ 1, theta = theta, data = coins, family = "binomial", equal = "prop", ...)
}

test_that("every number of the figure", {
  step <- figure()
  # Shares of A by their definition, to all digits; the printed ones to six.
  a <- 0.6^coins$heads * 0.4^coins$tails
  expect_near(step$posterior[, "A"], a / (a + 0.5^10), 1e-15)
  expect_near(step$posterior[, "A"], c(0.449149, 0.804986, 0.733467, 0.352156, 0.647215), 5e-7)
  expect_near(step$expected$A$heads, c(2.245745, 7.244870, 5.867737, 1.408625, 4.530506), 5e-7)
  expect_near(step$expected$A$tails, c(2.245745, 0.804986, 1.466934, 2.112937, 1.941645), 5e-7)
  expect_near(step$totals[, c("heads", "tails")], c(21.297482, 11.702518, 8.572247, 8.427753), 5e-7)
  expect_near(step$theta$prob, c(0.7130122354, 0.5813393083), 1e-9)
  expect_identical(step$theta$prop, c(A = 0.5, B = 0.5))
  expect_near(step$loglik, c(-11.3205865761, -10.0859820045), 1e-9)
  expect_near(step$bound, c(-11.3205865761, -10.2239483012), 1e-9)
})

test_that("the table of iterates, bounds included", {
  table <- rbind(
    c(1, 0.7130122354, 0.5813393083, -10.0859820045, -10.2239483012),
    c(2, 0.7452920361, 0.5692557502, -9.9498401356, -10.0115284191),
    c(3, 0.7680988344, 0.5495359141, -9.8545514181, -9.8949586658),
    c(4, 0.7831645843, 0.5346174541, -9.8116708989, -9.8271110883),
    c(5, 0.7910552459, 0.5262811670, -9.7997816972, -9.8035465270),
    c(10, 0.7967441495, 0.5196586622, -9.7969245597, -9.7969249761),
    c(20, 0.7967890650, 0.5195831291, -9.7969242922, -9.7969242922)
  )
  step <- figure()
  for (i in 1:20) {
    at <- match(i, table[, 1])
    if (!is.na(at)) {
      expect_near(c(step$theta$prob, step$loglik[["after"]], step$bound[["after"]]), table[at, -1], 1e-9)
    }
    step <- em_step(step)
  }
})

test_that("where steps by hand end, with proportions held and free", {
  step <- figure()
  for (i in 1:40) step <- em_step(step)
  expect_near(step$theta$prob, c(0.796789066923, 0.519583120145), 1e-9)
  expect_near(step$loglik[["after"]], -9.796924292, 1e-9)
  expect_near(step$posterior[, "A"], c(0.10300871, 0.95201348, 0.84549373, 0.03070315, 0.60149860), 1e-8)
  step <- em_step(cbind(heads, tails) ~ 1, theta = c(A = 0.6, B = 0.5), data = coins, family = "binomial")
  for (i in 1:140) step <- em_step(step)
  expect_near(step$theta$prop[["A"]], 0.522751316897, 1e-9)
  expect_near(step$theta$prob, c(0.793367649613, 0.513916591214), 1e-9)
  expect_near(step$loglik[["after"]], -9.7954189562, 1e-9)
  expect_near(step$posterior[, "A"], c(0.11763714, 0.95865821, 0.86459559, 0.03541155, 0.63745409), 1e-8)
  # The saddle: a step leads nowhere
  step <- figure(c(0.66, 0.66))
  expect_near(step$theta$prob, c(0.66, 0.66), 1e-14)
  expect_near(step$loglik, rep(-10.278498, 2), 5e-7)
})

test_that("coins known: count and divide", {
  step <- em_step(cbind(heads, tails) ~ 1, theta = c(0.6, 0.5), data = coins, family = "binomial", labels = coin)
  expect_near(step$theta$prob, c(0.8, 0.45), 1e-15)
  expect_identical(step$components, c("A", "B"))
  expect_identical(unname(step$posterior[, "A"]), as.numeric(coins$coin == "A"))
})

test_that("steps by hand are the iterates of emix() without acceleration, to the bit", {
  for (seed in 1:30) {
    problem <- random_problem(seed)
    a <- problem$args
    fit <- suppressWarnings(run_problem(problem, accelerate = FALSE, trace = TRUE, max_iter = 12, tol = 1e-15))
    hand <- do.call(steps_by_hand, c(list(nrow(fit$trace) - 1L, problem$x, a$start), a[setdiff(names(a), c("k", "start"))]))
    own <- as.matrix(fit$trace[-1, -(1:3)])
    theta <- hand$theta
    dimnames(own) <- NULL
    expect(identical(own, theta), paste(name_problem(seed, problem), "has other iterates by hand"))
    expect(identical(fit$trace$loglik[-1], hand$loglik), paste(name_problem(seed, problem), "has another log-likelihood by hand"))
  }
})

test_that("from far away values too, when the step is handed on", {
  x <- 1e13 + heights_class
  fit <- emix_steps(x, 6, k = 2, start = list(mean = 1e13 + c(160, 180), sd = c(6, 6)), control = list(trace = TRUE))
  step <- em_step(x, list(mean = 1e13 + c(160, 180), sd = c(6, 6)))
  for (i in 1:6) {
    expect_identical(unlist(step$theta, use.names = FALSE), unlist(fit$trace[i + 1, -(1:3)], use.names = FALSE))
    step <- em_step(step)
  }
})

test_that("a step of any model is the oracle's, and its bound has the laws of a bound", {
  for (seed in 1:40) {
    problem <- random_problem(seed)
    a <- problem$args
    step <- step_problem(problem)
    name <- name_problem(seed, problem)
    before <- lapply(step$before, unname)
    after <- lapply(step$theta, unname)
    q <- oracle_posterior(problem$x, before, problem$oracle, a$labels)
    expect_near(step$posterior, q, 1e-11)
    height <- oracle_objective(problem$x, before, problem$oracle, a$weights, a$labels, a$equal, problem$prior)
    rise <- oracle_objective(problem$x, after, problem$oracle, a$weights, a$labels, a$equal, problem$prior) - height
    expect_near(diff(step$objective), rise, 1e-9)
    if (is.null(problem$prior)) expect_near(step$objective[1], height, 1e-11)
    expect_near(diff(step$bound), oracle_bound(problem, after, q) - oracle_bound(problem, before, q), 1e-9)
    # touches, is pushed up, stays below
    expect(abs(step$bound[1] - step$objective[1]) <= 1e-12 * abs(step$objective[1]), paste(name, ": the bound does not touch"))
    expect(diff(step$bound) >= -1e-12 * abs(step$bound[1]), paste(name, ": the M-step lowers the bound"))
    expect(step$bound[2] <= step$objective[2] + 1e-12 * abs(step$objective[2]), paste(name, ": the bound is above"))
  }
})

test_that("the divisions that are printed give the parameters that the core found", {
  for (seed in 1:60) {
    step <- step_problem(random_problem(seed))
    for (block in names(step$ratios)) {
      r <- step$ratios[[block]]
      sums <- function(parts, before) {
        v <- Reduce(`+`, lapply(parts, unname))
        (if (r$shared) rep(sum(v), step$k) else v) + before
      }
      value <- sums(r$over, r$before[1]) / sums(r$under, r$before[2])
      if (r$root) value <- sqrt(value)
      if (!is.null(r$times)) value <- value * r$times
      expect_near(value[!r$held], step$theta[[block]][!r$held], 1e-9)
    }
    expect_output(print(step), "M-step")
    expect_output(print(step, formula = TRUE, row = 2), "Row 2")
  }
})

test_that("gap and divergence are one, for any responsibilities", {
  set.seed(4)
  for (seed in 1:30) {
    problem <- random_problem(seed)
    step <- step_problem(problem)
    q <- matrix(stats::rexp(length(step$posterior)), ncol = step$k)
    q <- q / rowSums(q)
    known <- which(problem$args$labels > 0)
    q[known, ] <- step$posterior[known, ]
    bounds <- list(em_bound(step), em_bound(step, q = q), em_bound(step, q = step$posterior),
      em_bound(step, theta = step$before, q = step))
    for (b in bounds) {
      expect_near(b$gap, b$kl, 1e-10 * max(1, abs(b$objective)))
      expect_gte(b$kl, -1e-11)
      expect_lte(b$bound, b$objective + 1e-12 * abs(b$objective))
      expect_near(b$bound, b$q_function + b$entropy + b$log_prior, 1e-14)
    }
    own <- em_bound(step)
    expect_lte(abs(own$gap), 1e-12 * abs(own$objective))
    # The divergence from the posterior probabilities at the new parameters, term by term
    p <- oracle_posterior(problem$x, lapply(step$theta, unname), problem$oracle, problem$args$labels)
    w <- if (is.null(problem$args$weights)) 1 else problem$args$weights
    terms <- ifelse(q > 0, q * log(q / p), 0)
    expect_near(em_bound(step, q = q)$kl, sum((w * rowSums(terms))[w * rowSums(q) > 0]), 1e-9)
  }
})

test_that("posterior probabilities too small for a number leave the bound finite", {
  x <- c(0, 1, 2, 1e4, 1e4 + 1)
  step <- em_step(x, list(mean = c(0, 1e4), sd = c(1, 1)))
  expect_true(all(is.finite(step$bound)))
  b <- em_bound(x, list(mean = c(0, 1e4), sd = c(1, 1)), q = matrix(0.5, 5, 2))
  expect_true(is.finite(b$bound))
  expect_near(b$gap / b$kl, 1, 1e-12)
})

test_that("hard steps are those of classification EM", {
  fit <- emix_steps(cbind(heads, tails) ~ 1, 3, data = coins, k = 2, family = "binomial", equal = "prop",
    start = list(prob = c(A = 0.6, B = 0.5)), control = list(estep = "hard", trace = TRUE))
  step <- figure(control = em_control(estep = "hard"))
  expect_near(step$theta$prob, c(0.8, 0.45), 1e-15)
  expect_identical(step$objective[["after"]], fit$trace$loglik[2])
  expect_identical(step$entropy, 0)
  expect_near(step$bound[["before"]], step$objective[["before"]], 1e-14)
})

test_that("data, fits and steps may be given in all their ways", {
  x <- as.matrix(coins[c("heads", "tails")])
  first <- figure()
  again <- list(
    em_step(x, c(A = 0.6, B = 0.5), family = "binomial", equal = "prop"),
    em_step(as.data.frame(x), list(prob = c(A = 0.6, B = 0.5)), family = "binomial", equal = "prop"),
    em_step(coins$heads, c(A = 0.6, B = 0.5), family = mix_binomial(size = 10), equal = "prop")
  )
  for (step in again) for (e in c("theta", "loglik", "bound")) expect_identical(step[[e]], first[[e]])
  fit <- emix(cbind(heads, tails) ~ 1, data = coins, k = 2, family = "binomial", equal = "prop", start = list(prob = c(A = 0.6, B = 0.5)))
  expect_identical(em_step(fit, theta = c(0.6, 0.5))$theta, first$theta)
  expect_identical(em_step(fit, theta = first)$theta, em_step(first)$theta)
  expect_identical(names(em_step(fit)$expected$A), c("weight", "heads", "tails"))
  expect_near(unlist(em_step(fit)$theta), coef(fit), 1e-9)
  expect_identical(em_step(unserialize(serialize(first, NULL)))$theta, em_step(first)$theta)
  table <- as.data.frame(first)
  expect_identical(table$heads.A, first$expected$A$heads)
  expect_identical(dim(table), c(5L, 10L))
})

test_that("missing rows and weights of zero", {
  d <- data.frame(h = c(150, NA, 160, 170, 180, 190), w = c(1, 1, 0, 2, 1, 1))
  step <- em_step(h ~ 1, c(155, 185), data = d, weights = w, na.action = na.omit)
  expect_identical(nrow(step$posterior), 5L)
  expect_identical(step$expected[[1]]$weight[2], 0)
  expect_output(print(step), "\\n +6 ")
  expect_near(sum(step$totals[, "weight"]), 5, 1e-14)
})

test_that("what cannot be is told", {
  expect_input_error(em_step(coins$heads), "theta")
  expect_input_error(em_step(), "x")
  expect_input_error(em_step(heights_class, list(sd = c(1, 2))), "theta", named = "theta$mean")
  expect_input_error(em_step(heights_class, list(mean = c(1, 2), prop = c(0.5, 0.6))), "theta")
  expect_input_error(em_step(heights_class, "a"), "theta")
  expect_input_error(em_step(figure(), data = coins), "data")
  expect_input_error(em_step(heights_class, figure()), "theta")
  expect_input_error(em_bound(figure(), q = matrix(0.5, 4, 2)), "q")
  expect_input_error(em_bound(figure(), q = matrix(0.6, 5, 2)), "q")
  expect_input_error(print(figure(), row = 9, formula = TRUE), "row")
  expect_error(em_step(c(0, 0, 1, 1), list(mean = c(0, 5), sd = c(1e-3, 1))), class = "emix_error_degenerate")
  expect_error(em_step(cbind(c(0, 5), c(5, 0)), c(0, 0), family = "binomial"), "row 2", class = "emix_error_fit")
})

test_that("the prints", {
  expect_snapshot({
    figure()
    print(figure(), formula = TRUE, row = 2)
    em_bound(figure(), q = figure()$posterior)
    em_step(heights_class, list(mean = c(women = 160, men = 180), sd = c(6, 6)), prior = "default",
      fixed = list(prop = c(0.4, NA)))
  })
})

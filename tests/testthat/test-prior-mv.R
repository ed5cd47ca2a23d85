# Posterior modes of multivariate normal mixtures: closed forms by hand, the gradient of the documented log posterior in plain R,
# and the laws that a prior has to obey. Fraley & Raftery (2007), Journal of Classification 24, 155-181.

prior_structures <- c("VVV", "EEE", "VVI", "EII", "VEI")

geyser <- as.matrix(faithful)
three <- unname(as.matrix(iris[seq(1, 150, 2), 1:3]))

given_prior <- list(mean = c(5.5, 3, 4), shrinkage = 0.5, df = 7, scale = diag(c(0.5, 0.3, 0.6)) + 0.1)

# All numbers of a default prior: of moments with divisor n.
default_prior <- function(x, k, w = rep(1, nrow(x))) {
  own <- cov.wt(x, w / sum(w), method = "ML")
  list(mean = own$center, shrinkage = 0.01, df = ncol(x) + 2, scale = own$cov / k^(2 / ncol(x)))
}

plain_loglik <- function(x, par, w = rep(1, nrow(x))) {
  d <- ncol(x)
  joint <- vapply(seq_along(par$prop), function(j) {
    s <- matrix(par$cov[, , j], d)
    log(par$prop[j]) - mahalanobis(x, par$mean[, j], s) / 2 - log(det(2 * pi * s)) / 2
  }, numeric(nrow(x)))
  top <- apply(joint, 1, max)
  sum(w * (top + log(rowSums(exp(joint - top)))))
}

# As ?em_prior has it, without constants.
plain_log_prior <- function(par, prior, structure, prop = 1) {
  d <- nrow(par$mean)
  of_mean <- of_cov <- 0
  for (j in seq_along(par$prop)) {
    s <- matrix(par$cov[, , j], d)
    gap <- par$mean[, j] - prior$mean
    of_mean <- of_mean - log(det(s)) / 2 - prior$shrinkage * sum(gap * solve(s, gap)) / 2
    of_cov <- of_cov - (prior$df + d + 1) / 2 * log(det(s)) - sum(diag(solve(s, prior$scale))) / 2
  }
  if (structure %in% c("EII", "EEI", "EEE")) of_cov <- of_cov / length(par$prop)
  of_mean + of_cov + sum((prop - 1) * log(par$prop))
}

# The log posterior along free coordinates that start at the fit: shares, means, and volumes, shapes and axes of the covariances.
posterior_along <- function(fit, x, prior, structure, prop = 1) {
  par <- lapply(fit$parameters, unname)
  k <- length(par$prop)
  base <- mv_base(par$cov, structure)
  size <- c(k - 1L, length(par$mean), sum(mv_layout(structure, nrow(par$mean), k)$size))
  unit <- rep(sqrt(apply(par$cov, 3, diag)), length.out = size[2L])
  value <- function(v) {
    part <- split(v, factor(rep(1:3, size), 1:3))
    new <- par
    new$prop <- par$prop * exp(c(part[[1L]], 0))
    new$prop <- new$prop / sum(new$prop)
    new$mean[] <- par$mean + unit * part[[2L]]
    new$cov <- mv_cov(mv_step(base, part[[3L]], structure))
    plain_loglik(x, new) + plain_log_prior(new, prior, structure, prop)
  }
  list(value = value, size = sum(size))
}

gradient_along <- function(along, h = 1e-4) {
  vapply(seq_len(along$size), function(i) {
    step <- replace(numeric(along$size), i, h)
    (along$value(step) - along$value(-step)) / (2 * h)
  }, 0)
}

test_that("one component: the mode in closed form", {
  n <- nrow(three)
  centred <- function(m) t(three) - m
  for (prior in list(default_prior(three, 1), given_prior, list(mean = c(9, 9, 9), shrinkage = 30, df = 3, scale = 2 * diag(3)))) {
    fit <- emix(three, k = 1, prior = do.call(em_prior, prior))
    mean <- (colSums(three) + prior$shrinkage * prior$mean) / (n + prior$shrinkage)
    scatter <- tcrossprod(centred(mean)) + prior$shrinkage * tcrossprod(mean - prior$mean) + prior$scale
    expect_near(fit$parameters$mean, mean, 1e-10)
    expect_near(fit$parameters$cov, scatter / (n + prior$df + 3 + 2), 1e-10)
    expect_true(fit$converged)
  }
  expect_near(coef(emix(three, k = 1, prior = "default")), coef(emix(three, k = 1, prior = do.call(em_prior, default_prior(three, 1)))), 1e-12)
})

test_that("labelled rows: the mode in closed form", {
  x <- three
  g <- rep(1:3, each = 25)
  p <- given_prior
  n <- 25
  mean <- vapply(1:3, function(j) (colSums(x[g == j, ]) + p$shrinkage * p$mean) / (n + p$shrinkage), numeric(3))
  scatter <- vapply(1:3, function(j) {
    crossprod(t(t(x[g == j, ]) - mean[, j])) + p$shrinkage * tcrossprod(mean[, j] - p$mean)
  }, diag(3))
  fit <- function(structure) emix(x, labels = g, family = mix_mvnormal(structure), prior = do.call(em_prior, p))
  each <- (scatter + as.vector(p$scale)) / (n + p$df + 5)
  expect_near(fit("VVV")$parameters, list(rep(1, 3) / 3, mean, each), 1e-10)
  diagonal <- function(s) array(apply(s, 3, function(v) diag(diag(v))), dim(s))
  expect_near(fit("VVI")$parameters, list(rep(1, 3) / 3, mean, diagonal(each)), 1e-10)
  # One in common: its scale once, over df + d + 1 rows; each mean adds its own.
  common <- array((apply(scatter, 1:2, sum) + p$scale) / (75 + p$df + 4 + 3), c(3, 3, 3))
  expect_near(fit("EEE")$parameters, list(rep(1, 3) / 3, mean, common), 1e-10)
  expect_near(fit("EII")$parameters$cov, array(diag(mean(diag(common[, , 1])), 3), c(3, 3, 3)), 1e-10)
  expect_near(emix(x, labels = g, equal = "cov", prior = do.call(em_prior, p))$parameters$cov, common, 1e-10)
})

test_that("the mode is a maximum of the documented log posterior", {
  for (structure in prior_structures) {
    for (k in 2:3) {
      for (own in list(NULL, given_prior)) {
        prior <- if (is.null(own)) default_prior(three, k) else own
        asked <- if (is.null(own)) em_prior() else do.call(em_prior, own)
        fit <- emix(three, k = k, family = mix_mvnormal(structure), prior = asked, control = em_control(tol = 1e-12))
        expect_true(fit$converged)
        par <- lapply(fit$parameters, unname)
        expect_near(fit$loglik, plain_loglik(three, par), 1e-11)
        expect_near(fit$objective, plain_loglik(three, par) + plain_log_prior(par, prior, structure), 1e-10)
        along <- posterior_along(fit, three, prior, structure)
        expect_near(along$value(numeric(along$size)), fit$objective, 1e-10)
        expect_near(gradient_along(along), numeric(along$size), 5e-4)
        set.seed(1)
        for (turn in 1:5) expect_lt(along$value(rnorm(along$size, sd = 0.02)), fit$objective)
      }
    }
  }
})

test_that("proportions have their Dirichlet prior beside", {
  prior <- c(given_prior, prop = 6)
  for (structure in c("VVV", "EEE")) {
    fit <- emix(three, k = 3, family = mix_mvnormal(structure), prior = do.call(em_prior, prior), control = em_control(tol = 1e-12))
    expect_near(fit$objective, plain_loglik(three, fit$parameters) + plain_log_prior(fit$parameters, prior, structure, 6), 1e-10)
    expect_near(gradient_along(posterior_along(fit, three, prior, structure, 6)), numeric(3 - 1 + 9 + if (structure == "VVV") 21 else 7), 5e-4)
  }
})

test_that("a flat prior is maximum likelihood", {
  for (structure in prior_structures) {
    ml <- emix(geyser, k = 2, family = mix_mvnormal(structure))
    flat <- emix(geyser, k = 2, family = mix_mvnormal(structure), prior = "flat")
    expect_identical(answer(flat), answer(ml))
    expect_identical(flat$objective, flat$loglik)
    mode <- emix(geyser, k = 2, family = mix_mvnormal(structure), prior = "default")
    expect_lt(mode$loglik, ml$loglik)
    expect_identical(mode$df, ml$df)
    expect_lt(max(abs(mode$parameters$mean / ml$parameters$mean - 1)), 0.02)
  }
})

test_that("a prior removes collapse", {
  # Rows on a line beside a cloud; three equal rows; two columns of one value.
  set.seed(4)
  cloud <- matrix(rnorm(60), 30)
  line <- rbind(cloud, cbind(1:8, 1:8) / 4 + 4)
  equal <- rbind(cloud, matrix(c(6, 6), 4, 2, byrow = TRUE))
  for (x in list(line, equal)) {
    for (structure in c("VVV", "VVI")) {
      fit <- expect_silent(emix(x, k = 2, family = mix_mvnormal(structure), prior = "default"))
      expect_sound(fit)
      expect_true(fit$converged)
      expect_false("collapsed" %in% fit$starts$outcome)
      expect_true(all(apply(fit$parameters$cov, 3, function(s) min(eigen(s)$values)) > 1e-3))
    }
  }
  expect_error(emix(cbind(cloud, 1), k = 2), "one value", class = "emix_error_degenerate")
  held <- emix(cbind(cloud, 1), k = 2, prior = em_prior(scale = diag(3) / 10))
  expect_true(held$converged)
  # Fewer rows than columns.
  wide <- matrix(rnorm(40), 5)
  expect_error(emix(wide, k = 1), "more rows than columns", class = "emix_error_degenerate")
  one <- emix(wide, k = 1, prior = em_prior(scale = diag(8)))
  expect_near(one$parameters$cov[1, 1, 1], (sum((wide[, 1] - one$parameters$mean[1])^2) + 1 +
    0.01 * (one$parameters$mean[1] - mean(wide[, 1]))^2) / (5 + 10 + 10), 1e-10)
})

test_that("weights are rows, and units are no matter", {
  for (structure in c("VVV", "EEE", "VEI")) {
    family <- mix_mvnormal(structure)
    fit <- emix(three, k = 2, family = family, prior = "default", control = em_control(tol = 1e-11))
    start <- fit$parameters
    thrice <- emix(three, k = 2, family = family, prior = "default", weights = rep(3, 75), start = start)
    copies <- emix(three[rep(1:75, 3), ], k = 2, family = family, prior = "default", start = start)
    expect_near(thrice$objective, copies$objective, 1e-10)
    expect_near(coef(thrice), coef(copies), 1e-5)
    scale <- c(1e-2, 7, 1e3)
    other <- emix(t(t(three) * scale + c(3, -2, 1e4)), k = 2, family = family, prior = "default")
    expect_near(other$loglik, fit$loglik - 75 * sum(log(scale)), 1e-7)
    expect_near(other$parameters$mean, fit$parameters$mean * scale + c(3, -2, 1e4), 1e-4)
    prior <- default_prior(t(t(three) * scale + c(3, -2, 1e4)), 2)
    expect_near(other$objective, other$loglik + plain_log_prior(lapply(other$parameters, unname), prior, structure), 1e-9)
  }
})

test_that("the objective never falls, and methods know of the prior", {
  fit <- emix(geyser, k = 3, prior = "default", control = em_control(trace = TRUE))
  expect_ascent(fit$trace$loglik)
  expect_output(print(fit), "log posterior")
  expect_true(all(is.finite(diag(vcov(fit)))))
  expect_near(logLik(fit), fit$loglik, 0)
  expect_near(update(fit, control = em_control())$objective, fit$objective, 1e-10)
  step <- em_step(fit)
  expect_near(step$theta, fit$parameters, 1e-6)
  expect_near(step$objective[["before"]], fit$objective, 1e-10)
  grid <- emix(geyser, k = 1:4, prior = "default")
  expect_true(grid$k %in% 2:3)
})

test_that("a prior that does not go with the columns is refused", {
  expect_input_error(emix(geyser, prior = em_prior(mean = 1:3)), "prior", named = "prior$mean")
  expect_input_error(emix(geyser, prior = em_prior(scale = diag(3))), "prior", named = "prior$scale")
  expect_input_error(emix(geyser, prior = em_prior(prob = c(2, 2))), "prior", "`prob`")
  expect_input_error(em_prior(scale = matrix(c(1, 2, 2, 1), 2)), "scale")
  expect_input_error(em_prior(scale = matrix(1:4, 2)), "scale")
  expect_input_error(emix(geyser, prior = em_prior(mean = c(1, 1e200))), "prior", "proportion")
  # One number stands for all columns.
  expect_near(coef(emix(geyser, prior = em_prior(mean = 3, scale = 2))), coef(emix(geyser, prior = em_prior(mean = c(3, 3), scale = diag(2, 2)))), 1e-12)
})

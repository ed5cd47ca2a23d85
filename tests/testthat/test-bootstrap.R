# The bootstrap, by law: the seed decides, weights are rows, and closed forms where there are some.

internal <- function(name) get(name, asNamespace("emix"), inherits = FALSE)
x <- faithful$waiting
fit <- emix(x, k = 2)
types <- c("parametric", "nonparametric", "weighted")
boot_of <- function(seed, ...) {
  set.seed(seed)
  em_bootstrap(...)
}

test_that("the seed decides, the number of processes does not, and the generator moves on as said", {
  one <- em_control(threads = 1)
  two <- em_control(threads = 2)
  for (type in types) {
    a <- boot_of(1, fit, 30, type, control = one)
    after <- .Random.seed
    set.seed(1)
    seeds <- sample.int(.Machine$integer.max, 30, replace = TRUE)
    expect_identical(a$seeds, seeds)
    expect_identical(.Random.seed, after)
    expect_identical(boot_of(1, fit, 30, type, control = two), a)
    expect_false(identical(boot_of(2, fit, 30, type)$replicates, a$replicates))
  }
  # The user's own generator is no one else's business.
  kind <- RNGkind("L'Ecuyer-CMRG")
  b <- boot_of(1, fit, 3)
  expect_identical(RNGkind()[1], "L'Ecuyer-CMRG")
  RNGkind(kind[1], kind[2], kind[3])
  expect_type(b$replicates, "double")
})

test_that("tasks come in the order of their seeds whoever did them, and an error in one is said", {
  run <- internal("run_replicates")
  set.seed(3)
  task <- function(seed) c(seed, runif(1), Sys.getpid())
  slow <- function(seed) {
    Sys.sleep(0.02)
    task(seed)
  }
  seeds <- sample.int(1e6, 40)
  a <- do.call(rbind, run(seeds, task, 1L))
  state <- .Random.seed
  b <- do.call(rbind, run(seeds, slow, 2L))
  expect_identical(.Random.seed, state)
  expect_identical(b[, 1:2], a[, 1:2])
  expect_identical(a[, 1], as.double(seeds))
  if (.Platform$OS.type != "windows") expect_gt(length(unique(b[, 3])), 1)
  expect_error(run(seeds, function(seed) if (seed == seeds[25]) stop("number 25") else Sys.sleep(0.02), 2L), "number 25")
  expect_lt(length(run(seeds, slow, 1L, enough = function(done) length(done) >= 5)), 40)
})

test_that("replicates made in forked processes are the same to the bit", {
  run <- internal("run_replicates")
  labelled <- emix(x, labels = replace(rep(NA, 272), 1:9, ifelse(faithful$eruptions[1:9] > 3, 2, 1)))
  for (f in list(fit, labelled, emix(cbind(heads, tails) ~ 1, data = coins, family = "binomial", prior = "default"))) {
    source <- internal("boot_source")(f, em_control())
    marks <- internal("component_marks")(f, internal("curvature")(f))
    slowly <- function(seed) {
      Sys.sleep(0.04)
      lapply(types, function(type) internal("new_replicate")(source, type, marks))
    }
    expect_identical(run(22 + 1:24, slowly, 2L), run(22 + 1:24, slowly, 1L))
  }
})

test_that("one normal component: what each type must give", {
  set.seed(4)
  y <- rnorm(30, 10, 2)
  one <- emix(y, k = 1)
  p <- unlist(one$parameters[c("mean", "sd")])
  replicate_of <- function(type, seed) {
    set.seed(seed, "Mersenne-Twister", "Inversion", "Rejection")
    w <- switch(type, nonparametric = tabulate(sample.int(30, 30, TRUE), 30), weighted = {
      g <- rgamma(30, 1)
      30 * g / sum(g)
    }, parametric = {
      sample.int(1, 30, TRUE)
      y <- rnorm(30, p[1], p[2])
      rep(1, 30)
    })
    m <- sum(w * y) / 30
    c(1, m, sqrt(sum(w * (y - m)^2) / 30), sum(w * dnorm(y, m, sqrt(sum(w * (y - m)^2) / 30), log = TRUE)))
  }
  for (type in types) {
    boot <- boot_of(5, one, 20, type)
    expected <- t(vapply(boot$seeds, replicate_of, double(4), type = type))
    expect_near(boot$replicates, expected[, 1:3], 1e-12)
    expect_near(boot$loglik, expected[, 4], 1e-11)
    expect_true(all(boot$status == "ok"))
  }
})

test_that("a row of weight w is w rows; zero weights are none", {
  set.seed(6)
  y <- round(c(rnorm(40), rnorm(60, 5)), 1)
  w <- rep(0:3, 25)
  weighted <- emix(y, weights = w)
  repeated <- emix(rep(y, w))
  expect_near(coef(weighted), coef(repeated), 1e-8)
  # The same distribution: standard errors of many replicates agree.
  for (type in types) {
    a <- sqrt(diag(vcov(boot_of(7, weighted, 150, type))))
    b <- sqrt(diag(vcov(boot_of(8, repeated, 150, type))))
    expect_true(all(abs(log(a / b)) < 0.35), label = type)
  }
  # Each sample counts as many rows.
  source <- internal("boot_source")(weighted, em_control())
  sampled <- lapply(internal("resamplers"), function(draw) draw(source))
  for (type in types) expect_near(sum(internal("row_weights")(sampled[[type]])), sum(w), 1e-12)
  # Weights that are no counts stay with their rows.
  part <- emix(y, weights = w / 7)
  source <- internal("boot_source")(part, em_control())
  set.seed(9)
  rows <- internal("resamplers")$parametric(source)
  expect_near(sort(rows$weight), sort(w[w > 0] / 7), 1e-15)
  rows <- internal("resamplers")$nonparametric(source)
  expect_true(all(abs(rows$weight * 7 - round(rows$weight * 7)) < 1e-12))
  rows <- internal("resamplers")$weighted(source)
  expect_near(sum(rows$weight), sum(w) / 7, 1e-12)
})

test_that("standard errors come near those of the information where rows are many", {
  set.seed(10)
  y <- c(rnorm(600), rnorm(900, 5))
  count <- rbinom(800, rep(c(10, 30), 400), ifelse(runif(800) < 0.4, 0.2, 0.7))
  labels <- ifelse(faithful$eruptions > 3, 2, 1)
  some <- replace(labels, 40:272, NA)
  fits <- list(emix(y), emix(count, family = mix_binomial(rep(c(10, 30), 400))), emix(x, labels = labels),
    emix(x, labels = some, equal = "sd"), emix(y, fixed = list(mean = c(0, NA)), prior = "default"))
  for (f in fits) {
    exact <- sqrt(diag(vcov(f)))
    for (type in c("parametric", "weighted")) {
      boot <- boot_of(11, f, 120, type)
      expect_true(all(boot$status == "ok"))
      found <- sqrt(diag(vcov(boot)))
      expect_identical(is.na(found), is.na(exact))
      expect_true(all(abs(log(found / exact)) < 0.3, na.rm = TRUE))
      expect_identical(dimnames(vcov(boot, scale = "free")), dimnames(vcov(f, scale = "free")))
      ratio <- diag(vcov(boot, scale = "free")) / diag(vcov(f, scale = "free"))
      expect_true(all(abs(log(ratio)) < 0.6))
    }
  }
})

test_that("held and shared parameters stay so in each replicate", {
  for (type in types) {
    b <- boot_of(12, emix(x, k = 2, equal = "sd", fixed = list(prop = c(0.4, 0.6))), 20, type)$replicates
    expect_true(all(b[, "prop.1"] == 0.4) && all(b[, "prop.2"] == 0.6))
    expect_near(b[, "sd.1"], b[, "sd.2"], 1e-14)
    expect_gt(stats::sd(b[, "mean.1"]), 0)
  }
})

test_that("components are matched by the cheapest permutation", {
  match_of <- internal("cheapest_match")
  permutations <- function(n) {
    if (n == 1) return(matrix(1L))
    less <- permutations(n - 1)
    do.call(rbind, lapply(seq_len(n), function(i) cbind(i, matrix(setdiff(seq_len(n), i)[less], ncol = n - 1))))
  }
  set.seed(13)
  for (n in 2:6) {
    all <- permutations(n)
    for (turn in 1:8) {
      cost <- matrix(if (turn > 4) sample(0:3, n * n, TRUE) else rexp(n * n), n)
      best <- min(apply(all, 1, function(p) sum(cost[cbind(seq_len(n), p)])))
      found <- match_of(cost)
      expect_identical(sort(found), seq_len(n))
      expect_near(sum(cost[cbind(seq_len(n), found)]), best, 1e-12)
    }
  }
  set.seed(14)
  f <- emix(c(rnorm(50), rnorm(60, 4), rnorm(70, 8)), k = 3)
  marks <- internal("component_marks")(f, internal("curvature")(f))
  theta <- f$core$theta
  for (order in list(3:1, c(2, 3, 1))) {
    mixed <- as.vector(matrix(theta, 3)[order, ])
    expect_identical(internal("match_components")(mixed, marks), theta)
  }
  # Not where the user told components apart.
  held <- emix(f$x, k = 3, fixed = list(mean = c(8, NA, NA)), start = list(mean = c(8, 0, 4)))
  marks <- internal("component_marks")(held, internal("curvature")(held))
  mixed <- as.vector(matrix(held$core$theta, 3)[c(1, 3, 2), ])
  expect_identical(internal("match_components")(mixed, marks), held$core$theta)
  expect_identical(marks$group[2], marks$group[3])
  expect_false(marks$group[1] == marks$group[2])
})

test_that("percentile and BCa limits are those of plain R on the same replicates", {
  boot <- boot_of(15, fit, 199)
  r <- boot$replicates
  for (level in c(0.95, 0.8)) {
    a <- c((1 - level) / 2, (1 + level) / 2)
    plain <- t(apply(r, 2, function(v) sort(v)[round(200 * a)]))
    expect_near(confint(boot, level = level), plain, 1e-12)
  }
  bca <- confint(boot, level = 0.9, boot = "bca")
  # The acceleration by the jackknife: parameters without each row in turn.
  without <- t(vapply(seq_along(x), function(i) coef(emix(x[-i], k = 2, start = fit$parameters)), double(6)))
  d <- rep(colMeans(without), each = nrow(without)) - without
  jack <- colSums(d^3) / (6 * colSums(d^2)^1.5)
  curve <- internal("fit_covariance")(fit, "observed")
  influence <- internal("row_influence")(fit, curve)
  own <- internal("acceleration_of")(influence, internal("parameter_slopes")(curve))
  expect_lt(max(abs(own - jack)), 0.005)
  z0 <- qnorm(colMeans(r < rep(coef(fit), each = 199)))
  z <- qnorm(c(0.05, 0.95))
  for (j in 1:6) {
    p <- pnorm(z0[j] + (z0[j] + z) / (1 - own[j] * (z0[j] + z)))
    expect_near(bca[j, ], quantile(r[, j], p, type = 6), 1e-12)
  }
  expect_identical(rownames(confint(boot, "mean")), c("mean.1", "mean.2"))
  expect_identical(dimnames(bca), dimnames(confint(fit, level = 0.9)))
})

test_that("the influence of rows is exact: its sum is zero, its square the sandwich's", {
  w <- rep(1:2, 136)
  labels <- replace(rep(NA, 272), c(1, 2), c(2L, 1L))
  for (f in list(fit, emix(x, weights = w), emix(x, weights = w / 3), emix(x, labels = labels), emix(x, equal = "sd"),
    emix(x + 1e9), emix(cbind(heads, tails) ~ 1, data = coins, family = "binomial"))) {
    curve <- internal("fit_covariance")(f, "observed")
    u <- internal("row_influence")(f, curve)
    root <- sqrt(diag(curve$covariance))
    expect_lt(max(abs(colSums(u$weight * u$values)) / root), 1e-4)
    sandwich <- internal("fit_covariance")(f, "sandwich")$covariance
    expect_lt(max(abs(crossprod(u$values * sqrt(u$weight)) - sandwich) / outer(root, root)), 1e-5)
  }
})

test_that("vcov(), confint() and em_contrast() make the bootstrap that is asked for", {
  boot <- boot_of(16, fit, 60, "weighted")
  expect_identical({
    set.seed(16)
    vcov(fit, "bootstrap", replicates = 60, resample = "weighted")
  }, vcov(boot))
  expect_near(vcov(boot), stats::cov(boot$replicates), 1e-14)
  set.seed(16)
  expect_identical(confint(fit, "sd", method = "bootstrap", replicates = 60, resample = "weighted", boot = "bca"),
    confint(boot, "sd", boot = "bca"))
  gap <- function(p) c(gap = p$mean[[2]] - p$mean[[1]], whole = sum(p$prop * p$mean))
  d <- em_contrast(boot, gap)
  r <- boot$replicates
  each <- cbind(r[, 4] - r[, 3], r[, 1] * r[, 3] + r[, 2] * r[, 4])
  expect_near(attr(d, "vcov"), stats::cov(each), 1e-12)
  expect_near(d$std.error, apply(each, 2, stats::sd), 1e-12)
  expect_near(as.matrix(d[3:4]), t(apply(each, 2, quantile, c(0.025, 0.975), type = 6)), 1e-12)
  set.seed(16)
  expect_identical(em_contrast(fit, gap, type = "bootstrap", replicates = 60, resample = "weighted"), d)
  # A parameter as a function of itself.
  own <- em_contrast(boot, function(p) p$sd[[2]], boot = "bca")
  expect_near(unlist(own[3:4]), confint(boot, "sd.2", boot = "bca"), 1e-6)
})

test_that("BCa limits that replicates cannot give are said", {
  boot <- boot_of(22, fit, 30)
  boot$replicates[, "mean.1"] <- boot$estimate[["mean.1"]] + 1:30
  expect_warning(expect_warning(limits <- confint(boot, level = 0.9, boot = "bca"), "one side", class = "emix_warning_replicates"),
    "extreme", class = "emix_warning_replicates")
  expect_identical(unname(is.na(limits[, 1])), 1:6 == 3)
})

test_that("it survives saveRDS() and a check of what it is", {
  boot <- boot_of(17, fit, 30)
  file <- tempfile()
  on.exit(unlink(file))
  saveRDS(boot, file)
  again <- readRDS(file)
  expect_identical(again, boot)
  expect_identical(suppressWarnings(confint(again)), suppressWarnings(confint(boot)))
  expect_warning(confint(boot), class = "emix_warning_replicates")
  boot$replicates <- boot$replicates[, -1]
  expect_object_error(confint(boot))
  expect_object_error(em_contrast(boot, identity))
  expect_object_error(em_bootstrap(1))
})

test_that("failed and doubtful replicates are counted and said", {
  # A component of few rows: some samples lose it.
  set.seed(18)
  y <- c(rnorm(30), 8 + rnorm(4, 0, 0.4))
  f <- suppressWarnings(emix(y, k = 2))
  expect_warning(boot <- boot_of(19, f, 200, "nonparametric"), class = "emix_warning_replicates")
  counts <- table(boot$status)
  expect_identical(sum(counts), 200L)
  failed <- !boot$status %in% c("ok", "spurious", "not converged")
  expect_identical(is.na(boot$replicates[, 1]), failed)
  expect_output(print(boot), "not ok: ")
  expect_true(all(is.finite(vcov(boot))))
})

test_that("a parameter on a boundary has no bootstrap; the others have", {
  f <- emix(cbind(c(0, 0, 9, 8, 7), c(10, 10, 1, 2, 3)), family = "binomial")
  expect_identical(f$parameters$prob[[1]], 0)
  boot <- boot_of(20, f, 99)
  expect_warning(limits <- confint(boot), class = "emix_warning_boundary")
  expect_identical(unname(is.na(limits[, 1])), c(FALSE, FALSE, TRUE, FALSE))
})

test_that("wrong arguments", {
  expect_input_error(em_bootstrap(fit, 0), "replicates")
  expect_input_error(em_bootstrap(fit, 9, "jackknife"), "type")
  expect_input_error(em_bootstrap(fit, 9, size = 3), "size")
  expect_input_error(em_bootstrap(fit, control = list()), "control")
  expect_input_error(em_bootstrap(emix(x, control = em_control(estep = "hard")), 9), "fit")
  expect_input_error(em_bootstrap(emix(c(1, 2, 5, 6), k = 1, weights = rep(1e9, 4)), 9), "type")
  boot <- boot_of(21, fit, 9)
  expect_input_error(confint(boot, boot = "basic"), "boot")
  expect_input_error(confint(boot, "nu"), "parm")
  expect_input_error(confint(fit, method = "bootstrap", type = "sandwich"), "type")
  expect_input_error(confint(fit, method = "wald", boot = "bca"), "boot")
  expect_input_error(vcov(fit, replicates = 9), "replicates")
  expect_input_error(vcov(fit, "bootstrap", resample = "other"), "resample")
  expect_input_error(em_contrast(boot, identity, type = "observed"), "type")
  expect_input_error(em_contrast(boot, function(p) "a"), "fun")
  expect_input_error(print(boot, digits = 0), "digits")
})

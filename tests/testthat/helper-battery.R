# The laws that every family has to obey. A family's own test file calls expect_family() with
#
#   name     for the names of the tests
#   family   the argument `family` of emix()
#   oracle   its functions for oracle_em()
#   x        some dozens of rows, some of them equal
#   start    a start with prop, of k = 3 components, from which EM goes to a regular maximum
#   held     a list of lists: fixed (an argument `fixed` that agrees with k), df (then free)
#   shared   named numbers: degrees of freedom when that parameter is equal
#   df       degrees of freedom when all is free
#   whole    function(x, w): parameters and log-likelihood of one component, in closed form
#   truth    parameters of well separated components, the order that emix() numbers them in
#   draw     function(n): rows from `truth`
#   recover  how near estimates from 4,000 rows must come to the truth
#   values   rows of increasing response (and equal trial numbers) for density, cdf, quantile
#   line     FALSE where rows have no order, and so neither cdf nor quantile
#   chart    FALSE where the core has no free coordinates but accelerates by sums: standard errors are then compared elsewhere, and
#            runs end less far below the tolerance than Newton's steps do
#   discrete whether the density is a probability
expect_family <- function(spec) {
  battery_rows(spec)
  battery_engine(spec)
  battery_accelerated(spec)
  battery_oracle(spec)
  battery_constraints(spec)
  battery_labels(spec)
  battery_recovery(spec)
  battery_predict(spec)
  battery_saved(spec)
}

# By how much bounds on what is left at the end are wider where EM is accelerated by sums.
battery_slack <- function(spec) if (isFALSE(spec$chart)) 30 else 1

battery_steps <- function(spec, iterations = 20, x = spec$x, start = spec$start, ...) {
  emix_steps(x, iterations, k = length(start$prop), family = spec$family, start = start, ...)
}

battery_fit <- function(spec, x = spec$x, ...) {
  emix(x, k = length(spec$start$prop), family = spec$family, start = spec$start, ...)
}

battery_rows <- function(spec) {
  rows <- function(i) rows_of(spec$x, i)
  n <- NROW(spec$x)

  test_that(paste0(spec$name, ": n rows of weight 3 are 3 n rows"), {
    weighted <- battery_fit(spec, weights = rep(3, n))
    repeated <- battery_fit(spec, rows(rep(seq_len(n), each = 3)))
    expect_near(coef(weighted), coef(repeated), 1e-9)
    expect_near(weighted$loglik, repeated$loglik, 1e-10)
    expect_near(BIC(weighted), BIC(repeated), 1e-10)
    expect_equal(nobs(weighted), 3 * n)
  })

  test_that(paste0(spec$name, ": weights need not be whole; their scale moves no estimate"), {
    w <- (seq_len(n) %% 5 + 1) / 7
    one <- battery_steps(spec, weights = w)
    ten <- battery_steps(spec, weights = 10 * w)
    expect_near(coef(ten), coef(one))
    expect_near(ten$loglik, 10 * one$loglik)
  })

  test_that(paste0(spec$name, ": the order of rows does not matter"), {
    set.seed(20)
    mixed <- sample.int(n)
    w <- seq_len(n) %% 4 + 1
    a <- battery_steps(spec, weights = w)
    b <- battery_steps(spec, x = rows(mixed), weights = w[mixed])
    expect_near(coef(b), coef(a))
    expect_near(b$loglik, a$loglik)
    expect_near(predict(b), predict(a)[mixed, ])
  })

  test_that(paste0(spec$name, ": the order of rows does not matter to the default starts"), {
    a <- emix(spec$x, k = 3, family = spec$family)
    b <- emix(rows(rev(seq_len(n))), k = 3, family = spec$family)
    expect_near(b$loglik, a$loglik, 1e-7)
  })

  test_that(paste0(spec$name, ": rows of zero weight do nothing"), {
    w <- rep(1:2, length.out = n)
    a <- battery_steps(spec, weights = w)
    again <- rows(c(seq_len(n), 1, 1, n, 2))
    b <- battery_steps(spec, x = again, weights = c(w, 0, 0, 0, 0))
    expect_near(coef(b), coef(a), 1e-14)
    expect_near(c(b$loglik, BIC(b), nobs(b)), c(a$loglik, BIC(a), nobs(a)), 1e-14)
    expect_near(predict(b), predict(a)[c(seq_len(n), 1, 1, n, 2), ], 1e-14)
  })

  test_that(paste0(spec$name, ": a start in another order gives the components in that order"), {
    order <- c(3, 1, 2)
    a <- battery_steps(spec)
    b <- battery_steps(spec, start = permute(spec$start, order))
    expect_near(b$parameters, permute(a$parameters, order))
    expect_near(b$loglik, a$loglik)
    expect_near(predict(b), predict(a)[, order])
  })
}

battery_engine <- function(spec) {
  test_that(paste0(spec$name, ": condensing equal rows changes nothing but rounding"), {
    for (w in list(NULL, seq_len(NROW(spec$x)) %% 3)) {
      a <- battery_steps(spec, weights = w, control = list(condense = "auto"))
      b <- battery_steps(spec, weights = w, control = list(condense = "none"))
      expect_near(coef(a), coef(b))
      expect_near(a$loglik, b$loglik)
      expect_near(predict(a), predict(b))
    }
  })

  test_that(paste0(spec$name, ": 1 and 2 threads give the same bits"), {
    set.seed(21)
    x <- spec$draw(6000)
    fit <- function(threads, condense) {
      battery_steps(spec, 10, x, control = list(threads = threads, condense = condense))
    }
    for (condense in c("auto", "none")) {
      expect_identical(answer(fit(2, condense)), answer(fit(1, condense)))
      expect_identical(answer(fit(5, condense)), answer(fit(1, condense)))
    }
  })

  test_that(paste0(spec$name, ": the log-likelihood never falls"), {
    set.seed(22)
    for (x in list(spec$x, spec$draw(700))) {
      trace <- battery_steps(spec, 200, x, control = list(trace = TRUE))$trace
      expect_gte(min(diff(trace$loglik)), -1e-13 * abs(trace$loglik[1]))
    }
  })

  test_that(paste0(spec$name, ": the trace holds the start, every iterate and the fit"), {
    fit <- battery_steps(spec, 7, control = list(trace = TRUE))
    expect_identical(names(fit$trace), c("iteration", "kind", "loglik", names(coef(fit))))
    expect_equal(fit$trace$iteration, 0:7)
    expect_identical(as.character(fit$trace$kind), rep(c("start", "EM"), c(1, 7)))
    expect_near(fit$trace[1, -(1:3)], listed(spec$start[names(fit$parameters)]), 1e-15)
    expect_identical(unlist(fit$trace[8, -(1:3)]), coef(fit))
    expect_identical(fit$trace$loglik[8], fit$loglik)
    expect_null(battery_steps(spec, 7)$trace)
  })

  test_that(paste0(spec$name, ": set.seed() decides everything"), {
    fit <- function() {
      set.seed(4)
      emix(spec$x, k = 3, family = spec$family)
    }
    expect_identical(fit(), fit())
  })
}

battery_oracle <- function(spec) {
  test_that(paste0(spec$name, ": iterates are those of a plain EM"), {
    n <- NROW(spec$x)
    for (w in list(NULL, rep(1, n), (seq_len(n) %% 6) / 4)) {
      fit <- battery_steps(spec, 12, weights = w, control = list(trace = TRUE))
      oracle <- oracle_em(spec$x, spec$oracle, spec$start, 12, w)
      expect_near(fit$parameters, oracle$parameters)
      expect_near(fit$trace$loglik, oracle$trace)
      expect_near(predict(fit), oracle$posterior)
    }
  })

  test_that(paste0(spec$name, ": one component has a closed form"), {
    n <- NROW(spec$x)
    for (w in list(NULL, (seq_len(n) %% 6) / 4)) {
      fit <- emix(spec$x, k = 1, family = spec$family, weights = w)
      whole <- spec$whole(spec$x, if (is.null(w)) rep(1, n) else w)
      expect_near(fit$parameters, c(1, whole$parameters), 1e-12)
      expect_near(fit$loglik, whole$loglik, 1e-12)
      expect_equal(fit$df, if (is.null(whole$df)) length(whole$parameters) else whole$df)
      expect_true(fit$converged)
      expect_near(predict(fit), rep(1, n), 0)
    }
  })

  test_that(paste0(spec$name, ": at the end no EM step moves and the log-likelihood is right"), {
    fit <- battery_fit(spec)
    expect_true(fit$converged)
    oracle <- oracle_em(spec$x, spec$oracle, lapply(fit$parameters, unname), 1)
    expect_near(oracle$trace, rep(fit$loglik, 2), 1e-10)
    expect_near(oracle$parameters, fit$parameters, 1e-9 * battery_slack(spec))
  })
}

battery_constraints <- function(spec) {
  test_that(paste0(spec$name, ": degrees of freedom count free parameters"), {
    expect_equal(battery_steps(spec, 1)$df, spec$df)
    for (held in spec$held) expect_equal(battery_held(spec, held, 1)$df, held$df)
    for (block in names(spec$shared)) {
      expect_equal(battery_shared(spec, block, 1)$df, spec$shared[[block]])
    }
  })

  test_that(paste0(spec$name, ": fixed parameters stay exactly, the others are a plain EM's"), {
    for (held in spec$held) {
      fit <- battery_held(spec, held, 9)
      for (block in names(held$fixed)) {
        value <- held$fixed[[block]]
        at <- !is.na(value)
        expect_identical(unname(fit$parameters[[block]])[at], value[at])
      }
      oracle <- oracle_em(spec$x, spec$oracle, battery_start(spec, held), 9, fixed = held$fixed)
      expect_near(fit$parameters, oracle$parameters)
      expect_near(fit$loglik, oracle$loglik)
    }
  })

  test_that(paste0(spec$name, ": equal parameters are equal exactly, and a plain EM's"), {
    for (block in names(spec$shared)) {
      fit <- battery_shared(spec, block, 9)
      value <- matrix(fit$parameters[[block]], ncol = fit$k)
      expect_identical(value, matrix(value[, 1], nrow(value), fit$k))
      start <- spec$start
      start[[block]] <- common_value(start[[block]])
      oracle <- oracle_em(spec$x, spec$oracle, start, 9, equal = block)
      expect_near(fit$parameters, oracle$parameters)
      expect_near(fit$loglik, oracle$loglik)
    }
  })
}

# The start, made to agree with what is held; held proportions leave their room to the free.
battery_start <- function(spec, held) {
  start <- spec$start
  for (block in names(held$fixed)) {
    at <- !is.na(held$fixed[[block]])
    start[[block]][at] <- held$fixed[[block]][at]
    if (block == "prop" && any(!at)) {
      start$prop[!at] <- (1 - sum(start$prop[at])) * start$prop[!at] / sum(start$prop[!at])
    }
  }
  start
}

battery_held <- function(spec, held, iterations) {
  battery_steps(spec, iterations, start = battery_start(spec, held), fixed = held$fixed)
}

battery_shared <- function(spec, block, iterations) {
  start <- spec$start
  start[[block]] <- common_value(start[[block]])
  battery_steps(spec, iterations, start = start, equal = block)
}

battery_labels <- function(spec) {
  labels <- rep(NA_integer_, NROW(spec$x))
  labels[1:6] <- c(1L, 2L, 3L, 3L, 2L, 1L)

  test_that(paste0(spec$name, ": known rows stay in their components"), {
    fit <- battery_steps(spec, 12, labels = labels, control = list(trace = TRUE))
    expect_identical(unname(predict(fit)[1:6, ]), diag(3)[labels[1:6], ])
    expect_identical(as.integer(predict(fit, type = "class"))[1:6], labels[1:6])
    oracle <- oracle_em(spec$x, spec$oracle, spec$start, 12, labels = labels)
    expect_near(fit$parameters, oracle$parameters)
    expect_near(fit$trace$loglik, oracle$trace)
    expect_near(predict(fit), oracle$posterior)
  })

  test_that(paste0(spec$name, ": known rows condense and weigh like others"), {
    n <- NROW(spec$x)
    thrice <- rep(seq_len(n), each = 3)
    a <- battery_steps(spec, labels = labels, weights = rep(3, n))
    b <- battery_steps(spec, x = rows_of(spec$x, thrice), labels = labels[thrice])
    expect_near(coef(a), coef(b))
    expect_near(a$loglik, b$loglik)
  })
}

battery_recovery <- function(spec) {
  test_that(paste0(spec$name, ": a fit of a simulated sample finds the truth"), {
    set.seed(23)
    fit <- emix(spec$draw(4000), k = length(spec$truth$prop), family = spec$family)
    expect_true(fit$converged)
    expect_near(fit$parameters, spec$truth, spec$recover)
    again <- emix(simulate(fit, seed = 24)$sim_1, k = length(spec$truth$prop),
      family = spec$family)
    expect_near(again$parameters, spec$truth, spec$recover)
  })
}

battery_predict <- function(spec) {
  test_that(paste0(spec$name, ": posteriors sum to 1 and the class is their largest"), {
    fit <- battery_fit(spec)
    for (newdata in list(NULL, spec$values)) {
      p <- predict(fit, newdata)
      expect_near(rowSums(p), rep(1, nrow(p)), 1e-14)
      expect_gte(min(p), 0)
      best <- apply(p, 1, which.max)
      expect_identical(as.integer(predict(fit, newdata, "class")), unname(best))
      expect_identical(levels(predict(fit, newdata, "class")), colnames(p))
    }
    expect_near(predict(fit, spec$x), predict(fit), 1e-15)
    expect_near(sum(log(predict(fit, type = "density"))), fit$loglik, 1e-12)
  })

  test_that(paste0(spec$name, ": density, cdf and quantile are of one distribution"), {
    fit <- battery_fit(spec)
    joint <- oracle_joint(spec$values, fit$parameters, spec$oracle)
    density <- predict(fit, spec$values, "density")
    expect_near(density, rowSums(exp(joint)), 1e-13)
    if (isFALSE(spec$line)) {
      expect_input_error(predict(fit, spec$values, "quantile"), "type", "no order")
      return(invisible())
    }
    cdf <- predict(fit, spec$values, "cdf")
    expect_gte(min(diff(cdf)), 0)
    if (spec$discrete) {
      expect_near(diff(cdf), density[-1], 1e-12)
      expect_near(cdf[length(cdf)], 1, 1e-15)
    } else {
      step <- diff(spec$values)
      simpson <- (density[-1] + density[-length(density)]) / 2 * step
      expect_near(diff(cdf), simpson, max(step)^2)
    }
    p <- c(0.01, 0.3, 0.5, 0.9, 0.999)
    q <- predict(fit, rows_of(spec$values, 1), "quantile", p = p)
    if (spec$discrete) {
      expect_near(q, vapply(p, function(level) which(cdf >= level)[1] - 1, 0), 0)
    } else {
      expect_near(predict(fit, as.double(q), "cdf"), p, 1e-13)
    }
  })
}

battery_saved <- function(spec) {
  test_that(paste0(spec$name, ": a saved fit prints, predicts and updates in a fresh session"), {
    fit <- battery_fit(spec)
    file <- tempfile(fileext = ".rds")
    back <- tempfile(fileext = ".rds")
    on.exit(unlink(c(file, back)))
    saveRDS(fit, file)
    out <- in_fresh_session(c(
      sprintf("fit <- readRDS(%s)", deparse(file)),
      "loadNamespace(\"emix\")",
      "print(fit)",
      "new <- update(fit, k = 2)",
      sprintf("saveRDS(list(predict(fit), update(fit), new$k, logLik(fit)), %s)", deparse(back))
    ))
    expect_match(paste(out, collapse = "\n"), "Mixture of 3 ")
    read <- readRDS(back)
    expect_identical(read[[1]], predict(fit))
    expect_identical(answer(read[[2]]), answer(fit))
    expect_equal(read[[3]], 2)
    expect_identical(read[[4]], logLik(fit))
  })
}

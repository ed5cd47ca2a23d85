# Coverage of confidence limits: how often do nominal 95 % intervals hold the truth?
#
#   Rscript tools/bench/coverage.R [normal] [binomial] [mvnormal] [wald profile bootstrap ...] [--n=200,2000] [--replicates=1000]
#                                  [--bootstrap=499] [--level=0.95]
#
# See README.md.

usage <- paste("usage: coverage.R [normal] [binomial] [mvnormal] [wald] [profile] [parametric] [nonparametric] [weighted] [bca]",
  "[--n=200,2000] [--replicates=1000] [--bootstrap=499] [--level=0.95]")
file <- sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE)[1])
source(file.path(dirname(normalizePath(file)), "helpers.R"))

problems <- list(
  normal = list(truth = c(prop.1 = 0.4, prop.2 = 0.6, mean.1 = 0, mean.2 = 3, sd.1 = 1, sd.2 = 1),
    draw = function(n) {
      first <- runif(n) < 0.4
      rnorm(n, ifelse(first, 0, 3), 1)
    }, family = "normal"),
  binomial = list(truth = c(prop.1 = 0.4, prop.2 = 0.6, prob.1 = 0.3, prob.2 = 0.7),
    draw = function(n) {
      s <- rbinom(n, 20, ifelse(runif(n) < 0.4, 0.3, 0.7))
      cbind(s, 20 - s)
    }, family = "binomial"),
  # Two columns, about two and a half standard deviations apart; names as coef() has them.
  mvnormal = list(truth = c(prop.1 = 0.4, prop.2 = 0.6, mean.1.x1 = 0, mean.1.x2 = 0, mean.2.x1 = 3, mean.2.x2 = 1,
    cov.1.x1.x1 = 1, cov.1.x1.x2 = 0.5, cov.1.x2.x2 = 1, cov.2.x1.x1 = 2, cov.2.x1.x2 = -0.4, cov.2.x2.x2 = 0.5),
    draw = function(n) {
      first <- runif(n) < 0.4
      x <- matrix(rnorm(2 * n), n)
      x[first, ] <- x[first, ] %*% chol(matrix(c(1, 0.5, 0.5, 1), 2))
      x[!first, ] <- x[!first, ] %*% chol(matrix(c(2, -0.4, -0.4, 0.5), 2)) + rep(c(3, 1), each = sum(!first))
      x
    }, family = "mvnormal")
)

# Each takes a fit, the level and a function that gives a bootstrap of a type, made once for a fit.
methods <- list(
  wald = function(fit, level, boot) confint(fit, level = level),
  profile = function(fit, level, boot) confint(fit, level = level, method = "profile"),
  parametric = function(fit, level, boot) confint(boot("parametric"), level = level),
  nonparametric = function(fit, level, boot) confint(boot("nonparametric"), level = level),
  weighted = function(fit, level, boot) confint(boot("weighted"), level = level),
  bca = function(fit, level, boot) confint(boot("parametric"), level = level, boot = "bca")
)

# Not every family has all methods.
methods_of <- function(name, chosen) if (name == "mvnormal") setdiff(chosen, "profile") else chosen

has_profile <- function() {
  is.matrix(tryCatch(confint(emix::emix(faithful$waiting, k = 2), "mean", method = "profile"), error = function(e) NULL))
}

# 1 below the limits, 2 within, 3 above; NA where there are none.
place_of <- function(limits, truth) {
  2 - (truth < limits[, 1]) + (truth > limits[, 2])
}

one_sample <- function(seed, problem, n, chosen, settings) {
  set.seed(seed)
  x <- problem$draw(n)
  fit <- emix(x, k = 2, family = problem$family, control = em_control(threads = settings$threads, progress = FALSE))
  made <- list()
  boot <- function(type) {
    if (is.null(made[[type]])) made[[type]] <<- em_bootstrap(fit, settings$bootstrap, type)
    made[[type]]
  }
  vapply(chosen, function(method) {
    limits <- tryCatch(methods[[method]](fit, settings$level, boot), error = function(e) NULL)
    if (is.null(limits)) NA * problem$truth else place_of(limits, problem$truth)
  }, double(length(problem$truth)))
}

run <- function(name, n, chosen, settings) {
  problem <- problems[[name]]
  seeds <- 1000 * n + seq_len(settings$replicates)
  begun <- wall_now()
  each <- suppressWarnings(parallel::mclapply(seeds, one_sample, problem, n, chosen, settings, mc.cores = settings$processes))
  broken <- vapply(each, inherits, NA, "try-error")
  if (any(broken)) stop(each[broken][[1]])
  places <- array(unlist(each), c(length(problem$truth), length(chosen), length(each)))
  cat("\n", name, ", n = ", n, ", ", settings$replicates, " samples, ", settings$bootstrap, " bootstrap replicates, ",
    round(wall_now() - begun), " s\n", sep = "")
  error <- sqrt(settings$level * (1 - settings$level) / settings$replicates)
  cat("coverage in % (Monte Carlo standard error ", format(100 * error, digits = 2), "), then % of samples with the truth below and above the limits\n",
    sep = "")
  share <- function(which) round(100 * apply(places == which, 1:2, mean, na.rm = TRUE), 1)
  text <- matrix(sprintf("%5.1f (%.1f %.1f)", share(2), share(1), share(3)), length(problem$truth),
    dimnames = list(names(problem$truth), chosen))
  print(text, quote = FALSE, right = TRUE)
  lost <- rowSums(matrix(apply(is.na(places), 2:3, any), length(chosen)))
  if (any(lost > 0)) cat("samples without limits:", paste(chosen[lost > 0], lost[lost > 0], sep = " ", collapse = ", "), "\n")
}

main <- function(arguments) {
  words <- arguments[!startsWith(arguments, "--")]
  unknown <- setdiff(words, c(names(problems), names(methods)))
  if (length(unknown)) refuse(paste("not known:", unknown[1]))
  load_tools(list(emix = list(package = "emix")))
  library(emix)
  chosen <- intersect(names(methods), words)
  if (!length(chosen)) chosen <- names(methods)
  if ("profile" %in% chosen && !has_profile()) {
    cat("no profile limits in this version: left out\n")
    chosen <- setdiff(chosen, "profile")
  }
  which <- intersect(names(problems), words)
  if (!length(which)) which <- names(problems)
  sizes <- read_text(arguments, "n")
  sizes <- vapply(strsplit(if (is.null(sizes)) "200,2000" else sizes, ",")[[1]], read_number, 0)
  processes <- if (.Platform$OS.type == "windows") 1 else read_option(arguments, "processes", 2)
  settings <- list(replicates = read_option(arguments, "replicates", 1000), bootstrap = read_option(arguments, "bootstrap", 499),
    level = read_option(arguments, "level", 0.95), threads = 1, processes = processes)
  for (name in which) for (n in sizes) run(name, n, methods_of(name, chosen), settings)
}

main(commandArgs(TRUE))

# Speed of multivariate normal mixtures, beside other packages in one run. Run from the package root with emix installed:
#
#   Rscript tools/bench/speed-mv.R [iteration] [default] [threads] [evaluations] [memory]
#
# Without arguments all parts but memory's, which takes a minute. README.md beside this file says how to read the tables.
# One thread but in `threads`; CPU seconds but there. Peers that are not installed are left out; scikit-learn is asked
# through the program that the variable EMIX_BENCH_PYTHON names (default: python3).

usage <- "usage: Rscript tools/bench/speed-mv.R [iteration] [default] [threads] [evaluations] [memory]"

here <- sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE)[1])
source(file.path(dirname(here), "helpers.R"))
python <- Sys.getenv("EMIX_BENCH_PYTHON", "python3")

# ---- problems -----------------------------------------------------------------------------

# Overlapping components, so that no run comes to its end within the iterations that are timed.
draw_groups <- function(n, d, k, apart = 1.8, seed = 1) {
  set.seed(seed)
  centre <- matrix(rnorm(d * k), d) * apart / sqrt(d)
  group <- sample.int(k, n, replace = TRUE)
  list(x = t(centre[, group]) + matrix(rnorm(n * d), n), group = group)
}

memberships <- function(group, k) outer(group, seq_len(k), "==") + 0

start_of <- function(x, z) {
  n <- colSums(z)
  mean <- t(t(crossprod(x, z)) / n)
  cov <- vapply(seq_len(ncol(z)), function(j) {
    y <- sweep(x, 2L, mean[, j])
    crossprod(y * sqrt(z[, j])) / n[j]
  }, diag(ncol(x)))
  list(prop = n / nrow(x), mean = mean, cov = array(cov, c(ncol(x), ncol(x), ncol(z))))
}

# ---- one iteration --------------------------------------------------------------------------

emix_steps <- function(x, start, cov, steps, threads = 1, accelerate = FALSE) {
  control <- emix::em_control(max_iter = steps, accelerate = accelerate, condense = "none", threads = threads, progress = FALSE)
  suppressWarnings(emix::emix(x, k = length(start$prop), family = emix::mix_mvnormal(cov), start = start, control = control))
}

# Seconds of `steps` EM steps from memberships z. Each is asked twice, and the difference is of steps alone.
steppers <- list(
  # Steps are so short that many are needed to see them beside what a call takes.
  emix = list(package = "emix", many = 205L, run = function(x, z, cov, steps) {
    if (!cov %in% c("VVV", "EVE", "VVE", "EEV", "VEV", "EVV", "EEE", "VEE")) z <- z * 0.9 + 0.1 / ncol(z)
    emix_steps(x, start_of(x, z), cov, steps)
  }),
  mclust = list(package = "mclust", run = function(x, z, cov, steps) {
    mclust::me(x, modelName = cov, z = z, control = mclust::emControl(itmax = c(steps, steps), tol = c(0, 0)))
  }),
  Rmixmod = list(package = "Rmixmod", models = c(VVV = "Gaussian_pk_Lk_Ck", VVI = "Gaussian_pk_Lk_Bk", VII = "Gaussian_pk_Lk_I"),
    run = function(x, z, cov, steps, model) {
      strategy <- Rmixmod::mixmodStrategy(algo = "EM", nbTry = 1, initMethod = "label", labels = max.col(z),
        nbIterationInAlgo = steps, epsilonInAlgo = 1e-300)
      Rmixmod::mixmodCluster(as.data.frame(x), nbCluster = ncol(z), models = Rmixmod::mixmodGaussianModel(listModels = model),
        strategy = strategy)
    })
)

# ns per row, component and iteration.
price <- function(tool, x, z, cov, few = 5L, many = if (is.null(tool$many)) 15L else tool$many, repeats = 2L) {
  run <- function(steps) {
    if (is.null(tool$models)) return(tool$run(x, z, cov, steps))
    tool$run(x, z, cov, steps, tool$models[[cov]])
  }
  seconds <- function(steps) min(replicate(repeats, time_within(silently(suppressWarnings(run(steps))), 300)$seconds))
  more <- seconds(many) - seconds(few)
  # A tool that has stopped early, or noise: no figure.
  if (more > 0) more / (many - few) / nrow(x) / ncol(z) * 1e9 else NA
}

sklearn_types <- c(VVV = "full", VVI = "diag", VII = "spherical")

# The same through a program of its own, which reads the rows from a file.
sklearn_price <- function(x, z, cov) {
  script <- c(
    "import sys, time, warnings, numpy as np", "from sklearn.mixture import GaussianMixture", "warnings.simplefilter('ignore')",
    "n, d, k, kind, file = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4], sys.argv[5]",
    "x = np.ascontiguousarray(np.fromfile(file).reshape(d, n).T)", "means = np.fromfile(file + '.mean').reshape(k, d)",
    "def seconds(steps):",
    "    m = GaussianMixture(k, covariance_type=kind, tol=0, max_iter=steps, means_init=means, init_params='random', random_state=1)",
    "    t = time.process_time(); m.fit(x); return time.process_time() - t",
    "few, many = min(seconds(5) for i in range(3)), min(seconds(15) for i in range(3))",
    "print((many - few) / 10 / n / k * 1e9)"
  )
  as.numeric(ask_python(script, x, c(ncol(z), sklearn_types[[cov]]), start_of(x, z)$mean))
}

ask_python <- function(script, x, arguments, mean = NULL) {
  files <- tempfile(c("script", "rows"))
  on.exit(unlink(c(files, paste0(files[2], ".mean"))))
  writeLines(script, files[1])
  writeBin(as.double(x), files[2])
  if (!is.null(mean)) writeBin(as.double(mean), paste0(files[2], ".mean"))
  environment <- c("OMP_NUM_THREADS=1", "OPENBLAS_NUM_THREADS=1")
  text <- tryCatch(suppressWarnings(system2(python, c(files[1], nrow(x), ncol(x), arguments, files[2]), stdout = TRUE, stderr = FALSE,
    env = environment)), error = function(e) character())
  if (length(text)) text[length(text)] else NA
}

iteration_table <- function() {
  tools <- load_tools(steppers)
  sizes <- data.frame(d = c(2, 5, 10, 20, 50, 10, 10), n = c(1e5, 1e5, 1e5, 1e5, 2e4, 1e5, 1e5),
    cov = c("VVV", "VVV", "VVV", "VVV", "VVV", "VVI", "VII"))
  cat("\nOne EM iteration, k = 5, one thread: ns per row and component\n\n")
  rows <- lapply(seq_len(nrow(sizes)), function(i) {
    size <- sizes[i, ]
    data <- draw_groups(size$n, size$d, 5L)
    z <- memberships(data$group, 5L)
    each <- vapply(tools, price, 0, x = data$x, z = z, cov = size$cov)
    each <- c(each, "scikit-learn" = sklearn_price(data$x, z, size$cov))
    peers <- each[-1L]
    data.frame(d = size$d, n = size$n, cov = size$cov, t(round(each, 1)), "best peer / emix" = round(min(peers, na.rm = TRUE) / each[["emix"]], 1),
      "mclust / emix" = round(each[["mclust"]] / each[["emix"]], 1), check.names = FALSE)
  })
  print(do.call(rbind, rows), row.names = FALSE)
}

# ---- default fits ---------------------------------------------------------------------------

default_table <- function(n = 1e5, d = 10L, k = 5L) {
  cat(sprintf("\nDefault fits, n = %g, d = %d, k = %d: CPU seconds and log-likelihood\n\n", n, d, k))
  data <- draw_groups(n, d, k)
  x <- data$x
  options(emix.threads = 1)
  own <- time_within(emix::emix(x, k = k), 600)
  cat(sprintf("%-28s %8.2f s %18.4f\n", "emix(x, k)", own$seconds, own$value$loglik))
  if (requireNamespace("mclust", quietly = TRUE)) {
    suppressPackageStartupMessages(library(mclust))
    other <- time_within(mclust::Mclust(x, G = k, verbose = FALSE), 3000)
    full <- time_within(mclust::Mclust(x, G = k, modelNames = "VVV", verbose = FALSE), 3000)
    cat(sprintf("%-28s %8.2f s %18.4f (%s), %.1f times\n", "Mclust(x, G)", other$seconds, other$value$loglik, other$value$modelName,
      other$seconds / own$seconds))
    cat(sprintf("%-28s %8.2f s %18.4f, %.1f times\n", "Mclust(x, G, \"VVV\")", full$seconds, full$value$loglik, full$seconds / own$seconds))
  }
  script <- c("import sys, time, numpy as np", "from sklearn.mixture import GaussianMixture",
    "n, d, k, file = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]",
    "x = np.ascontiguousarray(np.fromfile(file).reshape(d, n).T)", "t = time.process_time()",
    "m = GaussianMixture(k, random_state=1).fit(x)", "print(time.process_time() - t, m.score(x) * n)")
  text <- ask_python(script, x, k)
  if (!is.na(text)) {
    figures <- scan(text = text, quiet = TRUE)
    cat(sprintf("%-28s %8.2f s %18.4f, %.1f times\n", "GaussianMixture(k).fit(x)", figures[1], figures[2], figures[1] / own$seconds))
  }
}

# ---- threads --------------------------------------------------------------------------------

threads_table <- function(n = 2e5, d = 10L, k = 5L) {
  data <- draw_groups(n, d, k)
  start <- start_of(data$x, memberships(data$group, k))
  seconds <- function(threads) min(replicate(5, time_within(emix_steps(data$x, start, "VVV", 300L, threads), 600, wall_now)$seconds))
  one <- seconds(1)
  two <- seconds(2)
  same <- identical(coef(emix_steps(data$x, start, "VVV", 30L, 1)), coef(emix_steps(data$x, start, "VVV", 30L, 2)))
  cat(sprintf("\n300 iterations, n = %g, d = %d, k = %d, on the wall: one thread %.3f s, two %.3f s: %.2f times; same bits: %s\n",
    n, d, k, one, two, one / two, same))
}

# ---- evaluations ----------------------------------------------------------------------------

# Walks over the rows to a decrement of 1e-8, against plain EM's to the same height from the same start.
evaluations_table <- function() {
  cat("\nEvaluations from the same start to the same maximum (plain: EM's to 1e-8 of it)\n\n")
  cases <- expand.grid(cov = c("VVV", "EEE", "VEV", "VVI"), apart = c(1.5, 2.5), d = c(2, 5, 10), stringsAsFactors = FALSE)
  rows <- lapply(seq_len(nrow(cases)), function(i) {
    one <- cases[i, ]
    data <- draw_groups(5000, one$d, 4L, one$apart, seed = i)
    set.seed(i)
    start <- start_of(data$x, memberships(stats::kmeans(data$x, 4L, iter.max = 50)$cluster, 4L))
    if (one$cov == "VVI") start$cov[] <- start$cov * as.vector(diag(one$d))
    fast <- emix_steps(data$x, start, one$cov, 5000L, accelerate = TRUE)
    control <- emix::em_control(max_iter = 20000, accelerate = FALSE, condense = "none", trace = TRUE, threads = 1)
    plain <- suppressWarnings(emix::emix(data$x, k = 4, family = emix::mix_mvnormal(one$cov), start = start, control = control))
    reached <- which(plain$trace$loglik >= plain$loglik - 1e-8)[1L]
    data.frame(one, emix = fast$convergence$evaluations, plain = reached, ratio = round(reached / fast$convergence$evaluations, 1),
      difference = signif(fast$loglik - plain$loglik, 2))
  })
  table <- do.call(rbind, rows)
  print(table, row.names = FALSE)
  cat(sprintf("\nmedian ratio %.1f\n", stats::median(table$ratio)))
}

# ---- memory ---------------------------------------------------------------------------------

memory_table <- function(n = 1e6, d = 10L, k = 10L) {
  figures <- peaks_of_child(as.vector(draw_groups(n, d, k)$x), c(d, k), 1)
  cat(sprintf("\nPeak memory above the data, default fit, n = %g, d = %d, k = %d: process %.1f MB, R heap %.1f MB (the data: %.0f MB)\n",
    n, d, k, figures[["process"]], figures[["heap"]], 8 * n * d / megabyte))
}

parts <- list(iteration = iteration_table, default = default_table, threads = threads_table, evaluations = evaluations_table,
  memory = memory_table)
arguments <- commandArgs(trailingOnly = TRUE)
if (length(arguments) && arguments[1] == "child") {
  d <- as.integer(arguments[3])
  k <- as.integer(arguments[4])
  shaped <- function(x) {
    dim(x) <- c(length(x) %/% d, d)
    x
  }
  control <- emix::em_control(threads = 1, progress = FALSE)
  print_peaks_of_matrix(arguments[2], shaped, function(x) emix::emix(x, k = k, control = control), draw_groups(1e4, d, k)$x)
} else {
  if (!length(arguments)) arguments <- setdiff(names(parts), "memory")
  if (!all(arguments %in% names(parts))) stop(usage, call. = FALSE)
  for (part in arguments) parts[[part]]()
}

# Default fits of multivariate normal mixtures on a panel of problems, beside other packages: is the maximum at least as
# high, with every seed, and at what cost?
#
#   Rscript tools/bench/panel-mv.R [seeds=3] [only=<pattern>]
#
# A line per problem: the best log-likelihood known here, by how much emix's worst seed is below it, how many seeds met
# it (within 1e-4), and each peer's difference from emix's first seed (negative: below emix), with CPU seconds.
library(emix)
suppressPackageStartupMessages(library(mclust))

arguments <- commandArgs(trailingOnly = TRUE)
option <- function(name, default) {
  found <- grep(paste0("^", name, "="), arguments, value = TRUE)
  if (length(found)) sub("^[^=]*=", "", found[1L]) else default
}
seeds <- as.integer(option("seeds", "3"))
only <- option("only", "")
same <- 1e-4

cpu <- function() sum(proc.time()[c("user.self", "sys.self", "user.child", "sys.child")])

timed <- function(expr) {
  begun <- cpu()
  value <- tryCatch(suppressWarnings(expr), error = function(e) NULL)
  list(value = value, seconds = cpu() - begun)
}

# ---- problems -----------------------------------------------------------------------------

from_package <- function(package, name, columns) {
  place <- new.env()
  utils::data(list = name, package = package, envir = place)
  data.matrix(place[[name]])[, columns]
}

# n rows of k components in d columns: shares `prop`, centres at random `apart` sds from each other, covariances of random
# axes with sds between 1 and `long`; t-distributed with `df` where that is finite.
draw <- function(seed, n, d, k, apart, long = 1, prop = rep(1, k), df = Inf) {
  set.seed(seed)
  z <- sample.int(k, n, replace = TRUE, prob = prop)
  centre <- matrix(rnorm(k * d), k) * apart / sqrt(2 * d)
  x <- matrix(0, n, d)
  for (j in seq_len(k)) {
    axes <- qr.Q(qr(matrix(rnorm(d * d), d)))
    root <- t(axes) * exp(runif(d, 0, log(long)))
    y <- matrix(rnorm(sum(z == j) * d), ncol = d)
    if (is.finite(df)) y <- y / sqrt(rchisq(nrow(y), df) / df)
    x[z == j, ] <- y %*% root + rep(centre[j, ], each = sum(z == j))
  }
  x
}

nested <- function() {
  set.seed(5)
  rbind(matrix(rnorm(1200), ncol = 3), matrix(rnorm(600, sd = 5), ncol = 3), matrix(rnorm(150, 1, 0.3), ncol = 3))
}

problem <- function(x, k, cov = "VVV") list(x = x, k = k, cov = cov)
real <- list(
  iris = function() as.matrix(iris[, 1:4]), faithful = function() as.matrix(faithful),
  crabs = function() from_package("MASS", "crabs", 4:8), diabetes = function() from_package("mclust", "diabetes", 2:4),
  thyroid = function() from_package("mclust", "thyroid", 2:6), banknote = function() from_package("mclust", "banknote", 2:7),
  wreath = function() from_package("mclust", "wreath", 1:2), quakes = function() as.matrix(quakes[, 1:4])
)
panel <- list(
  "iris 3" = function() problem(real$iris(), 3), "iris 2" = function() problem(real$iris(), 2),
  "iris 4 VEV" = function() problem(real$iris(), 4, "VEV"), "faithful 2" = function() problem(real$faithful(), 2),
  "faithful 3 EEE" = function() problem(real$faithful(), 3, "EEE"), "crabs 4 EEV" = function() problem(real$crabs(), 4, "EEV"),
  "crabs 4" = function() problem(real$crabs(), 4), "diabetes 3" = function() problem(real$diabetes(), 3),
  "diabetes 4 VVE" = function() problem(real$diabetes(), 4, "VVE"), "thyroid 3 VVI" = function() problem(real$thyroid(), 3, "VVI"),
  "banknote 3 VVE" = function() problem(real$banknote(), 3, "VVE"), "wreath 9" = function() problem(real$wreath(), 9),
  "wreath 14 EEV" = function() problem(real$wreath(), 14, "EEV"), "quakes 5" = function() problem(real$quakes(), 5),
  "overlap d2 k4" = function() problem(draw(1, 1000, 2, 4, 3, 2), 4), "overlap d5 k5" = function() problem(draw(2, 2000, 5, 5, 4, 3), 5),
  "overlap d10 k3" = function() problem(draw(3, 2000, 10, 3, 3, 3), 3), "apart d20 k6" = function() problem(draw(4, 4000, 20, 6, 8, 3), 6),
  "long d3 k6" = function() problem(draw(6, 1500, 3, 6, 8, 20), 6), "long d6 k4" = function() problem(draw(7, 1500, 6, 4, 5, 10), 4),
  "unequal d4 k4" = function() problem(draw(8, 2000, 4, 4, 6, 3, c(50, 10, 3, 1)), 4),
  "unequal d2 k6" = function() problem(draw(9, 3000, 2, 6, 7, 4, c(50, 20, 10, 5, 2, 1)), 6),
  "nested k3" = function() problem(nested(), 3), "tails d3 k3" = function() problem(draw(10, 1200, 3, 3, 6, 2, df = 4), 3),
  "tails d4 k6" = function() problem(draw(11, 2000, 4, 6, 8, 2, df = 5), 6),
  "spheres d3 k8 EII" = function() problem(draw(12, 2000, 3, 8, 5), 8, "EII"),
  "spheres d8 k9 VII" = function() problem(draw(13, 2000, 8, 9, 6), 9, "VII"),
  "common d4 k7 EEE" = function() problem(draw(14, 2000, 4, 7, 5), 7, "EEE"),
  "axes d5 k4 VVI" = function() problem(draw(15, 1000, 5, 4, 4, 3), 4, "VVI"),
  "large d10 k5" = function() problem(draw(16, 1e5, 10, 5, 4, 3), 5), "large d3 k8" = function() problem(draw(17, 5e4, 3, 8, 6, 4), 8)
)

# ---- peers: log-likelihood of a fit ----------------------------------------------------------

python_fit <- function(p) {
  kinds <- c(VVV = "full", EEE = "tied", VVI = "diag", VII = "spherical")
  if (!p$cov %in% names(kinds) || !nzchar(Sys.which("python3"))) return(NULL)
  file <- tempfile()
  writeBin(as.double(t(p$x)), file)
  code <- sprintf(paste("import numpy as n,time;from sklearn.mixture import GaussianMixture as G",
    "x=n.fromfile('%s').reshape(%d,%d)", "t=time.process_time();g=G(%d,covariance_type='%s',random_state=1).fit(x)",
    "print(g.score(x)*len(x),time.process_time()-t)", sep = "\n"), file, nrow(p$x), ncol(p$x), p$k, kinds[[p$cov]])
  out <- suppressWarnings(system2("env", c("OMP_NUM_THREADS=1", "OPENBLAS_NUM_THREADS=1", "python3", "-c", shQuote(code)),
    stdout = TRUE, stderr = FALSE))
  value <- if (length(out)) scan(text = out[length(out)], quiet = TRUE)
  if (length(value) == 2L) list(value = value[1L], seconds = value[2L])
}

peers <- list(
  mclust = function(p) timed({
    fit <- Mclust(p$x, G = p$k, modelNames = p$cov, verbose = FALSE)
    if (is.null(fit)) NA else fit$loglik
  }),
  mixtools = function(p) if (p$cov == "VVV" && nrow(p$x) <= 2000 && requireNamespace("mixtools", quietly = TRUE)) timed({
    set.seed(1)
    utils::capture.output(fit <- mixtools::mvnormalmixEM(p$x, k = p$k, maxit = 500))
    max(fit$loglik)
  }),
  Rmixmod = function(p) if (p$cov == "VVV" && requireNamespace("Rmixmod", quietly = TRUE)) timed({
    fit <- Rmixmod::mixmodCluster(as.data.frame(p$x), p$k, models = Rmixmod::mixmodGaussianModel(listModels = "Gaussian_pk_Lk_Ck"), seed = 1)
    fit@bestResult@likelihood
  }),
  sklearn = python_fit
)

# ---- run --------------------------------------------------------------------------------------

show_peer <- function(found, own) {
  if (is.null(found) || is.null(found$value)) return(sprintf("%18s", "-"))
  sprintf("%10.2f %6.2fs", found$value - own, found$seconds)
}

cat(sprintf("%-18s %6s %3s %12s %9s %5s %7s %3s | %18s %18s %18s %18s\n", "problem", "n", "d", "best", "worst", "hits", "cpu", "", names(peers)[1],
  names(peers)[2], names(peers)[3], names(peers)[4]))
for (name in grep(only, names(panel), value = TRUE)) {
  p <- panel[[name]]()
  own <- lapply(seq_len(seeds), function(seed) {
    set.seed(seed)
    timed(emix(p$x, k = p$k, family = mix_mvnormal(p$cov)))
  })
  value <- vapply(own, function(o) if (is.null(o$value)) NA_real_ else o$value$loglik, 0)
  flag <- if (any(vapply(own, function(o) isTRUE(o$value$convergence$spurious), NA))) "s" else ""
  found <- lapply(peers, function(peer) peer(p))
  best <- max(value, na.rm = TRUE)
  cat(sprintf("%-18s %6d %3d %12.3f %9.4f %2d/%-2d %6.3fs %3s | %s\n", name, nrow(p$x), ncol(p$x), best, min(value) - best,
    sum(value > best - same, na.rm = TRUE), seeds, stats::median(vapply(own, `[[`, 0, "seconds")), flag,
    paste(vapply(found, show_peer, "", own = value[1L]), collapse = " ")))
}

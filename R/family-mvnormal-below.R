# The distribution function of multivariate normal components: P(X <= q), in every column. Its integrals are those of the suggested
# package mvtnorm: of two and three columns to some 1e-10 (Genz 2004), of more by quasi-Monte Carlo to some 1e-6 (Genz & Bretz 2009),
# from a seed of its own, so that the same rows have the same values and R's generator is left as it was.

mvnormal_below <- function(q, par) {
  if (!requireNamespace("mvtnorm", quietly = TRUE)) {
    emix_stop("package", "Distribution functions of several columns need the package mvtnorm: install it.")
  }
  sd <- sqrt(diag(par$cov))
  correlation <- par$cov / outer(sd, sd)
  z <- (q - rep(par$mean, each = nrow(q))) / rep(sd, each = nrow(q))
  with_seed(1L, vapply(seq_len(nrow(z)), function(i) orthant(z[i, ], correlation), 0))
}

# Columns without a value, or without a bound, are left out.
orthant <- function(z, correlation) {
  at <- which(!is.na(z) & z < Inf)
  z <- z[at]
  if (any(z == -Inf)) return(0)
  if (length(at) < 2L) return(if (length(at)) stats::pnorm(z) else 1)
  way <- if (length(at) < 4L) mvtnorm::TVPACK(1e-10) else mvtnorm::GenzBretz(maxpts = 1e5, abseps = 1e-7)
  value <- mvtnorm::pmvnorm(upper = z, corr = correlation[at, at], algorithm = way)
  min(max(as.double(value), 0), 1)
}

# The value of code that draws numbers, from a seed; R's generator is put back.
with_seed <- function(seed, code) {
  if (!exists(".Random.seed", envir = globalenv(), inherits = FALSE)) stats::runif(1)
  before <- get(".Random.seed", envir = globalenv())
  on.exit(assign(".Random.seed", before, envir = globalenv()))
  set.seed(seed, "default", "default", "default")
  force(code)
}

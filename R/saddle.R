# Ends where every step has come to rest, but not at a maximum: where data and start are symmetric, nothing leads off the
# symmetry, though the likelihood curves upwards across it. Families with scores see that in their information matrix. Of
# the others the curvature is asked along some directions in the space of the sums (src/secant.h): with f(x) = G(x) - x and
# A = -f', a negative eigenvalue of A is a saddle. Lanczos's method (Golub & Van Loan 2013, 10.1) in the scalar product
# <u, v> = u . e'(v), in which A is self-adjoint, finds the smallest within a few turns. It begins with how the sums change
# when rows have other weights, which no symmetry of the rows survives.

# Turns; curvature below which it is a saddle, in parts of complete information's; differences, in parts of a row's spread;
# and how far ways lead off a saddle, in the same.
saddle_turns <- 10L
saddle_curve <- -0.01
saddle_part <- 1e-4
saddle_ways <- c(0.3, -0.3, 0.05, -0.05)

# Weights from 0 to 2, by a rule that no order of the rows is likely to follow.
uneven_weights <- function(n) 2 * ((seq_len(n) * (sqrt(5) - 1) / 2) %% 1)

# What becomes of the sums about theta's centres, other parts of it in each component: no symmetry of theirs survives either.
uneven_direction <- function(problem, theta) {
  data <- problem$data
  whole <- .Call(C_emix_step, data, problem$model, 1L, theta)
  data$weight <- or_default(data$weight, rep(1, NROW(data$x))) * uneven_weights(NROW(data$x))
  uneven <- .Call(C_emix_step, data, problem$model, 1L, theta)
  if (whole$status != 0L || uneven$status != 0L) return(NULL)
  k <- problem$spec$k
  parts <- 1 + uneven_weights(k)
  (uneven$sums - whole$sums)[-1L] * c(parts, rep(parts, each = length(whole$sums[-1L]) / k - 1))
}

# A direction v as long as `part` of all rows: v, A v, e'(v) and theta'(v), all by its length, theta'(v)
# by that part of all rows' spread; NULL where it has none.
along_direction <- function(problem, theta, v, part = saddle_part) {
  differ <- function(v, part, walk) {
    .Call(C_emix_differ, problem$data, problem$model, few_threads(problem, 1), theta, v, list(part = part, walk = walk, expect = TRUE, at = NULL))
  }
  first <- differ(v, part, FALSE)
  length <- if (first$status == 0L) sqrt(max(0, sum(v * first$natural))) else 0
  if (!is.finite(length) || length == 0) return(NULL)
  v <- v / length
  total <- sum(first$sums[seq_len(problem$spec$k)])
  found <- differ(v, part * sqrt(total), TRUE)
  if (found$status != 0L) return(NULL)
  list(v = v, a = v - as.vector(found$found), e = as.vector(found$natural), theta = as.vector(found$parameters) * sqrt(total),
    size = sqrt(total))
}

# The direction of least curvature, as long as all rows' spread: list(v, curve); NULL where none can be told.
least_curved <- function(problem, theta) {
  v <- uneven_direction(problem, theta)
  chain <- list()
  while (length(chain) < saddle_turns && !is.null(v)) {
    at <- along_direction(problem, theta, v)
    if (is.null(at)) break
    size <- at$size
    chain <- c(chain, list(at))
    v <- at$a * at$size
    for (twice in 1:2) for (q in chain) v <- v - sum(q$e * v) * q$v
    if (sqrt(sum(v^2)) <= 1e-6 * at$size * sqrt(sum(at$v^2))) break
  }
  if (!length(chain)) return(NULL)
  curves <- crossprod(vapply(chain, `[[`, v * 0, "e"), vapply(chain, `[[`, v * 0, "a"))
  if (!all(is.finite(curves))) return(NULL)
  parts <- eigen((curves + t(curves)) / 2, symmetric = TRUE)
  last <- length(chain)
  list(v = size * as.vector(vapply(chain, `[[`, v * 0, "v") %*% parts$vectors[, last]), curve = parts$values[last])
}

# The direction in which theta is at a saddle, as along_direction() has it; NULL: at none. Asked of a part of the rows; all
# have the last word.
saddle_direction <- function(problem, theta) {
  small <- part_of(problem)
  least <- least_curved(small, theta)
  if (is.null(least) || !(least$curve < saddle_curve)) return(NULL)
  at <- along_direction(problem, theta, least$v)
  if (!is.null(at) && sum(at$e * at$a) < saddle_curve) at
}

# A run that ended at a saddle goes on from there, either way. Where no way leads higher, it has not converged.
leave_saddle <- function(run, problem, rounds = 3L) {
  spec <- problem$spec
  apt <- of_columns(spec) && spec$k > 1L && spec$k <= most_led && !problem$model$hard
  for (round in seq_len(rounds)) {
    if (!apt || run$status != 0L || !run$converged || count_core_sums(problem) > most_saddle_sums) return(run)
    at <- saddle_direction(problem, run$theta)
    if (is.null(at)) return(run)
    again <- if (problem$control$accelerate) leave_along(at$theta, run, problem)
    if (is.null(again)) {
      run[c("converged", "gain")] <- list(FALSE, Inf)
      return(run)
    }
    run <- leave_ridge(again, problem)
  }
  run
}

# More sums than these are not asked: their M-steps take long.
most_saddle_sums <- 500L

count_core_sums <- function(problem) {
  d <- problem$data$columns
  problem$spec$k * (1L + d + if (problem$model$options[1L] < 6) d else d * (d + 1L) / 2)
}

# The first way that leads higher, after an EM step that makes its beginning legal.
leave_along <- function(direction, run, problem) {
  for (way in saddle_ways) {
    begun <- .Call(C_emix_step, problem$data, problem$model, 1L, run$theta + way * direction)
    if (begun$status != 0L) next
    again <- run_em(problem, begun$theta, problem$control$trace)
    if (again$status != 0L || !(again$objective > run$objective + same_maximum * problem$unit)) next
    again$spurious <- spurious_runs(again, problem)
    if (again$spurious && !isTRUE(run$spurious)) next
    again[c("iterations", "evaluations")] <- Map(`+`, again[c("iterations", "evaluations")], run[c("iterations", "evaluations")])
    return(utils::modifyList(run, c(again, list(from = begun$theta))))
  }
  NULL
}

# How much multivariate normal components overlap: see family-overlap.R for the numbers.
#
# Pairs. Let x = m_i + L_i z be of component i, L_j^-1 L_i = V diag(s) U' and e = V' L_j^-1 (m_i - m_j). With y = U'z
#   2 log(prop_i f_i / (prop_j f_j)) = sum (s_r^2 - 1) y_r^2 + 2 s_r e_r y_r + e_r^2 - 2 log s_r + 2 log(prop_i / prop_j),
# a quadratic function of independent standard normal variables, whose distribution family-mvnormal-quadratic.R has.
#
# All. The rule depends on x only through directions in which components differ: what they have in common is projected out. Of one
# direction left everything is exact (the univariate family's), and so is the confusion of two components, omega. Else shares of
# lines through m_i in directions v are averaged: along x = m_i + r L_i v all log densities are quadratic in r, so that the regions are
# intervals, whose probabilities a chi distribution gives. Of two directions left that is an integral over an angle; of more, v are spread
# evenly, and what is simulated is only which part of omega[i, j] is lost to third components:
#   confusion[i, j] = omega[i, j] mean(share where j is ahead of all) / mean(share where j is ahead of i).
#
# In here a mixture has prop, mean (a column per component) and root: by component the triangular R_j, cov_j = R_j'R_j, L_j = R_j'.

mvnormal_overlap <- function(parameters, x, weights) {
  p <- essential_part(common_units(parameters))
  k <- length(p$prop)
  if (nrow(p$mean) == 1L) {
    found <- normal_overlap(list(prop = p$prop, mean = drop(p$mean), sd = abs(unlist(p$root))), x, weights)
    return(c(found, list(confusion_se = matrix(0, k, k), error_se = 0)))
  }
  omega <- matrix(0, k, k)
  overlap <- diag(k)
  for (i in seq_len(k)) for (j in seq_len(k)[-i]) {
    odds <- log_odds(p$prop, i, j)
    same <- same_component(p, i, j)
    omega[i, j] <- if (same) as.double(odds < 0) else pair_chance(p, i, j, odds)
    if (i < j) overlap[i, j] <- overlap[j, i] <- if (same) 1 else min(pair_chance(p, i, j, 0) + pair_chance(p, j, i, 0), 1)
  }
  c(list(omega = omega, overlap = overlap), multi_confusion(p, omega))
}

log_odds <- function(prop, i, j) if (prop[i] == prop[j]) 0 else log(prop[i]) - log(prop[j])

# In units of each column's largest standard deviation, about the first component's mean.
common_units <- function(p) {
  d <- nrow(p$mean)
  k <- length(p$prop)
  sd <- matrix(vapply(seq_len(k), function(j) sqrt(diag(matrix(p$cov[, , j], d))), double(d)), d)
  unit <- apply(sd, 1L, max)
  root <- lapply(seq_len(k), function(j) chol(stats::cov2cor(matrix(p$cov[, , j], d))) * rep(sd[, j] / unit, each = d))
  list(prop = as.vector(p$prop), mean = pmax(pmin(unname((p$mean - p$mean[, 1L]) / unit), 1e100), -1e100), root = root)
}

same_component <- function(p, i, j) identical(p$mean[, i], p$mean[, j]) && identical(p$root[[i]], p$root[[j]])

# Component j as seen from i: s, V, U and e as above.
seen_from <- function(p, i, j) {
  gap <- backsolve(p$root[[j]], p$mean[, i] - p$mean[, j], transpose = TRUE)
  if (identical(p$root[[i]], p$root[[j]])) {
    d <- length(gap)
    return(list(s = rep(1, d), u = diag(d), e = gap))
  }
  found <- svd(backsolve(p$root[[j]], t(p$root[[i]]), transpose = TRUE))
  list(s = found$d, u = found$v, e = drop(crossprod(found$u, gap)))
}

# P_i(prop_i f_i < prop_j f_j), `odds` the log of prop_i / prop_j.
pair_chance <- function(p, i, j, odds) {
  if (!is.finite(odds)) return(as.double(odds < 0))
  q <- seen_from(p, i, j)
  top <- max(1, q$s, abs(q$e))
  s <- q$s / top
  e <- q$e / top
  quadratic_chances((q$s - 1) / top * ((q$s + 1) / top), 2 * s * e, sum(e^2) + (2 * odds - 2 * sum(log(q$s))) / top^2)$below
}

# The mixture in the directions in which components differ, in units of the first: for the others these are spanned by the axes u of s
# other than 1, and by the linear terms. One direction at least.
essential_part <- function(p) {
  d <- nrow(p$mean)
  differ <- lapply(seq_along(p$prop)[-1L], function(j) {
    q <- seen_from(p, 1L, j)
    linear <- q$u %*% (q$s * q$e / pmax(1, q$s^2))
    cbind(q$u * rep((q$s - 1) * (q$s + 1) / pmax(1, q$s^2), each = d), linear / max(1, sqrt(sum(linear^2))))
  })
  found <- if (length(differ)) svd(do.call(cbind, differ), nv = 0L) else list(d = 0, u = diag(d))
  rank <- max(1L, sum(found$d > 1e-10))
  if (rank == d) return(p)
  basis <- found$u[, seq_len(rank), drop = FALSE]
  first <- p$root[[1L]]
  p$mean <- crossprod(basis, backsolve(first, p$mean - p$mean[, 1L], transpose = TRUE))
  p$root <- lapply(p$root, function(own) qr.R(qr(crossprod(backsolve(first, t(own), transpose = TRUE), basis))))
  p
}

# ---- all components -------------------------------------------------------------------------------

# Of equal components the one of the highest proportion, the first of equals, stands for all; those of proportion 0 are never chosen.
multi_confusion <- function(p, omega) {
  k <- length(p$prop)
  leader <- vapply(seq_len(k), function(i) {
    same <- which(vapply(seq_len(k), function(j) same_component(p, i, j), NA))
    same[which.max(p$prop[same])]
  }, 0L)
  live <- unique(leader[p$prop[leader] > 0])
  rows <- lapply(seq_len(k), function(i) confusion_row(p, omega, leader[i], live))
  confusion <- t(vapply(rows, function(row) row$value, double(k)))
  parts <- lapply(rows, `[[`, "parts")
  some <- which(lengths(parts) > 0L)
  own <- matrix(0, k, k)
  for (i in some) own[i, ] <- spread_of(parts[[i]])
  missed <- lapply(some, function(i) p$prop[i] * (1 - parts[[i]][, i]))
  bounds <- vapply(rows, `[[`, 0, "doubt")
  list(confusion = confusion, confusion_se = pmax(own, bounds * (confusion > 0 & confusion < 1)),
    error_se = max(spread_of(as.matrix(Reduce(`+`, missed, numeric(2L)))), sum(p$prop * bounds)))
}

# Standard errors of means of columns, from values without each of the replicates in turn.
spread_of <- function(parts) {
  n <- nrow(parts)
  sqrt((n - 1) / n * colSums((parts - rep(colMeans(parts), each = n))^2))
}

# value: P_i(the rule says j) for each j; parts: the same without each replicate; doubt: what an integral may be wrong by.
# Components that take less than 1e-10 of what another takes from i are as good as alone.
confusion_row <- function(p, omega, i, live) {
  k <- length(p$prop)
  taken <- omega[i, ]
  taken[-live] <- 0
  taken[i] <- 0
  rivals <- which(taken > 1e-10 * max(taken) & taken > 0)
  known <- function(value) {
    value[i] <- 0
    value[if (i %in% live) i else which.max(value)] <- 1 - sum(value) + if (i %in% live) 0 else max(value)
    value
  }
  if (length(rivals) < 2L) return(list(value = known(taken), doubt = 0))
  among <- c(if (i %in% live) i, rivals)
  shares <- function(v) line_shares(line_terms(p, i, among, v), nrow(p$mean))[, match(rivals, among), drop = FALSE]
  if (nrow(p$mean) == 2L) {
    found <- average_angles(function(v) shares(v) / rep(taken[rivals], each = nrow(v)), angles_to(p, i, rivals), most = 2e5 / length(rivals))
    value <- replace(taken, rivals, taken[rivals] * pmin(found$value, 1))
    return(list(value = known(value), doubt = if (found$doubt > 1e-8) found$doubt * max(taken) else 0))
  }
  found <- lost_parts(p, i, rivals, shares)
  with <- function(part) known(replace(taken, rivals, taken[rivals] * part))
  list(value = with(found$value), parts = t(apply(found$parts, 1L, with)), doubt = 0)
}

# Which part of omega[i, j] is left to j, for each rival: the ratio of two means over directions, also without each replicate.
lost_parts <- function(p, i, rivals, shares, replicates = 16L) {
  each <- max(64L, min(512L, 2048L %/% length(rivals)))
  sums <- lapply(seq_len(replicates), function(r) {
    v <- spread_directions(each, nrow(p$mean), r)
    alone <- if (p$prop[i] == 0) matrix(1, each, length(rivals)) else
      vapply(rivals, function(j) line_shares(line_terms(p, i, c(i, j), v), nrow(p$mean))[, 2L], double(each))
    rbind(colSums(shares(v)), colSums(alone))
  })
  ratio <- function(sums) pmin(ifelse(sums[2L, ] > 0, sums[1L, ] / sums[2L, ], 1), 1)
  total <- Reduce(`+`, sums)
  list(value = ratio(total), parts = do.call(rbind, lapply(sums, function(one) ratio(total - one))))
}

# ---- lines ----------------------------------------------------------------------------------------

# log(prop_j f_j) = a_j - b_j r - c_j r^2 / 2 at m_i + r L_i v: a per component, b and c a row per direction, a column per component.
line_terms <- function(p, i, among, v) {
  n <- nrow(v)
  a <- numeric(length(among))
  b <- c <- matrix(0, n, length(among))
  for (t in seq_along(among)) {
    j <- among[t]
    root <- p$root[[j]]
    gap <- backsolve(root, p$mean[, i] - p$mean[, j], transpose = TRUE)
    w <- if (identical(root, p$root[[i]])) v else v %*% t(backsolve(root, t(p$root[[i]]), transpose = TRUE))
    a[t] <- log(p$prop[j]) - sum(log(abs(diag(root)))) - sum(gap^2) / 2
    b[, t] <- w %*% gap
    c[, t] <- rowSums(w^2)
  }
  list(a = a, b = b, c = c)
}

# A row per direction, a column per component: the probability, of r of a chi distribution with a sign, that the component is ahead.
# From the left, where one is ahead, to the next crossing at which another overtakes it, as long as there is one.
line_shares <- function(terms, df) {
  m <- length(terms$a)
  n <- nrow(terms$b)
  value <- matrix(0, n, m)
  end <- sqrt(df) + 39
  height <- matrix(vapply(seq_len(m), function(j) terms$a[j] + terms$b[, j] * end - terms$c[, j] * end^2 / 2, double(n)), n)
  row <- seq_len(n)
  now <- max.col(height, "first")
  before <- integer(n)
  low <- rep(-Inf, n)
  for (turn in seq_len(2L * m + 2L)) {
    found <- next_ahead(terms, row, now, before, low)
    at <- cbind(row, now)
    value[at] <- value[at] + between(low, found$r, function(q, lower) signed_chi(q, df, lower))
    on <- found$r < end
    if (!any(on)) break
    row <- row[on]
    before <- now[on]
    now <- found$which[on]
    low <- found$r[on]
  }
  value
}

# Ahead of j is l from where log(prop_j f_j / (prop_l f_l)) = a - b r - c r^2 / 2 falls through 0.
next_ahead <- function(terms, row, now, before, low) {
  r <- rep(Inf, length(row))
  which <- now
  at <- cbind(row, now)
  own <- list(a = terms$a[now], b = terms$b[at], c = terms$c[at])
  # Others may cross in the same point; that which was just overtaken comes back later, if at all.
  least <- low - 1e-12 * (1 + abs(low))
  least[low == -Inf] <- -Inf
  later <- low + 1e-12 * (1 + abs(low))
  for (l in seq_along(terms$a)) {
    a <- own$a - terms$a[l]
    b <- own$b - terms$b[row, l]
    c <- own$c - terms$c[row, l]
    square <- b^2 + 2 * a * c
    root <- sqrt(pmax(square, 0))
    crossing <- ifelse(b > 0, 2 * a / (b + root), (root - b) / c)
    good <- which(now != l & square >= 0 & crossing >= ifelse(before == l, later, least) & crossing < r)
    r[good] <- crossing[good]
    which[good] <- l
  }
  list(r = pmax(r, low), which = which)
}

signed_chi <- function(q, df, lower) {
  tail <- stats::pchisq(q^2, df, lower.tail = FALSE) / 2
  ifelse((q > 0) == lower, 1 - tail, tail)
}

# Unit vectors spread evenly: a Kronecker sequence (roots of primes), shifted for each replicate by other numbers, as normal vectors. R's
# generator is left alone: shifts are of the generator of Park & Miller (1988).
spread_directions <- function(n, d, replicate) {
  state <- 1e6 + 7919 * replicate
  shift <- numeric(d)
  for (c in seq_len(d)) {
    for (turn in 1:5) state <- (16807 * state) %% 2147483647
    shift[c] <- state / 2147483647
  }
  u <- (outer(seq_len(n), sqrt(first_primes(d))) + rep(shift, each = n)) %% 1
  z <- stats::qnorm(pmin(pmax(u, 1e-16), 1 - 1e-16))
  z / sqrt(rowSums(z^2))
}

first_primes <- function(n) {
  upto <- max(12, ceiling(n * (log(n) + log(log(n + 2)) + 1)))
  prime <- rep(TRUE, upto)
  prime[1L] <- FALSE
  for (q in seq_len(floor(sqrt(upto)))[-1L]) if (prime[q]) prime[seq(q * q, upto, q)] <- FALSE
  which(prime)[seq_len(n)]
}

# ---- angles ---------------------------------------------------------------------------------------

# Means of the columns of f over the half circle, by Gauss's and Kronrod's rules of 7 and 15 points on pieces that are halved where the two
# differ. `from`: angles at which pieces begin.
average_angles <- function(f, from, most, goal = 1e-9) {
  ends <- sort(unique(c(from %% pi, seq(0, pi, length.out = 17L))))
  low <- ends[-length(ends)]
  high <- ends[-1L]
  value <- 0
  doubt <- 0
  used <- 0
  repeat {
    half <- (high - low) / 2
    angle <- as.vector(outer(kronrod$at, half) + rep((low + high) / 2, each = 15L))
    y <- f(cbind(cos(angle), sin(angle)))
    used <- used + length(angle)
    own <- lapply(seq_len(ncol(y)), function(j) crossprod(matrix(y[, j], 15L), kronrod$weights) * half / pi)
    off <- do.call(pmax, lapply(own, function(one) abs(one[, 1L] - one[, 2L])))
    done <- off <= goal * (high - low) / pi | high - low < 1e-12 | used > most
    value <- value + vapply(own, function(one) sum(one[done, 1L]), 0)
    doubt <- doubt + sum(off[done])
    if (all(done)) return(list(value = value, doubt = doubt))
    middle <- (low + high)[!done] / 2
    ends <- list(low[!done], high[!done])
    low <- c(ends[[1L]], middle)
    high <- c(middle, ends[[2L]])
  }
}

# Directions to the rivals, as seen from i.
angles_to <- function(p, i, rivals) {
  at <- backsolve(p$root[[i]], p$mean[, rivals, drop = FALSE] - p$mean[, i], transpose = TRUE)
  atan2(at[2L, ], at[1L, ])
}

kronrod <- local({
  at <- c(0.991455371120812639206854697526329, 0.949107912342758524526189684047851, 0.864864423359769072789712788640926,
    0.741531185599394439863864773280788, 0.586087235467691130294144691258380, 0.405845151377397166906606412076961,
    0.207784955007898467600689403773245)
  fifteen <- c(0.022935322010529224963732008058970, 0.063092092629978553290700663189204, 0.104790010322250183839876322541518,
    0.140653259715525918745189590510238, 0.169004726639267902826583426598550, 0.190350578064785409913256402421014,
    0.204432940075298892414161999234649)
  seven <- c(0, 0.129484966168869693270611432679082, 0, 0.279705391489276667901467771423780, 0, 0.381830050505118944950369775488975, 0)
  list(at = c(-at, 0, rev(at)), weights = cbind(c(fifteen, 0.209482141084727828012999174891714, rev(fifteen)),
    c(seven, 0.417959183673469387755102040816327, rev(seven))))
})

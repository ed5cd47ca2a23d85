# Climbing in the space of the sums of the E-step with the value of a parameter held. What ridges, handles, places and looks are is
# said in profile-walk.R and profile-sums.R.

# ---- places -------------------------------------------------------------------------------

# The place one EM step from theta, with no directions yet; NULL where it collapses.
place_at <- function(curve, theta) {
  curve$theta <- as.vector(theta)
  curve["at"] <- list(NULL)
  nothing <- matrix(0, count_sums(curve$problem$spec, curve$problem), 1L)
  found <- call_differ(curve, nothing, 1, FALSE, TRUE)
  if (found$status != 0L) return(NULL)
  curve$at <- as.vector(found$sums)
  found <- call_differ(curve, nothing, 1, FALSE, FALSE)
  if (found$status == 0L) move_place(curve, curve$at, as.vector(found$theta))
}

# The place of sums about the centres of `place`, whose maximiser is theta: about those of theta.
move_place <- function(place, sums, theta) {
  place$at <- sums
  spec <- place$problem$spec
  d <- place$problem$data$columns
  pair <- arrayInd(sums_lower(place$problem), c(d, d))
  for (j in seq_len(spec$k)) {
    at <- sums_places(place$problem, j)
    mean <- block_places(spec$sizes, spec$k, j)$mean
    by <- theta[mean] - place$theta[mean]
    one <- sums[at$values]
    a <- pair[, 1L]
    b <- pair[, 2L]
    place$at[at$products] <- sums[at$products] + sums[j] * by[a] * by[b] - one[a] * by[b] - by[a] * one[b]
    place$at[at$values] <- one - sums[j] * by
  }
  place$theta <- theta
  place
}

# With directions; NULL where there are fewer than elsewhere.
with_directions <- function(place, q) {
  place$directions <- tryCatch(sums_directions(place, length(place$at)), emix_error_fit = function(e) NULL, error = function(e) NULL)
  if (identical(ncol(place$directions), q)) place
}

# ---- values -------------------------------------------------------------------------------

# phi and its slopes by theta: at places `at`.
sums_phi <- function(ridge, handle, theta) {
  own <- theta[handle$at]
  if (handle$block != "prop") {
    link <- links[[handle$link]]
    return(list(phi = link$to(own), at = handle$at, slope = 1 / link$slope(own)))
  }
  others <- setdiff(which(ridge$open), handle$at)
  rest <- sum(theta[others])
  list(phi = log(own) - log(rest), at = c(handle$at, others), slope = c(1 / own, rep(-1 / rest, length(others))))
}

# At v of a place; NULL where a component collapses or loses nearly all of its rows. Without `rows` no walk over these: no objective.
sums_look <- function(ridge, handle, place, v, rows = TRUE, slopes = TRUE) {
  x <- place$at + drop(place$directions %*% v)
  mass <- seq_len(ridge$k)
  if (!all(is.finite(x)) || any(x[mass] < 0.1 * place$at[mass])) return(NULL)
  here <- place
  here$at <- x
  ways <- if (slopes) place$directions else matrix(0, length(x), 1L)
  found <- call_differ(here, ways, sums_step * sqrt(ridge$weight), FALSE, rows)
  if (found$status != 0L || (rows && !is.finite(found$objective))) return(NULL)
  theta <- as.vector(found$theta)
  value <- sums_phi(ridge, handle, theta)
  if (!is.finite(value$phi)) return(NULL)
  look <- list(v = v, x = x, theta = theta, phi = value$phi)
  if (slopes) {
    look$along <- found$parameters
    look$slopes <- drop(value$slope %*% found$parameters[value$at, , drop = FALSE])
  }
  if (rows) {
    look$objective <- found$objective
    if (slopes) look$gradient <- drop((as.vector(found$sums) - x) %*% found$natural)
  }
  look
}

# From v to where the value is phi, on a straight line; NULL where that fails.
sums_restore <- function(ridge, handle, phi, place, v) {
  look <- sums_look(ridge, handle, place, v, rows = FALSE)
  if (is.null(look) || !(sum(look$slopes^2) > 0)) return(NULL)
  way <- look$slopes / sum(look$slopes^2)
  off <- look$phi - phi
  rate <- 1
  for (turn in seq_len(15L)) {
    if (abs(off) <= 1e-12 * max(1, abs(phi))) break
    v <- v - way * off / rate
    look <- sums_look(ridge, handle, place, v, rows = FALSE, slopes = FALSE)
    if (is.null(look)) return(NULL)
    new <- look$phi - phi
    rate <- rate * (off - new) / off
    if (!is.finite(rate) || rate < 0.05) rate <- 1
    off <- new
  }
  if (abs(off) <= 1e-9 * max(1, abs(phi))) sums_look(ridge, handle, place, v)
}

# ---- climbing with a value held -----------------------------------------------------------

# The step that a quadratic objective wants, with phi as it is: step, multiplier (slope of the objective by phi), gain.
tangent_step <- function(information, gradient, slopes, most) {
  q <- length(gradient)
  size <- sqrt(sum(slopes^2))
  bordered <- rbind(cbind(information, slopes / size), c(slopes / size, 0))
  found <- tryCatch(solve(bordered, c(gradient, 0)), error = function(e) NULL)
  if (is.null(found) || !all(is.finite(found))) {
    found <- c(gradient - slopes * sum(gradient * slopes) / size^2, sum(gradient * slopes) / size)
  }
  step <- found[seq_len(q)]
  length <- sqrt(sum(step^2))
  list(step = if (length > most) step * most / length else step, multiplier = found[q + 1L] / size, gain = sum(step * gradient) / 2)
}

# Information after a step `by` along which the slope of the objective, less the multiplier times that of phi, fell by `fall`:
# Powell's damped update of Broyden, Fletcher, Goldfarb and Shanno.
learn_information <- function(information, by, fall) {
  known <- drop(information %*% by)
  bend <- sum(by * known)
  if (!(bend > 0)) return(information)
  seen <- sum(by * fall)
  if (seen < 0.2 * bend) fall <- known + 0.8 * bend / (bend - seen) * (fall - known)
  information + outer(fall, fall) / sum(by * fall) - outer(known, known) / bend
}

# Higher along a step, half of it, a quarter, ...; NULL where nothing is.
sums_line <- function(ridge, handle, phi, place, now, step) {
  for (turn in seq_len(12L)) {
    to <- sums_restore(ridge, handle, phi, place, now$v + step)
    if (!is.null(to) && to$objective > now$objective) return(to)
    step <- step / 2
  }
  NULL
}

# A place, and the information in its coordinates, where a look from another has come to.
sums_rebase <- function(ridge, handle, place, look, information) {
  moved <- with_directions(move_place(place, look$x, look$theta), length(look$v))
  to <- if (!is.null(moved)) sums_look(ridge, handle, moved, numeric(length(look$v)))
  if (is.null(to)) return(NULL)
  size <- row_sizes(to$along)
  turn <- tryCatch(qr.solve(look$along / size, to$along / size), error = function(e) NULL)
  information <- if (is.null(turn)) diag(length(look$v)) else crossprod(turn, information %*% turn)
  list(place = moved, look = to, information = (information + t(information)) / 2)
}

# The highest point near v of a place with its value at phi: place, look, information, multiplier. NULL where it is not found.
sums_climb <- function(ridge, handle, phi, place, information, v, turns = 200L) {
  now <- sums_restore(ridge, handle, phi, place, v)
  enough <- max(1e-10 * ridge$problem$unit, 16 * .Machine$double.eps * abs(ridge$top))
  again <- FALSE
  for (turn in seq_len(turns)) {
    if (is.null(now)) return(NULL)
    wanted <- tangent_step(information, now$gradient, now$slopes, sqrt(ridge$weight) / 4)
    if (wanted$gain <= enough || sums_emptied(ridge, handle, now)) break
    to <- sums_line(ridge, handle, phi, place, now, wanted$step)
    if (is.null(to)) {
      if (wanted$gain <= ridge$slack) break
      # EM's own step is the one with the complete information.
      if (again) return(NULL)
      again <- TRUE
      information <- diag(length(v))
      next
    }
    again <- FALSE
    fall <- now$gradient - to$gradient + wanted$multiplier * (to$slopes - now$slopes)
    information <- learn_information(information, to$v - now$v, fall)
    now <- to
    mass <- now$x[seq_len(ridge$k)] / place$at[seq_len(ridge$k)]
    if (turn %% 20L == 0L || any(mass < 0.4 | mass > 2.5, na.rm = TRUE)) {
      base <- sums_rebase(ridge, handle, place, now, information)
      if (is.null(base)) return(NULL)
      place <- base$place
      information <- base$information
      now <- base$look
    }
  }
  sums_rebase(ridge, handle, place, now, information)
}

# Many independent tasks, each from a seed of its own, in this process or in forked ones.

# One seed per task, by R's generator: all that a caller's seed decides, and all by which the generator moves on.
draw_seeds <- function(n) sample.int(.Machine$integer.max, n, replace = TRUE)

# Seconds that a batch of tasks should take, at least and at most; and of work below which the rest is not worth a fork.
batch_seconds <- c(0.3, 1)
fork_seconds <- 0.6

# A list of task(seed) for each seed, in their order whatever process made them; R's generator is left as it was.
# `enough`, asked after each batch with the list so far, may end it: the list is then shorter.
run_replicates <- function(seeds, task, processes, progress = FALSE, enough = function(done) FALSE) {
  state <- get(".Random.seed", envir = globalenv())
  on.exit(assign(".Random.seed", state, envir = globalenv()))
  seeded <- function(seed) {
    set.seed(seed, "Mersenne-Twister", "Inversion", "Rejection")
    watched(FALSE, task(seed))
  }
  n <- length(seeds)
  done <- list()
  per <- 0
  batch <- 1L
  watched(progress, while (length(done) < n && !enough(done)) {
    now <- wall_clock()
    some <- seeds[length(done) + seq_len(min(batch, n - length(done)))]
    fork <- length(done) > 1L && processes > 1L && (n - length(done)) * per > fork_seconds
    done <- c(done, if (fork) forked(some, seeded, processes) else lapply(some, seeded))
    per <- (wall_clock() - now) / length(some) * if (fork) processes else 1
    # The first task also loads what the others have then at hand. Not more than there are already, lest much is done for
    # nothing, unless that is too little for a fork.
    most <- batch_seconds / max(per, 1e-6) * processes
    batch <- if (length(done) < 3L) 2L else as.integer(ceiling(min(max(length(done), most[1L]), most[2L], 1e5)))
    say_doing("replicate ", length(done), " of ", n)
  })
  done
}

# In as many processes; an error in one of them is an error here.
forked <- function(seeds, task, processes) {
  parts <- split(seq_along(seeds), rep_len(seq_len(processes), length(seeds)))
  each <- parallel::mclapply(unname(parts), function(at) {
    tryCatch(lapply(seeds[at], task), error = identity)
  }, mc.cores = processes, mc.set.seed = FALSE)
  for (part in each) {
    if (inherits(part, "error")) stop(part)
    if (!is.list(part)) emix_stop("fit", "A process that shared the work has ended without a result: is there memory enough? One process needs less: em_control(threads = 1).")
  }
  done <- vector("list", length(seeds))
  for (p in seq_along(parts)) done[parts[[p]]] <- each[[p]]
  done
}

# Threads that work may have are processes here.
usable_processes <- function(control) {
  if (.Platform$OS.type == "windows") 1L else usable_threads(control, Inf)
}

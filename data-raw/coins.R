# Makes data/coins.rda. Run from the package root: Rscript data-raw/coins.R
#
# Source: figure 1 of Do and Batzoglou (2008), "What is the expectation maximization
# algorithm?", Nature Biotechnology 26, 897-899, doi:10.1038/nbt1406.

tosses <- c("HTTTHHTHTH", "HHHHTHHHHH", "HTHHHHHTHH", "HTHTTTHHTT", "THHHTHHHTH")

# Counted, not typed, so that the counts cannot disagree with the tosses.
count <- function(face) {
  lengths(regmatches(tosses, gregexpr(face, tosses, fixed = TRUE)))
}

coins <- data.frame(
  round = 1:5,
  tosses = tosses,
  heads = count("H"),
  tails = count("T"),
  coin = factor(c("B", "A", "A", "B", "A"), levels = c("A", "B")),
  stringsAsFactors = FALSE
)

# The figure: 24 heads in 30 tosses of coin A, 9 in 20 of coin B.
sums <- rowsum(as.matrix(coins[c("heads", "tails")]), coins$coin)
stopifnot(
  coins$heads == c(5, 9, 8, 4, 7),
  coins$heads + coins$tails == 10,
  sums["A", ] == c(24, 6),
  sums["B", ] == c(9, 11)
)

save(coins, file = file.path("data", "coins.rda"), compress = "xz", version = 2)

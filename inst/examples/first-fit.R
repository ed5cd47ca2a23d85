# The first fit: two coins and two groups of heights. Prints both and draws both, into the
# working directory. After installing emix, run it from the package's source by
#   tools/first-fit
# or from R by
#   source(system.file("examples", "first-fit.R", package = "emix"))

library(emix)

heading <- function(text) cat("\n", text, "\n", strrep("-", nchar(text)), "\n", sep = "")

# Draws into a PNG file, or a PDF where this R cannot make PNG; returns the file's name.
draw <- function(name, plotting) {
  png_works <- capabilities("png")
  file <- paste0(name, if (png_works) ".png" else ".pdf")
  if (png_works) png(file, width = 900, height = 640, res = 110) else pdf(file, width = 8, height = 5.7)
  on.exit(dev.off())
  plotting()
  file
}

heading("Two coins, five rounds of ten tosses")
print(coins, row.names = FALSE)

heading("The coin of each round known: count and divide")
known <- emix(cbind(heads, tails) ~ 1, data = coins, family = "binomial", labels = coin)
print(known$parameters$prob)

heading("The coins hidden, both equally likely: EM")
two_coins <- emix(cbind(heads, tails) ~ 1, data = coins, k = 2, family = "binomial", equal = "prop",
  start = list(prob = c(A = 0.6, B = 0.5)))
print(two_coins)
cat("\nProbability that a round was tossed with A or with B:\n")
print(cbind(coins["round"], round(predict(two_coins), 2)), row.names = FALSE)

heading("Heights of 934 people, their sex hidden: EM")
groups <- emix(height ~ 1, data = heights, k = 2, equal = "sd")
print(groups)
cat("\nTheir sex known, for comparison (mean height in cm):\n")
print(round(tapply(heights$height, heights$sex, mean), 2))

files <- c(
  draw("first-fit-coins", function() plot(two_coins)),
  draw("first-fit-heights", function() plot(groups, xlab = "height (cm)", breaks = 12))
)
heading("Pictures")
cat(file.path(getwd(), files), sep = "\n")

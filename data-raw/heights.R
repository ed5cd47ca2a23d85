# Makes data/heights.rda from galton-heights.csv. Run from the package root:
# Rscript data-raw/heights.R
#
# Source: Galton's notebook of family heights, the data of Galton (1886), "Regression towards
# mediocrity in hereditary stature", Journal of the Anthropological Institute 15, 246-263, as
# described by Hanley (2004), "Transmuting women into men: Galton's family data on human
# stature", The American Statistician 58, 237-243.

inches <- read.csv(file.path("data-raw", "galton-heights.csv"),
                   colClasses = c("character", "character", "numeric", "logical"))

heights <- data.frame(
  family = inches$family, # a label, not a number: one family is "136A"
  sex = factor(inches$sex, levels = c("female", "male")),
  height = round(inches$height_in * 2.54, 2),
  classroom = inches$classroom,
  stringsAsFactors = FALSE
)

# The classroom rule: of each family the middle listed child of that sex (the earlier of the two
# in the middle), then 50 of these evenly spaced.
classroom_rows <- function(sex) {
  rows <- which(heights$sex == sex)
  by_family <- split(rows, factor(heights$family[rows], unique(heights$family[rows])))
  middle <- vapply(by_family, function(r) r[(length(r) + 1) %/% 2], 0L)
  unname(middle[round(seq(1, length(middle), length.out = 50))])
}
chosen <- c(classroom_rows("female"), classroom_rows("male"))
stopifnot(identical(which(heights$classroom), sort(chosen)))

# Known counts, means and standard deviations (divisor n - 1).
check_group <- function(x, n, mean, sd, digits) {
  agrees <- function(found, stated) abs(found - stated) < 0.51 * 10^-digits
  stopifnot(length(x) == n, agrees(base::mean(x), mean), agrees(stats::sd(x), sd))
}
of_sex <- function(data, sex) data$height[data$sex == sex]
class_of_100 <- heights[heights$classroom, ]
stopifnot(nrow(heights) == 934, nrow(class_of_100) == 100)
check_group(of_sex(heights, "female"), 453, 162.824216336, 5.98340515691, digits = 9)
check_group(of_sex(heights, "male"), 481, 175.854802495, 6.66475452884, digits = 9)
check_group(of_sex(class_of_100, "female"), 50, 163.9520, 6.11134, digits = 5)
check_group(of_sex(class_of_100, "male"), 50, 177.5666, 6.63897, digits = 5)

# The whole class; this one is the maximum-likelihood standard deviation (divisor n).
centred <- class_of_100$height - mean(class_of_100$height)
stopifnot(
  abs(mean(class_of_100$height) - 170.7593) < 1e-9,
  abs(sqrt(mean(centred^2)) - 9.28640428314) < 1e-10
)

save(heights, file = file.path("data", "heights.rda"), compress = "xz", version = 2)

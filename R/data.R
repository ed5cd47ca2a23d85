#' Tosses of two coins
#'
#' Five rounds of ten tosses. One of two coins, A or B, was picked for each round. With the column
#' `coin` in view, each coin's probability of heads is a matter of counting and dividing; with it
#' hidden, this is the smallest mixture worth fitting, and the example by which the EM algorithm is
#' often explained.
#'
#' @format A data frame with 5 rows, one per round, and 5 columns:
#' \describe{
#'   \item{`round`}{integer, the number of the round, 1 to 5.}
#'   \item{`tosses`}{character, the ten tosses in order: `H` is heads, `T` is tails.}
#'   \item{`heads`}{integer, the number of heads.}
#'   \item{`tails`}{integer, the number of tails.}
#'   \item{`coin`}{factor with levels `A` and `B`, the coin that was tossed.}
#' }
#'
#' @source Do, C. B. and Batzoglou, S. (2008). What is the expectation maximization algorithm?
#'   *Nature Biotechnology* **26**, 897-899. \doi{10.1038/nbt1406}. Figure 1.
#'
#' @examples
#' coins
#'
#' # The coins known: count and divide. A: 24 / 30 = 0.80, B: 9 / 20 = 0.45.
#' counts <- rowsum(as.matrix(coins[c("heads", "tails")]), coins$coin)
#' counts[, "heads"] / rowSums(counts)
"coins"

#' Heights of Galton's families
#'
#' The heights of the 934 adult children of 205 families, daughters and sons, from the notebook of
#' Francis Galton. With `sex` hidden, the heights are a mixture of two groups whose means are about
#' two standard deviations apart: hard enough to show what a mixture can tell and what it cannot.
#'
#' Galton wrote inches, mostly whole or half inches, so that there are only 67 distinct heights.
#' The heights of daughters are as they were measured, not multiplied by 1.08 as Galton did to
#' compare them with those of sons.
#'
#' The column `classroom` marks a class of 50 women and 50 men. They are not a random sample but
#' follow from a rule, for daughters and for sons apart: of each family take the middle one as
#' listed (of an even number, the earlier of the two in the middle), then of these take 50 evenly
#' spaced, the first and the last included. No two women of the class are sisters, no two men
#' brothers.
#'
#' @format A data frame with 934 rows, one per adult child in the order of the notebook, and 4
#' columns:
#' \describe{
#'   \item{`family`}{character, the family's label in the notebook; one of them is `"136A"`.}
#'   \item{`sex`}{factor with levels `female` and `male`.}
#'   \item{`height`}{numeric, the height in centimetres: inches times 2.54, rounded to 2 decimals.}
#'   \item{`classroom`}{logical, whether the row belongs to the class of 100.}
#' }
#'
#' @source Galton's notebook of family heights, the data of
#'
#'   Galton, F. (1886). Regression towards mediocrity in hereditary stature. *Journal of the
#'   Anthropological Institute of Great Britain and Ireland* **15**, 246-263.
#'
#'   The notebook is described in
#'
#'   Hanley, J. A. (2004). "Transmuting" women into men: Galton's family data on human stature.
#'   *The American Statistician* **58**, 237-243.
#'
#' @examples
#' aggregate(height ~ sex, data = heights, FUN = mean)
#' table(heights$sex, heights$classroom, dnn = c("sex", "classroom"))
#'
#' # Two groups, yet one hump.
#' pupils <- subset(heights, classroom)
#' hist(pupils$height, breaks = 15, xlab = "height (cm)", main = "A class of 100")
"heights"

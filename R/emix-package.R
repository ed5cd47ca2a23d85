#' emix: finite mixtures by the EM algorithm
#'
#' Data from hidden groups: tosses of unknown coins, heights of men and women without the
#' sex, clusters in rows of several columns. [emix()] finds the groups by maximum likelihood, with binomial, normal or
#' multivariate normal components, and returns an object that answers R's usual questions ([coef()], [predict()],
#' [logLik()], [confint()], [plot()], [simulate()], ...).
#'
#' Start with `vignette("two-coins")` and `vignette("heights")`, for several columns with `vignette("clustering")`; `vignette("why-em-works")` says why EM climbs, `vignette("what-else")` what
#' else it solves and where to go on.
#'
#' @useDynLib emix, .registration = TRUE, .fixes = "C_"
#' @importFrom stats anova AIC BIC coef dbinom dnorm fitted formula logLik model.frame model.response
#'   confint model.weights na.fail naprint naresid nobs pbinom pnorm predict profile qbinom qnorm quantile rbinom
#'   residuals rnorm runif simulate terms update vcov
#' @importFrom graphics axis barplot hist legend lines mtext par points rect segments text title
#' @importFrom grDevices adjustcolor nclass.FD
#' @importFrom utils head
#' @name emix-package
#' @docType package
#' @keywords internal
NULL

# A picture of few colours needs a third of the space: read by the vignettes (and tools/figures.R). Without the package
# magick pictures stay as they are.
make_small <- function(file) {
  if (!requireNamespace("magick", quietly = TRUE)) return(invisible())
  smaller <- magick::image_quantize(magick::image_read(file), max = 32, dither = FALSE)
  other <- tempfile(fileext = ".png")
  on.exit(unlink(other))
  magick::image_write(magick::image_convert(smaller, type = "palette"), other, format = "png8")
  if (isTRUE(file.size(other) < file.size(file))) file.copy(other, file, overwrite = TRUE)
  invisible()
}

if (requireNamespace("knitr", quietly = TRUE)) {
  draw_picture <- knitr::knit_hooks$get("plot")
  knitr::knit_hooks$set(plot = function(x, options) {
    if (identical(tools::file_ext(x), "png")) make_small(x)
    draw_picture(x, options)
  })
}

.onLoad <- function(libname, pkgname) {
  loaded$pid <- Sys.getpid()
}

.onUnload <- function(libpath) {
  library.dynam.unload("emix", libpath)
}

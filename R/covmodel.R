# The fourteen covariance structures of multivariate normal components (Celeux & Govaert 1995).
#
#   S_j = volume_j D_j A_j D_j'     volume_j = |S_j|^(1/d);  A_j diagonal, |A_j| = 1: the shape;  D_j orthogonal: the orientation
#
# The three letters are of volume, shape and orientation: E equal in all components, V varying, I the identity
# (shape I: spheres; orientation I: the axes are those of the columns). The core knows a structure by its place here, from 0.
covariance_structures <- c("EII", "VII", "EEI", "VEI", "EVI", "VVI", "EEE", "VEE", "EVE", "VVE", "EEV", "VEV", "EVV", "VVV")

# Free parameters of k covariances of d columns.
covariance_df <- function(structure, d, k) {
  letters <- strsplit(match.arg(structure, covariance_structures), "")[[1L]]
  each <- c(1, d - 1, d * (d - 1) / 2)
  sum(each * c(E = 1, V = k, I = 0)[letters])
}

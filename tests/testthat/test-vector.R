# The vector exponential and logarithm against 60-digit values (mpmath): `nearest` is the double
# next to the true value, `rest` what is missing, in units of its last place.

exp_reference <- read.table(header = TRUE, colClasses = c("character", "character", "numeric"), text = "
  x nearest rest
  0x0.0p+0 0x1.0000000000000p+0 0.000
  -0x0.0p+0 0x1.0000000000000p+0 0.000
  -0x0.0000000000001p-1022 0x1.0000000000000p+0 0.000
  -0x1.0000000000000p-1022 0x1.0000000000000p+0 0.000
  -0x1.56e1fc2f8f359p-997 0x1.0000000000000p+0 0.000
  -0x1.79ca10c924223p-67 0x1.0000000000000p+0 -0.000
  -0x1.0000000000000p-53 0x1.fffffffffffffp-1 0.000
  -0x1.0000000000000p-52 0x1.ffffffffffffep-1 0.000
  -0x1.62e42fefa39efp-2 0x1.6a09e667f3bcdp-1 -0.362
  -0x1.62e42fefa39f0p-2 0x1.6a09e667f3bccp-1 0.285
  -0x1.62e42fefa39efp-1 0x1.0000000000000p-1 0.104
  -0x1.0000000000000p+0 0x1.78b56362cef38p-2 -0.224
  -0x1.61fffffffffffp+9 0x1.7c8ab2288cca4p-1022 0.429
  -0x1.6200000000000p+9 0x1.7c8ab2288c9abp-1022 0.345
  -0x1.6483f1f002bf7p-1 0x1.fe60e69f9d515p-2 -0.304
  -0x1.0b5ae62caacf1p+7 0x1.1ae2f5405023fp-193 0.086
  -0x1.2cecd28d9d5b6p+6 0x1.612b65e84fd9ep-109 0.478
  -0x1.12441937eece4p-15 0x1.fffbb6f432746p-1 -0.143
  -0x1.a9053a36659bep-4 0x1.cd8931c113bc3p-1 -0.041
  -0x1.4742444bb95a8p-23 0x1.fffffae2f6f56p-1 -0.343
  -0x1.2a1995df76ef1p-19 0x1.ffffb5799ff4ap-1 0.019
  -0x1.2cb0c7539ced3p-7 0x1.fb52bd4e32647p-1 -0.472
  -0x1.fa268547a8c3fp-26 0x1.ffffff02ecbdap-1 -0.330
  -0x1.8794c05db8abbp+4 0x1.9d803a9e05e3bp-36 0.329
  -0x1.bb47d0d4e900bp-22 0x1.fffff225c1a95p-1 0.114
  -0x1.1232c453a2931p-22 0x1.fffff76e69efcp-1 -0.127
  -0x1.3a35c77b78cb8p-23 0x1.fffffb1728e82p-1 -0.454
  -0x1.9e48312e66c39p-5 0x1.e6c04e134f39fp-1 0.496
  -0x1.e9bd07874c944p-22 0x1.fffff0b217fe5p-1 0.240
  -0x1.cb3e0a1fa411bp+4 0x1.8190ec332f3d7p-42 -0.092
  -0x1.38ef0845a2101p+6 0x1.18b9d68b457dbp-113 0.295
  -0x1.f38fe0788edecp-4 0x1.c5366a4b42355p-1 0.360
  -0x1.09709964d2ea7p+5 0x1.18699f28a1712p-48 0.361
  -0x1.a822f714121b8p+7 0x1.090d21e9396dcp-306 -0.398
  -0x1.05b14e7b879b3p-16 0x1.fffdf49e6e8bap-1 -0.346
  -0x1.ea1ac3137eb27p-23 0x1.fffff85795026p-1 -0.301
  -0x1.fdb21a00a2e88p-28 0x1.ffffffc049bccp-1 0.243
  -0x1.595d511b9eb27p-7 0x1.faa1cbe664efcp-1 -0.122
  -0x1.923abc29e79a9p-11 0x1.ff9b7b304220bp-1 -0.148
  -0x1.059053fd46f99p-17 0x1.fffefa6feed29p-1 0.300
  -0x1.60e6c6ec980bbp-10 0x1.ff4fab00c3074p-1 -0.319
  -0x1.138b7114fc116p-11 0x1.ffbb21c5d9122p-1 0.197
  -0x1.f6e1862910bf4p-26 0x1.ffffff048f3d3p-1 -0.425
  -0x1.2897ae92950cbp-26 0x1.ffffff6bb428dp-1 -0.238
  -0x1.60695ddda466fp+3 0x1.14a086099cc96p-16 0.315
  -0x1.04bf40e218e2fp-4 0x1.e06c20e604523p-1 0.390
  -0x1.c60e43e7f4f85p-8 0x1.fc7706f37b14bp-1 -0.257
  -0x1.40c5e0875b192p-32 0x1.fffffffd7e744p-1 -0.066
  -0x1.4e6890692c4a4p+5 0x1.9e18acda4f326p-61 -0.425
  -0x1.3ec00dbaeda34p-2 0x1.770b6f1debd49p-1 0.380
  -0x1.3567b64c938bdp+7 0x1.c1406bad9d500p-224 -0.272
  -0x1.9891e59f18951p-16 0x1.fffccedec0d1dp-1 0.188
  -0x1.5d7f99febe94bp+0 0x1.05733ae8c7ee9p-2 0.449
  -0x1.23ccc78a3f44dp-3 0x1.bc023b49a6a8ep-1 -0.345
  -0x1.0f427745212acp+4 0x1.7475c9777df2dp-25 -0.109
  -0x1.ac843eb786152p+2 0x1.441bb83800f80p-10 -0.056
  -0x1.3096ae32bf2cdp-18 0x1.ffff67b4bf8d0p-1 0.098
  -0x1.bef20b902669fp+5 0x1.519e06334f048p-81 -0.497
  -0x1.21c67a79ed05ep+5 0x1.ac6735afd057ep-53 0.487
  -0x1.c11ad204cf7adp-17 0x1.fffe3ee5f2f2cp-1 -0.199
  -0x1.1ea0d076a0513p-22 0x1.fffff70af9906p-1 -0.392
  -0x1.14f1fde889bbbp-25 0x1.fffffeeb0e026p-1 0.148
  -0x1.c196a7d8f15d1p+8 0x1.4d5a1c7742f95p-649 -0.347
  -0x1.755b0311344acp-28 0x1.ffffffd1549fap-1 -0.001
  -0x1.8d9fe3b0fb386p-8 0x1.fce72892a49f7p-1 0.063
  -0x1.9996c77a7a8b1p-20 0x1.ffffcccd29a00p-1 0.233
  -0x1.5ef2ddf23fc88p+2 0x1.10443b1c3e742p-8 -0.438
  -0x1.68086bfa5f684p-13 0x1.ffe97ff7d46b5p-1 -0.052
  -0x1.360f098540589p+2 0x1.01e4498641775p-7 0.408
  -0x1.36edc59003993p-14 0x1.fff648a96da52p-1 -0.038
  -0x1.d600c46ace503p-23 0x1.fffff8a7fcfbdp-1 0.024
  -0x1.2791388654e07p+7 0x1.bba6d354bf71cp-214 -0.439
  -0x1.1e3d448caf825p+1 0x1.b5b1d1c24e9d3p-4 -0.174
  -0x1.cff9e1bc5df75p-15 0x1.fff8c0259ca5fp-1 0.109
")

log_reference <- read.table(header = TRUE, colClasses = c("character", "character", "numeric"), text = "
  x nearest rest
  0x0.0000000000001p-1022 -0x1.74385446d71c3p+9 -0.389
  0x0.012688b70e62bp-1022 -0x1.64e69394d9508p+9 -0.076
  0x0.fffffffffffffp-1022 -0x1.6232bdd7abcd2p+9 -0.244
  0x1.0000000000000p-1022 -0x1.6232bdd7abcd2p+9 -0.242
  0x1.6a09e667f3bccp-1 -0x1.62e42fefa39f1p-2 0.194
  0x1.6a09e667f3bcdp-1 -0x1.62e42fefa39eep-2 0.023
  0x1.fffffffffffffp-1 -0x1.0000000000000p-53 -0.250
  0x1.0000000000000p+0 0x0.0p+0 0.000
  0x1.0000000000001p+0 0x1.fffffffffffffp-53 0.000
  0x1.6a09e667f3bcdp+0 0x1.62e42fefa39f0p-2 0.440
  0x1.0000000000000p+1 0x1.62e42fefa39efp-1 0.209
  0x1.fffffffffffffp+1023 0x1.62e42fefa39efp+9 0.208
  0x1.4994b07ce18a5p+684 0x1.da5d8553af9e2p+8 0.170
  0x1.d351dd9718955p-96 -0x1.07c2dc2a10a69p+6 0.009
  0x1.113350b034eecp+702 0x1.e6a7836be8dbcp+8 -0.329
  0x1.49366fa76cb9cp-93 -0x1.00d83aaf9345dp+6 0.006
  0x1.52f317c5b04f1p+456 0x1.3c5b14f07cf88p+8 -0.113
  0x1.54f9949af88adp-418 -0x1.2172ea742ce9ap+8 -0.307
  0x1.16dcabf07ac8cp-706 -0x1.e946c02d53282p+8 -0.365
  0x1.04a4b2109a603p+972 0x1.50e0e686158d8p+9 0.402
  0x1.0057d2eae6df1p+253 0x1.5ebc32e7905abp+7 -0.456
  0x1.0b08966f9b1c8p-323 -0x1.bfb04da8353d2p+7 0.162
  0x1.9d29045adf4b7p-458 -0x1.3cfb958c58490p+8 -0.149
  0x1.df4ecb83f4568p+731 0x1.fb51585c0bb62p+8 0.374
  0x1.893b96c60cdcbp+568 0x1.8a2306d25112dp+8 -0.449
  0x1.688462a791172p+387 0x1.0c971f4559eefp+8 0.330
  0x1.e10b1893f94e6p+516 0x1.664b731ab3b9ep+8 -0.055
  0x1.0e89d86964262p+406 0x1.1979160312132p+8 0.275
  0x1.8de83a5b71443p-31 -0x1.50be8d33a3d43p+4 0.297
  0x1.0eff1b4c34d51p+380 0x1.0773ee71955e4p+8 0.410
  0x1.36b0263aeb45bp+886 0x1.332937c128920p+9 0.463
  0x1.1b8f369e216adp+160 0x1.bc05eea4c821ap+6 -0.084
  0x1.14c0a64a3e7acp+0 0x1.3f449d655b30dp-4 -0.070
  0x1.350d4a9b5401dp+2 0x1.931ab3f280652p+0 0.102
  0x1.609ecb5480589p+1 0x1.036ba9960a570p+0 0.145
  0x1.6ce56237538cbp+2 0x1.bda070cea2948p+0 -0.247
  0x1.0f658bf82c9dep+2 0x1.71d7c0d4a59b4p+0 -0.448
  0x1.addf5b9405014p+2 0x1.e7943ab1145dap+0 -0.185
  0x1.620d3f8db946cp+2 0x1.b5e742bdbe653p+0 -0.249
  0x1.a5561fe3f7cbfp+2 0x1.e271c5e3f8024p+0 -0.460
  0x1.b7b45b5eac8ffp+1 0x1.3bec3014edfcbp+0 -0.158
  0x1.608a4e435a42ep+2 0x1.b4cee13cebf8ep+0 -0.465
  0x1.8a8bf1848037bp+2 0x1.d1a06fa63574ep+0 -0.118
  0x1.b3074d4edfcfep+2 0x1.eaa19ce47da50p+0 -0.368
  0x1.b9a3f4e74d236p+1 0x1.3d0c18e1548e2p+0 -0.391
  0x1.b99c2c91a892cp+2 0x1.ee79adf0100e1p+0 -0.333
  0x1.c5b861b88ce72p+2 0x1.f566a8ef0b94fp+0 0.337
  0x1.745ffd29301abp+2 0x1.c2d216e958eddp+0 0.320
  0x1.f54d8064663dep+2 0x1.0777433d60ad7p+1 0.341
  0x1.ec84f632b9166p+2 0x1.05340b0a4908fp+1 -0.232
  0x1.28205ffff1adep+2 0x1.882ad457f3baep+0 -0.126
  0x1.2d24f486e4376p+2 0x1.8c780a12a6fd3p+0 -0.491
  0x1.14e402a63fc8cp+1 0x1.8b0e2a8d8b299p-1 -0.115
  0x1.b6ce4e8c460bep+2 0x1.ecd8350623fe4p+0 -0.330
  0x1.e3f26e6fd0dccp+2 0x1.02f4b0528b142p+1 -0.018
  0x1.15cd9427d70e2p+2 0x1.77d0c49bff24cp+0 0.034
  0x1.75c237ac6a341p+2 0x1.c3c529b37a1b2p+0 0.155
  0x1.826b670d916cbp+2 0x1.cc4c635bca0acp+0 0.140
  0x1.8732c60f54db2p+2 0x1.cf71e43f5957ap+0 -0.338
  0x1.19f4ef0514543p+1 0x1.9456a3a5fd584p-1 0.199
  0x1.9d9b42e46db80p+2 0x1.ddb444c00a7b7p+0 -0.138
  0x1.4437fc5cebe6cp+2 0x1.9f5e775013fe2p+0 -0.285
")

exp_rows <- function(x) .Call(emix:::C_hook_exp, x)
log_rows <- function(x) .Call(emix:::C_hook_log, x)

number <- function(hex) vapply(hex, function(h) eval(parse(text = h)), 0, USE.NAMES = FALSE)

# Distance from the true value in units of the last place.
ulps <- function(value, nearest, rest) {
  unit <- ifelse(nearest == 0, 2^-1074, 2^(pmax(floor(log2(abs(nearest))), -1022) - 52))
  abs((value - nearest) / unit - rest)
}

test_that("exp is within 2 units in the last place over its range", {
  x <- number(exp_reference$x)
  off <- ulps(exp_rows(x), number(exp_reference$nearest), exp_reference$rest)
  expect_gt(length(x), 60)
  expect_lt(max(off), 2)
})

test_that("exp at the ends: 0 below -708, 1 at 0, NaN for NaN", {
  expect_identical(exp_rows(c(-708.0000000000001, -745, -1e300, -Inf)), rep(0, 4))
  expect_identical(exp_rows(c(0, -0, -1e-310)), c(1, 1, 1))
  expect_identical(is.nan(exp_rows(c(NaN, -1, NaN))), c(TRUE, FALSE, TRUE))
})

test_that("exp agrees with R's along its range, whatever the place in a tile", {
  x <- -seq(0, 708, length.out = 5003)
  expect_lt(max(abs(exp_rows(x) / exp(x) - 1)), 4.5e-16)
  expect_identical(exp_rows(rev(x)), rev(exp_rows(x)))
})

test_that("log is within 2 units in the last place, subnormal numbers included", {
  x <- number(log_reference$x)
  off <- ulps(log_rows(x), number(log_reference$nearest), log_reference$rest)
  expect_gt(length(x), 60)
  expect_lt(max(off), 2)
})

test_that("log at the ends: -Inf at 0, Inf at Inf, NaN below 0 and for NaN", {
  expect_identical(log_rows(c(0, -0, Inf)), c(-Inf, -Inf, Inf))
  expect_true(all(is.nan(log_rows(c(-1, -Inf, -5e-324, NaN)))))
})

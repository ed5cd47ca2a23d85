/* Layer 3: the plug-ins there are, one word each. */
#ifndef EMIX_FAMILIES_H
#define EMIX_FAMILIES_H

#include "latent.h"

#define EM_FAMILIES(plug) plug(binomial) plug(mvnormal) plug(normal)
#define EM_LATENTS(plug) plug(mix)

#define EM_DECLARE_FAMILY(name) extern const em_family em_family_##name;
#define EM_DECLARE_LATENT(name) extern const em_latent em_latent_##name;
EM_FAMILIES(EM_DECLARE_FAMILY)
EM_LATENTS(EM_DECLARE_LATENT)

/* NULL where there is none of that name. */
const em_family *em_find_family(const char *name);
const em_latent *em_find_latent(const char *name);

#endif

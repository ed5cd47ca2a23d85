#include "families.h"

#include <string.h>

#define EM_ADDRESS_OF_FAMILY(name) &em_family_##name,
#define EM_ADDRESS_OF_LATENT(name) &em_latent_##name,

static const em_family *const all_families[] = {EM_FAMILIES(EM_ADDRESS_OF_FAMILY) NULL};
static const em_latent *const all_latents[] = {EM_LATENTS(EM_ADDRESS_OF_LATENT) NULL};

const em_family *em_find_family(const char *name)
{
    for (int i = 0; all_families[i] != NULL; i++)
        if (strcmp(all_families[i]->name, name) == 0)
            return all_families[i];
    return NULL;
}

const em_latent *em_find_latent(const char *name)
{
    for (int i = 0; all_latents[i] != NULL; i++)
        if (strcmp(all_latents[i]->name, name) == 0)
            return all_latents[i];
    return NULL;
}

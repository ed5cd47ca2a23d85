/* Open addressing with linear probing, at most half full. Points keep the order of their
 * first row, so the result does not depend on the hash. -0 and 0 are one value. */
#include "condense.h"

#include <stdint.h>
#include <string.h>

void em_condense_clear(em_condenser *c)
{
    c->used = 0;
    memset(c->slot, 0, 2 * (size_t)c->capacity * sizeof *c->slot);
}

/* The finaliser of MurmurHash3 (Appleby, public domain) on each value's bits. */
static uint64_t mix_bits(uint64_t h)
{
    h ^= h >> 33;
    h *= UINT64_C(0xff51afd7ed558ccd);
    h ^= h >> 33;
    h *= UINT64_C(0xc4ceb9fe1a85ec53);
    return h ^ (h >> 33);
}

static uint64_t hash_of(const double *x, int columns, int label)
{
    uint64_t h = (uint64_t)label + 1, bits;

    for (int c = 0; c < columns; c++) {
        memcpy(&bits, x + c, sizeof bits);
        h = mix_bits(h ^ bits) + UINT64_C(0x9e3779b97f4a7c15);
    }
    return h;
}

static bool same_point(const em_condenser *c, int point, const double *x, int label)
{
    const double *y = c->x + em_at(point, c->columns);

    for (int j = 0; j < c->columns; j++)
        if (x[j] != y[j])
            return false;
    return c->label[point] == label;
}

/* The place of x in the table: where it is, or where it belongs. */
static size_t find_slot(const em_condenser *c, const double *x, int label)
{
    size_t mask = 2 * (size_t)c->capacity - 1;
    size_t at = (size_t)hash_of(x, c->columns, label) & mask;

    while (c->slot[at] != 0 && !same_point(c, (int)c->slot[at] - 1, x, label))
        at = (at + 1) & mask;
    return at;
}

static bool add_row(em_condenser *c, const double *x, double weight, int label)
{
    size_t at = find_slot(c, x, label);

    if (c->slot[at] != 0) {
        c->weight[c->slot[at] - 1] += weight;
        return true;
    }
    if (c->used == c->capacity)
        return false;
    memcpy(c->x + em_at(c->used, c->columns), x, (size_t)c->columns * sizeof *x);
    c->weight[c->used] = weight;
    c->label[c->used] = label;
    c->slot[at] = (unsigned)++c->used;
    return true;
}

em_index em_condense_rows(em_condenser *c, const em_data *data, em_index row, em_index end)
{
    double x[EM_TILE];

    for (; row < end; row++) {
        for (int j = 0; j < c->columns; j++)
            x[j] = data->x[data->n * j + row] + 0.0; /* -0 becomes 0 */
        double weight = data->weight == NULL ? 1 : data->weight[row];
        if (!add_row(c, x, weight, data->label == NULL ? 0 : data->label[row]))
            break;
    }
    return row;
}

void em_condense_move(const em_condenser *from, em_condenser *to)
{
    for (int p = 0; p < from->used; p++)
        add_row(to, from->x + em_at(p, from->columns), from->weight[p], from->label[p]);
}

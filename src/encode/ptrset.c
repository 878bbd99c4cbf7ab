/* See ptrset.h. Invariant: at least half of the slots are empty, and every pointer is reachable from its home slot
 * without crossing an empty one. */
#include "encode/ptrset.h"

#define FIRST_SLOTS 64

static size_t
home_of(const rjpy_ptrset *set, const void *p)
{
    /* Fibonacci hashing: the low bits of addresses are all alike, the product's high bits aren't. */
    return (size_t)(((uint64_t)(uintptr_t)p * 0x9E3779B97F4A7C15u) >> 32) & set->mask;
}

static void
place(rjpy_ptrset *set, const void *p)
{
    size_t i = home_of(set, p);
    while (set->slots[i])
        i = (i + 1) & set->mask;
    set->slots[i] = p;
}

static int
grow(rjpy_ptrset *set)
{
    rjpy_ptrset bigger = {NULL, set->slots ? set->mask * 2 + 1 : FIRST_SLOTS - 1, set->count};
    bigger.slots = PyMem_Calloc(bigger.mask + 1, sizeof *bigger.slots);
    if (!bigger.slots)
        return -1;
    for (size_t i = 0; set->slots && i <= set->mask; i++)
        if (set->slots[i])
            place(&bigger, set->slots[i]);
    PyMem_Free(set->slots);
    *set = bigger;
    return 0;
}

int
rjpy_ptrset_add(rjpy_ptrset *set, const void *p)
{
    if ((!set->slots || set->count * 2 > set->mask) && grow(set) < 0)
        return -1;
    place(set, p);
    set->count++;
    return 0;
}

/* The slot of `p`, or the empty one where the search ends. */
static size_t
find(const rjpy_ptrset *set, const void *p)
{
    size_t i = home_of(set, p);
    while (set->slots[i] && set->slots[i] != p)
        i = (i + 1) & set->mask;
    return i;
}

int
rjpy_ptrset_has(const rjpy_ptrset *set, const void *p)
{
    return set->count > 0 && set->slots[find(set, p)] == p;
}

void
rjpy_ptrset_remove(rjpy_ptrset *set, const void *p)
{
    if (set->count == 0)
        return;
    size_t hole = find(set, p);
    if (!set->slots[hole])
        return;
    set->slots[hole] = NULL;
    set->count--;
    /* Move back what the hole would hide (Knuth, volume 3, section 6.4, algorithm R). */
    for (size_t i = (hole + 1) & set->mask; set->slots[i]; i = (i + 1) & set->mask) {
        size_t home = home_of(set, set->slots[i]);
        if (((i - home) & set->mask) >= ((i - hole) & set->mask)) {
            set->slots[hole] = set->slots[i];
            set->slots[i] = NULL;
            hole = i;
        }
    }
}

void
rjpy_ptrset_free(rjpy_ptrset *set)
{
    PyMem_Free(set->slots);
    *set = (rjpy_ptrset){NULL, 0, 0};
}

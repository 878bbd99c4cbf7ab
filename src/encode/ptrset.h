/* A multiset of pointers: the containers that are open on the heap stack, to find circular references in constant time. */
#ifndef RJSON_ENCODE_PTRSET_H
#define RJSON_ENCODE_PTRSET_H

#include "py.h"

typedef struct rj_ptrset {
    const void **slots; /* a power of two of them, or NULL; linear probing */
    size_t mask;
    size_t count;
} rj_ptrset;

/* 0, or -1 without memory (no exception set). */
int rj_ptrset_add(rj_ptrset *set, const void *p);
/* Once, where it was added more than once. */
void rj_ptrset_remove(rj_ptrset *set, const void *p);
int rj_ptrset_has(const rj_ptrset *set, const void *p);
void rj_ptrset_free(rj_ptrset *set);

#endif

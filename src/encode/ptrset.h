/* A multiset of pointers: the containers that are open on the heap stack, to find circular references in constant time. */
#ifndef RJSON_ENCODE_PTRSET_H
#define RJSON_ENCODE_PTRSET_H

#include "py.h"

typedef struct rjpy_ptrset {
    const void **slots; /* a power of two of them, or NULL; linear probing */
    size_t mask;
    size_t count;
} rjpy_ptrset;

/* 0, or -1 without memory (no exception set). */
int rjpy_ptrset_add(rjpy_ptrset *set, const void *p);
/* Once, where it was added more than once. */
void rjpy_ptrset_remove(rjpy_ptrset *set, const void *p);
int rjpy_ptrset_has(const rjpy_ptrset *set, const void *p);
void rjpy_ptrset_free(rjpy_ptrset *set);

#endif

/*
 * What encodings found out that the next ones use. With the GIL an interpreter has one; without it each context
 * (rjpy_encoder) has its own, so that none is ever used by two threads at once.
 */
#ifndef RJSON_ENCODE_CACHE_H
#define RJSON_ENCODE_CACHE_H

#include "encode/types/plan.h"

/* So many members are sorted without memory from the heap, and walked natively. */
#define RJ_FEW_MEMBERS 24

/* `sort_keys`: the order of the last dict with these keys. */
typedef struct rjpy_key_order {
    Py_ssize_t count;
    PyObject *keys[RJ_FEW_MEMBERS]; /* in the dict's order; owned, exact str */
    uint8_t order[RJ_FEW_MEMBERS];  /* their places in the dict, sorted */
} rjpy_key_order;

#define RJ_KEY_ORDERS 16

void rjpy_key_order_clear(rjpy_key_order *order);

typedef struct rjpy_encode_cache {
    rjpy_plan_cache plans;
    rjpy_key_order key_orders[RJ_KEY_ORDERS];
    PyObject *digits_of;  /* rjson._digits.digits, or NULL before the first use */
    PyObject *fixed_zone; /* a datetime.timezone that was met last, or NULL */
    int64_t fixed_offset; /* its offset, in microseconds */
    size_t last_size;     /* of the last result of dumps: an estimate for the next */
    int last_width;       /* of a character in the last str, or 0 */
    int last_was_latin1;  /* whether that was a str with characters from 0x80 to 0xFF, and none beyond */
} rjpy_encode_cache;

int rjpy_encode_cache_traverse(rjpy_encode_cache *cache, visitproc visit, void *arg);
void rjpy_encode_cache_clear(rjpy_encode_cache *cache);

#endif

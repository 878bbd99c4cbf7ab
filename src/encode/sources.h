/*
 * The generators that a document was in the middle of when it ended: they are closed, whoever else holds them, so
 * that their `finally` runs at once and not some day.
 */
#ifndef RJSON_ENCODE_SOURCES_H
#define RJSON_ENCODE_SOURCES_H

#include "encode/encoder.h"

/* Closes the generators in a list, in its order: whatever has send(), throw() and close(). Files and cursors are
 * their owners'. If an exception is set, it stays, and those that closing raises become notes of it; else the first
 * of them is set, with the others as its notes, and the answer is -1. */
int rjpy_close_sources(rjpy_state *state, PyObject *sources);
/* The same for what an encoder that failed, or is given up, leaves open. */
int rjpy_encoder_close_sources(rjpy_encoder *e);

#endif

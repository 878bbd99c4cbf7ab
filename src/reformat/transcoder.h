/* rjson._core.Transcoder: the transcoder of stream/ between Python's sources and targets. */
#ifndef RJSON_REFORMAT_TRANSCODER_H
#define RJSON_REFORMAT_TRANSCODER_H

#include "encode/encoder.h"

extern PyType_Spec rjpy_transcoder_spec;

/* Whether these bytes are one JSON text (RFC 8259, UTF-8, no byte order mark): 0, or -1 with DecodeError. */
int rjpy_check_text(const rjpy_state *state, const uint8_t *text, size_t length);

#endif

/* The walk with every layout, for SSE4.2. See encode_sse4.c. */
#include "cpython/dict_access.h"
#include "cpython/long_access.h"
#include "cpython/str_access.h"
#include "encode.h"
#include "number.h"
#include "raw.h"
#include "types.h"

#include "arch/target_sse4.h"

#include "arch/text_body.h"
#define RJ__STYLED 1
#define RJ__ENCODE rj_encode_styled_sse4
#include "encode_body.h"

#include "arch/target_end.h"

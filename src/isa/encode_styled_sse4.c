/* The walk with every layout, for SSE4.2. See encode_sse4.c. */
#include "cpython/dict_access.h"
#include "cpython/long_access.h"
#include "cpython/str_access.h"
#include "encode/encoder.h"
#include "number/number.h"
#include "encode/types/raw.h"
#include "encode/types/texts.h"

#include "arch/sse4/target.h"

#include "arch/common/text_body.h"
#define RJ__STYLED 1
#define RJ__ENCODE rj_encode_styled_sse4
#include "encode/walk/walk.h"

#include "arch/common/target_end.h"

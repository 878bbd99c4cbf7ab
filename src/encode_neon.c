/* The walk for NEON. Headers of CPython, and what does not profit, come before the target header: what follows it is compiled for
 * NEON. */
#include "cpython/dict_access.h"
#include "cpython/long_access.h"
#include "cpython/str_access.h"
#include "encode.h"
#include "number.h"
#include "raw.h"
#include "types.h"

#include "arch/target_neon.h"

#include "arch/text_body.h"
#define RJ__STYLED 0
#define RJ__ENCODE rj_encode_neon
#include "encode_body.h"

#include "arch/target_end.h"

/* The walk for AVX2. Headers of CPython, and what does not profit, come before the target header: what follows it is compiled for
 * AVX2. */
#include "cpython/dict_access.h"
#include "cpython/long_access.h"
#include "cpython/str_access.h"
#include "encode/encoder.h"
#include "number/number.h"
#include "encode/types/raw.h"
#include "encode/types/texts.h"

#include "arch/avx2/target.h"

#include "arch/common/text_body.h"
#define RJ__STYLED 0
#define RJ__ENCODE rj_encode_avx2
#include "encode/walk/walk.h"

#include "arch/common/target_end.h"

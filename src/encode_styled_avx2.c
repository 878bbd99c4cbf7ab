/* The walk with every layout, for AVX2. See encode_avx2.c. */
#include "cpython/dict_access.h"
#include "cpython/long_access.h"
#include "cpython/str_access.h"
#include "encode.h"
#include "number.h"
#include "raw.h"
#include "types.h"

#include "arch/target_avx2.h"

#include "arch/text_body.h"
#define RJ__STYLED 1
#define RJ__ENCODE rj_encode_styled_avx2
#include "encode_body.h"

#include "arch/target_end.h"

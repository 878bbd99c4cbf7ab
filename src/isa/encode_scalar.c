/* The walk for every machine. */
#include "py.h"

#include "arch/scalar/target.h"

#include "arch/common/text_body.h"
#define RJ__STYLED 0
#define RJ__ENCODE rj_encode_scalar
#include "encode/walk/walk.h"

#include "arch/common/target_end.h"

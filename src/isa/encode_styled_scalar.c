/* The walk with every layout, for every machine. */
#include "py.h"

#include "arch/scalar/target.h"

#include "arch/common/text_body.h"
#define RJ__STYLED 1
#define RJ__ENCODE rj_encode_styled_scalar
#include "encode/walk/walk.h"

#include "arch/common/target_end.h"

/* The walk with every layout, for every machine. */
#include "python.h"

#include "arch/target_scalar.h"

#include "arch/text_body.h"
#define RJ__STYLED 1
#define RJ__ENCODE rj_encode_styled_scalar
#include "encode_body.h"

#include "arch/target_end.h"

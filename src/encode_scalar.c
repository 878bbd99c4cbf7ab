/* The walk for every machine. */
#include "python.h"

#include "arch/target_scalar.h"

#include "arch/text_body.h"
#define RJ__STYLED 0
#define RJ__ENCODE rj_encode_scalar
#include "encode_body.h"

#include "arch/target_end.h"

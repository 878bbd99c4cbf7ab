/* The walk for every machine. */
#include "python.h"

#include "arch/target_scalar.h"

#include "arch/text_body.h"
#include "encode_body.h"

#include "arch/target_end.h"

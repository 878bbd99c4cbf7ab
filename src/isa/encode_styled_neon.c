/* The encoder's walk with every layout, for NEON. */
#include "encode/walk/headers.h"

#include "arch/neon/target.h"

#define RJ__STYLED 1
#include "encode/walk/walk.h"

#include "arch/common/target_end.h"

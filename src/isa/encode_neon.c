/* The encoder's walk, for NEON. */
#include "encode/walk/headers.h"

#include "arch/neon/target.h"

#define RJ__STYLED 0
#include "encode/walk/walk.h"

#include "arch/common/target_end.h"

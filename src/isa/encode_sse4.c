/* The encoder's walk, for SSE4.2. */
#include "encode/walk/headers.h"

#include "arch/sse4/target.h"

#define RJ__STYLED 0
#include "encode/walk/walk.h"

#include "arch/common/target_end.h"

/* The encoder's walk, for every machine. */
#include "encode/walk/headers.h"

#include "arch/scalar/target.h"

#define RJ__STYLED 0
#include "encode/walk/walk.h"

#include "arch/common/target_end.h"

/* The steps are those of every set with vectors of 16 bytes and a shuffle. */
#include "arch/common/steps_lanes.h"

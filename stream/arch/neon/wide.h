/* Wider characters are written eight at a time. */
#include "arch/common/wide_lanes.h"

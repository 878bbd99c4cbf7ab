/* Decimals are read as with SSE4. */
#include "arch/sse4/digits.h"

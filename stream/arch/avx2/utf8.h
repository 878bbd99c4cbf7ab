/* UTF-8 is checked and widened as with SSE4. */
#include "arch/sse4/utf8.h"

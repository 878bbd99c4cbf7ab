/* The transcoder's walk, sse4. */
#include "number/digits8.h"
#include "reformat/reformat.h"
#include "text/text.h"

#include "arch/sse4/target.h"

#include "reformat/walk.h"

#include "arch/common/target_end.h"

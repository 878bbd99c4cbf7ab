/* The transcoder's walk, neon. */
#include "number/digits8.h"
#include "reformat/reformat.h"
#include "text/text.h"

#include "arch/neon/target.h"

#include "reformat/walk.h"

#include "arch/common/target_end.h"

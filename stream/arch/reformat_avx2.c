/* The transcoder's walk, avx2. */
#include "number/digits8.h"
#include "reformat/reformat.h"
#include "text/text.h"

#include "arch/avx2/target.h"

#include "reformat/walk.h"

#include "arch/common/target_end.h"

/* UTF-8 is checked and widened as on every machine. */
#include "arch/scalar/utf8.h"

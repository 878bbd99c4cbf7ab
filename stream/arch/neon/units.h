/* Units of two and four bytes are written as on every machine. */
#include "arch/scalar/units.h"

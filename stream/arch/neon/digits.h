/* Decimals are read as on every machine. */
#include "arch/scalar/digits.h"

/* Ends what a target header began. */
#if defined(RJ__ENDS_ATTRIBUTE)
#pragma clang attribute pop
#endif

/*
 * Of the instruction set that is compiled for: each target header (arch/SET/target.h) defines RJ__SET as the name of
 * its folder. Bodies include the set's own file of a name with RJ__OF_SET(scan.h); symbols that there are once per
 * set are named with RJ__SHARED(name). All other functions of bodies are static and carry their own names: no file
 * is compiled for two sets.
 */
#ifndef RJSON_STREAM_ARCH_COMMON_SET_H
#define RJSON_STREAM_ARCH_COMMON_SET_H

/* Blanks would be part of the path. */
/* clang-format off */
#define RJ__QUOTED(path) #path
#define RJ__FILE_OF(set, name) RJ__QUOTED(arch/set/name)
/* clang-format on */
#define RJ__OF_SET(name) RJ__FILE_OF(RJ__SET, name)

#define RJ__JOINED(name, set) name##_##set
#define RJ__SYMBOL_OF(name, set) RJ__JOINED(name, set)
#define RJ__SHARED(name) RJ__SYMBOL_OF(name, RJ__SET)

#endif

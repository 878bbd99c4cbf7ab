/* Texts of the status codes, from the same table as the codes. */
#include "internal.h"

const char *
rj_strerror(int status)
{
    switch (status) {
#define RJ__CASE(code, name, text)                                                                                          \
    case code:                                                                                                              \
        return text;
        RJ_STATUS_MAP(RJ__CASE)
#undef RJ__CASE
    default:
        return "unknown status";
    }
}

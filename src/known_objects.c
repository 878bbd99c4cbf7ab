#include "cpython/known_objects.h"

static void
set_text(rj_known_text *text, const char *characters)
{
    size_t length = strlen(characters);
    memcpy(text->bytes, characters, length);
    text->bytes[length] = ',';
    text->length = (uint8_t)(length + 1);
}

/* The first factor that gives each of them another place. */
static void
place_literals(rj_known_objects *known)
{
    PyObject *const objects[] = {Py_True, Py_False, Py_None};
    const char *const texts[] = {"true", "false", "null"};
    size_t a, b, c;
    known->factor = 0x9E3779B97F4A7C15u; /* 2^64 divided by the golden ratio */
    for (;; known->factor += 2) {
        a = rj_literal_place(known->factor, Py_True);
        b = rj_literal_place(known->factor, Py_False);
        c = rj_literal_place(known->factor, Py_None);
        if (a != b && b != c && c != a)
            break;
    }
    for (size_t i = 0; i < 3; i++) {
        size_t place = rj_literal_place(known->factor, objects[i]);
        known->literals[place].object = objects[i];
        set_text(&known->literals[place].text, texts[i]);
    }
}

#if !defined(RJSON_PORTABLE)

/* Where the first of them is if all lie side by side, else 0; (uintptr_t)-1 with an exception. */
static uintptr_t
find_small_ints(void)
{
    uintptr_t first = 0;
    int is_known = 1;
    for (size_t i = 0; i < RJ_SMALL_INTS; i++) {
        PyObject *v = PyLong_FromLong(RJ_SMALL_INT_MIN + (long)i);
        if (!v)
            return (uintptr_t)-1;
        if (i == 0)
            first = (uintptr_t)v;
        is_known &= (uintptr_t)v == first + i * sizeof(PyLongObject);
        Py_DECREF(v);
    }
    return is_known ? first : 0;
}

#else

static uintptr_t
find_small_ints(void)
{
    return 0;
}

#endif

int
rj_known_objects_init(rj_known_objects *known)
{
    place_literals(known);
    for (size_t i = 0; i < RJ_SMALL_INTS; i++) {
        char digits[8];
        snprintf(digits, sizeof digits, "%d", RJ_SMALL_INT_MIN + (int)i);
        set_text(&known->small_int_texts[i], digits);
    }
    known->small_ints = find_small_ints();
    return known->small_ints == (uintptr_t)-1 ? -1 : 0;
}

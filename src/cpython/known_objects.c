#include "cpython/known_objects.h"

static void
set_text(rjpy_known_text *text, const char *characters)
{
    size_t length = strlen(characters);
    memcpy(text->bytes, characters, length);
    text->bytes[length] = ',';
    text->length = (uint8_t)(length + 1);
}

/* Gives each of them a place in the table; -1 with an exception. */
static int
place_literals(rjpy_known_objects *known)
{
    PyObject *const objects[RJ_LITERAL_COUNT] = {Py_True, Py_False, Py_None};
    const char *const texts[RJ_LITERAL_COUNT] = {"true", "false", "null"};
    uintptr_t addresses[RJ_LITERAL_COUNT];
    for (size_t i = 0; i < RJ_LITERAL_COUNT; i++)
        addresses[i] = (uintptr_t)objects[i];
    known->factor = rjpy_literal_factor(addresses);
    if (known->factor == 0) {
        PyErr_Format(PyExc_ImportError, "rjson has no table for True, False and None at %p, %p and %p: please report this",
                     (void *)Py_True, (void *)Py_False, (void *)Py_None);
        return -1;
    }
    for (size_t i = 0; i < RJ_LITERAL_COUNT; i++) {
        size_t place = rjpy_literal_place(known->factor, objects[i]);
        known->literals[place].object = objects[i];
        set_text(&known->literals[place].text, texts[i]);
    }
    return 0;
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
rjpy_known_objects_init(rjpy_known_objects *known)
{
    if (place_literals(known) < 0)
        return -1;
    for (size_t i = 0; i < RJ_SMALL_INTS; i++) {
        char digits[8];
        snprintf(digits, sizeof digits, "%d", RJ_SMALL_INT_MIN + (int)i);
        set_text(&known->small_int_texts[i], digits);
    }
    known->small_ints = find_small_ints();
    return known->small_ints == (uintptr_t)-1 ? -1 : 0;
}

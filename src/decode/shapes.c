/* Dicts by shape; see shapes.h. */
#include "decode/shapes.h"

#include "cpython/dict_build.h"

static PyObject *
insert_members(PyObject **members, size_t count)
{
    PyObject *dict = rjpy_dict_new((Py_ssize_t)count);
    for (size_t i = 0; i < 2 * count; i += 2) {
        if (dict && PyDict_SetItem(dict, members[i], members[i + 1]) < 0)
            Py_CLEAR(dict);
        Py_DECREF(members[i]);
        Py_DECREF(members[i + 1]);
    }
    return dict;
}

/* A number that other keys, or these in another order, hardly have. */
static size_t
mark_keys(PyObject *const *members, size_t count)
{
    size_t mark = count;
    for (size_t i = 0; i < count; i++)
        mark += (size_t)(uintptr_t)members[2 * i] << (i & 15);
    return mark * (size_t)0x9E3779B97F4A7C15u; /* 2^64 divided by the golden ratio */
}

/* Whether something else refers to each key, as the cache does: the others will not come again. */
static int
are_kept(PyObject *const *members, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (Py_REFCNT(members[2 * i]) == 1)
            return 0;
    return 1;
}

/* A dict with keys that were not here the last time. */
static PyObject *
note_shape(rjpy_shape *shape, size_t mark, PyObject **members, size_t count)
{
    int was_here = shape->mark == mark && are_kept(members, count);
    PyObject *dict = insert_members(members, count);
    if (dict && was_here)
        Py_XSETREF(shape->pattern, rjpy_dict_pattern(dict, count));
    shape->mark = mark;
    return dict;
}

PyObject *
rjpy_shapes_dict(rjpy_shape *shapes, PyObject **members, size_t count)
{
    if (!RJ_HAS_DICT_PATTERNS || count < RJ_SHAPE_MIN || count > RJ_SHAPE_MAX)
        return insert_members(members, count);
    size_t mark = mark_keys(members, count);
    rjpy_shape *shape = &shapes[mark >> (sizeof mark * 8 - 10)];
    _Static_assert(RJ_SHAPES == 1 << 10, "the index is ten bits");
    if (RJ__UNLIKELY(!shape->pattern) || RJ__UNLIKELY(!rjpy_dict_has_keys(shape->pattern, members, count)))
        return note_shape(shape, mark, members, count);
    PyObject *pattern = Py_NewRef(shape->pattern); /* hooks may collect garbage, whose finalizers may decode */
    PyObject *dict = rjpy_dict_from_pattern(pattern, members);
    Py_DECREF(pattern);
    return dict;
}

void
rjpy_shapes_clear(rjpy_shape *shapes)
{
    for (size_t i = 0; i < RJ_SHAPES; i++)
        Py_CLEAR(shapes[i].pattern);
}

/* Raising what the walk recorded: the path to the place, the bytes that are out, the exception. */
#include "encode/types/array.h"
#include "cpython/exceptions.h"

#include <errno.h>

/* Of longer paths only so many levels at each end are shown. */
#define PATH_ENDS 20

/* ".name", ["other name"], or [repr] for a key that is no str; its type where it has no repr, as ints of thousands
 * of digits. */
static PyObject *
member_text(PyObject *key)
{
    if (PyUnicode_Check(key) && PyUnicode_IsIdentifier(key) == 1)
        return PyUnicode_FromFormat(".%.200U", key);
    PyObject *text = PyUnicode_FromFormat("[%.200R]", key);
    if (text || PyErr_ExceptionMatches(PyExc_MemoryError))
        return text;
    PyErr_Clear();
    return PyUnicode_FromFormat("[<%.200s>]", Py_TYPE(key)->tp_name);
}

/* The key before `pos`: a new reference, or NULL if the dict has changed too much to tell. */
static PyObject *
key_before(PyObject *dict, Py_ssize_t pos)
{
    PyObject *key = NULL, *value;
    rjpy_section section;
    rjpy_lock(&section, dict);
    if (pos < 1 || (--pos, !PyDict_Next(dict, &pos, &key, &value)))
        key = NULL;
    Py_XINCREF(key);
    rjpy_unlock(&section);
    return key;
}

/* The key at hand of a level that has keys: a new reference, or NULL. */
static PyObject *
frame_key(const rjpy_frame *f)
{
    switch (f->kind) {
    case RJ_FRAME_DICT:
        return key_before(f->obj, f->pos);
    case RJ_FRAME_PAIRS:
        return Py_XNewRef(f->key);
    case RJ_FRAME_ENTRIES:
        return f->pos > 0 ? Py_NewRef(PyTuple_GET_ITEM(f->iterator, f->pos - 2)) : NULL;
    case RJ_FRAME_FIELDS:
        return f->pos > 0 ? Py_NewRef(((const rjpy_plan *)f->iterator)->fields[f->pos - 1].key) : NULL;
    default:
        return NULL;
    }
}

/* The index at hand of a level that counts its items, or -1. */
static Py_ssize_t
frame_index(const rjpy_frame *f)
{
    int counts = f->kind == RJ_FRAME_SEQUENCE || f->kind == RJ_FRAME_ITERATOR || f->kind == RJ_FRAME_ASYNC;
    return counts ? f->pos - 1 : -1;
}

/* What a level adds to the path: a new str, empty if nothing. */
static PyObject *
frame_text(const rjpy_frame *f)
{
    if (f->kind == RJ_FRAME_ARRAY)
        return rjpy_array_position((const rjpy_array *)f->iterator);
    if (frame_index(f) >= 0)
        return PyUnicode_FromFormat("[%zd]", frame_index(f));
    PyObject *key = frame_key(f); /* its repr may run code that drops it */
    PyObject *text = key ? member_text(key) : PyUnicode_FromString("");
    Py_XDECREF(key);
    return text;
}

/* Appends `text` (consumed) to *path; *path is NULL after a failure. */
static void
append(PyObject **path, PyObject *text)
{
    if (text)
        PyUnicode_Append(path, text);
    else
        Py_CLEAR(*path);
    Py_XDECREF(text);
}

/* Whether a level is one that the path shows: not one of `default`, nor a value that was not begun. */
static int
is_shown(const rjpy_frame *f)
{
    return f->kind != RJ_FRAME_DEFAULT && f->kind != RJ_FRAME_VALUE && f->kind != RJ_FRAME_PAIR && f->kind != RJ_FRAME_CLOSE;
}

static size_t
count_shown(const rjpy_encoder *e)
{
    size_t count = 0;
    for (size_t i = 0; i < e->frame_count; i++)
        count += (size_t)is_shown(&e->frames[i]);
    if (count > 0 && e->problem_in_key)
        count--; /* the innermost container is the place */
    return count;
}

/* The path of the item at hand, "$" for the root. A new str, or NULL without memory (or a key that has no repr). */
static PyObject *
path_text(const rjpy_encoder *e)
{
    size_t levels = count_shown(e), level = 0;
    size_t hidden = levels > 2 * PATH_ENDS ? levels - 2 * PATH_ENDS : 0;
    PyObject *path = PyUnicode_FromString("$");
    for (size_t i = 0; level < levels && path; i++) {
        if (!is_shown(&e->frames[i]))
            continue;
        if (hidden && level == PATH_ENDS)
            append(&path, PyUnicode_FromFormat("[... %zu levels ...]", hidden));
        if (path && (level < PATH_ENDS || level >= PATH_ENDS + hidden))
            append(&path, frame_text(&e->frames[i]));
        level++;
    }
    return path;
}

/* Sets an attribute where the exception takes one (with __slots__ it may not). `value` is consumed. */
static void
set_attribute(PyObject *exception, PyObject *name, PyObject *value)
{
    if (!value || PyObject_SetAttr(exception, name, value) < 0)
        PyErr_Clear();
    Py_XDECREF(value);
}

/* Another list than the exception has: an exception that is raised twice keeps its notes. */
static PyObject *
longer_list(PyObject *notes, PyObject *note)
{
    PyObject *longer = notes && PyList_Check(notes) ? PyList_GetSlice(notes, 0, PyList_GET_SIZE(notes)) : PyList_New(0);
    if (longer && PyList_Append(longer, note) < 0)
        Py_CLEAR(longer);
    return longer;
}

void
rjpy_add_note(rjpy_state *state, PyObject *exception, PyObject *note)
{
    PyObject *result = PyObject_CallMethodOneArg(exception, state->str_add_note, note);
    if (!result) {
        PyErr_Clear();
        PyObject *notes = PyObject_GetAttr(exception, state->str_notes);
        PyErr_Clear();
        set_attribute(exception, state->str_notes, longer_list(notes, note));
        Py_XDECREF(notes);
    }
    Py_XDECREF(result);
}

static void
note_path(rjpy_state *state, PyObject *exception, PyObject *path)
{
    PyObject *note = PyUnicode_FromFormat("while encoding %U", path);
    if (note)
        rjpy_add_note(state, exception, note);
    else
        PyErr_Clear();
    Py_XDECREF(note);
}

/* What json says of a level since 3.14: a new str; NULL for a level that it says nothing of, or with an exception. */
static PyObject *
level_note(const rjpy_frame *f)
{
    const char *type = Py_TYPE(f->obj)->tp_name;
    if (f->kind == RJ_FRAME_DEFAULT)
        return PyUnicode_FromFormat("when serializing %s object", type);
    if (frame_index(f) >= 0)
        return PyUnicode_FromFormat("when serializing %s item %zd", type, frame_index(f));
    PyObject *key = frame_key(f);
    PyObject *note = key ? PyUnicode_FromFormat("when serializing %s item %R", type, key) : NULL;
    Py_XDECREF(key);
    return note;
}

/* A note for each level, from the innermost on; none for an object that `default` itself failed at. */
static void
note_levels(const rjpy_encoder *e, PyObject *exception)
{
    int in_key = e->problem && e->problem_in_key;
    size_t i = e->frame_count;
    if (i > 0 && e->frames[i - 1].kind == RJ_FRAME_DEFAULT && !e->problem)
        i--;
    while (i-- > 0) {
        const rjpy_frame *f = &e->frames[i];
        PyObject *note = in_key && is_shown(f) ? NULL : level_note(f);
        in_key = in_key && !is_shown(f);
        if (note)
            rjpy_add_note(e->state, exception, note);
        PyErr_Clear();
        Py_XDECREF(note);
    }
}

void
rjpy_raise_errno(int sys_errno, PyObject *label)
{
    PyObject *name = PyUnicode_Check(label) ? Py_NewRef(label) : PyObject_Repr(label);
    if (!name)
        return;
    errno = sys_errno;
    PyErr_SetFromErrnoWithFilenameObject(PyExc_OSError, name);
    Py_DECREF(name);
}

void
rjpy_raise_sink(const rj_sink *sink, PyObject *label)
{
    switch (sink->status) {
    case RJ_ENOMEM:
        PyErr_NoMemory();
        break;
    case RJ_ETIMEOUT:
        PyErr_Format(PyExc_TimeoutError, "timed out: the target accepted %llu bytes and then (next to) nothing",
                     (unsigned long long)sink->accepted);
        break;
    case RJ_EIO:
        rjpy_raise_errno(sink->sys_errno, label);
        break;
    case RJ_EABORTED:
        PyErr_Format(PyExc_ConnectionAbortedError, "%R was aborted in the middle of a document", label);
        break;
    case RJ_EPROCESS:
        PyErr_SetString(PyExc_RuntimeError,
                        "this document was begun in the process that this one was forked from, which goes on with it");
        break;
    default:
        PyErr_SetString(PyExc_SystemError, rj_strerror(sink->status));
    }
}

/* The path; "$" where there is no memory for more. NULL with MemoryError where there is not even that much. No exception may
 * be set. */
static PyObject *
path_or_root(const rjpy_encoder *e)
{
    PyObject *path = path_text(e);
    if (path)
        return path;
    PyErr_Clear();
    return PyUnicode_FromString("$");
}

void
rjpy_encoder_raise(rjpy_encoder *e, PyObject *label, uint64_t bytes_written)
{
    if (e->problem) {
        PyErr_Clear(); /* whatever went wrong on the way out of it */
        PyObject *path = path_or_root(e);
        if (path)
            PyErr_Format(e->problem_type, "%U at %U%s%s", e->problem, path, e->advice ? ": " : "",
                         e->advice ? e->advice : "");
        Py_XDECREF(path);
    }
    else if (!PyErr_Occurred()) {
        rjpy_raise_sink(e->sink, label);
    }
    PyObject *exception = rjpy_take_exception();
    set_attribute(exception, e->state->str_bytes_written, PyLong_FromUnsignedLongLong(bytes_written));
    PyObject *path = path_or_root(e);
    if (path && e->problem) {
        set_attribute(exception, e->state->str_path, Py_NewRef(path));
        set_attribute(exception, e->state->str_reason, Py_NewRef(e->problem));
    }
    else if (path && !e->target_failed && !e->options->json_notes)
        note_path(e->state, exception, path);
    if (e->options->json_notes && !e->target_failed)
        note_levels(e, exception);
    Py_XDECREF(path);
    rjpy_set_exception(exception);
}

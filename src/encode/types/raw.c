/* See raw.h. Immutable; holds a bytes object of its own, so nobody can change what was checked. */
#include "encode/types/raw.h"

#include "reformat/transcoder.h"
#include "state.h"

#include <structmember.h>

typedef struct raw_object {
    PyObject_HEAD PyObject *bytes;
    char non_ascii;
} raw_object;

PyObject *
rjpy_raw_bytes(PyObject *raw)
{
    return ((raw_object *)raw)->bytes;
}

int
rjpy_raw_is_non_ascii(PyObject *raw)
{
    return ((raw_object *)raw)->non_ascii;
}

static int
has_non_ascii(const char *s, Py_ssize_t length)
{
    unsigned char seen = 0;
    for (Py_ssize_t i = 0; i < length; i++)
        seen |= (unsigned char)s[i];
    return seen >= 0x80;
}

static PyObject *
bytes_of(PyObject *json)
{
    if (PyUnicode_Check(json))
        return PyUnicode_AsUTF8String(json);
    if (PyBytes_CheckExact(json))
        return Py_NewRef(json);
    if (PyObject_CheckBuffer(json))
        return PyBytes_FromObject(json);
    PyErr_Format(PyExc_TypeError, "Raw() takes bytes, str or a buffer, not %.200s", Py_TYPE(json)->tp_name);
    return NULL;
}

static int
check_json(PyTypeObject *type, const char *s, Py_ssize_t length)
{
    PyObject *module = PyType_GetModule(type);
    return module ? rjpy_check_text(rjpy_state_of(module), (const uint8_t *)s, (size_t)length) : -1;
}

static PyObject *
raw_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"", "check", NULL};
    PyObject *json;
    int check = 0;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|$p:Raw", names, &json, &check))
        return NULL;
    PyObject *bytes = bytes_of(json);
    if (!bytes)
        return NULL;
    const char *s = PyBytes_AS_STRING(bytes);
    Py_ssize_t length = PyBytes_GET_SIZE(bytes);
    const char *wrong = NULL;
    if (length == 0)
        wrong = "Raw() needs a non-empty JSON value";
    else if (!rj__utf8_valid((const uint8_t *)s, (size_t)length))
        wrong = "Raw() takes JSON in UTF-8";
    raw_object *self = NULL;
    if (wrong)
        PyErr_SetString(PyExc_ValueError, wrong);
    else if (!check || check_json(type, s, length) == 0)
        self = (raw_object *)type->tp_alloc(type, 0);
    if (!self) {
        Py_DECREF(bytes);
        return NULL;
    }
    self->non_ascii = (char)has_non_ascii(s, length);
    self->bytes = bytes;
    return (PyObject *)self;
}

static int
raw_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    return 0;
}

static void
raw_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    Py_XDECREF(((raw_object *)self)->bytes);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyObject *
raw_repr(PyObject *self)
{
    return PyUnicode_FromFormat("Raw(%R)", ((raw_object *)self)->bytes);
}

static PyObject *
raw_richcompare(PyObject *self, PyObject *other, int op)
{
    if (!Py_IS_TYPE(other, Py_TYPE(self)))
        Py_RETURN_NOTIMPLEMENTED;
    return PyObject_RichCompare(((raw_object *)self)->bytes, ((raw_object *)other)->bytes, op);
}

static Py_hash_t
raw_hash(PyObject *self)
{
    return PyObject_Hash(((raw_object *)self)->bytes);
}

static PyObject *
raw_reduce(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    return Py_BuildValue("O(O)", Py_TYPE(self), ((raw_object *)self)->bytes);
}

static PyMethodDef raw_methods[] = {
    {"__reduce__", raw_reduce, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyMemberDef raw_members[] = {
    {"json", T_OBJECT_EX, offsetof(raw_object, bytes), READONLY, PyDoc_STR("The JSON text, as bytes.")},
    {NULL, 0, 0, 0, NULL},
};

PyDoc_STRVAR(raw_doc, "Raw(json, /, *, check=False)\n--\n\n"
                      "JSON that is encoded already: written as it is, in place of the object.\n\n"
                      "Args:\n"
                      "    json: One JSON value, as bytes (or any buffer) in UTF-8, or as str.\n"
                      "    check: Make sure that it is one, as strictly as `loads`. Otherwise it is not parsed.\n\n"
                      "Raises:\n"
                      "    DecodeError: It was checked, and is none.\n"
                      "    ValueError: It is empty or not UTF-8.\n"
                      "    TypeError: It is something else.");

static PyType_Slot raw_slots[] = {
    {Py_tp_doc, (void *)raw_doc},          {Py_tp_new, RJ_SLOT(raw_new)},
    {Py_tp_dealloc, RJ_SLOT(raw_dealloc)}, {Py_tp_traverse, RJ_SLOT(raw_traverse)},
    {Py_tp_repr, RJ_SLOT(raw_repr)},       {Py_tp_richcompare, RJ_SLOT(raw_richcompare)},
    {Py_tp_hash, RJ_SLOT(raw_hash)},       {Py_tp_methods, raw_methods},
    {Py_tp_members, raw_members},          {0, NULL},
};

PyType_Spec rjpy_raw_spec = {
    "rjson.Raw", sizeof(raw_object), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE, raw_slots,
};

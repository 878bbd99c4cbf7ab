/* The module rjson._uv: what needs libuv. */
#define _GNU_SOURCE 1 /* for dladdr */
#include "uv/module.h"

#include "uv/fanout.h"
#include "uv/loop.h"
#include "uv/stream.h"

#include "rjson/uv.h"

#include <dlfcn.h>
#include <string.h>

static struct PyModuleDef uv_module;

rjpy_uv_state *
rjpy_uv_state_of_type(PyTypeObject *type)
{
    for (PyTypeObject *t = type; t; t = t->tp_base) {
        PyObject *module = PyType_HasFeature(t, Py_TPFLAGS_HEAPTYPE) ? ((PyHeapTypeObject *)t)->ht_module : NULL;
        if (module && PyModule_GetDef(module) == &uv_module)
            return PyModule_GetState(module);
    }
    PyErr_SetString(PyExc_SystemError, "a type of rjson._uv without its module");
    return NULL;
}

/* Another extension module that was loaded with global symbols may have brought a libuv of its own in front of the system's;
 * handles of one version on a loop of another would be memory corruption: better no import. */
static int
check_libuv(void)
{
    Dl_info info;
    void *function = (void *)(uintptr_t)uv_run;
    const char *path = dladdr(function, &info) && info.dli_fname ? info.dli_fname : "?";
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    if (strncmp(name, "libuv", 5) != 0 || uv_version() < (unsigned)UV_VERSION_HEX) {
        PyErr_Format(PyExc_ImportError, "rjson.uv was built with libuv %d.%d.%d, but would use %s from %s", UV_VERSION_MAJOR,
                     UV_VERSION_MINOR, UV_VERSION_PATCH, uv_version_string(), path);
        return -1;
    }
    return 0;
}

static int
add_type(PyObject *module, PyType_Spec *spec, PyTypeObject **slot)
{
    *slot = (PyTypeObject *)PyType_FromModuleAndSpec(module, spec, NULL);
    return *slot ? PyModule_AddType(module, *slot) : -1;
}

static int
constant_of(PyObject *module, const char *name, int *value)
{
    PyObject *number = PyObject_GetAttrString(module, name);
    *value = number ? (int)PyLong_AsLong(number) : -1;
    Py_XDECREF(number);
    return number && !PyErr_Occurred() ? 0 : -1;
}

static int
borrow_from_core(rjpy_uv_state *state)
{
    state->core = PyImport_ImportModule("rjson._core");
    PyObject *capsule = state->core ? PyObject_GetAttrString(state->core, "_api") : NULL;
    state->api = capsule ? PyCapsule_GetPointer(capsule, RJ_CORE_API_CAPSULE) : NULL;
    Py_XDECREF(capsule);
    if (!state->api)
        return -1;
    state->pump_type = (PyTypeObject *)PyObject_GetAttrString(state->core, "Pump");
    if (!state->pump_type || constant_of(state->core, "PUMP_FULL", &state->pump_full) < 0)
        return -1;
    return constant_of(state->core, "PUMP_SLICE", &state->pump_slice);
}

static int
add_constants(PyObject *module)
{
    static const struct {
        const char *name;
        int value;
    } constants[] = {
        {"SLOW_WAIT", RJ_SLOW_WAIT},    {"SLOW_SKIP", RJ_SLOW_SKIP},          {"SLOW_DROP", RJ_SLOW_DROP},
        {"EVENT_ROOM", RJ_FANOUT_ROOM}, {"EVENT_DRAINED", RJ_FANOUT_DRAINED}, {"EVENT_EMPTY", RJ_FANOUT_EMPTY},
    };
    for (size_t i = 0; i < sizeof constants / sizeof constants[0]; i++)
        if (PyModule_AddIntConstant(module, constants[i].name, constants[i].value) < 0)
            return -1;
    return 0;
}

static int
uv_exec(PyObject *module)
{
    rjpy_uv_state *state = PyModule_GetState(module);
    if (check_libuv() < 0 || borrow_from_core(state) < 0)
        return -1;
    state->str_set_result = PyUnicode_InternFromString("set_result");
    state->str_set_exception = PyUnicode_InternFromString("set_exception");
    if (!state->str_set_result || !state->str_set_exception)
        return -1;
    if (add_type(module, &rjpy_loop_spec, &state->loop_type) < 0 ||
        add_type(module, &rjpy_stream_spec, &state->stream_type) < 0 ||
        add_type(module, &rjpy_fanout_spec, &state->fanout_type) < 0 || add_constants(module) < 0)
        return -1;
    return PyModule_AddStringConstant(module, "libuv_version", uv_version_string());
}

static int
uv_traverse(PyObject *module, visitproc visit, void *arg)
{
    rjpy_uv_state *state = PyModule_GetState(module);
    Py_VISIT(state->loop_type);
    Py_VISIT(state->stream_type);
    Py_VISIT(state->fanout_type);
    Py_VISIT(state->pump_type);
    Py_VISIT(state->core);
    return 0;
}

static int
uv_clear(PyObject *module)
{
    rjpy_uv_state *state = PyModule_GetState(module);
    Py_CLEAR(state->loop_type);
    Py_CLEAR(state->stream_type);
    Py_CLEAR(state->fanout_type);
    Py_CLEAR(state->pump_type);
    Py_CLEAR(state->core);
    Py_CLEAR(state->str_set_result);
    Py_CLEAR(state->str_set_exception);
    return 0;
}

static void
uv_free(void *module)
{
    uv_clear(module);
}

static PyModuleDef_Slot uv_slots[] = {
    {Py_mod_exec, RJ_SLOT(uv_exec)},
#ifdef Py_mod_multiple_interpreters
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
#endif
#if defined(Py_GIL_DISABLED)
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};

static struct PyModuleDef uv_module = {
    .m_base = PyModuleDef_HEAD_INIT,
    .m_name = "rjson._uv",
    .m_doc = PyDoc_STR("The part of rjson that links libuv; see rjson.uv."),
    .m_size = sizeof(rjpy_uv_state),
    .m_slots = uv_slots,
    .m_traverse = uv_traverse,
    .m_clear = uv_clear,
    .m_free = uv_free,
};

PyMODINIT_FUNC
PyInit__uv(void)
{
    return PyModuleDef_Init(&uv_module);
}

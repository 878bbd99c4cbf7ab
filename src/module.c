/* The module rjson._core. */
#include "encode/types/array.h"
#include "cpython/self_check.h"
#include "dump/dump.h"
#include "decode/feeder.h"
#include "dump/encoder_object.h"
#include "dump/pump.h"
#include "dump/writer_object.h"
#include "arrow/arrow_object.h"
#include "reformat/transcoder.h"
#include "encode/types/raw.h"

/* ---- functions */

static PyObject *
dumps_with(PyObject *module, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames, const char *name, int as_str)
{
    if (nargs != 1) {
        PyErr_Format(PyExc_TypeError, "%s() takes 1 positional argument but %zd were given", name, nargs);
        return NULL;
    }
    if (!kwnames)
        return rjpy_dumps(rjpy_state_of(module), &rjpy_default_options, args[0], as_str);
    rjpy_options options = rjpy_default_options;
    if (rjpy_options_parse(&options, name, args + nargs, kwnames) < 0)
        return NULL;
    return rjpy_dumps(rjpy_state_of(module), &options, args[0], as_str);
}

static PyObject *
core_dumps(PyObject *module, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames)
{
    return dumps_with(module, args, nargs, kwnames, "dumps", 1);
}

static PyObject *
core_dumps_bytes(PyObject *module, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames)
{
    return dumps_with(module, args, nargs, kwnames, "dumps_bytes", 0);
}

static PyObject *
core_loads(PyObject *module, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames)
{
    if (nargs != 1)
        return PyErr_Format(PyExc_TypeError, "loads() takes exactly one positional argument (%zd given)", nargs);
    if (RJ__LIKELY(!kwnames))
        return rjpy_loads(rjpy_state_of(module), &rjpy_default_decode_options, args[0]);
    rjpy_decode_options options = rjpy_default_decode_options;
    if (rjpy_decode_options_parse(&options, "loads", args + nargs, kwnames) < 0)
        return NULL;
    return rjpy_loads(rjpy_state_of(module), &options, args[0]);
}

#define KEYWORDS(f) ((PyCFunction)(void (*)(void))(f))

#define OPTIONS_SIGNATURE "**options"
#define OPTIONS_DOC                                                                                                         \
    "Args:\n"                                                                                                               \
    "    obj: Anything that JSON has a name for, an iterator (an array), or one of the types that python/README.md "        \
    "lists.\n"                                                                                                              \
    "    **options: Those of Encoder.\n\n"                                                                                  \
    "Raises:\n"                                                                                                             \
    "    EncodeError: Something cannot be encoded; `.path` says where.\n"                                                   \
    "    RecursionError: It nests deeper than `max_depth`.\n"

PyDoc_STRVAR(dumps_doc, "dumps(obj, /, " OPTIONS_SIGNATURE ")\n--\n\n"
                        "Encode `obj` to JSON, as a str.\n\n" OPTIONS_DOC);
PyDoc_STRVAR(dumps_bytes_doc, "dumps_bytes(obj, /, " OPTIONS_SIGNATURE ")\n--\n\n"
                              "Encode `obj` to JSON, as bytes in UTF-8.\n\n" OPTIONS_DOC);

PyDoc_STRVAR(loads_doc,
             "loads(s, /, " OPTIONS_SIGNATURE ")\n--\n\n"
             "The value that a JSON text is (RFC 8259).\n\n"
             "Args:\n"
             "    s: str, or bytes, bytearray, memoryview or another buffer, in UTF-8.\n"
             "    object_hook: Called with each dict; its result takes the dict's place.\n"
             "    object_pairs_hook: Called with each object as a list of (key, value); goes before object_hook.\n"
             "    array_hook: Called with each list; its result takes the list's place.\n"
             "    parse_float, parse_int: Called with the text of each number with or without a point or exponent.\n"
             "    parse_constant: Called with 'NaN', 'Infinity' or '-Infinity'.\n"
             "    allow_nan: Whether these are read without it. JSON has none of them, so the default is False.\n"
             "    duplicates: 'last' (the default): if a key repeats, the last value wins. 'error': it is refused.\n"
             "    strict: False: strings may have control characters in them.\n"
             "    max_depth: How deeply arrays and objects may nest (1000). More is safe here, where nothing recurses,\n"
             "        but not for repr(), ==, copy.deepcopy() and pickle of the result.\n\n"
             "Raises:\n"
             "    DecodeError: The text is not JSON, nests too deeply, or has an integer of more digits than\n"
             "        sys.get_int_max_str_digits(); says what is wrong, where, and what is there.");

static PyMethodDef core_methods[] = {
    {"loads", KEYWORDS(core_loads), METH_FASTCALL | METH_KEYWORDS, loads_doc},
    {"dumps", KEYWORDS(core_dumps), METH_FASTCALL | METH_KEYWORDS, dumps_doc},
    {"dumps_bytes", KEYWORDS(core_dumps_bytes), METH_FASTCALL | METH_KEYWORDS, dumps_bytes_doc},
    {NULL, NULL, 0, NULL},
};

/* ---- set-up */

/* The walks that go with each instruction set of stream/. */
static void
set_walks(rjpy_state *state)
{
    static const struct {
        const char *isa;
        rjpy_run (*encode)(rjpy_encoder *e), (*encode_styled)(rjpy_encoder *e);
        rjpy_decode_walk *decode;
        rjpy_decode_narrow *narrow;
    } walks[] = {
#define WALKS_OF(set) {#set, rjpy_encode_##set, rjpy_encode_styled_##set, rjpy_decode_##set, rjpy_narrow_##set},
        RJ__SETS(WALKS_OF)
#undef WALKS_OF
    };
    size_t i = 0;
    while (strcmp(walks[i].isa, state->isa) != 0)
        i++;
    state->encode = walks[i].encode;
    state->encode_styled = walks[i].encode_styled;
    state->decode = walks[i].decode;
    state->narrow = walks[i].narrow;
}

/* Chooses the best instruction set, or the one that the environment variable RJSON_ISA names. */
static int
choose_isa(rjpy_state *state)
{
    const char *wanted = getenv("RJSON_ISA");
    const rj__arch *arch = rj__arch_named(wanted && *wanted ? wanted : NULL);
    if (!arch) {
        PyErr_Format(PyExc_ImportError, "RJSON_ISA=%s: this machine or build has no such instruction set", wanted);
        return -1;
    }
    state->isa = arch->name;
    set_walks(state);
    return 0;
}

static PyObject *
new_encode_error(void)
{
    PyObject *bases = PyTuple_Pack(2, PyExc_TypeError, PyExc_ValueError);
    PyObject *attributes = Py_BuildValue("{s:s,s:s,s:i}", "path", "$", "reason", "", "bytes_written", 0);
    PyObject *type = NULL;
    if (bases && attributes)
        type = PyErr_NewExceptionWithDoc("rjson.EncodeError",
                                         "An object that cannot be encoded.\n\n"
                                         "Attributes:\n"
                                         "    path: Where it is, as in `$.users[3].name`.\n"
                                         "    reason: What is wrong, without the place.\n"
                                         "    bytes_written: What the target had accepted by then.",
                                         bases, attributes);
    Py_XDECREF(bases);
    Py_XDECREF(attributes);
    return type;
}

static int
add_type(PyObject *module, PyType_Spec *spec, PyTypeObject **slot, int is_public)
{
    *slot = (PyTypeObject *)PyType_FromModuleAndSpec(module, spec, NULL);
    return !*slot ? -1 : is_public ? PyModule_AddType(module, *slot) : 0;
}

static int
add_types(PyObject *module, rjpy_state *state)
{
#define ADD(member, spec, is_public)                                                                                        \
    if (add_type(module, &spec, &state->member, is_public) < 0)                                                             \
        return -1;
    RJ_STATE_TYPES(ADD)
#undef ADD
    state->encode_error = new_encode_error();
    return state->encode_error ? PyModule_AddObjectRef(module, "EncodeError", state->encode_error) : -1;
}

static int
intern_names(rjpy_state *state)
{
#define INTERN(member, text)                                                                                                \
    if (!(state->member = PyUnicode_InternFromString(text)))                                                                \
        return -1;
    RJ_STATE_NAMES(INTERN)
#undef INTERN
    return 0;
}

static int
borrow_from_python(rjpy_state *state)
{
    state->dict_items = PyObject_GetAttrString((PyObject *)&PyDict_Type, "items");
    PyObject *sys = PyImport_ImportModule("sys");
    state->getswitchinterval = sys ? PyObject_GetAttrString(sys, "getswitchinterval") : NULL;
    Py_XDECREF(sys);
    return state->dict_items && state->getswitchinterval ? 0 : -1;
}

static int
add_constants(PyObject *module)
{
    static const struct {
        const char *name;
        int value;
    } constants[] = {
        {"PUMP_DONE", RJ_PAUSE_NONE},    {"PUMP_FULL", RJ_PAUSE_FULL},     {"PUMP_SLICE", RJ_PAUSE_SLICE},
        {"PUMP_FLUSH", RJ_PAUSE_FLUSH},  {"PUMP_SOURCE", RJ_PAUSE_SOURCE}, {"PUMP_TASK", RJ_PAUSE_TASK},
        {"FLUSH_NEVER", RJ_FLUSH_NEVER}, {"FLUSH_ITEMS", RJ_FLUSH_ITEMS},  {"FLUSH_AWAITS", RJ_FLUSH_AWAITS},
    };
    for (size_t i = 0; i < sizeof constants / sizeof constants[0]; i++)
        if (PyModule_AddIntConstant(module, constants[i].name, constants[i].value) < 0)
            return -1;
    return 0;
}

/* For rjson._uv. */
static int
add_api(PyObject *module)
{
    static const rjpy_core_api api = {rjpy_pump_run, rjpy_raise_errno};
    PyObject *capsule = PyCapsule_New((void *)(uintptr_t)&api, RJ_CORE_API_CAPSULE, NULL);
    int rc = capsule ? PyModule_AddObjectRef(module, "_api", capsule) : -1;
    Py_XDECREF(capsule);
    return rc;
}

static int
core_exec(PyObject *module)
{
    rjpy_state *state = rjpy_state_of(module);
    state->module = module;
    if (choose_isa(state) < 0 || rjpy_known_objects_init(&state->known) < 0 || rjpy_check_layouts(&state->known) < 0 ||
        intern_names(state) < 0 || borrow_from_python(state) < 0 || add_types(module, state) < 0)
        return -1;
    if (add_constants(module) < 0 || add_api(module) < 0 || PyModule_AddStringConstant(module, "isa", state->isa) < 0)
        return -1;
    return PyModule_AddStringConstant(module, "__version__", RJ_VERSION);
}

static int
core_traverse(PyObject *module, visitproc visit, void *arg)
{
    rjpy_state *state = rjpy_state_of(module);
#define VISIT_TYPE(member, spec, is_public) Py_VISIT(state->member);
#define VISIT(member) Py_VISIT(state->member);
    RJ_STATE_TYPES(VISIT_TYPE)
    RJ_STATE_OBJECTS(VISIT)
#undef VISIT_TYPE
#undef VISIT
    int rc = rjpy_encode_cache_traverse(&state->encoding, visit, arg);
    for (size_t i = 0; i < RJ_SPARES && rc == 0; i++)
        if (state->encoders.slots[i].object)
            rc = rjpy_encoder_traverse(state->encoders.slots[i].object, visit, arg);
    return rc;
}

static int
core_clear(PyObject *module)
{
    rjpy_state *state = rjpy_state_of(module);
    rjpy_encode_cache_clear(&state->encoding);
    for (struct rjpy_encoder *e; (e = rjpy_spares_take(&state->encoders));)
        rjpy_encoder_free(e);
#define CLEAR_TYPE(member, spec, is_public) Py_CLEAR(state->member);
#define CLEAR(member) Py_CLEAR(state->member);
#define CLEAR_NAME(member, text) Py_CLEAR(state->member);
    RJ_STATE_TYPES(CLEAR_TYPE)
    RJ_STATE_OBJECTS(CLEAR)
    RJ_STATE_NAMES(CLEAR_NAME)
#undef CLEAR_TYPE
#undef CLEAR
#undef CLEAR_NAME
    return 0;
}

static void
core_free(void *module)
{
    rjpy_state *state = rjpy_state_of(module);
    core_clear(module);
    for (rjpy_decode_cache *cache; (cache = rjpy_spares_take(&state->decode_caches));)
        rjpy_decode_cache_free(cache);
}

static PyModuleDef_Slot core_slots[] = {
    {Py_mod_exec, RJ_SLOT(core_exec)},
#ifdef Py_mod_multiple_interpreters
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
#endif
#if defined(Py_GIL_DISABLED)
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};

struct PyModuleDef rjpy_module = {
    .m_base = PyModuleDef_HEAD_INIT,
    .m_name = "rjson._core",
    .m_doc = PyDoc_STR("The C half of rjson; its documentation is that of the package."),
    .m_size = sizeof(rjpy_state),
    .m_methods = core_methods,
    .m_slots = core_slots,
    .m_traverse = core_traverse,
    .m_clear = core_clear,
    .m_free = core_free,
};

PyMODINIT_FUNC
PyInit__core(void)
{
    return PyModuleDef_Init(&rjpy_module);
}

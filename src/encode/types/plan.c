/* See plan.h. */
#include "encode/types/plan.h"

#include "encode/types/texts.h"

#include <structmember.h>

/* ---- the type */

/* No tp_clear: a plan is immutable, and a cycle through one goes through its type's module too, which lets go of its
 * cache. */
static int
plan_traverse(PyObject *op, visitproc visit, void *arg)
{
    rjpy_plan *plan = (rjpy_plan *)op;
    Py_VISIT(Py_TYPE(op));
    for (Py_ssize_t i = 0; i < Py_SIZE(op); i++) {
        Py_VISIT(plan->fields[i].key);
        Py_VISIT(plan->fields[i].attribute);
        Py_VISIT(plan->fields[i].constant);
        Py_VISIT(plan->fields[i].convert);
        Py_VISIT(plan->fields[i].exact);
    }
    Py_VISIT(plan->convert);
    Py_VISIT(plan->omitted);
    return 0;
}

static void
plan_dealloc(PyObject *op)
{
    rjpy_plan *plan = (rjpy_plan *)op;
    PyTypeObject *type = Py_TYPE(op);
    PyObject_GC_UnTrack(op);
    for (Py_ssize_t i = 0; i < Py_SIZE(op); i++) {
        Py_XDECREF(plan->fields[i].key);
        Py_XDECREF(plan->fields[i].attribute);
        Py_XDECREF(plan->fields[i].constant);
        Py_XDECREF(plan->fields[i].convert);
        Py_XDECREF((PyObject *)plan->fields[i].exact);
    }
    Py_XDECREF(plan->convert);
    Py_XDECREF(plan->omitted);
    type->tp_free(op);
    Py_DECREF(type);
}

static PyType_Slot plan_slots[] = {
    {Py_tp_doc, (void *)PyDoc_STR("How a type is encoded.")},
    {Py_tp_dealloc, RJ_SLOT(plan_dealloc)},
    {Py_tp_traverse, RJ_SLOT(plan_traverse)},
    {0, NULL},
};

PyType_Spec rjpy_plan_spec = {
    .name = "rjson._core.Plan",
    .basicsize = sizeof(rjpy_plan),
    .itemsize = sizeof(rjpy_field),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = plan_slots,
};

/* ---- fields */

/* The descriptor that a type has for an attribute (a new reference), or NULL. */
static PyObject *
class_attribute(PyTypeObject *type, PyObject *name)
{
    PyObject *mro = Py_NewRef(type->tp_mro), *found = NULL; /* it may get another meanwhile */
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(mro) && !found; i++) {
        PyObject *namespace = PyObject_GetAttrString(PyTuple_GET_ITEM(mro, i), "__dict__");
        found = namespace ? PyObject_GetItem(namespace, name) : NULL;
        Py_XDECREF(namespace);
        PyErr_Clear();
    }
    Py_DECREF(mro);
    return found;
}

/* Whether attributes are looked up as object does it. A __getattr__ may come after that, for those that are not there. */
static int
finds_attributes_as_usual(PyTypeObject *type)
{
    if (type->tp_getattro == PyObject_GenericGetAttr)
        return 1;
    PyObject *own = PyObject_GetAttrString((PyObject *)type, "__getattribute__");
    PyObject *usual = PyObject_GetAttrString((PyObject *)&PyBaseObject_Type, "__getattribute__");
    int is_usual = own && own == usual;
    Py_XDECREF(own);
    Py_XDECREF(usual);
    PyErr_Clear();
    return is_usual;
}

/* Sees how a field can be read. Returns whether that may run code of the document's. */
static int
inspect_field(rjpy_field *field, PyTypeObject *type)
{
    PyObject *found = class_attribute(type, field->attribute);
    if (!found)
        return 0; /* in the instance's __dict__, or nowhere */
    int runs_code = Py_TYPE(found)->tp_descr_get != NULL;
    if (Py_IS_TYPE(found, &PyMemberDescr_Type)) {
        const PyMemberDef *member = ((PyMemberDescrObject *)found)->d_member;
        if (!RJ_FREE_THREADED && member->type == T_OBJECT_EX && type->tp_getattro == PyObject_GenericGetAttr)
            field->offset = member->offset;
        runs_code = 0;
    }
    Py_DECREF(found);
    return runs_code;
}

PyObject *
rjpy_field_value(const rjpy_field *field, PyObject *obj)
{
    if (field->offset) {
        PyObject *value = *(PyObject **)(void *)((char *)obj + field->offset);
        if (RJ__LIKELY(value != NULL))
            return Py_NewRef(value);
    }
    if (field->constant)
        return Py_NewRef(field->constant);
    return PyObject_GetAttr(obj, field->attribute);
}

PyObject *
rjpy_field_output(const rjpy_encoder *e, const rjpy_plan *plan, const rjpy_field *field, PyObject *obj)
{
    PyObject *value = rjpy_field_value(field, obj);
    if (!field->convert)
        return value;
    if (!value) {
        if (!plan->omitted || !PyErr_ExceptionMatches(PyExc_AttributeError))
            return NULL;
        PyErr_Clear();
        return Py_NewRef(plan->omitted);
    }
    if (!rjpy_field_converts(field, value))
        return value;
    PyObject *result = PyObject_CallFunctionObjArgs(field->convert, value, rjpy_default_or_none(e), NULL);
    Py_DECREF(value);
    return result;
}

/* ---- making a plan from its description */

/* `description`: (key, attribute), (key, None, constant) or (key, attribute, None, convert, exact, converts_all). */
static int
set_field(rjpy_field *field, PyObject *description)
{
    PyObject *attribute, *constant = Py_None, *convert = NULL, *exact = Py_None;
    if (!PyArg_ParseTuple(description, "UO|OOOp", &field->key, &attribute, &constant, &convert, &exact,
                          &field->converts_all))
        return -1;
    Py_INCREF(field->key);
    field->convert = Py_XNewRef(convert);
    if (PyType_Check(exact))
        field->exact = (PyTypeObject *)Py_NewRef(exact);
    if (constant != Py_None) {
        field->constant = Py_NewRef(constant);
        return 0;
    }
    field->attribute = Py_NewRef(attribute);
    PyUnicode_InternInPlace(&field->attribute);
    return 0;
}

static rjpy_plan *
new_plan(PyTypeObject *plan_type, rjpy_form form, rjpy_type_group group, PyObject *fields)
{
    Py_ssize_t count = fields ? PyTuple_GET_SIZE(fields) : 0;
    rjpy_plan *plan = (rjpy_plan *)plan_type->tp_alloc(plan_type, count);
    if (!plan)
        return NULL;
    plan->form = form;
    plan->group = group;
    for (Py_ssize_t i = 0; i < count; i++)
        if (set_field(&plan->fields[i], PyTuple_GET_ITEM(fields, i)) < 0) {
            Py_DECREF(plan);
            return NULL;
        }
    return plan;
}

/* The place of a name that rjson._types gives; -1 with an exception if there is none. */
static int
place_of_name(const char *kind, const char *name, const char *const *names)
{
    for (int i = 0; names[i]; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    PyErr_Format(PyExc_SystemError, "rjson._types names a %s that there is not: %s", kind, name);
    return -1;
}

static int
form_from(const char *name)
{
#define NAME(id, name) name,
    static const char *const names[] = {RJ_FORMS(NAME) NULL};
#undef NAME
    return place_of_name("form", name, names);
}

/* `description`: what rjson._types.describe returns. */
static rjpy_plan *
plan_from(rjpy_state *state, PyTypeObject *type, PyObject *description)
{
    const char *form, *group;
    PyObject *fields = NULL, *convert = Py_None, *omitted = Py_None;
    if (!PyArg_ParseTuple(description, "ss|O!OO", &form, &group, &PyTuple_Type, &fields, &convert, &omitted))
        return NULL;
    int known = form_from(form), place = place_of_name("group of types", group, rjpy_type_group_names);
    if (known < 0 || place < 0)
        return NULL;
    rjpy_datetime_kind dates = RJ_DATETIME_NATIVE;
    if (known >= RJ_FORM_DATETIME && known <= RJ_FORM_TIMEDELTA) {
        dates = rjpy_datetime_kind_of(state, (rjpy_form)known, type);
        if (dates == RJ_DATETIME_FAILED)
            return NULL;
        known = dates == RJ_DATETIME_NONE ? RJ_FORM_UNKNOWN : known;
    }
    rjpy_plan *plan = new_plan(state->plan_type, (rjpy_form)known, (rjpy_type_group)(1 << place), fields);
    if (!plan)
        return NULL;
    plan->convert = convert == Py_None ? NULL : Py_NewRef(convert);
    plan->omitted = omitted == Py_None ? NULL : Py_NewRef(omitted);
    plan->by_attributes = dates == RJ_DATETIME_BY_ATTRIBUTES;
    plan->runs_code = !finds_attributes_as_usual(type);
    for (Py_ssize_t i = 0; i < Py_SIZE(plan); i++)
        if (plan->fields[i].attribute) {
            plan->runs_code |= inspect_field(&plan->fields[i], type);
            plan->fields[i].hint = i;
        }
    return plan;
}

static rjpy_plan *
make_plan(rjpy_encoder *e, PyTypeObject *type)
{
    rjpy_plan_cache *cache = &e->cache->plans;
    rjpy_own_ancestors(e); /* Python code, but not the document's: see rjpy_enter_python */
    if (!cache->describe) {
        PyObject *module = PyImport_ImportModule("rjson._types");
        cache->describe = module ? PyObject_GetAttrString(module, "describe") : NULL;
        Py_XDECREF(module);
        if (!cache->describe)
            return NULL;
    }
    PyObject *description = PyObject_CallOneArg(cache->describe, (PyObject *)type);
    rjpy_plan *plan = description ? plan_from(e->state, type, description) : NULL;
    Py_XDECREF(description);
    return plan;
}

/* ---- the cache */

rjpy_plan *
rjpy_plan_of(rjpy_encoder *e, PyObject *obj)
{
    PyTypeObject *type = Py_TYPE(obj);
    rjpy_plan *plan = rjpy_known_plan(&e->cache->plans, type);
    if (plan)
        return (rjpy_plan *)Py_NewRef((PyObject *)plan);
    Py_INCREF(type); /* the object may get another meanwhile */
    const unsigned before = rjpy_type_version(type);
    plan = make_plan(e, type);
    const unsigned version = rjpy_type_version(type);
    if (plan && version != 0 && (before == version || before == 0)) { /* else it has changed meanwhile */
        rjpy_plan_slot *slot = rjpy_plan_slot_of(&e->cache->plans, type);
        rjpy_plan *old = slot->plan;
        *slot = (rjpy_plan_slot){type, version, (rjpy_plan *)Py_NewRef((PyObject *)plan)};
        Py_XDECREF(old);
    }
    Py_DECREF(type);
    return plan;
}

int
rjpy_plan_cache_traverse(rjpy_plan_cache *cache, visitproc visit, void *arg)
{
    Py_VISIT(cache->describe);
    for (size_t i = 0; i < RJ_PLAN_SLOTS; i++)
        Py_VISIT(cache->slots[i].plan);
    return 0;
}

void
rjpy_plan_cache_clear(rjpy_plan_cache *cache)
{
    Py_CLEAR(cache->describe);
    for (size_t i = 0; i < RJ_PLAN_SLOTS; i++) {
        cache->slots[i].type = NULL;
        Py_CLEAR(cache->slots[i].plan);
    }
}

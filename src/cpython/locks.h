/*
 * What takes the GIL's place where there is none (PEP 703): the locks that all objects have, and references to what others
 * may drop meanwhile. With the GIL all of this is nothing.
 *
 * A section (PyCriticalSection) holds an object's lock, and lets go of it where the thread waits for anything: for another
 * lock too. So whatever was loaded from the object before such a wait is loaded again after it, as after Python code.
 */
#ifndef RJSON_CPYTHON_LOCKS_H
#define RJSON_CPYTHON_LOCKS_H

#include "py.h"

#if defined(Py_GIL_DISABLED)
#define RJ_FREE_THREADED 1
typedef PyCriticalSection rjpy_section;
#define RJ__SECTION_BEGIN(section, object) PyCriticalSection_Begin(section, object)
#define RJ__SECTION_END(section) PyCriticalSection_End(section)
#else
#define RJ_FREE_THREADED 0
typedef struct rjpy_section {
    char unused;
} rjpy_section;
#define RJ__SECTION_BEGIN(section, object) ((void)(section), (void)(object))
#define RJ__SECTION_END(section) ((void)(section))
#endif

/* Locks an object that the caller owns, or that something locked refers to. rjpy_unlock must follow. */
RJ__INLINE void
rjpy_lock(rjpy_section *section, PyObject *object)
{
    RJ__SECTION_BEGIN(section, object);
}

RJ__INLINE void
rjpy_unlock(rjpy_section *section)
{
    RJ__SECTION_END(section);
}

/* Keeps what a locked object refers to until rjpy_let_go, which may run Python code. */
RJ__INLINE void
rjpy_hold(PyObject *object)
{
    if (RJ_FREE_THREADED)
        Py_INCREF(object);
}

RJ__INLINE void
rjpy_let_go(PyObject *object)
{
    if (RJ_FREE_THREADED)
        Py_DECREF(object);
}

/* rjpy_unlock for the end of a function that returns an object. */
RJ__INLINE PyObject *
rjpy_unlocked(rjpy_section *section, PyObject *result)
{
    rjpy_unlock(section);
    return result;
}

/* NAME_in_turn: a function NAME of PARAMETERS that has `lock` to itself, but where the GIL would be released as well. It is to
 * methods of one object what the GIL is: nobody else's run in the middle, unless Python code does. */
#define RJ__IN_TURN(name, lock, parameters, arguments)                                                                      \
    static PyObject *name##_in_turn parameters                                                                              \
    {                                                                                                                       \
        rjpy_section section;                                                                                               \
        rjpy_lock(&section, lock);                                                                                          \
        return rjpy_unlocked(&section, name arguments);                                                                     \
    }
/* Methods of METH_NOARGS and METH_O; of METH_FASTCALL; getters; tp_iternext. */
#define RJ_IN_TURN_OF(name, lock) RJ__IN_TURN(name, lock, (PyObject * op, PyObject * arg), (op, arg))
#define RJ_IN_TURN(name) RJ_IN_TURN_OF(name, op)
#define RJ_FAST_IN_TURN(name)                                                                                               \
    RJ__IN_TURN(name, op, (PyObject * op, PyObject *const *args, Py_ssize_t nargs), (op, args, nargs))
#define RJ_GET_IN_TURN(name) RJ__IN_TURN(name, op, (PyObject * op, void *closure), (op, closure))
#define RJ_NEXT_IN_TURN(name) RJ__IN_TURN(name, op, (PyObject * op), (op))

#endif

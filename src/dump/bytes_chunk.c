/* See bytes_chunk.h. */
#include "dump/bytes_chunk.h"

#include "cpython/bytes_access.h"

/* Below this share of the capacity a copy is cheaper than the memory that a kept chunk would hold on to. */
#define COPY_BELOW(capacity) ((capacity) / 2)

int
rjpy_bytes_chunk_prepare(rjpy_bytes_chunk *chunk)
{
    if (chunk->bytes && chunk->length == 0 && rjpy_bytes_is_shared(chunk->bytes))
        Py_CLEAR(chunk->bytes);
    if (!chunk->bytes) {
        chunk->bytes = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)chunk->capacity);
        rjpy_bytes_chunk_reset(chunk);
    }
    return chunk->bytes ? 0 : -1;
}

PyObject *
rjpy_bytes_chunk_hand_out(rjpy_bytes_chunk *chunk)
{
    Py_ssize_t start = (Py_ssize_t)chunk->start, end = (Py_ssize_t)chunk->length;
    rjpy_bytes_chunk_reset(chunk);
    if ((size_t)(end - start) < COPY_BELOW(chunk->capacity))
        return PyBytes_FromStringAndSize(PyBytes_AS_STRING(chunk->bytes) + start, end - start);
    rjpy_bytes_set_length(chunk->bytes, end);
    if (start == 0)
        return Py_NewRef(chunk->bytes);
    PyObject *view = PyMemoryView_FromObject(chunk->bytes);
    PyObject *slice = view ? PySequence_GetSlice(view, start, end) : NULL;
    Py_XDECREF(view);
    return slice;
}

void
rjpy_bytes_chunk_reset(rjpy_bytes_chunk *chunk)
{
    chunk->start = chunk->length = 0;
}

void
rjpy_bytes_chunk_clear(rjpy_bytes_chunk *chunk)
{
    Py_CLEAR(chunk->bytes);
}

int
rjpy_chunk_size_from(Py_ssize_t wanted, size_t *size)
{
    if (wanted < 1 || (size_t)wanted > RJ_CHUNK_MAX) {
        PyErr_Format(PyExc_ValueError, "chunk_size must be between 1 and %zd bytes, not %zd", (Py_ssize_t)RJ_CHUNK_MAX,
                     wanted);
        return -1;
    }
    *size = wanted < RJ_CHUNK_MIN ? RJ_CHUNK_MIN : (size_t)wanted;
    return 0;
}

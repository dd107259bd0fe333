/* SPDX-License-Identifier: MIT
 *
 * The Python module plainfilm.kernels.core: it checks the sizes of its arguments, and calls the functions of core.h.
 * Other threads of Python run meanwhile.
 */

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "core.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_SIDE = 65535 }; /* rows or columns of an image that is averaged: its sums then fit into 32 bits */

static PyObject *refuse(const char *message)
{
    PyErr_SetString(PyExc_ValueError, message);
    return NULL;
}

/* The arguments of an image: samples, entries or None, (rows, columns, channels), (sample_bytes, level_bytes). */
typedef struct {
    PyObject *samples_object, *entries_object;
    Py_buffer samples, entries;
    int has_samples, has_entries;
    Py_ssize_t rows, columns, channels;
    Raster raster;
} Picture;

static void close_picture(Picture *picture)
{
    if (picture->has_samples)
        PyBuffer_Release(&picture->samples);
    if (picture->has_entries)
        PyBuffer_Release(&picture->entries);
}

/* Open the buffers of an image whose arguments are parsed; 0 with an exception where they do not fit its shape. */
static int open_picture(Picture *picture)
{
    Raster *raster = &picture->raster;
    int sample_bytes = raster->sample_bytes, level_bytes = raster->level_bytes;
    Py_ssize_t pixel = picture->channels * sample_bytes;
    if (PyObject_GetBuffer(picture->samples_object, &picture->samples, PyBUF_SIMPLE))
        return 0;
    picture->has_samples = 1;
    raster->samples = picture->samples.buf;
    if (picture->entries_object != Py_None) {
        if (PyObject_GetBuffer(picture->entries_object, &picture->entries, PyBUF_SIMPLE))
            return 0;
        picture->has_entries = 1;
        raster->entries = picture->entries.buf;
    }
    raster->columns = (size_t)picture->columns;
    raster->channels = (size_t)picture->channels;
    if ((sample_bytes != 1 && sample_bytes != 2) || (level_bytes != 1 && level_bytes != 2))
        return refuse("samples and levels of 1 or 2 bytes are required"), 0;
    if (picture->rows < 1 || picture->columns < 1 || picture->channels < 1 || picture->channels > 4 ||
        picture->samples.len / picture->rows / picture->columns != pixel ||
        picture->samples.len % (picture->rows * picture->columns))
        return refuse("the samples do not have this shape"), 0;
    if (picture->has_entries ? picture->entries.len != (Py_ssize_t)level_bytes << 8 * sample_bytes
                             : sample_bytes != level_bytes)
        return refuse("one entry for each possible sample is required"), 0;
    return 1;
}

static PyObject *filter_rows_of(PyObject *module, PyObject *arguments)
{
    (void)module;
    Picture picture = {0};
    Py_ssize_t first, stop;
    int kind, is_done = 0;
    if (!PyArg_ParseTuple(arguments, "OO(nnn)(ii)(nn)i", &picture.samples_object, &picture.entries_object,
                          &picture.rows, &picture.columns, &picture.channels, &picture.raster.sample_bytes,
                          &picture.raster.level_bytes, &first, &stop, &kind))
        return NULL;
    PyObject *result = NULL;
    if (open_picture(&picture)) {
        Py_ssize_t size = 1 + picture.columns * picture.channels * picture.raster.level_bytes;
        if (first < 0 || stop <= first || stop > picture.rows || kind < 0 || kind > 3)
            refuse("some of the rows, and a filter from 0 to 3, are required");
        else if (stop - first > PY_SSIZE_T_MAX / size)
            PyErr_NoMemory();
        else
            result = PyBytes_FromStringAndSize(NULL, (stop - first) * size);
    }
    if (result) {
        uint8_t *to = (uint8_t *)PyBytes_AsString(result);
        Py_BEGIN_ALLOW_THREADS
        is_done = filter_rows(&picture.raster, (size_t)first, (size_t)stop, kind, to);
        Py_END_ALLOW_THREADS
        if (!is_done) {
            Py_CLEAR(result);
            PyErr_NoMemory();
        }
    }
    close_picture(&picture);
    return result;
}

static PyObject *average(PyObject *module, PyObject *arguments)
{
    (void)module;
    Picture picture = {0};
    Py_ssize_t to_rows, to_columns;
    int is_done = 0;
    if (!PyArg_ParseTuple(arguments, "OO(nnn)(ii)(nn)", &picture.samples_object, &picture.entries_object,
                          &picture.rows, &picture.columns, &picture.channels, &picture.raster.sample_bytes,
                          &picture.raster.level_bytes, &to_rows, &to_columns))
        return NULL;
    PyObject *result = NULL;
    if (open_picture(&picture)) {
        if (to_rows < 1 || to_columns < 1 || to_rows > picture.rows || to_columns > picture.columns ||
            picture.rows > MOST_SIDE || picture.columns > MOST_SIDE)
            refuse("an output that is not larger than the image, of at most 65,535 rows and columns, is required");
        else
            result = PyByteArray_FromStringAndSize(
                NULL, to_rows * to_columns * picture.channels * picture.raster.level_bytes);
    }
    if (result) {
        uint8_t *to = (uint8_t *)PyByteArray_AsString(result);
        Py_BEGIN_ALLOW_THREADS
        is_done = average_area(&picture.raster, (size_t)picture.rows, (size_t)to_rows, (size_t)to_columns, to);
        Py_END_ALLOW_THREADS
        if (!is_done) {
            Py_CLEAR(result);
            PyErr_NoMemory();
        }
    }
    close_picture(&picture);
    return result;
}

static PyObject *histogram(PyObject *module, PyObject *arguments)
{
    (void)module;
    PyObject *object, *result = NULL;
    Py_buffer samples;
    int sample_bytes;
    size_t used = 0;
    if (!PyArg_ParseTuple(arguments, "Oi", &object, &sample_bytes))
        return NULL;
    if (sample_bytes != 1 && sample_bytes != 2)
        return refuse("samples of 1 or 2 bytes are required");
    if (PyObject_GetBuffer(object, &samples, PyBUF_SIMPLE))
        return NULL;
    size_t values = (size_t)1 << 8 * sample_bytes;
    uint64_t *counts = malloc(values * sizeof *counts);
    if (counts) {
        Py_BEGIN_ALLOW_THREADS
        used = count_values(samples.buf, (size_t)samples.len / (size_t)sample_bytes, sample_bytes, counts);
        Py_END_ALLOW_THREADS
    }
    if (used)
        result = PyByteArray_FromStringAndSize((const char *)counts, (Py_ssize_t)(used * sizeof *counts));
    else
        PyErr_NoMemory();
    free(counts);
    PyBuffer_Release(&samples);
    return result;
}

static PyObject *deflate(PyObject *module, PyObject *arguments)
{
    (void)module;
    PyObject *object, *result = NULL;
    Py_buffer data;
    int has_short_runs, is_done = 0;
    Bytes written = {NULL, 0, 0};
    if (!PyArg_ParseTuple(arguments, "Op", &object, &has_short_runs))
        return NULL;
    if (PyObject_GetBuffer(object, &data, PyBUF_SIMPLE))
        return NULL;
    Plan *plan = new_plan();
    if (plan) {
        Py_BEGIN_ALLOW_THREADS
        is_done = deflate_blocks(plan, &written, data.buf, (size_t)data.len, has_short_runs,
                                 !PyBytes_CheckExact(object));
        Py_END_ALLOW_THREADS
    }
    if (is_done)
        result = PyBytes_FromStringAndSize((const char *)written.memory, (Py_ssize_t)written.size);
    else
        PyErr_NoMemory();
    free(written.memory);
    free(plan);
    PyBuffer_Release(&data);
    return result;
}

static PyObject *deflated_size(PyObject *module, PyObject *arguments)
{
    (void)module;
    PyObject *object;
    Py_buffer data;
    int has_short_runs;
    if (!PyArg_ParseTuple(arguments, "Op", &object, &has_short_runs))
        return NULL;
    if (PyObject_GetBuffer(object, &data, PyBUF_SIMPLE))
        return NULL;
    Plan *plan = new_plan();
    uint64_t bits = plan ? deflated_bits(plan, data.buf, (size_t)data.len, has_short_runs) : 0;
    PyObject *result = plan ? PyLong_FromUnsignedLongLong(bits / 8 + 1) : PyErr_NoMemory();
    free(plan);
    PyBuffer_Release(&data);
    return result;
}

/* Whether the sizes of a scan fit their types, and its samples into memory. */
static int is_scan_possible(Py_ssize_t rows, Py_ssize_t columns, Py_ssize_t components)
{
    return rows > 0 && columns > 0 && components > 0 && rows <= MOST_SIDE && columns <= MOST_SIDE && components <= 4;
}

static PyObject *decode_lossless(PyObject *module, PyObject *arguments)
{
    (void)module;
    PyObject *data_object, *tables_object, *result = NULL;
    Py_buffer data, tables;
    Py_ssize_t rows, columns, components, restart_rows;
    Scan scan = {0};
    int status = SCAN_REFUSED;
    if (!PyArg_ParseTuple(arguments, "OO(nnn)(iii)n", &data_object, &tables_object, &rows, &columns, &components,
                          &scan.precision, &scan.predictor, &scan.point_transform, &restart_rows))
        return NULL;
    if (!is_scan_possible(rows, columns, components) || restart_rows < 0)
        return refuse("1 to 65,535 rows and columns of 1 to 4 components are required");
    if (PyObject_GetBuffer(data_object, &data, PyBUF_SIMPLE))
        return NULL;
    if (PyObject_GetBuffer(tables_object, &tables, PyBUF_SIMPLE)) {
        PyBuffer_Release(&data);
        return NULL;
    }
    scan.rows = (size_t)rows;
    scan.columns = (size_t)columns;
    scan.components = (size_t)components;
    scan.restart_rows = (size_t)restart_rows;
    scan.tables = tables.buf;
    if (tables.len != components * TABLE_BYTES)
        refuse("a table of 33 bytes for each component is required");
    else
        result = PyByteArray_FromStringAndSize(NULL, rows * columns * components * (scan.precision <= 8 ? 1 : 2));
    if (result) {
        uint8_t *samples = (uint8_t *)PyByteArray_AsString(result);
        Py_BEGIN_ALLOW_THREADS
        status = decode_scan(&scan, data.buf, (size_t)data.len, samples);
        Py_END_ALLOW_THREADS
        if (status != SCAN_WHOLE)
            Py_CLEAR(result);
        if (status == SCAN_NO_MEMORY)
            PyErr_NoMemory();
        if (status == SCAN_REFUSED) {
            Py_INCREF(Py_None);
            result = Py_None;
        }
    }
    PyBuffer_Release(&tables);
    PyBuffer_Release(&data);
    return result;
}

static PyMethodDef METHODS[] = {
    {"average", average, METH_VARARGS,
     "average(samples, entries, (rows, columns, channels), (sample_bytes, level_bytes), (to_rows, to_columns)): the "
     "levels of a smaller image, each the mean of the area of its pixel."},
    {"decode_lossless", decode_lossless, METH_VARARGS,
     "decode_lossless(data, tables, (rows, columns, components), (precision, predictor, point_transform), "
     "restart_rows): the samples of a lossless scan; None where it is damaged, not whole, or unusual."},
    {"deflate", deflate, METH_VARARGS,
     "deflate(data, short): compress bytes into deflate blocks that end at a whole byte; none is the last one."},
    {"deflated_size", deflated_size, METH_VARARGS,
     "deflated_size(data, short): the number of bytes that deflate would return, exact to a few bytes."},
    {"filter_rows", filter_rows_of, METH_VARARGS,
     "filter_rows(samples, entries, (rows, columns, channels), (sample_bytes, level_bytes), (first, stop), kind): "
     "the PNG scanlines of some rows."},
    {"histogram", histogram, METH_VARARGS,
     "histogram(samples, sample_bytes): the number of samples of each value from 0 to the largest, as 64-bit numbers."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef MODULE = {
    PyModuleDef_HEAD_INIT, "core", "Compiled loops over pixels.", 0, METHODS, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit_core(void)
{
    fill_run_table();
    return PyModule_Create(&MODULE);
}

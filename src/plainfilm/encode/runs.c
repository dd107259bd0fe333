/* SPDX-License-Identifier: MIT
 *
 * Rows -> filtered scanlines of a PNG; bytes -> deflate blocks (RFC 1951) whose only matches are runs: bytes that equal
 * the byte before them.
 *
 * Filtered scanlines of a film hold little else that repeats, so that a search for matches is time spent for nothing.
 * Each block has the code that suits it. What it will take is counted before it is written, so room is always there;
 * where the bytes themselves would be shorter they are stored. Plain C: no intrinsics, any byte order, no state.
 */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>
#include <string.h>

enum {
    BLOCK = 65535, /* bytes that share a code: the most that can be stored together */
    SHORT = 4, /* bytes of the shortest run that is looked for: 4, or 8 in less time */
    USUAL = 8,
    LONGEST = 258,
    LITERALS = 286, /* literals, the end of a block (256), and lengths */
    END = 256,
    DEEPEST = 14, /* bits of a code: four of them and seven that wait fit into 64 bits */
    LENGTHS = 19, /* symbols that code lengths are written in (3.2.7) */
    SPARE = 16 /* bytes beyond what is counted: a whole word is written at a time, and each piece has an end */
};

typedef struct {
    uint32_t bits, count; /* the bits, the first in the lowest place, and how many they are */
} Code;

typedef struct {
    uint32_t at, length;
} Run;

/* All there is to know of a block before it is written. */
typedef struct {
    Run runs[BLOCK / SHORT];
    uint32_t run_count;
    uint32_t counts[LITERALS], length_counts[LENGTHS];
    uint8_t depths[LITERALS], length_depths[LENGTHS];
    uint8_t symbols[LITERALS + 1], extras[LITERALS + 1]; /* the depths of literals and of distance 1, as written */
    uint32_t symbol_count, literal_count, length_count;
} Plan;

typedef struct {
    uint8_t *next;
    uint64_t bits;
    uint32_t count;
} Writer;

static const uint8_t LENGTH_ORDER[LENGTHS] = {16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15};
static uint16_t run_symbol[LONGEST + 1], run_base[LONGEST + 1];
static uint8_t run_extra[LONGEST + 1];

/* The table of 3.2.5: eight lengths without extra bits, then four symbols each for one bit, two bits and so on. */
static void fill_run_table(void)
{
    uint32_t length = 3, symbol = 257;
    for (; length < LONGEST; symbol++) {
        uint32_t extra = symbol < 265 ? 0 : (symbol - 261) / 4, base = length;
        for (; length < base + (1u << extra) && length < LONGEST; length++) {
            run_symbol[length] = (uint16_t)symbol;
            run_base[length] = (uint16_t)base;
            run_extra[length] = (uint8_t)extra;
        }
    }
    run_symbol[LONGEST] = 285;
    run_base[LONGEST] = LONGEST;
}

/* Runs of at least as many bytes. Looked for in steps of half of that, so that those under half as long again may be
 * missed. The caller gives a constant: each has its own loop. */
static inline void find_runs_of(Plan *plan, const uint8_t *data, uint32_t size, uint32_t shortest)
{
    uint32_t at = 1, free_from = 1, found = 0;
    while (at + shortest <= size) {
        if (memcmp(data + at, data + at - 1, shortest)) {
            at += shortest / 2;
            continue;
        }
        while (at > free_from && data[at - 1] == data[at - 2])
            at--;
        uint32_t end = at + shortest, last = size - at < LONGEST ? size : at + LONGEST;
        while (end < last && data[end] == data[at])
            end++;
        plan->runs[found].at = at;
        plan->runs[found++].length = end - at;
        at = free_from = end;
    }
    plan->run_count = found;
}

static void find_runs(Plan *plan, const uint8_t *data, uint32_t size, uint32_t shortest)
{
    if (shortest == SHORT)
        find_runs_of(plan, data, size, SHORT);
    else
        find_runs_of(plan, data, size, USUAL);
}

static void count_literals(uint32_t counts[4][256], const uint8_t *data, uint32_t size)
{
    uint32_t at = 0;
    for (; at + 4 <= size; at += 4) /* four tables: equal neighbours do not wait for each other */
        for (int lane = 0; lane < 4; lane++)
            counts[lane][data[at + lane]]++;
    for (; at < size; at++)
        counts[0][data[at]]++;
}

static void count_symbols(Plan *plan, const uint8_t *data, uint32_t size)
{
    uint32_t lanes[4][256] = {{0}}, at = 0;
    memset(plan->counts, 0, sizeof plan->counts);
    for (uint32_t i = 0; i < plan->run_count; i++) {
        Run run = plan->runs[i];
        count_literals(lanes, data + at, run.at - at);
        plan->counts[run_symbol[run.length]]++;
        at = run.at + run.length;
    }
    count_literals(lanes, data + at, size - at);
    for (int value = 0; value < 256; value++)
        plan->counts[value] = lanes[0][value] + lanes[1][value] + lanes[2][value] + lanes[3][value];
    plan->counts[END] = 1;
}

/* Into rising order, by Shell's method: keys are few. */
static void sort(uint32_t *keys, int size)
{
    for (int gap = size / 2; gap > 0; gap = gap == 2 ? 1 : gap * 5 / 11)
        for (int i = gap; i < size; i++) {
            uint32_t key = keys[i];
            int to = i;
            for (; to >= gap && keys[to - gap] > key; to -= gap)
                keys[to] = keys[to - gap];
            keys[to] = key;
        }
}

/* How many codes of each depth a Huffman code of sorted weights has: two queues, of leaves and of what they make. */
static void count_depths(uint32_t *weights, int size, int *per_depth)
{
    uint32_t joined[LITERALS];
    int parents[LITERALS], leaf_parents[LITERALS], depths[LITERALS], leaf = 0, node = 0;
    for (int made = 0; made < size - 1; made++) {
        uint32_t sum = 0;
        for (int half = 0; half < 2; half++) {
            if (leaf < size && (node == made || weights[leaf] <= joined[node])) {
                sum += weights[leaf];
                leaf_parents[leaf++] = made;
            } else {
                sum += joined[node];
                parents[node++] = made;
            }
        }
        joined[made] = sum;
    }
    depths[size - 2] = 0;
    for (int i = size - 3; i >= 0; i--)
        depths[i] = depths[parents[i]] + 1;
    for (int i = 0; i < size; i++)
        per_depth[depths[leaf_parents[i]] + 1]++;
}

/* The depths of a code for counts, none deeper than the limit; at least one symbol has to be counted. */
static void make_depths(const uint32_t *counts, int size, int deepest, uint8_t *depths)
{
    uint32_t keys[LITERALS], weights[LITERALS];
    int used = 0, per_depth[LITERALS + 1] = {0};
    for (int symbol = 0; symbol < size; symbol++)
        if (counts[symbol])
            keys[used++] = counts[symbol] << 9 | (uint32_t)symbol;
    memset(depths, 0, (size_t)size);
    if (used == 1) {
        depths[keys[0] & 511] = 1;
        return;
    }
    sort(keys, used);
    for (int i = 0; i < used; i++)
        weights[i] = keys[i] >> 9;
    count_depths(weights, used, per_depth);
    for (int depth = deepest + 1; depth <= used; depth++)
        per_depth[deepest] += per_depth[depth];
    uint32_t room = 0; /* in codes of the deepest depth; too much is taken until codes are moved down */
    for (int depth = 1; depth <= deepest; depth++)
        room += (uint32_t)per_depth[depth] << (deepest - depth);
    for (; room > 1u << deepest; room--) {
        int depth = deepest - 1;
        while (!per_depth[depth])
            depth--;
        per_depth[deepest]--;
        per_depth[depth]--;
        per_depth[depth + 1] += 2;
    }
    for (int depth = deepest, next = 0; depth > 0; depth--)
        for (int i = 0; i < per_depth[depth]; i++)
            depths[keys[next++] & 511] = (uint8_t)depth;
}

/* The codes of 3.2.2, turned round: Huffman codes go out with their highest bit first. */
static void make_codes(const uint8_t *depths, int size, Code *codes)
{
    uint32_t next = 0;
    memset(codes, 0, sizeof(Code) * (size_t)size);
    for (uint32_t depth = 1; depth <= DEEPEST; depth++, next <<= 1)
        for (int symbol = 0; symbol < size; symbol++) {
            if (depths[symbol] != depth)
                continue;
            for (uint32_t bit = 0; bit < depth; bit++)
                codes[symbol].bits |= (next >> bit & 1) << (depth - 1 - bit);
            codes[symbol].count = depth;
            next++;
        }
}

static void add_symbol(Plan *plan, uint8_t symbol, uint32_t extra)
{
    plan->symbols[plan->symbol_count] = symbol;
    plan->extras[plan->symbol_count++] = (uint8_t)extra;
    plan->length_counts[symbol]++;
}

/* The depths in the symbols of 3.2.7: zeros together, other depths one by one unless they repeat. */
static void write_depths(Plan *plan)
{
    uint8_t depths[LITERALS + 1];
    memcpy(depths, plan->depths, LITERALS);
    plan->literal_count = LITERALS;
    while (!depths[plan->literal_count - 1])
        plan->literal_count--;
    depths[plan->literal_count] = 1; /* of distance 1 */
    plan->symbol_count = 0;
    memset(plan->length_counts, 0, sizeof plan->length_counts);
    for (uint32_t at = 0, end = plan->literal_count + 1; at < end;) {
        uint8_t depth = depths[at];
        uint32_t same = 1;
        while (at + same < end && depths[at + same] == depth && same < 138)
            same++;
        if (depth == 0 && same >= 11)
            add_symbol(plan, 18, same - 11);
        else if (depth == 0 && same >= 3)
            add_symbol(plan, 17, same - 3);
        else if (at && depths[at - 1] == depth && same >= 3)
            same = same < 6 ? same : 6, add_symbol(plan, 16, same - 3);
        else
            same = 1, add_symbol(plan, depth, 0);
        at += same;
    }
    make_depths(plan->length_counts, LENGTHS, 7, plan->length_depths);
    plan->length_count = LENGTHS;
    while (!plan->length_depths[LENGTH_ORDER[plan->length_count - 1]])
        plan->length_count--;
}

static uint32_t extra_bits(uint8_t symbol)
{
    return symbol == 16 ? 2 : symbol == 17 ? 3 : symbol == 18 ? 7 : 0;
}

/* Everything about a block of 1 to BLOCK bytes. The answer is the bits that it takes. */
static uint64_t make_plan(Plan *plan, const uint8_t *data, uint32_t size, uint32_t shortest)
{
    find_runs(plan, data, size, shortest);
    count_symbols(plan, data, size);
    make_depths(plan->counts, LITERALS, DEEPEST, plan->depths);
    uint64_t bits = 3 + 5 + 5 + 4;
    for (int symbol = 0; symbol < LITERALS; symbol++)
        bits += (uint64_t)plan->counts[symbol] * plan->depths[symbol];
    for (uint32_t i = 0; i < plan->run_count; i++)
        bits += run_extra[plan->runs[i].length] + 1u;
    write_depths(plan);
    bits += 3 * plan->length_count;
    for (uint8_t symbol = 0; symbol < LENGTHS; symbol++)
        bits += (uint64_t)plan->length_counts[symbol] * (plan->length_depths[symbol] + extra_bits(symbol));
    return bits;
}

static void drain(Writer *to)
{
#if PY_BIG_ENDIAN
    for (int i = 0; i < 8; i++)
        to->next[i] = (uint8_t)(to->bits >> (8 * i));
#else
    memcpy(to->next, &to->bits, 8);
#endif
    to->next += to->count >> 3;
    to->bits >>= to->count & ~7u;
    to->count &= 7;
}

static void hold(Writer *to, uint64_t bits, uint32_t count)
{
    to->bits |= bits << to->count;
    to->count += count;
}

static void put(Writer *to, uint64_t bits, uint32_t count)
{
    hold(to, bits, count);
    drain(to);
}

static void put_literals(Writer *to, const Code *codes, const uint8_t *data, uint32_t size)
{
    Writer own = *to; /* in registers: what is written through a pointer to bytes may lie anywhere */
    uint32_t at = 0;
    for (; at + 4 <= size; at += 4) {
        Code a = codes[data[at]], b = codes[data[at + 1]], c = codes[data[at + 2]], d = codes[data[at + 3]];
        uint64_t first = a.bits | (uint64_t)b.bits << a.count, second = c.bits | (uint64_t)d.bits << c.count;
        uint32_t half = a.count + b.count;
        put(&own, first | second << half, half + c.count + d.count);
    }
    for (; at < size; at++)
        put(&own, codes[data[at]].bits, codes[data[at]].count);
    *to = own;
}

static void put_block(Writer *to, const Plan *plan, const uint8_t *data, uint32_t size)
{
    Code codes[LITERALS], length_codes[LENGTHS];
    make_codes(plan->depths, LITERALS, codes);
    make_codes(plan->length_depths, LENGTHS, length_codes);
    put(to, 4, 3); /* not the last block, with codes of its own */
    put(to, plan->literal_count - 257, 5);
    put(to, 0, 5); /* one distance */
    put(to, plan->length_count - 4, 4);
    for (uint32_t i = 0; i < plan->length_count; i++)
        put(to, plan->length_depths[LENGTH_ORDER[i]], 3);
    for (uint32_t i = 0; i < plan->symbol_count; i++) {
        uint8_t symbol = plan->symbols[i];
        put(to, length_codes[symbol].bits, length_codes[symbol].count);
        put(to, plan->extras[i], extra_bits(symbol));
    }
    uint32_t at = 0;
    for (uint32_t i = 0; i < plan->run_count; i++) {
        Run run = plan->runs[i];
        Code code = codes[run_symbol[run.length]];
        put_literals(to, codes, data + at, run.at - at);
        hold(to, code.bits, code.count);
        hold(to, run.length - run_base[run.length], run_extra[run.length]);
        put(to, 0, 1); /* the one distance */
        at = run.at + run.length;
    }
    put_literals(to, codes, data + at, size - at);
    put(to, codes[END].bits, codes[END].count);
}

/* A stored block (3.2.4). One of no bytes ends a piece at a whole byte. */
static void put_stored(Writer *to, const uint8_t *data, uint32_t size)
{
    put(to, 0, 3);
    put(to, 0, (8 - to->count) & 7);
    put(to, size | (uint64_t)(size ^ 65535) << 16, 32);
    memcpy(to->next, data, size);
    to->next += size;
}

static uint64_t stored_bits(uint32_t size)
{
    return 3 + 7 + 32 + 8 * (uint64_t)size;
}

/* What is asked for: contiguous bytes, and the bytes of the shortest run. */
typedef struct {
    Py_buffer data;
    uint32_t shortest;
} Order;

static int read_order(PyObject *arguments, Order *order)
{
    PyObject *object;
    int is_short;
    if (!PyArg_ParseTuple(arguments, "Op", &object, &is_short))
        return 0;
    order->shortest = is_short ? SHORT : USUAL;
    return !PyObject_GetBuffer(object, &order->data, PyBUF_SIMPLE);
}

static uint32_t block_size(const Order *order, Py_ssize_t at)
{
    return order->data.len - at < BLOCK ? (uint32_t)(order->data.len - at) : BLOCK;
}

/* The blocks of all bytes, or NULL where there is no memory, which grows as each block is counted. */
static uint8_t *write_blocks(Plan *plan, const Order *order, size_t *written)
{
    uint8_t *memory = PyMem_Malloc(SPARE);
    Writer to = {memory, 0, 0};
    for (Py_ssize_t at = 0; memory && at < order->data.len; at += BLOCK) {
        const uint8_t *from = (const uint8_t *)order->data.buf + at;
        uint32_t size = block_size(order, at);
        uint64_t bits = make_plan(plan, from, size, order->shortest), stored = stored_bits(size);
        size_t used = (size_t)(to.next - memory), more = (size_t)((bits < stored ? bits : stored) / 8 + 1);
        uint8_t *grown = PyMem_Realloc(memory, used + more + SPARE);
        if (!grown) {
            PyMem_Free(memory);
            return NULL;
        }
        memory = grown;
        to.next = memory + used;
        if (bits < stored)
            put_block(&to, plan, from, size);
        else
            put_stored(&to, from, size);
    }
    if (memory)
        put_stored(&to, to.next, 0);
    *written = (size_t)(to.next - memory);
    return memory;
}

static PyObject *deflate(PyObject *module, PyObject *arguments)
{
    (void)module;
    Order order;
    if (!read_order(arguments, &order))
        return NULL;
    size_t written = 0;
    Plan *plan = PyMem_Malloc(sizeof *plan);
    uint8_t *memory = plan ? write_blocks(plan, &order, &written) : NULL;
    PyObject *found =
        memory ? PyBytes_FromStringAndSize((const char *)memory, (Py_ssize_t)written) : PyErr_NoMemory();
    PyMem_Free(memory);
    PyMem_Free(plan);
    PyBuffer_Release(&order.data);
    return found;
}

static PyObject *deflated_size(PyObject *module, PyObject *arguments)
{
    (void)module;
    Order order;
    if (!read_order(arguments, &order))
        return NULL;
    uint64_t total = 0;
    Plan *plan = PyMem_Malloc(sizeof *plan);
    for (Py_ssize_t at = 0; plan && at < order.data.len; at += BLOCK) {
        uint32_t size = block_size(&order, at);
        uint64_t bits = make_plan(plan, (const uint8_t *)order.data.buf + at, size, order.shortest);
        total += bits < stored_bits(size) ? bits : stored_bits(size);
    }
    PyObject *found = plan ? PyLong_FromUnsignedLongLong(total / 8 + 1) : PyErr_NoMemory();
    PyMem_Free(plan);
    PyBuffer_Release(&order.data);
    return found;
}

/* The filters of ISO/IEC 15948 section 9.2 on one row: with which byte on the left, and which above. */
static void filter_row(int kind, const uint8_t *here, const uint8_t *left, const uint8_t *above, uint8_t *to,
                       Py_ssize_t size)
{
    if (kind == 1)
        for (Py_ssize_t i = 0; i < size; i++)
            to[i] = (uint8_t)(here[i] - left[i]);
    else if (kind == 2)
        for (Py_ssize_t i = 0; i < size; i++)
            to[i] = (uint8_t)(here[i] - above[i]);
    else if (kind == 3) /* without a ninth bit: what both share, and half of where they differ */
        for (Py_ssize_t i = 0; i < size; i++)
            to[i] = (uint8_t)(here[i] - ((left[i] & above[i]) + ((left[i] ^ above[i]) >> 1)));
    else
        memcpy(to, here, (size_t)size);
}

static PyObject *filter(PyObject *module, PyObject *arguments)
{
    (void)module;
    PyObject *object;
    Py_buffer data;
    Py_ssize_t width, pixel;
    int kind;
    if (!PyArg_ParseTuple(arguments, "Onni", &object, &width, &pixel, &kind))
        return NULL;
    if (PyObject_GetBuffer(object, &data, PyBUF_SIMPLE))
        return NULL;
    PyObject *found = NULL;
    if (pixel < 1 || width <= pixel || data.len < width || data.len % width || kind < 0 || kind > 3) {
        PyErr_SetString(PyExc_ValueError, "rows of a width, each behind a pixel, and a filter from 0 to 3 are needed");
    } else {
        Py_ssize_t rows = data.len / width - 1, size = width - pixel;
        found = PyBytes_FromStringAndSize(NULL, rows * (1 + size));
        uint8_t *to = found ? (uint8_t *)PyBytes_AsString(found) : NULL;
        for (Py_ssize_t row = 0; to && row < rows; row++, to += 1 + size) {
            const uint8_t *above = (const uint8_t *)data.buf + row * width, *here = above + width;
            *to = (uint8_t)kind;
            filter_row(kind, here + pixel, here, above + pixel, to + 1, size);
        }
    }
    PyBuffer_Release(&data);
    return found;
}

static PyMethodDef METHODS[] = {
    {"filter", filter, METH_VARARGS,
     "Rows of a width, each behind a pixel of zeros, the first the one above; bytes of a pixel; a filter -> scanlines."},
    {"deflate", deflate, METH_VARARGS,
     "Contiguous bytes, and whether runs of 4 bytes count -> deflate blocks, none the last, that end at a whole byte."},
    {"deflated_size", deflated_size, METH_VARARGS, "About how many bytes deflate would give."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef MODULE = {
    PyModuleDef_HEAD_INIT, "runs", "Bytes -> deflate blocks whose only matches are runs.", 0, METHODS, NULL, NULL, NULL,
    NULL};

PyMODINIT_FUNC PyInit_runs(void)
{
    fill_run_table();
    return PyModule_Create(&MODULE);
}

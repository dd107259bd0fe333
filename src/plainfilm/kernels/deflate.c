/* SPDX-License-Identifier: MIT
 *
 * Compress bytes into deflate blocks (RFC 1951) whose only matches are runs: bytes that are equal to the byte before
 * them. Section numbers are those of RFC 1951.
 *
 * In filtered scanlines of radiographs hardly anything but runs repeats, so a search for other matches would not pay.
 * Each block has its own Huffman code. A block that may change is copied before it is read, because its contents are read
 * several times, and the result is allocated by a size that is computed before the block is written. A block that would
 * not become smaller is stored. Plain C: no intrinsics, any byte order, no state.
 */

#include "core.h"

#include <stdlib.h>
#include <string.h>

enum {
    BLOCK = 65535, /* bytes per block: the most that a stored block can hold */
    SHORT = 4, /* bytes of the shortest run that is searched: 4, or 8, which is faster */
    USUAL = 8,
    GROUP = 128, /* bytes that are searched at once for runs of the usual length */
    LONGEST = 258,
    LITERALS = 286, /* symbols: literals, the end of a block (256), and lengths */
    END = 256,
    DEEPEST = 14, /* bits of the longest code: four codes and up to seven pending bits fit into 64 bits */
    LENGTHS = 19, /* symbols in which code lengths are written (3.2.7) */
    SPARE = 16 /* bytes beyond the computed size: for writes of a whole word, and for the end of a piece */
};

/* A code: its bits, the first one lowest, at the top of the word, and their number in the lowest byte. With the number in
 * the same word, codes are joined by one shift and one OR. */
typedef uint64_t Code;

typedef struct {
    uint32_t at, length;
} Run;

/* The contents of a block, computed before it is written. */
struct Plan {
    Run runs[BLOCK / SHORT];
    uint32_t run_count;
    uint32_t counts[LITERALS], length_counts[LENGTHS];
    uint8_t depths[LITERALS], length_depths[LENGTHS];
    uint8_t symbols[LITERALS + 1], extras[LITERALS + 1]; /* the code lengths as symbols of 3.2.7 */
    uint32_t symbol_count, literal_count, length_count;
    uint8_t data[BLOCK]; /* a copy: the original may change while it is read */
};

typedef struct {
    uint8_t *next;
    uint64_t bits;
    uint32_t count;
} Writer; /* `bits` holds `count` pending bits; `next` is where they will be written */

static const uint8_t LENGTH_ORDER[LENGTHS] = {16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15};
static uint16_t run_symbol[LONGEST + 1], run_base[LONGEST + 1];
static uint8_t run_extra[LONGEST + 1];

/* The table of 3.2.5: eight lengths without extra bits, then four symbols for each number of extra bits from 1 on. */
void fill_run_table(void)
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

/* Whether no run of 8 bytes begins at any of the next GROUP / 4 positions in steps of 4. A plain loop over whole words,
 * without a branch, so that the compiler compares many at once. */
INLINE int has_no_run(const uint8_t *data)
{
    uint32_t hits = 0;
    for (int i = 0; i < GROUP; i += 4) {
        uint32_t here, before, next, next_before;
        memcpy(&here, data + i, 4);
        memcpy(&before, data + i - 1, 4);
        memcpy(&next, data + i + 4, 4);
        memcpy(&next_before, data + i + 3, 4);
        hits |= (uint32_t)(((here ^ before) | (next ^ next_before)) == 0);
    }
    return !hits;
}

/* Find the runs of at least `shortest` bytes. The search goes in steps of half of that, so runs of fewer than 1.5 times
 * `shortest` bytes may be missed. Callers pass a constant, so that the compiler makes a loop for each. */
INLINE void find_runs_from(Plan *plan, const uint8_t *data, uint32_t size, uint32_t shortest)
{
    uint32_t at = 1, free_from = 1, count = 0;
    while (at + shortest <= size) {
        while (shortest == USUAL && at + GROUP + 4 <= size && has_no_run(data + at))
            at += GROUP;
        if (at + shortest > size)
            break;
        if (memcmp(data + at, data + at - 1, shortest)) {
            at += shortest / 2;
            continue;
        }
        while (at > free_from && data[at - 1] == data[at - 2])
            at--;
        uint32_t end = at + shortest, last = size - at < LONGEST ? size : at + LONGEST;
        while (end < last && data[end] == data[at])
            end++;
        plan->runs[count].at = at;
        plan->runs[count++].length = end - at;
        at = free_from = end;
    }
    plan->run_count = count;
}

CLONES static void find_runs(Plan *plan, const uint8_t *data, uint32_t size, int has_short_runs)
{
    if (has_short_runs)
        find_runs_from(plan, data, size, SHORT);
    else
        find_runs_from(plan, data, size, USUAL);
}

INLINE void count_literals(uint32_t counts[4][256], const uint8_t *data, uint32_t size)
{
    uint32_t at = 0;
    for (; at + 4 <= size; at += 4) /* four tables, so that equal neighbours do not depend on each other */
        for (int lane = 0; lane < 4; lane++)
            counts[lane][data[at + (uint32_t)lane]]++;
    for (; at < size; at++)
        counts[0][data[at]]++;
}

CLONES static void count_symbols(Plan *plan, const uint8_t *data, uint32_t size)
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

/* Sort in ascending order by Shell's method, since there are few keys. */
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

/* Count the codes of each depth in the Huffman code of sorted weights, with two queues: leaves and joined nodes. */
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

/* Compute the depths of a Huffman code for counts, none above `deepest`; at least one count must not be 0. */
static void make_depths(const uint32_t *counts, int size, int deepest, uint8_t *depths)
{
    uint32_t keys[LITERALS], weights[LITERALS];
    int used = 0, per_depth[LITERALS + 1] = {0};
    for (int symbol = 0; symbol < size; symbol++)
        if (counts[symbol])
            keys[used++] = counts[symbol] << 9 | (uint32_t)symbol;
    for (int symbol = 0; symbol < size; symbol++)
        depths[symbol] = 0;
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
    uint32_t space = 0; /* that all codes take, in codes of the deepest depth; codes are moved down until they fit */
    for (int depth = 1; depth <= deepest; depth++)
        space += (uint32_t)per_depth[depth] << (deepest - depth);
    for (; space > 1u << deepest; space--) {
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

/* Assign the codes of 3.2.2 with their bits reversed, because Huffman codes are written from the highest bit on. */
static void make_codes(const uint8_t *depths, int size, Code *codes)
{
    uint32_t next = 0;
    memset(codes, 0, sizeof(Code) * (size_t)size);
    for (uint32_t depth = 1; depth <= DEEPEST; depth++, next <<= 1)
        for (int symbol = 0; symbol < size; symbol++) {
            if (depths[symbol] != depth)
                continue;
            codes[symbol] = depth;
            for (uint32_t bit = 0; bit < depth; bit++)
                codes[symbol] |= (uint64_t)(next >> bit & 1) << (63 - bit);
            next++;
        }
}

/* Append a symbol of 3.2.7 with the value of its extra bits. */
static void add_symbol(Plan *plan, uint8_t symbol, uint32_t extra)
{
    plan->symbols[plan->symbol_count] = symbol;
    plan->extras[plan->symbol_count++] = (uint8_t)extra;
    plan->length_counts[symbol]++;
}

/* Express the depths in the symbols of 3.2.7: runs of zeros, repeated depths, and single depths. */
static void plan_depths(Plan *plan)
{
    uint8_t depths[LITERALS + 1];
    memcpy(depths, plan->depths, LITERALS);
    plan->literal_count = LITERALS;
    while (!depths[plan->literal_count - 1])
        plan->literal_count--;
    depths[plan->literal_count] = 1; /* the code of distance 1 */
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

/* Plan a block of 1 to BLOCK bytes, and return its size in bits. */
static uint64_t make_plan(Plan *plan, const uint8_t *data, uint32_t size, int has_short_runs)
{
    find_runs(plan, data, size, has_short_runs);
    count_symbols(plan, data, size);
    make_depths(plan->counts, LITERALS, DEEPEST, plan->depths);
    uint64_t bits = 3 + 5 + 5 + 4;
    for (int symbol = 0; symbol < LITERALS; symbol++)
        bits += (uint64_t)plan->counts[symbol] * plan->depths[symbol];
    for (uint32_t i = 0; i < plan->run_count; i++)
        bits += run_extra[plan->runs[i].length] + 1u;
    plan_depths(plan);
    bits += 3 * plan->length_count;
    for (uint8_t symbol = 0; symbol < LENGTHS; symbol++)
        bits += (uint64_t)plan->length_counts[symbol] * (plan->length_depths[symbol] + extra_bits(symbol));
    return bits;
}

/* Write the pending bits up to the last whole byte. */
INLINE void write_bytes(Writer *to)
{
#if IS_BIG_ENDIAN
    for (int i = 0; i < 8; i++)
        to->next[i] = (uint8_t)(to->bits >> (8 * i));
#else
    memcpy(to->next, &to->bits, 8);
#endif
    to->next += to->count >> 3;
    to->bits >>= to->count & ~7u;
    to->count &= 7;
}

/* Add bits to the pending bits. */
INLINE void add_bits(Writer *to, uint64_t bits, uint32_t count)
{
    to->bits |= bits << to->count;
    to->count += count;
}

INLINE void put_bits(Writer *to, uint64_t bits, uint32_t count)
{
    add_bits(to, bits, count);
    write_bytes(to);
}

INLINE void put_code(Writer *to, Code code)
{
    put_bits(to, code >> (64 - (code & 255)), (uint32_t)(code & 255));
}

INLINE void put_literals(Writer *to, const Code *codes, const uint8_t *data, uint32_t size)
{
    Writer own = *to; /* a copy stays in registers; a write through a pointer to bytes could alter the original */
    uint32_t at = 0;
    for (; at + 4 <= size; at += 4) {
        Code a = codes[data[at]], b = codes[data[at + 1]], c = codes[data[at + 2]], d = codes[data[at + 3]];
        uint64_t first = a >> (b & 63) | b, second = c >> (d & 63) | d, half = c + d, count = (a + b + half) & 255;
        put_bits(&own, (first >> (half & 63) | second) >> (64 - count), (uint32_t)count);
    }
    for (; at < size; at++)
        put_code(&own, codes[data[at]]);
    *to = own;
}

CLONES static void put_block(Writer *to, const Plan *plan, const uint8_t *data, uint32_t size)
{
    Code codes[LITERALS], length_codes[LENGTHS];
    make_codes(plan->depths, LITERALS, codes);
    make_codes(plan->length_depths, LENGTHS, length_codes);
    put_bits(to, 4, 3); /* not the last block; dynamic Huffman codes */
    put_bits(to, plan->literal_count - 257, 5);
    put_bits(to, 0, 5); /* one distance code */
    put_bits(to, plan->length_count - 4, 4);
    for (uint32_t i = 0; i < plan->length_count; i++)
        put_bits(to, plan->length_depths[LENGTH_ORDER[i]], 3);
    for (uint32_t i = 0; i < plan->symbol_count; i++) {
        uint8_t symbol = plan->symbols[i];
        put_code(to, length_codes[symbol]);
        put_bits(to, plan->extras[i], extra_bits(symbol));
    }
    uint32_t at = 0;
    for (uint32_t i = 0; i < plan->run_count; i++) {
        Run run = plan->runs[i];
        Code code = codes[run_symbol[run.length]];
        put_literals(to, codes, data + at, run.at - at);
        add_bits(to, code >> (64 - (code & 255)), (uint32_t)(code & 255));
        add_bits(to, run.length - run_base[run.length], run_extra[run.length]);
        put_bits(to, 0, 1); /* the only distance, 1 */
        at = run.at + run.length;
    }
    put_literals(to, codes, data + at, size - at);
    put_code(to, codes[END]);
}

/* Write a stored block (3.2.4). A stored block without bytes ends a piece at a whole byte. */
static void put_stored(Writer *to, const uint8_t *data, uint32_t size)
{
    put_bits(to, 0, 3);
    put_bits(to, 0, (8 - to->count) & 7);
    put_bits(to, size | (uint64_t)(size ^ 65535) << 16, 32);
    memcpy(to->next, data, size);
    to->next += size;
}

static uint64_t stored_bits(uint32_t size)
{
    return 3 + 7 + 32 + 8 * (uint64_t)size;
}

Plan *new_plan(void)
{
    return malloc(sizeof(Plan));
}

/* Make room for so many more bytes; 0 without memory. */
static int reserve(Bytes *to, size_t more)
{
    if (to->memory && more <= to->capacity - to->size)
        return 1;
    size_t capacity = to->size + more + to->size / 2;
    uint8_t *grown = realloc(to->memory, capacity);
    if (!grown)
        return 0;
    to->memory = grown;
    to->capacity = capacity;
    return 1;
}

static const uint8_t *copy_block(Plan *plan, const uint8_t *data, uint32_t size)
{
    memcpy(plan->data, data, size);
    return plan->data;
}

/* Append the blocks of some bytes, and an empty stored block, so that they end at a whole byte. None is the last one. */
int deflate_blocks(Plan *plan, Bytes *to, const uint8_t *data, size_t size, int has_short_runs, int may_change)
{
    Writer writer = {NULL, 0, 0};
    for (size_t at = 0; at < size; at += BLOCK) {
        uint32_t part = size - at < BLOCK ? (uint32_t)(size - at) : BLOCK;
        const uint8_t *block = may_change ? copy_block(plan, data + at, part) : data + at;
        uint64_t bits = make_plan(plan, block, part, has_short_runs), stored = stored_bits(part);
        if (!reserve(to, (size_t)((bits < stored ? bits : stored) / 8 + 1 + SPARE)))
            return 0;
        writer.next = to->memory + to->size;
        if (bits < stored)
            put_block(&writer, plan, block, part);
        else
            put_stored(&writer, block, part);
        to->size = (size_t)(writer.next - to->memory);
    }
    if (!reserve(to, SPARE))
        return 0;
    writer.next = to->memory + to->size;
    put_stored(&writer, plan->data, 0);
    to->size = (size_t)(writer.next - to->memory);
    return 1;
}

/* The bits of the blocks that deflate_blocks would append, without the empty block. */
uint64_t deflated_bits(Plan *plan, const uint8_t *data, size_t size, int has_short_runs)
{
    uint64_t total = 0;
    for (size_t at = 0; at < size; at += BLOCK) {
        uint32_t part = size - at < BLOCK ? (uint32_t)(size - at) : BLOCK;
        uint64_t bits = make_plan(plan, copy_block(plan, data + at, part), part, has_short_runs);
        total += bits < stored_bits(part) ? bits : stored_bits(part);
    }
    return total;
}

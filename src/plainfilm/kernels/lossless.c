/* SPDX-License-Identifier: MIT
 *
 * Decode a lossless JPEG scan (ITU-T T.81 annex H, Huffman coding), and prove that it is whole: every sample is decoded
 * from bits of the scan, and fewer than 8 bits are left. Section numbers are those of T.81.
 *
 * Whatever is unusual is refused without a reason; another decoder then judges the scan. No byte is read beyond the
 * scan: it is copied without its stuffed bytes into memory that ends with PADDING zeros, and a reader whose position
 * would need more than these bits refuses the scan.
 */

#include "core.h"

#include <stdlib.h>
#include <string.h>

enum {
    LOOKUP = 12, /* bits that are decoded with one table: mostly a code and the bits of its difference together */
    LONGEST = 16, /* bits of the longest code */
    CATEGORIES = 17,
    PER_REFILL = 4, /* differences that LOOKUP bits each are fetched for */
    PADDING = 16,
    MOST_COMPONENTS = 4
};

/* length: the bits of the code and the difference; 0 where they are more than LOOKUP bits, or no code. */
typedef struct {
    uint16_t difference, length;
} Entry;

typedef struct {
    Entry entries[1 << LOOKUP];
    uint32_t stop[LONGEST + 1]; /* the first value after the codes of each length, as the highest of 16 bits */
    int32_t offset[LONGEST + 1]; /* added to a code of a length: the index of its category */
    uint8_t categories[CATEGORIES];
} Table;

typedef struct {
    const uint8_t *next, *end;
    uint64_t bits; /* `count` bits from the highest on */
    uint32_t count;
} Reader;

/* The difference of a category and its additional bits (table H.2, F.1.2.1.1), modulo 2^16. */
INLINE uint16_t difference_of(uint32_t category, uint32_t bits)
{
    if (category == 16)
        return 32768;
    if (category && !(bits >> (category - 1)))
        bits -= (1u << category) - 1;
    return (uint16_t)bits;
}

static uint32_t extra_bits(uint32_t category)
{
    return category == 16 ? 0 : category;
}

/* Fill the entries of all bits that begin with a code of `length` bits. */
static void fill_entries(Table *table, uint32_t code, uint32_t length, uint32_t category)
{
    uint32_t extra = extra_bits(category), total = length + extra;
    if (total > LOOKUP)
        return;
    for (uint32_t bits = 0; bits < 1u << extra; bits++) {
        Entry entry = {difference_of(category, bits), (uint16_t)total};
        uint32_t first = (code << extra | bits) << (LOOKUP - total);
        for (uint32_t i = 0; i < 1u << (LOOKUP - total); i++)
            table->entries[first + i] = entry;
    }
}

/* Make the codes of annex C; 0 where they are not a table of 0 to 16, each at most once. */
static int make_table(Table *table, const uint8_t *bytes)
{
    uint32_t code = 0, index = 0, used = 0;
    memset(table, 0, sizeof *table);
    for (uint32_t length = 1; length <= LONGEST; length++, code <<= 1) {
        table->offset[length] = (int32_t)index - (int32_t)code;
        for (uint32_t i = bytes[length - 1]; i > 0; i--, index++, code++) {
            uint32_t category = index < CATEGORIES ? bytes[16 + index] : CATEGORIES;
            if (category >= CATEGORIES || used >> category & 1 || code >= 1u << length)
                return 0;
            used |= 1u << category;
            table->categories[index] = (uint8_t)category;
            fill_entries(table, code, length, category);
        }
        table->stop[length] = code << (LONGEST - length);
    }
    return used != 0;
}

INLINE uint64_t read_word(const uint8_t *bytes)
{
    uint64_t word = 0;
    for (int i = 0; i < 8; i++)
        word = word << 8 | bytes[i];
    return word;
}

/* Fill the reader with at least 56 bits, zeros after the end; 0 where bits beyond the end have been used. */
INLINE int refill(Reader *from)
{
    if (from->next > from->end && 8 * (uint32_t)(from->next - from->end) > from->count)
        return 0;
    from->bits |= read_word(from->next) >> from->count;
    from->next += (63 - from->count) >> 3;
    from->count |= 56;
    return 1;
}

INLINE void skip(Reader *from, uint32_t count)
{
    from->bits <<= count;
    from->count -= count;
}

/* Read a difference whose bits are not in the table of entries; 0 where there is no such code. */
static int read_long(Reader *from, const Table *table, uint16_t *difference)
{
    uint32_t start = (uint32_t)(from->bits >> 48), length = 1;
    while (length <= LONGEST && start >= table->stop[length])
        length++;
    if (length > LONGEST)
        return 0;
    uint32_t index = (uint32_t)((int32_t)(start >> (LONGEST - length)) + table->offset[length]);
    if (index >= CATEGORIES)
        return 0;
    uint32_t category = table->categories[index], extra = extra_bits(category);
    skip(from, length);
    *difference = difference_of(category, extra ? (uint32_t)(from->bits >> (64 - extra)) : 0);
    skip(from, extra);
    return 1;
}

/* Read one difference. Needs LOOKUP bits, or fills the reader before and after; 0 where there is no such code. */
INLINE int read_difference(Reader *from, const Table *table, uint16_t *difference)
{
    Entry entry = table->entries[from->bits >> (64 - LOOKUP)];
    *difference = entry.difference;
    skip(from, entry.length);
    return entry.length || (refill(from) && read_long(from, table, difference) && refill(from));
}

/* Read the differences of a row. Callers pass a constant number of components, so that each has a loop of its own. The
 * bits for PER_REFILL of them are fetched at once: a condition for each would often be predicted wrongly. */
INLINE int read_row(Reader *reader, const Table *tables, uint16_t *row, size_t columns, size_t components)
{
    Reader from = *reader; /* a copy stays in registers */
    size_t size = columns * components, i = 0;
    for (; i + PER_REFILL <= size; i += PER_REFILL) {
        int is_read = refill(&from);
        for (size_t j = 0; j < PER_REFILL && is_read; j++)
            is_read = read_difference(&from, components == 1 ? tables : tables + (i + j) % components, row + i + j);
        if (!is_read)
            return 0;
    }
    for (; i < size; i++)
        if (!refill(&from) || !read_difference(&from, tables + i % components, row + i))
            return 0;
    *reader = from;
    return 1;
}

CLONES static int read_differences(const Scan *scan, const Table *tables, Reader *reader, uint16_t *row)
{
    if (scan->components == 1)
        return read_row(reader, tables, row, scan->columns, 1);
    if (scan->components == 3)
        return read_row(reader, tables, row, scan->columns, 3);
    return read_row(reader, tables, row, scan->columns, scan->components);
}

/* Add the predictions of table H.1 to the differences of a row, one component at a time. The value to the left stays in
 * a register: to read what was just written takes several times as long as to add. */
CLONES static void add_predictions(int predictor, uint16_t *row, const uint16_t *above, size_t step, size_t size)
{
#define FOR_EACH(prediction)                                                                                          \
    for (size_t start = 0; start < step; start++) {                                                                   \
        int32_t a = row[start];                                                                                       \
        for (size_t i = start + step; i < size; i += step) {                                                          \
            int32_t b = above[i], c = above[i - step];                                                                \
            (void)b, (void)c;                                                                                         \
            row[i] = (uint16_t)(a = (row[i] + (prediction)) & 65535);                                                 \
        }                                                                                                             \
    }                                                                                                                 \
    break
    switch (predictor) {
    case 1: FOR_EACH(a);
    case 2: FOR_EACH(b);
    case 3: FOR_EACH(c);
    case 4: FOR_EACH(a + b - c);
    case 5: FOR_EACH(a + ((b - c) >> 1));
    case 6: FOR_EACH(b + ((a - c) >> 1));
    case 7: FOR_EACH((a + b) >> 1);
    }
#undef FOR_EACH
}

/* Turn the differences of a row into values (H.1.2.1). is_first: at the start of the scan and after a restart. */
static void undo_differences(const Scan *scan, uint16_t *row, const uint16_t *above, int is_first)
{
    size_t components = scan->components, size = scan->columns * components;
    for (size_t i = 0; i < components; i++)
        row[i] = (uint16_t)(row[i] + (is_first ? 1 << (scan->precision - scan->point_transform - 1) : above[i]));
    add_predictions(is_first ? 1 : scan->predictor, row, above, components, size);
}

/* Write the samples of a row; return the bits that any of its values has. */
CLONES static uint16_t write_samples(const Scan *scan, const uint16_t *row, uint8_t *to)
{
    size_t size = scan->columns * scan->components;
    uint16_t bits = 0;
    for (size_t i = 0; i < size; i++)
        bits |= row[i];
    if (scan->precision <= 8)
        for (size_t i = 0; i < size; i++)
            to[i] = (uint8_t)(row[i] << scan->point_transform);
    else if (scan->point_transform == 0)
        memcpy(to, row, 2 * size);
    else
        for (size_t i = 0; i < size; i++) {
            uint16_t sample = (uint16_t)(row[i] << scan->point_transform);
            memcpy(to + 2 * i, &sample, 2);
        }
    return bits;
}

/* Copy the entropy-coded bytes up to the next marker without their stuffed zeros, and add the padding. `to` holds as
 * many bytes and the padding. Return the position of the marker, or `size`. Each byte is read once. */
static size_t unstuff(const uint8_t *data, size_t at, size_t size, uint8_t *to, size_t *written)
{
    size_t used = 0;
    while (at < size) {
        const uint8_t *found = memchr(data + at, 0xFF, size - at);
        size_t length = found ? (size_t)(found - data) - at : size - at;
        memcpy(to + used, data + at, length);
        used += length;
        at += length;
        if (!found)
            break;
        if (at + 1 >= size || data[at + 1] != 0)
            break;
        to[used++] = 0xFF;
        at += 2;
    }
    memset(to + used, 0, PADDING);
    *written = used;
    return at;
}

/* The memory of one call. */
typedef struct {
    Table tables[MOST_COMPONENTS];
    uint16_t *rows[2];
    uint8_t *bytes;
} Work;

/* Decode the rows from `first` to `stop`, which are all that the `size` bytes in the memory hold. */
static int decode_interval(const Scan *scan, Work *work, size_t size, size_t first, size_t stop, uint8_t *samples)
{
    Reader reader = {work->bytes, work->bytes + size, 0, 0};
    size_t row_bytes = scan->columns * scan->components * (scan->precision <= 8 ? 1 : 2);
    uint16_t bits = 0;
    for (size_t row = first; row < stop; row++) {
        uint16_t *values = work->rows[row & 1], *above = work->rows[!(row & 1)];
        if (!read_differences(scan, work->tables, &reader, values))
            return 0;
        undo_differences(scan, values, above, row == first);
        bits |= write_samples(scan, values, samples + row * row_bytes);
    }
    ptrdiff_t left = 8 * (reader.end - reader.next) + (ptrdiff_t)reader.count;
    return left >= 0 && left < 8 && !((uint32_t)bits >> (scan->precision - scan->point_transform));
}

static int decode_intervals(const Scan *scan, Work *work, const uint8_t *data, size_t size, uint8_t *samples)
{
    size_t at = 0, length = scan->restart_rows ? scan->restart_rows : scan->rows, number = 0;
    for (size_t first = 0; first < scan->rows; first += length, number++) {
        size_t stop = scan->rows - first < length ? scan->rows : first + length, used;
        if (number) {
            if (size - at < 2 || data[at] != 0xFF || data[at + 1] != (0xD0 | ((number - 1) & 7)))
                return SCAN_REFUSED;
            at += 2;
        }
        at = unstuff(data, at, size, work->bytes, &used);
        if (!decode_interval(scan, work, used, first, stop, samples))
            return SCAN_REFUSED;
    }
    return at == size ? SCAN_WHOLE : SCAN_REFUSED;
}

static int is_possible(const Scan *scan)
{
    return scan->rows && scan->columns && scan->components >= 1 && scan->components <= MOST_COMPONENTS &&
           scan->precision >= 2 && scan->precision <= 16 && scan->predictor >= 1 && scan->predictor <= 7 &&
           scan->point_transform >= 0 && scan->point_transform < scan->precision;
}

int decode_scan(const Scan *scan, const uint8_t *data, size_t size, uint8_t *samples)
{
    if (!is_possible(scan))
        return SCAN_REFUSED;
    size_t values = scan->columns * scan->components;
    Work *work = malloc(sizeof *work);
    uint16_t *rows = calloc(2 * values, sizeof *rows);
    uint8_t *bytes = malloc(size + PADDING);
    int result = SCAN_NO_MEMORY;
    if (work && rows && bytes) {
        work->rows[0] = rows;
        work->rows[1] = rows + values;
        work->bytes = bytes;
        result = SCAN_WHOLE;
        for (size_t i = 0; i < scan->components; i++)
            if (!make_table(&work->tables[i], scan->tables + i * TABLE_BYTES))
                result = SCAN_REFUSED;
        if (result == SCAN_WHOLE)
            result = decode_intervals(scan, work, data, size, samples);
    }
    free(bytes);
    free(rows);
    free(work);
    return result;
}

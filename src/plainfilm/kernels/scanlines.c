/* SPDX-License-Identifier: MIT
 *
 * Look up the output levels of an image, and filter its rows into PNG scanlines (ISO/IEC 15948 section 9.2).
 *
 * Both are done row by row, so that a row stays in the cache of the core and the whole image of levels is never made.
 */

#include "core.h"

#include <stdlib.h>
#include <string.h>

/* Filter one row; `left` and `above` are the neighbours of each byte. */
CLONES void filter_row(int kind, const uint8_t *here, const uint8_t *left, const uint8_t *above, uint8_t *to,
                       size_t size)
{
    if (kind == 1)
        for (size_t i = 0; i < size; i++)
            to[i] = (uint8_t)(here[i] - left[i]);
    else if (kind == 2)
        for (size_t i = 0; i < size; i++)
            to[i] = (uint8_t)(here[i] - above[i]);
    else if (kind == 3) /* floor((left + above) / 2) without a ninth bit */
        for (size_t i = 0; i < size; i++)
            to[i] = (uint8_t)(here[i] - ((left[i] & above[i]) + ((left[i] ^ above[i]) >> 1)));
    else
        memcpy(to, here, size);
}

/* Swap the bytes of 16-bit values in the byte order of this machine to that of PNG, the high byte first. */
static void swap_bytes(uint8_t *bytes, size_t values)
{
    if (IS_BIG_ENDIAN)
        return;
    for (size_t i = 0; i < values; i++) {
        uint8_t low = bytes[2 * i];
        bytes[2 * i] = bytes[2 * i + 1];
        bytes[2 * i + 1] = low;
    }
}

/* Look up one value. Callers pass constant sizes, so that the compiler makes a loop for each. */
INLINE void look_up(const uint8_t *entries, const uint8_t *from, uint8_t *to, size_t sample_bytes, size_t level_bytes)
{
    uint16_t sample = *from;
    if (sample_bytes == 2)
        memcpy(&sample, from, 2);
    memcpy(to, entries + level_bytes * sample, level_bytes);
}

/* The same for many values, eight in each turn: the loop itself would take as long as the look-up of a value. */
INLINE void look_up_values(const uint8_t *entries, const uint8_t *from, uint8_t *to, size_t values, size_t sample_bytes,
                           size_t level_bytes)
{
    size_t i = 0;
    for (; i + 8 <= values; i += 8)
        for (size_t j = i; j < i + 8; j++)
            look_up(entries, from + j * sample_bytes, to + j * level_bytes, sample_bytes, level_bytes);
    for (; i < values; i++)
        look_up(entries, from + i * sample_bytes, to + i * level_bytes, sample_bytes, level_bytes);
}

/* Write the levels of a row to `to`, in the byte order of this machine. Both may have any alignment. */
void look_up_row(const Raster *image, size_t row, uint8_t *to)
{
    size_t values = image->columns * image->channels;
    const uint8_t *from = image->samples + row * values * (size_t)image->sample_bytes, *entries = image->entries;
    if (!entries)
        memcpy(to, from, values * (size_t)image->level_bytes);
    else if (image->sample_bytes == 1 && image->level_bytes == 1)
        look_up_values(entries, from, to, values, 1, 1);
    else if (image->sample_bytes == 1)
        look_up_values(entries, from, to, values, 1, 2);
    else if (image->level_bytes == 1)
        look_up_values(entries, from, to, values, 2, 1);
    else
        look_up_values(entries, from, to, values, 2, 2);
}

/* Filter the rows from `first` to `stop` into scanlines, each with its filter byte. 0 without memory. */
int filter_rows(const Raster *image, size_t first, size_t stop, int kind, uint8_t *to)
{
    size_t pixel = image->channels * (size_t)image->level_bytes, size = image->columns * pixel, padded = pixel + size;
    uint8_t *memory = calloc(2, padded); /* two rows, each after a pixel of zeros; zeros are above the first row */
    if (!memory)
        return 0;
    uint8_t *above = memory, *here = memory + padded;
    for (size_t row = first ? first - 1 : 0; row < stop; row++) {
        look_up_row(image, row, here + pixel);
        if (image->level_bytes == 2)
            swap_bytes(here + pixel, image->columns * image->channels);
        if (row >= first) {
            *to = (uint8_t)kind;
            filter_row(kind, here + pixel, here, above + pixel, to + 1, size);
            to += 1 + size;
        }
        uint8_t *next = above;
        above = here;
        here = next;
    }
    free(memory);
    return 1;
}

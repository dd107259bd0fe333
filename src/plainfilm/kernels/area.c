/* SPDX-License-Identifier: MIT
 *
 * Shrink an image: each output pixel is the exact mean of the area that it covers, rounded to the nearest level, and
 * halves upwards.
 *
 * Lengths are counted in parts of a pixel, as many as the output has rows (or columns). A stored row has to_rows parts,
 * an output row `rows` parts, so that both overlap by whole numbers and the sums are exact. The levels of a row are
 * looked up once, when it is added to the sums of its columns.
 */

#include "core.h"

#include <stdlib.h>

CLONES static void add_bytes(uint32_t *sums, const uint8_t *levels, size_t values, uint32_t weight)
{
    for (size_t i = 0; i < values; i++)
        sums[i] += weight * levels[i];
}

CLONES static void add_words(uint32_t *sums, const uint16_t *levels, size_t values, uint32_t weight)
{
    for (size_t i = 0; i < values; i++)
        sums[i] += weight * levels[i];
}

/* The parts that the spans from `a` to a + a_length and from `b` to b + b_length have in common. */
static size_t overlap(size_t a, size_t a_length, size_t b, size_t b_length)
{
    size_t start = a > b ? a : b, stop = a + a_length < b + b_length ? a + a_length : b + b_length;
    return stop - start;
}

/* The columns that an output column covers, from `first` to `last`; `head` and `tail` are the parts of these two, which
 * are the same column, with no tail, where it covers no other. */
typedef struct {
    size_t first, last;
    uint64_t head, tail;
} Span;

static void find_spans(Span *spans, size_t columns, size_t to_columns)
{
    for (size_t column = 0; column < to_columns; column++) {
        size_t start = column * columns, first = start / to_columns, last = (start + columns - 1) / to_columns;
        uint64_t head = overlap(first * to_columns, to_columns, start, columns);
        uint64_t tail = first == last ? 0 : overlap(last * to_columns, to_columns, start, columns);
        spans[column] = (Span){first, last, head, tail};
    }
}

/* The mean of the columns of an output row, from the sums of its rows; `area` is the weight of an output pixel. */
static void write_row(const Raster *image, const uint32_t *sums, const Span *spans, size_t to_columns, uint64_t area,
                      uint8_t *to)
{
    size_t channels = image->channels;
    double part = 1.0 / (double)area;
    for (size_t at = 0; at < to_columns * channels; at++) {
        Span span = spans[channels == 1 ? at : at / channels];
        const uint32_t *of_channel = sums + (channels == 1 ? 0 : at % channels);
        uint64_t whole = 0, sum = area / 2; /* so that the division rounds to the nearest level */
        for (size_t i = span.first + 1; i < span.last; i++)
            whole += of_channel[i * channels];
        sum += whole * to_columns + of_channel[span.first * channels] * span.head;
        sum += of_channel[span.last * channels] * span.tail;
        /* a division of integers takes several times as long; the estimate is at most one too large or too small */
        uint64_t level = (uint64_t)((double)sum * part);
        level -= level * area > sum;
        level += (level + 1) * area <= sum;
        if (image->level_bytes == 1)
            to[at] = (uint8_t)level;
        else
            ((uint16_t *)(void *)to)[at] = (uint16_t)level;
    }
}

/* Average an image of at most 65,535 rows and columns to fewer or equally many; `to` is aligned for 16-bit levels. */
int average_area(const Raster *image, size_t rows, size_t to_rows, size_t to_columns, uint8_t *to)
{
    size_t values = image->columns * image->channels, current = rows;
    uint32_t *sums = malloc(values * sizeof *sums);
    uint16_t *levels = malloc(values * sizeof *levels);
    Span *spans = malloc(to_columns * sizeof *spans);
    int is_done = sums && levels && spans;
    if (is_done)
        find_spans(spans, image->columns, to_columns);
    for (size_t row = 0; is_done && row < to_rows; row++) {
        size_t start = row * rows;
        for (size_t i = 0; i < values; i++)
            sums[i] = 0;
        for (size_t i = start / to_rows; i * to_rows < start + rows; i++) {
            uint32_t weight = (uint32_t)overlap(i * to_rows, to_rows, start, rows);
            if (i != current)
                look_up_row(image, current = i, (uint8_t *)levels);
            if (image->level_bytes == 1)
                add_bytes(sums, (const uint8_t *)levels, values, weight);
            else
                add_words(sums, levels, values, weight);
        }
        write_row(image, sums, spans, to_columns, (uint64_t)rows * image->columns,
                  to + row * to_columns * image->channels * (size_t)image->level_bytes);
    }
    free(sums);
    free(levels);
    free(spans);
    return is_done;
}

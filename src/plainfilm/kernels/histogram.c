/* SPDX-License-Identifier: MIT
 *
 * Count the values of 8 and 16-bit samples.
 *
 * Neighbouring samples are often equal, and a processor waits for the last increment of a counter before the next one.
 * Each of four neighbours therefore has counters of its own.
 */

#include "core.h"

#include <stdlib.h>
#include <string.h>

enum { LANES = 4, VALUES = 65536 };
static const size_t MOST_AT_ONCE = (size_t)1 << 30; /* samples; a counter of 32 bits holds them */
static const size_t MANY = (size_t)1 << 20; /* samples, beyond which all counters are cleared sooner than a value found */

CLONES static uint32_t largest_value(const uint8_t *samples, size_t count, int sample_bytes)
{
    uint16_t largest = 0;
    if (sample_bytes == 1)
        return 255;
    for (size_t i = 0; i < count; i++) {
        uint16_t sample;
        memcpy(&sample, samples + 2 * i, 2);
        largest = sample > largest ? sample : largest;
    }
    return largest;
}

static void count_bytes(uint32_t *lanes, const uint8_t *samples, size_t count)
{
    size_t at = 0;
    for (; at + LANES <= count; at += LANES)
        for (int lane = 0; lane < LANES; lane++)
            lanes[lane * VALUES + samples[at + (size_t)lane]]++;
    for (; at < count; at++)
        lanes[samples[at]]++;
}

static void count_words(uint32_t *lanes, const uint8_t *samples, size_t count)
{
    size_t at = 0;
    for (; at + LANES <= count; at += LANES) {
        uint64_t four;
        memcpy(&four, samples + 2 * at, 8);
        for (int lane = 0; lane < LANES; lane++)
            lanes[lane * VALUES + (int)(four >> 16 * lane & 65535)]++;
    }
    for (; at < count; at++) {
        uint16_t sample;
        memcpy(&sample, samples + 2 * at, 2);
        lanes[sample]++;
    }
}

/* Set `counts`, which has room for 256 or 65,536 numbers, to the number of samples of each value up to the largest one.
 * Return one more than the largest value, at least 1, or 0 without memory.
 *
 * Of few samples, only the counters up to the largest value are cleared and read. If the samples change meanwhile, larger
 * values are counted in memory that is never read. */
size_t count_values(const uint8_t *samples, size_t count, int sample_bytes, uint64_t *counts)
{
    uint32_t *lanes = malloc(sizeof(uint32_t) * LANES * VALUES);
    if (!lanes)
        return 0;
    size_t end = 1;
    counts[0] = 0;
    for (size_t at = 0; at < count; at += MOST_AT_ONCE) {
        const uint8_t *part = samples + at * (size_t)sample_bytes;
        size_t size = count - at < MOST_AT_ONCE ? count - at : MOST_AT_ONCE;
        size_t used = size > MANY ? (size_t)1 << 8 * sample_bytes : (size_t)largest_value(part, size, sample_bytes) + 1;
        if (used > end)
            memset(counts + end, 0, (used - end) * sizeof *counts);
        for (int lane = 0; lane < LANES; lane++)
            memset(lanes + lane * VALUES, 0, used * sizeof *lanes);
        if (sample_bytes == 1)
            count_bytes(lanes, part, size);
        else
            count_words(lanes, part, size);
        for (size_t value = 0; value < used; value++)
            counts[value] += (uint64_t)lanes[value] + lanes[VALUES + value] + lanes[2 * VALUES + value] +
                             lanes[3 * VALUES + value];
        end = used > end ? used : end;
    }
    free(lanes);
    while (end > 1 && !counts[end - 1])
        end--;
    return end;
}

/* SPDX-License-Identifier: MIT
 *
 * Run one of the compiled loops over pixels once, for valgrind to count its instructions: instructions KERNEL SEED_FILE.
 *
 * The image is synthetic and always the same. SEED_FILE holds a lossless scan, as in trials/fuzz/kernels.c.
 */

#include "core.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 600, COLUMNS = 500, NUMBERS = 7 };

static uint16_t samples[ROWS * COLUMNS];
static uint8_t entries[65536], lines[ROWS * (COLUMNS + 1)], means[ROWS * COLUMNS], seed[1 << 20];

static void fill(void)
{
    uint32_t state = 1;
    for (uint32_t i = 0; i < ROWS * COLUMNS; i++) {
        state = state * 1664525u + 1013904223u;
        samples[i] = i % COLUMNS < 40 ? 12 : (uint16_t)(1000 + i % COLUMNS * 4 + (state >> 26));
    }
    for (uint32_t i = 0; i < 65536; i++)
        entries[i] = (uint8_t)(i < 4096 ? i / 16 : 255);
}

static void decode(const char *name)
{
    uint32_t numbers[NUMBERS];
    FILE *file = fopen(name, "rb");
    size_t size = file ? fread(seed, 1, sizeof seed, file) : 0;
    if (size < sizeof numbers)
        exit(2);
    fclose(file);
    memcpy(numbers, seed, sizeof numbers);
    const uint8_t *tables = seed + sizeof numbers, *data = tables + numbers[2] * TABLE_BYTES;
    uint8_t *decoded = malloc(2 * (size_t)numbers[0] * numbers[1] * numbers[2]);
    Scan scan = {numbers[0], numbers[1], numbers[2], numbers[3], (int)numbers[4], (int)numbers[5], (int)numbers[6],
                 tables};
    if (decode_scan(&scan, data, size - (size_t)(data - seed), decoded) != SCAN_WHOLE)
        exit(3);
    free(decoded);
}

int main(int count, char **arguments)
{
    if (count != 3)
        return 2;
    const char *name = arguments[1];
    Raster image = {(const uint8_t *)samples, entries, COLUMNS, 1, 2, 1};
    static uint64_t counts[65536];
    fill();
    fill_run_table();
    filter_row(0, lines, lines, lines, lines + 1, 0);
    if (!strcmp(name, "count_values"))
        count_values((const uint8_t *)samples, ROWS * COLUMNS, 2, counts);
    if (!strcmp(name, "average_area"))
        average_area(&image, ROWS, 102, 85, means);
    if (!strcmp(name, "filter_rows") || !strcmp(name, "deflate_blocks"))
        filter_rows(&image, 0, ROWS, 3, lines);
    if (!strcmp(name, "deflate_blocks")) {
        Bytes written = {NULL, 0, 0};
        deflate_blocks(new_plan(), &written, lines, sizeof lines, 0, 0);
    }
    if (!strcmp(name, "decode_scan"))
        decode(arguments[2]);
    return 0;
}

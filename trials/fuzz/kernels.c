/* SPDX-License-Identifier: MIT
 *
 * Call the functions of src/plainfilm/kernels with mutated inputs. The sanitizers, with which this program is compiled,
 * report every access outside of memory and all undefined behaviour. All memory has exactly the size that the functions
 * may use. Meanwhile a thread changes the samples, as another thread of Python may.
 *
 *     kernels SEED_FILE ROUNDS SEED
 *
 * SEED_FILE holds a lossless scan: seven numbers of 32 bits (rows, columns, components, restart rows, precision,
 * predictor, point transform), the tables, and the bytes of the scan.
 */

#include "core.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBERS = 7, SAMPLES = 1 << 17 };

static uint64_t state;
static uint8_t shared[SAMPLES];
static atomic_int is_over;

static uint32_t any(uint32_t below)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 33) % below;
}

__attribute__((no_sanitize("thread"))) static void *change_samples(void *unused)
{
    uint32_t number = 1;
    while (!is_over) {
        number = number * 1664525u + 1013904223u;
        ((volatile uint8_t *)shared)[number >> 15] = (uint8_t)(number >> 7);
    }
    return unused;
}

/* Fill the samples with noise, equal values, or runs. */
static void fill_samples(void)
{
    uint32_t kind = any(3), length = 1 + any(300), value = any(256);
    for (uint32_t i = 0; i < SAMPLES; i++) {
        if (kind == 2 && i % length == 0)
            value = any(256);
        shared[i] = (uint8_t)(kind ? value : any(256));
    }
}

/* An image of the shared samples, with or without a table, which belongs to the caller. */
static Raster any_image(size_t *rows)
{
    Raster image = {shared, NULL, 1 + any(any(2) ? 200 : 9), 1 + any(4), 1 + (int)any(2), 1 + (int)any(2)};
    size_t row_bytes = image.columns * image.channels * (size_t)image.sample_bytes;
    *rows = 1 + any(any(2) ? 40 : (uint32_t)(SAMPLES / row_bytes));
    if (any(2) && image.sample_bytes == image.level_bytes)
        return image;
    size_t size = (size_t)image.level_bytes << 8 * image.sample_bytes;
    uint8_t *entries = malloc(size);
    for (size_t i = 0; i < size; i++)
        entries[i] = (uint8_t)(i * 7);
    image.entries = entries;
    return image;
}

static void try_image(void)
{
    size_t rows;
    Raster image = any_image(&rows);
    size_t pixel = image.channels * (size_t)image.level_bytes, line = 1 + image.columns * pixel;
    size_t first = any((uint32_t)rows), stop = first + 1 + any((uint32_t)(rows - first));
    uint8_t *lines = malloc((stop - first) * line);
    filter_rows(&image, first, stop, (int)any(4), lines);
    free(lines);
    size_t to_rows = 1 + any((uint32_t)rows), to_columns = 1 + any((uint32_t)image.columns);
    uint8_t *means = malloc(to_rows * to_columns * pixel);
    average_area(&image, rows, to_rows, to_columns, means);
    free(means);
    free((void *)image.entries);
}

static void try_samples(Plan *plan)
{
    size_t size = any(SAMPLES), sample_bytes = 1 + any(2);
    uint64_t *counts = calloc((size_t)1 << 8 * sample_bytes, sizeof *counts);
    count_values(shared, size / sample_bytes, (int)sample_bytes, counts);
    free(counts);
    Bytes written = {NULL, 0, 0};
    int has_short_runs = (int)any(2);
    deflate_blocks(plan, &written, shared, size, has_short_runs, 1);
    deflated_bits(plan, shared, size, has_short_runs);
    free(written.memory);
}

/* Decode a scan, changed in up to four places, from memory of exactly its size. */
static void try_scan(const uint8_t *seed, size_t size)
{
    uint32_t numbers[NUMBERS];
    memcpy(numbers, seed, sizeof numbers);
    if (any(4) == 0)
        numbers[any(NUMBERS)] = any(20);
    size_t tables = numbers[2] * TABLE_BYTES, rest = size - sizeof numbers;
    if (tables > rest)
        return;
    size_t cut = any(8) ? 0 : any((uint32_t)(rest - tables + 1)), length = rest - cut;
    uint8_t *bytes = malloc(length + 1), *samples = malloc(1 + 2 * (size_t)numbers[0] * numbers[1] * numbers[2]);
    memcpy(bytes, seed + sizeof numbers, length);
    for (uint32_t changes = any(5); changes > 0 && length; changes--)
        bytes[any((uint32_t)(any(2) ? length : length < 60 ? length : 60))] = (uint8_t)(any(3) ? any(256) : 255);
    uint8_t *scan_bytes = malloc(length - tables + 1); /* alone, so that a byte too many is noticed */
    memcpy(scan_bytes, bytes + tables, length - tables);
    Scan scan = {numbers[0], numbers[1], numbers[2], numbers[3], (int)numbers[4], (int)numbers[5], (int)numbers[6],
                 bytes};
    decode_scan(&scan, scan_bytes, length - tables, samples);
    free(scan_bytes);
    free(samples);
    free(bytes);
}

int main(int count, char **arguments)
{
    if (count != 4)
        return 2;
    FILE *file = fopen(arguments[1], "rb");
    static uint8_t seed[1 << 20];
    size_t size = file ? fread(seed, 1, sizeof seed, file) : 0;
    if (size < NUMBERS * 4)
        return 2;
    fclose(file);
    state = strtoull(arguments[3], NULL, 10);
    fill_run_table();
    Plan *plan = new_plan();
    pthread_t thread;
    pthread_create(&thread, NULL, change_samples, NULL);
    for (long round = strtol(arguments[2], NULL, 10); round > 0; round--) {
        if (round % 16 == 0)
            fill_samples();
        if (round % 4 == 0)
            try_samples(plan);
        try_image();
        for (int i = 0; i < 8; i++)
            try_scan(seed, size);
    }
    is_over = 1;
    pthread_join(thread, NULL);
    free(plan);
    return 0;
}

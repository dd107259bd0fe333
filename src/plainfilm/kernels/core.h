/* SPDX-License-Identifier: MIT
 *
 * The functions of the compiled loops over pixels. None of them calls Python, so that they can be run and tested alone.
 *
 * Each function states what its memory must hold. The memory of inputs may change during a call: each value is read
 * once, or copied first, so that what is computed from it stays within bounds.
 */

#ifndef PLAINFILM_CORE_H
#define PLAINFILM_CORE_H

#include <stddef.h>
#include <stdint.h>

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define IS_BIG_ENDIAN 1
#else
#define IS_BIG_ENDIAN 0
#endif

/* Functions that gain from the instructions of newer x86 processors are compiled twice where the linker can choose. */
#if defined(__GNUC__) && __GNUC__ >= 12 && defined(__x86_64__) && defined(__GLIBC__) && !defined(NO_CLONES)
#define CLONES __attribute__((target_clones("default", "arch=x86-64-v3")))
#else
#define CLONES
#endif

/* Functions that must become a part of their callers, also of callers that are compiled for newer processors. */
#if defined(__GNUC__)
#define INLINE static inline __attribute__((always_inline))
#else
#define INLINE static inline
#endif

/* Bytes that grow: `memory` is NULL at first, and belongs to the caller, who frees it. */
typedef struct {
    uint8_t *memory;
    size_t size, capacity;
} Bytes;

/* deflate.c */
typedef struct Plan Plan;

void fill_run_table(void); /* must be called once before the other functions of deflate.c */
Plan *new_plan(void); /* NULL without memory; released by free() */
/* may_change: whether the data may change during the call. 0 without memory. */
int deflate_blocks(Plan *plan, Bytes *to, const uint8_t *data, size_t size, int has_short_runs, int may_change);
uint64_t deflated_bits(Plan *plan, const uint8_t *data, size_t size, int has_short_runs);

/* scanlines.c */

/* An image of rows without gaps. entries: NULL, or the output value of each of the 256 or 65,536 stored values. */
typedef struct {
    const uint8_t *samples;
    const uint8_t *entries;
    size_t columns, channels;
    int sample_bytes, level_bytes; /* of the samples, and of the output levels; equal without entries */
} Raster;

void look_up_row(const Raster *image, size_t row, uint8_t *to);
void filter_row(int kind, const uint8_t *here, const uint8_t *left, const uint8_t *above, uint8_t *to, size_t size);
int filter_rows(const Raster *image, size_t first, size_t stop, int kind, uint8_t *to); /* 0 without memory */

/* histogram.c */
size_t count_values(const uint8_t *samples, size_t count, int sample_bytes, uint64_t *counts); /* 0: no memory */

/* area.c */
int average_area(const Raster *image, size_t rows, size_t to_rows, size_t to_columns, uint8_t *to); /* 0: no memory */

/* lossless.c */

/* A lossless scan (T.81 H). tables: of each component 16 numbers of codes and the categories in the order of the codes.
 * restart_rows: rows between restart markers, 0 without them. */
typedef struct {
    size_t rows, columns, components, restart_rows;
    int precision, predictor, point_transform;
    const uint8_t *tables;
} Scan;

enum { TABLE_BYTES = 16 + 17 };
enum { SCAN_REFUSED, SCAN_WHOLE, SCAN_NO_MEMORY };

/* Decode to samples of 1 byte (up to 8 bits) or 2 bytes. Only for SCAN_WHOLE are all samples written. */
int decode_scan(const Scan *scan, const uint8_t *data, size_t size, uint8_t *samples);

#endif

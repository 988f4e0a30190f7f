/* An input as the frames of a multipart message: {u16 little endian size, bytes}…; a size past the
 * end takes what is left. */
#ifndef SLUICE_TESTS_FUZZ_FRAMES_H
#define SLUICE_TESTS_FUZZ_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schemas/wire/record.h"

#define FRAMES_MAX 8

struct frames {
    const uint8_t *data[FRAMES_MAX];
    size_t size[FRAMES_MAX];
    unsigned n;
};

static inline void
frames_split(const uint8_t *data, size_t size, struct frames *ret)
{
    *ret = (struct frames){0};
    while (size >= 2 && ret->n < FRAMES_MAX) {
        size_t n = le16_get(data);
        data += 2;
        size -= 2;
        if (n > size)
            n = size;
        ret->data[ret->n] = data;
        ret->size[ret->n++] = n;
        data += n;
        size -= n;
    }
}

#endif

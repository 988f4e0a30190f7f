/* Blocks in a list; a piece larger than a block gets one of its own. What a batch may hold is
 * bounded by its messages (open.h), so this needs no ceiling of its own. */
#include "workers/submissions/arena.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

#define BLOCK_BYTES ((size_t)256 << 10)

struct arena_block {
    struct arena_block *older;
    size_t size, cap;
    alignas(max_align_t) unsigned char bytes[];
};

static void
blocks_free(struct arena_block *b)
{
    while (b != NULL) {
        struct arena_block *older = b->older;
        free(b);
        b = older;
    }
}

void
arena_deinit(struct arena *a)
{
    blocks_free(a->block);
    a->block = NULL;
}

void
arena_clear(struct arena *a)
{
    struct arena_block *b = a->block;

    if (b == NULL)
        return;
    blocks_free(b->older);
    b->older = NULL;
    b->size = 0;
    if (b->cap > BLOCK_BYTES)
        arena_deinit(a);
}

void *
arena_new(struct arena *a, size_t size)
{
    size_t wanted = (size + alignof(max_align_t) - 1) / alignof(max_align_t) * alignof(max_align_t);
    struct arena_block *b = a->block;

    if (b == NULL || wanted > b->cap - b->size) {
        size_t cap = wanted > BLOCK_BYTES ? wanted : BLOCK_BYTES;
        b = mem_new(1, sizeof(*b) + cap);
        b->cap = cap;
        b->older = a->block;
        a->block = b;
    }
    void *piece = b->bytes + b->size;
    b->size += wanted;
    return memset(piece, 0, size);
}

struct slice
arena_keep(struct arena *a, const void *bytes, size_t len)
{
    void *piece = arena_new(a, len + 1);

    memcpy(piece, bytes, len);
    return (struct slice){piece, len};
}

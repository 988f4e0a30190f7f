#include "questionnaire/memory.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"

#define CHUNK_SIZE (64 * 1024)

struct chunk {
    struct chunk *next;
    size_t used, size;
    alignas(max_align_t) char data[];
};

struct definition_memory {
    struct chunk *chunks; /* the first one is being filled */
    json_t *trees;        /* an array */
    json_t *patterns;     /* text → place in regexes */
    struct regex **regexes;
    size_t n_regexes, regex_bytes;
    struct regex_matcher *matcher; /* one for all: its memory grows with use */
};

struct definition_memory *
definition_memory_new(void)
{
    struct definition_memory *m = mem_new(1, sizeof(*m));

    m->trees = json_array();
    m->patterns = json_object();
    m->matcher = regex_matcher_new();
    return m;
}

void
definition_memory_free(struct definition_memory *m)
{
    if (m == NULL)
        return;
    for (struct chunk *c = m->chunks, *next; c != NULL; c = next) {
        next = c->next;
        free(c);
    }
    for (size_t i = 0; i < m->n_regexes; i++)
        regex_free(m->regexes[i]);
    free(m->regexes);
    regex_matcher_free(m->matcher);
    json_decref(m->patterns);
    json_decref(m->trees);
    free(m);
}

void *
definition_memory_take(struct definition_memory *m, size_t n, size_t size)
{
    const size_t align = alignof(max_align_t);

    sluice_assert(size == 0 || n < SIZE_MAX / 2 / size);
    size_t bytes = (n * size + align - 1) / align * align;
    struct chunk *c = m->chunks;
    if (c == NULL || c->size - c->used < bytes) {
        size_t room = bytes > CHUNK_SIZE ? bytes : CHUNK_SIZE;
        c = mem_new(1, sizeof(*c) + room);
        c->size = room;
        c->next = m->chunks;
        m->chunks = c;
    }
    void *p = c->data + c->used;
    c->used += bytes;
    return p;
}

char *
definition_memory_text(struct definition_memory *m, const char *text)
{
    size_t size = strlen(text) + 1;

    return memcpy(definition_memory_take(m, size, 1), text, size);
}

void
definition_memory_keep(struct definition_memory *m, json_t *tree)
{
    json_array_append_new(m->trees, tree);
}

int
definition_memory_regex(struct definition_memory *m, const char *pattern, struct regex **ret_regex,
                        char ret_why[REGEX_WHY_SIZE])
{
    const json_t *known = json_object_get(m->patterns, pattern);
    struct regex *regex;

    if (known != NULL) {
        *ret_regex = m->regexes[json_integer_value(known)];
        return REGEX_OK;
    }
    if (regex_new(m->matcher, pattern, strlen(pattern), &regex, ret_why) != REGEX_OK)
        return REGEX_REFUSED;
    m->regex_bytes += regex_bytes(regex);
    m->regexes = mem_grow(m->regexes, m->n_regexes + 1, sizeof(struct regex *));
    m->regexes[m->n_regexes++] = regex;
    if (m->regex_bytes > REGEX_BYTES_MAX) {
        snprintf(ret_why, REGEX_WHY_SIZE, "all patterns together are too large");
        return REGEX_REFUSED;
    }
    json_object_set_new(m->patterns, pattern, json_integer((json_int_t)m->n_regexes - 1));
    *ret_regex = regex;
    return REGEX_OK;
}

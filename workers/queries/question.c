/* Reads the map once for what every kind needs; the rest is looked up by name. */
#include "workers/queries/question.h"

#include <string.h>

static bool
studies_read(struct question *x)
{
    struct mp_value list, v;
    struct mp_cursor at;

    if (!mp_find(x->data, x->size, "studies", &list, &at) || list.type != MP_ARRAY ||
        list.len == 0 || list.len > QUESTION_STUDIES_MAX)
        return false;
    for (uint32_t i = 0; i < list.len; i++) {
        if (mp_next(&at, &v) != MP_OK || v.type != MP_STR)
            return false;
        x->studies[x->n_studies++] = (struct slice){v.at, v.len};
    }
    return true;
}

bool
question_read(const struct buf *plain, struct question *ret_question)
{
    *ret_question = (struct question){.data = plain->data, .size = plain->size};
    return mp_check(plain->data, plain->size, QUESTION_NODES_MAX) == MP_OK &&
           question_text(ret_question, "kind", &ret_question->kind) && studies_read(ret_question);
}

bool
question_text(const struct question *x, const char *name, struct slice *ret)
{
    const char *s;
    size_t len;

    if (!mp_find_str(x->data, x->size, name, &s, &len))
        return false;
    *ret = (struct slice){s, len};
    return true;
}

bool
question_uuid(const struct question *x, const char *name, struct uuid *ret)
{
    struct mp_value v;

    if (!mp_find(x->data, x->size, name, &v, NULL) || v.type != MP_BIN ||
        v.len != sizeof(ret->bytes))
        return false;
    memcpy(ret->bytes, v.at, sizeof(ret->bytes));
    return true;
}

/* mp_find's cursor stands behind the head of a container; this one before it. */
bool
question_value(const struct question *x, const char *name, struct mp_value *ret_value,
               struct mp_cursor *ret_at)
{
    struct mp_cursor at = {x->data, x->data + x->size}, inside;
    struct mp_value map, key;

    if (mp_next(&at, &map) != MP_OK || map.type != MP_MAP)
        return false;
    for (uint32_t i = 0; i < map.len; i++) {
        if (mp_next(&at, &key) != MP_OK)
            return false;
        if (mp_is_str(&key, name)) {
            inside = *ret_at = at;
            return mp_next(&inside, ret_value) == MP_OK;
        }
        if (mp_skip(&at) != MP_OK)
            return false;
    }
    return false;
}

enum question_number
question_integer(const struct question *x, const char *name, int64_t min, int64_t max, int64_t *ret)
{
    struct mp_value v;
    uint64_t number = 0;

    if (!mp_find(x->data, x->size, name, &v, NULL))
        return NUMBER_ABSENT;
    if (v.type == MP_STR) {
        if (v.len == 0 || v.len > 19)
            return NUMBER_BAD;
        for (uint32_t i = 0; i < v.len; i++) {
            if (v.at[i] < '0' || v.at[i] > '9')
                return NUMBER_BAD;
            number = number * 10 + (uint64_t)(v.at[i] - '0'); /* 19 digits fit */
        }
    } else if (!mp_as_uint(&v, &number)) {
        return NUMBER_BAD;
    }
    if (number > INT64_MAX || (int64_t)number < min || (int64_t)number > max)
        return NUMBER_BAD;
    *ret = (int64_t)number;
    return NUMBER_GIVEN;
}

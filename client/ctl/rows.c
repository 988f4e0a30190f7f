/* The bytes are checked whole first (depth, counts); after that the walk can't run off. */
#include "client/ctl/rows.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/uuid.h"
#include "schemas/wire/mp.h"

static json_t *value_read(struct mp_cursor *c);

/* Text from a peer: what is no UTF-8 becomes '?', so that it can be shown at all. */
static json_t *
text_read(const uint8_t *at, size_t len)
{
    json_t *text = json_stringn((const char *)at, len);

    if (text != NULL)
        return text;
    char *copy = mem_new(len + 1, 1);
    for (size_t i = 0; i < len; i++)
        copy[i] = at[i] >= 0x20 && at[i] < 0x7f ? (char)at[i] : '?';
    text = json_stringn(copy, len);
    free(copy);
    return text;
}

static json_t *
bytes_read(const uint8_t *at, size_t len)
{
    struct uuid id;
    char text[UUID_TEXT_SIZE];

    if (len == sizeof(id.bytes)) {
        memcpy(id.bytes, at, sizeof(id.bytes));
        uuid_format(&id, text);
        return json_string(text);
    }
    char *hex = mem_new(len * 2 + 1, 1);
    for (size_t i = 0; i < len; i++)
        snprintf(hex + 2 * i, 3, "%02x", at[i]);
    json_t *value = json_string(hex);
    free(hex);
    return value;
}

static json_t *
uint_read(uint64_t u)
{
    char text[24];

    if (u <= INT64_MAX)
        return json_integer((json_int_t)u);
    snprintf(text, sizeof(text), "%" PRIu64, u);
    return json_string(text);
}

static json_t *
map_read(struct mp_cursor *c, uint32_t pairs)
{
    json_t *object = json_object();
    struct mp_value key;
    char name[128];

    for (uint32_t i = 0; i < pairs; i++) {
        if (mp_next(c, &key) != MP_OK || key.type != MP_STR || key.len >= sizeof(name)) {
            json_decref(object);
            return NULL;
        }
        memcpy(name, key.at, key.len);
        name[key.len] = '\0';
        json_t *value = value_read(c);
        if (value == NULL || json_object_set_new(object, name, value) != 0) {
            json_decref(object);
            return NULL;
        }
    }
    return object;
}

static json_t *
array_read(struct mp_cursor *c, uint32_t n)
{
    json_t *array = json_array();

    for (uint32_t i = 0; i < n; i++) {
        json_t *value = value_read(c);
        if (value == NULL) {
            json_decref(array);
            return NULL;
        }
        json_array_append_new(array, value);
    }
    return array;
}

/* Recursion is bounded by MP_DEPTH_MAX, which mp_check held the bytes to. */
static json_t *
value_read(struct mp_cursor *c)
{
    struct mp_value v;

    if (mp_next(c, &v) != MP_OK)
        return NULL;
    switch (v.type) {
    case MP_NIL:
        return json_null();
    case MP_BOOL:
        return json_boolean(v.boolean);
    case MP_INT:
        return json_integer(v.i);
    case MP_UINT:
        return uint_read(v.u);
    case MP_FLOAT:
        return json_real(v.f);
    case MP_STR:
        return text_read(v.at, v.len);
    case MP_BIN:
        return bytes_read(v.at, v.len);
    case MP_EXT:
        return text_read(v.at, v.len);
    case MP_ARRAY:
        return array_read(c, v.len);
    case MP_MAP:
        return map_read(c, v.len);
    }
    return NULL;
}

bool
rows_read(const uint8_t *data, size_t size, json_t *rows)
{
    struct mp_cursor c = {data, data + size};
    struct mp_value head;
    size_t i;
    json_t *row;

    if (mp_check(data, size, size) != MP_OK || mp_next(&c, &head) != MP_OK || head.type != MP_ARRAY)
        return false;
    json_t *all = array_read(&c, head.len);
    if (all == NULL)
        return false;
    bool sound = true;
    json_array_foreach(all, i, row) sound = sound && json_is_object(row);
    if (sound)
        json_array_extend(rows, all);
    json_decref(all);
    return sound;
}

const char *
row_text(const json_t *row, const char *member)
{
    const char *text = json_string_value(json_object_get(row, member));

    return text != NULL ? text : "";
}

json_int_t
row_number(const json_t *row, const char *member)
{
    return json_integer_value(json_object_get(row, member));
}

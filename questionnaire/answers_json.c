/* Depth first over the tree that literal.h makes. */
#include "questionnaire/answers_json.h"

#include <jansson.h>

#include "questionnaire/literal.h"
#include "schemas/wire/mp.h"

static int value_put(struct buf *out, json_t *v, unsigned depth);

static int
put(int buf_outcome)
{
    return buf_outcome == BUF_OK ? ANSWERS_JSON_OK : ANSWERS_JSON_TOO_LARGE;
}

static int
object_put(struct buf *out, json_t *v, unsigned depth)
{
    int r = put(mp_put_map(out, (uint32_t)json_object_size(v)));
    const char *key;
    json_t *x;

    json_object_foreach(v, key, x)
    {
        if (r == ANSWERS_JSON_OK)
            r = put(mp_put_cstr(out, key));
        if (r == ANSWERS_JSON_OK)
            r = value_put(out, x, depth + 1);
    }
    return r;
}

static int
array_put(struct buf *out, json_t *v, unsigned depth)
{
    int r = put(mp_put_array(out, (uint32_t)json_array_size(v)));
    json_t *x;
    size_t i;

    json_array_foreach(v, i, x)
    {
        if (r == ANSWERS_JSON_OK)
            r = value_put(out, x, depth + 1);
    }
    return r;
}

/* A text, or a decimal's literal behind its mark. */
static int
text_put(struct buf *out, json_t *v)
{
    const char *text = json_string_value(v);
    size_t len = json_string_length(v);

    return put(literal_text(v) != NULL ? mp_put_str(out, text, len)
                                       : mp_put_ext(out, MP_DECIMAL, text + 1, len - 1));
}

static int
value_put(struct buf *out, json_t *v, unsigned depth)
{
    if (depth > MP_DEPTH_MAX)
        return ANSWERS_JSON_BAD;
    switch (json_typeof(v)) {
    case JSON_OBJECT:
        return object_put(out, v, depth);
    case JSON_ARRAY:
        return array_put(out, v, depth);
    case JSON_STRING:
        return text_put(out, v);
    case JSON_INTEGER:
        return put(mp_put_int(out, json_integer_value(v)));
    case JSON_TRUE:
    case JSON_FALSE:
        return put(mp_put_bool(out, json_is_true(v)));
    case JSON_REAL: /* literal.h makes none */
    case JSON_NULL:
        break;
    }
    return put(mp_put_nil(out));
}

int
answers_from_json(const char *json, size_t len, struct buf *out)
{
    size_t before = out->size;
    json_error_t error;
    json_t *tree = literal_load(json, len, &error);
    int outcome = json_is_object(tree) ? value_put(out, tree, 1) : ANSWERS_JSON_BAD;

    json_decref(tree);
    if (outcome != ANSWERS_JSON_OK)
        out->size = before;
    return outcome;
}

#include "tests/unit/questionnaire/answers.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/cmocka_all.h"

#include "base/error.h"
#include "questionnaire/literal.h"
#include "schemas/wire/mp.h"

#define SIZE_CEILING (8 << 20)

struct questionnaire *
answers_definition(const char *json)
{
    struct questionnaire *q = NULL;
    char *why = NULL;

    if (questionnaire_compile(json, strlen(json), NULL, &q, &why) != QUESTIONNAIRE_OK)
        fail_msg("%s\nof %s", why, json);
    return q;
}

void
answers_pack(struct buf *b, const json_t *v)
{
    const char *key;
    json_t *x;
    size_t i;

    switch (json_typeof(v)) {
    case JSON_OBJECT:
        mp_put_map(b, (uint32_t)json_object_size(v));
        json_object_foreach((json_t *)v, key, x)
        {
            mp_put_cstr(b, key);
            answers_pack(b, x);
        }
        break;
    case JSON_ARRAY:
        mp_put_array(b, (uint32_t)json_array_size(v));
        json_array_foreach(v, i, x) answers_pack(b, x);
        break;
    case JSON_STRING:
        if (*json_string_value(v) == LITERAL_MARK)
            mp_put_ext(b, MP_DECIMAL, json_string_value(v) + 1, json_string_length(v) - 1);
        else
            mp_put_str(b, json_string_value(v), json_string_length(v));
        break;
    case JSON_INTEGER:
        mp_put_int(b, json_integer_value(v));
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        mp_put_bool(b, json_is_true(v));
        break;
    case JSON_NULL:
        mp_put_nil(b);
        break;
    case JSON_REAL:
        fail_msg("a double where a literal should be");
    }
}

void
answers_pack_text(struct buf *b, const char *json)
{
    json_error_t error;
    json_t *v = literal_load(json, strlen(json), &error);

    if (v == NULL)
        fail_msg("%s in %s", error.text, json);
    answers_pack(b, v);
    json_decref(v);
}

static json_t *
value_unpack(struct mp_cursor *at)
{
    struct mp_value v, key;
    json_t *list;

    assert_int_equal(mp_next(at, &v), MP_OK);
    switch (v.type) {
    case MP_NIL:
        return json_null();
    case MP_BOOL:
        return json_boolean(v.boolean);
    case MP_INT:
        return json_integer(v.i);
    case MP_UINT:
        return json_integer((json_int_t)v.u);
    case MP_STR:
        return json_stringn((const char *)v.at, v.len);
    case MP_EXT: {
        char literal[64] = {LITERAL_MARK};
        memcpy(literal + 1, v.at, v.len);
        return json_stringn(literal, v.len + 1);
    }
    case MP_ARRAY:
        list = json_array();
        for (uint32_t i = 0; i < v.len; i++)
            json_array_append_new(list, value_unpack(at));
        return list;
    case MP_MAP:
        list = json_object();
        for (uint32_t i = 0; i < v.len; i++) {
            mp_next(at, &key);
            char *name = strndup((const char *)key.at, key.len);
            json_object_set_new(list, name, value_unpack(at));
            free(name);
        }
        return list;
    case MP_FLOAT:
    case MP_BIN:
        break;
    }
    fail_msg("msgpack that no JSON becomes");
    return NULL;
}

json_t *
answers_unpack(const uint8_t *data, size_t size)
{
    struct mp_cursor at = {data, data + size};
    json_t *v = value_unpack(&at);

    assert_ptr_equal(at.at, at.end);
    return v;
}

static char *
list_print(const struct findings *f, const struct finding *list, size_t n)
{
    struct buf text;

    buf_init(&text, SIZE_CEILING);
    for (size_t i = 0; i < n; i++)
        buf_printf(&text, "%s %s\n", finding_pointer(f, &list[i]), rule_code(list[i].rule));
    buf_append(&text, "", 1);
    return (char *)text.data;
}

void
answers_judge(struct questionnaire *q, const char *json, bool complete, struct answers_said *ret)
{
    struct buf input;

    buf_init(&input, SIZE_CEILING);
    buf_init(&ret->answers, SIZE_CEILING);
    findings_init(&ret->findings);
    answers_pack_text(&input, json);
    if (strstr(json, "\"resourceType\"") != NULL)
        assert_int_equal(questionnaire_check_resource(q, input.data, input.size, complete,
                                                      &ret->answers, &ret->findings),
                         BUF_OK);
    else
        questionnaire_check(q, input.data, input.size, complete, &ret->findings);
    ret->broken = list_print(&ret->findings, ret->findings.items, ret->findings.n);
    ret->warned = list_print(&ret->findings, ret->findings.warnings, ret->findings.n_warnings);
    buf_deinit(&input);
}

void
answers_said_free(struct answers_said *s)
{
    free(s->broken);
    free(s->warned);
    findings_deinit(&s->findings);
    buf_deinit(&s->answers);
}

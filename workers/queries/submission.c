/* Kind "submission": where one is.
 *
 * Question: "id": bin16, "receipt"?: {"broker": bin16, "epoch": uint, "seq": uint}
 * Reply: {"found": bool, "state"?, "study"?, "questionnaire"?, "version"?, "revision"?,
 * "form_status"?, "received_us"?, "accepted_us"?, "stored_us"?, "errors"?: [{"pointer", "rule",
 * "detail"}]}
 */
#include <jansson.h>
#include <string.h>

#include "base/error.h"
#include "store/status.h"
#include "workers/queries/kinds.h"

/* False: a receipt is there and is none. */
static bool
receipt_read(const struct question *x, struct status_receipt *ret, bool *ret_has)
{
    struct mp_value map, key, v;
    struct mp_cursor at;
    unsigned seen = 0;

    *ret_has = false;
    if (!mp_find(x->data, x->size, "receipt", &map, &at) || map.type == MP_NIL)
        return true;
    if (map.type != MP_MAP)
        return false;
    for (uint32_t i = 0; i < map.len; i++) {
        if (mp_next(&at, &key) != MP_OK || mp_next(&at, &v) != MP_OK)
            return false;
        if (mp_is_str(&key, "broker") && v.type == MP_BIN && v.len == 16) {
            memcpy(ret->broker.bytes, v.at, 16);
            seen |= 1;
        } else if (mp_is_str(&key, "epoch") && mp_as_uint(&v, &ret->epoch)) {
            seen |= 2;
        } else if (mp_is_str(&key, "seq") && mp_as_uint(&v, &ret->seq)) {
            seen |= 4;
        }
    }
    *ret_has = seen == 7 && ret->epoch <= INT64_MAX && ret->seq <= INT64_MAX;
    return seen == 7;
}

static void
text_put(struct buf *b, const char *name, struct slice text)
{
    if (text.at == NULL)
        return;
    mp_put_cstr(b, name);
    mp_put_str(b, text.at, text.len);
}

static void
time_put(struct buf *b, const char *name, int64_t us)
{
    mp_put_cstr(b, name);
    mp_put_int(b, us);
}

static int
errors_put(struct buf *b, struct slice reasons)
{
    static const char *const names[] = {"pointer", "rule", "detail"};
    json_t *list = json_loadb(reasons.at, reasons.len, 0, NULL), *x;
    int full = mp_put_cstr(b, "errors") | mp_put_array(b, (uint32_t)json_array_size(list));
    size_t i;

    json_array_foreach(list, i, x)
    {
        full |= mp_put_map(b, 3);
        for (size_t k = 0; k < ARRAY_LEN(names); k++) {
            const char *text = json_string_value(json_object_get(x, names[k]));
            full |= mp_put_cstr(b, names[k]);
            full |= mp_put_cstr(b, text != NULL ? text : "");
        }
    }
    json_decref(list);
    return full;
}

static void
found_write(struct buf *b, const struct status_found *f, bool errors)
{
    bool stored = f->stored_us != TIME_NONE;

    buf_clear(b);
    mp_put_map(b, (uint32_t)(5 + (f->questionnaire.at != NULL) + (f->version.at != NULL) +
                             3 * stored + errors));
    mp_put_cstr(b, "found");
    mp_put_bool(b, true);
    text_put(b, "state", (struct slice){f->state, strlen(f->state)});
    text_put(b, "study", f->study);
    text_put(b, "questionnaire", f->questionnaire);
    text_put(b, "version", f->version);
    time_put(b, "received_us", f->received_us);
    time_put(b, "accepted_us", f->accepted_us);
    if (stored) {
        time_put(b, "stored_us", f->stored_us);
        mp_put_cstr(b, "revision");
        mp_put_int(b, f->revision);
        text_put(b, "form_status", f->form_status);
    }
}

static void
found_take(void *arg, const struct status_found *f)
{
    struct buf *reply = arg;
    bool errors = f->reasons.at != NULL;

    found_write(reply, f, errors);
    if (errors && errors_put(reply, f->reasons) != BUF_OK)
        found_write(reply, f, false); /* too long for one reply: the state still goes out */
}

int
query_submission(struct queries *q, const struct question *x)
{
    struct status_receipt receipt;
    struct uuid id;
    bool has_receipt;

    if (!question_uuid(x, "id", &id) || !receipt_read(x, &receipt, &has_receipt))
        return QUERY_NONSENSE;
    mp_put_map(&q->reply, 1);
    mp_put_cstr(&q->reply, "found");
    mp_put_bool(&q->reply, false);
    return store_status_find(q->store, x->studies, x->n_studies, &id, has_receipt ? &receipt : NULL,
                             found_take, &q->reply);
}

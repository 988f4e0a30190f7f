/* The buffer is the service's, of REPLY_MAX bytes; what is written here always fits. */
#include "workers/queries/reply.h"

#include <string.h>

#include "base/error.h"

static int
member(struct buf *b, const char *name, const char *text, size_t len)
{
    return mp_put_cstr(b, name) | mp_put_str(b, text, len);
}

void
reply_text(struct buf *b, const struct question *x, const struct reply_text *t)
{
    int64_t offset = 0;

    if (question_integer(x, "offset", 0, UINT32_MAX, &offset) == NUMBER_BAD ||
        (size_t)offset > t->len) {
        reply_refuse(b, 400, "", "offset", "lies behind the end");
        return;
    }
    size_t left = t->len - (size_t)offset;
    size_t part = left < REPLY_PART_MAX ? left : REPLY_PART_MAX;
    buf_clear(b);
    int full = mp_put_map(b, 2U + (t->type != NULL) + (t->etag != NULL) + (part < left));
    full |= mp_put_cstr(b, "status") | mp_put_uint(b, 200);
    full |= member(b, "json", t->json + offset, part);
    if (t->type != NULL)
        full |= member(b, "type", t->type, strlen(t->type));
    if (t->etag != NULL)
        full |= member(b, "etag", t->etag, strlen(t->etag));
    if (part < left)
        full |= mp_put_cstr(b, "more") | mp_put_uint(b, (uint64_t)offset + part);
    sluice_assert(full == BUF_OK);
}

void
reply_status(struct buf *b, unsigned status, const char *etag)
{
    buf_clear(b);
    int full = mp_put_map(b, 1U + (etag != NULL));
    full |= mp_put_cstr(b, "status") | mp_put_uint(b, status);
    if (etag != NULL)
        full |= member(b, "etag", etag, strlen(etag));
    sluice_assert(full == BUF_OK);
}

void
reply_refuse(struct buf *b, unsigned status, const char *pointer, const char *rule,
             const char *detail)
{
    buf_clear(b);
    int full = mp_put_map(b, 4);
    full |= mp_put_cstr(b, "status") | mp_put_uint(b, status);
    full |= member(b, "pointer", pointer, strlen(pointer));
    full |= member(b, "rule", rule, strlen(rule));
    full |= member(b, "detail", detail, strlen(detail));
    sluice_assert(full == BUF_OK);
}

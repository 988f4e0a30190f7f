/* LOCATE and LOCATED: is a message live at this broker? Answered from the broker's memory; nothing
 * is kept here, the caller's query number comes back. */
#include "client/lib/client.h"

#include <string.h>

#include "schemas/wire/mp.h"
#include "schemas/wire/record.h"

int
sluice_client_locate(struct sluice_client *c, uint64_t query, const char *scope, size_t scope_len,
                     const uint8_t id[16], const struct sluice_origin *origin)
{
    struct buf *h = &c->header;

    if (scope_len > RECORD_SCOPE_MAX)
        return SLUICE_TOO_LARGE;
    if (c->link.state != LINK_UP)
        return SLUICE_OFFLINE;
    buf_clear(h);
    mp_put_map(h, origin != NULL ? 5 : 3);
    mp_put_cstr(h, "query");
    mp_put_uint(h, query);
    mp_put_cstr(h, "scope");
    mp_put_str(h, scope, scope_len);
    mp_put_cstr(h, "id");
    mp_put_bin(h, id, 16);
    if (origin != NULL) {
        mp_put_cstr(h, "epoch");
        mp_put_uint(h, origin->epoch);
        mp_put_cstr(h, "seq");
        mp_put_uint(h, origin->seq);
    }
    int r = link_send(&c->link, COMMAND_LOCATE, h, NULL, 0);
    return r == MESSAGE_OK ? SLUICE_OK : SLUICE_OFFLINE;
}

bool
client_on_located(struct sluice_client *c, const struct message *m)
{
    struct sluice_origin o = {0};
    enum sluice_located state = SLUICE_ABSENT;
    uint64_t query, attempts = 0;
    int64_t accepted_us = 0;
    size_t size, text_len;
    const uint8_t *header = message_frame(m, 2, &size);
    const char *text;
    struct mp_value v;

    if (!mp_find_uint(header, size, "query", &query) ||
        !mp_find_str(header, size, "state", &text, &text_len))
        return false;
    if (text_len == 4 && memcmp(text, "live", 4) == 0)
        state = SLUICE_LIVE;
    else if (text_len == 4 && memcmp(text, "dead", 4) == 0)
        state = SLUICE_DEAD;
    else if (text_len != 6 || memcmp(text, "absent", 6) != 0)
        return false;
    if (state != SLUICE_ABSENT &&
        (!mp_find_uint(header, size, "epoch", &o.epoch) ||
         !mp_find_uint(header, size, "seq", &o.seq) ||
         !mp_find(header, size, "accepted_us", &v, NULL) || !mp_as_int(&v, &accepted_us) ||
         !mp_find_uint(header, size, "attempts", &attempts)))
        return false;
    memcpy(o.broker, c->welcome.broker, sizeof(o.broker));
    if (c->events.located != NULL)
        c->events.located(c->events.arg, query, state, &o, accepted_us, (unsigned)attempts);
    return true;
}

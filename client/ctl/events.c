/* Line by line; CR LF and LF both end one (a lone CR, which nobody sends, does not). */
#include "client/ctl/events.h"

#include <string.h>

static bool
field_is(const struct events *e, const char *name, const char **ret_value)
{
    size_t n = strlen(name);

    if (e->line_len < n || memcmp(e->line, name, n) != 0)
        return false;
    const char *at = e->line + n;
    if (*at == '\0') {
        *ret_value = at;
        return true;
    }
    if (*at != ':')
        return false;
    *ret_value = at + 1 + (at[1] == ' ');
    return true;
}

static void
data_add(struct events *e, const char *value)
{
    size_t len = strlen(value);

    if (e->data_len + len + 2 > sizeof(e->data)) {
        e->dropped = true;
        return;
    }
    if (e->has_data)
        e->data[e->data_len++] = '\n';
    memcpy(e->data + e->data_len, value, len + 1);
    e->data_len += len;
    e->has_data = true;
}

static bool
event_end(struct events *e,
          bool (*each)(void *arg, const char *id, const char *data, size_t data_len), void *arg)
{
    bool go_on = true;

    if (e->has_data && !e->dropped) {
        memcpy(e->id, e->next_id, sizeof(e->id));
        go_on = each(arg, e->id, e->data, e->data_len);
    }
    e->data_len = 0;
    e->has_data = e->dropped = false;
    return go_on;
}

static bool
line_end(struct events *e,
         bool (*each)(void *arg, const char *id, const char *data, size_t data_len), void *arg)
{
    const char *value;
    bool go_on = true;

    if (e->line_len > 0 && e->line[e->line_len - 1] == '\r')
        e->line_len--;
    e->line[e->line_len] = '\0';
    if (e->too_long)
        e->dropped = true;
    else if (e->line_len == 0)
        go_on = event_end(e, each, arg);
    else if (field_is(e, "data", &value))
        data_add(e, value);
    else if (field_is(e, "id", &value) && strlen(value) <= EVENT_ID_MAX)
        strcpy(e->next_id, value);
    e->line_len = 0;
    e->too_long = false;
    return go_on;
}

bool
events_feed(struct events *e, const char *bytes, size_t len,
            bool (*each)(void *arg, const char *id, const char *data, size_t data_len), void *arg)
{
    for (size_t i = 0; i < len; i++) {
        if (bytes[i] == '\n') {
            if (!line_end(e, each, arg))
                return false;
        } else if (e->line_len + 1 < sizeof(e->line)) {
            e->line[e->line_len++] = bytes[i];
        } else {
            e->too_long = true;
        }
    }
    return true;
}

void
events_restart(struct events *e)
{
    e->line_len = e->data_len = 0;
    e->too_long = e->has_data = e->dropped = false;
    memcpy(e->next_id, e->id, sizeof(e->next_id));
}

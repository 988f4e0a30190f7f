/* The store's JSON is our own: a row that does not parse is a bug. */
#include "client/ctl/listing.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "questionnaire/moment.h"

void
listing_take(void *arg, const char *json, size_t len)
{
    json_t *row = json_loadb(json, len, 0, NULL);

    sluice_assert(json_is_object(row));
    json_array_append_new(arg, row);
}

char *
listing_join(const json_t *texts)
{
    char *joined = NULL;
    size_t size, i;
    json_t *text;
    FILE *out = open_memstream(&joined, &size);

    sluice_assert(out != NULL);
    json_array_foreach((json_t *)(uintptr_t)texts, i, text)
        fprintf(out, "%s%s", i > 0 ? ", " : "", json_string_value(text));
    fclose(out);
    return joined;
}

bool
ctl_since(const struct ctl *ctl, int64_t *ret_us)
{
    const char *text = ctl->options[OPTION_SINCE];
    char zone[MOMENT_ZONE_SIZE];
    int64_t age_us;

    *ret_us = 0;
    if (text == NULL || moment_parse(text, strlen(text), ret_us, zone) == MOMENT_OK)
        return true;
    if (!ctl_duration(ctl, OPTION_SINCE, 0, &age_us))
        return false;
    *ret_us = clock_wall_us() - age_us;
    return true;
}

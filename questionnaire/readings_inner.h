/* What readings hold. Inner header of questionnaire/. */
#ifndef SLUICE_QUESTIONNAIRE_READINGS_INNER_H
#define SLUICE_QUESTIONNAIRE_READINGS_INNER_H

#include "questionnaire/item.h"
#include "questionnaire/readings.h"

#define READING_NONE UINT32_MAX

struct reading {
    uint32_t next; /* of the same item, in the form's order; or READING_NONE */
    bool has_number, is_boolean;
    struct decimal number;
    struct decimal as_written; /* a quantity, in its own unit */
    const char *unit;          /* its code or text; NULL: the default unit */
    uint32_t unit_len;
    const struct option *option; /* of a choice; NULL: none */
    const char *text;            /* of string, text, url, dates */
    uint32_t text_len;
};

struct readings {
    const struct questionnaire *q;
    struct reading *all;
    uint32_t n, room;
    uint32_t *first, *last; /* by item */
    uint32_t items_room;
};

/* The first reading of an item, or NULL. */
const struct reading *readings_of(const struct readings *r, uint32_t item);
const struct reading *readings_next(const struct readings *r, const struct reading *x);
/* The one reading of an item that was answered once; NULL if it was not, or more than once. */
const struct reading *readings_one(const struct readings *r, uint32_t item);

#endif

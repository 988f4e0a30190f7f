/* Ages in doubling buckets, added up over steps and brokers; and as a table. */
#ifndef SLUICE_CTL_SHAPE_H
#define SLUICE_CTL_SHAPE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "store/shape.h"

#define SHAPE_NAMES_MAX 10000 /* lines kept apart; what is beyond counts as "(others)" */

struct shape; /* opaque */

struct shape *shape_new(void);
void shape_free(struct shape *s);
/* n messages of one age, or the counts of all ages of a broker's row (an array of SHAPE_AGES). */
void shape_add(struct shape *s, const char *name, const char *state, size_t age, json_int_t n,
               json_int_t oldest_us);
/* False: the row is none of that kind. */
bool shape_add_row(struct shape *s, const json_t *row, bool by_state);
/* The sum first ("type": "total"), then at most limit groups, the largest first, then the rest as
 * one. The caller's. */
json_t *shape_rows(const struct shape *s, const char *by, size_t limit);
/* The rows for people: what is zero shows as "-". */
void shape_print(const json_t *rows, const char *by);

#endif

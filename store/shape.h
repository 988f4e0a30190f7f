/* How old what was accepted and not stored is, in doubling ages: the only counts by form, because a
 * broker does not see forms. */
#ifndef SLUICE_STORE_SHAPE_H
#define SLUICE_STORE_SHAPE_H

#include <stdbool.h>
#include <stddef.h>

#include "store/connection.h"

#define SHAPE_AGES 12 /* below 1 s, 1–2 s, … 512–1024 s, older */
#define SHAPE_ROWS_MAX 100000

/* Rejections that nothing has resolved, one row a (name, state, age): name (form: "NAME|VERSION";
 * by error: the first reason's rule), state (held, rejected, conflict), age (0…SHAPE_AGES - 1), n,
 * oldest_us, as JSON. Reads the whole table. */
int store_shape(struct store *s, bool by_error,
                void (*each)(void *arg, const char *json, size_t len), void *arg);

#endif

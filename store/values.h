/* Parameters and results of statements, in PostgreSQL's binary form. */
#ifndef SLUICE_STORE_VALUES_H
#define SLUICE_STORE_VALUES_H

#include <libpq-fe.h>
#include <stddef.h>
#include <stdint.h>

#include "base/uuid.h"
#include "store/slice.h"

#define STORE_PARAMS_MAX 96

/* Texts and bytes are not copied: they must live until the statement was sent. */
struct store_params {
    const char *values[STORE_PARAMS_MAX];
    int lengths[STORE_PARAMS_MAX];
    int formats[STORE_PARAMS_MAX];
    int n;
    uint8_t scratch[STORE_PARAMS_MAX][8]; /* integers in network order */
};

void store_param_text(struct store_params *p, const char *text, size_t len);
void store_param_bytes(struct store_params *p, const void *bytes, size_t len);
void store_param_null(struct store_params *p);
void store_param_int(struct store_params *p, int32_t v);
void store_param_bigint(struct store_params *p, int64_t v);
void store_param_time(struct store_params *p, int64_t wall_us);
void store_param_uuid(struct store_params *p, const struct uuid *u);

int64_t store_get_bigint(const PGresult *r, int row, int column);
int32_t store_get_int(const PGresult *r, int row, int column);
int64_t store_get_time(const PGresult *r, int row, int column); /* wall clock, us */
struct uuid store_get_uuid(const PGresult *r, int row, int column);
/* Text or bytes, or null; lives as long as r. */
struct slice store_get_slice(const PGresult *r, int row, int column);

#define STORE_EPOCH_US ((int64_t)946684800 * 1000000) /* PostgreSQL's day zero, 2000-01-01 */

#endif

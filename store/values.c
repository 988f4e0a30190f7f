/* Everything goes in network order, times as microseconds since PostgreSQL's day zero. */
#include "store/values.h"

#include <endian.h>
#include <string.h>

#include "base/error.h"

static int
param_next(struct store_params *p, int length)
{
    sluice_assert(p->n < STORE_PARAMS_MAX);
    p->lengths[p->n] = length;
    p->formats[p->n] = 1;
    return p->n++;
}

void
store_param_text(struct store_params *p, const char *text, size_t len)
{
    store_param_bytes(p, text, len);
}

void
store_param_bytes(struct store_params *p, const void *bytes, size_t len)
{
    int i = param_next(p, (int)len);

    p->values[i] = bytes != NULL ? bytes : "";
}

void
store_param_null(struct store_params *p)
{
    int i = param_next(p, 0);

    p->values[i] = NULL;
}

void
store_param_int(struct store_params *p, int32_t v)
{
    int i = param_next(p, 4);
    uint32_t be = htobe32((uint32_t)v);

    memcpy(p->scratch[i], &be, sizeof(be));
    p->values[i] = (const char *)p->scratch[i];
}

void
store_param_bigint(struct store_params *p, int64_t v)
{
    int i = param_next(p, 8);
    uint64_t be = htobe64((uint64_t)v);

    memcpy(p->scratch[i], &be, sizeof(be));
    p->values[i] = (const char *)p->scratch[i];
}

void
store_param_time(struct store_params *p, int64_t wall_us)
{
    store_param_bigint(p, wall_us - STORE_EPOCH_US);
}

void
store_param_uuid(struct store_params *p, const struct uuid *u)
{
    store_param_bytes(p, u->bytes, sizeof(u->bytes));
}

int64_t
store_get_bigint(const PGresult *r, int row, int column)
{
    uint64_t be;

    sluice_assert(PQgetlength(r, row, column) == 8);
    memcpy(&be, PQgetvalue(r, row, column), sizeof(be));
    return (int64_t)be64toh(be);
}

int32_t
store_get_int(const PGresult *r, int row, int column)
{
    uint32_t be;

    sluice_assert(PQgetlength(r, row, column) == 4);
    memcpy(&be, PQgetvalue(r, row, column), sizeof(be));
    return (int32_t)be32toh(be);
}

int64_t
store_get_time(const PGresult *r, int row, int column)
{
    /* unsigned: infinity, which only a hand can have put there, must not overflow */
    return (int64_t)((uint64_t)store_get_bigint(r, row, column) + (uint64_t)STORE_EPOCH_US);
}

struct uuid
store_get_uuid(const PGresult *r, int row, int column)
{
    struct uuid u;

    sluice_assert(PQgetlength(r, row, column) == 16);
    memcpy(u.bytes, PQgetvalue(r, row, column), sizeof(u.bytes));
    return u;
}

struct slice
store_get_slice(const PGresult *r, int row, int column)
{
    if (PQgetisnull(r, row, column))
        return (struct slice){NULL, 0};
    return (struct slice){PQgetvalue(r, row, column), (size_t)PQgetlength(r, row, column)};
}

/* Small things that every load does alike. */
#include "store/catalog_inner.h"

#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/error.h"
#include "store/audit_write.h"

#define SQL_CEILING 8192

void
catalog_param(struct store_params *p, const char *text)
{
    if (text != NULL)
        store_param_text(p, text, strlen(text));
    else
        store_param_null(p);
}

void
catalog_array_add(struct array *a, const char *text)
{
    int full = text != NULL ? array_add(a, text, strlen(text)) : array_add_null(a);

    sluice_assert(full == BUF_OK);
}

void
catalog_default(json_t *root, const char *member, const char *text)
{
    if (json_object_get(root, member) == NULL && text != NULL)
        json_object_set_new(root, member, json_string(text));
}

int
catalog_refuse(struct store *s, const struct catalog_fault *fault)
{
    store_why_set(s, fault->text);
    return STORE_INVALID;
}

void
catalog_detail(char ret[CATALOG_DETAIL_SIZE], const char *what, const uint8_t *hash)
{
    char hex[crypto_hash_sha256_BYTES * 2 + 1];

    sodium_bin2hex(hex, sizeof(hex), hash, crypto_hash_sha256_BYTES);
    snprintf(ret, CATALOG_DETAIL_SIZE, "%.1300s sha256:%s", what, hex);
}

int
catalog_run(struct store *s, const struct catalog_load *load, struct catalog_write *w,
            const char *detail)
{
    struct audit_row row = {.at_us = clock_wall_us(),
                            .actor = slice_of(load->by),
                            .action = slice_of(w->action),
                            .study = slice_of(w->study),
                            .reason = slice_of(load->reason),
                            .detail = slice_of(detail)};
    struct buf sql;

    buf_init(&sql, SQL_CEILING);
    int full = buf_printf(&sql, "WITH %s, ", w->ctes);
    full |= audit_sql_write(&sql, w->p.n + 1, NULL);
    full |= buf_append_str(&sql, " SELECT pg_notify('" CATALOG_CHANNEL "', '')");
    full |= buf_append(&sql, "", 1);
    sluice_assert(full == BUF_OK);
    audit_row_sign(load->chain, &row);
    audit_params_fill(&w->p, load->chain, &row);
    int n = store_run(s, &(struct store_statement){w->name, (const char *)sql.data}, &w->p, NULL);
    if (n == STORE_OK)
        audit_chain_advance(load->chain, &(const struct audit_row *){&row}, 1);
    else
        audit_chain_restart(load->chain);
    buf_deinit(&sql);
    return n == STORE_ROW ? STORE_INVALID : n;
}

void
catalog_warn(const struct catalog_load *load, const char *fmt, ...)
{
    char text[1024];
    va_list args;

    if (load->say == NULL)
        return;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    load->say(load->arg, false, text);
}

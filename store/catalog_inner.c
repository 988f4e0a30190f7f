/* Small things that every load does alike. */
#include "store/catalog_inner.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"

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

int
catalog_run(struct store *s, const struct store_statement *statement, const struct store_params *p)
{
    int n = store_run(s, statement, p, NULL);

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

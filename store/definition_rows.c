/* Every column is text; the statement casts. */
#include "store/definition_rows.h"

#include <stdio.h>

#include "base/buf.h"
#include "base/error.h"
#include "store/catalog_inner.h"

#define COLUMN_CEILING ((size_t)256 << 20)
#define PATH_CEILING ((size_t)QUESTIONNAIRE_DEPTH_MAX * (QUESTIONNAIRE_LINK_ID_MAX + 1) + 1)

enum column { /* in the order of the parameters */
              ITEM_LINK_ID,
              ITEM_PATH,
              ITEM_PARENT,
              ITEM_TEXT,
              ITEM_TYPE,
              ITEM_REPEATS,
              ITEM_CODE,
              ITEM_CODE_SYSTEM,
              ITEM_UNIT,
              ITEM_IDENTIFIER,
              OPTION_LINK_ID,
              OPTION_ORDINAL,
              OPTION_SYSTEM,
              OPTION_CODE,
              OPTION_DISPLAY,
              OPTION_WEIGHT,
};
_Static_assert(OPTION_WEIGHT + 1 == DEFINITION_ROWS_PARAMS, "columns");

/* linkIds from the top, joined by slashes. */
static void
path_write(const struct questionnaire *q, size_t i, struct buf *path)
{
    size_t chain[QUESTIONNAIRE_DEPTH_MAX], n = 0;
    struct questionnaire_item item;

    for (size_t at = i; at != SIZE_MAX; at = item.parent) {
        sluice_assert(n < QUESTIONNAIRE_DEPTH_MAX);
        chain[n++] = at;
        questionnaire_item(q, at, &item);
    }
    buf_clear(path);
    int full = BUF_OK;
    while (n > 0) {
        questionnaire_item(q, chain[--n], &item);
        full |= buf_append_str(path, item.link_id);
        full |= n > 0 ? buf_append(path, "/", 1) : buf_append(path, "", 1);
    }
    sluice_assert(full == BUF_OK);
}

static void
options_fill(struct definition_rows *rows, const struct questionnaire *q, size_t i,
             const struct questionnaire_item *item)
{
    struct questionnaire_option option;
    char ordinal[24];

    for (size_t k = 0; k < item->options; k++) {
        questionnaire_option(q, i, k, &option);
        snprintf(ordinal, sizeof(ordinal), "%zu", k + 1);
        catalog_array_add(&rows->columns[OPTION_LINK_ID], item->link_id);
        catalog_array_add(&rows->columns[OPTION_ORDINAL], ordinal);
        catalog_array_add(&rows->columns[OPTION_SYSTEM], option.system);
        catalog_array_add(&rows->columns[OPTION_CODE],
                          option.code != NULL ? option.code : option.display);
        catalog_array_add(&rows->columns[OPTION_DISPLAY], option.display);
        catalog_array_add(&rows->columns[OPTION_WEIGHT],
                          option.weight[0] != '\0' ? option.weight : NULL);
    }
}

void
definition_rows_fill(struct definition_rows *rows, const struct questionnaire *q)
{
    struct questionnaire_item item, parent;
    struct buf path;

    buf_init(&path, PATH_CEILING);
    for (size_t c = 0; c < DEFINITION_ROWS_PARAMS; c++) {
        array_init(&rows->columns[c], COLUMN_CEILING);
        array_begin(&rows->columns[c], OID_TEXT);
    }
    for (size_t i = 0; i < questionnaire_items(q); i++) {
        questionnaire_item(q, i, &item);
        path_write(q, i, &path);
        if (item.parent != SIZE_MAX)
            questionnaire_item(q, item.parent, &parent);
        catalog_array_add(&rows->columns[ITEM_LINK_ID], item.link_id);
        catalog_array_add(&rows->columns[ITEM_PATH], (const char *)path.data);
        catalog_array_add(&rows->columns[ITEM_PARENT],
                          item.parent != SIZE_MAX ? parent.link_id : NULL);
        catalog_array_add(&rows->columns[ITEM_TEXT], item.text);
        catalog_array_add(&rows->columns[ITEM_TYPE], item.type);
        catalog_array_add(&rows->columns[ITEM_REPEATS], item.repeats ? "true" : "false");
        catalog_array_add(&rows->columns[ITEM_CODE], item.code);
        catalog_array_add(&rows->columns[ITEM_CODE_SYSTEM], item.code_system);
        catalog_array_add(&rows->columns[ITEM_UNIT], item.unit);
        catalog_array_add(&rows->columns[ITEM_IDENTIFIER], item.identifier);
        options_fill(rows, q, i, &item);
    }
    for (size_t c = 0; c < DEFINITION_ROWS_PARAMS; c++)
        array_end(&rows->columns[c]);
    buf_deinit(&path);
}

void
definition_rows_deinit(struct definition_rows *rows)
{
    for (size_t c = 0; c < DEFINITION_ROWS_PARAMS; c++)
        array_deinit(&rows->columns[c]);
}

void
definition_rows_params(const struct definition_rows *rows, struct store_params *p)
{
    for (size_t c = 0; c < DEFINITION_ROWS_PARAMS; c++)
        store_param_bytes(p, rows->columns[c].bytes.data, rows->columns[c].bytes.size);
}

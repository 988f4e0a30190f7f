/* The flat form. Inner header of questionnaire/. */
#ifndef SLUICE_QUESTIONNAIRE_ITEM_H
#define SLUICE_QUESTIONNAIRE_ITEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ITEM_NONE UINT32_MAX /* as a scope: the whole form */

enum item_type {
#define ITEM_TYPE(NAME, code, value, question) ITEM_##NAME,
#include "questionnaire/types.def"
#undef ITEM_TYPE
    ITEM_TYPE_COUNT
};
extern const char *const item_type_values[]; /* what a value must be, for people */

enum option_kind { OPTION_CODING, OPTION_TEXT, OPTION_INTEGER };

struct option {
    enum option_kind kind;
    const char *system, *code, *display; /* CODING: each may be NULL; TEXT: code is the text */
    int64_t integer;
};

struct item {
    const char *link_id;
    uint32_t link_id_len;
    uint32_t parent;        /* item or ITEM_NONE */
    uint32_t scope;         /* nearest repeating group or question above: where its value stands */
    uint32_t next_in_scope; /* list of all items of one scope, in the definition's order */
    uint32_t first_inside;  /* of the scope that this item makes, or ITEM_NONE */
    uint32_t last_inside;
    enum item_type type;
    bool required, repeats, conditional; /* conditional: it or an ancestor has enableWhen */
    int32_t max_length;                  /* characters; 0: no limit */
    const struct option *options;
    uint32_t n_options;
};

struct questionnaire {
    struct item *items;
    uint32_t n_items;
    uint32_t first, last; /* of the whole form's scope */
    uint32_t *table;      /* open addressing: item or ITEM_NONE */
    uint32_t table_mask;
    uint32_t *answered; /* scratch: number of the scope's occurrence that answered it */
    uint32_t occurrence;
    struct option *options;
    uint32_t n_options;
    void *definition; /* the JSON tree that owns all texts */
};

uint32_t item_find(const struct questionnaire *q, const char *link_id, size_t len);

#endif

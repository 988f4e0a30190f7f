/* Character width: full-width letters and digits, half-width kana. The normal form is NFKC's,
 * limited to what Unicode calls <wide> and <narrow>: Ａ１ becomes A1, ｶﾞ becomes ガ, U+3000 a
 * space; nothing else is changed, so that the normal form of a normal form is itself. */
#ifndef SLUICE_QUESTIONNAIRE_WIDTH_H
#define SLUICE_QUESTIONNAIRE_WIDTH_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/* False: no byte of it can belong to a character with another width. Cheap; true says little. */
bool width_may_differ(const void *bytes, size_t len);
/* text: well-formed UTF-8 (what is none is copied). Its normal form behind what out holds;
 * *ret_differs: it is another text. BUF_OK or BUF_FULL. */
int width_normal(const char *text, size_t len, struct buf *out, bool *ret_differs);

#endif

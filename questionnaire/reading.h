/* One answer's value as number, option or text. Inner header of questionnaire/. */
#ifndef SLUICE_QUESTIONNAIRE_READING_H
#define SLUICE_QUESTIONNAIRE_READING_H

#include "questionnaire/readings_inner.h"
#include "schemas/wire/mp.h"

/* v's head was read; inside stands behind it. False: not of the item's type, *ret untouched. */
bool reading_take(const struct item *item, const struct mp_value *v, struct mp_cursor inside,
                  struct reading *ret);

#endif

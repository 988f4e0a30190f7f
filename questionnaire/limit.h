/* The level "limits and options". Inner header of questionnaire/. */
#ifndef SLUICE_QUESTIONNAIRE_LIMIT_H
#define SLUICE_QUESTIONNAIRE_LIMIT_H

#include "questionnaire/sheet.h"

/* All limits of all answers of one slot; every one of its answers is type-correct or blank. */
void limits_check(struct sheet *s, uint32_t item, uint32_t place);

#endif

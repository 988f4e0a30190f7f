/* What a masked answer shows of a person. The clear values live only while the mask is made. */
#ifndef SLUICE_WORKERS_QUERIES_PERSON_H
#define SLUICE_WORKERS_QUERIES_PERSON_H

#include <jansson.h>

#include "workers/queries/kinds.h"

enum person_part { PERSON_NAME = 1 << 0, PERSON_PHONE = 1 << 1, PERSON_AGE = 1 << 2 };

/* Sets name, phone (masked) and age in json where they are known; what is not stays null. Not
 * shown: a sealed value did not open, and the answer must wait for the right key (503). */
int person_add(struct queries *q, struct slice study, struct slice subject, unsigned parts,
               json_t *json, bool *ret_shown);
/* json as the whole answer. */
void person_reply(struct queries *q, const struct question *x, const json_t *json);

#endif

/* Rows that the store gives as JSON texts, and what several nouns say about time and identity on
 * the command line. */
#ifndef SLUICE_CTL_LISTING_H
#define SLUICE_CTL_LISTING_H

#include <stddef.h>

#include "client/ctl/ctl.h"
#include "client/ctl/table.h"

/* For the store's each: arg is the json_t array that the row is added to. */
void listing_take(void *arg, const char *json, size_t len);
/* The texts of an array as one: "required, type"; malloc'd. */
char *listing_join(const json_t *texts);

/* --since as wall clock; 0 if it is not given. False after a complaint. */
bool ctl_since(const struct ctl *ctl, int64_t *ret_us);

#endif

/* RFC 3339 date-times with a zone, as text. */
#ifndef SLUICE_EDGE_INSTANT_H
#define SLUICE_EDGE_INSTANT_H

#include <stdbool.h>
#include <stddef.h>

/* YYYY-MM-DDThh:mm:ss[.fraction](Z|±hh:mm), a day that exists, at most 40 characters. */
bool instant_is_sane(const char *s, size_t len);

#endif

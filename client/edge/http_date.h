/* The Date header: the device's clock as it sent the request. */
#ifndef SLUICE_EDGE_HTTP_DATE_H
#define SLUICE_EDGE_HTTP_DATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An IMF-fixdate (RFC 9110, 5.6.7), the only form that senders may make, as microseconds since
 * 1970; false: it is none, or before 1970. The name of the weekday is not compared. */
bool http_date_parse(const char *s, size_t len, int64_t *ret_us);

#endif

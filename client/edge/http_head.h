/* The rules for a whole head. Inner header of http. */
#ifndef SLUICE_EDGE_HTTP_HEAD_H
#define SLUICE_EDGE_HTTP_HEAD_H

#include "client/edge/http.h"

/* method, minor, target and headers stand in m. PROBLEM_NONE: well-formed. */
enum problem http_head_check(const struct http_message *m, unsigned major);

#endif

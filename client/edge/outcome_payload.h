/* A worker's payload: a msgpack map with the members of outcome_payload.def, read in one walk and
 * as carefully as anything that came over a wire. */
#ifndef SLUICE_EDGE_OUTCOME_PAYLOAD_H
#define SLUICE_EDGE_OUTCOME_PAYLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "schemas/wire/mp.h"

enum payload_member {
#define PAYLOAD_MEMBER(NAME, key, shown) PAYLOAD_##NAME,
#include "client/edge/outcome_payload.def"
#undef PAYLOAD_MEMBER
    PAYLOAD_MEMBER_COUNT
};

struct outcome_payload {
    struct mp_cursor members[PAYLOAD_MEMBER_COUNT]; /* at == NULL: not there */
};

/* Bytes that are no such map come out as an empty one. */
void outcome_payload_read(const uint8_t *data, size_t size, struct outcome_payload *ret);
bool outcome_payload_uint(const struct outcome_payload *p, enum payload_member m, uint64_t *ret);
bool outcome_payload_bool(const struct outcome_payload *p, enum payload_member m, bool otherwise);
bool outcome_payload_text(const struct outcome_payload *p, enum payload_member m, const char **ret,
                          size_t *ret_len);
/* Is this rule among the broken ones? */
bool outcome_payload_broken(const struct outcome_payload *p, const char *rule);
/* ,"questionnaire":… and so on, all that is SHOWN. */
void outcome_payload_write(struct buf *b, const struct outcome_payload *p);
/* ,"errors":[…]: what the payload lists, or its one rule with this detail, or nothing in it. */
void outcome_payload_errors(struct buf *b, const struct outcome_payload *p, const char *detail);
/* ,"errors":[…] from an array of n maps at c: pointer, rule, detail; linkId and params if given. */
void outcome_errors_write(struct buf *b, struct mp_cursor c, uint32_t n);

#endif

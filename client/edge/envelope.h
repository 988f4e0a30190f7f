/* The envelope of a submission: which members there are and of what type. What the answers mean is
 * the workers' business. A member that is not in envelope.def is reported at its parent's pointer,
 * without its name: a name can be a phone number. */
#ifndef SLUICE_EDGE_ENVELOPE_H
#define SLUICE_EDGE_ENVELOPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/edge/json.h"
#include "client/edge/problem.h"

#define SUBJECT_BYTES_MAX 128
#define MEMBER_TEXT_MAX 1024 /* bytes of any other member that is a string */

enum envelope_member {
#define ENVELOPE_MEMBER(NAME, name, kind, children) ENVELOPE_##NAME,
#include "client/edge/envelope.def"
#undef ENVELOPE_MEMBER
    ENVELOPE_MEMBER_COUNT
};

struct envelope_text {
    const char *at; /* NULL: not there */
    uint32_t len;
};

/* Points into the transcoded body. */
struct envelope {
    struct envelope_text subject, study, id;
    bool has_submit_at, has_sent_at, has_occasion;
};

/* j: after transcoding the body, which lies at body. Returns false with the first rule broken. */
bool envelope_check(const struct json *j, const uint8_t *body, struct envelope *ret_envelope,
                    struct problem_error *ret_error);
/* The body was no JSON: rule, place and the pointer to it as far as it consists of known members.
 */
void envelope_fault(const struct json *j, enum json_fault fault, const uint8_t *body,
                    struct problem_error *ret_error);

#endif

/* Inline attachments leave the answers for a table of their own: the bytes are handed to the
 * caller, and what stands in the answers is the Attachment without its data, with its size and the
 * name under which the caller keeps it. Pure: no keys and no SQL here. */
#ifndef SLUICE_QUESTIONNAIRE_ATTACHMENTS_TAKE_H
#define SLUICE_QUESTIONNAIRE_ATTACHMENTS_TAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "questionnaire/questionnaire.h"

#define ATTACHMENT_HASH_BYTES 32

struct attachment_taken {
    const char *link_id;
    const char *content_type; /* content_type_len bytes, no NUL */
    size_t content_type_len;
    const uint8_t *content; /* decoded; valid during the call */
    size_t size;
};
/* Keeps one; writes its (keyed) hash. */
typedef void attachment_keep_fn(void *arg, const struct attachment_taken *taken,
                                uint8_t ret_hash[ATTACHMENT_HASH_BYTES]);

/* Some item of the definition takes attachments. */
bool questionnaire_attaches(const struct questionnaire *q);

/* answers: sound ones in the short form. Written behind what out holds, every Attachment with data
 * as {…, "size": bytes, "stored": hash in hex}. BUF_OK or BUF_FULL. */
int attachments_take(const struct questionnaire *q, const uint8_t *answers, size_t size,
                     attachment_keep_fn *keep, void *arg, struct buf *out);

#endif

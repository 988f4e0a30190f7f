/* An Attachment's members, judged as far as they can be without looking elsewhere. Inner header of
 * questionnaire/. */
#ifndef SLUICE_QUESTIONNAIRE_ATTACHMENT_H
#define SLUICE_QUESTIONNAIRE_ATTACHMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "questionnaire/value.h"
#include "schemas/wire/mp.h"

#define ATTACHMENT_INLINE_MAX (256 * 1024) /* bytes of data, decoded */

struct attachment {
    struct span content_type, data, url; /* data: base64 as sent */
    uint64_t size;                       /* declared */
    bool has_size;
    uint64_t data_bytes; /* of the data when decoded */
};

/* False: no Attachment: neither data nor url, data without a contentType or not in base64, or a
 * member of the wrong kind. */
bool attachment_read(const struct mp_value *v, struct mp_cursor inside, struct attachment *ret);
/* Whether a media type, parameters left out, is pattern: equal without regard to case, or of the
 * type where pattern ends in a slash and a star. */
bool mime_type_matches(struct span type, const char *pattern);

#endif

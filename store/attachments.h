/* Inline attachments, kept beside the answers under the keyed hash that stands there. */
#ifndef SLUICE_STORE_ATTACHMENTS_H
#define SLUICE_STORE_ATTACHMENTS_H

#include "store/connection.h"
#include "store/slice.h"

#define ATTACHMENT_NAME_BYTES 32

struct attachment_row {
    struct slice study, subject, content_type, content;
    uint8_t name[ATTACHMENT_NAME_BYTES];
};

/* One statement; what stands there already stays. STORE_ outcomes; STORE_RETRY too where the rows
 * pass 128 MiB, which no batch does. */
int attachments_write(struct store *s, const struct attachment_row *const *rows, size_t n);

#endif

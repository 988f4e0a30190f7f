/* Secrets come only from files with tight modes: a regular file, owned by root or by us, readable
 * by nobody else (mode & 077 == 0; group read is allowed if the file belongs to root and our
 * group). Memory that held a secret is wiped by secret_free. */
#ifndef SLUICE_BASE_SECRET_H
#define SLUICE_BASE_SECRET_H

#include <stddef.h>
#include <stdint.h>

enum secret_outcome {
    SECRET_OK = 0,
    SECRET_MISSING = 1,
    SECRET_MODE = 2, /* others could read it */
    SECRET_TOO_LARGE = 3,
};

struct secret {
    uint8_t *data; /* NUL-terminated behind size */
    size_t size;
};

/* Reads at most max bytes. Negative errno for I/O errors. */
int secret_read(const char *path, size_t max, struct secret *ret_secret);
void secret_free(struct secret *s);
const char *secret_outcome_text(int outcome);

#endif

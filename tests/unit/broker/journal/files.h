/* Looking into a journal's files and changing them behind its back. */
#ifndef SLUICE_TESTS_JOURNAL_FILES_H
#define SLUICE_TESTS_JOURNAL_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/unit/broker/journal/fixture.h"

/* The last batch of the last segment that was begun, and the mark behind it (offset 0: none). */
struct fixture_end {
    char name[32];
    uint64_t batch_offset, batch_end, mark_offset;
    uint32_t records;
};
void fixture_find_end(const struct fixture *f, struct fixture_end *ret);

/* Puts another file (/dev/full) in the place of the tail's: the next write fails. */
void fixture_break_tail(const struct fixture *f, int fd);

void fixture_write(const struct fixture *f, const char *name, uint64_t offset, uint8_t byte,
                   uint64_t n);
void fixture_path(const struct fixture *f, const char *name, char *ret_path, size_t size);
void fixture_flip(const struct fixture *f, const char *name, uint64_t offset);
bool fixture_exists(const struct fixture *f, const char *name);
/* What a reader may see of the next segment at the instant it is begun: the first copy of its
 * header, and nothing else yet. It must be ready. */
void fixture_half_header(const struct fixture *f);

/* An empty folder under $TMPDIR. */
void folder_make(char *ret, size_t size);
void folder_copy_all(const char *from, const char *to);
void folder_remove_all(const char *dir);

#endif

/* The journal's folder: lock, identity, and whole reads and writes of its files.
 *
 * The broker holds flock(LOCK_EX) on the folder and an open-file lock on the file "journal"; the
 * latter lets a reader ask whether a broker lives here without taking anything. Every function
 * returns 0 or a negative errno. */
#ifndef SLUICE_BROKER_JOURNAL_FOLDER_H
#define SLUICE_BROKER_JOURNAL_FOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "broker/journal/layout.h"

#define FOLDER_IDENTITY "journal" /* file: format, uuid, salt */

struct folder {
    int fd;          /* the folder itself */
    int identity_fd; /* -1 until the identity is open */
};

/* writer: takes the lock (JOURNAL_LOCKED if another process has it) and makes the folder if needed.
 */
int folder_open(const char *dir, bool writer, struct folder *ret);
void folder_close(struct folder *f);
/* Does a broker hold this folder? (reader's folder, identity open) */
bool folder_is_live(const struct folder *f);

/* Reads the identity; a folder without one gets it if make (writer) and no segment lies there.
 * JOURNAL_FOREIGN: not ours, or a newer format. */
int folder_identity(struct folder *f, bool make, struct layout_id *ret_id, bool *ret_made);

/* All segment numbers in the folder, ascending; malloc'd. */
int folder_segments(const struct folder *f, uint32_t **ret_numbers, size_t *ret_n);

int folder_sync(const struct folder *f);
int file_pread(int fd, void *data, size_t size,
               uint64_t offset); /* -ENODATA: the file ends before */
int file_pwrite(int fd, const void *data, size_t size, uint64_t offset);
/* Replaces a small file: temporary name, sync, rename, sync of the folder. */
int folder_replace(const struct folder *f, const char *name, const void *data, size_t size);
/* Copies a range to another file of the folder, at the same offset (or at 0), and syncs it. */
int folder_copy(const struct folder *f, int from_fd, uint64_t offset, uint64_t size,
                const char *name, bool same_offset);

#endif

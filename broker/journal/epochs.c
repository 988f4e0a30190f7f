/* Entries of 32 bytes: magic u32, crc u32 (of the 24 that follow), epoch, first_seq, last_seq. */
#include "broker/journal/epochs.h"

#include <errno.h>
#include <fcntl.h>
#include <isa-l/crc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

#define EPOCHS_FILE "epochs"
#define ENTRY_BYTES 32u
#define ENTRY_MAGIC 0x45554c53u /* "SLUE" */
#define EPOCHS_FILE_MAX (64u << 20)

static uint32_t
entry_crc(const uint8_t *entry)
{
    return crc32_iscsi((unsigned char *)(uintptr_t)(entry + 8), ENTRY_BYTES - 8, 0xffffffffu);
}

static void
entry_write(uint8_t *entry, uint64_t epoch, uint64_t first_seq, uint64_t last_seq)
{
    le32_put(entry, ENTRY_MAGIC);
    le64_put(entry + 8, epoch);
    le64_put(entry + 16, first_seq);
    le64_put(entry + 24, last_seq);
    le32_put(entry + 4, entry_crc(entry));
}

static void
epochs_set(struct epochs *e, const struct journal_epoch *found)
{
    size_t i = e->n;

    while (i > 0 && e->list[i - 1].epoch > found->epoch)
        i--;
    if (i > 0 && e->list[i - 1].epoch == found->epoch) {
        e->list[i - 1] = *found;
        return;
    }
    e->list = mem_grow(e->list, e->n + 1, sizeof(*e->list));
    memmove(e->list + i + 1, e->list + i, (e->n - i) * sizeof(*e->list));
    e->list[i] = *found;
    e->n++;
}

int
epochs_load(const struct folder *f, struct epochs *ret, size_t *ret_bad, uint64_t *ret_offset)
{
    struct epochs e = {0};
    struct stat st;
    size_t bad = 0;
    uint64_t bad_offset = 0;

    int fd = openat(f->fd, EPOCHS_FILE, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT) {
        *ret = e;
        *ret_bad = 0;
        return 0;
    }
    if (fd < 0)
        return -errno;
    int rc = fstat(fd, &st) < 0 ? -errno : 0;
    if (rc == 0 && (uint64_t)st.st_size > EPOCHS_FILE_MAX)
        rc = -EFBIG;
    uint8_t entry[ENTRY_BYTES];
    uint64_t entries = rc == 0 ? (uint64_t)st.st_size / ENTRY_BYTES : 0;
    for (uint64_t i = 0; i < entries && rc == 0; i++) {
        rc = file_pread(fd, entry, sizeof(entry), i * ENTRY_BYTES);
        if (rc != 0)
            break;
        if (le32_get(entry) != ENTRY_MAGIC || le32_get(entry + 4) != entry_crc(entry)) {
            if (bad++ == 0)
                bad_offset = i * ENTRY_BYTES;
            continue;
        }
        epochs_set(&e, &(struct journal_epoch){.epoch = le64_get(entry + 8),
                                               .first_seq = le64_get(entry + 16),
                                               .last_seq = le64_get(entry + 24)});
    }
    close(fd);
    if (rc != 0) {
        epochs_deinit(&e);
        return rc;
    }
    *ret = e;
    *ret_bad = bad;
    *ret_offset = bad_offset;
    return 0;
}

void
epochs_deinit(struct epochs *e)
{
    free(e->list);
    *e = (struct epochs){0};
}

int
epochs_raise(const struct folder *f, struct epochs *e, uint64_t at_least, uint64_t next_seq)
{
    uint8_t entries[2 * ENTRY_BYTES];
    struct stat st;
    size_t n = 0;
    uint64_t epoch = at_least;

    int fd = openat(f->fd, EPOCHS_FILE, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    if (e->n > 0) {
        struct journal_epoch *last = &e->list[e->n - 1];
        last->last_seq = next_seq - 1;
        entry_write(entries, last->epoch, last->first_seq, last->last_seq);
        n = 1;
        if (last->epoch + 1 > epoch)
            epoch = last->epoch + 1;
    }
    entry_write(entries + n * ENTRY_BYTES, epoch, next_seq, 0);
    n++;
    int rc = fstat(fd, &st) < 0 ? -errno : 0;
    /* A torn last entry is overwritten: appending goes on at the last whole one. */
    uint64_t end = rc == 0 ? (uint64_t)st.st_size / ENTRY_BYTES * ENTRY_BYTES : 0;
    if (rc == 0)
        rc = file_pwrite(fd, entries, n * ENTRY_BYTES, end);
    if (rc == 0 && fsync(fd) < 0)
        rc = -errno;
    if (close(fd) < 0 && rc == 0)
        rc = -errno;
    if (rc == 0)
        rc = folder_sync(f);
    if (rc == 0)
        epochs_set(e, &(struct journal_epoch){.epoch = epoch, .first_seq = next_seq});
    return rc;
}

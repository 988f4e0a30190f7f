/* Reading records back: out of the batch that gathers, the one last handed over, or the file. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "broker/journal/inner.h"

#define READ_PARTS 64
/* Places no further apart than this are read with one call, the bytes between thrown away. */
#define READ_HOLE 4096u

static int
read_failed(struct journal *j, uint32_t segment, uint32_t offset, const char *why)
{
    char name[LAYOUT_NAME_SIZE];

    layout_name(segment, name);
    if (j->error == 0)
        snprintf(j->error_text, sizeof(j->error_text), "%s:%u: %s", name, offset, why);
    return JOURNAL_FAILED;
}

static bool
read_from_memory(const struct journal *j, struct place place, uint8_t *ret_bytes)
{
    const uint8_t *p = batch_find(j->gathering, place);

    if (p == NULL)
        p = batch_find(j->handed, place);
    if (p == NULL)
        return false;
    memcpy(ret_bytes, p, place.length);
    return true;
}

/* preadv until all of the parts are there. */
static int
read_parts(int fd, struct iovec *parts, int n, uint64_t offset)
{
    while (n > 0) {
        ssize_t got = preadv(fd, parts, n, (off_t)offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -errno;
        if (got == 0)
            return -ENODATA;
        offset += (uint64_t)got;
        while (n > 0 && (size_t)got >= parts->iov_len) {
            got -= (ssize_t)parts->iov_len;
            parts++;
            n--;
        }
        if (n > 0) {
            parts->iov_base = (uint8_t *)parts->iov_base + got;
            parts->iov_len -= (size_t)got;
        }
    }
    return 0;
}

/* Reads as many of the places, from the first on, as one call can; *ret_n says how many. */
static int
read_run(struct journal *j, const struct place *places, size_t n, uint8_t *ret_bytes, size_t *ret_n)
{
    static uint8_t hole[READ_HOLE]; /* never looked at */
    struct iovec parts[READ_PARTS];
    int n_parts = 0, fd;
    size_t i = 0;
    uint8_t *to = ret_bytes;
    uint64_t end = places[0].offset;

    struct segment *segment = segments_find(&j->segments, places[0].segment);
    if (segment == NULL)
        return read_failed(j, places[0].segment, places[0].offset, "no such segment");
    int rc = segments_fd(&j->segments, segment, &fd);
    for (; rc == 0 && i < n && n_parts + 2 <= READ_PARTS; i++) {
        const struct place *p = &places[i];
        if (p->segment != places[0].segment || p->offset < end || p->offset - end > READ_HOLE ||
            (i > 0 && (batch_find(j->gathering, *p) != NULL || batch_find(j->handed, *p) != NULL)))
            break;
        if (p->offset > end)
            parts[n_parts++] = (struct iovec){hole, (size_t)(p->offset - end)};
        if (n_parts > 0 &&
            (uint8_t *)parts[n_parts - 1].iov_base + parts[n_parts - 1].iov_len == to)
            parts[n_parts - 1].iov_len += p->length;
        else
            parts[n_parts++] = (struct iovec){to, p->length};
        to += p->length;
        end = (uint64_t)p->offset + p->length;
    }
    if (rc == 0)
        rc = read_parts(fd, parts, n_parts, places[0].offset);
    if (rc != 0)
        return read_failed(j, places[0].segment, places[0].offset, strerror(-rc));
    *ret_n = i;
    return 0;
}

/* Checks what was read and takes the crc out, as records travel. */
static int
record_accept(struct journal *j, struct place place, uint8_t *bytes)
{
    if (place.length < RECORD_HEADER_BYTES || le32_get(bytes) != place.length ||
        le32_get(bytes + 4) != record_crc(bytes, place.length, layout_seed(&j->id, place.segment)))
        return read_failed(j, place.segment, place.offset, "record-crc: not what was written");
    record_set_crc(bytes, 0);
    return 0;
}

int
journal_read_many(struct journal *j, const struct place *places, size_t n, uint8_t *ret_bytes)
{
    size_t done = 0;

    while (done < n) {
        size_t run = 1;
        if (!read_from_memory(j, places[done], ret_bytes)) {
            int rc = read_run(j, places + done, n - done, ret_bytes, &run);
            if (rc != 0)
                return rc;
        }
        for (size_t i = 0; i < run; i++) {
            int rc = record_accept(j, places[done + i], ret_bytes);
            if (rc != 0)
                return rc;
            ret_bytes += places[done + i].length;
        }
        done += run;
    }
    return 0;
}

int
journal_read(struct journal *j, struct place place, uint8_t *ret_bytes)
{
    return journal_read_many(j, &place, 1, ret_bytes);
}

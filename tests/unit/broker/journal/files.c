/* The folder's files, as a crash, a bad disk or a reader meets them. */
#include "tests/unit/broker/journal/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "broker/journal/folder.h"
#include "broker/journal/inner.h"
#include "broker/journal/scan.h"
#include "broker/journal/tail.h"

void
folder_make(char *ret, size_t size)
{
    const char *base = getenv("TMPDIR");

    snprintf(ret, size, "%s/journal-test-XXXXXX", base != NULL ? base : "/tmp");
    sluice_assert(mkdtemp(ret) != NULL);
}

void
folder_remove_all(const char *dir)
{
    char path[600];
    DIR *d = opendir(dir);

    if (d == NULL)
        return;
    for (const struct dirent *e = readdir(d); e != NULL; e = readdir(d)) {
        snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
        unlink(path);
    }
    closedir(d);
    rmdir(dir);
}

static void
file_copy(const char *from, const char *to)
{
    static uint8_t chunk[1 << 16];
    int in = open(from, O_RDONLY | O_CLOEXEC);

    if (in < 0 && errno == ENOENT)
        return; /* recycled while we looked */
    int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    sluice_assert(in >= 0 && out >= 0);
    for (ssize_t n = read(in, chunk, sizeof(chunk)); n > 0; n = read(in, chunk, sizeof(chunk)))
        sluice_assert(write(out, chunk, (size_t)n) == n);
    close(in);
    close(out);
}

void
folder_copy_all(const char *from, const char *to)
{
    char a[600], b[600];
    DIR *d = opendir(from);

    sluice_assert(d != NULL);
    for (const struct dirent *e = readdir(d); e != NULL; e = readdir(d)) {
        if (e->d_name[0] == '.')
            continue;
        snprintf(a, sizeof(a), "%s/%s", from, e->d_name);
        snprintf(b, sizeof(b), "%s/%s", to, e->d_name);
        file_copy(a, b);
    }
    closedir(d);
}

void
fixture_path(const struct fixture *f, const char *name, char *ret_path, size_t size)
{
    int n = snprintf(ret_path, size, "%s/%s", f->dir, name);
    sluice_assert(n > 0 && (size_t)n < size);
}

bool
fixture_exists(const struct fixture *f, const char *name)
{
    char path[600];

    fixture_path(f, name, path, sizeof(path));
    return access(path, F_OK) == 0;
}

void
fixture_write(const struct fixture *f, const char *name, uint64_t offset, uint8_t byte, uint64_t n)
{
    char path[600];

    fixture_path(f, name, path, sizeof(path));
    int fd = open(path, O_RDWR | O_CLOEXEC);
    sluice_assert(fd >= 0);
    for (uint64_t i = 0; i < n; i++)
        sluice_assert(pwrite(fd, &byte, 1, (off_t)(offset + i)) == 1);
    close(fd);
}

void
fixture_find_end(const struct fixture *f, struct fixture_end *ret)
{
    struct folder folder;
    struct layout_id id;
    struct found_list found;
    struct scan s;
    struct scan_item item;
    bool made;
    int fd;

    *ret = (struct fixture_end){0};
    sluice_assert(folder_open(f->dir, false, &folder) == 0);
    sluice_assert(folder_identity(&folder, false, &id, &made) == 0);
    sluice_assert(found_read(&folder, &id, &found) == 0 && found.begun > 0);
    const struct found *last = &found.list[found.begun - 1];
    layout_name(last->number, ret->name);
    sluice_assert(found_open(&folder, last, &fd) == 0);
    sluice_assert(scan_init(&s, &id, fd, last->number) == 0);
    while (scan_next(&s, UINT64_MAX, &item) == 0 && item.kind != SCAN_END) {
        if (item.kind == SCAN_BATCH) {
            ret->batch_offset = item.offset;
            ret->batch_end = item.end;
            ret->records = item.header.records;
        } else if (item.kind == SCAN_MARK) {
            ret->mark_offset = item.offset;
        }
    }
    scan_deinit(&s);
    close(fd);
    found_deinit(&found);
    folder_close(&folder);
}

void
fixture_break_tail(const struct fixture *f, int fd)
{
    sluice_assert(dup2(fd, segments_tail(&f->journal->segments)->fd) >= 0);
}

void
fixture_flip(const struct fixture *f, const char *name, uint64_t offset)
{
    char path[600];
    uint8_t byte;

    fixture_path(f, name, path, sizeof(path));
    int fd = open(path, O_RDWR | O_CLOEXEC);
    sluice_assert(fd >= 0 && pread(fd, &byte, 1, (off_t)offset) == 1);
    byte ^= 0x10;
    sluice_assert(pwrite(fd, &byte, 1, (off_t)offset) == 1);
    close(fd);
}

void
fixture_half_header(const struct fixture *f)
{
    struct journal *j = f->journal;
    const struct segment *tail = segments_tail(&j->segments);
    struct segment_header h = {
        .segment = tail->number + 1, .segment_bytes = tail->bytes, .epoch = j->epoch};
    uint8_t block[LAYOUT_HEADER_BLOCK];
    char name[LAYOUT_NAME_SIZE], path[600];

    h.start = j->next;
    segment_header_write(block, &j->id, &h);
    layout_name(h.segment, name);
    fixture_path(f, name, path, sizeof(path));
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    sluice_assert(fd >= 0);
    sluice_assert(pwrite(fd, block, LAYOUT_HEADER_TWIN, 0) == LAYOUT_HEADER_TWIN);
    close(fd);
}

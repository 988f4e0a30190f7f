/* System calls on the journal's folder, made whole: short reads and writes continue, EINTR repeats.
 * Nothing here decides what a failure means. */
#include "broker/journal/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "broker/journal/journal.h"

#define IDENTITY_MAX 256
#define COPY_CHUNK (256u * 1024)

int
file_pread(int fd, void *data, size_t size, uint64_t offset)
{
    uint8_t *p = data;

    while (size > 0) {
        ssize_t n = pread(fd, p, size, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            return -ENODATA;
        p += n;
        size -= (size_t)n;
        offset += (uint64_t)n;
    }
    return 0;
}

int
file_pwrite(int fd, const void *data, size_t size, uint64_t offset)
{
    const uint8_t *p = data;

    while (size > 0) {
        ssize_t n = pwrite(fd, p, size, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        p += n;
        size -= (size_t)n;
        offset += (uint64_t)n;
    }
    return 0;
}

int
folder_sync(const struct folder *f)
{
    return fsync(f->fd) == 0 ? 0 : -errno;
}

int
folder_open(const char *dir, bool writer, struct folder *ret)
{
    if (writer && mkdir(dir, 0700) < 0 && errno != EEXIST)
        return -errno;
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    if (writer && flock(fd, LOCK_EX | LOCK_NB) < 0) {
        int rc = errno == EWOULDBLOCK ? JOURNAL_LOCKED : -errno;
        close(fd);
        return rc;
    }
    *ret = (struct folder){.fd = fd, .identity_fd = -1};
    return 0;
}

void
folder_close(struct folder *f)
{
    if (f->identity_fd >= 0)
        close(f->identity_fd);
    if (f->fd >= 0)
        close(f->fd);
    *f = (struct folder){.fd = -1, .identity_fd = -1};
}

bool
folder_is_live(const struct folder *f)
{
    struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET};

    return fcntl(f->identity_fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

int
folder_replace(const struct folder *f, const char *name, const void *data, size_t size)
{
    char temporary[64];
    int rc;

    snprintf(temporary, sizeof(temporary), "%s.new", name);
    int fd = openat(f->fd, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    rc = file_pwrite(fd, data, size, 0);
    if (rc == 0 && fsync(fd) < 0)
        rc = -errno;
    if (close(fd) < 0 && rc == 0)
        rc = -errno;
    if (rc == 0 && renameat(f->fd, temporary, f->fd, name) < 0)
        rc = -errno;
    if (rc != 0) {
        unlinkat(f->fd, temporary, 0);
        return rc;
    }
    return folder_sync(f);
}

int
folder_copy(const struct folder *f, int from_fd, uint64_t offset, uint64_t size, const char *name,
            bool same_offset)
{
    int rc = 0;
    uint64_t to = same_offset ? offset : 0;

    int fd = openat(f->fd, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    uint8_t *chunk = mem_new(1, COPY_CHUNK);
    while (size > 0 && rc == 0) {
        size_t n = size < COPY_CHUNK ? (size_t)size : COPY_CHUNK;
        rc = file_pread(from_fd, chunk, n, offset);
        if (rc == 0)
            rc = file_pwrite(fd, chunk, n, to);
        offset += n;
        to += n;
        size -= n;
    }
    free(chunk);
    if (rc == 0 && fsync(fd) < 0)
        rc = -errno;
    close(fd);
    return rc == 0 ? folder_sync(f) : rc;
}

static int
compare_numbers(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

int
folder_segments(const struct folder *f, uint32_t **ret_numbers, size_t *ret_n)
{
    uint32_t *numbers = NULL;
    size_t n = 0, cap = 0;

    int fd = openat(f->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    DIR *d = fdopendir(fd);
    if (d == NULL) {
        close(fd);
        return -ENOMEM;
    }
    for (;;) {
        errno = 0;
        const struct dirent *e = readdir(d);
        if (e == NULL)
            break;
        uint32_t number = layout_number(e->d_name);
        if (number == 0)
            continue;
        if (n == cap) {
            cap = cap > 0 ? cap * 2 : 16;
            numbers = mem_grow(numbers, cap, sizeof(*numbers));
        }
        numbers[n++] = number;
    }
    int rc = -errno;
    closedir(d);
    if (rc != 0) {
        free(numbers);
        return rc;
    }
    if (n > 0)
        qsort(numbers, n, sizeof(*numbers), compare_numbers);
    *ret_numbers = numbers;
    *ret_n = n;
    return 0;
}

static int
identity_make(const struct folder *f)
{
    char text[IDENTITY_MAX], uuid_text[UUID_TEXT_SIZE];
    struct layout_id id;
    uint32_t *numbers = NULL;
    size_t n = 0;

    int rc = folder_segments(f, &numbers, &n);
    free(numbers);
    if (rc != 0)
        return rc;
    if (n > 0)
        return JOURNAL_FOREIGN; /* segments without their identity: never taken for a new journal */
    uuid_random(&id.uuid);
    if (getrandom(&id.salt, sizeof(id.salt), 0) != (ssize_t)sizeof(id.salt))
        return -EIO;
    uuid_format(&id.uuid, uuid_text);
    int length =
        snprintf(text, sizeof(text), "sluice-journal format=%u uuid=%s salt=%016" PRIx64 "\n",
                 LAYOUT_FORMAT, uuid_text, id.salt);
    return folder_replace(f, FOLDER_IDENTITY, text, (size_t)length);
}

static int
identity_parse(const char *text, struct layout_id *ret_id)
{
    unsigned format;
    char uuid_text[UUID_TEXT_SIZE];
    int end = 0;
    struct layout_id id;

    if (sscanf(text, "sluice-journal format=%u uuid=%36s salt=%16" SCNx64 "%n", &format, uuid_text,
               &id.salt, &end) != 3 ||
        format != LAYOUT_FORMAT || strcmp(text + end, "\n") != 0 ||
        !uuid_parse(uuid_text, strlen(uuid_text), &id.uuid))
        return JOURNAL_FOREIGN;
    *ret_id = id;
    return 0;
}

int
folder_identity(struct folder *f, bool make, struct layout_id *ret_id, bool *ret_made)
{
    char text[IDENTITY_MAX];
    bool made = false;

    int fd = openat(f->fd, FOLDER_IDENTITY, (make ? O_RDWR : O_RDONLY) | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT && make) {
        int rc = identity_make(f);
        if (rc != 0)
            return rc;
        made = true;
        fd = openat(f->fd, FOLDER_IDENTITY, O_RDWR | O_CLOEXEC);
    }
    if (fd < 0)
        return errno == ENOENT ? JOURNAL_FOREIGN : -errno;
    ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
    int rc = n < 0 ? -errno : 0;
    if (rc == 0) {
        text[n] = '\0';
        rc = identity_parse(text, ret_id);
    }
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (rc == 0 && make && fcntl(fd, F_OFD_SETLK, &lock) < 0)
        rc = errno == EAGAIN || errno == EACCES ? JOURNAL_LOCKED : -errno;
    if (rc != 0) {
        close(fd);
        return rc;
    }
    f->identity_fd = fd;
    *ret_made = made;
    return 0;
}

/* Reads a secret file after looking at its owner and mode, into memory of libsodium's (locked where
 * the limits allow it, guarded, wiped when freed). The checks are made on the open file, so that a
 * file swapped in between is not believed. */
#include "base/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sodium.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

static void
fd_close(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

static bool
group_is_ours(gid_t gid)
{
    gid_t groups[256];

    if (gid == getegid())
        return true;
    int n = getgroups(ARRAY_LEN(groups), groups);
    for (int i = 0; i < n; i++) {
        if (groups[i] == gid)
            return true;
    }
    return false;
}

static bool
file_is_tight(const struct stat *st)
{
    if (!S_ISREG(st->st_mode))
        return false;
    if (st->st_uid != 0 && st->st_uid != geteuid())
        return false;
    mode_t others = st->st_mode & 077;
    if (others == 0)
        return true;
    return others == S_IRGRP && st->st_uid == 0 && group_is_ours(st->st_gid);
}

static int
read_fully(int fd, uint8_t *data, size_t size, size_t *ret_n)
{
    size_t n = 0;

    while (n < size) {
        ssize_t r = read(fd, data + n, size - n);
        if (r < 0 && errno == EINTR)
            continue;
        if (r < 0)
            return -errno;
        if (r == 0)
            break;
        n += (size_t)r;
    }
    *ret_n = n;
    return 0;
}

int
secret_read(const char *path, size_t max, struct secret *ret_secret)
{
    /* Non-blocking, so that a FIFO in the file's place can't hang us. */
    _cleanup_(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return errno == ENOENT || errno == ENOTDIR ? SECRET_MISSING : -errno;

    struct stat st;
    if (fstat(fd, &st) < 0)
        return -errno;
    if (!file_is_tight(&st))
        return SECRET_MODE;
    if ((uint64_t)st.st_size > max)
        return SECRET_TOO_LARGE;

    if (sodium_init() < 0)
        return -ENOSYS;
    struct secret s = {.data = sodium_malloc((size_t)st.st_size + 1)};
    if (s.data == NULL)
        return -ENOMEM;
    int r = read_fully(fd, s.data, (size_t)st.st_size, &s.size);
    if (r < 0) {
        secret_free(&s);
        return r;
    }
    s.data[s.size] = '\0';
    *ret_secret = s;
    return SECRET_OK;
}

void
secret_free(struct secret *s)
{
    sodium_free(s->data);
    *s = (struct secret){0};
}

const char *
secret_outcome_text(int outcome)
{
    switch (outcome) {
    case SECRET_OK:
        return "ok";
    case SECRET_MISSING:
        return "the file does not exist";
    case SECRET_MODE:
        return "the file must be a regular one of root's or our own that nobody else can read "
               "(chmod 600)";
    case SECRET_TOO_LARGE:
        return "the file is too large";
    default:
        return "the file can't be read";
    }
}

/* Lost ranges in memory and in the file "damage":
 *
 *   sluice-damage 1
 *   lost FIRST LAST MESSAGES open|acknowledged WHEN WHO
 *
 * The file is replaced as a whole; it has a line per damage ever found, which are few. */
#include "broker/journal/damage.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/error.h"

#define DAMAGE_FILE "damage"
#define DAMAGE_FIRST_LINE "sluice-damage 1\n"
#define DAMAGE_FILE_MAX (16u << 20)
#define DAMAGE_BITMAP_MAX (1ull << 30) /* seqs */

void
damage_deinit(struct damage *d)
{
    for (size_t i = 0; i < d->n; i++)
        free(d->ranges[i].known);
    free(d->ranges);
    *d = (struct damage){0};
}

void
damage_add(struct damage *d, uint64_t first, uint64_t after, uint64_t lost)
{
    uint64_t width = after > first ? after - first : 0;

    if (lost == 0)
        return;
    d->ranges = mem_grow(d->ranges, d->n + 1, sizeof(*d->ranges));
    d->ranges[d->n++] = (struct damage_range){
        .first = first,
        .after = first + width,
        .lost = lost,
        .known = width > 0 && width <= DAMAGE_BITMAP_MAX ? mem_new(width / 8 + 1, 1) : NULL,
    };
}

/* Notes that the seq is accounted for; false: it was already, or the range has no notes. */
static bool
range_note(struct damage_range *r, uint64_t seq)
{
    if (r->known == NULL)
        return false;
    uint64_t bit = seq - r->first;
    uint8_t mask = (uint8_t)(1u << (bit % 8));
    if ((r->known[bit / 8] & mask) != 0)
        return false;
    r->known[bit / 8] |= mask;
    return true;
}

void
damage_intact(struct damage *d, uint64_t seq)
{
    if (d->n == 0)
        return;
    struct damage_range *r = &d->ranges[d->n - 1];
    if (seq >= r->first && seq < r->after)
        range_note(r, seq);
}

void
damage_told(struct damage *d, uint64_t seq)
{
    for (size_t i = 0; i < d->n; i++) {
        struct damage_range *r = &d->ranges[i];
        if (seq < r->first || seq >= r->after)
            continue;
        if (range_note(r, seq) && r->lost > 0)
            r->lost--;
        return;
    }
}

uint64_t
damage_lost(const struct damage *d)
{
    uint64_t lost = 0;

    for (size_t i = 0; i < d->n; i++)
        lost += d->ranges[i].lost;
    return lost;
}

bool
damage_next(const struct damage *d, size_t *range, uint64_t *seq, uint64_t *given)
{
    for (; *range < d->n; ++*range, *given = 0, *seq = 0) {
        const struct damage_range *r = &d->ranges[*range];
        if (*given >= r->lost)
            continue;
        uint64_t next = *given == 0 ? r->first : *seq + 1;
        while (r->known != NULL && next < r->after &&
               (r->known[(next - r->first) / 8] & (1u << ((next - r->first) % 8))) != 0)
            next++;
        *seq = next;
        ++*given;
        return true;
    }
    return false;
}

/* The whole file with a NUL behind it; an absent one reads as its first line. */
static int
damage_read(const struct folder *f, char **ret_text)
{
    struct stat st;

    int fd = openat(f->fd, DAMAGE_FILE, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT) {
        *ret_text = mem_strdup(DAMAGE_FIRST_LINE);
        return 0;
    }
    if (fd < 0)
        return -errno;
    int rc = fstat(fd, &st) < 0 ? -errno : 0;
    if (rc == 0 && (uint64_t)st.st_size > DAMAGE_FILE_MAX)
        rc = -EFBIG;
    char *text = NULL;
    if (rc == 0) {
        text = mem_new((size_t)st.st_size + 1, 1);
        rc = file_pread(fd, text, (size_t)st.st_size, 0);
    }
    close(fd);
    if (rc == 0 && strncmp(text, DAMAGE_FIRST_LINE, strlen(DAMAGE_FIRST_LINE)) != 0)
        rc = -EBADMSG;
    if (rc != 0) {
        free(text);
        return rc;
    }
    *ret_text = text;
    return 0;
}

struct damage_line {
    struct journal_loss loss;
    bool acknowledged;
};

/* Takes one line off *text. false: no more, or the line is not ours. */
static bool
damage_line_read(const char **text, struct damage_line *ret)
{
    char state[16];
    int used = 0;

    if (sscanf(*text, "lost %" SCNu64 " %" SCNu64 " %" SCNu64 " %15s%n", &ret->loss.first_seq,
               &ret->loss.last_seq, &ret->loss.messages, state, &used) != 4)
        return false;
    ret->acknowledged = strcmp(state, "acknowledged") == 0;
    const char *end = strchr(*text + used, '\n');
    *text = end != NULL ? end + 1 : *text + strlen(*text);
    return true;
}

int
losses_load(const struct folder *f, struct losses *ret)
{
    struct losses l = {0};
    struct damage_line line;
    char *text;

    int rc = damage_read(f, &text);
    if (rc != 0)
        return rc;
    const char *p = text + strlen(DAMAGE_FIRST_LINE);
    while (damage_line_read(&p, &line)) {
        if (line.acknowledged)
            continue;
        l.list = mem_grow(l.list, l.n + 1, sizeof(*l.list));
        l.list[l.n++] = line.loss;
    }
    rc = *p != '\0' ? -EBADMSG : 0;
    free(text);
    if (rc != 0) {
        free(l.list);
        return rc;
    }
    *ret = l;
    return 0;
}

void
losses_deinit(struct losses *l)
{
    free(l->list);
    *l = (struct losses){0};
}

/* Is a range of these bounds written down already? Replay finds old damage again at every start,
 * with the same bounds, as long as its segment is read. */
static bool
damage_is_known(const char *text, const struct damage_range *r)
{
    struct damage_line line;
    const char *p = text + strlen(DAMAGE_FIRST_LINE);
    uint64_t last = r->after > r->first ? r->after - 1 : r->first;

    while (damage_line_read(&p, &line))
        if (line.loss.first_seq == r->first && line.loss.last_seq == last)
            return true;
    return false;
}

int
losses_add(const struct folder *f, const struct damage *d)
{
    struct buf b;
    char *text, when[CLOCK_TEXT_SIZE];
    bool changed = false;

    int rc = damage_read(f, &text);
    if (rc != 0)
        return rc;
    buf_init(&b, DAMAGE_FILE_MAX);
    buf_append_str(&b, text);
    clock_format(clock_wall_us(), when);
    for (size_t i = 0; i < d->n; i++) {
        const struct damage_range *r = &d->ranges[i];
        if (r->lost == 0 || damage_is_known(text, r))
            continue;
        uint64_t last = r->after > r->first ? r->after - 1 : r->first;
        if (buf_printf(&b, "lost %" PRIu64 " %" PRIu64 " %" PRIu64 " open %s -\n", r->first, last,
                       r->lost, when) != BUF_OK)
            rc = -EFBIG;
        changed = true;
    }
    if (rc == 0 && changed)
        rc = folder_replace(f, DAMAGE_FILE, b.data, b.size);
    free(text);
    buf_deinit(&b);
    return rc;
}

int
losses_acknowledge(const struct folder *f, const char *who)
{
    struct buf b;
    struct damage_line line;
    char *text, when[CLOCK_TEXT_SIZE], name[64];
    size_t n = 0;

    int rc = damage_read(f, &text);
    if (rc != 0)
        return rc;
    for (; who[n] != '\0' && n < sizeof(name) - 1; n++)
        name[n] = isgraph((unsigned char)who[n]) ? who[n] : '_';
    name[n] = '\0';
    clock_format(clock_wall_us(), when);
    buf_init(&b, DAMAGE_FILE_MAX);
    buf_append_str(&b, DAMAGE_FIRST_LINE);
    const char *p = text + strlen(DAMAGE_FIRST_LINE);
    for (const char *start = p; damage_line_read(&p, &line); start = p) {
        int full =
            line.acknowledged
                ? buf_append(&b, start, (size_t)(p - start))
                : buf_printf(&b, "lost %" PRIu64 " %" PRIu64 " %" PRIu64 " acknowledged %s %s\n",
                             line.loss.first_seq, line.loss.last_seq, line.loss.messages, when,
                             name);
        if (full != BUF_OK)
            rc = -EFBIG;
    }
    if (rc == 0)
        rc = folder_replace(f, DAMAGE_FILE, b.data, b.size);
    free(text);
    buf_deinit(&b);
    return rc;
}

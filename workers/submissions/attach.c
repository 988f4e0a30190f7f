/* The name is a hash keyed for subject and study, so that one picture sent by two people does not
 * tell that they know each other. */
#include "workers/submissions/attach.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "questionnaire/attachments_take.h"

#define ANSWERS_MAX ((size_t)64 << 20)

_Static_assert(ATTACHMENT_HASH_BYTES == ATTACHMENT_NAME_BYTES &&
                   ATTACHMENT_HASH_BYTES == CONTENT_HASH_BYTES,
               "one hash");

struct taking {
    struct batch *b;
    struct job *j;
    const struct identity_key *identity;
};

static void
attachment_keep(void *arg, const struct attachment_taken *taken,
                uint8_t ret_hash[ATTACHMENT_HASH_BYTES])
{
    struct taking *t = arg;
    struct job *j = t->j;
    struct attached *x = arena_new(&t->b->arena, sizeof(*x));

    identity_attachment_hash(t->identity, j->row.study.at, j->row.study.len, j->subject.at,
                             j->subject.len, taken->content, taken->size, ret_hash);
    x->row = (struct attachment_row){
        .study = j->row.study,
        .subject = j->subject,
        .content_type = arena_keep(&t->b->arena, taken->content_type, taken->content_type_len),
        .content = arena_keep(&t->b->arena, taken->content, taken->size),
    };
    memcpy(x->row.name, ret_hash, sizeof(x->row.name));
    x->next = j->attachments;
    j->attachments = x;
}

bool
attach_job(struct batch *b, struct job *j, const struct identity_key *identity)
{
    struct taking t = {b, j, identity};
    struct buf out;

    j->attachments = NULL;
    if (!j->form->attaches || j->row.answers.at == NULL)
        return true;
    buf_init(&out, ANSWERS_MAX);
    int full = attachments_take(j->form->compiled, j->row.answers.at, j->row.answers.len,
                                attachment_keep, &t, &out);
    if (full == BUF_OK)
        j->row.answers = arena_keep(&b->arena, out.data, out.size);
    buf_deinit(&out);
    return full == BUF_OK;
}

int
attach_store(struct batch *b, struct store *s)
{
    const struct attachment_row **rows = NULL;
    size_t n = 0, room = 0;

    for (size_t i = 0; i < b->n; i++) {
        const struct job *j = &b->jobs[i];
        if (j->outcome != OUTCOME_NONE || !j->valid)
            continue;
        for (const struct attached *x = j->attachments; x != NULL; x = x->next) {
            if (n == room) {
                room = room > 0 ? 2 * room : 16;
                rows = mem_grow(rows, room, sizeof(*rows));
            }
            rows[n++] = &x->row;
        }
    }
    int outcome = n > 0 ? attachments_write(s, rows, n) : STORE_OK;
    free(rows);
    return outcome;
}

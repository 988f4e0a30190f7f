#include "workers/submissions/unnamed.h"

#include <string.h>

#include "store/catalog_file.h"

#define PREFIX "unknown-"
#define PREFIX_LEN (sizeof(PREFIX) - 1)

struct slice
unnamed_subject(struct batch *b, const struct job *j, const struct identity_key *identity)
{
    char text[PREFIX_LEN + UUID_TEXT_SIZE] = PREFIX;
    struct uuid code;

    if (!catalog_code_looks_personal(j->subject.at, j->subject.len))
        return j->subject;
    identity_from_key(identity, j->row.study.at, j->row.study.len, "", 0, j->subject.at,
                      j->subject.len, &code);
    uuid_format(&code, text + PREFIX_LEN);
    return arena_keep(&b->arena, text, strlen(text));
}

struct slice
unnamed_text(struct slice said)
{
    if (said.at != NULL && catalog_code_looks_personal(said.at, said.len))
        return (struct slice){NULL, 0};
    return said;
}

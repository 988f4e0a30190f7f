/* Bearer tokens: who may do what in which studies.
 *
 * The file (a secret file) has one "TOKEN STUDY[,STUDY…] [role=ROLE] [user=NAME]
 * [organisation=NAME]" a line, # comments; ROLE is one of token_roles.def (default participant).
 * Tokens are kept only as keyed 128-bit hashes with a key drawn at start; a lookup hashes what came
 * and compares hashes, so its time says nothing about any token. */
#ifndef SLUICE_EDGE_TOKEN_H
#define SLUICE_EDGE_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TOKEN_BYTES_MAX 512
#define TOKEN_STUDIES_MAX 64
#define TOKENS_MAX 65536
#define TOKEN_FILE_MAX ((size_t)8 << 20)
#define STUDY_BYTES_MAX 64
#define TOKEN_NAME_MAX 128

enum token_role {
#define TOKEN_ROLE(NAME, text, submits, corrects, alerts) TOKEN_ROLE_##NAME,
#include "client/edge/token_roles.def"
#undef TOKEN_ROLE
    TOKEN_ROLE_COUNT
};

enum token_corrects { TOKEN_CORRECTS_OWN, TOKEN_CORRECTS_SOURCED, TOKEN_CORRECTS_NEVER };

struct token {
    uint8_t hash[16];
    char **studies;
    size_t n_studies;
    enum token_role role;
    char *user;         /* NULL: the token names nobody */
    char *organisation; /* NULL: not said */
    /* "actor" and {user, role, organisation?} as msgpack, ready to go into a sealed body. */
    uint8_t *actor;
    size_t actor_bytes;
    bool is_nobody; /* a participant without a name: what a body without an actor means */
    /* rate: see limits.h */
    int64_t level; /* millionths of a submission left */
    int64_t level_us;
};

struct token_table;

/* Nonzero: *ret_why is a malloc'd text without secrets. */
int token_table_load(const char *path, struct token_table **ret_table, char **ret_why);
/* The same from memory (tests). */
int token_table_parse(const char *text, size_t size, struct token_table **ret_table,
                      char **ret_why);
void token_table_free(struct token_table *t);
size_t token_table_count(const struct token_table *t);

/* The token of an Authorization header's value, NULL if it is none or unknown. */
struct token *token_authorize(struct token_table *t, const char *value, size_t len);
bool token_covers(const struct token *t, const char *study, size_t len);
bool token_submits(const struct token *t);
enum token_corrects token_corrects(const struct token *t);
bool token_handles_alerts(const struct token *t);

#endif

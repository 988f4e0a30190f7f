/* Bearer tokens: who may submit for which studies.
 *
 * The file (a secret file) has one "TOKEN STUDY[,STUDY…]" a line, # comments. Tokens are kept only
 * as keyed 128-bit hashes with a key drawn at start; a lookup hashes what came and compares hashes,
 * so its time says nothing about any token. */
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

struct token {
    uint8_t hash[16];
    char **studies;
    size_t n_studies;
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

#endif

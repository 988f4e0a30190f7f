/* JSON text to msgpack in one strict pass, without a tree (library-choices.md, invariants 17).
 *
 * Taken is exactly RFC 8259 less what breaks a row or a reader further on: duplicate members at any
 * level, ill-formed UTF-8, lone surrogates, control characters (Unicode Cc but tab, LF, CR), depth
 * past JSON_DEPTH_MAX, more than JSON_NODES_MAX nodes, more than 34 significant digits, an exponent
 * past ±308, integers outside int64/uint64. Integers come out as msgpack integers, numbers with a
 * fraction or exponent as ext MP_DECIMAL holding the literal. Maps and arrays have 16-bit heads,
 * which are filled in when they close.
 *
 * The members of the outermost object are remembered, so that the envelope needs no second pass.
 * A struct json is scratch: one per process, used for one text after the other. */
#ifndef SLUICE_EDGE_JSON_H
#define SLUICE_EDGE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "schemas/wire/mp.h"

#define JSON_DEPTH_MAX (MP_DEPTH_MAX - 1) /* the sealed body is a map around it */
#define JSON_NODES_MAX 65535              /* values and keys */
#define JSON_MEMBERS_MAX 32
#define JSON_TEXT_MAX ((size_t)16 << 20)
#define JSON_ROOM(size) (2 * (size) + 4 * JSON_DEPTH_MAX)

enum json_fault {
    JSON_OK = 0,
#define JSON_FAULT(NAME, rule, detail) JSON_##NAME,
#include "client/edge/json_faults.def"
#undef JSON_FAULT
    JSON_FAULT_COUNT
};

/* A member of the outermost object, as offsets into the output. */
struct json_member {
    uint32_t key_at, key_len;     /* the key's characters */
    uint32_t value_at, value_end; /* the value, heads included */
};

/* One container that is open; a fault leaves them as the way to where it was found. */
struct json_frame {
    uint32_t head_at;         /* of its 3-byte head in the output */
    uint32_t count;           /* members or elements begun */
    uint32_t first_key;       /* its first entry in the stack of keys */
    uint32_t key_at, key_len; /* the latest key, in the output */
    uint64_t seen;            /* a bit for each key's tag: a bit not set is a key not there */
    bool is_map;
};

struct json {
    struct json_frame frames[JSON_DEPTH_MAX];
    unsigned depth;
    uint32_t nodes;
    struct json_member members[JSON_MEMBERS_MAX];
    uint32_t n_members; /* may be more than JSON_MEMBERS_MAX; then the rest is not recorded */
    size_t fault_at;    /* offset into the text */
    struct buf keys;    /* struct json_key of all open objects */
    struct buf table;   /* hash table for one large object */
    uint8_t hash_key[16];
};

void json_init(struct json *j);
void json_deinit(struct json *j);

/* Appends one msgpack value to out (whose ceiling must hold JSON_ROOM(size) bytes more). Returns
 * JSON_OK or the fault; then j->fault_at and j->frames[0…depth) say where, and what was appended
 * is to be thrown away. size <= JSON_TEXT_MAX. */
enum json_fault json_transcode(struct json *j, const uint8_t *text, size_t size, struct buf *out);

const char *json_fault_rule(enum json_fault fault);
const char *json_fault_detail(enum json_fault fault);

#endif

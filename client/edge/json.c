/* The transcoder's structure: containers, members, where a fault is. Strings and numbers stand in
 * json_string.c and json_number.c.
 *
 * Duplicate members: the keys of all open objects lie on one stack. While an object is small a new
 * key is compared with those before it (a 32-bit tag first); a large one is checked by a hash table
 * when it closes, keyed so that no sender can make keys collide. */
#include "client/edge/json.h"

#include <sodium.h>
#include <string.h>

#include "base/error.h"
#include "client/edge/json_scalar.h"

#define SMALL_OBJECT 16
#define HEAD_BYTES 3
#define SCRATCH_KEPT ((size_t)64 << 10)

struct json_key {
    uint32_t tag; /* length and last characters: differs for most different keys */
    uint32_t at, len;
    uint32_t text_at;
};

enum want { WANT_VALUE, WANT_VALUE_OR_END, WANT_KEY_OR_END, WANT_NEXT };

/* One run over a text. */
struct run {
    struct json *j;
    const uint8_t *text, *at, *end;
    uint8_t *base, *out;      /* base: where this value starts */
    struct json_chars string; /* the latest one */
    enum want want;
};

void
json_init(struct json *j)
{
    memset(j, 0, sizeof(*j));
    buf_init(&j->keys, (JSON_NODES_MAX + 1) * sizeof(struct json_key));
    buf_init(&j->table, 4 * (JSON_NODES_MAX + 1) * sizeof(uint32_t));
    randombytes_buf(j->hash_key, sizeof(j->hash_key));
}

void
json_deinit(struct json *j)
{
    buf_deinit(&j->keys);
    buf_deinit(&j->table);
}

static inline uint32_t
key_tag(const uint8_t *chars, uint32_t len)
{
    uint32_t tail = 0;

    if (len >= 4)
        memcpy(&tail, chars + len - 4, 4);
    else
        memcpy(&tail, chars, len);
    return tail ^ len << 24;
}

static const struct json_key *
frame_keys(const struct json *j, const struct json_frame *f)
{
    return (const struct json_key *)(const void *)j->keys.data + f->first_key;
}

static uint32_t
keys_count(const struct json *j)
{
    return (uint32_t)(j->keys.size / sizeof(struct json_key));
}

static bool
key_is_same(const struct run *r, const struct json_key *a, const struct json_key *b)
{
    return a->tag == b->tag && a->len == b->len &&
           memcmp(r->base + a->at, r->base + b->at, a->len) == 0;
}

/* Puts the latest string on the stack as a key; a small object is checked at once. */
static enum json_fault
key_push(struct run *r, struct json_frame *f, uint32_t text_at)
{
    struct json *j = r->j;
    const struct json_key *keys = frame_keys(j, f);
    const struct json_key key = {.tag = key_tag(r->string.at, r->string.len),
                                 .at = f->key_at,
                                 .len = f->key_len,
                                 .text_at = text_at};

    uint64_t mark = UINT64_C(1) << (key.tag * UINT32_C(0x9e3779b9) >> 26);
    bool may_be_there = (f->seen & mark) != 0;
    f->seen |= mark;
    if (may_be_there && f->count <= SMALL_OBJECT) {
        for (uint32_t i = 0; i < f->count; i++)
            if (key_is_same(r, &keys[i], &key))
                return JSON_DUPLICATE;
    }
    int full = buf_append(&j->keys, &key, sizeof(key));
    sluice_assert(full == BUF_OK); /* bounded by JSON_NODES_MAX */
    return JSON_OK;
}

/* Short keys: a keyed product of all their bytes and their length; long ones: SipHash. */
static uint64_t
key_hash(const struct json *j, const uint8_t *chars, uint32_t len)
{
    uint64_t hash, words[2] = {0, 0}, secret[2];

    if (len > sizeof(words)) {
        crypto_shorthash((uint8_t *)&hash, chars, len, j->hash_key);
        return hash;
    }
    memcpy(words, chars, len);
    memcpy(secret, j->hash_key, sizeof(secret));
    __uint128_t product =
        (__uint128_t)(words[0] ^ secret[0]) * ((words[1] + len) ^ (secret[1] | 1));
    hash = (uint64_t)product ^ (uint64_t)(product >> 64);
    return hash ^ hash >> 29;
}

/* A large object closes: is a key there twice? */
static enum json_fault
large_object_check(struct run *r, const struct json_frame *f)
{
    struct json *j = r->j;
    const struct json_key *keys = frame_keys(j, f);
    size_t slots = 64;
    uint8_t *room;

    while (slots < 2 * (size_t)f->count)
        slots *= 2;
    buf_clear(&j->table);
    int full = buf_reserve(&j->table, slots * sizeof(uint32_t), &room);
    sluice_assert(full == BUF_OK);
    uint32_t *table = (uint32_t *)(void *)room; /* number of the key plus one; 0: free */
    memset(table, 0, slots * sizeof(uint32_t));

    for (uint32_t i = 0; i < f->count; i++) {
        size_t slot = (size_t)key_hash(j, r->base + keys[i].at, keys[i].len) & (slots - 1);
        for (; table[slot] != 0; slot = (slot + 1) & (slots - 1)) {
            if (key_is_same(r, &keys[table[slot] - 1], &keys[i])) {
                r->at = r->text + keys[i].text_at;
                return JSON_DUPLICATE;
            }
        }
        table[slot] = i + 1;
    }
    return JSON_OK;
}

static void
member_begin(struct run *r, const struct json_frame *f)
{
    struct json *j = r->j;

    if (j->depth == 1 && j->n_members < JSON_MEMBERS_MAX)
        j->members[j->n_members] = (struct json_member){
            .key_at = f->key_at, .key_len = f->key_len, .value_at = (uint32_t)(r->out - r->base)};
}

/* A value has ended; of the outermost object: note it. */
static void
member_end(struct run *r)
{
    struct json *j = r->j;

    if (j->depth != 1 || !j->frames[0].is_map)
        return;
    if (j->n_members < JSON_MEMBERS_MAX)
        j->members[j->n_members].value_end = (uint32_t)(r->out - r->base);
    j->n_members++;
}

static enum json_fault
container_open(struct run *r, bool is_map)
{
    struct json *j = r->j;

    if (j->depth == JSON_DEPTH_MAX)
        return JSON_DEPTH;
    j->frames[j->depth++] = (struct json_frame){
        .head_at = (uint32_t)(r->out - r->base), .first_key = keys_count(j), .is_map = is_map};
    r->out += HEAD_BYTES;
    r->at++;
    r->want = is_map ? WANT_KEY_OR_END : WANT_VALUE_OR_END;
    return JSON_OK;
}

static enum json_fault
container_close(struct run *r)
{
    struct json *j = r->j;
    struct json_frame *f = &j->frames[j->depth - 1];

    if (f->is_map && f->count > SMALL_OBJECT + 1) {
        enum json_fault fault = large_object_check(r, f);
        if (fault != JSON_OK)
            return fault;
    }
    uint8_t *head = r->base + f->head_at;
    *head = f->is_map ? 0xde : 0xdc;
    be16_write(head + 1, f->count);
    j->keys.size = f->first_key * sizeof(struct json_key);
    j->depth--;
    r->at++;
    r->want = WANT_NEXT;
    member_end(r);
    return JSON_OK;
}

static enum json_fault
word_take(struct run *r, const char *word, size_t len, uint8_t code)
{
    if ((size_t)(r->end - r->at) < len || memcmp(r->at, word, len) != 0)
        return JSON_SYNTAX;
    r->at += len;
    *r->out++ = code;
    return JSON_OK;
}

static enum json_fault
value_take(struct run *r)
{
    struct json *j = r->j;
    enum json_fault fault;

    if (++j->nodes > JSON_NODES_MAX)
        return JSON_NODES;
    if (j->depth > 0) {
        struct json_frame *f = &j->frames[j->depth - 1];
        f->count++;
        if (f->is_map)
            member_begin(r, f);
    }
    switch (*r->at) {
    case '{':
        return container_open(r, true);
    case '[':
        return container_open(r, false);
    case '"':
        r->at++;
        fault = json_string(&r->at, r->end, &r->out, &r->string);
        break;
    case 't':
        fault = word_take(r, "true", 4, 0xc3);
        break;
    case 'f':
        fault = word_take(r, "false", 5, 0xc2);
        break;
    case 'n':
        fault = word_take(r, "null", 4, 0xc0);
        break;
    default:
        fault = json_number(&r->at, r->end, &r->out);
        break;
    }
    if (fault == JSON_OK) {
        r->want = WANT_NEXT;
        member_end(r);
    }
    return fault;
}

/* Returns whether anything follows. */
static inline bool
space_skip(struct run *r)
{
    const uint8_t *p = r->at;

    while (p < r->end && *p <= ' ' && (*p == ' ' || *p == '\n' || *p == '\t' || *p == '\r'))
        p++;
    r->at = p;
    return p < r->end;
}

/* A key, its colon and its value. */
static enum json_fault
member_take(struct run *r)
{
    struct json_frame *f = &r->j->frames[r->j->depth - 1];
    const uint8_t *quote = r->at;

    if (*quote != '"')
        return JSON_SYNTAX;
    if (++r->j->nodes > JSON_NODES_MAX)
        return JSON_NODES;
    r->at++;
    enum json_fault fault = json_string(&r->at, r->end, &r->out, &r->string);
    if (fault != JSON_OK)
        return fault;
    f->key_at = (uint32_t)(r->string.at - r->base);
    f->key_len = r->string.len;
    fault = key_push(r, f, (uint32_t)(quote - r->text));
    if (fault != JSON_OK) {
        r->at = quote;
        return fault;
    }
    if (!space_skip(r) || *r->at != ':')
        return JSON_SYNTAX;
    r->at++;
    return space_skip(r) ? value_take(r) : JSON_SYNTAX;
}

/* Behind a value, inside a container. */
static enum json_fault
next_take(struct run *r)
{
    bool is_map = r->j->frames[r->j->depth - 1].is_map;

    if (*r->at == (is_map ? '}' : ']'))
        return container_close(r);
    if (*r->at != ',')
        return JSON_SYNTAX;
    r->at++;
    if (!space_skip(r))
        return JSON_SYNTAX;
    return is_map ? member_take(r) : value_take(r);
}

static enum json_fault
token_take(struct run *r)
{
    switch (r->want) {
    case WANT_VALUE:
        return value_take(r);
    case WANT_VALUE_OR_END:
        return *r->at == ']' ? container_close(r) : value_take(r);
    case WANT_KEY_OR_END:
        return *r->at == '}' ? container_close(r) : member_take(r);
    case WANT_NEXT:
        return next_take(r);
    }
    return JSON_SYNTAX;
}

enum json_fault
json_transcode(struct json *j, const uint8_t *text, size_t size, struct buf *out)
{
    struct run r = {.j = j, .text = text, .at = text, .end = text + size, .want = WANT_VALUE};

    sluice_assert(size <= JSON_TEXT_MAX);
    int full = buf_reserve(out, JSON_ROOM(size), &r.base);
    sluice_assert(full == BUF_OK);
    r.out = r.base;
    j->depth = 0;
    j->nodes = 0;
    j->n_members = 0;
    buf_trim(&j->keys, SCRATCH_KEPT);
    buf_trim(&j->table, SCRATCH_KEPT);

    enum json_fault fault;
    do {
        fault = space_skip(&r) ? token_take(&r) : JSON_SYNTAX;
    } while (fault == JSON_OK && !(j->depth == 0 && r.want == WANT_NEXT));
    if (fault == JSON_OK && space_skip(&r))
        fault = JSON_TRAILING;
    j->fault_at = (size_t)(r.at - text);
    if (fault == JSON_OK)
        buf_commit(out, (size_t)(r.out - r.base));
    return fault;
}

static const struct {
    const char *rule, *detail;
} faults[JSON_FAULT_COUNT] = {
    [JSON_OK] = {"ok", "well-formed"},
#define JSON_FAULT(NAME, rule_text, detail_text) [JSON_##NAME] = {rule_text, detail_text},
#include "client/edge/json_faults.def"
#undef JSON_FAULT
};

const char *
json_fault_rule(enum json_fault fault)
{
    return faults[fault].rule;
}

const char *
json_fault_detail(enum json_fault fault)
{
    return faults[fault].detail;
}

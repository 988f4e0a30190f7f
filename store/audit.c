/* MACs, chain and anchors of the audit trail; no SQL. */
#include "store/audit.h"

#include <endian.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes16.h"
#include "base/error.h"
#include "schemas/wire/key_file.h"
#include "schemas/wire/mp.h"
#include "store/hmac.h"

#define NOTE_NODES_MAX 64

_Static_assert(AUDIT_MAC_BYTES == HMAC_BYTES && AUDIT_KEY_BYTES == HMAC_KEY_BYTES, "HMAC-SHA-256");
_Static_assert(AUDIT_KEY_BYTES == KEY_BYTES, "the key file's keys");

int
audit_keys_load(const char *path, struct audit_keys *ret_keys, char **ret_why)
{
    struct key keys[AUDIT_KEYS_MAX];
    size_t n;

    if (sodium_init() < 0) {
        *ret_why = mem_strdup("libsodium can't start");
        return 1;
    }
    int r = key_file_load(path, keys, AUDIT_KEYS_MAX, &n, ret_why);
    if (r == 0) {
        ret_keys->n = n;
        for (size_t i = 0; i < n; i++)
            memcpy(ret_keys->list[i].bytes, keys[i].bytes, KEY_BYTES);
    }
    sodium_memzero(keys, sizeof(keys));
    return r;
}

/* Nothing secret: libsodium's, which takes the same time for every digit, was 1,200 instructions a
 * row. */
static char *
hex_put(char *at, const uint8_t *bytes, size_t n)
{
    static const char digits[] = "0123456789abcdef";
    size_t i = 0;

    for (; i + 8 <= n; i += 8, at += 16)
        bytes16_hex(bytes + i, at);
    for (; i < n; i++) {
        *at++ = digits[bytes[i] >> 4];
        *at++ = digits[bytes[i] & 0x0f];
    }
    return at;
}

struct slice
audit_submission_detail(char buffer[AUDIT_DETAIL_MAX], struct slice status,
                        const uint8_t *content_hash, size_t hash_len,
                        const uint8_t data_mac[AUDIT_DATA_BYTES])
{
    char *at = buffer;

    sluice_assert(status.len + 2 * (hash_len + AUDIT_DATA_BYTES) + 2 <= AUDIT_DETAIL_MAX);
    memcpy(at, status.at, status.len);
    at += status.len;
    *at++ = ' ';
    at = hex_put(at, content_hash, hash_len);
    *at++ = ' ';
    at = hex_put(at, data_mac, AUDIT_DATA_BYTES);
    return (struct slice){buffer, (size_t)(at - buffer)};
}

/* What is signed: a word that says what for, then each field with its length in front (all ones:
 * null), so that no two rows read the same. */
static void
feed_int(struct hmac *h, uint64_t v)
{
    uint64_t bytes = htole64(v);

    hmac_feed(h, &bytes, sizeof(bytes));
}

static void
feed(struct hmac *h, struct slice field)
{
    feed_int(h, field.at != NULL ? field.len : UINT64_MAX);
    if (field.at != NULL)
        hmac_feed(h, field.at, field.len);
}

static void
feed_begin(struct hmac *h, const struct audit_key *key, const char *purpose)
{
    hmac_begin(h, key->bytes);
    feed(h, (struct slice){purpose, strlen(purpose)});
}

void
audit_mac(const struct audit_key *key, const struct uuid *writer, const struct audit_row *row,
          uint8_t ret_mac[AUDIT_MAC_BYTES])
{
    struct hmac h;

    feed_begin(&h, key, "sluice audit row 1");
    feed(&h, (struct slice){writer->bytes, sizeof(writer->bytes)});
    feed_int(&h, (uint64_t)row->number);
    feed_int(&h, (uint64_t)row->at_us);
    feed(&h, row->actor);
    feed(&h, row->role);
    feed(&h, row->organisation);
    feed(&h, row->action);
    feed(&h, row->study);
    feed(&h, row->subject);
    feed(&h, (struct slice){row->has_submission ? row->submission.bytes : NULL,
                            sizeof(row->submission.bytes)});
    feed_int(&h, (uint64_t)(int64_t)row->revision);
    feed(&h, row->reason);
    feed(&h, row->detail);
    hmac_end(&h, ret_mac);
}

void
audit_head_first(const struct audit_key *key, const struct uuid *writer,
                 uint8_t ret_head[AUDIT_MAC_BYTES])
{
    struct hmac h;

    feed_begin(&h, key, "sluice audit chain 1");
    feed(&h, (struct slice){writer->bytes, sizeof(writer->bytes)});
    hmac_end(&h, ret_head);
}

struct audit_head {
    struct hmac hmac;
};

struct audit_head *
audit_head_begin(const struct audit_key *key, const uint8_t previous[AUDIT_MAC_BYTES],
                 int64_t batch)
{
    struct audit_head *h = mem_new(1, sizeof(*h));

    feed_begin(&h->hmac, key, "sluice audit head 1");
    feed(&h->hmac, (struct slice){previous, AUDIT_MAC_BYTES});
    feed_int(&h->hmac, (uint64_t)batch);
    return h;
}

void
audit_head_add(struct audit_head *h, const uint8_t mac[AUDIT_MAC_BYTES])
{
    hmac_feed(&h->hmac, mac, AUDIT_MAC_BYTES);
}

void
audit_head_end(struct audit_head **h_p, uint8_t ret_head[AUDIT_MAC_BYTES])
{
    hmac_end(&(*h_p)->hmac, ret_head);
    free(*h_p);
    *h_p = NULL;
}

void
audit_chain_init(struct audit_chain *c, const struct audit_key *key)
{
    c->key = *key;
    audit_chain_restart(c);
}

void
audit_chain_restart(struct audit_chain *c)
{
    uuid_random(&c->writer);
    c->next_number = 1;
    c->batch = 1;
    c->last_number = 0;
    audit_head_first(&c->key, &c->writer, c->head);
}

void
audit_row_sign(struct audit_chain *c, struct audit_row *row)
{
    row->number = c->next_number++;
    audit_mac(&c->key, &c->writer, row, row->mac);
}

static int
by_number(const void *a, const void *b)
{
    int64_t x = (*(const struct audit_row *const *)a)->number;
    int64_t y = (*(const struct audit_row *const *)b)->number;

    return x < y ? -1 : x > y;
}

void
audit_chain_advance(struct audit_chain *c, const struct audit_row **rows, size_t n)
{
    if (n == 0)
        return;
    qsort(rows, n, sizeof(*rows), by_number);
    struct audit_head *h = audit_head_begin(&c->key, c->head, c->batch);
    for (size_t i = 0; i < n; i++)
        audit_head_add(h, rows[i]->mac);
    audit_head_end(&h, c->head);
    c->batch++;
    if (rows[n - 1]->number > c->last_number)
        c->last_number = rows[n - 1]->number;
}

int
audit_note_write(const struct audit_chain *c, struct buf *note)
{
    if (c->batch == 1)
        return BUF_OK;
    return mp_put_map(note, 1) | mp_put_cstr(note, "audit") | mp_put_map(note, 4) |
           mp_put_cstr(note, "writer") |
           mp_put_bin(note, c->writer.bytes, sizeof(c->writer.bytes)) | mp_put_cstr(note, "batch") |
           mp_put_uint(note, (uint64_t)(c->batch - 1)) | mp_put_cstr(note, "number") |
           mp_put_uint(note, (uint64_t)c->last_number) | mp_put_cstr(note, "head") |
           mp_put_bin(note, c->head, sizeof(c->head));
}

static bool
find_bin(const uint8_t *map, size_t size, const char *key, uint8_t *ret, uint32_t len)
{
    struct mp_value v;
    struct mp_cursor inside;

    if (!mp_find(map, size, key, &v, &inside) || v.type != MP_BIN || v.len != len)
        return false;
    memcpy(ret, v.at, len);
    return true;
}

bool
audit_note_read(const uint8_t *note, size_t len, struct audit_anchor *ret_anchor)
{
    struct mp_cursor at = {note, note + len};
    struct mp_value head, key;
    uint64_t batch, number;

    if (mp_check(note, len, NOTE_NODES_MAX) != MP_OK || mp_next(&at, &head) != MP_OK ||
        head.type != MP_MAP || head.len != 1 || mp_next(&at, &key) != MP_OK ||
        !mp_is_str(&key, "audit"))
        return false;
    const uint8_t *map = at.at;
    size_t size = (size_t)(at.end - at.at);
    if (!find_bin(map, size, "writer", ret_anchor->writer.bytes, 16) ||
        !find_bin(map, size, "head", ret_anchor->head, AUDIT_MAC_BYTES) ||
        !mp_find_uint(map, size, "batch", &batch) || !mp_find_uint(map, size, "number", &number) ||
        batch > INT64_MAX || number > INT64_MAX)
        return false;
    ret_anchor->batch = (int64_t)batch;
    ret_anchor->number = (int64_t)number;
    return true;
}

/* Origins as people write them, and a broker that answers late, wrongly or not at all. */
#include "client/ctl/admin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "base/error.h"
#include "schemas/config.h"
#include "schemas/wire/message.h"
#include "schemas/wire/mp.h"
#include "tests/unit/cmocka_all.h"

static void
test_origins(void **state)
{
    static const struct {
        const char *text;
        bool good, broker;
        uint64_t epoch, seq;
    } rows[] = {
        {"3-17", true, false, 3, 17},
        {"12345678-9abc-def0-1234-56789abcdef0-3-17", true, true, 3, 17},
        {"18446744073709551615-18446744073709551615", true, false, UINT64_MAX, UINT64_MAX},
        {"", false, false, 0, 0},
        {"3", false, false, 0, 0},
        {"3-", false, false, 0, 0},
        {"-3-4", false, false, 0, 0},
        {"3--4", false, false, 0, 0},
        {"3-4-5", false, false, 0, 0},
        {"3-4x", false, false, 0, 0},
        {" 3-4", false, false, 0, 0},
        {"12345678-9abc-def0-1234-56789abcdef0", false, false, 0, 0},
        {"12345678-9abc-def0-1234-56789abcdef0-3", false, false, 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct uuid broker;
        bool has = false;
        uint64_t epoch = 0, seq = 0;
        assert_int_equal(origin_parse(rows[i].text, &broker, &has, &epoch, &seq), rows[i].good);
        assert_int_equal(has, rows[i].broker);
        assert_true(epoch == rows[i].epoch && seq == rows[i].seq);
    }
}

/* A broker in the same thread: admin_request is given an answer that lies ready before it asks,
 * which works because request numbers are 1, 2, 3. */
struct rig {
    void *context, *router;
    struct config *config;
    struct ctl ctl;
    struct admin **all;
    size_t n;
    zmq_msg_t peer;
    char endpoint[256];
};

static void
rig_begin(struct rig *rig)
{
    char set[300];
    const char *sets[] = {set};
    char *errors;
    size_t size = sizeof(rig->endpoint);

    *rig = (struct rig){.ctl = {.timeout_us = 200000}};
    rig->context = zmq_ctx_new();
    rig->router = zmq_socket(rig->context, ZMQ_ROUTER);
    assert_int_equal(zmq_bind(rig->router, "tcp://127.0.0.1:*"), 0);
    assert_int_equal(zmq_getsockopt(rig->router, ZMQ_LAST_ENDPOINT, rig->endpoint, &size), 0);
    snprintf(set, sizeof(set), "ctl/admin_endpoints=%s", rig->endpoint);
    assert_int_equal(config_load(sluice_config_keys, sluice_config_keys_count, NULL, sets, 1, "ctl",
                                 &rig->config, &errors),
                     CONFIG_OK);
    rig->ctl.config = rig->config;
    rig->all = admin_open_all(&rig->ctl, &rig->n);
    assert_non_null(rig->all);
    assert_int_equal(rig->n, 1);
    zmq_msg_init(&rig->peer);
}

static void
rig_end(struct rig *rig)
{
    int zero = 0;

    admin_close_all(rig->all, rig->n);
    zmq_msg_close(&rig->peer);
    zmq_setsockopt(rig->router, ZMQ_LINGER, &zero, sizeof(zero));
    zmq_close(rig->router);
    zmq_ctx_term(rig->context);
    config_free(rig->config);
}

/* The request that came; its peer is kept. */
static void
rig_hear(struct rig *rig, const char *verb)
{
    struct message m;
    const char *said;
    size_t size, len;

    message_init(&m);
    zmq_pollitem_t item = {.socket = rig->router, .events = ZMQ_POLLIN};
    assert_int_equal(zmq_poll(&item, 1, 2000), 1);
    assert_int_equal(message_receive(rig->router, true, &m), MESSAGE_OK);
    assert_int_equal(m.command, COMMAND_REQUEST);
    const uint8_t *header = message_frame(&m, 2, &size);
    assert_true(mp_find_str(header, size, "verb", &said, &len));
    assert_true(len == strlen(verb) && memcmp(said, verb, len) == 0);
    zmq_msg_copy(&rig->peer, &m.peer);
    message_clear(&m);
}

/* Says that request ended with status; the only row is {"seq": seq}. */
static void
rig_say(struct rig *rig, uint64_t request, const char *status, uint64_t seq, uint64_t next)
{
    struct buf h, rows;
    zmq_msg_t body;

    buf_init(&h, 4096);
    buf_init(&rows, 4096);
    mp_put_map(&h, 4);
    mp_put_cstr(&h, "request");
    mp_put_uint(&h, request);
    mp_put_cstr(&h, "status");
    mp_put_cstr(&h, status);
    mp_put_cstr(&h, "more");
    mp_put_bool(&h, next > 0);
    mp_put_cstr(&h, "next");
    mp_put_uint(&h, next);
    mp_put_array(&rows, 1);
    mp_put_map(&rows, 1);
    mp_put_cstr(&rows, "seq");
    mp_put_uint(&rows, seq);
    zmq_msg_init_size(&body, rows.size);
    memcpy(zmq_msg_data(&body), rows.data, rows.size);
    assert_int_equal(message_send(rig->router, zmq_msg_data(&rig->peer), zmq_msg_size(&rig->peer),
                                  COMMAND_REPLY, &h, &body, 1),
                     MESSAGE_OK);
    zmq_msg_close(&body);
    buf_deinit(&h);
    buf_deinit(&rows);
}

static int
pages_take(void *arg, json_t *row)
{
    json_array_append(arg, row);
    return 0;
}

static void
test_requests(void **state)
{
    struct rig rig;
    json_t *rows = json_array();

    (void)state;
    rig_begin(&rig);
    /* 1: never answered; the broker learns who we are */
    assert_int_equal(admin_request(rig.all[0], "status", NULL, rows, NULL), ADMIN_SILENT);
    rig_hear(&rig, "status");
    /* 2: a late answer to 1 is dropped, 2's is taken */
    rig_say(&rig, 1, "ok", 100, 0);
    rig_say(&rig, 2, "ok", 200, 0);
    assert_int_equal(admin_request(rig.all[0], "queues", NULL, rows, NULL), ADMIN_OK);
    assert_int_equal(json_array_size(rows), 1);
    assert_int_equal(json_integer_value(json_object_get(json_array_get(rows, 0), "seq")), 200);
    rig_hear(&rig, "queues");
    /* 3, 4, 5: what a broker says no with; 6: a status nobody knows */
    rig_say(&rig, 3, "not-found", 1, 0);
    assert_int_equal(admin_request(rig.all[0], "drain", NULL, rows, NULL), ADMIN_NOT_FOUND);
    rig_say(&rig, 4, "bad-argument", 1, 0);
    assert_int_equal(admin_request(rig.all[0], "drain", NULL, rows, NULL), ADMIN_BAD_ARGUMENT);
    rig_say(&rig, 5, "refused", 1, 0);
    assert_int_equal(admin_request(rig.all[0], "drain", NULL, rows, NULL), ADMIN_REFUSED);
    rig_say(&rig, 6, "nonsense", 1, 0);
    assert_int_equal(admin_request(rig.all[0], "drain", NULL, rows, NULL), ADMIN_GARBLED);
    assert_int_equal(json_array_size(rows), 1);
    json_decref(rows);
    rig_end(&rig);
}

static void
test_pages(void **state)
{
    struct rig rig;
    json_t *rows = json_array();

    (void)state;
    rig_begin(&rig);
    assert_int_equal(admin_request(rig.all[0], "status", NULL, NULL, NULL), ADMIN_SILENT);
    rig_hear(&rig, "status");
    rig_say(&rig, 2, "ok", 5, 5);
    rig_say(&rig, 3, "ok", 9, 0);
    assert_int_equal(admin_pages(rig.all[0], "live", NULL, pages_take, rows), ADMIN_OK);
    assert_int_equal(json_array_size(rows), 2);
    /* a cursor that does not move ends it */
    rig_say(&rig, 4, "ok", 1, 1);
    rig_say(&rig, 5, "ok", 2, 1);
    assert_int_equal(admin_pages(rig.all[0], "live", NULL, pages_take, rows), ADMIN_OK);
    assert_int_equal(json_array_size(rows), 4);
    json_decref(rows);
    rig_end(&rig);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_origins),
        cmocka_unit_test(test_requests),
        cmocka_unit_test(test_pages),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Messages over real sockets: what comes out is what went in, nothing that is no message gets
 * through, and what can't be sent stays with its sender. */
#include "tests/unit/cmocka_all.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "schemas/wire/message.h"
#include "schemas/wire/mp.h"

struct pair {
    void *context, *router, *dealer;
};

static int
pair_open(void **state)
{
    struct pair *p = calloc(1, sizeof(*p));
    int one = 1, zero = 0, wait_ms = 5000;

    p->context = zmq_ctx_new();
    p->router = zmq_socket(p->context, ZMQ_ROUTER);
    p->dealer = zmq_socket(p->context, ZMQ_DEALER);
    zmq_setsockopt(p->router, ZMQ_ROUTER_MANDATORY, &one, sizeof(one));
    zmq_setsockopt(p->router, ZMQ_LINGER, &zero, sizeof(zero));
    zmq_setsockopt(p->dealer, ZMQ_LINGER, &zero, sizeof(zero));
    zmq_setsockopt(p->dealer, ZMQ_RCVTIMEO, &wait_ms, sizeof(wait_ms));
    *state = p;
    return zmq_bind(p->router, "inproc://message") != 0 ||
           zmq_connect(p->dealer, "inproc://message") != 0;
}

static int
pair_close(void **state)
{
    struct pair *p = *state;

    zmq_close(p->router);
    zmq_close(p->dealer);
    zmq_ctx_term(p->context);
    free(p);
    return 0;
}

static void
header_of(struct buf *b, const char *key, uint64_t value)
{
    buf_init(b, 4096);
    mp_put_map(b, 1);
    mp_put_cstr(b, key);
    mp_put_uint(b, value);
}

static void
body_of(zmq_msg_t *m, const char *text, size_t size)
{
    zmq_msg_init_size(m, size);
    memset(zmq_msg_data(m), ' ', size);
    memcpy(zmq_msg_data(m), text, strlen(text));
}

static void
body_is(const struct message *m, unsigned f, const char *text, size_t size)
{
    size_t got;
    const uint8_t *data = message_frame(m, f, &got);

    assert_int_equal(got, size);
    assert_memory_equal(data, text, strlen(text));
}

static void
messages_travel_both_ways(void **state)
{
    struct pair *p = *state;
    struct message m;
    struct buf header;
    zmq_msg_t bodies[2];
    uint64_t lease;
    size_t size;

    message_init(&m);
    assert_int_equal(message_receive(p->router, true, &m), MESSAGE_NONE);
    assert_int_equal(message_receive(p->dealer, false, &m), MESSAGE_NONE);
    header_of(&header, "lease", 42);
    body_of(&bodies[0], "entries", 7);
    body_of(&bodies[1], "followups", 100000);
    assert_int_equal(message_send(p->dealer, NULL, 0, COMMAND_REPORT, &header, bodies, 2),
                     MESSAGE_OK);
    assert_int_equal(zmq_msg_size(&bodies[0]), 0);
    assert_int_equal(zmq_msg_size(&bodies[1]), 0);

    assert_int_equal(message_receive(p->router, true, &m), MESSAGE_OK);
    assert_true(m.has_peer && m.command == COMMAND_REPORT && m.n_frames == 5);
    const uint8_t *h = message_frame(&m, 2, &size);
    assert_true(mp_find_uint(h, size, "lease", &lease) && lease == 42);
    body_is(&m, 3, "entries", 7);
    body_is(&m, 4, "followups", 100000);

    assert_int_equal(message_send(p->router, zmq_msg_data(&m.peer), zmq_msg_size(&m.peer),
                                  COMMAND_DRAIN, &header, NULL, 0),
                     MESSAGE_OK);
    assert_int_equal(message_receive(p->dealer, false, &m), MESSAGE_OK);
    assert_true(!m.has_peer && m.command == COMMAND_DRAIN && m.n_frames == 3);
    assert_null(message_frame(&m, 3, &size));
    assert_int_equal(size, 0);
    message_clear(&m);
    buf_deinit(&header);
}

static void
unknown_peers_are_gone(void **state)
{
    struct pair *p = *state;
    struct buf header;
    zmq_msg_t body;

    header_of(&header, "lease", 1);
    body_of(&body, "records", 7);
    assert_int_equal(message_send(p->router, "nobody", 6, COMMAND_DELIVER, &header, &body, 1),
                     MESSAGE_GONE);
    assert_int_equal(zmq_msg_size(&body), 7); /* still the sender's */
    zmq_msg_close(&body);
    buf_deinit(&header);
}

static void
a_full_pipe_takes_nothing(void **state)
{
    struct pair *p = *state;
    struct buf header;
    void *lonely = zmq_socket(p->context, ZMQ_DEALER);
    zmq_msg_t bodies[2];

    header_of(&header, "lease", 1);
    body_of(&bodies[0], "one", 3);
    body_of(&bodies[1], "two", 3);
    assert_int_equal(message_send(lonely, NULL, 0, COMMAND_REPORT, &header, bodies, 2),
                     MESSAGE_NONE);
    assert_int_equal(zmq_msg_size(&bodies[0]), 3);
    assert_int_equal(zmq_msg_size(&bodies[1]), 3);
    zmq_msg_close(&bodies[0]);
    zmq_msg_close(&bodies[1]);
    zmq_close(lonely);
    buf_deinit(&header);
}

struct frame {
    const void *data;
    size_t size;
};

static void
frames_send(void *socket, const struct frame *frames, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        assert_int_equal(
            zmq_send(socket, frames[i].data, frames[i].size, i + 1 < n ? ZMQ_SNDMORE : 0),
            frames[i].size);
}

static void
garbage_is_named_and_dropped_whole(void **state)
{
    static uint8_t huge[WIRE_HEADER_MAX + 1] = {0xc6, 0, 1, 0, 0};
    static const struct {
        unsigned n;
        struct frame frames[7];
        const char *fault; /* NULL: sound */
    } cases[] = {
        {1, {{"", 0}}, "version"},
        {1, {{"SLU", 3}}, "version"},
        {3, {{"SLU\x02", 4}, {"\x50", 1}, {"\x80", 1}}, "version"},
        {3, {{"SLU\x01\x01", 5}, {"\x50", 1}, {"\x80", 1}}, "version"},
        {3, {{"", 0}, {"MDPC01", 6}, {"echo", 4}}, "version"},
        {1, {{"SLU\x01", 4}}, "command"},
        {3, {{"SLU\x01", 4}, {"", 0}, {"\x80", 1}}, "command"},
        {3, {{"SLU\x01", 4}, {"\x50\x50", 2}, {"\x80", 1}}, "command"},
        {3, {{"SLU\x01", 4}, {"\x00", 1}, {"\x80", 1}}, "command"},
        {3, {{"SLU\x01", 4}, {"\xff", 1}, {"\x80", 1}}, "command"},
        {2, {{"SLU\x01", 4}, {"\x50", 1}}, "header"},
        {3, {{"SLU\x01", 4}, {"\x50", 1}, {"", 0}}, "header"},
        {3, {{"SLU\x01", 4}, {"\x50", 1}, {"\x90", 1}}, "header"},
        {3, {{"SLU\x01", 4}, {"\x50", 1}, {"\x81\xa1k", 3}}, "header"},
        {3, {{"SLU\x01", 4}, {"\x50", 1}, {"\xdf\xff\xff\xff\xff", 5}}, "header"},
        {3, {{"SLU\x01", 4}, {"\x50", 1}, {"\x80\x80", 2}}, "header"},
        {3, {{"SLU\x01", 4}, {"\x50", 1}, {huge, sizeof(huge)}}, "header"},
        {6, {{"SLU\x01", 4}, {"\x50", 1}, {"\x80", 1}, {"", 0}, {"", 0}, {"", 0}}, "header"},
        {7,
         {{"SLU\x01", 4}, {"\x50", 1}, {"\x80", 1}, {"", 0}, {"", 0}, {"", 0}, {"x", 1}},
         "header"},
        {5, {{"SLU\x01", 4}, {"\x50", 1}, {"\x80", 1}, {"", 0}, {"", 0}}, NULL},
        {3, {{"SLU\x01", 4}, {"\x50", 1}, {"\xde\x00\x00", 3}}, NULL},
    };
    struct pair *p = *state;
    struct message m;

    message_init(&m);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        frames_send(p->dealer, cases[i].frames, cases[i].n);
        int r = message_receive(p->router, true, &m);
        assert_int_equal(r, cases[i].fault == NULL ? MESSAGE_OK : MESSAGE_BAD);
        assert_true(m.has_peer);
        if (cases[i].fault != NULL && strcmp(m.fault, cases[i].fault) != 0)
            fail_msg("case %zu: %s", i, m.fault);
        assert_int_equal(message_receive(p->router, true, &m), MESSAGE_NONE); /* nothing is left */
        assert_false(m.has_peer);
    }
    message_clear(&m);
}

static void
a_full_peer_of_a_router_takes_nothing(void **state)
{
    struct pair *p = *state;
    struct message m;
    struct buf header;
    int r = MESSAGE_OK, sent = 0;

    header_of(&header, "lease", 1);
    message_init(&m);
    assert_int_equal(message_send(p->dealer, NULL, 0, COMMAND_HEARTBEAT, &header, NULL, 0),
                     MESSAGE_OK);
    assert_int_equal(message_receive(p->router, true, &m), MESSAGE_OK);
    while (r == MESSAGE_OK && sent < 100000) {
        zmq_msg_t body;
        body_of(&body, "records", 7);
        r = message_send(p->router, zmq_msg_data(&m.peer), zmq_msg_size(&m.peer), COMMAND_DELIVER,
                         &header, &body, 1);
        assert_int_equal(zmq_msg_size(&body), r == MESSAGE_OK ? 0 : 7);
        zmq_msg_close(&body);
        sent += r == MESSAGE_OK;
    }
    assert_int_equal(r, MESSAGE_NONE);
    for (int i = 0; i < sent; i++) { /* none of them was cut */
        assert_int_equal(message_receive(p->dealer, false, &m), MESSAGE_OK);
        body_is(&m, 3, "records", 7);
    }
    assert_int_equal(message_receive(p->dealer, false, &m), MESSAGE_NONE);
    message_clear(&m);
    buf_deinit(&header);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, pair_open, pair_close)
    const struct CMUnitTest tests[] = {
        TEST(messages_travel_both_ways),
        TEST(unknown_peers_are_gone),
        TEST(a_full_pipe_takes_nothing),
        TEST(garbage_is_named_and_dropped_whole),
        TEST(a_full_peer_of_a_router_takes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "common/net/deflate.h"

#include <stdlib.h>
#include <zlib.h>

#include "common/base/clock.h"
#include "common/base/lifetime.h"
#include "tests/run.h"
#include "tests/unit/common/net/peer.h"

static void
buffer_freep(struct evbuffer **b)
{
    evbuffer_free(*b);
}

static void
deflate_freep(struct wd_deflate **d)
{
    wd_deflate_free(*d);
}

/* The other end: one raw stream in each direction, as a client has them. */
struct end {
    z_stream out, in;
};

static void
end_begin(struct end *e)
{
    *e = (struct end){ 0 };
    deflateInit2(&e->out, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY);
    inflateInit2(&e->in, -15);
}

static void
end_done(struct end *e)
{
    deflateEnd(&e->out);
    inflateEnd(&e->in);
}

static struct wd_buf
pack(struct end *e, struct wd_str s)
{
    struct wd_buf to = { 0 };
    union {
        const char *in;
        unsigned char *out;
    } bytes = { s.p };

    e->out.next_in = bytes.out;
    e->out.avail_in = (uInt)s.n;
    do {
        e->out.next_out = (unsigned char *)wd_buf_reserve(&to, 4096);
        e->out.avail_out = 4096;
        deflate(&e->out, Z_SYNC_FLUSH);
        to.n += 4096 - e->out.avail_out;
    } while (e->out.avail_out == 0);
    return to;
}

static void
unpack(struct end *e, struct wd_str s, struct wd_buf *to)
{
    union {
        const char *in;
        unsigned char *out;
    } bytes = { s.p };

    e->in.next_in = bytes.out;
    e->in.avail_in = (uInt)s.n;
    do {
        int result;
        e->in.next_out = (unsigned char *)wd_buf_reserve(to, 4096);
        e->in.avail_out = 4096;
        result = inflate(&e->in, Z_SYNC_FLUSH);
        ck_assert_msg(result == Z_OK || result == Z_BUF_ERROR, "inflate: %d", result);
        to->n += 4096 - e->in.avail_out;
    } while (e->in.avail_out == 0);
}

/* Some text that packs well and some that does not. */
static struct wd_buf
sample(size_t n)
{
    struct wd_buf b = { 0 };
    uint32_t x = 1;

    while (b.n < n) {
        x = x * 1103515245 + 12345;
        wd_buf_printf(&b, x & 0x10000 ? "* %u FETCH (FLAGS (\\Seen))\r\n" : "%08x", x);
    }
    b.n = n;
    return b;
}

START_TEST(what_goes_out_comes_back)
{
    struct wd_deflate *d wd_auto(deflate_freep) = wd_deflate_new();
    struct evbuffer *plain wd_auto(buffer_freep) = evbuffer_new();
    struct wd_buf text wd_auto(wd_buf_done) = sample(200000);
    struct wd_buf back wd_auto(wd_buf_done) = { 0 };
    struct end e;
    size_t sizes[] = { 1, 10, 100000, 99989 }, at = 0;

    end_begin(&e);
    for (size_t i = 0; i < WD_COUNT(sizes); i++) {
        evbuffer_add(plain, text.p + at, sizes[i]);
        at += sizes[i];
        while (evbuffer_get_length(plain) || evbuffer_get_length(wd_deflate_wire_out(d))) {
            struct evbuffer *wire = wd_deflate_wire_out(d);
            size_t n;
            wd_deflate_out(d, plain, 20000);
            n = evbuffer_get_length(wire);
            ck_assert_uint_le(n, 20000 + 17000); /* one step more than asked for at most */
            unpack(&e, wd_str_n(evbuffer_pullup(wire, -1), n), &back);
            evbuffer_drain(wire, n);
        }
        ck_assert_uint_eq(back.n, at); /* each flush brings everything */
    }
    ck_assert(wd_str_eq(wd_buf_view(&back), wd_buf_view(&text)));
    end_done(&e);
}
END_TEST

START_TEST(nothing_new_sends_nothing)
{
    struct wd_deflate *d wd_auto(deflate_freep) = wd_deflate_new();
    struct evbuffer *plain wd_auto(buffer_freep) = evbuffer_new();
    size_t n;

    wd_deflate_out(d, plain, 1000);
    ck_assert_uint_eq(evbuffer_get_length(wd_deflate_wire_out(d)), 0);
    evbuffer_add(plain, "x", 1);
    wd_deflate_out(d, plain, 1000);
    n = evbuffer_get_length(wd_deflate_wire_out(d));
    ck_assert_uint_gt(n, 0);
    wd_deflate_out(d, plain, 1000);
    ck_assert_uint_eq(evbuffer_get_length(wd_deflate_wire_out(d)), n);
}
END_TEST

START_TEST(a_rest_in_between_is_not_seen_by_the_client)
{
    struct wd_deflate *d wd_auto(deflate_freep) = wd_deflate_new();
    struct evbuffer *plain wd_auto(buffer_freep) = evbuffer_new();
    struct wd_buf back wd_auto(wd_buf_done) = { 0 };
    struct end e;

    end_begin(&e);
    ck_assert(!wd_deflate_rest(d));
    for (int i = 0; i < 3; i++) {
        struct evbuffer *wire = wd_deflate_wire_out(d);
        evbuffer_add_printf(plain, "the same text again and again %d\r\n", i);
        wd_deflate_out(d, plain, 1000);
        unpack(&e, wd_str_n(evbuffer_pullup(wire, -1), evbuffer_get_length(wire)), &back);
        evbuffer_drain(wire, evbuffer_get_length(wire));
        ck_assert(wd_deflate_holds_compressor(d));
        ck_assert(wd_deflate_rest(d));
        ck_assert(!wd_deflate_holds_compressor(d));
    }
    ck_assert_uint_eq(back.n, 3 * strlen("the same text again and again 0\r\n"));
    ck_assert(wd_str_ends(wd_buf_view(&back), WD_STR("again 2\r\n")));
    end_done(&e);
}
END_TEST

START_TEST(input_at_every_split)
{
    struct wd_str text = WD_STR("a NOOP\r\nb SELECT INBOX\r\nc SELECT INBOX\r\n");
    struct end e;
    struct wd_buf packed wd_auto(wd_buf_done) = { 0 };

    end_begin(&e);
    packed = pack(&e, text);
    for (size_t at = 0; at <= packed.n; at++) {
        struct wd_deflate *d wd_auto(deflate_freep) = wd_deflate_new();
        struct evbuffer *plain wd_auto(buffer_freep) = evbuffer_new();
        evbuffer_add(wd_deflate_wire_in(d), packed.p, at);
        ck_assert(wd_deflate_in(d, plain, 1000));
        evbuffer_add(wd_deflate_wire_in(d), packed.p + at, packed.n - at);
        ck_assert(wd_deflate_in(d, plain, 1000));
        ck_assert(wd_str_eq(wd_str_n(evbuffer_pullup(plain, -1), evbuffer_get_length(plain)), text));
        ck_assert(!wd_deflate_has_more(d));
    }
    end_done(&e);
}
END_TEST

START_TEST(a_bomb_is_opened_in_bounded_steps)
{
    enum { SIZE = 32 << 20, MOST = 5000 };
    struct wd_deflate *d wd_auto(deflate_freep) = wd_deflate_new();
    struct evbuffer *plain wd_auto(buffer_freep) = evbuffer_new();
    char *zeros = calloc(1, SIZE);
    struct wd_buf packed wd_auto(wd_buf_done) = { 0 };
    size_t total = 0;
    struct end e;

    end_begin(&e);
    packed = pack(&e, wd_str_n(zeros, SIZE));
    ck_assert_uint_lt(packed.n, 100000);
    evbuffer_add(wd_deflate_wire_in(d), packed.p, packed.n);
    while (wd_deflate_has_more(d)) {
        ck_assert(wd_deflate_in(d, plain, MOST));
        ck_assert_uint_le(evbuffer_get_length(plain), MOST);
        total += evbuffer_get_length(plain);
        evbuffer_drain(plain, MOST);
    }
    ck_assert_uint_eq(total, SIZE);
    end_done(&e);
    free(zeros);
}
END_TEST

/* Any start of the compressed bytes gives all that is in it, however small the steps: zlib keeps some of it inside. */
START_TEST(small_steps_hold_nothing_back)
{
    char zeros[3000] = { 0 };
    struct wd_buf packed wd_auto(wd_buf_done) = { 0 };
    struct end e;

    end_begin(&e);
    packed = pack(&e, wd_str_n(zeros, sizeof zeros));
    for (size_t n = 1; n <= packed.n; n++) {
        struct wd_deflate *d wd_auto(deflate_freep) = wd_deflate_new();
        struct evbuffer *plain wd_auto(buffer_freep) = evbuffer_new();
        struct wd_buf whole wd_auto(wd_buf_done) = { 0 };
        size_t total = 0;
        inflateReset(&e.in);
        unpack(&e, wd_str_n(packed.p, n), &whole);
        evbuffer_add(wd_deflate_wire_in(d), packed.p, n);
        while (wd_deflate_has_more(d)) {
            ck_assert(wd_deflate_in(d, plain, 7));
            total += evbuffer_get_length(plain);
            evbuffer_drain(plain, 7);
        }
        ck_assert_uint_eq(total, whole.n);
    }
    end_done(&e);
}
END_TEST

START_TEST(what_is_no_deflate_is_refused)
{
    static const struct wd_str bad[] = { WD_STR_C("a NOOP\r\n\xff\xff\xff\xff"), WD_STR_C("\x78\x9c\xff\xff\xff\xff"),
                                         WD_STR_C("\x03\x00more") }; /* the last: an end of the stream */

    for (size_t i = 0; i < WD_COUNT(bad); i++) {
        struct wd_deflate *d wd_auto(deflate_freep) = wd_deflate_new();
        struct evbuffer *plain wd_auto(buffer_freep) = evbuffer_new();
        evbuffer_add(wd_deflate_wire_in(d), bad[i].p, bad[i].n);
        ck_assert_msg(!wd_deflate_in(d, plain, 1000), "row %zu", i);
    }
}
END_TEST

static struct server server;
static struct client client;

static void
echo_or_compress(struct session *s)
{
    struct wd_str line;

    while (s->conn && wd_conn_line(s->conn, 1000, &line) == WD_LINE_OK) {
        bool compress = wd_str_eq(line, WD_STR("COMPRESS"));
        wd_conn_printf(s->conn, "<%.*s>", WD_FMT(line));
        if (compress) {
            ck_assert(wd_conn_start_deflate(s->conn));
            ck_assert(!wd_conn_start_deflate(s->conn));
        }
    }
}

START_TEST(a_connection_is_compressed_from_the_next_byte_on)
{
    struct wd_buf back wd_auto(wd_buf_done) = { 0 };
    struct wd_buf first wd_auto(wd_buf_done) = { 0 };
    struct wd_buf packed wd_auto(wd_buf_done) = { 0 };
    struct end e;

    end_begin(&e);
    server_init(&server, _i == 1);
    server.options.secure = _i == 1;
    server.input = echo_or_compress;
    server_listen(&server);
    client_open(&client, &server);
    if (_i == 1) {
        client_secure(&client, NULL);
        until(&server, client.secure);
    }
    packed = pack(&e, WD_STR("early\r\n"));
    wd_buf_str(&first, WD_STR("plain\r\nCOMPRESS\r\n"));
    wd_buf_str(&first, wd_buf_view(&packed)); /* in the same packet */
    client_send(&client, wd_buf_view(&first));
    until(&server, client.got.n > 17);
    ck_assert(wd_str_starts(wd_buf_view(&client.got), WD_STR("<plain><COMPRESS>")));
    wd_buf_cut(&client.got, 17);
    unpack(&e, wd_buf_view(&client.got), &back);
    ck_assert(wd_str_eq(wd_buf_view(&back), WD_STR("<early>")));
    client.got.n = 0;
    wd_buf_done(&packed);
    packed = pack(&e, WD_STR("one\r\ntwo\r\n"));
    for (size_t i = 0; i < packed.n; i++) {
        client_send(&client, wd_str_n(packed.p + i, 1));
        settle_loop(&server);
    }
    until(&server, client.got.n > 0);
    unpack(&e, wd_buf_view(&client.got), &back);
    ck_assert(wd_str_eq(wd_buf_view(&back), WD_STR("<early><one><two>")));
    end_done(&e);
    client_done(&client);
    server_done(&server);
}
END_TEST

START_TEST(a_connection_under_a_bomb_keeps_to_its_limit)
{
    enum { SIZE = 16 << 20 };
    char *zeros = calloc(1, SIZE);
    struct wd_buf packed wd_auto(wd_buf_done) = { 0 };
    size_t total = 0;
    struct wd_conn *c;
    struct end e;

    end_begin(&e);
    packed = pack(&e, wd_str_n(zeros, SIZE));
    server_init(&server, false);
    server_listen(&server);
    client_open(&client, &server);
    until(&server, server.n == 1);
    c = server.sessions[0].conn;
    wd_conn_start_deflate(c);
    wd_conn_set_limit(c, 10000);
    client_send(&client, wd_buf_view(&packed));
    while (total < SIZE) {
        size_t n;
        until(&server, evbuffer_get_length(wd_conn_in(c)) > 0);
        n = evbuffer_get_length(wd_conn_in(c));
        ck_assert_uint_le(n, 10000);
        evbuffer_drain(wd_conn_in(c), n);
        total += n;
    }
    ck_assert_uint_eq(total, SIZE);
    free(zeros);
    end_done(&e);
    client_done(&client);
    server_done(&server);
}
END_TEST

START_TEST(damaged_input_ends_the_connection)
{
    server_init(&server, false);
    server.input = echo_or_compress;
    server_listen(&server);
    client_open(&client, &server);
    client_send(&client, WD_STR("COMPRESS\r\n"));
    until(&server, got_is(&client, WD_STR("<COMPRESS>")));
    client_send(&client, WD_STR("this is plain text\r\n\xff\xff\xff"));
    until(&server, server.sessions[0].closed == 1);
    ck_assert_str_eq(server.sessions[0].why, "compressed data is damaged");
    client_done(&client);
    server_done(&server);
}
END_TEST

START_TEST(a_slow_reader_of_compressed_output)
{
    struct wd_buf text wd_auto(wd_buf_done) = sample(16 << 20);
    struct wd_buf back wd_auto(wd_buf_done) = { 0 };
    struct session *s = &server.sessions[0];
    struct end e;

    end_begin(&e);
    server_init(&server, false);
    server_listen(&server);
    client_open(&client, &server);
    until(&server, server.n == 1);
    wd_conn_start_deflate(s->conn);
    client_deaf(&client, true);
    wd_conn_write(s->conn, wd_buf_view(&text));
    settle_loop(&server);
    ck_assert(wd_conn_over(s->conn));
    ck_assert_int_eq(s->drained, 0);
    client_deaf(&client, false);
    until(&server, s->drained == 1 && evbuffer_get_length(wd_conn_out(s->conn)) == 0);
    while (back.n < text.n) {
        until(&server, client.got.n > 0);
        unpack(&e, wd_buf_view(&client.got), &back);
        client.got.n = 0;
    }
    ck_assert(wd_str_eq(wd_buf_view(&back), wd_buf_view(&text)));
    end_done(&e);
    client_done(&client);
    server_done(&server);
}
END_TEST

int
main(void)
{
    TCase *cases = tcase_create("deflate");

    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, what_goes_out_comes_back);
    tcase_add_test(cases, nothing_new_sends_nothing);
    tcase_add_test(cases, a_rest_in_between_is_not_seen_by_the_client);
    tcase_add_test(cases, input_at_every_split);
    tcase_add_test(cases, a_bomb_is_opened_in_bounded_steps);
    tcase_add_test(cases, small_steps_hold_nothing_back);
    tcase_add_test(cases, what_is_no_deflate_is_refused);
    tcase_add_loop_test(cases, a_connection_is_compressed_from_the_next_byte_on, 0, 2);
    tcase_add_test(cases, a_connection_under_a_bomb_keeps_to_its_limit);
    tcase_add_test(cases, damaged_input_ends_the_connection);
    tcase_add_test(cases, a_slow_reader_of_compressed_output);
    return run_case("deflate", cases);
}

#include "common/net/conn.h"

#include <stdlib.h>

#include "common/base/alloc.h"
#include "common/base/clock.h"
#include "common/base/lifetime.h"
#include "tests/run.h"
#include "tests/unit/common/net/peer.h"

static struct server server;
static struct client client;

static void
begin(void (*input)(struct session *))
{
    server_init(&server, false);
    server.input = input;
    server_listen(&server);
    client_open(&client, &server);
    until(&server, server.n == 1);
}

static void
set_echo(struct session *s)
{
    s->server->input = echo_lines;
}

START_TEST(lines_end_with_lf_or_crlf)
{
    begin(echo_lines);
    client_send(&client, WD_STR("one\r\ntwo\n\r\n\nthree\r\r\nrest"));
    until(&server, got_is(&client, WD_STR("<one><two><><><three\r>")));
    client_send(&client, WD_STR("\n"));
    until(&server, got_is(&client, WD_STR("<one><two><><><three\r><rest>")));
    peer_end(&server, &client);
}
END_TEST

START_TEST(lines_come_whole_however_they_are_split)
{
    static const struct wd_str text = WD_STR_C("a1 NOOP\r\nb2 LOGIN x y\nc\r\n");

    begin(echo_lines);
    for (size_t at = 0; at < text.n; at++) {
        client.got.n = 0;
        client_send(&client, wd_str_part(text, 0, at));
        settle_loop(&server);
        client_send(&client, wd_str_part(text, at, text.n));
        until(&server, got_is(&client, WD_STR("<a1 NOOP><b2 LOGIN x y><c>")));
    }
    peer_end(&server, &client);
}
END_TEST

START_TEST(a_line_may_be_as_long_as_allowed_and_not_longer)
{
    struct wd_str line;

    begin(NULL);
    client_send(&client, WD_STR("12345678\r\n"));
    until(&server, evbuffer_get_length(wd_conn_in(server.sessions[0].conn)) == 10);
    ck_assert_int_eq(wd_conn_line(server.sessions[0].conn, 7, &line), WD_LINE_TOO_LONG);
    ck_assert_int_eq(wd_conn_line(server.sessions[0].conn, 8, &line), WD_LINE_OK);
    ck_assert(wd_str_eq(line, WD_STR("12345678")));
    client_send(&client, WD_STR("123456789\n"));
    until(&server, evbuffer_get_length(wd_conn_in(server.sessions[0].conn)) == 10);
    ck_assert_int_eq(wd_conn_line(server.sessions[0].conn, 8, &line), WD_LINE_TOO_LONG);
    ck_assert_int_eq(wd_conn_line(server.sessions[0].conn, 9, &line), WD_LINE_OK);
    client_send(&client, WD_STR("123456789"));
    until(&server, evbuffer_get_length(wd_conn_in(server.sessions[0].conn)) == 9);
    ck_assert_int_eq(wd_conn_line(server.sessions[0].conn, 8, &line), WD_LINE_MORE); /* the last may be a CR */
    ck_assert_int_eq(wd_conn_line(server.sessions[0].conn, 7, &line), WD_LINE_TOO_LONG);
    peer_end(&server, &client);
}
END_TEST

START_TEST(a_line_longer_than_what_is_read_ahead_is_too_long)
{
    struct wd_str line;

    begin(NULL);
    wd_conn_set_limit(server.sessions[0].conn, 100);
    struct wd_buf text = peer_bytes(1000);
    client_send(&client, wd_buf_view(&text));
    wd_buf_done(&text);
    until(&server, evbuffer_get_length(wd_conn_in(server.sessions[0].conn)) == 100);
    ck_assert_int_eq(wd_conn_line(server.sessions[0].conn, 5000, &line), WD_LINE_TOO_LONG);
    peer_end(&server, &client);
}
END_TEST

START_TEST(reading_pauses_at_the_limit_and_goes_on)
{
    struct wd_buf text = peer_bytes(1 << 20);
    struct session *s = &server.sessions[0];

    begin(NULL);
    wd_conn_set_limit(s->conn, 1000);
    client_send(&client, wd_str_n(text.p, 60000));
    settle_loop(&server);
    ck_assert_uint_eq(evbuffer_get_length(wd_conn_in(s->conn)), 1000);
    collect(s); /* outside of any callback */
    until(&server, evbuffer_get_length(wd_conn_in(s->conn)) == 1000);
    wd_conn_set_limit(s->conn, 0);
    collect(s);
    settle_loop(&server);
    ck_assert_uint_eq(evbuffer_get_length(wd_conn_in(s->conn)), 0);
    server.input = collect;
    wd_conn_set_limit(s->conn, 5000);
    client_send(&client, wd_str_n(text.p + 60000, text.n - 60000));
    until(&server, s->seen.n == text.n);
    ck_assert(wd_str_eq(wd_buf_view(&s->seen), wd_buf_view(&text)));
    wd_buf_done(&text);
    peer_end(&server, &client);
}
END_TEST

START_TEST(a_slow_reader_is_over_and_then_drained)
{
    struct wd_buf text = peer_bytes(16 << 20);
    struct session *s = &server.sessions[0];

    begin(NULL);
    client_deaf(&client, true);
    ck_assert(!wd_conn_over(s->conn));
    wd_conn_write(s->conn, wd_buf_view(&text));
    ck_assert(wd_conn_over(s->conn));
    settle_loop(&server);
    ck_assert(wd_conn_over(s->conn));
    ck_assert_int_eq(s->drained, 0);
    client_deaf(&client, false);
    until(&server, client.got.n == text.n);
    ck_assert_int_eq(s->drained, 1);
    ck_assert(!wd_conn_over(s->conn));
    ck_assert(got_is(&client, wd_buf_view(&text)));
    wd_buf_done(&text);
    peer_end(&server, &client);
}
END_TEST

static int refills;

static void
refill(struct session *s)
{
    struct wd_buf text = peer_bytes(WD_CONN_HIGH + 1000);

    if (refills++ < 20)
        wd_conn_write(s->conn, wd_buf_view(&text));
    wd_buf_done(&text);
}

START_TEST(a_producer_that_refills_when_drained_sends_all)
{
    begin(NULL);
    server.drain = refill;
    refills = 0;
    refill(&server.sessions[0]);
    until(&server, client.got.n == 20u * (WD_CONN_HIGH + 1000));
    ck_assert_int_eq(server.sessions[0].drained, 20);
    peer_end(&server, &client);
}
END_TEST

START_TEST(output_made_outside_of_callbacks_leaves_too)
{
    begin(NULL);
    wd_conn_printf(server.sessions[0].conn, "%d ", 42);
    evbuffer_add_printf(wd_conn_out(server.sessions[0].conn), "done");
    until(&server, got_is(&client, WD_STR("42 done")));
    wd_conn_write(server.sessions[0].conn, WD_STR("!"));
    wd_conn_flush(server.sessions[0].conn);
    ck_assert_uint_eq(evbuffer_get_length(wd_conn_out(server.sessions[0].conn)), 0);
    until(&server, got_is(&client, WD_STR("42 done!")));
    peer_end(&server, &client);
}
END_TEST

START_TEST(the_client_closes)
{
    begin(collect);
    client_send(&client, WD_STR("last words"));
    client_done(&client);
    until(&server, server.sessions[0].closed == 1);
    ck_assert(wd_str_eq(wd_buf_view(&server.sessions[0].seen), WD_STR("last words")));
    ck_assert_str_eq(server.sessions[0].why, "closed by the client");
    ck_assert_uint_eq(wd_listener_connections(server.listener), 0);
    server_done(&server);
}
END_TEST

static void
fail_to_flush(struct session *s)
{
    struct wd_buf text = peer_bytes(16 << 20);

    client_done(&client); /* with unread input: the kernel resets the connection */
    for (int i = 0; i < 3; i++) {
        wd_conn_write(s->conn, wd_buf_view(&text));
        wd_conn_flush(s->conn);
    }
    ck_assert_int_eq(s->closed, 0);
    wd_buf_done(&text);
}

START_TEST(a_failed_flush_is_told_after_the_callback)
{
    begin(fail_to_flush);
    client_send(&client, WD_STR("x"));
    until(&server, server.sessions[0].closed == 1);
    server_done(&server);
}
END_TEST

START_TEST(silence_times_out_again_and_again)
{
    int64_t from;

    begin(collect);
    from = wd_mono_ms();
    wd_conn_set_timeout(server.sessions[0].conn, 60);
    until(&server, server.sessions[0].timeouts == 2);
    ck_assert_int_ge(wd_mono_ms() - from, 120);
    wd_conn_set_timeout(server.sessions[0].conn, 0);
    until(&server, wd_mono_ms() - from > 300);
    ck_assert_int_eq(server.sessions[0].timeouts, 2);
    peer_end(&server, &client);
}
END_TEST

START_TEST(traffic_puts_the_timeout_off)
{
    int64_t from, at;

    begin(collect);
    from = wd_mono_ms();
    wd_conn_set_timeout(server.sessions[0].conn, 200);
    until(&server, wd_mono_ms() - from > 100);
    client_send(&client, WD_STR("x"));
    until(&server, server.sessions[0].seen.n == 1);
    at = wd_mono_ms();
    until(&server, server.sessions[0].timeouts == 1);
    ck_assert_int_ge(wd_mono_ms() - at, 195);
    peer_end(&server, &client);
}
END_TEST

START_TEST(a_shorter_timeout_counts_at_once)
{
    int64_t from;

    begin(NULL);
    wd_conn_set_timeout(server.sessions[0].conn, 60 * 1000);
    settle_loop(&server);
    from = wd_mono_ms();
    wd_conn_set_timeout(server.sessions[0].conn, 50);
    until(&server, server.sessions[0].timeouts == 1);
    ck_assert_int_lt(wd_mono_ms() - from, 3000);
    peer_end(&server, &client);
}
END_TEST

static void
say_bye_and_close(struct session *s)
{
    wd_conn_write(s->conn, WD_STR("* BYE\r\n"));
    wd_conn_close(s->conn);
    s->conn = NULL;
}

START_TEST(close_sends_what_is_left_and_waits_for_the_client)
{
    begin(say_bye_and_close);
    client_send(&client, WD_STR("LOGOUT\r\n"));
    until(&server, client.closed);
    ck_assert(!client.failed);
    ck_assert(got_is(&client, WD_STR("* BYE\r\n")));
    ck_assert_uint_eq(wd_listener_connections(server.listener), 1);
    client_send(&client, WD_STR("more that nobody reads")); /* must not lead to a reset */
    settle_loop(&server);
    client_done(&client);
    until(&server, wd_listener_connections(server.listener) == 0);
    ck_assert_int_eq(server.sessions[0].inputs, 1);
    ck_assert_int_eq(server.sessions[0].closed, 0);
    server_done(&server);
}
END_TEST

START_TEST(close_gives_up_after_a_while)
{
    int64_t from = wd_mono_ms();
    struct wd_buf text = peer_bytes(16 << 20);

    begin(NULL);
    client_deaf(&client, true);
    wd_conn_write(server.sessions[0].conn, wd_buf_view(&text));
    say_bye_and_close(&server.sessions[0]);
    until(&server, wd_listener_connections(server.listener) == 0);
    ck_assert_int_ge(wd_mono_ms() - from, 1400);
    ck_assert_int_le(wd_mono_ms() - from, 6000); /* until() itself waits for five seconds */
    wd_buf_done(&text);
    peer_end(&server, &client);
}
END_TEST

static void
write_and_free(struct session *s)
{
    wd_conn_write(s->conn, WD_STR("never seen"));
    free_now(s);
}

START_TEST(freeing_inside_of_input)
{
    begin(write_and_free);
    client_send(&client, WD_STR("x"));
    until(&server, client.closed);
    ck_assert_uint_eq(client.got.n, 0);
    peer_end(&server, &client);
}
END_TEST

START_TEST(freeing_inside_of_drained)
{
    struct wd_buf text = peer_bytes(WD_CONN_HIGH + 1);

    begin(NULL);
    server.drain = free_now;
    wd_conn_write(server.sessions[0].conn, wd_buf_view(&text));
    until(&server, client.closed);
    ck_assert_int_eq(server.sessions[0].drained, 1);
    wd_buf_done(&text);
    peer_end(&server, &client);
}
END_TEST

START_TEST(freeing_inside_of_timeout)
{
    begin(NULL);
    server.timeout = free_now;
    wd_conn_set_timeout(server.sessions[0].conn, 20);
    until(&server, client.closed);
    peer_end(&server, &client);
}
END_TEST

START_TEST(freeing_inside_of_the_start)
{
    server_init(&server, false);
    server.start = free_now;
    server_listen(&server);
    client_open(&client, &server);
    until(&server, client.closed);
    peer_end(&server, &client);
}
END_TEST

START_TEST(closing_inside_of_the_start)
{
    server_init(&server, false);
    server.start = say_bye_and_close;
    server_listen(&server);
    client_open(&client, &server);
    until(&server, client.closed);
    ck_assert(got_is(&client, WD_STR("* BYE\r\n")));
    peer_end(&server, &client);
}
END_TEST

START_TEST(input_that_came_before_the_owner_is_announced)
{
    server_init(&server, false);
    server.start = set_echo;
    server_listen(&server);
    client_open(&client, &server);
    client_send(&client, WD_STR("early\r\n"));
    until(&server, got_is(&client, WD_STR("<early>")));
    peer_end(&server, &client);
}
END_TEST

START_TEST(it_has_a_name_and_an_address)
{
    struct client other;

    begin(NULL);
    client_open(&other, &server);
    until(&server, server.n == 2);
    ck_assert_str_eq(wd_conn_ip(server.sessions[0].conn), "127.0.0.1");
    ck_assert_uint_eq(strlen(wd_conn_id(server.sessions[0].conn)), 16);
    ck_assert_uint_eq(strspn(wd_conn_id(server.sessions[0].conn), "abcdefghijklmnopqrstuvwxyz234567"), 16);
    ck_assert_str_ne(wd_conn_id(server.sessions[0].conn), wd_conn_id(server.sessions[1].conn));
    ck_assert(!wd_conn_is_tls(server.sessions[0].conn));
    ck_assert(!wd_conn_is_private(server.sessions[0].conn));
    ck_assert_str_eq(wd_conn_cipher(server.sessions[0].conn), "");
    ck_assert_ptr_eq(wd_conn_listener(server.sessions[0].conn), &server.options);
    client_done(&other);
    peer_end(&server, &client);
}
END_TEST

int
main(void)
{
    TCase *cases = tcase_create("conn");

    tcase_set_timeout(cases, 30);
    tcase_add_test(cases, lines_end_with_lf_or_crlf);
    tcase_add_test(cases, lines_come_whole_however_they_are_split);
    tcase_add_test(cases, a_line_may_be_as_long_as_allowed_and_not_longer);
    tcase_add_test(cases, a_line_longer_than_what_is_read_ahead_is_too_long);
    tcase_add_test(cases, reading_pauses_at_the_limit_and_goes_on);
    tcase_add_test(cases, a_slow_reader_is_over_and_then_drained);
    tcase_add_test(cases, a_producer_that_refills_when_drained_sends_all);
    tcase_add_test(cases, output_made_outside_of_callbacks_leaves_too);
    tcase_add_test(cases, the_client_closes);
    tcase_add_test(cases, a_failed_flush_is_told_after_the_callback);
    tcase_add_test(cases, silence_times_out_again_and_again);
    tcase_add_test(cases, traffic_puts_the_timeout_off);
    tcase_add_test(cases, a_shorter_timeout_counts_at_once);
    tcase_add_test(cases, close_sends_what_is_left_and_waits_for_the_client);
    tcase_add_test(cases, close_gives_up_after_a_while);
    tcase_add_test(cases, freeing_inside_of_input);
    tcase_add_test(cases, freeing_inside_of_drained);
    tcase_add_test(cases, freeing_inside_of_timeout);
    tcase_add_test(cases, freeing_inside_of_the_start);
    tcase_add_test(cases, closing_inside_of_the_start);
    tcase_add_test(cases, input_that_came_before_the_owner_is_announced);
    tcase_add_test(cases, it_has_a_name_and_an_address);
    return run_case("conn", cases);
}

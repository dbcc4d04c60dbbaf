#include "common/net/listener.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/lifetime.h"
#include "tests/run.h"
#include "tests/unit/common/net/peer.h"

static const char *const loopback[] = { "127.0.0.0/8", NULL };
static const char *const others[] = { "192.0.2.1", NULL };
static struct server server;
static struct client client;

static void
begin(bool with_tls)
{
    server_init(&server, with_tls);
    server.input = echo_lines;
}

static void
end(void)
{
    client_done(&client);
    server_done(&server);
}

START_TEST(proxy_header_names_the_client)
{
    static const struct {
        struct wd_str header;
        const char *ip;
    } rows[] = { { WD_STR_C("PROXY TCP4 198.51.100.7 192.0.2.1 1000 143\r\n"), "198.51.100.7" },
                 { WD_STR_C("PROXY UNKNOWN\r\n"), "127.0.0.1" },
                 { WD_STR_C("\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc6\x33\x64\x08\xc6\x33\x64\x02\xd4\x31\0\x8f"),
                   "198.51.100.8" } };
    struct wd_str header = rows[_i].header;

    begin(false);
    server.options.proxies = loopback;
    server_listen(&server);
    for (size_t at = 0; at <= header.n; at++) {
        struct wd_buf rest wd_auto(wd_buf_done) = { 0 };
        client_open(&client, &server);
        client_send(&client, wd_str_part(header, 0, at));
        settle_loop(&server);
        ck_assert_int_eq(server.n, at == header.n);
        wd_buf_str(&rest, wd_str_part(header, at, header.n));
        wd_buf_c(&rest, "hello\r\n"); /* behind the header in one packet: kept */
        client_send(&client, wd_buf_view(&rest));
        until(&server, got_is(&client, WD_STR("<hello>")));
        ck_assert_str_eq(wd_conn_ip(server.sessions[0].conn), rows[_i].ip);
        free_now(&server.sessions[0]);
        server.n = 0;
        client_done(&client);
    }
    server_done(&server);
}
END_TEST

START_TEST(proxy_header_comes_before_tls)
{
    begin(true);
    server.options.proxies = loopback;
    server.options.secure = true;
    server_listen(&server);
    client_open(&client, &server);
    client_send(&client, WD_STR("PROXY TCP4 198.51.100.7 192.0.2.1 1000 143\r\n"));
    client_secure(&client, NULL); /* the handshake follows without a pause */
    until(&server, client.secure);
    client_send(&client, WD_STR("hello\r\n"));
    until(&server, got_is(&client, WD_STR("<hello>")));
    ck_assert_str_eq(wd_conn_ip(server.sessions[0].conn), "198.51.100.7");
    end();
}
END_TEST

START_TEST(a_bad_proxy_header_is_answered_and_the_connection_closed)
{
    begin(false);
    server.options.proxies = loopback;
    server.options.proxy_refusal = "* BAD Invalid PROXY header";
    server_listen(&server);
    client_open(&client, &server);
    client_send(&client, WD_STR("a NOOP\r\n"));
    until(&server, client.closed);
    ck_assert(got_is(&client, WD_STR("* BAD Invalid PROXY header\r\n")));
    ck_assert_int_eq(server.n, 0);
    end();
}
END_TEST

START_TEST(a_peer_that_is_no_proxy_cannot_send_a_header)
{
    begin(false);
    server.options.proxies = others;
    server_listen(&server);
    client_open(&client, &server);
    client_send(&client, WD_STR("PROXY UNKNOWN\r\n"));
    until(&server, got_is(&client, WD_STR("<PROXY UNKNOWN>")));
    end();
}
END_TEST

START_TEST(a_proxy_header_that_never_ends_is_given_up)
{
    begin(false);
    server.options.proxies = loopback;
    server.options.handshake_timeout_ms = 100;
    server_listen(&server);
    client_open(&client, &server);
    client_send(&client, WD_STR("PROXY TC"));
    until(&server, client.closed);
    ck_assert_uint_eq(wd_listener_connections(server.listener), 0);
    end();
}
END_TEST

START_TEST(connections_over_the_limit_are_refused)
{
    struct client more;

    begin(false);
    server.options.max_connections = _i == 0 ? 1 : 0;
    server.options.max_per_ip = _i == 1 ? 1 : 0;
    server.options.refusal = "* BYE Too many connections\r\n";
    server_listen(&server);
    client_open(&client, &server);
    until(&server, server.n == 1);
    client_open(&more, &server);
    until(&server, more.closed);
    ck_assert(got_is(&more, WD_STR("* BYE Too many connections\r\n")));
    client_done(&more);
    until(&server, wd_listener_connections(server.listener) == 1);
    client_done(&client);
    until(&server, wd_listener_connections(server.listener) == 0);
    client_open(&client, &server);
    until(&server, server.n == 2); /* there is room again */
    end();
}
END_TEST

START_TEST(the_limit_counts_the_address_of_the_proxy_header)
{
    static const char *const headers[] = { "PROXY TCP4 198.51.100.1 192.0.2.1 1 2\r\n",
                                           "PROXY TCP4 198.51.100.2 192.0.2.1 1 2\r\n",
                                           "PROXY TCP4 198.51.100.1 192.0.2.1 3 4\r\n" };
    struct client clients[3];

    begin(false);
    server.options.proxies = loopback;
    server.options.max_per_ip = 1;
    server.options.refusal = "no";
    server_listen(&server);
    for (int i = 0; i < 3; i++) {
        client_open(&clients[i], &server);
        client_send(&clients[i], wd_str_c(headers[i]));
        settle_loop(&server);
    }
    until(&server, clients[2].closed);
    ck_assert(got_is(&clients[2], WD_STR("no\r\n")));
    ck_assert_int_eq(server.n, 2);
    for (int i = 0; i < 3; i++)
        client_done(&clients[i]);
    server_done(&server);
}
END_TEST

START_TEST(no_plain_text_refusal_where_tls_is_spoken)
{
    struct client more;

    begin(true);
    server.options.secure = true;
    server.options.max_connections = _i == 0 ? 1 : 0;
    server.options.max_per_ip = _i == 1 ? 1 : 0;
    server.options.refusal = "* BYE";
    server_listen(&server);
    client_open(&client, &server);
    until(&server, wd_listener_connections(server.listener) == 1);
    client_open(&more, &server);
    until(&server, more.closed);
    ck_assert_uint_eq(more.got.n, 0);
    client_done(&more);
    end();
}
END_TEST

START_TEST(a_stopped_listener_keeps_its_connections)
{
    struct sockaddr_in to = { .sin_family = AF_INET };
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    begin(false);
    server_listen(&server);
    client_open(&client, &server);
    until(&server, server.n == 1);
    to.sin_port = htons((uint16_t)wd_listener_port(server.listener));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    wd_listener_stop(server.listener);
    wd_listener_stop(server.listener);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&to, sizeof to), -1);
    client_send(&client, WD_STR("on\r\n"));
    until(&server, got_is(&client, WD_STR("<on>")));
    close(fd);
    end();
}
END_TEST

START_TEST(loops_of_one_process_share_a_port)
{
    struct wd_error err = { .reason = WD_NO_ERROR };
    struct wd_listener_options second;
    struct wd_listener *l;

    begin(false);
    server_listen(&server);
    second = server.options;
    second.port = wd_listener_port(server.listener);
    l = wd_listener_new(server.loop, &second, &err);
    ck_assert_msg(l != NULL, "%s", err.text);
    ck_assert_int_eq(wd_listener_port(l), second.port);
    wd_listener_free(l);
    server_done(&server);
}
END_TEST

/* A second daemon with SO_REUSEPORT would otherwise silently take half of the connections. */
START_TEST(a_port_of_another_process_is_taken)
{
    struct wd_error err = { .reason = WD_NO_ERROR };
    struct sockaddr_in at = { .sin_family = AF_INET };
    socklen_t n = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM, 0), yes = 1;

    begin(false);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &yes, sizeof yes);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    ck_assert_int_eq(listen(fd, 1), 0);
    getsockname(fd, (struct sockaddr *)&at, &n);
    server.options.port = ntohs(at.sin_port);
    ck_assert_ptr_null(wd_listener_new(server.loop, &server.options, &err));
    ck_assert_int_eq(err.reason, WD_UNAVAILABLE);
    ck_assert_msg(strstr(err.text, "in use") != NULL, "%s", err.text);
    close(fd);
    server_done(&server);
}
END_TEST

START_TEST(bad_addresses_are_refused)
{
    static const struct {
        const char *host;
        int port;
    } bad[] = { { "not an address", 0 }, { "127.0.0.1", -1 }, { "127.0.0.1", 65536 }, { "192.0.2.1", 0 } };
    struct wd_error err;

    begin(false);
    for (size_t i = 0; i < WD_COUNT(bad); i++) {
        server.options.host = bad[i].host;
        server.options.port = bad[i].port;
        ck_assert_ptr_null(wd_listener_new(server.loop, &server.options, &err));
    }
    server_done(&server);
}
END_TEST

START_TEST(accepting_goes_on_after_descriptors_ran_out)
{
    struct rlimit limit, low;
    int highest;

    begin(false);
    server_listen(&server);
    client_open(&client, &server); /* in the backlog: the loop has not run */
    highest = open("/dev/null", O_RDONLY);
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    low = limit;
    low.rlim_cur = (rlim_t)highest; /* none is left below */
    close(highest);
    highest = fcntl(client.fd, F_DUPFD, 0);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &low), 0);
    settle_loop(&server);
    ck_assert_int_eq(server.n, 0);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    close(highest);
    until(&server, server.n == 1);
    end();
}
END_TEST

START_TEST(many_connections_at_once)
{
    struct client clients[50];

    begin(false);
    server_listen(&server);
    for (int i = 0; i < 50; i++)
        client_open(&clients[i], &server);
    for (int i = 0; i < 50; i++)
        client_send(&clients[i], WD_STR("x\r\n"));
    for (int i = 0; i < 50; i++) {
        until(&server, got_is(&clients[i], WD_STR("<x>")));
        client_done(&clients[i]);
    }
    until(&server, wd_listener_connections(server.listener) == 0);
    server_done(&server);
}
END_TEST

START_TEST(a_listener_that_is_freed_takes_lingering_connections_along)
{
    begin(false);
    server_listen(&server);
    client_open(&client, &server);
    until(&server, server.n == 1);
    wd_conn_close(server.sessions[0].conn);
    server.sessions[0].conn = NULL;
    settle_loop(&server);
    ck_assert_uint_eq(wd_listener_connections(server.listener), 1);
    end();
}
END_TEST

START_TEST(secured_listeners_are_private)
{
    begin(false);
    server.options.secured = true;
    server_listen(&server);
    client_open(&client, &server);
    until(&server, server.n == 1);
    ck_assert(wd_conn_is_private(server.sessions[0].conn));
    ck_assert(!wd_conn_is_tls(server.sessions[0].conn));
    end();
}
END_TEST

int
main(void)
{
    TCase *cases = tcase_create("listener");

    tcase_set_timeout(cases, 30);
    tcase_add_loop_test(cases, proxy_header_names_the_client, 0, 3);
    tcase_add_test(cases, proxy_header_comes_before_tls);
    tcase_add_test(cases, a_bad_proxy_header_is_answered_and_the_connection_closed);
    tcase_add_test(cases, a_peer_that_is_no_proxy_cannot_send_a_header);
    tcase_add_test(cases, a_proxy_header_that_never_ends_is_given_up);
    tcase_add_loop_test(cases, connections_over_the_limit_are_refused, 0, 2);
    tcase_add_test(cases, the_limit_counts_the_address_of_the_proxy_header);
    tcase_add_loop_test(cases, no_plain_text_refusal_where_tls_is_spoken, 0, 2);
    tcase_add_test(cases, a_stopped_listener_keeps_its_connections);
    tcase_add_test(cases, loops_of_one_process_share_a_port);
    tcase_add_test(cases, a_port_of_another_process_is_taken);
    tcase_add_test(cases, bad_addresses_are_refused);
    tcase_add_test(cases, accepting_goes_on_after_descriptors_ran_out);
    tcase_add_test(cases, many_connections_at_once);
    tcase_add_test(cases, a_listener_that_is_freed_takes_lingering_connections_along);
    tcase_add_test(cases, secured_listeners_are_private);
    return run_case("listener", cases);
}

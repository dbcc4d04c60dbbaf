#include "common/net/tls.h"

#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/lifetime.h"
#include "tests/run.h"
#include "tests/unit/common/net/peer.h"

static struct server server;
static struct client client;

static void
echo_or_starttls(struct session *s)
{
    struct wd_str line;

    while (wd_conn_line(s->conn, 1000, &line) == WD_LINE_OK) {
        if (wd_str_eq(line, WD_STR("STARTTLS"))) {
            wd_conn_write(s->conn, WD_STR("OK\r\n"));
            wd_conn_start_tls(s->conn);
            return;
        }
        wd_conn_printf(s->conn, "<%.*s>", WD_FMT(line));
    }
}

static void
begin(bool secure, void (*input)(struct session *))
{
    server_init(&server, true);
    server.options.secure = secure;
    server.input = input;
    server_listen(&server);
    client_open(&client, &server);
    if (secure)
        client_secure(&client, NULL);
    until(&server, server.n == 1);
}

/* The common name of the certificate that a new client is shown for a name. */
static const char *
shown_to(const char *name)
{
    static char common[256];
    struct client c;
    X509 *cert;

    client_open(&c, &server);
    client_secure(&c, name);
    until(&server, c.secure);
    cert = SSL_get1_peer_certificate(c.ssl);
    ck_assert_ptr_nonnull(cert);
    X509_NAME_get_text_by_NID(X509_get_subject_name(cert), NID_commonName, common, sizeof common);
    X509_free(cert);
    client_done(&c);
    return common;
}

START_TEST(tls_from_the_first_byte)
{
    begin(true, echo_lines);
    until(&server, client.secure);
    ck_assert_int_eq(server.sessions[0].secured, 0);
    ck_assert(wd_conn_is_tls(server.sessions[0].conn));
    ck_assert(wd_conn_is_private(server.sessions[0].conn));
    ck_assert_str_eq(wd_conn_cipher(server.sessions[0].conn), "TLSv1.3 TLS_AES_256_GCM_SHA384");
    client_send(&client, WD_STR("hello\r\n"));
    until(&server, got_is(&client, WD_STR("<hello>")));
    peer_end(&server, &client);
}
END_TEST

START_TEST(large_transfers_both_ways)
{
    struct wd_buf text = peer_bytes(5 << 20);
    struct session *s = &server.sessions[0];

    begin(true, collect);
    until(&server, client.secure);
    client_send(&client, wd_buf_view(&text));
    until(&server, s->seen.n == text.n);
    ck_assert(wd_str_eq(wd_buf_view(&s->seen), wd_buf_view(&text)));
    wd_conn_write(s->conn, wd_buf_view(&text));
    ck_assert(wd_conn_over(s->conn));
    until(&server, client.got.n == text.n);
    ck_assert(got_is(&client, wd_buf_view(&text)));
    until(&server, s->drained == 1);
    wd_buf_done(&text);
    peer_end(&server, &client);
}
END_TEST

START_TEST(what_openssl_holds_back_is_read_when_reading_goes_on)
{
    struct session *s = &server.sessions[0];
    struct wd_buf text = peer_bytes(16000);

    begin(true, NULL);
    until(&server, client.secure);
    wd_conn_set_limit(s->conn, 100);
    client_send(&client, wd_buf_view(&text)); /* one record: the socket has nothing more to announce */
    until(&server, evbuffer_get_length(wd_conn_in(s->conn)) == 100);
    settle_loop(&server);
    ck_assert_uint_eq(evbuffer_get_length(wd_conn_in(s->conn)), 100);
    server.input = collect;
    collect(s);
    until(&server, s->seen.n == text.n);
    ck_assert(wd_str_eq(wd_buf_view(&s->seen), wd_buf_view(&text)));
    wd_buf_done(&text);
    peer_end(&server, &client);
}
END_TEST

START_TEST(starttls)
{
    begin(false, echo_or_starttls);
    ck_assert(!wd_conn_is_private(server.sessions[0].conn));
    client_send(&client, WD_STR("a\r\nSTARTTLS\r\n"));
    until(&server, got_is(&client, WD_STR("<a>OK\r\n")));
    client_secure(&client, NULL);
    until(&server, client.secure && server.sessions[0].secured == 1);
    client.got.n = 0;
    client_send(&client, WD_STR("b\r\n"));
    until(&server, got_is(&client, WD_STR("<b>")));
    ck_assert(wd_conn_is_tls(server.sessions[0].conn));
    peer_end(&server, &client);
}
END_TEST

START_TEST(starttls_drops_what_was_injected_in_plain_text)
{
    static const char *const injected[] = { "STARTTLS\r\nINJECTED\r\n", "STARTTLS\r\nINJE" };

    begin(false, echo_or_starttls);
    client_send(&client, wd_str_c(injected[_i]));
    until(&server, got_is(&client, WD_STR("OK\r\n")));
    client_secure(&client, NULL);
    until(&server, client.secure && server.sessions[0].secured == 1);
    settle_loop(&server);
    ck_assert(got_is(&client, WD_STR("OK\r\n")));
    client_send(&client, WD_STR("b\r\n"));
    until(&server, got_is(&client, WD_STR("OK\r\n<b>")));
    peer_end(&server, &client);
}
END_TEST

static void
starttls_at_once(struct session *s)
{
    if (s->inputs > 1)
        return;
    evbuffer_drain(wd_conn_in(s->conn), 1);
    wd_conn_write(s->conn, WD_STR("OK\r\n"));
    wd_conn_start_tls(s->conn);
}

/* The rest of the injected text is still in the kernel when STARTTLS is taken. */
START_TEST(starttls_drops_what_the_kernel_holds)
{
    server_init(&server, true);
    server.input = starttls_at_once;
    server_listen(&server);
    client_open(&client, &server);
    until(&server, server.n == 1);
    wd_conn_set_limit(server.sessions[0].conn, 1);
    client_send(&client, WD_STR("SINJECTED\r\n"));
    until(&server, got_is(&client, WD_STR("OK\r\n")));
    client_secure(&client, NULL);
    until(&server, client.secure && server.sessions[0].secured == 1);
    peer_end(&server, &client);
}
END_TEST

START_TEST(starttls_with_a_client_that_talks_on_in_plain_text)
{
    begin(false, echo_or_starttls);
    client_send(&client, WD_STR("STARTTLS\r\n"));
    until(&server, got_is(&client, WD_STR("OK\r\n")));
    client_send(&client, WD_STR("a LOGIN user password\r\n"));
    until(&server, server.sessions[0].closed == 1);
    ck_assert_int_eq(server.sessions[0].secured, 0);
    ck_assert_str_ne(server.sessions[0].why, "");
    peer_end(&server, &client);
}
END_TEST

START_TEST(a_handshake_that_never_ends_is_given_up)
{
    server_init(&server, true);
    server.options.secure = _i == 0;
    server.options.handshake_timeout_ms = 100;
    server.input = echo_or_starttls;
    server_listen(&server);
    client_open(&client, &server);
    if (_i == 1)
        client_send(&client, WD_STR("STARTTLS\r\n"));
    until(&server, client.closed);
    ck_assert_int_eq(server.n, _i);
    if (_i == 1)
        ck_assert_str_eq(server.sessions[0].why, "TLS handshake timed out");
    ck_assert_uint_eq(wd_listener_connections(server.listener), 0);
    peer_end(&server, &client);
}
END_TEST

START_TEST(freeing_inside_of_secured)
{
    begin(false, echo_or_starttls);
    server.secure = free_now;
    client_send(&client, WD_STR("STARTTLS\r\n"));
    until(&server, got_is(&client, WD_STR("OK\r\n")));
    client_secure(&client, NULL);
    until(&server, client.closed);
    peer_end(&server, &client);
}
END_TEST

START_TEST(closing_says_so_to_the_client)
{
    begin(true, NULL);
    until(&server, client.secure);
    wd_conn_write(server.sessions[0].conn, WD_STR("bye"));
    wd_conn_close(server.sessions[0].conn);
    server.sessions[0].conn = NULL;
    until(&server, client.closed);
    ck_assert(!client.failed); /* close_notify came */
    ck_assert(got_is(&client, WD_STR("bye")));
    peer_end(&server, &client);
}
END_TEST

START_TEST(starttls_without_a_certificate_ends_the_connection)
{
    server_init(&server, false);
    server.input = echo_or_starttls;
    server_listen(&server);
    client_open(&client, &server);
    client_send(&client, WD_STR("STARTTLS\r\n"));
    until(&server, client.closed);
    ck_assert_str_eq(server.sessions[0].why, "no certificate is configured");
    peer_end(&server, &client);
}
END_TEST

START_TEST(the_newest_protocols_only)
{
    static const struct {
        const char *least;
        int client;
        bool ok;
    } rows[] = { { NULL, TLS1_1_VERSION, false }, { NULL, TLS1_2_VERSION, true },      { NULL, TLS1_3_VERSION, true },
                 { "TLSv1.3", TLS1_2_VERSION, false }, { "tlsv1.2", TLS1_2_VERSION, true },
                 { "TLSv1", TLS1_VERSION, true } };
    struct wd_error err;
    char file[128];

    server_init(&server, true);
    snprintf(file, sizeof file, "%s/cert.pem", server.dir);
    wd_tls_free(server.tls);
    server.tls = wd_tls_new(&(struct wd_tls_options){ .certificate_file = file, .min_version = rows[_i].least }, &err);
    server.options.tls = server.tls;
    server.options.secure = true;
    server_listen(&server);
    client_open(&client, &server);
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_cipher_list(context, "DEFAULT:@SECLEVEL=0");
    SSL_CTX_set_min_proto_version(context, rows[_i].client);
    SSL_CTX_set_max_proto_version(context, rows[_i].client);
    client.ssl = SSL_new(context);
    SSL_CTX_free(context);
    SSL_set_fd(client.ssl, client.fd);
    SSL_connect(client.ssl);
    until(&server, client.secure || client.closed);
    ck_assert_int_eq(client.secure, rows[_i].ok);
    peer_end(&server, &client);
}
END_TEST

START_TEST(ciphers_of_both_generations_in_one_list)
{
    struct wd_error err = { .reason = WD_NO_ERROR };
    char file[128];

    server_init(&server, true);
    snprintf(file, sizeof file, "%s/cert.pem", server.dir);
    wd_tls_free(server.tls);
    server.tls = wd_tls_new(&(struct wd_tls_options){ .certificate_file = file,
                                .ciphers = "TLS_CHACHA20_POLY1305_SHA256:ECDHE-ECDSA-AES128-GCM-SHA256" }, &err);
    ck_assert_msg(server.tls != NULL, "%s", err.text);
    server.options.tls = server.tls;
    server.options.secure = true;
    server_listen(&server);
    client_open(&client, &server);
    client_secure(&client, NULL);
    until(&server, client.secure && server.n == 1);
    ck_assert_str_eq(wd_conn_cipher(server.sessions[0].conn), "TLSv1.3 TLS_CHACHA20_POLY1305_SHA256");
    ck_assert_ptr_null(wd_tls_new(&(struct wd_tls_options){ .certificate_file = file, .ciphers = "TLS_NONE" }, &err));
    ck_assert_int_eq(err.reason, WD_INVALID);
    peer_end(&server, &client);
}
END_TEST

START_TEST(the_client_may_not_renegotiate)
{
    begin(true, echo_lines);
    until(&server, client.secure);
    client_done(&client);
    client_open(&client, &server);
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
    client.ssl = SSL_new(context);
    SSL_CTX_free(context);
    SSL_set_fd(client.ssl, client.fd);
    SSL_connect(client.ssl);
    until(&server, client.secure);
    SSL_renegotiate(client.ssl);
    SSL_do_handshake(client.ssl);
    until(&server, client.closed);
    peer_end(&server, &client);
}
END_TEST

START_TEST(reload_takes_the_new_files_and_keeps_the_old_when_they_are_bad)
{
    struct wd_error err = { .reason = WD_NO_ERROR };
    char file[128];
    FILE *f;

    begin(true, echo_lines);
    until(&server, client.secure);
    ck_assert_str_eq(shown_to(NULL), "localhost");
    snprintf(file, sizeof file, "%s/cert.pem", server.dir);
    f = fopen(file, "w");
    fputs("-----BEGIN CERTIFICATE-----\nbroken\n", f);
    fclose(f);
    ck_assert(!wd_tls_reload(server.tls, &err));
    ck_assert_int_eq(err.reason, WD_INVALID);
    ck_assert_msg(strstr(err.text, "cert.pem") != NULL, "%s", err.text);
    ck_assert_str_eq(shown_to(NULL), "localhost");
    unlink(file);
    ck_assert(!wd_tls_reload(server.tls, &err));
    ck_assert_msg(strstr(err.text, "No such file") != NULL, "%s", err.text);
    ck_assert_str_eq(shown_to(NULL), "localhost");
    ck_assert(wd_tls_self_signed(file, "renewed.example", &err));
    ck_assert(wd_tls_reload(server.tls, &err));
    ck_assert_str_eq(shown_to(NULL), "renewed.example");
    client_send(&client, WD_STR("still here\r\n"));
    until(&server, got_is(&client, WD_STR("<still here>")));
    peer_end(&server, &client);
}
END_TEST

START_TEST(names_choose_certificates)
{
    static const struct {
        const char *asked, *shown;
    } rows[] = { { NULL, "localhost" },
                 { "other.example", "localhost" },
                 { "mail.example.com", "mail.example.com" },
                 { "MAIL.example.com", "mail.example.com" },
                 { "x.wild.example", "wild.example" },
                 { "wild.example", "localhost" },
                 { "y.x.wild.example", "localhost" } };
    static const char *const names[][2] = { { "mail.example.com", "mail.example.com" },
                                            { "*.wild.example", "wild.example" } };
    struct wd_error err = { .reason = WD_NO_ERROR };
    char file[2][128];

    server_init(&server, true);
    for (int i = 0; i < 2; i++) {
        snprintf(file[i], sizeof file[i], "%s/%d.pem", server.dir, i);
        ck_assert(wd_tls_self_signed(file[i], names[i][1], &err));
        ck_assert(wd_tls_add(server.tls, names[i][0], &(struct wd_tls_options){ .certificate_file = file[i] }, &err));
    }
    server.options.secure = true;
    server_listen(&server);
    for (size_t i = 0; i < WD_COUNT(rows); i++)
        ck_assert_str_eq(shown_to(rows[i].asked), rows[i].shown);
    unlink(file[0]);
    ck_assert(wd_tls_self_signed(file[0], "second", &err));
    ck_assert(wd_tls_reload(server.tls, &err));
    ck_assert_str_eq(shown_to("mail.example.com"), "second");
    unlink(file[0]);
    unlink(file[1]);
    server_done(&server);
}
END_TEST

START_TEST(a_self_signed_certificate_is_made_once_and_is_private)
{
    struct wd_error err = { .reason = WD_NO_ERROR };
    struct stat before, after;
    char file[128];

    server_init(&server, true);
    snprintf(file, sizeof file, "%s/cert.pem", server.dir);
    ck_assert_int_eq(stat(file, &before), 0);
    ck_assert_int_eq(before.st_mode & 0777, 0600);
    ck_assert(wd_tls_self_signed(file, "localhost", &err));
    ck_assert_int_eq(stat(file, &after), 0);
    ck_assert_uint_eq(before.st_ino, after.st_ino);
    unlink(file);
    ck_assert(wd_tls_self_signed(file, "192.0.2.1", &err));
    unlink(file);
    ck_assert(!wd_tls_self_signed(file, "bad host,DNS:other", &err));
    ck_assert_int_eq(access(file, F_OK), -1);
    ck_assert(!wd_tls_self_signed("/no/such/directory/x.pem", "localhost", &err));
    server_done(&server);
}
END_TEST

START_TEST(bad_options_are_refused)
{
    struct wd_error err = { .reason = WD_NO_ERROR };
    char file[128];

    server_init(&server, true);
    snprintf(file, sizeof file, "%s/cert.pem", server.dir);
    ck_assert_ptr_null(wd_tls_new(&(struct wd_tls_options){ .certificate_file = NULL }, &err));
    ck_assert_ptr_null(wd_tls_new(&(struct wd_tls_options){ .certificate_file = "/none.pem" }, &err));
    ck_assert_ptr_null(wd_tls_new(&(struct wd_tls_options){ .certificate_file = file, .key_file = "/dev/null" }, &err));
    ck_assert_ptr_null(wd_tls_new(&(struct wd_tls_options){ .certificate_file = file, .ca_file = "/dev/null" }, &err));
    ck_assert_ptr_null(wd_tls_new(&(struct wd_tls_options){ .certificate_file = file, .min_version = "SSLv3" }, &err));
    ck_assert_str_eq(err.text, "no TLS version 'SSLv3'");
    server.options.secure = true;
    server.options.tls = NULL;
    ck_assert_ptr_null(wd_listener_new(server.loop, &server.options, &err));
    server_done(&server);
}
END_TEST

int
main(void)
{
    TCase *cases = tcase_create("tls");

    tcase_set_timeout(cases, 30);
    tcase_add_test(cases, tls_from_the_first_byte);
    tcase_add_test(cases, large_transfers_both_ways);
    tcase_add_test(cases, what_openssl_holds_back_is_read_when_reading_goes_on);
    tcase_add_test(cases, starttls);
    tcase_add_loop_test(cases, starttls_drops_what_was_injected_in_plain_text, 0, 2);
    tcase_add_test(cases, starttls_drops_what_the_kernel_holds);
    tcase_add_test(cases, starttls_with_a_client_that_talks_on_in_plain_text);
    tcase_add_loop_test(cases, a_handshake_that_never_ends_is_given_up, 0, 2);
    tcase_add_test(cases, freeing_inside_of_secured);
    tcase_add_test(cases, closing_says_so_to_the_client);
    tcase_add_test(cases, starttls_without_a_certificate_ends_the_connection);
    tcase_add_loop_test(cases, the_newest_protocols_only, 0, 6);
    tcase_add_test(cases, ciphers_of_both_generations_in_one_list);
    tcase_add_test(cases, the_client_may_not_renegotiate);
    tcase_add_test(cases, reload_takes_the_new_files_and_keeps_the_old_when_they_are_bad);
    tcase_add_test(cases, names_choose_certificates);
    tcase_add_test(cases, a_self_signed_certificate_is_made_once_and_is_private);
    tcase_add_test(cases, bad_options_are_refused);
    return run_case("tls", cases);
}

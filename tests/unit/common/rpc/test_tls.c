/* tls+tcp:// with certificates on both sides, made by openssl(1) for the test. */
#include <stdlib.h>
#include <unistd.h>

#include "common/rpc/events.h"
#include "tests/run.h"
#include "tests/unit/common/rpc/testing.h"

static struct testing_store store;
static struct testing_client client;
static struct testing_call call;
static char files[8][128];

static const char *
file(int slot, const char *name)
{
    snprintf(files[slot], sizeof files[0], "%s/%s", testing_dir, name);
    return files[slot];
}

/* <name>.pem: a certificate for the host, signed by the CA, with its key. */
static void
make_certificate(const char *ca, const char *name, const char *host)
{
    char command[2048];

    snprintf(command, sizeof command,
             "cd %s && openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout %s.key -out %s.csr "
             "-subj /CN=%s 2>/dev/null && printf 'subjectAltName=DNS:%s\\n' > %s.ext && openssl x509 -req -in %s.csr "
             "-CA %s.crt -CAkey %s.cakey -CAcreateserial -days 2 -extfile %s.ext -out %s.crt 2>/dev/null && "
             "cat %s.crt %s.key > %s.pem",
             testing_dir, name, name, host, host, name, name, ca, ca, name, name, name, name, name);
    ck_assert_int_eq(system(command), 0);
}

static void
make_ca(const char *ca)
{
    char command[1024];

    snprintf(command, sizeof command,
             "cd %s && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout %s.cakey -out "
             "%s.crt -days 2 -subj /CN=%s 2>/dev/null",
             testing_dir, ca, ca, ca);
    ck_assert_int_eq(system(command), 0);
}

static void
setup(void)
{
    testing_init();
    make_ca("ca");
    make_ca("other");
    make_certificate("ca", "server", "store.test");
    make_certificate("ca", "client", "imap.test");
    make_certificate("other", "stranger", "imap.test");
    make_certificate("other", "impostor", "store.test");
}

static void
teardown(void)
{
    testing_end(&call, &client, (struct testing_store *const[]){ &store, NULL });
}

static void
serve(const char *certificate)
{
    static const char *const urls[] = { "tls+tcp://127.0.0.1:0", NULL };
    struct wd_rpc_server_options o = { .urls = urls,
                                       .workers = 1,
                                       .tls = { .ca_file = file(0, "ca.crt"),
                                                .certificate_file = file(1, certificate) } };

    testing_store_start(&store, "one", NULL, &o);
}

static bool
ask(const char *certificate, const char *server_name, int timeout_ms)
{
    char url[64];
    const char *urls[] = { url, NULL };
    struct wd_rpc_client_options o = { .urls = urls,
                                       .service_token = "token",
                                       .tls = { .ca_file = file(2, "ca.crt"),
                                                .certificate_file = file(3, certificate),
                                                .server_name = server_name } };

    snprintf(url, sizeof url, "tls+tcp://127.0.0.1:%d", wd_rpc_server_port(store.server, 0));
    testing_client_open(&client, &o);
    testing_status(&client, &call, "INBOX", timeout_ms);
    testing_await(&client, &call);
    return call.reply != NULL;
}

START_TEST(both_sides_trusted)
{
    serve("server.pem");
    ck_assert_int_gt(wd_rpc_server_port(store.server, 0), 0);
    ck_assert_msg(ask("client.pem", "store.test", 10000), "%s", call.err.text);
}
END_TEST

START_TEST(client_of_another_ca_is_kept_out)
{
    serve("server.pem");
    ck_assert(!ask("stranger.pem", "store.test", 700));
    ck_assert_int_eq(call.err.reason, WD_UNAVAILABLE);
    ck_assert_uint_eq(testing_store_executed(&store), 0);
}
END_TEST

START_TEST(server_of_another_ca_is_not_believed)
{
    serve("impostor.pem");
    ck_assert(!ask("client.pem", "store.test", 700));
    ck_assert_uint_eq(testing_store_executed(&store), 0);
}
END_TEST

START_TEST(server_of_another_name_is_not_believed)
{
    serve("server.pem");
    ck_assert(!ask("client.pem", "elsewhere.test", 700));
    ck_assert_uint_eq(testing_store_executed(&store), 0);
}
END_TEST

START_TEST(client_without_tls_is_kept_out)
{
    char url[64];

    serve("server.pem");
    snprintf(url, sizeof url, "tcp://127.0.0.1:%d", wd_rpc_server_port(store.server, 0));
    testing_client_to(&client, url);
    testing_status(&client, &call, "INBOX", 700);
    testing_await(&client, &call);
    ck_assert_ptr_null(call.reply);
    ck_assert_uint_eq(testing_store_executed(&store), 0);
}
END_TEST

START_TEST(files_that_cannot_be_used_are_told)
{
    static const char *const urls[] = { "tls+tcp://127.0.0.1:0", NULL };
    struct wd_rpc_client_options o = { .urls = urls };
    struct event_base *loop = event_base_new();
    struct wd_error err;

    ck_assert_ptr_null(wd_rpc_client_new(loop, &o, &err));
    ck_assert_int_eq(err.reason, WD_INVALID);
    o.tls.ca_file = file(0, "ca.crt");
    o.tls.certificate_file = file(1, "missing.pem");
    ck_assert_ptr_null(wd_rpc_client_new(loop, &o, &err));
    ck_assert_int_eq(err.reason, WD_INVALID);
    ck_assert_ptr_nonnull(strstr(err.text, "missing.pem"));
    event_base_free(loop);
    serve("server.pem");
    ck_assert(ask("client.pem", "store.test", 10000));
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("tls");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, both_sides_trusted);
    tcase_add_test(t, client_of_another_ca_is_kept_out);
    tcase_add_test(t, server_of_another_ca_is_not_believed);
    tcase_add_test(t, server_of_another_name_is_not_believed);
    tcase_add_test(t, client_without_tls_is_kept_out);
    tcase_add_test(t, files_that_cannot_be_used_are_told);
    return run_case("rpc tls", t);
}

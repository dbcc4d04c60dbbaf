#include "common/config/config.h"

#include <check.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/buf.h"
#include "common/base/lifetime.h"
#include "tests/run.h"

static const struct wd_config_key imap_keys[] = {
    { "imap.enabled", WD_CONFIG_BOOL, "true", 0, 0, "serve IMAP" },
    { "imap.port", WD_CONFIG_INT, "9993", 1, 65535, "its port" },
    { "imap.host", WD_CONFIG_STRING, "0.0.0.0", 0, 0, "its address" },
    { "imap.name", WD_CONFIG_STRING, NULL, 0, 0, "its name" },
    { "imap.maxMB", WD_CONFIG_INT, "25", 1, 1024, "largest message" },
    { "imap.useProxy", WD_CONFIG_LIST, NULL, 0, 0, "proxies" },
    { "imap.tls.key", WD_CONFIG_STRING, NULL, 0, 0, "key file" },
    { "imap.interface", WD_CONFIG_TABLES, NULL, 0, 0, "more listeners" },
    { NULL, WD_CONFIG_STRING, NULL, 0, 0, NULL },
};
static const struct wd_config_key root_keys[] = {
    { "user", WD_CONFIG_STRING, NULL, 0, 0, "run as" },
    { "store.url", WD_CONFIG_STRING, "ipc:///run/wd", 0, 0, "the store" },
    { "store.secret", WD_CONFIG_STRING, NULL, 0, 0, "token" },
    { "store.offset", WD_CONFIG_INT, "-5", -10, 10, "a number that may be negative" },
    { "store.bus", WD_CONFIG_STRING, NULL, 0, 0, "a URL, or a table" },
    { "store.bus.port", WD_CONFIG_INT, "6379", 1, 65535, "of the table" },
    { "store.bus.password", WD_CONFIG_STRING, NULL, 0, 0, "of the table" },
    { "store.tags", WD_CONFIG_LIST, "a, b,,c", 0, 0, "a list" },
    { "spamHeader", WD_CONFIG_TABLES, NULL, 0, 0, "rules" },
    { NULL, WD_CONFIG_STRING, NULL, 0, 0, NULL },
};
static const struct wd_config_key *const tables[] = { imap_keys, root_keys, NULL };

static struct wd_error err;
static char file[] = "/tmp/wd-config-XXXXXX";

/* Loads a text as the file; NULL: no file. */
static struct wd_config *
load(const char *text, const char *const *overrides)
{
    struct wd_config_sources from = { .overrides = overrides };
    struct wd_config *c;

    err = (struct wd_error){ .reason = WD_NO_ERROR };
    if (text) {
        char path[] = "/tmp/wd-config-XXXXXX";
        int fd = mkstemp(path);
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
        close(fd);
        memcpy(file, path, sizeof file);
        from.file = file;
    }
    c = wd_config_load(tables, &from, &err);
    if (text)
        unlink(file);
    return c;
}

static struct wd_config *
must_load(const char *text, const char *const *overrides)
{
    struct wd_config *c = load(text, overrides);

    ck_assert_msg(c != NULL, "%s", err.text);
    return c;
}

START_TEST(defaults)
{
    struct wd_config *c = must_load(NULL, NULL);
    size_t n;

    ck_assert(wd_config_bool(c, "imap.enabled"));
    ck_assert_int_eq(wd_config_int(c, "imap.port"), 9993);
    ck_assert_int_eq(wd_config_int(c, "store.offset"), -5);
    ck_assert_str_eq(wd_config_string(c, "imap.host"), "0.0.0.0");
    ck_assert_ptr_null(wd_config_string(c, "imap.name"));
    ck_assert_ptr_null(wd_config_list(c, "imap.useProxy", &n)[0]);
    ck_assert_uint_eq(n, 0);
    ck_assert_str_eq(wd_config_list(c, "store.tags", &n)[2], "c");
    ck_assert_uint_eq(n, 3);
    ck_assert_ptr_null(wd_config_list(c, "store.tags", NULL)[3]);
    ck_assert_uint_eq(wd_config_rows(c, "imap.interface"), 0);
    ck_assert(!wd_config_is_set(c, "imap.port"));
    wd_config_free(c);
    wd_config_free(NULL);
}
END_TEST

START_TEST(a_file)
{
    struct wd_config *c = must_load("user = \"mail\"\n"
                                    "[imap]\nenabled = false\nport = 1_43\nname = \"A \\\"quoted\\\" n\xc3\xa4me\"\n"
                                    "useProxy = [\"192.0.2.1\", \"10.0.0.0/8\"]\ntls = { key = \"/k.pem\" }\n"
                                    "[[imap.interface]]\nport = 143\nsecure = false\nnames = [\"a\", \"b\"]\n"
                                    "[[imap.interface]]\nhost = \"::1\"\n"
                                    "[store]\noffset = -10\n"
                                    "[[spamHeader]]\nkey = \"X-Spam\"\nvalue = \"^yes\"\n", NULL);
    size_t n;

    ck_assert_str_eq(wd_config_string(c, "user"), "mail");
    ck_assert(!wd_config_bool(c, "imap.enabled"));
    ck_assert_int_eq(wd_config_int(c, "imap.port"), 143);
    ck_assert_str_eq(wd_config_string(c, "imap.name"), "A \"quoted\" n\xc3\xa4me");
    ck_assert_str_eq(wd_config_list(c, "imap.useProxy", &n)[1], "10.0.0.0/8");
    ck_assert_uint_eq(n, 2);
    ck_assert_str_eq(wd_config_string(c, "imap.tls.key"), "/k.pem");
    ck_assert_uint_eq(wd_config_rows(c, "imap.interface"), 2);
    ck_assert_str_eq(wd_config_row_string(c, "imap.interface", 0, "port"), "143");
    ck_assert_str_eq(wd_config_row_string(c, "imap.interface", 0, "secure"), "false");
    ck_assert_str_eq(wd_config_row_string(c, "imap.interface", 0, "names"), "a,b");
    ck_assert_ptr_null(wd_config_row_string(c, "imap.interface", 0, "host"));
    ck_assert_str_eq(wd_config_row_string(c, "imap.interface", 1, "host"), "::1");
    ck_assert_str_eq(wd_config_row_string(c, "spamHeader", 0, "value"), "^yes");
    ck_assert(wd_config_is_set(c, "imap.port"));
    ck_assert(!wd_config_is_set(c, "imap.host"));
    wd_config_free(c);
}
END_TEST

START_TEST(later_sources_win)
{
    static const char *const overrides[] = { "imap.port=3", "imap.name=a=b", "imap.port=4", NULL };
    const char *text = "[imap]\nport = 1\nhost = \"file\"\nmaxMB = 7\nname = \"x\"\n";
    struct wd_config *c;

    setenv("WD_IMAP_PORT", "2", 1);
    setenv("WD_IMAP_HOST", "environment", 1);
    setenv("WD_STORE_TAGS", " x , y", 1);
    setenv("WD_IMAP_ENABLED", "no", 1);
    setenv("WD_IMAP_TLS_KEY", "/env.pem", 1);
    setenv("WD_LMTP_PORT", "another daemon's", 1);
    c = must_load(text, overrides);
    ck_assert_int_eq(wd_config_int(c, "imap.port"), 4);
    ck_assert_str_eq(wd_config_string(c, "imap.host"), "environment");
    ck_assert_int_eq(wd_config_int(c, "imap.maxMB"), 7);
    ck_assert_str_eq(wd_config_string(c, "imap.name"), "a=b");
    ck_assert_str_eq(wd_config_list(c, "store.tags", NULL)[1], "y");
    ck_assert(!wd_config_bool(c, "imap.enabled"));
    ck_assert_str_eq(wd_config_string(c, "imap.tls.key"), "/env.pem");
    wd_config_free(c);
    setenv("WD_IMAP_PORT", "many", 1);
    ck_assert_ptr_null(load(text, NULL));
    ck_assert_str_eq(err.text, "WD_IMAP_PORT: not a whole number");
}
END_TEST

START_TEST(other_daemons_sections_pass)
{
    wd_config_free(must_load("emailDomain = \"example.com\"\n[lmtp]\nport = 24\n[[pop3.interface]]\nport = 1\n"
                             "[a.b.c]\nd = 1979-05-27\n[log.gelf]\nx = 1.5\n", NULL));
}
END_TEST

static const struct {
    const char *text, *error; /* behind "FILE:" */
} bad[] = {
    { "[imap]\nprot = 1\n", "2:8: imap.prot: unknown key; did you mean imap.port?" },
    { "[imap]\n\n  maxMb = 1\n", "3:11: imap.maxMb: unknown key; did you mean imap.maxMB?" },
    { "[imap.tls]\ncert = \"x\"\n", "2:8: imap.tls.cert: unknown key; did you mean imap.tls.key?" },
    { "[imap]\nport = 0\n", "2:8: imap.port: not between 1 and 65535" },
    { "[imap]\nport = \"143\"\n", "2:8: imap.port: must be a whole number" },
    { "[imap]\nport = 1.5\n", "2:8: imap.port: must be a whole number" },
    { "[imap]\nenabled = 1\n", "2:11: imap.enabled: must be true or false" },
    { "[imap]\nname = 5\n", "2:8: imap.name: must be a string" },
    { "[imap]\nname = true\n", NULL },
    { "[imap]\nuseProxy = [[1]]\n", "2:12: imap.useProxy: must be a list" },
    { "[[imap.useProxy]]\nx = 1\n", "1:1: imap.useProxy: must be a list" },
    { "[imap]\ninterface = 5\n", "2:13: imap.interface: must be an array of tables" },
    { "[[imap.interface]]\nx = 1.5\n", "2:5: imap.interface: x has a type that no key has" },
    { "[imap\n", "1:6: " },
    { "[imap]\nport = 1\nport = 2\n", "3:" },
    { "x = \n", "1:5: " },
    { "x = \"\xff\"\n", "1:" },
};

START_TEST(errors_name_the_place)
{
    struct wd_config *c = load(bad[_i].text, NULL);
    size_t n = strlen(file);

    ck_assert_ptr_null(c);
    ck_assert_int_eq(err.reason, WD_INVALID);
    ck_assert_msg(strncmp(err.text, file, n) == 0 && err.text[n] == ':', "%s", err.text);
    if (bad[_i].error)
        ck_assert_msg(strncmp(err.text + n + 1, bad[_i].error, strlen(bad[_i].error)) == 0, "%s", err.text + n + 1);
}
END_TEST

START_TEST(a_file_that_is_not_there)
{
    struct wd_config_sources from = { .file = "/no/such/file.toml" };

    ck_assert_ptr_null(wd_config_load(tables, &from, &err));
    ck_assert_str_eq(err.text, "/no/such/file.toml: cannot be read");
}
END_TEST

START_TEST(overrides_that_are_refused)
{
    static const char *const rows[][2] = {
        { "imap.prot=1", "--set: imap.prot: unknown key; did you mean imap.port?" },
        { "lmtp.port=1", "--set: lmtp.port: unknown key; did you mean imap.port?" },
        { "imap.port", "--set imap.port: no '=' in it" },
        { "imap.port=", "--set: imap.port: not a whole number" },
        { "imap.port=65536", "--set: imap.port: not between 1 and 65535" },
        { "imap.enabled=maybe", "--set: imap.enabled: neither true nor false" },
        { "imap.interface=1", "--set: imap.interface: can only be set in a file" },
    };

    for (size_t i = 0; i < WD_COUNT(rows); i++) {
        const char *const overrides[] = { rows[i][0], NULL };
        ck_assert_ptr_null(load(NULL, overrides));
        ck_assert_str_eq(err.text, rows[i][1]);
    }
}
END_TEST

START_TEST(kinder_types)
{
    static const char *const overrides[] = { "imap.enabled=ON", "store.tags=", "imap.name=", NULL };
    struct wd_config *c = must_load("[imap]\nuseProxy = true\nhost = false\ninterface = []\n", overrides);
    size_t n;

    ck_assert_str_eq(wd_config_list(c, "imap.useProxy", &n)[0], "true");
    ck_assert_uint_eq(n, 1);
    ck_assert_ptr_null(wd_config_string(c, "imap.host"));
    ck_assert(wd_config_is_set(c, "imap.host"));
    ck_assert_str_eq(wd_config_string(c, "imap.name"), "");
    wd_config_list(c, "store.tags", &n);
    ck_assert_uint_eq(n, 0);
    ck_assert_uint_eq(wd_config_rows(c, "imap.interface"), 0);
    wd_config_free(c);
}
END_TEST

static char *
printed(const struct wd_config *c)
{
    char *text = NULL;
    size_t n = 0;
    FILE *to = open_memstream(&text, &n);

    wd_config_print(c, to);
    fclose(to);
    return text;
}

static const struct {
    const char *url, *printed;
} urls[] = {
    { "mongodb://me:hunter2@host/db", "mongodb://me:***@host/db" },
    { "mongodb://me:hunter2@a,b:27018/db?tls=true", "mongodb://me:***@a,b:27018/db?tls=true" },
    { "mongodb://me:hun@ter2@host/db", "mongodb://me:***@host/db" },
    { "mongodb://me:hun/ter2@host/db", "mongodb://me:***@host/db" },
    { "mongodb://me@host/db", "mongodb://me@host/db" },
    { "mongodb://host/db?tlsCertificateKeyFilePassword=hunter2&tls=true",
      "mongodb://host/db?tlsCertificateKeyFilePassword=***&tls=true" },
    { "mongodb://me@h/db?authMechanismProperties=AWS_SESSION_TOKEN:hunter2",
      "mongodb://me@h/db?authMechanismProperties=***" },
    { "mongodb://me:hunter2@h/db?password=hunter2", "mongodb://me:***@h/db?password=***" },
    { "mongodb://me:hun?ter2@h/db", "mongodb://***" },
    { "redis://hunter2@host:6379/3", "redis://***@host:6379/3" },
    { "redis://:hunter2@host", "redis://:***@host" },
    { "redis://me:hunter2@host/3?db=4&password=hunter2", "redis://me:***@host/3?db=4&password=***" },
    { "redis://host/3?password=hun@ter2", "redis://***" },
    { "redis://host:6379", "redis://host:6379" },
    { "ipc:///run/wd", "ipc:///run/wd" },
};

START_TEST(passwords_in_urls_are_hidden)
{
    const char *sets[] = { NULL, NULL };
    char set[160], expected[160];
    struct wd_config *c;
    char *text;

    snprintf(set, sizeof set, "store.url=%s", urls[_i].url);
    snprintf(expected, sizeof expected, "store.url = \"%s\"\n", urls[_i].printed);
    sets[0] = set;
    c = must_load(NULL, sets);
    text = printed(c);
    ck_assert_msg(strstr(text, expected), "%s", text);
    ck_assert_msg(!strstr(text, "ter2"), "%s", text);
    free(text);
    wd_config_free(c);
}
END_TEST

/* TOML has either the value or the table. */
START_TEST(a_value_in_place_of_a_table_can_be_read_again)
{
    static const char *const sets[] = { "store.bus=redis://h", "store.bus.password=hunter2", NULL };
    struct wd_config *c = must_load(NULL, sets), *again;
    char *text = printed(c);

    ck_assert_ptr_nonnull(strstr(text, "store.bus = \"redis://h\"\n# store.bus.password = \"***\"\n"));
    again = must_load(text, NULL);
    ck_assert_str_eq(wd_config_string(again, "store.bus"), "redis://h");
    free(text);
    wd_config_free(again);
    wd_config_free(c);
}
END_TEST

START_TEST(printing_hides_secrets_and_can_be_read_again)
{
    struct wd_config *c = must_load("[imap]\nname = \"a\\\"b\\\\c\\n\\t\"\nuseProxy = [\"x\", \"y\"]\n"
                                    "[[imap.interface]]\nport = 143\n[store]\nsecret = \"hunter2\"\n"
                                    "url = \"mongodb://me:hunter3@host/db\"\n", NULL), *again;
    char *text = printed(c), *second;

    ck_assert_msg(!strstr(text, "hunter"), "%s", text);
    ck_assert_ptr_nonnull(strstr(text, "store.secret = \"***\"\n"));
    ck_assert_ptr_nonnull(strstr(text, "store.url = \"mongodb://me:***@host/db\"\n"));
    ck_assert_ptr_nonnull(strstr(text, "imap.useProxy = [\"x\", \"y\"]\n"));
    ck_assert_ptr_nonnull(strstr(text, "# user is not set\n"));
    ck_assert_ptr_nonnull(strstr(text, "[[imap.interface]]\nport = \"143\"\n"));
    again = must_load(text, NULL);
    second = printed(again);
    ck_assert_str_eq(text, second);
    ck_assert_str_eq(wd_config_string(again, "imap.name"), "a\"b\\c\n\t");
    wd_config_free(c);
    wd_config_free(again);
    free(text);
    free(second);
}
END_TEST

START_TEST(command_lines)
{
    char *argv[] = { (char[]){ "wd-x" }, (char[]){ "--config" }, (char[]){ "a.toml" }, (char[]){ "--set" },
                     (char[]){ "a.b=c" }, (char[]){ "--set=d=e" }, (char[]){ "--check-config" },
                     (char[]){ "--print-config" }, NULL };
    struct wd_cli cli;

    ck_assert(wd_cli_parse(8, argv, "wd-x", tables, &cli, &err));
    ck_assert_str_eq(cli.sources.file, "a.toml");
    ck_assert_str_eq(cli.sources.overrides[0], "a.b=c");
    ck_assert_str_eq(cli.sources.overrides[1], "d=e");
    ck_assert_ptr_null(cli.sources.overrides[2]);
    ck_assert(cli.check_only && cli.print_config);
    wd_cli_done(&cli);
    ck_assert(wd_cli_parse(1, argv, "wd-x", tables, &cli, &err));
    ck_assert_ptr_null(cli.sources.file);
    ck_assert_ptr_null(cli.sources.overrides[0]);
    wd_cli_done(&cli);
}
END_TEST

START_TEST(command_lines_that_are_refused)
{
    static const char *const rows[][2] = { { "--confg", "unknown option --confg; try --help" },
                                           { "imap", "unknown option imap; try --help" },
                                           { "--config", "--config needs a value" },
                                           { "--set", "--set needs a value" },
                                           { "--configs=x", "unknown option --configs=x; try --help" } };

    for (size_t i = 0; i < WD_COUNT(rows); i++) {
        char first[] = "wd-x", second[32];
        char *argv[] = { first, second, NULL };
        struct wd_cli cli;
        snprintf(second, sizeof second, "%s", rows[i][0]);
        ck_assert(!wd_cli_parse(2, argv, "wd-x", tables, &cli, &err));
        ck_assert_str_eq(err.text, rows[i][1]);
    }
}
END_TEST

START_TEST(help_and_version_exit_well)
{
    char first[] = "wd-x", second[16];
    char *argv[] = { first, second, NULL };
    struct wd_cli cli;

    snprintf(second, sizeof second, "%s", _i ? "--version" : "--help");
    ck_assert_ptr_nonnull(freopen("/dev/null", "w", stdout));
    wd_cli_parse(2, argv, "wd-x", tables, &cli, &err);
    ck_abort_msg("it went on");
}
END_TEST

int
main(void)
{
    TCase *cases = tcase_create("config");

    tcase_add_test(cases, defaults);
    tcase_add_test(cases, a_file);
    tcase_add_test(cases, later_sources_win);
    tcase_add_test(cases, other_daemons_sections_pass);
    tcase_add_loop_test(cases, errors_name_the_place, 0, WD_COUNT(bad));
    tcase_add_test(cases, a_file_that_is_not_there);
    tcase_add_test(cases, overrides_that_are_refused);
    tcase_add_test(cases, kinder_types);
    tcase_add_test(cases, printing_hides_secrets_and_can_be_read_again);
    tcase_add_loop_test(cases, passwords_in_urls_are_hidden, 0, WD_COUNT(urls));
    tcase_add_test(cases, a_value_in_place_of_a_table_can_be_read_again);
    tcase_add_test(cases, command_lines);
    tcase_add_test(cases, command_lines_that_are_refused);
    tcase_add_loop_exit_test(cases, help_and_version_exit_well, 0, 0, 2);
    return run_case("config", cases);
}

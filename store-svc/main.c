/* wd-store: the only process that knows a database. Options, the driver, the keys; then serve.c. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/admin/privileges.h"
#include "common/base/clock.h"
#include "common/log/log.h"
#include "store-svc/check.h"
#include "store-svc/config.h"
#include "store-svc/domain/auth_cache.h"
#include "store-svc/domain/opened.h"
#include "store-svc/domain/settler.h"
#include "store-svc/domain/spam.h"
#include "store-svc/domain/token.h"
#include "store-svc/domain/view_cache.h"
#include "store-svc/keys.h"
#include "store-svc/open.h"
#include "store-svc/serve.h"
#include "store-svc/wait.h"

enum { STANDING_MS = 2000, OPEN_MESSAGES = 256 };

/* A check says one thing; what the libraries say beside it is thrown away. */
static bool
start_log(const struct wd_config *c, bool silent, struct wd_error *err)
{
    struct wd_log_options o = { .program = "wd-store" };
    const char *format = wd_config_string(c, "log.format");

    if (!wd_log_level_named(wd_str_c(wd_config_string(c, "log.level")), &o.level))
        return wd_fail(err, WD_INVALID, "log.level must be debug, info, warn or error");
    if (strcmp(format, "logfmt") != 0 && strcmp(format, "json") != 0)
        return wd_fail(err, WD_INVALID, "log.format must be logfmt or json");
    o.format = strcmp(format, "json") == 0 ? WD_LOG_JSON : WD_LOG_LOGFMT;
    if (silent)
        o.fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
    wd_log_init(&o);
    return true;
}

static void
close_domain(struct wd_domain *d)
{
    wd_settler_free(d->settler);
    wd_open_cache_free(d->open_cache);
    wd_view_cache_free(d->view_cache);
    wd_auth_cache_free(d->auth_cache);
    wd_spam_rules_free(d->spam_rules);
    store_close(d);
}

/* Files are there or not; a server may come up later than we do. */
static bool
open_databases(const struct store_settings *s, struct wd_domain *d, struct wd_error *err)
{
    bool lone = strcmp(s->driver, "embedded") == 0 && strcmp(s->bus, "embedded") == 0;

    if (!(lone ? store_open(s, d, err) : store_open_waiting(s, d, err)))
        return false;
    if (!wd_docs_is_atomic(d->docs))
        d->settler = wd_settler_new(d->docs);
    if (s->shared && strcmp(s->bus, "embedded") == 0)
        wd_log(WD_LOG_WARN, "the bus is inside of this process: run one replica only, or set store.bus=redis",
               WD_KV_NONE);
    return true;
}

static bool
serve(const struct store_settings *s, struct wd_error *err)
{
    struct wd_domain d = { .options = s->domain, .started_ms = wd_now_ms() };
    bool ok, busy = false;

    if (!wd_privileges_drop(s->user, s->group, err) || !store_directories(s->data_dir, err))
        return false;
    if (!store_key_in_database(s) && !store_key_load(&d, s, err))
        return false;
    wd_files_raise();
    d.auth_cache = wd_auth_cache_new((int64_t)d.options.auth_cache_s * 1000, STANDING_MS);
    d.view_cache = s->view_cache_bytes ? wd_view_cache_new(s->view_cache_bytes) : NULL;
    d.open_cache = s->body_cache_bytes ? wd_open_cache_new(OPEN_MESSAGES, s->body_cache_bytes) : NULL;
    d.spam_rules = wd_spam_rules_new(d.options.header_rules, err);
    ok = d.spam_rules && open_databases(s, &d, err) && (!store_key_in_database(s) || store_key_load(&d, s, err)) &&
         store_tokens_write(&d, s->data_dir, err) && store_serve(&d, s, &busy, err);
    if (busy) {
        wd_log(WD_LOG_WARN, "what waits for the database is cut off", WD_KV_NONE);
        _exit(ok ? EXIT_SUCCESS : EXIT_FAILURE); /* the database is whole at any moment */
    }
    close_domain(&d);
    return ok;
}

/* The key of a running embedded store is in a file; that of replicas may be in their database. */
static bool
load_key(const struct store_settings *s, struct wd_domain *d, struct wd_error *err)
{
    bool ok;

    if (!store_key_in_database(s))
        return store_directories(s->data_dir, err) && store_key_load(d, s, err);
    ok = store_open_docs(s, STORE_INDEXES_KEEP, d, err) && store_key_load(d, s, err);
    store_close(d);
    return ok;
}

static bool
print_token(const struct store_settings *s, const char *role_name, struct wd_error *err)
{
    unsigned role = wd_role_named(wd_str_c(role_name));
    struct wd_buf token wd_auto(wd_buf_done) = { 0 };
    struct wd_domain d = { 0 };

    if (!role)
        return wd_fail(err, WD_INVALID, "--token: the role is one of imap, pop3, lmtp, http and admin");
    if (!load_key(s, &d, err))
        return false;
    wd_token_service(&d, role, &token);
    return printf("%.*s\n", (int)token.n, token.p) > 0 && fflush(stdout) == 0;
}

/* Takes "--token ROLE" out of the arguments; the rest is the command line of every daemon. */
static bool
take_token(int *argc, char **argv, const char **role, struct wd_error *err)
{
    int kept = 1;

    for (int i = 1; i < *argc; i++) {
        if (strcmp(argv[i], "--token") != 0) {
            argv[kept++] = argv[i];
            continue;
        }
        if (++i == *argc)
            return wd_fail(err, WD_INVALID, "--token needs a role");
        *role = argv[i];
    }
    argv[kept] = NULL;
    *argc = kept;
    return true;
}

static bool
run(const struct wd_config *config, const struct wd_cli *cli, const char *token_role, struct wd_error *err)
{
    struct store_settings s;
    bool ok;

    if (cli->print_config)
        wd_config_print(config, stdout);
    if (!start_log(config, cli->check_only, err) || !store_settings_read(config, &s, err))
        return false;
    if (cli->print_config)
        ok = true;
    else if (cli->check_only)
        ok = store_check(&s, stdout, err);
    else
        ok = token_role ? print_token(&s, token_role, err) : serve(&s, err);
    store_settings_done(&s);
    return ok;
}

int
main(int argc, char **argv)
{
    static const struct wd_config_key *const tables[] = { store_config_keys, NULL };
    struct wd_cli cli = { 0 };
    struct wd_config *config = NULL;
    const char *token_role = NULL;
    struct wd_error err;
    bool ok;

    ok = take_token(&argc, argv, &token_role, &err) && wd_cli_parse(argc, argv, "wd-store", tables, &cli, &err);
    if (ok)
        ok = (config = wd_config_load(tables, &cli.sources, &err)) != NULL;
    if (ok)
        ok = run(config, &cli, token_role, &err);
    if (!ok)
        fprintf(stderr, "wd-store: %s\n", err.text);
    wd_config_free(config);
    wd_cli_done(&cli);
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}

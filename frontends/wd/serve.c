/* wd serve: a whole node in one directory – wd-store and the front ends as children of this process. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/log/log.h"
#include "common/net/tls.h"
#include "frontends/wd/children.h"
#include "frontends/wd/cli.h"
#include "frontends/wd/paths.h"

enum { DIRECTORY_MAX = 80 }; /* the path of a unix socket has 108 bytes at most */

static char *config_file;
static struct cli_words overrides;

static const struct cli_option options[] = {
    { .name = "--config", .value = &config_file },
    { .name = "--set", .values = &overrides },
    { .name = NULL },
};

struct banner {
    struct cli *cli;
    const struct node *node;
};

static bool
prepare_directory(struct cli *c, const char *dir)
{
    if (strlen(dir) > DIRECTORY_MAX)
        return wd_fail(&c->err, WD_INVALID, "the data directory's path is longer than %d bytes: sockets are in it",
                       DIRECTORY_MAX);
    if (cli_make_directories(c->arena, dir) && cli_make_directories(c->arena, cli_path(c->arena, dir, "run")))
        return true;
    return wd_fail(&c->err, WD_UNAVAILABLE, "cannot make the data directory %s: %s", dir, strerror(errno));
}

static bool
prepare_certificate(struct cli *c, const struct node *node)
{
    char host[256] = "localhost";

    if (wd_config_is_set(node->config, "tls.cert"))
        return true;
    if (gethostname(host, sizeof host - 1) != 0)
        snprintf(host, sizeof host, "localhost");
    return wd_tls_self_signed(cli_path(c->arena, node->data_dir, "tls.pem"), host, &c->err);
}

static void
print_door(const struct node *node, const char *title, const char *section, const char *note)
{
    char key[32], where[96];
    long long port;

    snprintf(key, sizeof key, "%s.enabled", section);
    if (!wd_config_bool(node->config, key))
        return;
    snprintf(key, sizeof key, "%s.port", section);
    port = wd_config_int(node->config, key);
    snprintf(key, sizeof key, "%s.host", section);
    snprintf(where, sizeof where, "%s port %lld", wd_config_string(node->config, key), port);
    if (port == 0)
        snprintf(where, sizeof where, "%s, a free port", wd_config_string(node->config, key));
    printf("  %-5s %-28s %s\n", title, where, note);
}

static void
print_banner(void *data)
{
    const struct banner *b = data;
    const struct node *node = b->node;
    bool usual = cli_data_dir_is_default(b->cli->arena, node->data_dir);
    const char *where = usual ? "" : wd_arena_printf(b->cli->arena, " --data %s", node->data_dir).p;

    printf("wd %s serves %s\n", WD_VERSION, node->data_dir);
    print_door(node, "IMAP", "imap", wd_config_bool(node->config, "imap.secure") ? "TLS" : "");
    print_door(node, "POP3", "pop3", wd_config_bool(node->config, "pop3.secure") ? "TLS" : "");
    print_door(node, "LMTP", "lmtp", "");
    print_door(node, "HTTP", "api", wd_config_bool(node->config, "api.secure") ? "TLS" : "");
    printf("Next, in another terminal:\n  wd user create alice --address alice@example.com%s\n"
           "  wd push alice@example.com%s\n",
           where, where);
    fflush(stdout);
}

static bool
run(struct cli *c, const struct node *node)
{
    struct supervised children[SUPERVISED_MAX];
    struct banner banner = { c, node };
    struct supervise_options o = { .children = children, .on_ready = print_banner, .data = &banner };
    struct wd_log_options log = { .level = WD_LOG_INFO, .program = "wd" };

    if (!prepare_certificate(c, node) || !node_children(c->arena, node, children, &o.n, &c->err))
        return false;
    wd_log_init(&log);
    return supervise(&o, &c->err);
}

/* Children start in our directory, but the person may have named the file from another shell's view. */
static const char *
absolute(struct cli *c, const char *path)
{
    char *real = path ? realpath(path, NULL) : NULL;
    const char *copy = real ? wd_arena_str(c->arena, wd_str_c(real)).p : path;

    free(real);
    return copy;
}

static bool
serve(struct cli *c, char **words)
{
    static const struct wd_config_key *const tables[] = { node_keys, NULL };
    struct node node = { .data_dir = cli_data_dir(c->arena, c->data), .overrides = overrides };
    struct wd_config_sources sources = { 0 };
    struct wd_config *config;
    bool ok;

    (void)words;
    node.config_file = absolute(c, config_file);
    if (!node_check_overrides(&overrides, &c->err) || !prepare_directory(c, node.data_dir))
        return false;
    sources.file = node.config_file;
    sources.overrides = node_own_overrides(c->arena, &overrides);
    config = wd_config_load(tables, &sources, &c->err);
    if (!config)
        return false;
    node.config = config;
    ok = run(c, &node);
    wd_config_free(config);
    wd_vec_done(&overrides);
    return ok;
}

const struct cli_command cli_serve_commands[] = {
    { "serve", NULL, "[--config FILE] [--set KEY=VALUE]…", "run a node: store, IMAP, POP3, LMTP, HTTP", 0, 0, serve,
      options },
    { .noun = NULL },
};

#include "frontends/wd/children.h"

#include <stdio.h>
#include <unistd.h>

#include "frontends/wd/paths.h"

/* clang-format off */
const struct wd_config_key node_keys[] = {
    { "imap.",         WD_CONFIG_STRING, NULL,        0, 0,     "other keys are wd-imap's" },
    { "imap.enabled",  WD_CONFIG_BOOL,   "true",      0, 0,     "run wd-imap" },
    { "imap.host",     WD_CONFIG_STRING, "127.0.0.1", 0, 0,     "where it listens" },
    { "imap.port",     WD_CONFIG_INT,    "9993",      0, 65535, "its port" },
    { "imap.secure",   WD_CONFIG_BOOL,   "true",      0, 0,     "TLS from the first byte" },
    { "pop3.",         WD_CONFIG_STRING, NULL,        0, 0,     "other keys are wd-pop3's" },
    { "pop3.enabled",  WD_CONFIG_BOOL,   "true",      0, 0,     "run wd-pop3" },
    { "pop3.host",     WD_CONFIG_STRING, "127.0.0.1", 0, 0,     "where it listens" },
    { "pop3.port",     WD_CONFIG_INT,    "9995",      0, 65535, "its port" },
    { "pop3.secure",   WD_CONFIG_BOOL,   "true",      0, 0,     "TLS from the first byte" },
    { "lmtp.",         WD_CONFIG_STRING, NULL,        0, 0,     "other keys are wd-lmtp's" },
    { "lmtp.enabled",  WD_CONFIG_BOOL,   "true",      0, 0,     "run wd-lmtp" },
    { "lmtp.host",     WD_CONFIG_STRING, "127.0.0.1", 0, 0,     "where it listens" },
    { "lmtp.port",     WD_CONFIG_INT,    "2424",      0, 65535, "its port" },
    { "api.",          WD_CONFIG_STRING, NULL,        0, 0,     "other keys are wd-http's" },
    { "api.enabled",   WD_CONFIG_BOOL,   "true",      0, 0,     "run wd-http" },
    { "api.host",      WD_CONFIG_STRING, "127.0.0.1", 0, 0,     "where it listens" },
    { "api.port",      WD_CONFIG_INT,    "8080",      0, 65535, "its port" },
    { "api.secure",    WD_CONFIG_BOOL,   "false",     0, 0,     "HTTPS" },
    { "store.",        WD_CONFIG_STRING, NULL,        0, 0,     "other keys are wd-store's" },
    { "store.listen",  WD_CONFIG_LIST,   "",          0, 0,     "further addresses of the store" },
    { "store.events",  WD_CONFIG_LIST,   "",          0, 0,     "further addresses of its events" },
    { "tls.",          WD_CONFIG_STRING, NULL,        0, 0,     "other keys are the front ends'" },
    { "tls.cert",      WD_CONFIG_STRING, NULL,        0, 0,     "certificate; unset: one is made" },
    { NULL,            WD_CONFIG_STRING, NULL,        0, 0,     NULL },
};
/* clang-format on */

enum { STORE = 1, IMAP = 2, LMTP = 4, HTTP = 8, POP3 = 16, FRONT = IMAP | POP3 | LMTP | HTTP };

/* A program, and what it is called in the configuration and among the tokens. */
static const struct {
    unsigned bit;
    const char *program, *section, *token;
    bool port_file;
} programs[] = {
    { STORE, "wd-store", "store", NULL, false },
    { IMAP, "wd-imap", "imap", "imap", true },
    { POP3, "wd-pop3", "pop3", "pop3", true },
    { LMTP, "wd-lmtp", "lmtp", "lmtp", true },
    { HTTP, "wd-http", "api", "http", false },
};

/* Whose option is it? The first row whose name is the key, or its section, counts. */
static const struct {
    const char *name;
    unsigned who;
} owners[] = {
    { "imap.maxConnections", STORE },
    { "imap.maxUploadMB", STORE },
    { "imap.maxDownloadMB", STORE },
    { "pop3.maxMessages", STORE },
    { "pop3.maxDownloadMB", STORE },
    { "imap.enabled", 0 }, /* decided here */
    { "pop3.enabled", 0 },
    { "lmtp.enabled", 0 },
    { "api.enabled", 0 },
    { "store.listen", 0 },
    { "store.events", 0 },
    { "imap", IMAP },
    { "pop3", POP3 },
    { "lmtp", LMTP },
    { "api", HTTP },
    { "tls", FRONT },
    { "log", STORE | FRONT },
    { "user", STORE | FRONT },
    { "group", STORE | FRONT },
    { "store", STORE },
    { "emailDomain", STORE },
    { "maxStorage", STORE },
    { "maxRecipients", STORE },
    { "maxForwards", STORE },
    { "attachments", STORE },
    { "dbs", STORE },
    { "limits", STORE },
    { "archive", STORE },
    { "authlog", STORE },
    { "auth", STORE },
};

static bool
owner_of(struct wd_str key, unsigned *who)
{
    struct wd_str section = wd_str_part(key, 0, wd_str_chr(key, '.'));

    for (size_t i = 0; i < WD_COUNT(owners); i++) {
        struct wd_str name = wd_str_c(owners[i].name);
        if (wd_str_eq(name, key) || wd_str_eq(name, section)) {
            *who = owners[i].who;
            return true;
        }
    }
    return false;
}

static struct wd_str
key_of(const char *override)
{
    struct wd_str s = wd_str_c(override);

    return wd_str_part(s, 0, wd_str_chr(s, '='));
}

bool
node_check_overrides(const struct cli_words *overrides, struct wd_error *err)
{
    unsigned who;

    for (size_t i = 0; i < overrides->n; i++) {
        if (!strchr(overrides->p[i], '='))
            return wd_fail(err, WD_INVALID, "--set wants KEY=VALUE, not '%s'", overrides->p[i]);
        if (!owner_of(key_of(overrides->p[i]), &who))
            return wd_fail(err, WD_INVALID, "--set: no program has a key '%.*s'", WD_FMT(key_of(overrides->p[i])));
    }
    return true;
}

static bool
is_node_key(struct wd_str key)
{
    for (const struct wd_config_key *k = node_keys; k->name; k++)
        if (wd_str_eq(wd_str_c(k->name), key))
            return true;
    return false;
}

const char *const *
node_own_overrides(struct wd_arena *a, const struct cli_words *overrides)
{
    const char **own = WD_ARENA_ARRAY(a, const char *, overrides->n + 1);
    size_t n = 0;

    for (size_t i = 0; i < overrides->n; i++)
        if (is_node_key(key_of(overrides->p[i])))
            own[n++] = overrides->p[i];
    return own;
}

/* ---- one command line ---- */

struct line {
    struct wd_arena *arena;
    struct cli_words words;
};

static void
add(struct line *l, struct wd_str word)
{
    char *copy = wd_arena_alloc(l->arena, word.n + 1);

    if (word.n)
        memcpy(copy, word.p, word.n);
    wd_vec_push(&l->words, copy);
}

static void
add_set(struct line *l, struct wd_str pair)
{
    add(l, WD_STR("--set"));
    add(l, pair);
}

static void
set(struct line *l, const char *key, const char *value)
{
    add_set(l, wd_arena_printf(l->arena, "%s=%s", key, value));
}

/* Our own socket first, then what the configuration adds. */
static void
set_list(struct line *l, const struct node *node, const char *key, const char *socket)
{
    struct wd_buf text wd_auto(wd_buf_done) = { 0 };
    const char *const *more = wd_config_list(node->config, key, NULL);

    wd_buf_printf(&text, "%s=ipc://%s/run/%s", key, node->data_dir, socket);
    for (; *more; more++)
        wd_buf_printf(&text, ",%s", *more);
    add_set(l, wd_buf_view(&text));
}

static void
store_options(struct line *l, const struct node *node)
{
    set(l, "store.dataDir", node->data_dir);
    set_list(l, node, "store.listen", "store.ipc");
    set_list(l, node, "store.events", "events.ipc");
}

static void
front_options(struct line *l, const struct node *node, size_t which)
{
    const char *section = programs[which].section, *dir = node->data_dir;
    const char *host = wd_arena_printf(l->arena, "%s.host", section).p;

    set(l, "store.url", wd_arena_printf(l->arena, "ipc://%s/run/store.ipc", dir).p);
    set(l, "store.events", wd_arena_printf(l->arena, "ipc://%s/run/events.ipc", dir).p);
    set(l, "store.tokenFile", wd_arena_printf(l->arena, "%s/tokens/%s", dir, programs[which].token).p);
    if (!wd_config_is_set(node->config, "tls.cert"))
        set(l, "tls.cert", cli_path(l->arena, dir, "tls.pem"));
    if (!wd_config_is_set(node->config, host)) /* loopback, until somebody says otherwise */
        set(l, host, wd_config_string(node->config, host));
    if (programs[which].port_file)
        add_set(l, wd_arena_printf(l->arena, "%s.portFile=%s/run/%s.port", section, dir, section));
}

static char **
command_line(struct wd_arena *a, const struct node *node, size_t which, const char *path)
{
    struct line l = { .arena = a };
    char **argv;
    unsigned who;

    add(&l, wd_str_c(path));
    if (node->config_file) {
        add(&l, WD_STR("--config"));
        add(&l, wd_str_c(node->config_file));
    }
    if (programs[which].bit == STORE)
        store_options(&l, node);
    else
        front_options(&l, node, which);
    for (size_t i = 0; i < node->overrides.n; i++)
        if (owner_of(key_of(node->overrides.p[i]), &who) && (who & programs[which].bit))
            add_set(&l, wd_str_c(node->overrides.p[i]));
    argv = WD_ARENA_ARRAY(a, char *, l.words.n + 1);
    memcpy(argv, l.words.p, l.words.n * sizeof *argv);
    wd_vec_done(&l.words);
    return argv;
}

/* Beside our own program. */
static bool
find_program(struct wd_arena *a, const char *name, const char **path, struct wd_error *err)
{
    char own[4096];
    ssize_t n = readlink("/proc/self/exe", own, sizeof own - 1);
    struct wd_str dir;

    if (n <= 0)
        return wd_fail(err, WD_UNAVAILABLE, "cannot tell where wd itself is");
    dir = wd_str_n(own, (size_t)n);
    dir = wd_str_part(dir, 0, wd_str_rchr(dir, '/'));
    *path = wd_arena_printf(a, "%.*s/%s", WD_FMT(dir), name).p;
    return access(*path, X_OK) == 0 ||
           wd_fail(err, WD_INVALID, "%s is not installed beside wd (looked for %s)", name, *path);
}

static bool
is_enabled(struct wd_arena *a, const struct node *node, size_t which)
{
    if (programs[which].bit == STORE)
        return true;
    return wd_config_bool(node->config, wd_arena_printf(a, "%s.enabled", programs[which].section).p);
}

bool
node_children(struct wd_arena *a, const struct node *node, struct supervised out[SUPERVISED_MAX], size_t *n,
              struct wd_error *err)
{
    const char *path;

    *n = 0;
    for (size_t i = 0; i < WD_COUNT(programs); i++) {
        if (!is_enabled(a, node, i))
            continue;
        if (!find_program(a, programs[i].program, &path, err))
            return false;
        out[(*n)++] = (struct supervised){ programs[i].program, command_line(a, node, i, path) };
    }
    return true;
}

/* The merged configuration as TOML that wd_config_load() reads again, but for the secrets in it. */
#include "common/config/config.h"

#include "common/base/lifetime.h"
#include "common/config/config_priv.h"

static const struct wd_str secret_words[] = { WD_STR_C("secret"), WD_STR_C("password"), WD_STR_C("token"),
                                              WD_STR_C("pass"), WD_STR_C("credential") };

/* Does the name say so? "tokenFile" is the name of a file. */
static bool
names_secret(struct wd_str name)
{
    for (size_t i = 0; i < WD_COUNT(secret_words); i++)
        if (wd_str_ifind(name, secret_words[i]) != SIZE_MAX)
            return !wd_str_iends(name, WD_STR("file"));
    return false;
}

static bool
is_secret(const char *key)
{
    struct wd_str name = wd_str_c(key);
    size_t dot = wd_str_rchr(name, '.');

    return names_secret(dot == SIZE_MAX ? name : wd_str_part(name, dot + 1, name.n));
}

static void
print_bytes(FILE *to, struct wd_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c == '"' || c == '\\')
            fprintf(to, "\\%c", c);
        else if (c < 0x20 || c == 0x7f)
            fprintf(to, "\\u%04x", c);
        else
            fputc(c, to);
    }
}

/* name=value pairs behind a question mark: password=***, authMechanismProperties=*** (it may hold a token) */
static void
print_query(FILE *to, struct wd_str query)
{
    struct wd_str pair;
    const char *before = "?";

    while (wd_str_split(&query, '&', &pair)) {
        size_t equals = wd_str_chr(pair, '=');
        struct wd_str name = wd_str_part(pair, 0, equals);
        bool secret = equals != SIZE_MAX &&
                      (names_secret(name) || wd_str_ieq(name, WD_STR("authMechanismProperties")));
        fputs(before, to);
        print_bytes(to, secret ? name : pair);
        fputs(secret ? "=***" : "", to);
        before = "&";
    }
}

/* A URL without the passwords in it: mongodb://user:***@host/db?tlsCertificateKeyFilePassword=***. What stands alone
 * in front of an @ is the password in redis:// URLs. An @ behind the question mark hides where the password ends, so
 * nothing of such a URL is printed. */
static void
print_url(FILE *to, struct wd_str url, size_t scheme)
{
    struct wd_str rest = wd_str_part(url, scheme, url.n);
    size_t question = wd_str_chr(rest, '?'), at = wd_str_rchr(rest, '@');
    struct wd_str user = at == SIZE_MAX ? WD_NONE : wd_str_part(rest, 0, at);
    size_t colon = wd_str_chr(user, ':');

    print_bytes(to, wd_str_part(url, 0, scheme));
    if (at != SIZE_MAX && question != SIZE_MAX && question < at) {
        fputs("***", to);
        return;
    }
    if (at != SIZE_MAX && (colon != SIZE_MAX || wd_str_istarts(url, WD_STR("redis")))) {
        print_bytes(to, wd_str_part(user, 0, colon == SIZE_MAX ? 0 : colon + 1));
        fputs("***", to);
        rest = wd_str_part(rest, at, rest.n);
    }
    question = wd_str_chr(rest, '?');
    print_bytes(to, wd_str_part(rest, 0, question));
    if (question != SIZE_MAX)
        print_query(to, wd_str_part(rest, question + 1, rest.n));
}

/* A secret as "***"; a URL without the passwords in it. */
static void
print_text(FILE *to, const char *key, const char *text)
{
    struct wd_str s = wd_str_c(text);
    size_t scheme = wd_str_find(s, WD_STR("://"));

    fputc('"', to);
    if (is_secret(key) && s.n)
        fputs("***", to);
    else if (scheme != SIZE_MAX)
        print_url(to, s, scheme + 3);
    else
        print_bytes(to, s);
    fputc('"', to);
}

static void
print_list(FILE *to, const char *key, const struct config_slot *s)
{
    fputc('[', to);
    for (size_t i = 0; i < s->n; i++) {
        fputs(i ? ", " : "", to);
        print_text(to, key, s->items[i]);
    }
    fputc(']', to);
}

static void
print_slot(FILE *to, const struct config_slot *s)
{
    const char *name = s->key->name;

    switch (s->key->type) {
    case WD_CONFIG_STRING:
        fprintf(to, s->text ? "%s = " : "# %s is not set", name);
        if (s->text)
            print_text(to, name, s->text);
        break;
    case WD_CONFIG_INT:
        fprintf(to, "%s = %lld", name, s->number);
        break;
    case WD_CONFIG_BOOL:
        fprintf(to, "%s = %s", name, s->number ? "true" : "false");
        break;
    case WD_CONFIG_LIST:
        fprintf(to, "%s = ", name);
        print_list(to, name, s);
        break;
    case WD_CONFIG_TABLES:
        return; /* printed behind the rest: what follows [[…]] in a file belongs to it */
    }
    fputc('\n', to);
}

static void
print_rows(FILE *to, const struct config_slot *s)
{
    for (size_t i = 0; i < s->rows.n; i++) {
        fprintf(to, "\n[[%s]]\n", s->key->name);
        for (size_t j = 0; j < s->rows.p[i].fields.n; j++) {
            const struct config_field *f = &s->rows.p[i].fields.p[j];
            fprintf(to, "%s = ", f->name);
            print_text(to, f->name, f->text);
            fputc('\n', to);
        }
    }
}

/* Is there a value where the key has its table ("dbs.redis" and "dbs.redis.port")? TOML cannot say both. */
static bool
is_below_value(const struct wd_config *c, const struct config_slot *s)
{
    struct wd_str name = wd_str_c(s->key->name);

    for (size_t i = 0; i < c->slots.n; i++) {
        const struct config_slot *other = &c->slots.p[i];
        size_t n = strlen(other->key->name);
        if (other->text && n < name.n && name.p[n] == '.' && wd_str_starts(name, wd_str_c(other->key->name)))
            return true;
    }
    return false;
}

void
wd_config_print(const struct wd_config *c, FILE *to)
{
    for (size_t i = 0; i < c->slots.n; i++) {
        bool below = is_below_value(c, &c->slots.p[i]);
        if (below && !c->slots.p[i].is_set)
            continue; /* a default of what is not in use */
        if (below && c->slots.p[i].key->type != WD_CONFIG_TABLES)
            fputs("# ", to);
        print_slot(to, &c->slots.p[i]);
    }
    for (size_t i = 0; i < c->slots.n; i++)
        if (!is_below_value(c, &c->slots.p[i]))
            print_rows(to, &c->slots.p[i]);
}

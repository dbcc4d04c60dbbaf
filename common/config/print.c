/* The merged configuration as TOML that wd_config_load() reads again, but for the secrets in it. */
#include "common/config/config.h"

#include "common/base/lifetime.h"
#include "common/config/config_priv.h"

static const struct wd_str secret_words[] = { WD_STR_C("secret"), WD_STR_C("password"), WD_STR_C("token"),
                                              WD_STR_C("pass"), WD_STR_C("credential") };

static bool
is_secret(const char *key)
{
    struct wd_str name = wd_str_c(key);
    size_t dot = wd_str_rchr(name, '.');

    name = dot == SIZE_MAX ? name : wd_str_part(name, dot + 1, name.n);
    for (size_t i = 0; i < WD_COUNT(secret_words); i++)
        if (wd_str_ifind(name, secret_words[i]) != SIZE_MAX)
            return !wd_str_iends(name, WD_STR("file"));
    return false;
}

static void
print_string(FILE *to, struct wd_str s)
{
    fputc('"', to);
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c == '"' || c == '\\')
            fprintf(to, "\\%c", c);
        else if (c < 0x20 || c == 0x7f)
            fprintf(to, "\\u%04x", c);
        else
            fputc(c, to);
    }
    fputc('"', to);
}

/* A secret as "***"; of a URL only the password in it: mongodb://user:***@host/. */
static void
print_text(FILE *to, const char *key, const char *text)
{
    struct wd_str s = wd_str_c(text), user;
    size_t scheme = wd_str_find(s, WD_STR("://")), at, colon;

    if (is_secret(key) && s.n) {
        fputs("\"***\"", to);
        return;
    }
    at = scheme == SIZE_MAX ? SIZE_MAX : wd_str_rchr(s, '@');
    user = at == SIZE_MAX ? WD_NONE : wd_str_part(s, scheme + 3, at);
    colon = wd_str_chr(user, ':');
    if (colon == SIZE_MAX) {
        print_string(to, s);
        return;
    }
    fputc('"', to);
    fprintf(to, "%.*s:***%.*s\"", (int)(scheme + 3 + colon), s.p, (int)(s.n - at), s.p + at);
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

void
wd_config_print(const struct wd_config *c, FILE *to)
{
    for (size_t i = 0; i < c->slots.n; i++)
        print_slot(to, &c->slots.p[i]);
    for (size_t i = 0; i < c->slots.n; i++)
        print_rows(to, &c->slots.p[i]);
}

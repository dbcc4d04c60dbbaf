#include "common/config/config.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/alloc.h"
#include "common/base/buf.h"
#include "common/base/lifetime.h"
#include "common/config/config_priv.h"
#include "common/config/toml.h"

enum { NAME_MAX_BYTES = 64 }; /* of names that are compared for a suggestion */

static const struct {
    const char *word;
    bool value;
} bool_words[] = { { "true", true }, { "yes", true }, { "on", true },  { "1", true },
                   { "false", false }, { "no", false }, { "off", false }, { "0", false } };

static struct config_slot *
find_slot(const struct wd_config *c, const char *name)
{
    for (size_t i = 0; i < c->slots.n; i++)
        if (strcmp(c->slots.p[i].key->name, name) == 0)
            return &c->slots.p[i];
    return NULL;
}

static const char *
keep(struct wd_config *c, struct wd_str text)
{
    return wd_arena_str(c->arena, text).p;
}

static bool
assign_int(struct config_slot *s, struct wd_str text, struct wd_error *err)
{
    int64_t value;

    if (!wd_str_i64(text, &value))
        return wd_fail(err, WD_INVALID, "not a whole number");
    if (value < s->key->min || value > s->key->max)
        return wd_fail(err, WD_INVALID, "not between %lld and %lld", s->key->min, s->key->max);
    s->number = value;
    return true;
}

static bool
assign_bool(struct config_slot *s, struct wd_str text, struct wd_error *err)
{
    for (size_t i = 0; i < WD_COUNT(bool_words); i++)
        if (wd_str_ieq(wd_str_c(bool_words[i].word), text)) {
            s->number = bool_words[i].value;
            return true;
        }
    return wd_fail(err, WD_INVALID, "neither true nor false");
}

static void
assign_list(struct wd_config *c, struct config_slot *s, struct wd_str text)
{
    struct wd_str rest = text, piece;
    size_t n = 0;

    while (wd_str_split(&rest, ',', &piece))
        n++;
    s->items = WD_ARENA_ARRAY(c->arena, const char *, n + 1);
    s->n = 0;
    for (rest = text; wd_str_split(&rest, ',', &piece);) {
        piece = wd_str_trim(piece);
        if (piece.n)
            s->items[s->n++] = keep(c, piece);
    }
}

/* A value as text: the table's default, the environment, --set. */
static bool
assign_text(struct wd_config *c, struct config_slot *s, struct wd_str text, struct wd_error *err)
{
    switch (s->key->type) {
    case WD_CONFIG_STRING:
        s->text = keep(c, text);
        return true;
    case WD_CONFIG_INT:
        return assign_int(s, wd_str_trim(text), err);
    case WD_CONFIG_BOOL:
        return assign_bool(s, wd_str_trim(text), err);
    case WD_CONFIG_LIST:
        assign_list(c, s, text);
        return true;
    case WD_CONFIG_TABLES:
        return wd_fail(err, WD_INVALID, "can only be set in a file");
    }
    return false;
}

static void
clear_rows(struct config_slot *s)
{
    for (size_t i = 0; i < s->rows.n; i++)
        wd_vec_done(&s->rows.p[i].fields);
    wd_vec_done(&s->rows);
}

static void
add_tables(struct wd_config *c, const struct wd_config_key *const *tables)
{
    struct wd_error err;

    for (; *tables; tables++)
        for (const struct wd_config_key *k = *tables; k->name; k++) {
            struct config_slot *s;
            assert(!find_slot(c, k->name)); /* a key is in one table only */
            wd_vec_push(&c->slots, (struct config_slot){ .key = k });
            s = &c->slots.p[c->slots.n - 1];
            s->items = WD_ARENA_NEW(c->arena, const char *);
            if (k->initial && !assign_text(c, s, wd_str_c(k->initial), &err)) {
                fprintf(stderr, "%s: bad default: %s\n", k->name, err.text);
                abort();
            }
        }
}

/* Edit distance, for suggestions. */
static size_t
distance(struct wd_str a, struct wd_str b)
{
    size_t row[NAME_MAX_BYTES + 1];

    a = wd_str_part(a, 0, NAME_MAX_BYTES);
    b = wd_str_part(b, 0, NAME_MAX_BYTES);
    for (size_t j = 0; j <= b.n; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.n; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.n; j++) {
            size_t best = diagonal + (wd_lower(a.p[i - 1]) != wd_lower(b.p[j - 1]));
            diagonal = row[j];
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            row[j] = best;
        }
    }
    return row[b.n];
}

static bool
unknown_key(const struct wd_config *c, const char *name, struct wd_error *err)
{
    const char *nearest = NULL;
    size_t least = SIZE_MAX;

    for (size_t i = 0; i < c->slots.n; i++) {
        size_t d = distance(wd_str_c(name), wd_str_c(c->slots.p[i].key->name));
        if (d < least) {
            least = d;
            nearest = c->slots.p[i].key->name;
        }
    }
    if (!nearest)
        return wd_fail(err, WD_INVALID, "unknown key");
    return wd_fail(err, WD_INVALID, "unknown key; did you mean %s?", nearest);
}

static struct wd_str
section_of(const char *name)
{
    struct wd_str s = wd_str_c(name);

    return wd_str_part(s, 0, wd_str_chr(s, '.'));
}

/* Is it a mark such as "imap.": this section is another daemon's, and only some of its keys are read here? */
static bool
is_mark(const char *key)
{
    return wd_str_ends(wd_str_c(key), WD_STR("."));
}

/* Does any table of this daemon have keys in the section of the name, and claim it for its own? */
static bool
is_ours(const struct wd_config *c, const char *name)
{
    bool ours = false;

    for (size_t i = 0; i < c->slots.n; i++)
        if (wd_str_eq(section_of(c->slots.p[i].key->name), section_of(name))) {
            if (is_mark(c->slots.p[i].key->name))
                return false;
            ours = true;
        }
    return ours;
}

static bool
set_list(struct wd_config *c, struct config_slot *s, const struct wd_toml_value *v)
{
    s->items = WD_ARENA_ARRAY(c->arena, const char *, v->n + 1);
    for (s->n = 0; s->n < v->n; s->n++)
        s->items[s->n] = keep(c, wd_str_c(v->items[s->n]));
    return true;
}

/* A field of a row as text; a list of it separated by commas. */
static bool
set_field(struct wd_config *c, struct config_slot *s, const struct wd_toml_value *v, struct wd_error *err)
{
    struct wd_buf text wd_auto(wd_buf_done) = { 0 };
    struct config_field field = { keep(c, wd_str_c(v->field)), NULL };

    if (v->kind == WD_TOML_OTHER)
        return wd_fail(err, WD_INVALID, "%s has a type that no key has", v->field);
    if (v->kind != WD_TOML_LIST)
        wd_buf_c(&text, v->text);
    for (size_t i = 0; v->kind == WD_TOML_LIST && i < v->n; i++)
        wd_buf_printf(&text, "%s%s", i ? "," : "", v->items[i]);
    field.text = keep(c, wd_buf_view(&text));
    wd_vec_push(&s->rows.p[v->row].fields, field);
    return true;
}

static bool
set_row(struct wd_config *c, struct config_slot *s, const struct wd_toml_value *v, struct wd_error *err)
{
    if (v->field)
        return set_field(c, s, v, err);
    if (v->kind == WD_TOML_LIST && v->n == 0) {
        clear_rows(s);
        return true;
    }
    if (v->kind != WD_TOML_ROW)
        return wd_fail(err, WD_INVALID, "must be an array of tables");
    if (v->row == 0)
        clear_rows(s);
    wd_vec_push(&s->rows, (struct config_row){ 0 });
    return true;
}

/* A value of a file: its type must be the key's. `false` for a string unsets it; a list may be one value. */
static bool
set_value(struct wd_config *c, struct config_slot *s, const struct wd_toml_value *v, struct wd_error *err)
{
    static const struct {
        enum wd_toml_kind kind;
        const char *name;
    } wanted[] = {
        [WD_CONFIG_STRING] = { WD_TOML_STRING, "a string" },
        [WD_CONFIG_INT] = { WD_TOML_INT, "a whole number" },
        [WD_CONFIG_BOOL] = { WD_TOML_BOOL, "true or false" },
        [WD_CONFIG_LIST] = { WD_TOML_LIST, "a list" },
    };
    enum wd_config_type type = s->key->type;
    bool scalar = v->kind == WD_TOML_STRING || v->kind == WD_TOML_INT || v->kind == WD_TOML_BOOL;

    if (type == WD_CONFIG_TABLES)
        return set_row(c, s, v, err);
    if (type == WD_CONFIG_LIST && v->kind == WD_TOML_LIST)
        return set_list(c, s, v);
    if (type == WD_CONFIG_STRING && v->kind == WD_TOML_BOOL && strcmp(v->text, "false") == 0) {
        s->text = NULL;
        return true;
    }
    if (v->field || (v->kind != wanted[type].kind && !(type == WD_CONFIG_LIST && scalar)))
        return wd_fail(err, WD_INVALID, "must be %s", wanted[type].name);
    return assign_text(c, s, wd_str_c(v->text), err);
}

struct file_reader {
    struct wd_config *config;
    const char *file;
};

static bool
take_value(void *data, const struct wd_toml_value *v, struct wd_error *err)
{
    struct file_reader *r = data;
    struct config_slot *s = find_slot(r->config, v->key);
    char where[120];

    if (s && set_value(r->config, s, v, err)) {
        s->is_set = true;
        return true;
    }
    if (!s && !is_ours(r->config, v->key))
        return true; /* another daemon's */
    if (!s)
        unknown_key(r->config, v->key, err);
    snprintf(where, sizeof where, "%s:%u:%u: %s", r->file, v->line, v->column, v->key);
    return wd_fail_in(err, where);
}

/* WD_IMAP_MAXMB for "imap.maxMB". */
static void
environment_name(struct wd_buf *out, const char *key)
{
    wd_buf_c(out, "WD_");
    for (; *key; key++)
        wd_buf_chr(out, *key == '.' ? '_' : wd_upper(*key));
    wd_buf_chr(out, '\0');
}

static bool
take_environment(struct wd_config *c, struct wd_error *err)
{
    struct wd_buf name wd_auto(wd_buf_done) = { 0 };

    for (size_t i = 0; i < c->slots.n; i++) {
        const char *value;
        name.n = 0;
        environment_name(&name, c->slots.p[i].key->name);
        value = getenv(name.p);
        if (!value)
            continue;
        if (!assign_text(c, &c->slots.p[i], wd_str_c(value), err))
            return wd_fail_in(err, name.p);
        c->slots.p[i].is_set = true;
    }
    return true;
}

static bool
take_override(struct wd_config *c, const char *text, struct wd_error *err)
{
    struct wd_str whole = wd_str_c(text);
    size_t equals = wd_str_chr(whole, '=');
    const char *name = keep(c, wd_str_part(whole, 0, equals));
    struct config_slot *s = find_slot(c, name);
    bool ok;

    if (equals == SIZE_MAX)
        return wd_fail(err, WD_INVALID, "--set %s: no '=' in it", text);
    ok = s ? assign_text(c, s, wd_str_part(whole, equals + 1, whole.n), err) : unknown_key(c, name, err);
    if (!ok) {
        wd_fail_in(err, name);
        return wd_fail_in(err, "--set");
    }
    s->is_set = true;
    return true;
}

static bool
take_sources(struct wd_config *c, const struct wd_config_sources *from, struct wd_error *err)
{
    struct file_reader r = { c, from->file };

    if (from->file && !wd_toml_read(from->file, take_value, &r, err))
        return false;
    if (!take_environment(c, err))
        return false;
    for (const char *const *o = from->overrides; o && *o; o++)
        if (!take_override(c, *o, err))
            return false;
    return true;
}

struct wd_config *
wd_config_load(const struct wd_config_key *const *tables, const struct wd_config_sources *from, struct wd_error *err)
{
    struct wd_config *c = WD_NEW(struct wd_config);

    c->arena = wd_arena_new(0);
    add_tables(c, tables);
    if (!take_sources(c, from, err)) {
        wd_config_free(c);
        return NULL;
    }
    return c;
}

void
wd_config_free(struct wd_config *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < c->slots.n; i++)
        clear_rows(&c->slots.p[i]);
    wd_vec_done(&c->slots);
    wd_arena_free(c->arena);
    free(c);
}

static const struct config_slot *
slot_of(const struct wd_config *c, const char *key, enum wd_config_type type)
{
    const struct config_slot *s = find_slot(c, key);

    if (!s || s->key->type != type) {
        fprintf(stderr, "configuration key '%s' is not in the tables with this type\n", key);
        abort();
    }
    return s;
}

const char *
wd_config_string(const struct wd_config *c, const char *key)
{
    return slot_of(c, key, WD_CONFIG_STRING)->text;
}

long long
wd_config_int(const struct wd_config *c, const char *key)
{
    return slot_of(c, key, WD_CONFIG_INT)->number;
}

bool
wd_config_bool(const struct wd_config *c, const char *key)
{
    return slot_of(c, key, WD_CONFIG_BOOL)->number != 0;
}

const char *const *
wd_config_list(const struct wd_config *c, const char *key, size_t *n)
{
    const struct config_slot *s = slot_of(c, key, WD_CONFIG_LIST);

    if (n)
        *n = s->n;
    return s->items;
}

bool
wd_config_is_set(const struct wd_config *c, const char *key)
{
    const struct config_slot *s = find_slot(c, key);

    assert(s);
    return s->is_set;
}

size_t
wd_config_rows(const struct wd_config *c, const char *key)
{
    return slot_of(c, key, WD_CONFIG_TABLES)->rows.n;
}

const char *
wd_config_row_string(const struct wd_config *c, const char *key, size_t row, const char *field)
{
    const struct config_slot *s = slot_of(c, key, WD_CONFIG_TABLES);

    assert(row < s->rows.n);
    for (size_t i = 0; i < s->rows.p[row].fields.n; i++)
        if (strcmp(s->rows.p[row].fields.p[i].name, field) == 0)
            return s->rows.p[row].fields.p[i].text;
    return NULL;
}

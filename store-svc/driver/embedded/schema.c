#include "store-svc/driver/embedded/schema_priv.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/base/alloc.h"
#include "common/base/buf.h"

static char *
take_text(struct wd_buf *b)
{
    char *p;

    wd_buf_chr(b, '\0');
    p = b->p;
    *b = (struct wd_buf){ 0 };
    return p;
}

static char *
copy(struct wd_str s)
{
    char *p = wd_alloc(s.n + 1);

    memcpy(p, s.p, s.n);
    return p;
}

/* "c_users" in quotes; with a dot and a second name when there is one. */
static char *
table_name(const char *prefix, const char *coll, const char *index)
{
    struct wd_buf out = { 0 };

    wd_buf_printf(&out, "\"%s%s%s%s\"", prefix, coll, *index ? "." : "", index);
    return take_text(&out);
}

int
em_coll_column(const struct em_coll *c, const char *path)
{
    for (size_t i = 0; i < c->n_columns; i++)
        if (strcmp(c->columns[i].path, path) == 0)
            return (int)i;
    return -1;
}

bool
em_in_head(const struct em_coll *c, const char *path)
{
    size_t n = strcspn(path, ".");

    if (!c->head)
        return true;
    for (size_t i = 0; i < c->n_head; i++)
        if (strncmp(c->head[i], path, n) == 0 && c->head[i][n] == '\0')
            return true;
    return false;
}

bool
em_index_has_root(const struct em_index *x, const char *root, size_t n)
{
    bson_iter_t it;

    for (size_t i = 0; i < x->n_fields; i++)
        if (strcspn(x->fields[i].path, ".") == n && memcmp(x->fields[i].path, root, n) == 0)
            return true;
    if (x->partial && bson_iter_init(&it, x->partial))
        while (bson_iter_next(&it))
            if (strcspn(bson_iter_key(&it), ".") == n && memcmp(bson_iter_key(&it), root, n) == 0)
                return true;
    return false;
}

static bool
add_column(struct em_coll *c, const char *path, struct wd_error *err)
{
    if (em_coll_column(c, path) >= 0)
        return true;
    if (c->n_columns == EM_COLUMNS_MAX)
        return wd_fail(err, WD_INVALID, "%s: too many indexed fields", c->declared->name);
    c->columns[c->n_columns++].path = copy(wd_str_c(path));
    return true;
}

static bool
parse_fields(struct em_index *x, struct wd_str list, struct wd_error *err)
{
    struct wd_str piece, path;

    while (wd_str_split(&list, ',', &piece)) {
        piece = wd_str_trim(piece);
        if (!wd_str_split(&piece, ' ', &path) || path.n == 0 || x->n_fields == EM_FIELDS_MAX)
            return wd_fail(err, WD_INVALID, "index %s: bad keys", x->declared->name);
        piece = wd_str_trim(piece);
        x->fields[x->n_fields++] = (struct em_field){
            .path = copy(path),
            .column = -1,
            .down = wd_str_eq(piece, WD_STR("-1")),
            .text = wd_str_eq(piece, WD_STR("text")),
        };
    }
    return true;
}

/* {a: true, b: 1} becomes "a"=x'0601' AND "b"=1; another kind of filter makes an index of all documents. */
static char *
partial_sql(const bson_t *filter)
{
    struct wd_buf sql wd_auto(wd_buf_done) = { 0 };
    bson_iter_t it;

    if (!bson_iter_init(&it, filter))
        return NULL;
    while (bson_iter_next(&it)) {
        if (sql.n)
            wd_buf_c(&sql, " AND ");
        wd_buf_printf(&sql, "\"%s\"=", bson_iter_key(&it));
        if (BSON_ITER_HOLDS_BOOL(&it))
            wd_buf_printf(&sql, "x'%02x%02x'", EM_TAG_BOOL, bson_iter_bool(&it));
        else if (BSON_ITER_HOLDS_INT32(&it))
            wd_buf_printf(&sql, "%d", bson_iter_int32(&it));
        else
            return NULL;
    }
    return sql.n ? take_text(&sql) : NULL;
}

/* "mailbox 1, unseen 1 | uid": here what is kept beside the keys is one more key, at the end. */
static bool
parse_keys(struct em_index *x, struct wd_error *err)
{
    struct wd_str rest = wd_str_c(x->declared->keys), keys = WD_NONE;

    wd_str_split(&rest, '|', &keys);
    if (rest.n && (x->declared->flags & WD_INDEX_UNIQUE))
        return wd_fail(err, WD_INVALID, "index %s: unique with more than keys", x->declared->name);
    return parse_fields(x, keys, err) && parse_fields(x, rest, err);
}

static bool
index_init(struct em_coll *c, struct em_index *x, const struct wd_docs_index *declared, struct wd_error *err)
{
    const char *name = c->declared->name;
    bson_error_t why;

    x->declared = declared;
    if (!parse_keys(x, err))
        return false;
    if (declared->flags & WD_INDEX_TEXT) {
        x->kind = EM_INDEX_TEXT;
        x->table = table_name("f_", name, "");
    } else if (declared->flags & WD_INDEX_MULTIKEY) {
        x->kind = EM_INDEX_SIDE;
        x->table = table_name("m_", name, declared->name);
    }
    if (x->kind == EM_INDEX_SIDE && (declared->flags & WD_INDEX_UNIQUE))
        return wd_fail(err, WD_INVALID, "index %s: can not be unique and multikey", declared->name);
    if (declared->partial) {
        x->partial = bson_new_from_json((const uint8_t *)declared->partial, -1, &why);
        if (!x->partial)
            return wd_fail(err, WD_INVALID, "index %s: %s", declared->name, why.message);
        x->where = partial_sql(x->partial);
    }
    for (size_t i = 0; i < x->n_fields; i++) {
        x->bulk = x->bulk || !em_in_head(c, x->fields[i].path);
        if (x->kind == EM_INDEX_PLAIN && !add_column(c, x->fields[i].path, err))
            return false;
    }
    return true;
}

static bool
add_partial_columns(struct em_coll *c, const struct em_index *x, struct wd_error *err)
{
    bson_iter_t it;

    if (x->where && x->kind == EM_INDEX_PLAIN && bson_iter_init(&it, x->partial))
        while (bson_iter_next(&it))
            if (!add_column(c, bson_iter_key(&it), err))
                return false;
    return true;
}

/* a's keys begin b's, in the same or in the opposite direction throughout. The first key is always asked for by one
 * value, so that its direction does not matter. */
static bool
is_prefix(const struct em_index *a, const struct em_index *b)
{
    if (a->n_fields > b->n_fields || b->where)
        return false;
    for (size_t i = 0; i < a->n_fields; i++)
        if (strcmp(a->fields[i].path, b->fields[i].path) != 0 ||
            (i > 1 && (a->fields[i].down == b->fields[i].down) != (a->fields[1].down == b->fields[1].down)))
            return false;
    return true;
}

/* Another index leads to the same rows: it begins with all keys of x, or with the first one when x is minor. */
static bool
stands_in(const struct em_index *other, const struct em_index *x)
{
    if (other->kind != EM_INDEX_PLAIN || other->skipped)
        return false;
    if (is_prefix(x, other))
        return true;
    return (x->declared->flags & WD_INDEX_MINOR) && !(other->declared->flags & WD_INDEX_MINOR) && !other->where &&
           strcmp(x->fields[0].path, other->fields[0].path) == 0;
}

/* Indexes that cost writes and serve little here: on _id first, the beginning of another one, or minor. Of two alike
 * the first stays. */
static void
skip_useless(struct em_coll *c)
{
    for (size_t i = c->n_indexes; i-- > 0;) {
        struct em_index *x = &c->indexes[i];
        if (x->kind != EM_INDEX_PLAIN || x->where || (x->declared->flags & WD_INDEX_UNIQUE))
            continue;
        x->skipped = strcmp(x->fields[0].path, "_id") == 0;
        for (size_t j = 0; j < c->n_indexes && !x->skipped; j++)
            x->skipped = j != i && stands_in(&c->indexes[j], x);
    }
}

static void
make_insert(struct em_coll *c)
{
    struct wd_buf sql = { 0 };

    wd_buf_printf(&sql, "INSERT INTO %s(", c->c);
    for (size_t i = 0; i < c->n_columns; i++)
        wd_buf_printf(&sql, "\"%s\",", c->columns[i].path);
    wd_buf_c(&sql, "head)VALUES(");
    for (size_t i = 0; i < c->n_columns; i++)
        wd_buf_c(&sql, "?,");
    wd_buf_c(&sql, "?)");
    c->insert_sql = take_text(&sql);
}

static void
parse_head(struct em_coll *c)
{
    struct wd_str rest = wd_str_c(c->declared->head), field;

    if (!c->declared->head)
        return;
    c->head = wd_alloc((rest.n / 2 + 3) * sizeof *c->head);
    c->head[c->n_head++] = copy(WD_STR("_id"));
    while (wd_str_split(&rest, ' ', &field))
        if (field.n && !wd_str_eq(field, WD_STR("_id")))
            c->head[c->n_head++] = copy(field);
}

static bool
coll_init(struct em_coll *c, const struct wd_docs_collection *declared, struct wd_error *err)
{
    c->declared = declared;
    c->c = table_name("c_", declared->name, "");
    c->b = table_name("b_", declared->name, "");
    parse_head(c);
    if (!add_column(c, "_id", err))
        return false;
    while (declared->indexes && declared->indexes[c->n_indexes].name)
        c->n_indexes++;
    c->indexes = wd_alloc((c->n_indexes + 1) * sizeof *c->indexes);
    for (size_t i = 0; i < c->n_indexes; i++)
        if (!index_init(c, &c->indexes[i], &declared->indexes[i], err) ||
            !add_partial_columns(c, &c->indexes[i], err))
            return false;
    for (size_t i = 0; i < c->n_indexes; i++)
        for (size_t j = 0; j < c->indexes[i].n_fields; j++)
            c->indexes[i].fields[j].column = em_coll_column(c, c->indexes[i].fields[j].path);
    skip_useless(c);
    make_insert(c);
    return true;
}

bool
em_schema_new(const struct wd_docs_collection *const *declared, struct em_schema **out, struct wd_error *err)
{
    struct em_schema *s = WD_NEW(struct em_schema);
    size_t n = 0;

    while (declared[n])
        n++;
    s->colls = wd_alloc((n + 1) * sizeof *s->colls);
    while (s->n < n) {
        s->n++;
        if (!coll_init(&s->colls[s->n - 1], declared[s->n - 1], err)) {
            em_schema_free(s);
            return false;
        }
    }
    *out = s;
    return true;
}

static void
coll_done(struct em_coll *c)
{
    for (size_t i = 0; i < c->n_indexes && c->indexes; i++) {
        struct em_index *x = &c->indexes[i];
        for (size_t j = 0; j < x->n_fields; j++)
            free(x->fields[j].path);
        bson_destroy(x->partial);
        free(x->where);
        free(x->table);
    }
    for (size_t i = 0; i < c->n_columns; i++)
        free(c->columns[i].path);
    for (size_t i = 0; i < c->n_head; i++)
        free(c->head[i]);
    free(c->head);
    free(c->indexes);
    free(c->insert_sql);
    free(c->c);
    free(c->b);
}

void
em_schema_free(struct em_schema *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->n; i++)
        coll_done(&s->colls[i]);
    free(s->colls);
    free(s);
}

struct em_coll *
em_schema_find(const struct em_schema *s, const char *name)
{
    for (size_t i = 0; s && i < s->n; i++)
        if (strcmp(s->colls[i].declared->name, name) == 0)
            return &s->colls[i];
    return NULL;
}

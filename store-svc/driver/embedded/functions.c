#include "store-svc/driver/embedded/functions_priv.h"

#include <stdlib.h>

#include "common/base/alloc.h"
#include "store-svc/port/regex.h"

static const char list_type[] = "wd_list";

struct list_cursor {
    sqlite3_vtab_cursor base;
    const struct em_list *list;
    size_t at;
};

static int
list_connect(sqlite3 *db, void *aux, int argc, const char *const *argv, sqlite3_vtab **out, char **error)
{
    (void)aux, (void)argc, (void)argv, (void)error;
    if (sqlite3_declare_vtab(db, "CREATE TABLE x(value, list HIDDEN)") != SQLITE_OK)
        return SQLITE_ERROR;
    *out = sqlite3_malloc(sizeof **out);
    if (!*out)
        return SQLITE_NOMEM;
    memset(*out, 0, sizeof **out);
    return SQLITE_OK;
}

static int
list_disconnect(sqlite3_vtab *tab)
{
    sqlite3_free(tab);
    return SQLITE_OK;
}

static int
list_best_index(sqlite3_vtab *tab, sqlite3_index_info *info)
{
    (void)tab;
    for (int i = 0; i < info->nConstraint; i++) {
        if (info->aConstraint[i].iColumn != 1 || info->aConstraint[i].op != SQLITE_INDEX_CONSTRAINT_EQ)
            continue;
        if (!info->aConstraint[i].usable)
            return SQLITE_CONSTRAINT;
        info->aConstraintUsage[i].argvIndex = 1;
        info->aConstraintUsage[i].omit = 1;
        info->estimatedCost = 10;
        info->estimatedRows = 20;
        return SQLITE_OK;
    }
    return SQLITE_CONSTRAINT;
}

static int
list_open(sqlite3_vtab *tab, sqlite3_vtab_cursor **out)
{
    struct list_cursor *c = WD_NEW(struct list_cursor);

    (void)tab;
    *out = &c->base;
    return SQLITE_OK;
}

static int
list_close(sqlite3_vtab_cursor *base)
{
    free(base);
    return SQLITE_OK;
}

static int
list_filter(sqlite3_vtab_cursor *base, int number, const char *name, int argc, sqlite3_value **argv)
{
    struct list_cursor *c = (struct list_cursor *)base;

    (void)number, (void)name;
    c->list = argc ? sqlite3_value_pointer(argv[0], list_type) : NULL;
    c->at = 0;
    return SQLITE_OK;
}

static int
list_next(sqlite3_vtab_cursor *base)
{
    ((struct list_cursor *)base)->at++;
    return SQLITE_OK;
}

static int
list_eof(sqlite3_vtab_cursor *base)
{
    struct list_cursor *c = (struct list_cursor *)base;

    return !c->list || c->at >= c->list->n;
}

static int
list_column(sqlite3_vtab_cursor *base, sqlite3_context *context, int column)
{
    struct list_cursor *c = (struct list_cursor *)base;
    const struct em_value *v = &c->list->values[c->at];

    if (column != 0 || v->type == EM_NULL)
        sqlite3_result_null(context);
    else if (v->type == EM_INTEGER)
        sqlite3_result_int64(context, v->integer);
    else if (v->type == EM_REAL)
        sqlite3_result_double(context, v->real);
    else if (v->type == EM_TEXT)
        sqlite3_result_text(context, v->text, (int)v->n, SQLITE_TRANSIENT);
    else
        sqlite3_result_blob(context, v->blob, (int)v->n, SQLITE_TRANSIENT);
    return SQLITE_OK;
}

static int
list_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *rowid)
{
    *rowid = (sqlite3_int64)((struct list_cursor *)base)->at;
    return SQLITE_OK;
}

static const sqlite3_module list_module = {
    .xConnect = list_connect, /* no xCreate: it is there without CREATE VIRTUAL TABLE */
    .xBestIndex = list_best_index,
    .xDisconnect = list_disconnect,
    .xDestroy = list_disconnect,
    .xOpen = list_open,
    .xClose = list_close,
    .xFilter = list_filter,
    .xNext = list_next,
    .xEof = list_eof,
    .xColumn = list_column,
    .xRowid = list_rowid,
};

static void
regex_drop(void *regex)
{
    wd_regex_free(regex);
}

/* wd_regex(text, pattern, options); the compiled pattern is kept as long as the argument does not change. */
static void
sql_regex(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    struct wd_regex *regex = sqlite3_get_auxdata(context, 1);
    const char *pattern = (const char *)sqlite3_value_text(argv[1]);
    struct wd_error err;
    const char *text;

    (void)argc;
    if (!regex) {
        if (!wd_regex_new(wd_str_n(pattern, (size_t)sqlite3_value_bytes(argv[1])),
                          (const char *)sqlite3_value_text(argv[2]), &regex, &err)) {
            sqlite3_result_error(context, err.text, -1);
            return;
        }
        sqlite3_set_auxdata(context, 1, regex, regex_drop);
        regex = sqlite3_get_auxdata(context, 1);
    }
    if (!regex || sqlite3_value_type(argv[0]) != SQLITE_TEXT) {
        sqlite3_result_int(context, 0);
        return;
    }
    text = (const char *)sqlite3_value_text(argv[0]);
    sqlite3_result_int(context, wd_regex_test(regex, wd_str_n(text, (size_t)sqlite3_value_bytes(argv[0]))));
}

bool
em_functions_add(struct em_conn *conn, struct wd_error *err)
{
    int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY;

    if (sqlite3_create_module(conn->db, "wd_list", &list_module, NULL) != SQLITE_OK ||
        sqlite3_create_function_v2(conn->db, "wd_regex", 3, flags, NULL, sql_regex, NULL, NULL, NULL) != SQLITE_OK)
        return em_fail(conn, err);
    return true;
}

void
em_list_bind(sqlite3_stmt *st, int at, struct em_list *list)
{
    sqlite3_bind_pointer(st, at, list, list_type, NULL);
}

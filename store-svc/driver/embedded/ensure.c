/* Brings the tables of the file to what is declared. A change of columns, head or entries writes every document of the
 * collection again, in one transaction. */
#include <stdlib.h>

#include "common/base/alloc.h"
#include "store-svc/driver/embedded/docs_priv.h"
#include "store-svc/driver/embedded/row_priv.h"

static bool __attribute__((format(printf, 3, 4)))
run(struct em_conn *conn, struct wd_error *err, const char *fmt, ...)
{
    struct wd_buf sql wd_auto(wd_buf_done) = { 0 };
    va_list args;

    va_start(args, fmt);
    wd_buf_vprintf(&sql, fmt, args);
    va_end(args);
    wd_buf_chr(&sql, '\0');
    return em_exec(conn, sql.p, err);
}

/* The value that is stored under a name, or an empty buffer. */
static bool
stored(struct em_conn *conn, const char *sql, struct wd_str name, struct wd_buf *out, bool *found,
       struct wd_error *err)
{
    struct em_use use wd_auto(em_done) = { 0 };

    if (!em_prepare(conn, wd_str_c(sql), &use, err))
        return false;
    sqlite3_bind_text(use.st, 1, name.p, (int)name.n, SQLITE_STATIC);
    if (!em_step(&use, found, err))
        return false;
    if (*found)
        wd_buf_add(out, sqlite3_column_text(use.st, 0), (size_t)sqlite3_column_bytes(use.st, 0));
    return true;
}

static bool
store(struct em_conn *conn, const char *sql, struct wd_str name, struct wd_str value, struct wd_error *err)
{
    struct em_use use = { 0 };

    if (!em_prepare(conn, wd_str_c(sql), &use, err))
        return false;
    sqlite3_bind_text(use.st, 1, name.p, (int)name.n, SQLITE_STATIC);
    sqlite3_bind_text(use.st, 2, value.p, (int)value.n, SQLITE_STATIC);
    return em_run(&use, err);
}

/* ---- tables ---- */

static void
describe_index(const struct em_index *x, struct wd_buf *out)
{
    wd_buf_printf(out, "%s(", x->table);
    for (size_t i = 0; i < x->n_fields; i++)
        wd_buf_printf(out, "%s%s,", x->fields[i].path, x->fields[i].text ? " text" : "");
    wd_buf_printf(out, ")%s;", x->kind == EM_INDEX_TEXT && x->declared->partial ? x->declared->partial : "");
}

/* Everything on which the contents of the tables depend. */
static void
describe(const struct em_coll *coll, struct wd_buf *out)
{
    for (size_t i = 0; i < coll->n_columns; i++)
        wd_buf_printf(out, "%s,", coll->columns[i].path);
    wd_buf_printf(out, ";%s;", coll->declared->head ? coll->declared->head : "*");
    for (size_t i = 0; i < coll->n_indexes; i++)
        if (coll->indexes[i].kind != EM_INDEX_PLAIN)
            describe_index(&coll->indexes[i], out);
}

static bool
create_entries(struct em_conn *conn, const struct em_index *x, struct wd_error *err)
{
    struct wd_buf columns wd_auto(wd_buf_done) = { 0 };
    size_t texts = 0;

    for (size_t i = 0; i < x->n_fields; i++) {
        if (x->kind == EM_INDEX_SIDE)
            wd_buf_printf(&columns, "k%zu,", i);
        else if (x->fields[i].text)
            wd_buf_printf(&columns, "t%zu,", texts++);
    }
    wd_buf_chr(&columns, '\0');
    if (!run(conn, err, "DROP TABLE IF EXISTS %s", x->table))
        return false;
    if (x->kind == EM_INDEX_SIDE)
        return run(conn, err, "CREATE TABLE %s(id,%s PRIMARY KEY(%s id))WITHOUT ROWID", x->table, columns.p,
                   columns.p);
    return run(conn, err,
               "CREATE VIRTUAL TABLE %s USING fts5(p,%s content='',tokenize='unicode61 remove_diacritics 2')", x->table,
               columns.p);
}

static bool
create_tables(struct em_conn *conn, const struct em_coll *coll, struct wd_error *err)
{
    if (!run(conn, err, "CREATE TABLE IF NOT EXISTS %s(id INTEGER PRIMARY KEY,\"_id\" UNIQUE NOT NULL,head BLOB);"
                        "CREATE TABLE IF NOT EXISTS %s(id INTEGER PRIMARY KEY,bulk BLOB)",
             coll->c, coll->b))
        return false;
    for (size_t i = 1; i < coll->n_columns; i++) {
        struct wd_buf table wd_auto(wd_buf_done) = { 0 };
        wd_buf_printf(&table, "c_%s", coll->declared->name);
        wd_buf_chr(&table, '\0');
        if (sqlite3_table_column_metadata(conn->db, NULL, table.p, coll->columns[i].path, NULL, NULL, NULL, NULL,
                                          NULL) != SQLITE_OK &&
            !run(conn, err, "ALTER TABLE %s ADD COLUMN \"%s\"", coll->c, coll->columns[i].path))
            return false;
    }
    for (size_t i = 0; i < coll->n_indexes; i++)
        if (coll->indexes[i].kind != EM_INDEX_PLAIN && !create_entries(conn, &coll->indexes[i], err))
            return false;
    return true;
}

/* Writes each document again. The statement reads row numbers in order, and each row is changed after it was read. */
static bool
rebuild(struct em_conn *conn, struct em_coll *coll, struct wd_error *err)
{
    struct em_doc doc wd_auto(em_doc_done) = { 0 };
    struct wd_buf sql wd_auto(wd_buf_done) = { 0 };
    int64_t at = -1;
    bool row;

    wd_buf_printf(&sql, "SELECT c.id,c.head,b.bulk FROM %s AS c LEFT JOIN %s AS b ON b.id=c.id WHERE c.id>? "
                        "ORDER BY c.id LIMIT 1", coll->c, coll->b);
    for (;;) {
        struct em_use use wd_auto(em_done) = { 0 };
        if (!em_prepare(conn, wd_buf_view(&sql), &use, err))
            return false;
        sqlite3_bind_int64(use.st, 1, at);
        if (!em_step(&use, &row, err))
            return false;
        if (!row)
            break;
        at = sqlite3_column_int64(use.st, 0);
        if (!em_doc_join(&doc, wd_str_n(sqlite3_column_blob(use.st, 1), (size_t)sqlite3_column_bytes(use.st, 1)),
                         wd_str_n(sqlite3_column_blob(use.st, 2), (size_t)sqlite3_column_bytes(use.st, 2)), err))
            return false;
        em_done(&use);
        if (!em_row_rebuild(conn, coll, at, &doc.view, err))
            return false;
    }
    return coll->head || run(conn, err, "DELETE FROM %s", coll->b);
}

static bool
ensure_tables(struct em_conn *conn, struct em_coll *coll, struct wd_error *err)
{
    struct wd_buf now wd_auto(wd_buf_done) = { 0 }, was wd_auto(wd_buf_done) = { 0 };
    struct wd_str name = wd_str_c(coll->declared->name);
    bool found;

    describe(coll, &now);
    if (!stored(conn, "SELECT shape FROM wd_shape WHERE coll=?", name, &was, &found, err))
        return false;
    if (found && wd_str_eq(wd_buf_view(&was), wd_buf_view(&now)))
        return true;
    return create_tables(conn, coll, err) && (!found || rebuild(conn, coll, err)) &&
           store(conn, "INSERT OR REPLACE INTO wd_shape VALUES(?,?)", name, wd_buf_view(&now), err);
}

/* ---- indexes ---- */

static void
index_sql(const struct em_coll *coll, const struct em_index *x, struct wd_buf *out)
{
    wd_buf_printf(out, "CREATE %sINDEX \"i_%s.%s\" ON %s(", x->declared->flags & WD_INDEX_UNIQUE ? "UNIQUE " : "",
                  coll->declared->name, x->declared->name, coll->c);
    for (size_t i = 0; i < x->n_fields; i++)
        wd_buf_printf(out, "%s\"%s\"%s", i ? "," : "", x->fields[i].path, x->fields[i].down ? " DESC" : "");
    wd_buf_c(out, ")");
    if (x->where)
        wd_buf_printf(out, " WHERE %s", x->where);
}

static bool
ensure_index(struct em_conn *conn, const struct em_coll *coll, const struct em_index *x, struct wd_error *err)
{
    struct wd_buf now wd_auto(wd_buf_done) = { 0 }, was wd_auto(wd_buf_done) = { 0 };
    struct wd_buf name wd_auto(wd_buf_done) = { 0 };
    bool found, wanted = x->kind == EM_INDEX_PLAIN && !x->skipped;

    wd_buf_printf(&name, "i_%s.%s", coll->declared->name, x->declared->name);
    if (wanted)
        index_sql(coll, x, &now);
    if (!stored(conn, "SELECT sql FROM wd_index WHERE name=?", wd_buf_view(&name), &was, &found, err))
        return false;
    if (found ? wd_str_eq(wd_buf_view(&was), wd_buf_view(&now)) : !wanted)
        return true;
    if (!run(conn, err, "DROP INDEX IF EXISTS \"%.*s\"", WD_FMT(wd_buf_view(&name))))
        return false;
    if (wanted && !run(conn, err, "%.*s", WD_FMT(wd_buf_view(&now))))
        return wd_fail_in(err, x->declared->name);
    return store(conn, "INSERT OR REPLACE INTO wd_index VALUES(?,?)", wd_buf_view(&name), wd_buf_view(&now), err);
}

/* ---- everything ---- */

static void
load_odd(struct em_schema *s, struct wd_str name)
{
    for (size_t i = 0; i < s->n; i++) {
        struct em_coll *coll = &s->colls[i];
        struct wd_str path = wd_str_part(name, strlen(coll->c) + 1, name.n);
        for (size_t j = 0; j < coll->n_indexes; j++)
            if (coll->indexes[j].table && wd_str_eq(name, wd_str_c(coll->indexes[j].table)))
                atomic_store(&coll->indexes[j].odd, true);
        if (!wd_str_starts(name, wd_str_c(coll->c)))
            continue;
        for (size_t j = 0; j < coll->n_columns; j++)
            if (wd_str_eq(path, wd_str_c(coll->columns[j].path)))
                atomic_store(&coll->columns[j].arrays, true);
    }
}

struct ensuring {
    struct em_schema *schema;
};

static bool
do_ensure(struct em_conn *conn, void *data, struct wd_error *err)
{
    struct em_schema *s = ((struct ensuring *)data)->schema;
    struct em_use use wd_auto(em_done) = { 0 };
    bool row;

    for (size_t i = 0; i < s->n; i++) {
        if (!ensure_tables(conn, &s->colls[i], err))
            return wd_fail_in(err, s->colls[i].declared->name);
        for (size_t j = 0; j < s->colls[i].n_indexes; j++)
            if (!ensure_index(conn, &s->colls[i], &s->colls[i].indexes[j], err))
                return wd_fail_in(err, s->colls[i].declared->name);
    }
    if (!em_prepare(conn, WD_STR("SELECT name FROM wd_odd"), &use, err))
        return false;
    for (;;) {
        if (!em_step(&use, &row, err))
            return false;
        if (!row)
            return true;
        load_odd(s, wd_str_n(sqlite3_column_text(use.st, 0), (size_t)sqlite3_column_bytes(use.st, 0)));
    }
}

/* The blobs need it, also where nobody declares it. */
static const struct wd_docs_index files_indexes[] = {
    { "related_attachments_cu", "metadata.c 1, metadata.m 1, metadata.cu 1", 0, NULL, -1 },
    { NULL, NULL, 0, NULL, -1 },
};
static const struct wd_docs_collection files = { "attachments.files", WD_DB_FILES, files_indexes, NULL };

bool
em_ensure(struct wd_docs *d, const struct wd_docs_collection *const *collections, struct wd_error *err)
{
    struct em_handle *h = (struct em_handle *)d;
    const struct wd_docs_collection **all;
    struct ensuring e = { NULL };
    bool has_files = false, ok;
    size_t n = 0;

    for (; collections[n]; n++)
        has_files = has_files || strcmp(collections[n]->name, files.name) == 0;
    all = wd_alloc((n + 2) * sizeof *all);
    memcpy(all, collections, n * sizeof *all);
    if (!has_files)
        all[n] = &files;
    ok = em_schema_new(all, &e.schema, err);
    free(all);
    if (!ok || !em_write(h, do_ensure, &e, err)) {
        em_schema_free(e.schema);
        return false;
    }
    em_schema_free(h->store->schema);
    h->store->schema = e.schema;
    return true;
}

static bool
do_version(struct em_conn *conn, void *data, struct wd_error *err)
{
    struct em_use use wd_auto(em_done) = { 0 };
    int version;
    bool row;

    (void)data;
    if (!em_prepare(conn, WD_STR("PRAGMA user_version"), &use, err) || !em_step(&use, &row, err))
        return false;
    version = row ? sqlite3_column_int(use.st, 0) : 0;
    em_done(&use);
    if (version > EM_VERSION)
        return wd_fail(err, WD_DATABASE, "the data directory has format %d; this program knows %d", version,
                       EM_VERSION);
    if (version == EM_VERSION)
        return true;
    return run(conn, err, "CREATE TABLE wd_odd(name TEXT PRIMARY KEY);"
                          "CREATE TABLE wd_shape(coll TEXT PRIMARY KEY,shape TEXT);"
                          "CREATE TABLE wd_index(name TEXT PRIMARY KEY,sql TEXT);PRAGMA user_version=%d", EM_VERSION);
}

bool
em_ensure_version(struct em_store *s, struct wd_error *err)
{
    return em_write(s->docs, do_version, NULL, err);
}

/* Mailboxes: listing, creating, showing, changing and deleting them. */
#include <stdlib.h>

#include "common/mail/address.h"
#include "frontends/http/call_priv.h"
#include "frontends/http/format.h"
#include "frontends/http/map.h"
#include "frontends/http/routes.h"

enum { DEPTH_MAX = 128, ELEMENT_MAX = 512 /* characters */, PATH_MAX_ = 65663 };

/* clang-format off */
const struct http_param mailboxes_list_params[] = {
    HTTP_USER,
    { "specialUse", HTTP_FLAG, .initial = "false" },
    { "showHidden", HTTP_FLAG, .field = "show_hidden", .initial = "false" },
    { "counters",   HTTP_FLAG, .field = "counters", .initial = "false" },
    { "sizes",      HTTP_FLAG, .field = "sizes", .initial = "false" },
    { 0 },
};
/* `name` comes before, `retention` and `size` go when they are zero. */
static const struct http_field listed_rows[] = {
    { "id",              HTTP_PLAIN, "id" },
    { "path",            HTTP_PLAIN, "path" },
    { "specialUse",      HTTP_PLAIN, "special_use" },
    { "modifyIndex",     HTTP_PLAIN, "highest_modseq" },
    { "subscribed",      HTTP_PLAIN, "subscribed" },
    { "hidden",          HTTP_PLAIN, "hidden" },
    { "encryptMessages", HTTP_PLAIN, "encrypt_messages" },
    { "retention",       HTTP_PLAIN, "retention_ms" },
    { "size",            HTTP_PLAIN, "size" },
    { "total",           HTTP_PLAIN, "messages" },
    { "unseen",          HTTP_PLAIN, "unseen" },
    { 0 },
};
const struct http_field mailboxes_list_fields[] = {
    { "results", HTTP_ROWS, "mailboxes", listed_rows },
    { 0 },
};

const struct http_param mailbox_create_params[] = {
    HTTP_USER,
    { "path",            HTTP_TEXT, HTTP_REQUIRED, .max = PATH_MAX_, .field = "path" },
    { "hidden",          HTTP_FLAG, .field = "hidden", .initial = "false" },
    { "retention",       HTTP_NUMBER, .max = 9007199254740991 },
    { "encryptMessages", HTTP_FLAG, .field = "encrypt_messages", .initial = "false" },
    { 0 },
};
const struct http_field mailbox_create_fields[] = {
    { "id", HTTP_PLAIN, "id" },
    { 0 },
};

const struct http_param mailbox_show_params[] = {
    HTTP_USER,
    { "mailbox", HTTP_TEXT, HTTP_REQUIRED | HTTP_LOWER, .max = 24,
      .pattern = "^([0-9a-f]{24}|resolve)$" },
    { "path",    HTTP_TEXT, .max = PATH_MAX_ },
    { 0 },
};
const struct http_field mailbox_show_fields[] = {
    { "id",              HTTP_PLAIN, "id" },
    { "path",            HTTP_PLAIN, "path" },
    { "specialUse",      HTTP_PLAIN, "special_use" },
    { "modifyIndex",     HTTP_PLAIN, "highest_modseq" },
    { "subscribed",      HTTP_PLAIN, "subscribed" },
    { "hidden",          HTTP_PLAIN, "hidden" },
    { "encryptMessages", HTTP_PLAIN, "encrypt_messages" },
    { "total",           HTTP_PLAIN, "messages", .absent = "0" },
    { "unseen",          HTTP_PLAIN, "unseen", .absent = "0" },
    { 0 },
};

const struct http_param mailbox_update_params[] = {
    HTTP_USER,
    { "mailbox",         HTTP_ID, HTTP_REQUIRED, .field = "mailbox" },
    { "path",            HTTP_TEXT, .max = PATH_MAX_, .field = "path" },
    { "retention",       HTTP_NUMBER, HTTP_CLEARS, .max = 9007199254740991, .field = "retention_ms" },
    { "subscribed",      HTTP_FLAG, .field = "subscribed" },
    { "encryptMessages", HTTP_FLAG, .field = "encrypt_messages" },
    { "hidden",          HTTP_FLAG, .field = "hidden" },
    { 0 },
};

const struct http_param mailbox_delete_params[] = {
    HTTP_USER,
    { "mailbox", HTTP_ID, HTTP_REQUIRED, .field = "mailbox" },
    { 0 },
};
/* clang-format on */

/* ---- refusals ---- */

static void
refuse_path(struct http_call *c, const char *text)
{
    json_t *body = json_object(), *details = json_object();

    json_object_set_new(details, "path", json_string(text));
    json_object_set_new(body, "error", json_string(text));
    json_object_set_new(body, "code", json_string("InputValidationError"));
    json_object_set_new(body, "details", details);
    http_reply_json(c, 400, body, true, NULL);
    json_decref(body);
}

/* Is the new path one that a mailbox may have? False: it was refused. */
static bool
check_path(struct http_call *c)
{
    const char *text = http_read_text(c, "path");
    struct wd_str path = wd_str_c(text), rest = path, element;
    size_t depth = 0;

    if (!text)
        return true;
    if (strstr(text, "//") || wd_str_ends(path, WD_STR("/"))) {
        struct wd_str told = wd_arena_printf(c->arena,
                                             "\"path\" with value \"%.200s\" matches the inverted pattern: "
                                             "/\\/{2,}|\\/$/", text);
        refuse_path(c, told.p);
        return false;
    }
    while (rest.n && wd_str_split(&rest, '/', &element)) {
        if (http_characters(element) > ELEMENT_MAX) {
            refuse_path(c, "Any part of the mailbox path cannot be longer than 512 chars long");
            return false;
        }
        depth++;
    }
    if (depth > DEPTH_MAX) {
        refuse_path(c, "The mailbox path cannot be more than 128 levels deep");
        return false;
    }
    return true;
}

/* Clients compare these texts: "Mailbox rename failed with code NoSuchMailbox". */
static void
fail_operation(struct http_call *c, const char *operation)
{
    static const struct {
        enum wd_reason reason;
        const char *code, *told;
        int status;
    } rows[] = {
        { WD_MAILBOX_EXISTS, "MailboxExistsError", "MailboxAlreadyExists", 400 },
        { WD_MAILBOX_NOT_FOUND, "NoSuchMailbox", "NoSuchMailbox", 404 },
        { WD_MAILBOX_REFUSED, "DisallowedMailboxMethod", "DisallowedMailboxMethod", 400 },
        { WD_MAILBOX_LIMIT, "DisallowedMailboxMethod", "DisallowedMailboxMethod", 400 },
    };

    for (size_t i = 0; i < WD_COUNT(rows); i++) {
        if (rows[i].reason != c->err.reason)
            continue;
        struct wd_str text = wd_arena_printf(c->arena, "Mailbox %s failed with code %s", operation, rows[i].told);
        json_t *body = json_object();
        c->server->failures++;
        json_object_set_new(body, "error", json_string(text.p));
        json_object_set_new(body, "code", json_string(rows[i].code));
        http_reply_json(c, rows[i].status, body, true, NULL);
        json_decref(body);
        return;
    }
    http_fail(c);
}

/* ---- one mailbox as JSON ---- */

static bool
is_inbox(const char *path)
{
    return strcmp(path, "INBOX") == 0;
}

/* The last element of the path; null for what INBOX is for. */
static void
finish_row(json_t *row)
{
    const char *path = json_string_value(json_object_get(row, "path")), *slash = strrchr(path, '/');

    json_object_set_new(row, "name", json_string(slash ? slash + 1 : path));
    if (is_inbox(path))
        json_object_set_new(row, "specialUse", json_null());
    if (json_integer_value(json_object_get(row, "retention")) == 0)
        json_object_del(row, "retention");
    if (json_integer_value(json_object_get(row, "size")) == 0)
        json_object_del(row, "size");
}

/* ---- GET /users/:user/mailboxes: all pages of the store's list, in the order of clients ---- */

struct row {
    json_t *json; /* borrowed */
    int group;
    struct wd_str folded;
};

static int
by_group_and_name(const void *va, const void *vb)
{
    const struct row *a = va, *b = vb;
    int order;

    if (a->group != b->group)
        return a->group - b->group;
    order = wd_str_cmp(a->folded, b->folded);
    return order ? order : strcmp(json_string_value(json_object_get(a->json, "path")),
                                  json_string_value(json_object_get(b->json, "path")));
}

static int
group_of(const json_t *row)
{
    const char *path = json_string_value(json_object_get(row, "path"));

    if (is_inbox(path))
        return 0;
    if (strncmp(path, "INBOX/", 6) == 0)
        return 1;
    return json_is_true(json_object_get(row, "subscribed")) ? 2 : 3;
}

static bool
is_wanted(const struct http_call *c, const json_t *row)
{
    return !http_read_flag(c, "specialUse") || is_inbox(json_string_value(json_object_get(row, "path"))) ||
           json_is_string(json_object_get(row, "specialUse"));
}

static json_t *
sorted(struct http_call *c, const json_t *all)
{
    size_t n = json_array_size(all), kept = 0;
    struct row *rows = WD_ARENA_ARRAY(c->arena, struct row, n + 1);
    json_t *out = json_array();

    for (size_t i = 0; i < n; i++) {
        json_t *json = json_array_get(all, i);
        if (!is_wanted(c, json))
            continue;
        rows[kept++] = (struct row){
            json, group_of(json),
            wd_text_fold(c->arena, wd_str_c(json_string_value(json_object_get(json, "path")))),
        };
    }
    qsort(rows, kept, sizeof *rows, by_group_and_name);
    for (size_t i = 0; i < kept; i++) {
        finish_row(rows[i].json);
        json_array_append(out, rows[i].json);
    }
    return out;
}

static void
listed(struct http_call *c, const ProtobufCMessage *reply)
{
    union {
        const ProtobufCMessage *message;
        const Wd__V1__ListMailboxesReply *page;
    } got = { reply };
    union {
        ProtobufCMessage *message;
        Wd__V1__ListMailboxesRequest *list;
    } to = { c->request };
    json_t *page, *all = json_object_get(c->answer, "results");

    if (!reply) {
        http_fail(c);
        return;
    }
    page = json_object();
    http_map_reply(c->route->fields, reply, c->read, page);
    json_array_extend(all, json_object_get(page, "results"));
    json_decref(page);
    if (got.page->has_next_cursor) {
        to.list->has_cursor = true;
        to.list->cursor = got.page->next_cursor;
        http_call_rpc(c, listed);
        return;
    }
    if (json_array_size(all) == 0) { /* every account has an INBOX */
        wd_fail(&c->err, WD_USER_NOT_FOUND, "This user does not exist");
        http_fail(c);
        return;
    }
    json_object_set_new(c->answer, "results", sorted(c, all));
    http_succeed(c);
}

void
api_mailboxes_list(struct http_call *c)
{
    json_object_set_new(c->answer, "results", json_array());
    http_call_rpc(c, listed);
}

/* ---- POST /users/:user/mailboxes ---- */

static void
created(struct http_call *c, const ProtobufCMessage *reply)
{
    if (reply)
        http_answer(c, reply);
    else
        fail_operation(c, "creation");
}

void
api_mailbox_create(struct http_call *c)
{
    json_t *retention = json_object_get(c->read, "retention");

    if (!check_path(c))
        return;
    /* 0 is the account's default, which the store takes when there is none. */
    if (json_number_value(retention) > 0)
        http_map_set(c->request, "retention_ms", retention, NULL, c->arena);
    http_call_rpc(c, created);
}

/* ---- GET /users/:user/mailboxes/:mailbox ---- */

static void
shown(struct http_call *c, const ProtobufCMessage *reply)
{
    if (!reply) {
        http_fail(c);
        return;
    }
    http_map_reply(c->route->fields, reply, c->read, c->answer);
    finish_row(c->answer);
    http_succeed(c);
}

void
api_mailbox_show(struct http_call *c)
{
    const char *mailbox = http_read_text(c, "mailbox"), *path = http_read_text(c, "path");
    bool resolve = strcmp(mailbox, "resolve") == 0;

    if (resolve && !path) {
        refuse_path(c, "\"path\" is required");
        return;
    }
    if (!check_path(c))
        return;
    http_map_set_text(c->request, "user", wd_str_c(http_read_text(c, "user")), c->arena);
    http_map_set_text(c->request, resolve ? "path" : "mailbox", wd_str_c(resolve ? path : mailbox), c->arena);
    http_call_rpc(c, shown);
}

/* ---- PUT, DELETE /users/:user/mailboxes/:mailbox ---- */

static void
updated(struct http_call *c, const ProtobufCMessage *reply)
{
    if (reply)
        http_succeed(c);
    else
        fail_operation(c, http_read_text(c, "path") ? "rename" : "update");
}

void
api_mailbox_update(struct http_call *c)
{
    static const char *const settings[] = { "path", "retention", "subscribed", "encryptMessages", "hidden" };
    bool given = false;

    for (size_t i = 0; i < WD_COUNT(settings); i++)
        given = given || json_object_get(c->read, settings[i]);
    if (!given) {
        json_t *body = json_pack("{s:s}", "error", "Nothing was changed");
        http_reply_json(c, 400, body, true, NULL);
        json_decref(body);
        return;
    }
    if (!check_path(c))
        return;
    http_call_rpc(c, updated);
}

static void
deleted(struct http_call *c, const ProtobufCMessage *reply)
{
    if (reply)
        http_succeed(c);
    else
        fail_operation(c, "deletion");
}

void
api_mailbox_delete(struct http_call *c)
{
    http_call_rpc(c, deleted);
}

/* Messages: changing, moving and deleting them. */
#include "common/base/lifetime.h"
#include "common/base/buf.h"
#include "common/mail/flags.h"
#include "common/mail/seqset.h"
#include "frontends/http/call_priv.h"
#include "frontends/http/map.h"
#include "frontends/http/routes.h"

enum { RANGES_MAX = 100000 };

/* clang-format off */
const struct http_param messages_update_params[] = {
    HTTP_USER,
    { "mailbox",  HTTP_ID, HTTP_REQUIRED },
    { "message",  HTTP_UIDS, HTTP_REQUIRED },
    { "moveTo",   HTTP_ID },
    { "seen",     HTTP_FLAG },
    { "deleted",  HTTP_FLAG },
    { "flagged",  HTTP_FLAG },
    { "draft",    HTTP_FLAG },
    { "expires",  HTTP_DATE, HTTP_OR_FALSE },
    { "metaData", HTTP_META },
    { 0 },
};
const struct http_param message_delete_params[] = {
    HTTP_USER,
    { "mailbox", HTTP_ID, HTTP_REQUIRED, .field = "mailbox" },
    { "message", HTTP_NUMBER, HTTP_REQUIRED, .min = 1 },
    { 0 },
};
/* There are no tasks: what is asked for is done before the answer. */
const struct http_param messages_delete_params[] = {
    HTTP_USER,
    { "mailbox",     HTTP_ID, HTTP_REQUIRED, .field = "mailbox" },
    { "async",       HTTP_FLAG, .initial = "false" },
    { "skipArchive", HTTP_FLAG, .field = "skip_archive", .initial = "false" },
    { 0 },
};
/* clang-format on */

/* What is under way. */
struct edit {
    Wd__V1__UpdateMessagesRequest update;
    Wd__V1__GetMailboxRequest target;
    Wd__V1__CopyRequest move;
    Wd__V1__UidRanges uids, moved;
    uint64_t matched;
    bool changes; /* flags or data are given */
};

/* ---- sets of UIDs as messages ---- */

static void
to_ranges(struct http_call *c, const struct wd_seqset *set, Wd__V1__UidRanges *to)
{
    struct wd_buf deltas wd_auto(wd_buf_done) = { 0 };
    uint32_t *copy;

    wd_seqset_to_deltas(set, &deltas);
    copy = wd_arena_alloc(c->arena, deltas.n + 1);
    if (deltas.n)
        memcpy(copy, deltas.p, deltas.n);
    wd__v1__uid_ranges__init(to);
    to->deltas = copy;
    to->n_deltas = deltas.n / sizeof *copy;
}

static bool
read_uids(struct http_call *c, struct wd_str text, Wd__V1__UidRanges *to)
{
    struct wd_seqset set wd_auto(wd_seqset_done) = { 0 };

    if (!wd_seqset_parse(text, UINT32_MAX, RANGES_MAX, &set))
        return wd_fail(&c->err, WD_INVALID, "\"message\" contains an invalid value");
    to_ranges(c, &set, to);
    return true;
}

/* ---- PUT: flags and data ---- */

static void
fail_plainly(struct http_call *c, int status, const char *text)
{
    json_t *body = json_object();

    c->server->failures++;
    json_object_set_new(body, "error", json_string(text));
    http_reply_json(c, status, body, true, NULL);
    json_decref(body);
}

static void
no_message(struct http_call *c)
{
    wd_fail(&c->err, WD_MESSAGE_NOT_FOUND, "This message does not exist");
    http_fail(c);
}

static void
read_changes(struct http_call *c, struct edit *e)
{
    static const struct {
        const char *name;
        enum wd_flag flag;
    } flags[] = {
        { "seen", WD_FLAG_SEEN },
        { "deleted", WD_FLAG_DELETED },
        { "flagged", WD_FLAG_FLAGGED },
        { "draft", WD_FLAG_DRAFT },
    };
    json_t *expires = json_object_get(c->read, "expires");

    wd__v1__update_messages_request__init(&e->update);
    for (size_t i = 0; i < WD_COUNT(flags); i++) {
        const json_t *value = json_object_get(c->read, flags[i].name);
        if (json_is_true(value))
            e->update.add_flags |= flags[i].flag;
        else if (value)
            e->update.remove_flags |= flags[i].flag;
    }
    e->update.has_add_flags = e->update.add_flags != 0;
    e->update.has_remove_flags = e->update.remove_flags != 0;
    e->update.never_expires = e->update.has_never_expires = json_is_false(expires);
    if (json_is_number(expires))
        http_map_set(&e->update.base, "expires_ms", expires, NULL, c->arena);
    if (http_read_text(c, "metaData"))
        http_map_set_text(&e->update.base, "meta_data", wd_str_c(http_read_text(c, "metaData")), c->arena);
    e->changes = e->update.has_add_flags || e->update.has_remove_flags || expires || e->update.has_meta_data;
}

static void
send_update(struct http_call *c, http_replied *then)
{
    struct edit *e = c->data;

    http_rpc(c, &wd__v1__messages__descriptor, "Update", &e->update.base, then);
}

/* Goes on with what is left. True: it is not over, or it failed. */
static bool
goes_on(struct http_call *c, const ProtobufCMessage *reply, http_replied *then)
{
    union {
        const ProtobufCMessage *message;
        const Wd__V1__UpdateMessagesReply *done;
    } got = { reply };
    struct edit *e = c->data;

    if (!reply) {
        http_fail(c);
        return true;
    }
    e->matched += got.done->matched;
    e->update.has_from_uid = got.done->has_next_uid;
    e->update.from_uid = got.done->next_uid;
    if (got.done->has_next_uid)
        send_update(c, then);
    return got.done->has_next_uid;
}

static void
updated(struct http_call *c, const ProtobufCMessage *reply)
{
    const struct edit *e = c->data;

    if (goes_on(c, reply, updated))
        return;
    if (e->matched == 0) {
        no_message(c);
        return;
    }
    json_object_set_new(c->answer, "updated", json_integer((json_int_t)e->matched));
    http_succeed(c);
}

/* ---- PUT with moveTo: the copies get the changes ---- */

static void
moved_and_updated(struct http_call *c, const ProtobufCMessage *reply)
{
    if (!goes_on(c, reply, moved_and_updated))
        http_succeed(c);
}

/* [[old, new], …] */
static void
add_pairs(struct http_call *c, const Wd__V1__CopyReply *done)
{
    struct wd_seqset from wd_auto(wd_seqset_done) = { 0 };
    struct wd_seqset to wd_auto(wd_seqset_done) = { 0 };
    json_t *pairs = json_array();

    if (wd_seqset_from_deltas(done->source_uids->deltas, done->source_uids->n_deltas, &from) &&
        wd_seqset_from_deltas(done->target_uids->deltas, done->target_uids->n_deltas, &to))
        for (uint32_t i = 1; wd_seqset_at(&from, i); i++)
            json_array_append_new(pairs, json_pack("[I,I]", (json_int_t)wd_seqset_at(&from, i),
                                                   (json_int_t)wd_seqset_at(&to, i)));
    json_object_set_new(c->answer, "mailbox", json_string(done->target));
    json_object_set_new(c->answer, "id", pairs);
}

static void
moved(struct http_call *c, const ProtobufCMessage *reply)
{
    union {
        const ProtobufCMessage *message;
        const Wd__V1__CopyReply *done;
    } got = { reply };
    struct edit *e = c->data;

    if (!reply) {
        http_fail(c);
        return;
    }
    if (got.done->source_uids->n_deltas == 0) {
        no_message(c);
        return;
    }
    add_pairs(c, got.done);
    if (!e->changes) {
        http_succeed(c);
        return;
    }
    e->moved = *got.done->target_uids;
    e->update.mailbox = got.done->target;
    e->update.uids = &e->moved;
    send_update(c, moved_and_updated);
}

static void
target_found(struct http_call *c, const ProtobufCMessage *reply)
{
    union {
        const ProtobufCMessage *message;
        const Wd__V1__Mailbox *mailbox;
    } got = { reply };
    struct edit *e = c->data;

    if (!reply) {
        if (c->err.reason == WD_USER_NOT_FOUND)
            wd_fail(&c->err, WD_MAILBOX_NOT_FOUND, "no such mailbox");
        http_fail(c);
        return;
    }
    wd__v1__copy_request__init(&e->move);
    e->move.user = e->update.user;
    e->move.mailbox = e->update.mailbox;
    e->move.uids = &e->uids;
    e->move.target_path = got.mailbox->path;
    http_rpc(c, &wd__v1__messages__descriptor, "Move", &e->move.base, moved);
}

void
api_messages_update(struct http_call *c)
{
    struct edit *e = WD_ARENA_NEW(c->arena, struct edit);
    const char *target = http_read_text(c, "moveTo");

    memset(e, 0, sizeof *e);
    c->data = e;
    if (!read_uids(c, wd_str_c(http_read_text(c, "message")), &e->uids)) {
        http_fail(c);
        return;
    }
    read_changes(c, e);
    http_map_set_text(&e->update.base, "user", wd_str_c(http_read_text(c, "user")), c->arena);
    http_map_set_text(&e->update.base, "mailbox", wd_str_c(http_read_text(c, "mailbox")), c->arena);
    e->update.uids = &e->uids;
    if (target) {
        wd__v1__get_mailbox_request__init(&e->target);
        e->target.user = e->update.user;
        http_map_set_text(&e->target.base, "mailbox", wd_str_c(target), c->arena);
        http_rpc(c, &wd__v1__mailboxes__descriptor, "Get", &e->target.base, target_found);
    } else if (e->changes) {
        send_update(c, updated);
    } else {
        fail_plainly(c, 500, "Nothing was changed");
    }
}

/* ---- DELETE …/messages/:message ---- */

static void
removed(struct http_call *c, const ProtobufCMessage *reply)
{
    union {
        const ProtobufCMessage *message;
        const Wd__V1__RemoveMessagesReply *done;
    } got = { reply };

    if (reply && got.done->removed)
        http_succeed(c);
    else if (reply || c->err.reason == WD_MAILBOX_NOT_FOUND)
        fail_plainly(c, 404, "Message was not found");
    else
        http_fail(c);
}

void
api_message_delete(struct http_call *c)
{
    union {
        ProtobufCMessage *message;
        Wd__V1__RemoveMessagesRequest *remove;
    } to = { c->request };
    json_int_t uid = json_integer_value(json_object_get(c->read, "message"));
    struct wd_seqset set wd_auto(wd_seqset_done) = { 0 };
    Wd__V1__UidRanges *uids = WD_ARENA_NEW(c->arena, Wd__V1__UidRanges);

    if (uid < 1 || uid > UINT32_MAX) {
        fail_plainly(c, 404, "Message was not found");
        return;
    }
    wd_seqset_add(&set, (uint32_t)uid, (uint32_t)uid);
    to_ranges(c, &set, uids);
    to.remove->uids = uids;
    http_call_rpc(c, removed);
}

/* ---- DELETE …/messages: all of a mailbox, in steps ---- */

static void
emptied(struct http_call *c, const ProtobufCMessage *reply)
{
    union {
        const ProtobufCMessage *message;
        const Wd__V1__RemoveMessagesReply *done;
    } got = { reply };
    json_int_t before = json_integer_value(json_object_get(c->answer, "deleted"));

    if (!reply && c->err.reason != WD_MAILBOX_NOT_FOUND) {
        c->extra = json_pack("{s:I,s:i}", "deleted", before, "errors", 1);
        http_fail(c);
        return;
    }
    if (reply)
        json_object_set_new(c->answer, "deleted", json_integer(before + got.done->removed));
    if (reply && got.done->more)
        http_call_rpc(c, emptied);
    else
        http_succeed(c);
}

void
api_messages_delete(struct http_call *c)
{
    if (http_read_flag(c, "async")) {
        wd_fail(&c->err, WD_INVALID, "\"async\" must be [false]");
        http_fail(c);
        return;
    }
    json_object_set_new(c->answer, "deleted", json_integer(0));
    json_object_set_new(c->answer, "errors", json_integer(0));
    http_call_rpc(c, emptied);
}

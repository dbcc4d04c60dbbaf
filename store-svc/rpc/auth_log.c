/* The methods of the Auth service that show an account's authlog. */
#include "store-svc/domain/authlog.h"
#include "store-svc/domain/doc_list.h"
#include "store-svc/domain/user.h"
#include "store-svc/rpc/auth.h"
#include "store-svc/rpc/page.h"

/* A page being filled. */
struct listing {
    struct wd_call *call;
    Wd__V1__ListAuthEventsReply *reply;
};

static void
set_bytes(struct wd_call *call, const bson_t *row, const char *field, protobuf_c_boolean *has,
          ProtobufCBinaryData *to)
{
    struct wd_str value = wd_doc_str(row, field);

    *has = wd_doc_has(row, field);
    *to = wd_pb_str(wd_arena_str(call->arena, value));
}

static char *
hex_of(struct wd_call *call, const bson_t *row, const char *field)
{
    struct wd_id id;

    return wd_doc_id(row, field, &id) ? wd_call_hex(call, id) : NULL;
}

static char *
text_of(struct wd_call *call, const bson_t *row, const char *field)
{
    return wd_doc_has(row, field) ? wd_call_text(call, wd_doc_str(row, field)) : NULL;
}

static void
set_date(const bson_t *row, const char *field, protobuf_c_boolean *has, int64_t *to)
{
    *to = wd_doc_date(row, field, INT64_MIN);
    *has = *to != INT64_MIN;
}

static char **
list_of(struct wd_call *call, const bson_t *row, const char *field, size_t *n)
{
    struct wd_doc_list list = wd_doc_list(row, field, call->arena);
    char **names = WD_ARENA_ARRAY(call->arena, char *, list.n + 1);

    for (*n = 0; *n < list.n; ++*n)
        names[*n] = wd_call_text(call, list.p[*n]);
    return names;
}

/* `out` is not initialised; the row's texts are copied. */
static void
fill_event(struct wd_call *call, const bson_t *row, Wd__V1__AuthEvent *out)
{
    static char unknown[] = "";

    wd__v1__auth_event__init(out);
    out->id = hex_of(call, row, "_id");
    if (!out->id)
        out->id = unknown;
    out->action = text_of(call, row, "action");
    out->result = text_of(call, row, "result");
    out->asp = hex_of(call, row, "asp");
    out->filter = hex_of(call, row, "filter");
    set_bytes(call, row, "key", &out->has_key, &out->key);
    set_bytes(call, row, "sess", &out->has_sess, &out->sess);
    set_bytes(call, row, "ip", &out->has_ip, &out->ip);
    set_bytes(call, row, "protocol", &out->has_protocol, &out->protocol);
    set_bytes(call, row, "requiredScope", &out->has_required_scope, &out->required_scope);
    set_bytes(call, row, "source", &out->has_source, &out->source);
    set_bytes(call, row, "aname", &out->has_aname, &out->aname);
    set_bytes(call, row, "appId", &out->has_app_id, &out->app_id);
    set_bytes(call, row, "target", &out->has_target, &out->target);
    set_bytes(call, row, "credential", &out->has_credential, &out->credential);
    set_date(row, "created", &out->has_created_ms, &out->created_ms);
    set_date(row, "last", &out->has_last_ms, &out->last_ms);
    set_date(row, "expires", &out->has_expires_ms, &out->expires_ms);
    out->require_2fa = list_of(call, row, "require2fa", &out->n_require_2fa);
    out->has_events = true;
    out->events = (uint32_t)wd_doc_int(row, "events", 1);
    out->has_temporary = wd_doc_has(row, "temporary");
    out->temporary = wd_doc_bool(row, "temporary", false);
}

static bool
add_event(void *data, const bson_t *row, struct wd_error *err)
{
    struct listing *l = data;
    Wd__V1__AuthEvent *event = WD_ARENA_NEW(l->call->arena, Wd__V1__AuthEvent);

    (void)err;
    fill_event(l->call, row, event);
    l->reply->events[l->reply->n_events++] = event;
    return true;
}

/* The account that the request names: it must be there, and the call may act for it. */
static bool
find_user(struct wd_call *call, const char *named, struct wd_id *out)
{
    bson_t doc wd_auto(bson_destroy) = BSON_INITIALIZER;
    bool found;

    if (!wd_call_user(call, named, out) ||
        !wd_user_doc(wd_call_domain(call)->users, *out, &doc, &found, &call->err))
        return false;
    return found || wd_fail(&call->err, WD_USER_NOT_FOUND, "This user does not exist");
}

void
auth_list_events(Wd__V1__Auth_Service *svc, const Wd__V1__ListAuthEventsRequest *req,
                 Wd__V1__ListAuthEventsReply_Closure reply, void *closure)
{
    struct wd_call *call = closure;
    struct wd_authlog_query q = { .action = wd_str_c(req->action), .ip = wd_str_c(req->ip) };
    struct wd_page page;
    struct wd_paged paged;
    Wd__V1__ListAuthEventsReply out = WD__V1__LIST_AUTH_EVENTS_REPLY__INIT;
    struct listing l = { call, &out };

    (void)svc;
    out.events = WD_ARENA_ARRAY(call->arena, Wd__V1__AuthEvent *, WD_PAGE_MAX);
    if (!find_user(call, req->user, &q.user) || !wd_call_page(call, req->page, WD_PAGE_BY_ID, &page) ||
        !wd_authlog_list(wd_call_domain(call), call->arena, &q, &page, add_event, &l, &paged, &call->err)) {
        wd_call_fail(call);
        return;
    }
    out.page = wd_call_paged(call, &paged, WD_PAGE_BY_ID);
    reply(&out, call);
}

void
auth_get_event(Wd__V1__Auth_Service *svc, const Wd__V1__GetAuthEventRequest *req, Wd__V1__AuthEvent_Closure reply,
               void *closure)
{
    struct wd_call *call = closure;
    bson_t row wd_auto(bson_destroy) = BSON_INITIALIZER;
    struct wd_id user, event;
    Wd__V1__AuthEvent out;

    (void)svc;
    if (!find_user(call, req->user, &user) || !wd_call_id(call, req->event, "event", &event) ||
        !wd_authlog_get(wd_call_domain(call), user, event, &row, &call->err)) {
        wd_call_fail(call);
        return;
    }
    fill_event(call, &row, &out);
    reply(&out, call);
}

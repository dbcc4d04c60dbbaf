#include "frontends/wd/cli.h"

#include <event2/event.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "common/base/utf8.h"
#include "frontends/wd/paths.h"

enum { CALL_TIMEOUT_MS = 15000 };

/* The token: --token-file, else the admin token of the data directory. */
static bool
find_token(struct cli *c, const char *dir, const char **token)
{
    const char *file = c->token_file ? c->token_file : cli_path(c->arena, dir, "tokens/admin");

    *token = cli_first_line(c->arena, file);
    if (*token && (*token)[0])
        return true;
    return wd_fail(&c->err, WD_UNAVAILABLE,
                   "cannot read the token file %s – has `wd serve` been started for this directory?", file);
}

static bool
connect_store(struct cli *c)
{
    const char *dir = cli_data_dir(c->arena, c->data);
    const char *socket = cli_path(c->arena, dir, "run/store.ipc");
    const char *urls[2] = { c->store, NULL };
    struct wd_rpc_client_options o = { .urls = urls };
    struct stat st;

    if (!c->store && stat(socket, &st) != 0)
        return wd_fail(&c->err, WD_UNAVAILABLE, "no store serves %s – start it with: wd serve --data %s", dir, dir);
    if (!c->store)
        urls[0] = wd_arena_printf(c->arena, "ipc://%s", socket).p;
    c->url = urls[0];
    if (!find_token(c, dir, &o.service_token))
        return false;
    c->loop = event_base_new();
    c->rpc = wd_rpc_client_new(c->loop, &o, &c->err);
    return c->rpc != NULL;
}

struct answer {
    const void *reply;
    bool done;
};

static void
on_reply(const ProtobufCMessage *reply, void *data)
{
    struct answer *answer = data;

    answer->reply = reply;
    answer->done = true;
}

const void *
cli_call(struct cli *c, const ProtobufCServiceDescriptor *service, const char *method, const ProtobufCMessage *request,
         const struct cli_call_options *options)
{
    static const struct cli_call_options none;
    const struct cli_call_options *o = options ? options : &none;
    const ProtobufCMethodDescriptor *m = protobuf_c_service_descriptor_get_method_by_name(service, method);
    struct wd_rpc_params params = {
        .key = o->key,
        .timeout_ms = o->timeout_ms ? o->timeout_ms : CALL_TIMEOUT_MS,
        .arena = o->arena ? o->arena : c->arena,
        .err = &c->err,
    };
    struct answer answer = { .done = false };
    ProtobufCService *to;

    if (!c->rpc && !connect_store(c))
        return NULL;
    to = wd_rpc_to(c->rpc, service, &params);
    to->invoke(to, (unsigned)(m - service->methods), request, on_reply, &answer);
    wd_rpc_run(c->rpc, &answer.done);
    if (!answer.reply && wd_rpc_client_connected(c->rpc, NULL) == 0)
        wd_fail(&c->err, WD_UNAVAILABLE, "the store does not answer at %s – is `wd serve` running?", c->url);
    return answer.reply;
}

static const Wd__V1__User *
get_user(struct cli *c, Wd__V1__UserRef *ref)
{
    Wd__V1__GetUserRequest request = WD__V1__GET_USER_REQUEST__INIT;

    request.user = ref;
    return cli_call(c, &wd__v1__users__descriptor, "Get", &request.base, NULL);
}

const Wd__V1__User *
cli_user(struct cli *c, char *who)
{
    Wd__V1__UserRef by_id = WD__V1__USER_REF__INIT, by_address = WD__V1__USER_REF__INIT;
    Wd__V1__UserRef by_name = WD__V1__USER_REF__INIT;
    const Wd__V1__User *user = NULL;
    struct wd_id id;

    by_id.id = who;
    by_address.has_address = by_name.has_username = true;
    by_address.address = by_name.username = cli_bytes(who);
    wd_fail(&c->err, WD_USER_NOT_FOUND, "no such user");
    if (wd_id_parse(wd_str_c(who), &id))
        user = get_user(c, &by_id);
    else if (strchr(who, '@'))
        user = get_user(c, &by_address);
    if (!user && c->err.reason == WD_USER_NOT_FOUND)
        user = get_user(c, &by_name);
    if (!user && c->err.reason == WD_USER_NOT_FOUND)
        wd_fail(&c->err, WD_USER_NOT_FOUND, "there is no user '%s'", who);
    return user;
}

ProtobufCBinaryData
cli_bytes(char *text)
{
    return (ProtobufCBinaryData){ strlen(text), (uint8_t *)text };
}

const char *
cli_text(struct cli *c, ProtobufCBinaryData bytes)
{
    struct wd_buf text wd_auto(wd_buf_done) = { 0 };

    wd_utf8_repair(&text, wd_str_n(bytes.data, bytes.len));
    for (size_t i = 0; i < text.n; i++)
        if ((unsigned char)text.p[i] < ' ' || text.p[i] == 0x7f)
            text.p[i] = '?';
    return wd_arena_str(c->arena, wd_buf_view(&text)).p;
}

void
cli_done(struct cli *c)
{
    wd_rpc_client_free(c->rpc);
    if (c->loop)
        event_base_free(c->loop);
    wd_arena_free(c->arena);
}

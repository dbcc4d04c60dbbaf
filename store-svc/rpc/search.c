#include "store-svc/rpc/search.h"

#include "store-svc/domain/search.h"

enum { RANGES_PER_PAGE = 100000 };

static bool
read_node(struct wd_call *call, const Wd__V1__SearchNode *from, struct wd_seqset *uids, struct wd_search_node *to)
{
    *to = (struct wd_search_node){
        .key = (enum wd_search_key)from->key,
        .count = from->count,
        .uids = uids,
        .name = wd_str_pb(from->name),
        .text = wd_str_pb(from->text),
        .number = from->number,
    };
    return wd_call_uids(call, from->uids, uids);
}

static bool
read_program(struct wd_call *call, const Wd__V1__SearchRequest *req, struct wd_seqset *sets,
             struct wd_search_node *nodes)
{
    for (size_t i = 0; i < req->n_program; i++)
        if (!read_node(call, req->program[i], &sets[i], &nodes[i]))
            return false;
    return true;
}

static bool
run(struct wd_call *call, const Wd__V1__SearchRequest *req, struct wd_searched *done)
{
    struct wd_search in = { .n = req->n_program };
    struct wd_search_node *nodes;
    struct wd_seqset *sets;
    bool ok;

    if (req->n_program > WD_SEARCH_NODES)
        return wd_fail(&call->err, WD_INVALID, "a search has at most %d keys", WD_SEARCH_NODES);
    if (!wd_call_user(call, req->user, &in.user) || !wd_call_id(call, req->mailbox, "mailbox", &in.mailbox))
        return false;
    nodes = WD_ARENA_ARRAY(call->arena, struct wd_search_node, req->n_program);
    sets = WD_ARENA_ARRAY(call->arena, struct wd_seqset, req->n_program);
    in.program = nodes;
    ok = read_program(call, req, sets, nodes) &&
         wd_search(wd_call_domain(call), call->arena, &in, done, &call->err);
    for (size_t i = 0; i < req->n_program; i++)
        wd_seqset_done(&sets[i]);
    return ok;
}

/* The cursor is the last UID of the page before; the search runs again for each page, of which there is hardly ever
 * more than one. */
static bool
cut_page(struct wd_call *call, const Wd__V1__SearchRequest *req, struct wd_seqset *uids, Wd__V1__SearchReply *out)
{
    uint32_t after = 0, last;

    if (req->has_cursor && !wd_str_u32(wd_str_pb(req->cursor), UINT32_MAX, &after))
        return wd_fail(&call->err, WD_INVALID, "malformed cursor");
    if (after)
        wd_seqset_remove(uids, 1, after);
    if (uids->n > RANGES_PER_PAGE) {
        last = uids->ranges[RANGES_PER_PAGE - 1].last;
        wd_seqset_remove(uids, last + 1, UINT32_MAX);
        out->has_next_cursor = true;
        out->next_cursor = wd_pb_str(wd_arena_printf(call->arena, "%u", last));
    }
    out->uids = wd_call_ranges(call, uids);
    return true;
}

void
messages_search(Wd__V1__Messages_Service *svc, const Wd__V1__SearchRequest *req, Wd__V1__SearchReply_Closure reply,
                void *closure)
{
    struct wd_call *call = closure;
    struct wd_searched done wd_auto(wd_searched_done) = { 0 };
    Wd__V1__SearchReply out = WD__V1__SEARCH_REPLY__INIT;

    (void)svc;
    if (!run(call, req, &done) || !cut_page(call, req, &done.uids, &out)) {
        wd_call_fail(call);
        return;
    }
    out.has_highest_modseq = done.highest_modseq != 0;
    out.highest_modseq = done.highest_modseq;
    reply(&out, call);
}

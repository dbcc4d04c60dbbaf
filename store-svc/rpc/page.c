#include "store-svc/rpc/page.h"

static bool
read_position(struct wd_call *call, const Wd__V1__PagePosition *from, enum wd_page_by by,
              struct wd_page_position *out)
{
    if (!from)
        return true;
    if (from->has_text != (by == WD_PAGE_BY_TEXT) || from->has_date_ms != (by == WD_PAGE_BY_DATE))
        return wd_fail(&call->err, WD_INVALID, "the cursor belongs to another list");
    out->set = true;
    out->text = wd_str_pb(from->text);
    out->date_ms = from->date_ms;
    return wd_call_id(call, from->id, "cursor", &out->id);
}

bool
wd_call_page(struct wd_call *call, const Wd__V1__PageRequest *from, enum wd_page_by by, struct wd_page *out)
{
    *out = (struct wd_page){ 0 };
    if (!from)
        return true;
    out->limit = from->limit;
    return read_position(call, from->next, by, &out->next) && read_position(call, from->previous, by, &out->previous);
}

static Wd__V1__PagePosition *
position(struct wd_call *call, const struct wd_page_position *from, enum wd_page_by by)
{
    Wd__V1__PagePosition *p;

    if (!from->set)
        return NULL;
    p = WD_ARENA_NEW(call->arena, Wd__V1__PagePosition);
    wd__v1__page_position__init(p);
    p->id = wd_call_hex(call, from->id);
    p->has_text = by == WD_PAGE_BY_TEXT;
    p->text = wd_pb_str(from->text);
    p->has_date_ms = by == WD_PAGE_BY_DATE;
    p->date_ms = from->date_ms;
    return p;
}

Wd__V1__PageReply *
wd_call_paged(struct wd_call *call, const struct wd_paged *paged, enum wd_page_by by)
{
    Wd__V1__PageReply *out = WD_ARENA_NEW(call->arena, Wd__V1__PageReply);

    wd__v1__page_reply__init(out);
    out->total = paged->total;
    out->next = position(call, &paged->next, by);
    out->previous = position(call, &paged->previous, by);
    return out;
}

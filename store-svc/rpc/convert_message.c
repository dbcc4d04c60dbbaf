#include "store-svc/rpc/convert_message.h"

#include "store-svc/rpc/convert_mailbox.h"

enum { PATH_MAX_NUMBERS = 200, FIELDS_MAX = 1000 };

/* protobuf bytes that are absent when the slice is */
#define SET_BYTES(to, field, from)                                                                                     \
    do {                                                                                                               \
        (to)->has_##field = (from).p != NULL;                                                                          \
        (to)->field = wd_pb_str(from);                                                                                 \
    } while (0)

/* ---- sections of requests ---- */

bool
wd_pb_section(struct wd_call *call, const Wd__V1__Section *from, struct wd_section_range *to)
{
    struct wd_str *fields = WD_ARENA_ARRAY(call->arena, struct wd_str, from->n_fields);

    if (from->n_path > PATH_MAX_NUMBERS || from->n_fields > FIELDS_MAX)
        return wd_fail(&call->err, WD_INVALID, "a section that is too long");
    if ((unsigned)from->part > WD_SECTION_MIME)
        return wd_fail(&call->err, WD_INVALID, "a section that is not known");
    for (size_t i = 0; i < from->n_fields; i++)
        fields[i] = wd_str_pb(from->fields[i]);
    *to = (struct wd_section_range){
        .section = {
            .path = from->path,
            .n_path = from->n_path,
            .part = (enum wd_section_part)from->part,
            .fields = fields,
            .n_fields = from->n_fields,
        },
        .offset = from->has_offset ? from->offset : 0,
        .length = from->has_length ? from->length : UINT64_MAX,
    };
    return true;
}

/* ---- envelope ---- */

static Wd__V1__EnvelopeAddress *
address(struct wd_call *call, const struct wd_address *from)
{
    Wd__V1__EnvelopeAddress *to = WD_ARENA_NEW(call->arena, Wd__V1__EnvelopeAddress);

    wd__v1__envelope_address__init(to);
    if (from->kind == WD_ADDRESS_GROUP_END)
        return to;
    if (from->kind == WD_ADDRESS_GROUP) { /* RFC 3501 §7.4.2: the name stands where the mailbox stands */
        SET_BYTES(to, mailbox, from->name);
        return to;
    }
    if (from->name.n)
        SET_BYTES(to, name, from->name);
    SET_BYTES(to, mailbox, from->mailbox);
    SET_BYTES(to, host, from->host);
    to->has_mailbox = to->has_host = true;
    return to;
}

static Wd__V1__EnvelopeAddress **
addresses(struct wd_call *call, const struct wd_envelope_list *from, size_t *n)
{
    Wd__V1__EnvelopeAddress **to = WD_ARENA_ARRAY(call->arena, Wd__V1__EnvelopeAddress *, from->n);

    for (size_t i = 0; i < from->n; i++)
        to[i] = address(call, &from->p[i]);
    *n = from->n;
    return to;
}

static Wd__V1__Envelope *
envelope(struct wd_call *call, const struct wd_envelope *from)
{
    Wd__V1__Envelope *to = WD_ARENA_NEW(call->arena, Wd__V1__Envelope);

    wd__v1__envelope__init(to);
    SET_BYTES(to, date, from->date);
    SET_BYTES(to, subject, from->subject);
    to->from = addresses(call, &from->from, &to->n_from);
    to->sender = addresses(call, &from->sender, &to->n_sender);
    to->reply_to = addresses(call, &from->reply_to, &to->n_reply_to);
    to->to = addresses(call, &from->to, &to->n_to);
    to->cc = addresses(call, &from->cc, &to->n_cc);
    to->bcc = addresses(call, &from->bcc, &to->n_bcc);
    SET_BYTES(to, in_reply_to, from->in_reply_to);
    SET_BYTES(to, message_id, from->message_id);
    return to;
}

/* ---- body structure ---- */

static Wd__V1__BodyParameter **
parameters(struct wd_call *call, const struct wd_body_params *from, size_t *n)
{
    Wd__V1__BodyParameter **to = WD_ARENA_ARRAY(call->arena, Wd__V1__BodyParameter *, from->n);

    for (size_t i = 0; i < from->n; i++) {
        to[i] = WD_ARENA_NEW(call->arena, Wd__V1__BodyParameter);
        wd__v1__body_parameter__init(to[i]);
        to[i]->name = wd_pb_str(from->p[i].name);
        to[i]->value = wd_pb_str(from->p[i].value);
    }
    *n = from->n;
    return to;
}

static Wd__V1__BodyPart *
body_part(struct wd_call *call, const struct wd_body_part *from)
{
    Wd__V1__BodyPart *to = WD_ARENA_NEW(call->arena, Wd__V1__BodyPart);

    wd__v1__body_part__init(to);
    to->depth = from->depth;
    to->type = wd_pb_str(from->type);
    to->subtype = wd_pb_str(from->subtype);
    to->parameters = parameters(call, &from->params, &to->n_parameters);
    SET_BYTES(to, id, from->id);
    SET_BYTES(to, description, from->description);
    SET_BYTES(to, encoding, from->encoding);
    to->has_size = true;
    to->size = from->size;
    to->has_lines = from->has_lines;
    to->lines = from->lines;
    if (from->envelope)
        to->envelope = envelope(call, from->envelope);
    SET_BYTES(to, md5, from->md5);
    SET_BYTES(to, disposition, from->disposition);
    to->disposition_parameters = parameters(call, &from->disposition_params, &to->n_disposition_parameters);
    to->languages = WD_ARENA_ARRAY(call->arena, ProtobufCBinaryData, from->n_languages);
    for (size_t i = 0; i < from->n_languages; i++)
        to->languages[to->n_languages++] = wd_pb_str(from->languages[i]);
    SET_BYTES(to, location, from->location);
    return to;
}

/* ---- one message ---- */

static void
add_sections(struct wd_call *call, const struct wd_fetched *from, size_t n, Wd__V1__FetchedMessage *to)
{
    to->sections = WD_ARENA_ARRAY(call->arena, Wd__V1__FetchedSection *, n);
    for (size_t i = 0; i < n; i++) {
        Wd__V1__FetchedSection *section = WD_ARENA_NEW(call->arena, Wd__V1__FetchedSection);

        wd__v1__fetched_section__init(section);
        section->found = from->sections[i].found;
        section->size = from->sections[i].size;
        section->has_data = from->sections[i].has_data;
        section->data = wd_pb_str(from->sections[i].data);
        to->sections[to->n_sections++] = section;
    }
}

static void
add_ids(struct wd_call *call, const struct wd_fetched *from, Wd__V1__FetchedMessage *to)
{
    to->id = wd_call_hex(call, from->head.id);
    to->thread = wd_call_hex(call, from->head.thread);
}

Wd__V1__FetchedMessage *
wd_pb_fetched(struct wd_call *call, const Wd__V1__FetchRequest *req, const struct wd_fetched *from)
{
    Wd__V1__FetchedMessage *to = WD_ARENA_NEW(call->arena, Wd__V1__FetchedMessage);

    wd__v1__fetched_message__init(to);
    to->uid = from->head.uid;
    to->modseq = from->head.modseq;
    to->has_internal_date_ms = req->internal_date;
    to->internal_date_ms = from->head.idate_ms;
    to->has_size = req->size;
    to->size = from->head.size;
    if (req->flags) {
        to->has_system_flags = true;
        to->keywords =
            wd_pb_keywords(call, from->head.flags, from->head.n_flags, &to->system_flags, &to->n_keywords);
    }
    if (from->has_envelope)
        to->envelope = envelope(call, &from->envelope);
    if (req->body_structure) {
        to->parts = WD_ARENA_ARRAY(call->arena, Wd__V1__BodyPart *, from->structure.n);
        for (size_t i = 0; i < from->structure.n; i++)
            to->parts[to->n_parts++] = body_part(call, &from->structure.parts[i]);
    }
    add_sections(call, from, req->n_sections, to);
    if (req->ids)
        add_ids(call, from, to);
    return to;
}

/* frontends/http/fields_messages.h – the members of a message that listings and the message itself share. */
#ifndef WD_HTTP_FIELDS_MESSAGES_H
#define WD_HTTP_FIELDS_MESSAGES_H
#include <jansson.h>

#include "frontends/http/route.h"

extern const struct http_field http_address_rows[];
extern const struct http_field http_attachment_rows[];

/* clang-format off */
/* at: "" for a MessageEntry itself, "entry." for one in a Message. */
#define HTTP_MESSAGE_FIELDS(at) \
    { "id",          HTTP_PLAIN,    at "uid" }, \
    { "mailbox",     HTTP_PLAIN,    at "mailbox" }, \
    { "thread",      HTTP_PLAIN,    at "thread" }, \
    { "from",        HTTP_SUB,      at "from", http_address_rows }, \
    { "to",          HTTP_ROWS,     at "to", http_address_rows }, \
    { "cc",          HTTP_ROWS,     at "cc", http_address_rows }, \
    { "bcc",         HTTP_ROWS,     at "bcc", http_address_rows }, \
    { "messageId",   HTTP_PLAIN,    at "message_id" }, \
    { "subject",     HTTP_PLAIN,    at "subject", .absent = "\"\"" }, \
    { "date",        HTTP_ISO_DATE, at "date_ms", .absent = "null" }, \
    { "idate",       HTTP_ISO_DATE, at "internal_date_ms", .absent = "null" }, \
    { "size",        HTTP_PLAIN,    at "size" }, \
    { "seen",        HTTP_PLAIN,    at "seen" }, \
    { "deleted",     HTTP_PLAIN,    at "deleted" }, \
    { "flagged",     HTTP_PLAIN,    at "flagged" }, \
    { "draft",       HTTP_PLAIN,    at "draft" }, \
    { "answered",    HTTP_PLAIN,    at "answered" }, \
    { "forwarded",   HTTP_PLAIN,    at "forwarded" }, \
    { "references",  HTTP_PLAIN,    at "references" }, \
    { "encrypted",   HTTP_PLAIN,    at "encrypted" }
/* The content type is an object with two members; a field table of its own holds them. */
#define HTTP_CONTENT_TYPE_FIELDS(at) \
    { "value",  HTTP_PLAIN, at "content_type", .absent = "\"text/plain\"" }, \
    { "params", HTTP_JSON,  at "content_params" }
/* clang-format on */

/** What the tables cannot say: groups and plain addresses have other members; `encrypted` is only told when true. */
void http_message_finish(json_t *message);
#endif

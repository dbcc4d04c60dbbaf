#include "frontends/pop3/reply.h"

void
pop3_reply_add(struct wd_buf *out, bool ok, const char *code, struct wd_str text)
{
    size_t start = out->n, room;

    wd_buf_c(out, ok ? "+OK " : "-ERR ");
    if (code)
        wd_buf_printf(out, "[%s] ", code);
    room = POP3_REPLY_MAX - 2 - (out->n - start);
    for (size_t i = 0; i < text.n && i < room; i++)
        wd_buf_chr(out, text.p[i] >= ' ' && text.p[i] <= '~' ? text.p[i] : '?');
    wd_buf_c(out, "\r\n");
}

#include "frontends/lmtp/reply.h"

void
lmtp_reply_add(struct wd_buf *out, int code, const char *enhanced, struct wd_str text)
{
    size_t start = out->n, i, room;

    wd_buf_printf(out, "%d ", code);
    if (enhanced)
        wd_buf_printf(out, "%s ", enhanced);
    room = LMTP_REPLY_MAX - 2 - (out->n - start);
    for (i = 0; i < text.n && i < room; i++)
        wd_buf_chr(out, text.p[i] >= ' ' && text.p[i] <= '~' ? text.p[i] : '?');
    wd_buf_c(out, "\r\n");
}

void
lmtp_reply_reason(struct wd_buf *out, enum wd_reason reason, struct wd_str text)
{
    const struct wd_reason_info *info = wd_reason_info(reason);

    lmtp_reply_add(out, info->lmtp, info->lmtp_enhanced, text.n ? text : wd_str_c(info->name));
}

void
lmtp_reply_failure(struct wd_buf *out, const struct wd_error *err)
{
    const struct wd_reason_info *info = wd_reason_info(err->reason);
    bool temporary = info->lmtp / 100 == 4;

    lmtp_reply_add(out, 451, temporary ? info->lmtp_enhanced : "4.3.0", wd_str_c(err->text));
}

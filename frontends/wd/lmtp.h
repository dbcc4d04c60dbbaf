/* frontends/wd/lmtp.h – the sending side of LMTP (RFC 2033) on a plain blocking socket: one connection, one message and
 * one recipient at a time. */
#ifndef WD_CLI_LMTP_H
#define WD_CLI_LMTP_H
#include "common/base/buf.h"
#include "common/base/error.h"
#include "common/base/lifetime.h"

struct cli_lmtp {
    int fd;
    struct wd_buf in; /* received and not yet read */
    struct wd_buf line; /* the last reply line, ended by a NUL */
};

/** Connects and says LHLO. UNAVAILABLE. On success yours to cli_lmtp_done(). */
bool cli_lmtp_open(struct cli_lmtp *l, const char *host, const char *port, struct wd_error *err) WD_CHECKED;
/** Says QUIT and closes; nothing open is fine. */
void cli_lmtp_done(struct cli_lmtp *l);

/** Delivers a message. Its line ends may be LF or CRLF. MESSAGE_REFUSED with the server's words, and then the next one
 *  can be sent; UNAVAILABLE when the connection is gone. l->line has the reply after success. */
bool cli_lmtp_send(struct cli_lmtp *l, const char *sender, const char *recipient, struct wd_str message,
                   struct wd_error *err) WD_CHECKED;

/** Appends a message with CRLF line ends and with dots at line starts doubled, ended by CRLF. */
void cli_lmtp_stuff(struct wd_buf *out, struct wd_str message);
#endif

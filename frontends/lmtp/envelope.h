/* frontends/lmtp/envelope.h – the arguments of MAIL, RCPT and BDAT (RFC 5321 §4.1.1, RFC 1870, RFC 3030). */
#ifndef WD_LMTP_ENVELOPE_H
#define WD_LMTP_ENVELOPE_H
#include "common/base/arena.h"

enum lmtp_arg_result {
    LMTP_ARGS_OK,
    LMTP_ARGS_BAD_SYNTAX,    /* 501 5.5.4 */
    LMTP_ARGS_BAD_ADDRESS,   /* 501 5.1.3 or 5.1.7 */
    LMTP_ARGS_BAD_PARAMETER, /* 501 5.5.4: a known parameter with a wrong value */
};

struct lmtp_mail_args {
    struct wd_str sender; /* empty for <>; in the arena */
    uint64_t size;        /* of SIZE=; 0: not given */
    bool utf8;            /* SMTPUTF8 */
};

/** "FROM:<a@b> SIZE=1000 …". Parameters that are not known are ignored, as the contract with existing senders is. */
enum lmtp_arg_result lmtp_mail_args(struct wd_arena *a, struct wd_str args, struct lmtp_mail_args *out);
/** "TO:<a@b>". */
enum lmtp_arg_result lmtp_rcpt_args(struct wd_arena *a, struct wd_str args, struct wd_str *recipient);
/** "1000 LAST" */
enum lmtp_arg_result lmtp_bdat_args(struct wd_str args, uint64_t *size, bool *last);
#endif

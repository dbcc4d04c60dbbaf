#include "frontends/lmtp/envelope.h"

#include "common/mail/address.h"

/* "FROM:<path> parameters" → address and parameters. */
static enum lmtp_arg_result
path(struct wd_arena *a, struct wd_str args, struct wd_str word, struct wd_str *address, struct wd_str *rest)
{
    if (!wd_str_istarts(args, word))
        return LMTP_ARGS_BAD_SYNTAX;
    args = wd_str_trim(wd_str_part(args, word.n, args.n));
    if (args.n == 0 || args.p[0] != '<')
        return LMTP_ARGS_BAD_SYNTAX;
    return wd_address_path(a, args, address, rest) ? LMTP_ARGS_OK : LMTP_ARGS_BAD_ADDRESS;
}

/* The next "KEY=value" of a list separated by blanks; false at its end. */
static bool
parameter(struct wd_str *rest, struct wd_str *key, struct wd_str *value)
{
    size_t equals;

    do {
        if (!wd_str_split(rest, ' ', key))
            return false;
    } while (key->n == 0);
    equals = wd_str_chr(*key, '=');
    *value = equals == SIZE_MAX ? WD_NONE : wd_str_part(*key, equals + 1, key->n);
    *key = wd_str_part(*key, 0, equals == SIZE_MAX ? key->n : equals);
    return true;
}

static bool
known_body(struct wd_str value)
{
    return wd_str_ieq(value, WD_STR("7BIT")) || wd_str_ieq(value, WD_STR("8BITMIME"));
}

enum lmtp_arg_result
lmtp_mail_args(struct wd_arena *a, struct wd_str args, struct lmtp_mail_args *out)
{
    struct wd_str rest, key, value;
    enum lmtp_arg_result result;

    *out = (struct lmtp_mail_args){ 0 };
    result = path(a, args, WD_STR("FROM:"), &out->sender, &rest);
    if (result != LMTP_ARGS_OK)
        return result;
    if (out->sender.n && !wd_address_valid(out->sender))
        return LMTP_ARGS_BAD_ADDRESS;
    while (parameter(&rest, &key, &value)) {
        if (wd_str_ieq(key, WD_STR("SIZE")) && !wd_str_u64(value, UINT64_MAX, &out->size))
            return LMTP_ARGS_BAD_PARAMETER;
        if (wd_str_ieq(key, WD_STR("BODY")) && !known_body(value))
            return LMTP_ARGS_BAD_PARAMETER;
        if (wd_str_ieq(key, WD_STR("SMTPUTF8")))
            out->utf8 = true;
    }
    return LMTP_ARGS_OK;
}

enum lmtp_arg_result
lmtp_rcpt_args(struct wd_arena *a, struct wd_str args, struct wd_str *recipient)
{
    struct wd_str rest;
    enum lmtp_arg_result result = path(a, args, WD_STR("TO:"), recipient, &rest);

    if (result != LMTP_ARGS_OK)
        return result;
    /* RFC 5321 §4.1.1.3: postmaster needs no domain. */
    if (!wd_address_valid(*recipient) && !wd_str_ieq(*recipient, WD_STR("postmaster")))
        return LMTP_ARGS_BAD_ADDRESS;
    return LMTP_ARGS_OK;
}

enum lmtp_arg_result
lmtp_bdat_args(struct wd_str args, uint64_t *size, bool *last)
{
    size_t blank = wd_str_chr(args, ' ');
    struct wd_str word = blank == SIZE_MAX ? WD_NONE : wd_str_trim(wd_str_part(args, blank, args.n));

    /* A chunk that could not be skipped in any reasonable time would leave us out of step with the client. */
    if (!wd_str_u64(wd_str_part(args, 0, blank), UINT32_MAX, size))
        return LMTP_ARGS_BAD_SYNTAX;
    *last = wd_str_ieq(word, WD_STR("LAST"));
    return *last || word.n == 0 ? LMTP_ARGS_OK : LMTP_ARGS_BAD_SYNTAX;
}

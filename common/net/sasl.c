#include "common/net/sasl.h"

#include <openssl/crypto.h>

#include "common/base/b64.h"
#include "common/base/lifetime.h"

struct wd_sasl_mechanism {
    struct wd_str name;
    struct wd_str challenges[2]; /* base64 */
    enum wd_sasl_result (*take)(struct wd_sasl *s, struct wd_str bytes);
};

/* authzid NUL authcid NUL password [NUL token]: exactly so many parts. The authorisation identity is ignored
 * unless any_identity is set. */
static enum wd_sasl_result
take_parts(struct wd_sasl *s, struct wd_str bytes, size_t parts)
{
    struct wd_str part[4], rest, piece;
    size_t n = 0;

    wd_buf_str(&s->secret, bytes);
    for (rest = wd_buf_view(&s->secret); wd_str_split(&rest, '\0', &piece); n++) {
        if (n == parts)
            return WD_SASL_BAD;
        part[n] = piece;
    }
    if (n != parts)
        return WD_SASL_BAD;
    s->user = wd_str_trim(part[1]);
    if (!s->user.n && s->any_identity)
        s->user = wd_str_trim(part[0]);
    s->password = wd_str_trim(part[2]);
    s->token = parts > 3 ? part[3] : WD_NONE;
    return s->user.n && s->password.n ? WD_SASL_DONE : WD_SASL_BAD;
}

static enum wd_sasl_result
take_plain(struct wd_sasl *s, struct wd_str bytes)
{
    return take_parts(s, bytes, 3);
}

static enum wd_sasl_result
take_client_token(struct wd_sasl *s, struct wd_str bytes)
{
    return take_parts(s, bytes, 4);
}

/* First the user, then the password. The buffer may move between the two: only lengths are kept. */
static enum wd_sasl_result
take_login(struct wd_sasl *s, struct wd_str bytes)
{
    bytes = wd_str_trim(bytes);
    if (bytes.n == 0 || wd_str_chr(bytes, '\0') != SIZE_MAX)
        return WD_SASL_BAD;
    wd_buf_str(&s->secret, bytes);
    if (s->step == 0) {
        s->user.n = bytes.n;
        return WD_SASL_CONTINUE;
    }
    s->password = wd_str_part(wd_buf_view(&s->secret), s->user.n, s->secret.n);
    s->user = wd_str_part(wd_buf_view(&s->secret), 0, s->user.n);
    return WD_SASL_DONE;
}

static const struct wd_sasl_mechanism mechanisms[] = {
    { WD_STR_C("PLAIN"), { WD_STR_C("") }, take_plain },
    { WD_STR_C("PLAIN-CLIENTTOKEN"), { WD_STR_C("") }, take_client_token },
    { WD_STR_C("LOGIN"), { WD_STR_C("VXNlcm5hbWU6"), WD_STR_C("UGFzc3dvcmQ6") }, take_login },
};

bool
wd_sasl_begin(struct wd_sasl *s, struct wd_str mechanism)
{
    wd_sasl_done(s);
    for (size_t i = 0; i < WD_COUNT(mechanisms); i++)
        if (wd_str_ieq(mechanisms[i].name, mechanism)) {
            s->mechanism = &mechanisms[i];
            return true;
        }
    return false;
}

struct wd_str
wd_sasl_challenge(const struct wd_sasl *s)
{
    return s->step < WD_COUNT(s->mechanism->challenges) ? s->mechanism->challenges[s->step] : WD_NONE;
}

static void
wipe(struct wd_buf *b)
{
    if (b->p)
        OPENSSL_cleanse(b->p, b->cap);
    wd_buf_done(b);
}

enum wd_sasl_result
wd_sasl_step(struct wd_sasl *s, struct wd_str answer)
{
    struct wd_buf bytes wd_auto(wipe) = { 0 };
    enum wd_sasl_result result;

    if (wd_str_eq(answer, WD_STR("*")))
        return WD_SASL_CANCELLED;
    if (wd_str_eq(answer, WD_STR("=")))
        answer = WD_NONE;
    if (answer.n > WD_SASL_LINE_MAX)
        return WD_SASL_BAD;
    wd_buf_reserve(&bytes, answer.n + 1); /* no growing: it would leave copies of a password behind */
    if (s->step == 0)
        wd_buf_reserve(&s->secret, 2 * WD_SASL_LINE_MAX);
    if (!wd_b64_decode(&bytes, answer))
        return WD_SASL_BAD;
    result = s->mechanism->take(s, wd_buf_view(&bytes));
    s->step++;
    return result;
}

void
wd_sasl_done(struct wd_sasl *s)
{
    wipe(&s->secret);
    *s = (struct wd_sasl){ 0 };
}

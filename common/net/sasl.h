/* common/net/sasl.h – the server's side of SASL password mechanisms, for any protocol: PLAIN (RFC 4616), LOGIN and
 * PLAIN-CLIENTTOKEN (PLAIN with a fourth part that is only logged). The protocol moves the lines; who may log in is
 * the store's to say. */
#ifndef WD_NET_SASL_H
#define WD_NET_SASL_H
#include "common/base/buf.h"

enum wd_sasl_result {
    WD_SASL_CONTINUE,  /* send the challenge, then give the answer to wd_sasl_step() */
    WD_SASL_DONE,      /* user and password are there */
    WD_SASL_BAD,       /* the answer is malformed */
    WD_SASL_CANCELLED, /* the client sent "*" */
};

enum { WD_SASL_LINE_MAX = 12288 }; /* of an answer in base64 (RFC 4422 leaves it open, RFC 4954 §4 has this one) */

struct wd_sasl_mechanism;

struct wd_sasl {
    const struct wd_sasl_mechanism *mechanism;
    unsigned step;
    bool any_identity; /* to be set after wd_sasl_begin(): the authorisation identity stands in for an empty user */
    struct wd_buf secret;             /* what the slices below point into; wiped by wd_sasl_done() */
    struct wd_str user, password, token; /* valid after WD_SASL_DONE; token is empty but for PLAIN-CLIENTTOKEN */
};

/** Chooses a mechanism by its name, in any case; false when there is none. *s is { 0 } or done. */
bool wd_sasl_begin(struct wd_sasl *s, struct wd_str mechanism);
/** Without an initial response: the first challenge, in base64 ("" for PLAIN). Static. */
struct wd_str wd_sasl_challenge(const struct wd_sasl *s);
/** The client's answer in base64; "=" is an empty one (the form of initial responses). On CONTINUE the next challenge
 *  is wd_sasl_challenge(). */
enum wd_sasl_result wd_sasl_step(struct wd_sasl *s, struct wd_str answer);
/** Wipes and frees; usable again with wd_sasl_begin(). */
void wd_sasl_done(struct wd_sasl *s);
#endif

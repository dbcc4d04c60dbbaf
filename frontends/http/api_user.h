/* frontends/http/api_user.h – the endpoints of the early API that do more than translate. */
#ifndef WD_HTTP_API_USER_H
#define WD_HTTP_API_USER_H
#include "frontends/http/route.h"

struct http_call;

/** POST /user/create: a name makes an account without an address; an e-mail address makes both, and the answer has
 *  the account's id, as in the oldest form. */
void api_user_create(struct http_call *c);
/** POST /user/quota: at least one limit that is not zero. */
void api_user_quota(struct http_call *c);
/** GET /user: the account, then its addresses. */
void api_user_show(struct http_call *c);

/** The member "addresses" of GET /user. */
extern const struct http_field api_user_address_fields[];
#endif

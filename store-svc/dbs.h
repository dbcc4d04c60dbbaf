/* store-svc/dbs.h – the section "dbs" of the configuration: where MongoDB and Redis are. */
#ifndef WD_STORE_DBS_H
#define WD_STORE_DBS_H
#include "common/base/arena.h"
#include "store-svc/config.h"

/** Is it a URI of MongoDB that names a database? The driver reads the rest of it. WD_INVALID; the text never has the
 *  password. */
bool store_mongo_uri_check(const char *uri, struct wd_error *err) WD_CHECKED;

/** Is any key of dbs.redis set? */
bool store_redis_is_set(const struct wd_config *config);

/** Reads dbs.redis: the URL, and then the keys of the table that are set. Strings live as long as the arena and the
 *  configuration. WD_INVALID. */
bool store_redis_read(const struct wd_config *config, struct wd_arena *a, struct store_redis *out,
                      struct wd_error *err) WD_CHECKED;

/** Reads redis://[user:][password@]host:port/db?password=&db= over what *out holds. The user counts with
 *  allowUsernameInURI=true only: existing URLs have any word there. WD_INVALID; the text never has the password. */
bool store_redis_url(struct wd_arena *a, struct wd_str url, struct store_redis *out, struct wd_error *err) WD_CHECKED;
#endif

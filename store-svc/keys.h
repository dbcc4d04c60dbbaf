/* store-svc/keys.h – the secrets in the data directory: secret.key, which signs every token, and tokens/<role>, the
 * service tokens for the front ends of this node. Files of mode 0600 in directories of mode 0700. */
#ifndef WD_STORE_KEYS_H
#define WD_STORE_KEYS_H
#include "store-svc/domain/domain.h"

/** Makes the directory and its run/ and tokens/ where they are missing. WD_UNAVAILABLE. */
bool store_directories(const char *data_dir, struct wd_error *err) WD_CHECKED;
/** Reads secret.key into d->token_key; makes one at the first start. WD_UNAVAILABLE, WD_DATA_LOSS. */
bool store_key_load(struct wd_domain *d, const char *data_dir, struct wd_error *err) WD_CHECKED;
/** Writes tokens/<role> for every role whose file has no token of the present key. */
bool store_tokens_write(const struct wd_domain *d, const char *data_dir, struct wd_error *err) WD_CHECKED;
#endif

/* store-svc/keys.h – the key that signs every token, where it is kept, and the service tokens for the front ends of
 * this node (tokens/<role> in the data directory). Files of mode 0600 in directories of mode 0700. */
#ifndef WD_STORE_KEYS_H
#define WD_STORE_KEYS_H
#include "store-svc/config.h"
#include "store-svc/domain/domain.h"

/** Makes the directory and its run/ and tokens/ where they are missing. WD_UNAVAILABLE. */
bool store_directories(const char *data_dir, struct wd_error *err) WD_CHECKED;
/** Is the key in the database, where all replicas find it? Then store_key_load() needs d->docs. */
bool store_key_in_database(const struct store_settings *s);
/**
 * Reads the key into d->token_key: store.secret, or the file of store.secretFile, or what the database of several
 * replicas has, or secret.key of the data directory. The last two are made when they are not there, by exactly one of
 * the processes that start at once. WD_INVALID, WD_UNAVAILABLE, WD_DATABASE, WD_DATA_LOSS.
 */
bool store_key_load(struct wd_domain *d, const struct store_settings *s, struct wd_error *err) WD_CHECKED;
/** Writes tokens/<role> for every role whose file has no token of the present key. */
bool store_tokens_write(const struct wd_domain *d, const char *data_dir, struct wd_error *err) WD_CHECKED;
#endif

/* store-svc/open.h – the databases by their names in the configuration: which driver keeps the mail, which the bus. */
#ifndef WD_STORE_OPEN_H
#define WD_STORE_OPEN_H
#include "store-svc/config.h"
#include "store-svc/domain/domain.h"

/** Are there such drivers? WD_INVALID names them. */
bool store_open_check(const struct store_settings *s, struct wd_error *err) WD_CHECKED;

/* What becomes of indexes that are missing, or there in another form. */
enum store_indexes {
    STORE_INDEXES_CREATE, /* made; refused */
    STORE_INDEXES_KEEP,   /* not made; lived with */
    STORE_INDEXES_CHECK,  /* not made; refused */
};

/**
 * Opens d->docs, d->users and d->blobs, and makes collections and indexes ready. WD_UNAVAILABLE or WD_DATABASE when a
 * server does not answer: it may be tried again; any other reason is a mistake that waiting does not mend. After a
 * failure nothing of d is open. Blocks for as long as a server may take.
 */
bool store_open_docs(const struct store_settings *s, enum store_indexes indexes, struct wd_domain *d,
                     struct wd_error *err) WD_CHECKED;
/** Opens d->bus, or leaves the one that came with the documents. Fails as store_open_docs(). */
bool store_open_bus(const struct store_settings *s, struct wd_domain *d, struct wd_error *err) WD_CHECKED;
/** Both, as the settings say. */
bool store_open(const struct store_settings *s, struct wd_domain *d, struct wd_error *err) WD_CHECKED;
/** Appends a line about each server that d is connected to: address, version. */
bool store_about(const struct store_settings *s, const struct wd_domain *d, struct wd_buf *out,
                 struct wd_error *err) WD_CHECKED;
/** Closes what is open in it. */
void store_close(struct wd_domain *d);
#endif

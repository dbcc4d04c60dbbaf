/* store-svc/driver/embedded/embedded.h – documents, blobs and bus of one node in a directory: mail.db (documents),
 * blobs.db (attachment bodies), uploads/ (one file each), lock. Nothing else has to run. */
#ifndef WD_DRIVER_EMBEDDED_H
#define WD_DRIVER_EMBEDDED_H
#include "store-svc/port/blobs.h"
#include "store-svc/port/bus.h"
#include "store-svc/port/docs.h"

struct wd_embedded_options {
    const char *directory;  /* created with mode 0700 at the first start */
    bool no_sync;           /* for tests: acknowledge before the data is on disk */
    unsigned readers;       /* connections that are kept open for reading; 0: 8 */
    uint32_t cache_kib;     /* page cache of each connection; 0: 16 MiB */
    unsigned group_batches; /* batches that share one sync at most; 0: 256 */
    unsigned group_ms;      /* the longest that a finished batch waits for others to join; 0: 20 */
    uint32_t max_pages;     /* the most pages of 4 KiB that mail.db may have; 0: no limit */
};

/**
 * Opens the directory for this process alone. All three share it; close them in any order, the last one closes the
 * files. WD_DATABASE when it is in use by another process, was written by a newer version, or can not be opened.
 */
bool wd_embedded_open(const struct wd_embedded_options *o, struct wd_docs **docs, struct wd_blobs **blobs,
                      struct wd_bus **bus, struct wd_error *err) WD_CHECKED;

/** The bus alone, without a directory: for a process that keeps its mail elsewhere and has no replicas. */
bool wd_embedded_bus_open(struct wd_bus **bus, struct wd_error *err) WD_CHECKED;
#endif

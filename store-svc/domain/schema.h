/* store-svc/domain/schema.h – the stored model on one page: collections, fields, indexes (docs/storage.md). */
#ifndef WD_STORE_DOMAIN_SCHEMA_H
#define WD_STORE_DOMAIN_SCHEMA_H
#include "store-svc/port/docs.h"

/* Collection names, so that a misspelt one does not compile. */
#define WD_USERS        "users"
#define WD_DELETEDUSERS "deletedusers"
#define WD_ADDRESSES    "addresses"
#define WD_ALIASES      "domainaliases"
#define WD_ASPS         "asps"
#define WD_AUTHLOG      "authlog"
#define WD_MAILBOXES    "mailboxes"
#define WD_MESSAGES     "messages"
#define WD_ARCHIVED     "archived"
#define WD_JOURNAL      "journal"
#define WD_THREADS      "threads"
#define WD_SETTINGS     "settings"
#define WD_FILES        "attachments.files"
#define WD_REQUESTS     "requests"
#define WD_REGISTER     "addressregister"
#define WD_ACCESSTOKENS "accesstokens"

/** All collections of one database role, ended by NULL, for wd_docs_ensure(). */
const struct wd_docs_collection *const *wd_schema(void);
#endif

#include "store-svc/domain/schema.h"

/* clang-format off */
#define INDEX(name, keys, flags)            { name, keys, flags, NULL, -1 }
#define PARTIAL(name, keys, flags, only)    { name, keys, flags, only, -1 }
#define EXPIRES(name, keys, after_s)        { name, keys, 0, NULL, after_s }
#define END                                 { NULL, NULL, 0, NULL, -1 }

static const struct wd_docs_index users[] = {
    INDEX("users_dotless", "unameview 1", WD_INDEX_UNIQUE),
    INDEX("users", "username 1", 0),
    INDEX("show_new", "created -1", 0),
    INDEX("users_tags", "tagsview 1", WD_INDEX_SPARSE | WD_INDEX_MULTIKEY),
    END,
};

static const struct wd_docs_index addresses[] = {
    INDEX("address_dotless", "addrview 1", WD_INDEX_UNIQUE),
    INDEX("address_tags", "tagsview 1", WD_INDEX_SPARSE | WD_INDEX_MULTIKEY),
    INDEX("address_paging", "addrview 1, _id 1", 0),
    INDEX("user", "user 1", 0),
    END,
};

static const struct wd_docs_index aliases[] = {
    INDEX("domainalias", "alias 1", WD_INDEX_UNIQUE),
    INDEX("domainlist", "domain 1", 0),
    END,
};

static const struct wd_docs_index asps[] = {
    INDEX("asps_user", "user 1", 0),
    EXPIRES("entry_autoexpire", "expires 1", 0),
    END,
};

static const struct wd_docs_index authlog[] = {
    INDEX("user", "user 1, _id -1", 0),
    INDEX("insert", "user 1, created 1, key 1", 0),
    INDEX("by_ip", "ip 1", WD_INDEX_SPARSE),
    EXPIRES("entry_autoexpire", "expires 1", 0),
    END,
};

static const struct wd_docs_index mailboxes[] = {
    INDEX("user_path", "user 1, path 1", WD_INDEX_UNIQUE),
    INDEX("user_subscribed", "user 1, subscribed 1", 0),
    INDEX("find_by_type", "user 1, specialUse 1", 0),
    INDEX("changes_under_way", "pending.at 1", WD_INDEX_SPARSE | WD_INDEX_MULTIKEY),
    END,
};

static const struct wd_docs_index messages[] = {
    INDEX("mailbox_uid", "mailbox 1, uid 1, _id 1", 0),
    INDEX("mailbox_modseq_uid", "mailbox 1, modseq 1, uid 1", 0),
    INDEX("user_messages_by_thread", "user 1, thread 1", 0),
    INDEX("mailbox_flags", "mailbox 1, flags 1", WD_INDEX_MULTIKEY),
    INDEX("by_idate", "mailbox 1, idate 1", WD_INDEX_MINOR),
    INDEX("by_hdate", "mailbox 1, hdate 1, msgid 1", WD_INDEX_MINOR),
    INDEX("by_size", "mailbox 1, size 1", WD_INDEX_MINOR),
    INDEX("by_headers", "mailbox 1, headers.key 1, headers.value 1", WD_INDEX_MULTIKEY),
    PARTIAL("fulltext", "user 1, headers.value text, text text", WD_INDEX_TEXT, "{\"searchable\": true}"),
    INDEX("mailbox_unseen_flag", "mailbox 1, unseen 1 | uid, _id", 0),
    INDEX("mailbox_undeleted_flag", "mailbox 1, undeleted 1", WD_INDEX_MINOR),
    INDEX("mailbox_flagged_flag", "mailbox 1, flagged 1", WD_INDEX_MINOR),
    INDEX("mailbox_draft_flag", "mailbox 1, draft 1", WD_INDEX_MINOR),
    INDEX("has_attachment", "mailbox 1, ha 1", WD_INDEX_MINOR),
    PARTIAL("retention_time", "exp 1, rdate 1", 0, "{\"exp\": true}"),
    END,
};

static const struct wd_docs_index archived[] = {
    INDEX("user_messages", "user 1, _id 1", 0),
    INDEX("user_messages_archived", "user 1, archived 1", 0),
    PARTIAL("retention_time", "exp 1, rdate 1", 0, "{\"exp\": true}"),
    END,
};

static const struct wd_docs_index journal[] = {
    INDEX("mailbox_modseq", "mailbox 1, modseq 1", 0),
    INDEX("user_limit_id", "user 1, _id 1", 0),
    EXPIRES("journal_autoexpire", "created 1", 3 * 60 * 60),
    END,
};

static const struct wd_docs_index threads[] = {
    INDEX("thread", "user 1, ids 1", WD_INDEX_MULTIKEY),
    EXPIRES("thread_autoexpire", "updated 1", 180 * 24 * 60 * 60),
    END,
};

static const struct wd_docs_index files[] = {
    INDEX("related_attachments_cu", "metadata.c 1, metadata.m 1, metadata.cu 1", 0),
    END,
};

static const struct wd_docs_index settings[] = {
    INDEX("key_unique", "key 1, enumerable 1", WD_INDEX_UNIQUE),
    END,
};

/* Outcomes of calls with an idempotency key (store-svc/domain/once.h). */
static const struct wd_docs_index requests[] = {
    EXPIRES("autoexpire", "created 1", 60 * 60),
    END,
};

static const struct wd_docs_index registered[] = {
    INDEX("by_address", "user 1, addrview 1, updated -1", 0),
    INDEX("by_name", "user 1, name 1, updated -1", 0),
    END,
};

/* Access tokens of the HTTP API (store-svc/domain/access_token.h). */
static const struct wd_docs_index accesstokens[] = {
    INDEX("key", "key 1", WD_INDEX_UNIQUE),
    INDEX("user", "user 1", 0),
    EXPIRES("autoexpire", "expires 1", 0),
    END,
};

static const struct wd_docs_index by_id_only[] = { END };

/* What sessions read and change all the time; everything else of a message is its bulk. */
static const char message_head[] = "_id root v user mailbox thread uid modseq exp rdate userDeleted idate hdate flags "
                                   "unseen undeleted flagged draft searchable junk copied size ha magic";

static const struct wd_docs_collection collections[] = {
    { WD_USERS,        WD_DB_USERS, users,      NULL },
    { WD_DELETEDUSERS, WD_DB_USERS, by_id_only, NULL },
    { WD_ADDRESSES,    WD_DB_USERS, addresses,  NULL },
    { WD_ALIASES,      WD_DB_USERS, aliases,    NULL },
    { WD_ASPS,         WD_DB_USERS, asps,       NULL },
    { WD_AUTHLOG,      WD_DB_USERS, authlog,    NULL },
    { WD_MAILBOXES,    WD_DB_MAIN,  mailboxes,  NULL },
    { WD_MESSAGES,     WD_DB_MAIN,  messages,   message_head },
    { WD_ARCHIVED,     WD_DB_MAIN,  archived,   message_head },
    { WD_JOURNAL,      WD_DB_MAIN,  journal,    NULL },
    { WD_THREADS,      WD_DB_MAIN,  threads,    NULL },
    { WD_SETTINGS,     WD_DB_MAIN,  settings,   NULL },
    { WD_REQUESTS,     WD_DB_MAIN,  requests,   NULL },
    { WD_REGISTER,     WD_DB_MAIN,  registered, NULL },
    { WD_FILES,        WD_DB_FILES, files,      NULL },
    { WD_ACCESSTOKENS, WD_DB_USERS, accesstokens, NULL },
};
/* clang-format on */

static const struct wd_docs_collection *const all[] = {
    &collections[0],  &collections[1],  &collections[2],  &collections[3],  &collections[4],  &collections[5],
    &collections[6],  &collections[7],  &collections[8],  &collections[9],  &collections[10], &collections[11],
    &collections[12], &collections[13], &collections[14], &collections[15], NULL,
};

const struct wd_docs_collection *const *
wd_schema(void)
{
    return all;
}

/* frontends/imap/args.h – the arguments of a command, read by the grammar of its row in commands.def. */
#ifndef WD_IMAP_ARGS_H
#define WD_IMAP_ARGS_H
#include "frontends/imap/fetch_items.h"
#include "frontends/imap/search.h"

enum imap_store_mode { IMAP_STORE_REPLACE, IMAP_STORE_ADD, IMAP_STORE_REMOVE };

enum imap_list_option {
    IMAP_LIST_ONLY_SPECIAL = 1,   /* LIST (SPECIAL-USE) … */
    IMAP_LIST_RETURN_SPECIAL = 2, /* … RETURN (SPECIAL-USE) */
    IMAP_LIST_RETURN = 4,         /* any RETURN */
};

/* In the order of their bits. */
enum imap_status_item {
    IMAP_STATUS_MESSAGES,
    IMAP_STATUS_RECENT,
    IMAP_STATUS_UIDNEXT,
    IMAP_STATUS_UIDVALIDITY,
    IMAP_STATUS_UNSEEN,
    IMAP_STATUS_HIGHESTMODSEQ,
    IMAP_STATUS_ITEMS,
};

struct imap_words {
    struct wd_str *p;
    size_t n;
};

/* Everything is in the command's arena; a field is set when the grammar names it. */
struct imap_args {
    struct wd_str mailbox, target;           /* paths of the store */
    struct wd_str mailbox_text, target_text; /* as the client wrote them */
    struct wd_str set;
    struct wd_str user, password;
    struct wd_str word, initial;
    struct wd_str reference, pattern;
    struct imap_words words;
    struct imap_words keywords;
    unsigned system_flags;
    unsigned list; /* enum imap_list_option */
    struct imap_fetch_items fetch;
    struct imap_search search;
    enum imap_store_mode mode;
    bool silent, has_initial, condstore, has_modseq, has_date;
    uint64_t modseq;
    int64_t date_ms;
    unsigned status_n;
    uint8_t status[IMAP_STATUS_ITEMS];
};

/** Reads the arguments from p->at on by a grammar such as "set [store-modifier] store-mode flags"; what is in brackets
 *  may be missing. False, with p->why set, when something is wrong, missing or left over. */
bool imap_args_parse(struct imap_parse *p, const char *grammar, struct imap_args *out);
/** Are all words of a grammar known? For tests. */
bool imap_args_grammar_known(const char *grammar);
#endif

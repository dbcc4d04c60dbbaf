/* frontends/wd/maildir.h – reading Maildir++ directories. */
#ifndef WD_CLI_MAILDIR_H
#define WD_CLI_MAILDIR_H
#include "common/base/arena.h"
#include "common/base/error.h"
#include "common/base/lifetime.h"

struct maildir_message {
    struct wd_str path; /* of the file; also a C string */
    struct wd_str key;  /* the unique part of its name */
    unsigned flags;     /* enum wd_flag */
    bool forwarded;     /* "P": passed on */
    int64_t date_ms;    /* when it was delivered */
    uint64_t size;      /* bytes on disk */
};

struct maildir_folder {
    struct wd_str directory; /* with cur, new and tmp in it; also a C string */
    struct wd_str path;      /* of the mailbox: "INBOX", "A/B" */
};

/** The maildir itself and its subfolders (".A.B" is A/B), by path. INVALID when it is no maildir. */
bool maildir_folders(struct wd_arena *a, const char *directory, struct maildir_folder **out, size_t *n,
                     struct wd_error *err) WD_CHECKED;
/** The messages in cur and new, oldest first. */
bool maildir_messages(struct wd_arena *a, const struct maildir_folder *folder, struct maildir_message **out, size_t *n,
                      struct wd_error *err) WD_CHECKED;
/** Key and flags of a file name: "1700000000.M1P2.host,S=12:2,FS". */
void maildir_name(struct wd_str name, struct maildir_message *out);
/** The mailbox of a subfolder's name: ".A.B" is "A/B"; modified UTF-7 becomes UTF-8. */
struct wd_str maildir_path(struct wd_arena *a, struct wd_str name);
#endif

/* frontends/wd/supervise.h – starts processes in order, keeps them alive, and ends them in the opposite order. No
 * library with threads is used here: the process forks. */
#ifndef WD_CLI_SUPERVISE_H
#define WD_CLI_SUPERVISE_H
#include "common/base/error.h"
#include "common/base/lifetime.h"

enum { SUPERVISED_MAX = 8 };

struct supervised {
    const char *name; /* "wd-imap" */
    char **argv;      /* argv[0] is the path of the program; ends with NULL */
};

struct supervise_options {
    const struct supervised *children; /* the first one is started and ready before the others */
    size_t n;                          /* 1…SUPERVISED_MAX */
    int start_ms;                      /* how long one may take to say that it is ready; 0: 60,000 */
    int grace_ms;                      /* from SIGTERM to SIGKILL; 0: 8,000 */
    void (*on_ready)(void *data);      /* all are ready for the first time */
    void *data;
};

/**
 * Runs until SIGTERM or SIGINT, then stops the children, the first one last; a second signal hurries. A child says
 * that it is ready as to systemd (NOTIFY_SOCKET). One that ends is started again, at once and then after longer and
 * longer pauses; one that ends before it was ever ready ends everything: false with its name. SIGHUP is passed on.
 * The children get SIGTERM when this process is gone, however it went.
 */
bool supervise(const struct supervise_options *o, struct wd_error *err) WD_CHECKED;
#endif

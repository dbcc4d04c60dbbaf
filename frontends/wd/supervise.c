#include "frontends/wd/supervise.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/admin/notify.h"
#include "common/base/clock.h"
#include "common/base/rand.h"
#include "common/log/log.h"

enum { BACKOFF_FIRST_MS = 100, BACKOFF_MOST_MS = 10000, STEADY_MS = 30000, HURRY_MS = 3000 };

struct child {
    const struct supervised *what;
    pid_t pid; /* 0: not running */
    bool ready;
    int64_t started_ms, again_ms; /* again_ms: when it is started again; 0: not waiting for that */
    unsigned pause_ms;
};

enum phase {
    STARTING_FIRST, /* the first child is on its way */
    STARTING_REST,
    RUNNING,
    STOPPING_REST,
    STOPPING_FIRST,
    STOPPED,
};

struct supervisor {
    const struct supervise_options *options;
    struct child children[SUPERVISED_MAX];
    enum phase phase;
    bool failed; /* err says why */
    struct wd_error *err;
    int signals, notify;
    char notify_name[64]; /* with '@' in front, as NOTIFY_SOCKET has it */
    sigset_t had_mask;
    int64_t hurry_ms, kill_ms; /* of the present stop */
    unsigned stops;            /* signals that asked for it */
};

/* ---- processes ---- */

static _Noreturn void
become(const struct supervisor *s, const struct child *c, pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent)
        _exit(EXIT_FAILURE); /* it died in between */
    setpgid(0, 0); /* Ctrl-C reaches the supervisor alone, which stops the children in order */
    setenv("NOTIFY_SOCKET", s->notify_name, 1);
    sigprocmask(SIG_SETMASK, &s->had_mask, NULL);
    execv(c->what->argv[0], c->what->argv);
    fprintf(stderr, "wd: cannot run %s: %s\n", c->what->argv[0], strerror(errno));
    _exit(127);
}

static void
start_child(struct supervisor *s, struct child *c)
{
    pid_t parent = getpid(), pid = fork();

    if (pid == 0)
        become(s, c, parent);
    if (pid > 0)
        setpgid(pid, pid); /* the child does it too: whoever comes first */
    c->started_ms = wd_mono_ms();
    c->ready = false;
    c->again_ms = pid < 0 ? c->started_ms + BACKOFF_MOST_MS : 0;
    c->pid = pid < 0 ? 0 : pid;
}

static void
signal_child(const struct child *c, int number)
{
    if (c->pid)
        kill(c->pid, number);
}

/* With what it may have started itself. */
static void
kill_child(const struct child *c)
{
    if (c->pid)
        kill(-c->pid, SIGKILL);
}

static bool
running(const struct supervisor *s, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        if (s->children[i].pid)
            return true;
    return false;
}

/* ---- phases ---- */

static void
enter_stop(struct supervisor *s, enum phase phase)
{
    size_t from = phase == STOPPING_FIRST ? 0 : 1, to = phase == STOPPING_FIRST ? 1 : s->options->n;
    int64_t now = wd_mono_ms();

    s->phase = phase;
    s->hurry_ms = now + HURRY_MS;
    s->kill_ms = now + (s->options->grace_ms ? s->options->grace_ms : 8000);
    for (size_t i = from; i < to; i++)
        signal_child(&s->children[i], SIGTERM);
}

static void
stop_all(struct supervisor *s)
{
    if (s->phase >= STOPPING_REST) {
        s->hurry_ms = wd_mono_ms();
        if (++s->stops > 2)
            s->kill_ms = s->hurry_ms;
        return;
    }
    s->stops = 1;
    wd_notify_stopping();
    for (size_t i = 0; i < s->options->n; i++)
        s->children[i].again_ms = 0;
    enter_stop(s, STOPPING_REST);
}

static void
fail_start(struct supervisor *s, const struct child *c, const char *how)
{
    if (!s->failed)
        wd_fail(s->err, WD_UNAVAILABLE, "%s %s; its own message is above", c->what->name, how);
    s->failed = true;
    stop_all(s);
}

/* Moves on when what the phase waits for has happened. */
static void
advance(struct supervisor *s)
{
    size_t n = s->options->n;

    if (s->phase == STARTING_FIRST && s->children[0].ready) {
        s->phase = STARTING_REST;
        for (size_t i = 1; i < n; i++)
            start_child(s, &s->children[i]);
    }
    if (s->phase == STARTING_REST) {
        for (size_t i = 0; i < n; i++)
            if (!s->children[i].ready)
                return;
        s->phase = RUNNING;
        wd_notify_ready();
        if (s->options->on_ready)
            s->options->on_ready(s->options->data);
    }
    if (s->phase == STOPPING_REST && !running(s, 1, n))
        enter_stop(s, STOPPING_FIRST);
    if (s->phase == STOPPING_FIRST && !running(s, 0, 1))
        s->phase = STOPPED;
}

/* ---- events ---- */

static void
child_ended(struct supervisor *s, struct child *c, int status)
{
    int64_t now = wd_mono_ms();
    bool steady = now - c->started_ms >= STEADY_MS, was_ready = c->ready;

    c->pid = 0;
    c->ready = false;
    if (s->phase >= STOPPING_REST)
        return;
    wd_log(WD_LOG_ERROR, "child ended", WD_KV("name", c->what->name),
           WD_KV_INT("exit", WIFEXITED(status) ? WEXITSTATUS(status) : -1),
           WD_KV_INT("signal", WIFSIGNALED(status) ? WTERMSIG(status) : 0));
    if (s->phase < RUNNING && !was_ready) {
        fail_start(s, c, "did not start");
        return;
    }
    c->pause_ms = steady || c->pause_ms == 0 ? BACKOFF_FIRST_MS : c->pause_ms * 2;
    if (c->pause_ms > BACKOFF_MOST_MS)
        c->pause_ms = BACKOFF_MOST_MS;
    c->again_ms = now + c->pause_ms;
}

static void
reap(struct supervisor *s)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        for (size_t i = 0; i < s->options->n; i++)
            if (s->children[i].pid == pid)
                child_ended(s, &s->children[i], status);
}

static void
pass_on(struct supervisor *s, int number)
{
    for (size_t i = 0; i < s->options->n; i++)
        signal_child(&s->children[i], number);
}

static void
take_signals(struct supervisor *s)
{
    struct signalfd_siginfo info;

    while (read(s->signals, &info, sizeof info) == (ssize_t)sizeof info)
        switch (info.ssi_signo) {
        case SIGCHLD:
            reap(s);
            break;
        case SIGHUP:
            pass_on(s, SIGHUP);
            break;
        default:
            stop_all(s);
        }
}

/* Who sent a message is what the kernel says, not what the message says. */
static void
take_notice(struct supervisor *s, const char *text, pid_t from)
{
    for (size_t i = 0; i < s->options->n; i++)
        if (s->children[i].pid == from && strncmp(text, "READY=1", 7) == 0)
            s->children[i].ready = true;
}

static void
take_notices(struct supervisor *s)
{
    char text[256], control[CMSG_SPACE(sizeof(struct ucred))];

    for (;;) {
        struct iovec piece = { text, sizeof text - 1 };
        struct msghdr message = {
            .msg_iov = &piece, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control
        };
        ssize_t n = recvmsg(s->notify, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        const struct cmsghdr *c = n >= 0 ? CMSG_FIRSTHDR(&message) : NULL;
        struct ucred sender;

        if (n < 0)
            return;
        text[n] = '\0';
        if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_CREDENTIALS)
            continue;
        memcpy(&sender, CMSG_DATA(c), sizeof sender);
        take_notice(s, text, sender.pid);
    }
}

/* ---- time ---- */

static void
sooner(int64_t *at, int64_t candidate)
{
    if (candidate && (*at == 0 || candidate < *at))
        *at = candidate;
}

static int64_t
start_limit(const struct supervisor *s, const struct child *c)
{
    if (!c->pid || c->ready || s->phase >= RUNNING)
        return 0;
    return c->started_ms + (s->options->start_ms ? s->options->start_ms : 60000);
}

/* When something is due: milliseconds from now, -1 for never. */
static int
next_due(const struct supervisor *s)
{
    int64_t at = 0, now = wd_mono_ms();

    for (size_t i = 0; i < s->options->n; i++) {
        sooner(&at, s->children[i].again_ms);
        sooner(&at, start_limit(s, &s->children[i]));
    }
    if (s->phase >= STOPPING_REST) {
        sooner(&at, s->hurry_ms);
        sooner(&at, s->kill_ms);
    }
    if (at == 0)
        return -1;
    return at <= now ? 0 : (int)(at - now);
}

static void
do_due(struct supervisor *s)
{
    int64_t now = wd_mono_ms();

    for (size_t i = 0; i < s->options->n; i++) {
        struct child *c = &s->children[i];
        int64_t limit = start_limit(s, c);
        if (c->again_ms && c->again_ms <= now && s->phase <= RUNNING)
            start_child(s, c);
        if (limit && limit <= now)
            fail_start(s, c, "did not get ready in time");
    }
    if (s->phase < STOPPING_REST)
        return;
    if (s->hurry_ms && s->hurry_ms <= now) { /* a second SIGTERM: do not wait for peers */
        s->hurry_ms = 0;
        for (size_t i = s->phase == STOPPING_REST ? 1 : 0; i < s->options->n; i++)
            signal_child(&s->children[i], SIGTERM);
    }
    if (s->kill_ms && s->kill_ms <= now) {
        s->kill_ms = 0;
        for (size_t i = s->phase == STOPPING_REST ? 1 : 0; i < s->options->n; i++)
            kill_child(&s->children[i]);
    }
}

/* ---- set-up ---- */

static bool
open_notify(struct supervisor *s)
{
    struct sockaddr_un name = { .sun_family = AF_UNIX };
    int on = 1, n;

    n = snprintf(s->notify_name, sizeof s->notify_name, "@wd-serve-%ld-%08x", (long)getpid(), wd_rand_u32());
    memcpy(name.sun_path + 1, s->notify_name + 1, (size_t)n - 1);
    s->notify = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    return s->notify >= 0 && setsockopt(s->notify, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) == 0 &&
           bind(s->notify, (struct sockaddr *)&name, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)n)) ==
               0;
}

static bool
open_signals(struct supervisor *s)
{
    static const int numbers[] = { SIGCHLD, SIGHUP, SIGINT, SIGTERM };
    sigset_t mask;

    sigemptyset(&mask);
    for (size_t i = 0; i < WD_COUNT(numbers); i++)
        sigaddset(&mask, numbers[i]);
    if (sigprocmask(SIG_BLOCK, &mask, &s->had_mask) != 0)
        return false;
    s->signals = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
    return s->signals >= 0;
}

static void
loop(struct supervisor *s)
{
    struct pollfd events[] = { { .fd = s->signals, .events = POLLIN }, { .fd = s->notify, .events = POLLIN } };

    start_child(s, &s->children[0]);
    while (s->phase != STOPPED) {
        if (poll(events, WD_COUNT(events), next_due(s)) < 0 && errno != EINTR)
            stop_all(s);
        take_notices(s); /* before the end of a child that had become ready is looked at */
        take_signals(s);
        do_due(s);
        advance(s);
    }
}

bool
supervise(const struct supervise_options *o, struct wd_error *err)
{
    struct supervisor s = { .options = o, .err = err, .signals = -1, .notify = -1 };
    bool open;

    for (size_t i = 0; i < o->n && i < SUPERVISED_MAX; i++)
        s.children[i].what = &o->children[i];
    open = open_signals(&s) && open_notify(&s);
    if (open)
        loop(&s);
    else
        wd_fail(err, WD_UNAVAILABLE, "cannot supervise: %s", strerror(errno));
    if (s.signals >= 0)
        close(s.signals);
    if (s.notify >= 0)
        close(s.notify);
    sigprocmask(SIG_SETMASK, &s.had_mask, NULL);
    return open && !s.failed;
}

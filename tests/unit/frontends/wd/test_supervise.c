/* The supervisor with small scripts as children: order, restart, refusal, end. They say READY=1 as to systemd. */
#include "frontends/wd/supervise.h"

#include <check.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/run.h"

static char directory[256];
static struct wd_error err;

static void
setup(void)
{
    const char *tmp = getenv("TMPDIR");

    snprintf(directory, sizeof directory, "%s/wd-supervise-XXXXXX", tmp ? tmp : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    ck_assert_int_eq(chdir(directory), 0);
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

static void
teardown(void)
{
    nftw(directory, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* Writes what it does to `log`. Says READY=1 itself: the supervisor looks at who sent it. */
static const char good[] = "import os,socket,signal,sys,time\n"
                           "def say(t): open('log','a').write(t+'\\n')\n"
                           "def stop(*a): say('stop '+sys.argv[1]); os._exit(0)\n"
                           "signal.signal(signal.SIGTERM, stop)\n"
                           "say('start '+sys.argv[1])\n"
                           "s=socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)\n"
                           "s.connect('\\0'+os.environ['NOTIFY_SOCKET'][1:]); s.send(b'READY=1')\n"
                           "if sys.argv[1]=='dies' and not os.path.exists('died'):\n"
                           "    open('died','w'); os._exit(3)\n"
                           "if sys.argv[1]=='dies': os.kill(os.getppid(), signal.SIGTERM)\n"
                           "while True: signal.pause()\n";

static char python[] = "/usr/bin/python3", dash_c[] = "-c", script[sizeof good], first[] = "first", dies[] = "dies",
            other[] = "other";
static char shell[] = "/bin/sh", fail[] = "exit 4";

static void
on_ready_stop(void *data)
{
    (void)data;
    kill(getpid(), SIGTERM);
}

static void
read_log(char *to, size_t size)
{
    FILE *f = fopen("log", "r");
    size_t n = f ? fread(to, 1, size - 1, f) : 0;

    to[n] = '\0';
    if (f)
        fclose(f);
}

START_TEST(the_first_child_starts_first_and_stops_last)
{
    char *one[] = { python, dash_c, script, first, NULL }, *two[] = { python, dash_c, script, other, NULL };
    struct supervised children[] = { { "first", one }, { "other", two } };
    struct supervise_options o = { .children = children, .n = 2, .on_ready = on_ready_stop };
    char log[512];

    memcpy(script, good, sizeof good);
    ck_assert_msg(supervise(&o, &err), "%s", err.text);
    read_log(log, sizeof log);
    ck_assert_str_eq(log, "start first\nstart other\nstop other\nstop first\n");
}
END_TEST

START_TEST(a_child_that_dies_is_started_again)
{
    char *one[] = { python, dash_c, script, first, NULL }, *two[] = { python, dash_c, script, dies, NULL };
    struct supervised children[] = { { "first", one }, { "dies", two } };
    struct supervise_options o = { .children = children, .n = 2 };
    char log[512];

    memcpy(script, good, sizeof good);
    ck_assert_msg(supervise(&o, &err), "%s", err.text); /* its second life ends the supervisor */
    read_log(log, sizeof log);
    ck_assert_str_eq(log, "start first\nstart dies\nstart dies\nstop dies\nstop first\n");
}
END_TEST

START_TEST(a_child_that_never_gets_ready_ends_everything)
{
    char *one[] = { python, dash_c, script, first, NULL }, *two[] = { shell, dash_c, fail, NULL };
    struct supervised children[] = { { "first", one }, { "failing", two } };
    struct supervise_options o = { .children = children, .n = 2 };
    char log[512];

    memcpy(script, good, sizeof good);
    ck_assert(!supervise(&o, &err));
    ck_assert_ptr_nonnull(strstr(err.text, "failing"));
    read_log(log, sizeof log);
    ck_assert_str_eq(log, "start first\nstop first\n");
}
END_TEST

START_TEST(a_program_that_is_not_there_is_a_failure)
{
    static char nowhere[] = "/nowhere/wd-store";
    char *one[] = { nowhere, NULL };
    struct supervised children[] = { { "wd-store", one } };
    struct supervise_options o = { .children = children, .n = 1 };

    ck_assert(!supervise(&o, &err));
    ck_assert_int_eq(err.reason, WD_UNAVAILABLE);
}
END_TEST

START_TEST(a_child_that_hangs_is_not_waited_for)
{
    static char hang[] = "exec sleep 60";
    char *one[] = { shell, dash_c, hang, NULL };
    struct supervised children[] = { { "hanging", one } };
    struct supervise_options o = { .children = children, .n = 1, .start_ms = 200 };

    ck_assert(!supervise(&o, &err));
    ck_assert_ptr_nonnull(strstr(err.text, "in time"));
}
END_TEST

int
main(void)
{
    TCase *cases = tcase_create("supervise");

    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_set_timeout(cases, 30);
    tcase_add_test(cases, the_first_child_starts_first_and_stops_last);
    tcase_add_test(cases, a_child_that_dies_is_started_again);
    tcase_add_test(cases, a_child_that_never_gets_ready_ends_everything);
    tcase_add_test(cases, a_program_that_is_not_there_is_a_failure);
    tcase_add_test(cases, a_child_that_hangs_is_not_waited_for);
    return run_case("supervise", cases);
}

/* wd push: delivers messages over LMTP, as a mail server would. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "frontends/wd/cli.h"
#include "frontends/wd/lmtp.h"
#include "frontends/wd/paths.h"

enum { MESSAGE_MAX = 64 * 1024 * 1024 };

static char *server, *from;

static const struct cli_option options[] = {
    { .name = "--lmtp", .value = &server },
    { .name = "--from", .value = &from },
    { .name = NULL },
};

static bool
read_stream(FILE *f, struct wd_buf *out, struct wd_error *err)
{
    size_t n;

    while ((n = fread(wd_buf_reserve(out, 65536), 1, 65536, f)) > 0) {
        out->n += n;
        if (out->n > MESSAGE_MAX)
            return wd_fail(err, WD_MESSAGE_TOO_BIG, "larger than 64 MiB");
    }
    return !ferror(f) || wd_fail(err, WD_INVALID, "%s", strerror(errno));
}

static bool
read_message(const char *name, struct wd_buf *out, struct wd_error *err)
{
    FILE *f;
    bool ok;

    if (strcmp(name, "-") == 0)
        return read_stream(stdin, out, err);
    f = fopen(name, "re");
    if (!f)
        return wd_fail(err, WD_INVALID, "%s", strerror(errno));
    ok = read_stream(f, out, err);
    fclose(f);
    return ok;
}

static void
sample_message(const char *recipient, struct wd_buf *out)
{
    time_t now = (time_t)(wd_now_ms() / 1000);
    char date[64], id[WD_ID_HEX + 1];
    struct tm utc;

    gmtime_r(&now, &utc);
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S +0000", &utc);
    wd_buf_printf(out,
                  "From: wd <wd@localhost>\r\nTo: <%s>\r\nSubject: A message from wd push\r\nDate: %s\r\n"
                  "Message-ID: <%s@localhost>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
                  "This message was delivered over LMTP by `wd push`.\r\nIf you can read it, mail arrives.\r\n",
                  recipient, date, wd_id_hex(wd_id_new(), id));
}

/* --lmtp HOST:PORT, else the port that the running node has written down, else the usual one. */
static bool
find_server(struct cli *c, const char **host, const char **port)
{
    const char *dir = cli_data_dir(c->arena, c->data);
    struct wd_str given = wd_str_c(server);
    size_t colon = wd_str_rchr(given, ':');

    if (server) {
        if (colon == SIZE_MAX || colon == 0)
            return wd_fail(&c->err, WD_INVALID, "--lmtp wants HOST:PORT");
        *host = wd_arena_str(c->arena, wd_str_part(given, 0, colon)).p;
        *port = server + colon + 1;
        return true;
    }
    *host = "127.0.0.1";
    *port = cli_first_line(c->arena, cli_path(c->arena, dir, "run/lmtp.port"));
    if (!*port || !(*port)[0])
        *port = "2424";
    return true;
}

static bool
push_one(struct cli *c, struct cli_lmtp *l, const char *recipient, const char *file)
{
    struct wd_buf message wd_auto(wd_buf_done) = { 0 };
    const char *sender = from ? from : file ? "" : "wd@localhost";

    if (!file)
        sample_message(recipient, &message);
    else if (!read_message(file, &message, &c->err))
        return false;
    return cli_lmtp_send(l, sender, recipient, wd_buf_view(&message), &c->err);
}

/* One line that is written over at a terminal; a line per message otherwise. */
static void
show_progress(size_t done, size_t all, const char *reply)
{
    if (isatty(STDOUT_FILENO) && all > 1)
        printf("\r%zu of %zu  %.60s%s", done, all, reply, done == all ? "\n" : "\x1b[K");
    else
        printf("%s\n", reply);
    fflush(stdout);
}

static bool
push(struct cli *c, char **words)
{
    struct cli_lmtp l;
    const char *host = NULL, *port = NULL;
    size_t all = 0, failed = 0;

    if (strpbrk(words[0], "<>\r\n"))
        return wd_fail(&c->err, WD_INVALID, "not a mail address");
    if (!find_server(c, &host, &port) || !cli_lmtp_open(&l, host, port, &c->err))
        return false;
    while (words[1 + all])
        all++;
    for (size_t i = 0; i < all || i == 0; i++) {
        const char *file = words[1] ? words[1 + i] : NULL;
        if (push_one(c, &l, words[0], file)) {
            show_progress(i + 1, all, l.line.p);
            continue;
        }
        failed++;
        fprintf(stderr, "wd: %s%s%s\n", file ? file : "", file ? ": " : "", c->err.text);
        if (c->err.reason == WD_UNAVAILABLE)
            break;
    }
    cli_lmtp_done(&l);
    c->exit_code = failed ? EXIT_FAILURE : EXIT_SUCCESS;
    return true;
}

const struct cli_command cli_push_commands[] = {
    { "push", NULL, "ADDRESS [FILE]… [--from A] [--lmtp HOST:PORT]", "deliver over LMTP; a sample without FILE", 1,
      100000, push, options },
    { .noun = NULL },
};

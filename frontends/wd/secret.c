#include "frontends/wd/secret.h"

#include <stdio.h>
#include <termios.h>
#include <unistd.h>

enum { SECRET_MAX = 1024 };

static bool
read_line(char line[SECRET_MAX])
{
    size_t n;

    if (!fgets(line, SECRET_MAX, stdin))
        return false;
    n = strlen(line);
    while (n && (line[n - 1] == '\n' || line[n - 1] == '\r'))
        line[--n] = '\0';
    return true;
}

static bool
ask(const char *prompt, char line[SECRET_MAX])
{
    struct termios shown, hidden;
    bool ok;

    if (tcgetattr(STDIN_FILENO, &shown) != 0)
        return false;
    hidden = shown;
    hidden.c_lflag &= (tcflag_t)~ECHO;
    fputs(prompt, stderr);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
    ok = read_line(line);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
    fputc('\n', stderr);
    return ok;
}

bool
cli_secret(struct wd_arena *a, const char *prompt, char **out, struct wd_error *err)
{
    char first[SECRET_MAX], second[SECRET_MAX];
    bool tty = isatty(STDIN_FILENO);

    if (!(tty ? ask(prompt, first) : read_line(first)))
        return wd_fail(err, WD_INVALID, "no password was given");
    if (tty && (!ask("Once more: ", second) || strcmp(first, second) != 0))
        return wd_fail(err, WD_INVALID, "the two passwords differ");
    *out = wd_arena_alloc(a, strlen(first) + 1);
    memcpy(*out, first, strlen(first));
    explicit_bzero(first, sizeof first);
    explicit_bzero(second, sizeof second);
    return true;
}

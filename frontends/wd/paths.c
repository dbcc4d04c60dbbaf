#include "frontends/wd/paths.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *
home(void)
{
    const char *dir = getenv("HOME");
    const struct passwd *entry;

    if (dir && dir[0] == '/')
        return dir;
    entry = getpwuid(getuid());
    return entry ? entry->pw_dir : "/";
}

static const char *
default_dir(struct wd_arena *a)
{
    const char *dir = getenv("WD_DATA");

    if (dir && dir[0])
        return dir;
    if (getuid() == 0)
        return "/var/lib/wd";
    return wd_arena_printf(a, "%s/.local/share/wd", home()).p;
}

const char *
cli_data_dir(struct wd_arena *a, const char *given)
{
    const char *dir = given && given[0] ? given : default_dir(a);
    char here[4096];
    size_t n = strlen(dir);

    while (n > 1 && dir[n - 1] == '/')
        n--;
    dir = wd_arena_str(a, wd_str_n(dir, n)).p;
    if (dir[0] == '/' || !getcwd(here, sizeof here))
        return dir;
    return cli_path(a, here, dir);
}

bool
cli_data_dir_is_default(struct wd_arena *a, const char *dir)
{
    return strcmp(dir, cli_data_dir(a, NULL)) == 0;
}

const char *
cli_path(struct wd_arena *a, const char *dir, const char *name)
{
    return wd_arena_printf(a, "%s/%s", dir, name).p;
}

bool
cli_make_directories(struct wd_arena *a, const char *path)
{
    struct wd_str whole = wd_str_c(path);

    for (size_t i = 1; i < whole.n; i++)
        if (whole.p[i] == '/' && mkdir(wd_arena_str(a, wd_str_part(whole, 0, i)).p, 0755) != 0 && errno != EEXIST)
            return false;
    return mkdir(path, 0700) == 0 || errno == EEXIST;
}

char *
cli_first_line(struct wd_arena *a, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    char text[1024], *copy;
    struct wd_str line;
    ssize_t n;

    if (fd < 0)
        return NULL;
    n = read(fd, text, sizeof text);
    close(fd);
    if (n < 0)
        return NULL;
    line = wd_str_n(text, (size_t)n);
    line = wd_str_trim(wd_str_part(line, 0, wd_str_chr(line, '\n')));
    copy = wd_arena_alloc(a, line.n + 1);
    memcpy(copy, line.p, line.n);
    return copy;
}

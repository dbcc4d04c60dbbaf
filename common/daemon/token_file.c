#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/daemon/daemon.h"

bool
wd_daemon_read_token(const char *file, char **token, struct wd_error *err)
{
    char line[4096];
    FILE *f = fopen(file, "re");
    struct wd_str text = WD_NONE;

    if (!f)
        return wd_fail(err, WD_INVALID, "cannot read the token file %s: %s", file, strerror(errno));
    if (fgets(line, sizeof line, f))
        text = wd_str_trim(wd_str_c(line));
    fclose(f);
    if (text.n == 0)
        return wd_fail(err, WD_INVALID, "the token file %s is empty", file);
    *token = strndup(text.p, text.n);
    return true;
}

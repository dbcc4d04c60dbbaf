/* frontends/wd/secret.h – a password from the person at the terminal, or from standard input. */
#ifndef WD_CLI_SECRET_H
#define WD_CLI_SECRET_H
#include "common/base/arena.h"
#include "common/base/error.h"
#include "common/base/lifetime.h"

/** At a terminal: asks twice without showing what is typed. Elsewhere: the first line of standard input. INVALID when
 *  the two differ, or nothing comes. */
bool cli_secret(struct wd_arena *a, const char *prompt, char **out, struct wd_error *err) WD_CHECKED;
#endif

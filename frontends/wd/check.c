/* wd check: counts everything again and compares. */
#include <stdio.h>
#include <stdlib.h>

#include "frontends/wd/cli.h"
#include "wd/v1/admin.pb-c.h"

enum { CHECK_TIMEOUT_MS = 60 * 60 * 1000 };

static bool repair, bodies;

static const struct cli_option options[] = {
    { .name = "--repair", .flag = &repair },
    { .name = "--bodies", .flag = &bodies },
    { .name = NULL },
};

static bool
check(struct cli *c, char **words)
{
    Wd__V1__CheckRequest request = WD__V1__CHECK_REQUEST__INIT;
    struct cli_call_options o = { .timeout_ms = CHECK_TIMEOUT_MS };
    const Wd__V1__CheckReply *reply;

    (void)words;
    request.has_repair = request.repair = repair;
    request.has_bodies = request.bodies = bodies;
    if (!(reply = cli_call(c, &wd__v1__admin__descriptor, "Check", &request.base, &o)))
        return false;
    for (size_t i = 0; i < reply->n_problems; i++)
        printf("%s\n", reply->problems[i]);
    if (reply->problem_count > reply->n_problems)
        printf("and %llu more\n", (unsigned long long)(reply->problem_count - reply->n_problems));
    printf("%llu users, %llu mailboxes, %llu messages, %llu attachments: %llu problems",
           (unsigned long long)reply->users, (unsigned long long)reply->mailboxes, (unsigned long long)reply->messages,
           (unsigned long long)reply->blobs, (unsigned long long)reply->problem_count);
    if (repair)
        printf(", %llu repaired", (unsigned long long)reply->repaired);
    putchar('\n');
    c->exit_code = reply->problem_count > reply->repaired ? EXIT_FAILURE : EXIT_SUCCESS;
    return true;
}

const struct cli_command cli_check_commands[] = {
    { "check", NULL, "[--repair] [--bodies]", "compare counters with messages; --bodies: and their hashes", 0, 0,
      check, options },
    { .noun = NULL },
};

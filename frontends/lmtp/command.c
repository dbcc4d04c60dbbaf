#include "frontends/lmtp/command.h"

#include "common/base/lifetime.h"

static const struct lmtp_command commands[] = {
#define COMMAND(name, handler, needs, help) { WD_STR_C(name), needs, help, lmtp_cmd_##handler },
#include "frontends/lmtp/commands.def"
#undef COMMAND
};

const struct lmtp_command *
lmtp_command_of(struct wd_str line, struct wd_str *args)
{
    size_t low = 0, high = WD_COUNT(commands), end;
    struct wd_str verb;

    line = wd_str_trim(line);
    for (end = 0; end < line.n && !wd_is_space(line.p[end]); end++)
        continue;
    verb = wd_str_part(line, 0, end);
    *args = wd_str_trim(wd_str_part(line, end, line.n));
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = wd_str_icmp(verb, commands[middle].name);

        if (order == 0)
            return &commands[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

const struct lmtp_command *
lmtp_commands(size_t *n)
{
    *n = WD_COUNT(commands);
    return commands;
}

bool
lmtp_looks_like_http(struct wd_str line)
{
    static const struct wd_str methods[] = {
        WD_STR_C("GET "),     WD_STR_C("HEAD "),    WD_STR_C("POST "),  WD_STR_C("PUT "),   WD_STR_C("DELETE "),
        WD_STR_C("OPTIONS "), WD_STR_C("CONNECT "), WD_STR_C("TRACE "), WD_STR_C("PATCH "), WD_STR_C("PRI "),
    };
    size_t i;

    for (i = 0; i < WD_COUNT(methods); i++)
        if (wd_str_istarts(line, methods[i]) && wd_str_ifind(line, WD_STR(" HTTP/")) != SIZE_MAX)
            return true;
    return false;
}

#include "frontends/pop3/command.h"

#include "common/base/lifetime.h"

static const struct pop3_command commands[] = {
#define COMMAND(name, states, grammar, handler) { WD_STR_C(name), states, grammar, pop3_cmd_##handler },
#include "frontends/pop3/commands.def"
#undef COMMAND
};

const struct pop3_command *
pop3_command_of(struct wd_str line, struct wd_str *rest)
{
    size_t low = 0, high = WD_COUNT(commands), end;
    struct wd_str verb;

    line = wd_str_trim(line);
    for (end = 0; end < line.n && !wd_is_space(line.p[end]); end++)
        continue;
    verb = wd_str_part(line, 0, end);
    *rest = wd_str_trim(wd_str_part(line, end, line.n));
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

/* Two numbers with blanks between them. */
static bool
read_numbers(struct wd_str rest, struct pop3_args *out)
{
    size_t end = wd_str_chr(rest, ' ');

    if (end == SIZE_MAX)
        return false;
    return wd_str_u32(wd_str_part(rest, 0, end), UINT32_MAX, &out->number) &&
           wd_str_u32(wd_str_trim(wd_str_part(rest, end, rest.n)), UINT32_MAX, &out->lines);
}

bool
pop3_args_read(enum pop3_grammar grammar, struct wd_str rest, struct pop3_args *out)
{
    *out = (struct pop3_args){ .text = rest };
    switch (grammar) {
    case ARGS_NONE:
        return rest.n == 0;
    case ARGS_TEXT:
        return rest.n > 0;
    case ARGS_MAY_TEXT:
        return true;
    case ARGS_NUMBER:
    case ARGS_MAY_NUMBER:
        out->has_number = rest.n > 0;
        return out->has_number ? wd_str_u32(rest, UINT32_MAX, &out->number) : grammar == ARGS_MAY_NUMBER;
    case ARGS_NUMBER_LINES:
        out->has_number = true;
        return read_numbers(rest, out);
    case ARGS_KINDS:
        break;
    }
    return false;
}

const char *
pop3_args_help(enum pop3_grammar grammar)
{
    static const char *const help[ARGS_KINDS] = {
        [ARGS_NONE] = "no arguments",
        [ARGS_TEXT] = "an argument",
        [ARGS_MAY_TEXT] = "an argument or none",
        [ARGS_NUMBER] = "the number of a message",
        [ARGS_MAY_NUMBER] = "the number of a message or no argument",
        [ARGS_NUMBER_LINES] = "the number of a message and a number of lines",
    };

    return help[grammar];
}

const struct pop3_command *
pop3_commands(size_t *n)
{
    *n = WD_COUNT(commands);
    return commands;
}

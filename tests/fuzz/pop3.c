/* tests/fuzz/pop3.c – whatever a client sends as a command; and any message: its dots, its top. */
#include <stdint.h>
#include <stdlib.h>

#include "common/base/buf.h"
#include "common/base/lifetime.h"
#include "frontends/pop3/command.h"
#include "frontends/pop3/reply.h"
#include "frontends/pop3/stuff.h"
#include "frontends/pop3/top.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool good)
{
    if (!good)
        abort();
}

static void
use_line(struct wd_str line)
{
    struct wd_buf out wd_auto(wd_buf_done) = { 0 };
    struct pop3_args args;
    struct wd_str rest;
    const struct pop3_command *command = pop3_command_of(line, &rest);

    for (int i = 0; i < ARGS_KINDS; i++)
        pop3_args_read((enum pop3_grammar)i, command ? rest : line, &args);
    pop3_reply_add(&out, line.n % 2, line.n % 3 ? "SYS/TEMP" : NULL, line);
    require(out.n <= POP3_REPLY_MAX && wd_str_chr(wd_buf_view(&out), '\r') == out.n - 2);
}

/* What a client makes of a response: up to CRLF "." CRLF, without the doubled dots. */
static size_t
unstuff(struct wd_str wire, char *to)
{
    size_t n = 0;

    for (size_t at = 0; at < wire.n; at++) {
        bool start = at == 0 || wire.p[at - 1] == '\n';
        if (start && wire.p[at] == '.') {
            if (wd_str_eq(wd_str_part(wire, at, wire.n), WD_STR(".\r\n")))
                return n;
            require(wire.p[++at] == '.');
        }
        to[n++] = wire.p[at];
    }
    abort();
}

static void
use_message(struct wd_str message, size_t step)
{
    struct evbuffer *out = evbuffer_new();
    struct pop3_stuff stuff = { 0 };
    char *back = malloc(message.n + 8);
    struct wd_str wire;
    size_t n;

    for (size_t at = 0; at < message.n; at += step)
        pop3_stuff_add(&stuff, wd_str_part(message, at, at + step), out);
    pop3_stuff_end(&stuff, out);
    n = evbuffer_get_length(out);
    wire = wd_str_n(evbuffer_pullup(out, -1), n);
    n = unstuff(wire, back);
    require(n == message.n || (n == message.n + 2 && !wd_str_ends(message, WD_STR("\r\n"))));
    require(message.n == 0 || memcmp(back, message.p, message.n) == 0);
    free(back);
    evbuffer_free(out);
}

/* Where TOP ends does not depend on how the message is cut. */
static void
use_top(struct wd_str message, uint32_t lines, size_t step)
{
    struct pop3_top whole = { .lines = lines }, pieces = { .lines = lines };
    size_t n = 0;

    for (size_t at = 0; at < message.n && !pieces.done; at += step)
        n += pop3_top_feed(&pieces, wd_str_part(message, at, at + step));
    require(n == pop3_top_feed(&whole, message) && whole.done == pieces.done);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wd_str text = wd_str_n(data, size), rest = text, line;
    size_t step = size ? 1 + data[0] % 17 : 1;

    while (wd_str_split(&rest, '\n', &line))
        use_line(line);
    use_message(text, step);
    use_top(text, (uint32_t)(step % 4), step);
    return 0;
}

/* frontends/pop3/cmd_list.c – STAT, LIST, UIDL, DELE, RSET (RFC 1939 §5, §7). Numbers stay for the session. */
#include "frontends/pop3/conn_priv.h"

struct pop3_message *
pop3_find_message(struct pop3_conn *c, const struct pop3_args *args)
{
    struct pop3_message *message = pop3_maildrop_at(&c->drop, args->number);

    if (!message)
        pop3_fail(c, NULL, "No such message, there are %zu", c->drop.n);
    else if (message->deleted)
        pop3_fail(c, NULL, "Message %u is marked as deleted", args->number);
    return message && !message->deleted ? message : NULL;
}

void
pop3_cmd_stat(struct pop3_conn *c, const struct pop3_args *args)
{
    (void)args;
    pop3_ok(c, "%zu %llu", c->drop.left, (unsigned long long)c->drop.octets);
}

static void
add_size(struct wd_buf *out, const struct pop3_message *message)
{
    wd_buf_u64(out, message->size);
}

static void
add_id(struct wd_buf *out, const struct pop3_message *message)
{
    char hex[WD_ID_HEX + 1];

    wd_buf_c(out, wd_id_hex(message->id, hex));
}

typedef void add_fn(struct wd_buf *out, const struct pop3_message *message);

static void
add_line(struct wd_buf *out, uint64_t number, const struct pop3_message *message, add_fn *add)
{
    wd_buf_u64(out, number);
    wd_buf_chr(out, ' ');
    add(out, message);
    wd_buf_c(out, "\r\n");
}

/* One line, or one for each message. */
static void
list(struct pop3_conn *c, const struct pop3_args *args, add_fn *add)
{
    struct wd_buf out wd_auto(wd_buf_done) = { 0 };
    const struct pop3_message *message;

    wd_buf_c(&out, "+OK ");
    if (args->has_number) {
        message = pop3_find_message(c, args);
        if (!message)
            return;
        add_line(&out, args->number, message, add);
    } else {
        wd_buf_printf(&out, "%zu messages (%llu octets)\r\n", c->drop.left, (unsigned long long)c->drop.octets);
        for (size_t i = 0; i < c->drop.n; i++)
            if (!c->drop.messages[i].deleted)
                add_line(&out, i + 1, &c->drop.messages[i], add);
        wd_buf_c(&out, ".\r\n");
    }
    wd_conn_write(c->net, wd_buf_view(&out));
}

void
pop3_cmd_list(struct pop3_conn *c, const struct pop3_args *args)
{
    list(c, args, add_size);
}

/* §7: the unique-id is the id of the stored message, which a message that was moved away and back does not keep. */
void
pop3_cmd_uidl(struct pop3_conn *c, const struct pop3_args *args)
{
    list(c, args, add_id);
}

void
pop3_cmd_dele(struct pop3_conn *c, const struct pop3_args *args)
{
    struct pop3_message *message = pop3_find_message(c, args);

    if (!message)
        return;
    pop3_maildrop_delete(&c->drop, message);
    pop3_ok(c, "Message %u goes at QUIT", args->number);
}

void
pop3_cmd_rset(struct pop3_conn *c, const struct pop3_args *args)
{
    (void)args;
    pop3_maildrop_reset(&c->drop);
    pop3_ok(c, "%zu messages (%llu octets)", c->drop.left, (unsigned long long)c->drop.octets);
}

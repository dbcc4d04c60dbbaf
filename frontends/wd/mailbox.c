/* wd mailbox: the mailboxes of an account. */
#include <stdio.h>

#include "frontends/wd/cli.h"
#include "wd/v1/mailboxes.pb-c.h"

static const void *
call(struct cli *c, const char *method, const ProtobufCMessage *request)
{
    return cli_call(c, &wd__v1__mailboxes__descriptor, method, request, NULL);
}

static bool
mailbox_list(struct cli *c, char **words)
{
    Wd__V1__ListMailboxesRequest request = WD__V1__LIST_MAILBOXES_REQUEST__INIT;
    const Wd__V1__User *user = cli_user(c, words[0]);
    const Wd__V1__ListMailboxesReply *page;

    if (!user)
        return false;
    request.user = user->id;
    request.has_counters = request.counters = request.has_show_hidden = request.show_hidden = true;
    do {
        if (!(page = call(c, "List", &request.base)))
            return false;
        if (!request.has_cursor)
            printf("%-40s %10s %10s  %s\n", "PATH", "MESSAGES", "UNSEEN", "USE");
        for (size_t i = 0; i < page->n_mailboxes; i++) {
            const Wd__V1__Mailbox *m = page->mailboxes[i];
            printf("%-40s %10u %10u  %s\n", cli_text(c, m->path), m->messages, m->unseen,
                   m->special_use ? m->special_use : "");
        }
        request.has_cursor = page->has_next_cursor;
        request.cursor = page->next_cursor;
    } while (page->has_next_cursor);
    return true;
}

static bool
mailbox_create(struct cli *c, char **words)
{
    Wd__V1__CreateMailboxRequest request = WD__V1__CREATE_MAILBOX_REQUEST__INIT;
    const Wd__V1__User *user = cli_user(c, words[0]);
    const Wd__V1__Mailbox *made;

    if (!user)
        return false;
    request.user = user->id;
    request.path = cli_bytes(words[1]);
    if (!(made = call(c, "Create", &request.base)))
        return false;
    printf("created %s\n", cli_text(c, made->path));
    return true;
}

static bool
mailbox_rename(struct cli *c, char **words)
{
    Wd__V1__RenameMailboxRequest request = WD__V1__RENAME_MAILBOX_REQUEST__INIT;
    const Wd__V1__User *user = cli_user(c, words[0]);
    const Wd__V1__RenameMailboxReply *done;

    if (!user)
        return false;
    request.user = user->id;
    request.path = cli_bytes(words[1]);
    request.new_path = cli_bytes(words[2]);
    request.has_with_children = request.with_children = true;
    if (!(done = call(c, "Rename", &request.base)))
        return false;
    for (size_t i = 0; i < done->n_renamed; i++)
        printf("now %s\n", cli_text(c, done->renamed[i]->path));
    return true;
}

static bool
mailbox_delete(struct cli *c, char **words)
{
    Wd__V1__DeleteMailboxRequest request = WD__V1__DELETE_MAILBOX_REQUEST__INIT;
    const Wd__V1__User *user = cli_user(c, words[0]);

    if (!user)
        return false;
    request.user = user->id;
    request.path = cli_bytes(words[1]);
    if (!call(c, "Delete", &request.base))
        return false;
    printf("deleted %s\n", words[1]);
    return true;
}

const struct cli_command cli_mailbox_commands[] = {
    { "mailbox", "list", "USER", "mailboxes with their counts", 1, 1, mailbox_list, NULL },
    { "mailbox", "create", "USER PATH", "make one: Archive/2026", 2, 2, mailbox_create, NULL },
    { "mailbox", "rename", "USER PATH NEW-PATH", "with the mailboxes below it", 3, 3, mailbox_rename, NULL },
    { "mailbox", "delete", "USER PATH", "with its messages", 2, 2, mailbox_delete, NULL },
    { .noun = NULL },
};

list(APPEND rpc_sources mailboxes.c mailbox_admin.c maildrop.c sessions.c convert_mailbox.c convert_message.c messages.c message_admin.c convert_shown.c search.c events.c)

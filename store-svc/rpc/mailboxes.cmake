list(APPEND rpc_sources mailboxes.c mailbox_admin.c maildrop.c sessions.c convert_mailbox.c convert_message.c messages.c search.c events.c)

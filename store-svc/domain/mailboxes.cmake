list(APPEND domain_sources path.c mailbox.c mailbox_common.c mailbox_default.c mailbox_edit.c mailbox_rename.c mailbox_update.c
    mailbox_list.c journal.c view.c view_cache.c doc_list.c doc_set.c doc_copy.c message.c message_docs.c uids.c flag_change.c store.c message_list.c message_edit.c attachment.c
    refs.c change.c change_mark.c mark.c mend.c settler.c expunge.c copy.c opened.c maildrop.c meter.c fetch.c feed.c search.c search_program.c)

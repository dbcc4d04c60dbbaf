list(APPEND domain_sources recipient.c receive_limit.c retention.c spam.c thread.c trace.c maintenance.c check.c
    check_counters.c check_journal.c check_mailboxes.c check_tally.c insert.c insert_document.c append.c deliver.c check_bodies.c recount.c)

list(APPEND domain_sources source.c tree.c tree_read.c parsed_header.c imap_data.c imap_data_read.c layout.c layout_store.c
    body.c body_read.c encoded.c intake.c intake_store.c intake_fields.c intake_text.c intake_prefix.c)

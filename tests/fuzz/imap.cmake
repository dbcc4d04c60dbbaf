wd_fuzz(imap DEPS wd_imap_syntax)

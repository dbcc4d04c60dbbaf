wd_fuzz(pop3 DEPS wd_pop3)

wd_fuzz(match DEPS wd_store_port)

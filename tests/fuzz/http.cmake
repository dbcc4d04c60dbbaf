wd_fuzz(http DEPS wd_http)

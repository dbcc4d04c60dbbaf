wd_fuzz(rpc DEPS wd_rpc)

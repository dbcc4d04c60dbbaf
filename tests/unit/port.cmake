wd_test(store-svc/port/test_match.c DEPS wd_store_port)
wd_test(store-svc/port/test_regex.c DEPS wd_store_port)

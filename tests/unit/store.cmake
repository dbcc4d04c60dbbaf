wd_test(store-svc/test_dbs.c DEPS wd_store_daemon)
wd_test(store-svc/test_keys.c DEPS wd_store_daemon wd_driver_embedded)

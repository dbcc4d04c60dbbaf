wd_test(store-svc/domain/test_no_bus.c MONGO SOURCES store-svc/domain/users_fixture.c store-svc/domain/delivery_fixture.c
    DEPS wd_store_domain ${store_drivers} wd_driver_fault)
wd_test(store-svc/test_publish.c SOURCES ${rpc_testing} DEPS wd_store_daemon wd_driver_embedded)

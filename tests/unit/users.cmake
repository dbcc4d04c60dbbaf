wd_test(store-svc/domain/test_password.c DEPS wd_store_domain)
wd_test(store-svc/domain/test_token.c DEPS wd_store_domain)
wd_test(store-svc/domain/test_doc.c DEPS wd_store_domain)
wd_test(store-svc/domain/test_beacon.c DEPS wd_store_domain)
foreach(test user address auth quota once)
    wd_test(store-svc/domain/test_${test}.c THREADS MONGO SOURCES store-svc/domain/users_fixture.c
        DEPS wd_store_domain ${store_drivers} wd_driver_fault)
endforeach()
wd_test(store-svc/rpc/test_access.c SOURCES store-svc/domain/users_fixture.c
    DEPS wd_store_rpc ${store_drivers})
wd_test(frontends/wd/test_cli.c DEPS wd_cli)
wd_test(frontends/wd/test_supervise.c DEPS wd_cli)

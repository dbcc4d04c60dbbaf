wd_test(store-svc/domain/test_maildrop.c MONGO SOURCES store-svc/domain/users_fixture.c store-svc/domain/mail_fixture.c
    DEPS wd_store_domain ${store_drivers} wd_driver_fault)
foreach(test command reply stuff top maildrop)
    wd_test(frontends/pop3/test_${test}.c DEPS wd_pop3)
endforeach()
wd_test(frontends/pop3/test_conn.c SOURCES common/rpc/nng_leaks.c DEPS wd_pop3 wd_rpc)

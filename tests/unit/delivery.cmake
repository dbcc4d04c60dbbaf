wd_test(frontends/lmtp/test_unstuff.c DEPS wd_lmtp)
wd_test(frontends/lmtp/test_command.c DEPS wd_lmtp)
wd_test(frontends/lmtp/test_envelope.c DEPS wd_lmtp)
wd_test(frontends/lmtp/test_reply.c DEPS wd_lmtp)
wd_test(store-svc/domain/test_spam.c DEPS wd_store_domain)
wd_test(store-svc/domain/test_retention.c DEPS wd_store_domain)
wd_test(frontends/lmtp/test_conn.c SOURCES common/rpc/nng_leaks.c DEPS wd_lmtp wd_rpc)
foreach(test append check deliver maintenance recipient thread)
    wd_test(store-svc/domain/test_${test}.c THREADS MONGO SOURCES store-svc/domain/users_fixture.c store-svc/domain/delivery_fixture.c
        DEPS wd_store_domain ${store_drivers})
endforeach()
wd_test(store-svc/domain/test_faults.c SOURCES store-svc/domain/users_fixture.c store-svc/domain/delivery_fixture.c
    DEPS wd_store_domain ${store_drivers} wd_driver_fault)

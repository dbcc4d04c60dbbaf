foreach(test mailbox journal store copy expunge fetch search change message_edit)
    set(label)
    if(test MATCHES "journal|fetch")
        set(label THREADS)
    endif()
    wd_test(store-svc/domain/test_${test}.c ${label} MONGO SOURCES store-svc/domain/users_fixture.c store-svc/domain/mail_fixture.c
        DEPS wd_store_domain ${store_drivers} wd_driver_fault)
endforeach()
wd_test(store-svc/rpc/test_mail.c SOURCES store-svc/domain/users_fixture.c store-svc/domain/mail_fixture.c
    DEPS wd_store_rpc ${store_drivers} wd_driver_fault)
add_executable(bench.mailboxes EXCLUDE_FROM_ALL ${PROJECT_SOURCE_DIR}/tests/bench/bench_mailboxes.c
    store-svc/domain/users_fixture.c store-svc/domain/mail_fixture.c)
target_link_libraries(bench.mailboxes PRIVATE wd_store_domain ${store_drivers} wd_driver_fault PkgConfig::check
    wd_options)

wd_fuzz(mime SOURCES ../unit/store-svc/domain/memory_blobs.c DEPS wd_store_domain)

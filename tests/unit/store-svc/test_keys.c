/* The key that signs tokens: made once, shared by all who share its place. */
#include "store-svc/keys.h"

#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/lifetime.h"
#include "store-svc/domain/doc.h"
#include "store-svc/domain/schema.h"
#include "store-svc/driver/embedded/embedded.h"
#include "tests/run.h"

#define DIGITS "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

static struct wd_error err;
static char dir[] = "/tmp/wd-keys-XXXXXX";
static struct wd_domain one, two;

static void
setup(void)
{
    ck_assert_ptr_nonnull(mkdtemp(dir));
    memset(&one, 0, sizeof one);
    memset(&two, 0, sizeof two);
}

static void
teardown(void)
{
    char command[80];

    snprintf(command, sizeof command, "rm -r %s", dir);
    ck_assert_int_eq(system(command), 0);
    memcpy(strrchr(dir, '-') + 1, "XXXXXX", 6);
}

static bool
same_key(void)
{
    static const uint8_t zero[32];

    return memcmp(one.token_key, two.token_key, 32) == 0 && memcmp(one.token_key, zero, 32) != 0;
}

static const char *
write_file(const char *name, const char *text)
{
    static char path[80];
    int fd;

    snprintf(path, sizeof path, "%s/%s", dir, name);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    return path;
}

START_TEST(a_directory_has_one_key)
{
    struct store_settings s = { .data_dir = dir };

    ck_assert_msg(store_key_load(&one, &s, &err) && store_key_load(&two, &s, &err), "%s", err.text);
    ck_assert(same_key());
}
END_TEST

START_TEST(a_given_key_is_used_and_nothing_is_made)
{
    struct store_settings of_file = { .data_dir = "/nowhere", .shared = true };
    struct store_settings of_text = { .data_dir = "/nowhere", .shared = true, .secret = DIGITS };

    of_file.secret_file = write_file("key", DIGITS "\n");
    ck_assert_msg(store_key_load(&one, &of_file, &err) && store_key_load(&two, &of_text, &err), "%s", err.text);
    ck_assert(same_key());
    ck_assert_int_eq(one.token_key[31], 0x1f);
    ck_assert(!store_key_in_database(&of_file) && !store_key_in_database(&of_text));
}
END_TEST

START_TEST(a_key_of_another_form_is_refused_and_not_shown)
{
    struct store_settings s = { .data_dir = dir, .secret = "hunter2" };

    ck_assert(!store_key_load(&one, &s, &err) && err.reason == WD_INVALID);
    ck_assert_msg(strstr(err.text, "store.secret does not hold 64") && !strstr(err.text, "hunter2"), "%s", err.text);
    s = (struct store_settings){ .data_dir = dir, .secret_file = write_file("key", "hunter2") };
    ck_assert(!store_key_load(&one, &s, &err) && err.reason == WD_INVALID && !strstr(err.text, "hunter2"));
    s.secret_file = "/nowhere/key";
    ck_assert(!store_key_load(&one, &s, &err) && err.reason == WD_INVALID);
    ck_assert_str_eq(err.text, "store.secretFile: there is no file /nowhere/key");
}
END_TEST

/* Replicas have a database in common; that of this test is an embedded one. */
START_TEST(the_key_of_a_database_is_made_once_and_not_listed)
{
    struct wd_embedded_options o = { .directory = dir, .no_sync = true };
    struct store_settings s = { .data_dir = "/nowhere", .shared = true };
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER, doc wd_auto(bson_destroy) = BSON_INITIALIZER;
    bool found;

    ck_assert_msg(wd_embedded_open(&o, &one.docs, &one.blobs, &one.bus, &err), "%s", err.text);
    ck_assert(wd_docs_ensure(one.docs, wd_schema(), &err));
    two.docs = one.docs;
    ck_assert(store_key_in_database(&s));
    ck_assert_msg(store_key_load(&one, &s, &err) && store_key_load(&two, &s, &err), "%s", err.text);
    ck_assert(same_key());
    wd_doc_add_str(&filter, "key", WD_STR("wd:secret"));
    ck_assert(wd_docs_find_one(one.docs, WD_SETTINGS, &filter, NULL, &doc, &found, &err) && found);
    ck_assert(!wd_doc_bool(&doc, "enumerable", true));
    ck_assert_uint_eq(wd_doc_str(&doc, "value").n, 66); /* a JSON text */
    wd_blobs_close(one.blobs);
    wd_bus_close(one.bus);
    wd_docs_close(one.docs);
}
END_TEST

START_TEST(a_damaged_key_of_a_database_is_not_replaced)
{
    struct wd_embedded_options o = { .directory = dir, .no_sync = true };
    struct store_settings s = { .data_dir = "/nowhere", .shared = true };
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER, update wd_auto(bson_destroy) = BSON_INITIALIZER, set;

    ck_assert_msg(wd_embedded_open(&o, &one.docs, &one.blobs, &one.bus, &err), "%s", err.text);
    ck_assert(wd_docs_ensure(one.docs, wd_schema(), &err) && store_key_load(&one, &s, &err));
    wd_doc_add_str(&filter, "key", WD_STR("wd:secret"));
    bson_append_document_begin(&update, "$set", -1, &set);
    wd_doc_add_str(&set, "value", WD_STR("\"\""));
    bson_append_document_end(&update, &set);
    ck_assert(wd_docs_update(one.docs, WD_SETTINGS, &filter, &update, WD_UPDATE_ONE, NULL, &err));
    ck_assert(!store_key_load(&one, &s, &err));
    ck_assert_int_eq(err.reason, WD_DATA_LOSS);
    wd_blobs_close(one.blobs);
    wd_bus_close(one.bus);
    wd_docs_close(one.docs);
}
END_TEST

START_TEST(tokens_are_written_again_for_another_key)
{
    struct store_settings s = { .data_dir = dir, .secret = DIGITS };
    char path[80], before[200], after[200];
    FILE *f;

    ck_assert(store_directories(dir, &err) && store_key_load(&one, &s, &err) && store_tokens_write(&one, dir, &err));
    snprintf(path, sizeof path, "%s/tokens/imap", dir);
    ck_assert((f = fopen(path, "r")) && fgets(before, sizeof before, f) && fclose(f) == 0);
    ck_assert(store_tokens_write(&one, dir, &err));
    ck_assert((f = fopen(path, "r")) && fgets(after, sizeof after, f) && fclose(f) == 0);
    ck_assert_str_eq(before, after);
    one.token_key[0] ^= 1;
    ck_assert(store_tokens_write(&one, dir, &err));
    ck_assert((f = fopen(path, "r")) && fgets(after, sizeof after, f) && fclose(f) == 0);
    ck_assert_str_ne(before, after);
}
END_TEST

int
main(void)
{
    TCase *cases = tcase_create("keys");

    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, a_directory_has_one_key);
    tcase_add_test(cases, a_given_key_is_used_and_nothing_is_made);
    tcase_add_test(cases, a_key_of_another_form_is_refused_and_not_shown);
    tcase_add_test(cases, the_key_of_a_database_is_made_once_and_not_listed);
    tcase_add_test(cases, a_damaged_key_of_a_database_is_not_replaced);
    tcase_add_test(cases, tokens_are_written_again_for_another_key);
    return run_case("keys", cases);
}

#include "store-svc/domain/doc.h"

#include <check.h>
#include <stdlib.h>

#include "tests/run.h"

START_TEST(what_is_written_is_read)
{
    bson_t doc wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t inner, view;
    struct wd_id id = wd_id_new(), read;

    wd_doc_add_id(&doc, "_id", id);
    wd_doc_add_str(&doc, "name", WD_STR("Jürgen"));
    wd_doc_add_str(&doc, "bytes", WD_STR("\xff\x00"));
    wd_doc_add_int(&doc, "small", -5);
    wd_doc_add_int(&doc, "big", INT64_MAX);
    wd_doc_add_date(&doc, "when", 1234567890123);
    wd_doc_add_bool(&doc, "yes", true);
    bson_append_document_begin(&doc, "a", -1, &inner);
    wd_doc_add_int(&inner, "b", 9);
    bson_append_document_end(&doc, &inner);
    ck_assert(wd_doc_id(&doc, "_id", &read) && wd_id_eq(id, read));
    ck_assert(wd_str_eq(wd_doc_str(&doc, "name"), WD_STR("Jürgen")));
    ck_assert(wd_str_eq(wd_doc_str(&doc, "bytes"), WD_STR("\xff\x00")));
    ck_assert_int_eq(wd_doc_int(&doc, "small", 0), -5);
    ck_assert_int_eq(wd_doc_int(&doc, "big", 0), INT64_MAX);
    ck_assert_int_eq(wd_doc_date(&doc, "when", 0), 1234567890123);
    ck_assert(wd_doc_bool(&doc, "yes", false));
    ck_assert_int_eq(wd_doc_int(&doc, "a.b", 0), 9);
    ck_assert(wd_doc_sub(&doc, "a", &view) && wd_doc_int(&view, "b", 0) == 9);
}
END_TEST

START_TEST(missing_fields_and_other_types_give_the_fallback)
{
    bson_t doc wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t view;
    struct wd_id id;

    wd_doc_add_str(&doc, "text", WD_STR("x"));
    ck_assert_int_eq(wd_doc_int(&doc, "text", 3), 3);
    ck_assert_int_eq(wd_doc_int(&doc, "none", 4), 4);
    ck_assert_int_eq(wd_doc_date(&doc, "text", 5), 5);
    ck_assert(wd_doc_bool(&doc, "text", true));
    ck_assert(!wd_doc_id(&doc, "text", &id));
    ck_assert(!wd_doc_sub(&doc, "text", &view));
    ck_assert_uint_eq(wd_doc_str(&doc, "none").n, 0);
    ck_assert(wd_doc_has(&doc, "text") && !wd_doc_has(&doc, "none"));
}
END_TEST

/* A JavaScript driver writes what does not fit into 32 bits as a double; what is no int64_t must not become one. */
START_TEST(numbers_of_any_type_are_read)
{
    static const double none[] = { 1e300, -1e300, 9223372036854775808.0, 0.0 / 0.0, 1.0 / 0.0 };
    bson_t doc wd_auto(bson_destroy) = BSON_INITIALIZER;
    char name[16];

    bson_append_double(&doc, "whole", -1, 10737418240.0);
    bson_append_int64(&doc, "long", -1, 5);
    ck_assert_int_eq(wd_doc_int(&doc, "whole", 0), 10737418240);
    ck_assert_int_eq(wd_doc_int(&doc, "long", 0), 5);
    for (size_t i = 0; i < WD_COUNT(none); i++) {
        snprintf(name, sizeof name, "no%zu", i);
        bson_append_double(&doc, name, -1, none[i]);
        ck_assert_int_eq(wd_doc_int(&doc, name, 7), 7);
    }
}
END_TEST

START_TEST(operators_are_documents)
{
    bson_t doc wd_auto(bson_destroy) = BSON_INITIALIZER;

    wd_doc_add_op(&doc, "modseq", "$gt", 7);
    ck_assert_int_eq(wd_doc_int(&doc, "modseq.$gt", 0), 7);
}
END_TEST

int
main(void)
{
    TCase *cases = tcase_create("doc");

    tcase_add_test(cases, what_is_written_is_read);
    tcase_add_test(cases, missing_fields_and_other_types_give_the_fallback);
    tcase_add_test(cases, numbers_of_any_type_are_read);
    tcase_add_test(cases, operators_are_documents);
    return run_case("doc", cases);
}

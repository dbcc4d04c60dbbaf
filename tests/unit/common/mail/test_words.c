#include "common/mail/words.h"

#include "common/base/buf.h"
#include "common/base/lifetime.h"
#include "tests/run.h"

static const struct {
    const char *text, *words;
} cases[] = {
    { "", "" },
    { "plain text", "plain text" },
    { "h\xc3\xa9llo you", "=?UTF-8?Q?h=C3=A9llo_you?=" },
    { "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e", "=?UTF-8?B?5pel5pys6Kqe?=" },
};

START_TEST(words)
{
    struct wd_arena *a wd_auto(wd_arena_freep) = wd_arena_new(0);
    struct wd_str is = wd_words_encode(a, wd_str_c(cases[_i].text));

    if (!wd_str_eq(is, wd_str_c(cases[_i].words)))
        ck_abort_msg("%.*s", WD_FMT(is));
}
END_TEST

/* Long text: every word is at most 75 characters, and no character is split. */
START_TEST(long_text_is_cut_between_characters)
{
    static const char *const letters[] = { "\xc3\xa9", "aaa\xc3\xa9", "\xe6\x97\xa5", "ppppppppppp\xc3\xa9" };

    for (size_t k = 0; k < WD_COUNT(letters); k++) {
        struct wd_arena *a wd_auto(wd_arena_freep) = wd_arena_new(0);
        struct wd_buf text wd_auto(wd_buf_done) = { 0 };
        struct wd_str rest, word;
        for (size_t i = 0; i < 200; i++)
            wd_buf_c(&text, letters[k]);
        rest = wd_words_encode(a, wd_buf_view(&text));
        while (wd_str_split(&rest, ' ', &word)) {
            ck_assert_uint_le(word.n, 75);
            ck_assert(wd_str_starts(word, WD_STR("=?UTF-8?")) && wd_str_ends(word, WD_STR("?=")));
        }
    }
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("words");

    tcase_add_loop_test(t, words, 0, (int)WD_COUNT(cases));
    tcase_add_test(t, long_text_is_cut_between_characters);
    return run_case("words", t);
}

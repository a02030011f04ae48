/* Quoted-printable: Python decodes thousands of random texts to what they were, and single cases
 * show what the lines look like. */
#include "mailer/mime/qp.h"
#include "tests/mailer/mime/peer.h"
#include "tests/support/scratch.h"

static void single_cases(void **state)
{
    static const struct {
        const char *name;
        struct str text;
        const char *want;
    } cases[] = {
        {"nothing", STR(""), ""},
        {"plain_text", STR("Hello, world"), "Hello, world"},
        {"a_long_line_of_words_stays_as_it_is",
            STR("Your parcel left our warehouse today, {and} ~will~ reach you on Monday."),
            "Your parcel left our warehouse today, {and} ~will~ reach you on Monday."},
        {"lf_becomes_crlf", STR("a\nb\n"), "a\r\nb\r\n"},
        {"crlf_stays", STR("a\r\nb\r\n"), "a\r\nb\r\n"},
        {"a_bare_cr_is_encoded", STR("a\rb"), "a=0Db"},
        {"an_equals_sign_is_encoded", STR("a=b"), "a=3Db"},
        {"latin_letters", STR("Grüße"), "Gr=C3=BC=C3=9Fe"},
        {"a_space_at_the_end", STR("a \nb "), "a=20\r\nb=20"},
        {"a_tab_at_the_end", STR("a\t\n"), "a=09\r\n"},
        {"a_tab_inside", STR("a\tb"), "a\tb"},
        {"a_lone_dot", STR(".\n"), "=2E\r\n"},
        {"dots_at_the_beginning", STR("..a\n"), "=2E.a\r\n"},
        {"from_at_the_beginning", STR("From me\nFrom\n"), "=46rom me\r\nFrom\r\n"},
        {"a_nul_and_del", STR("\0\x7f"), "=00=7F"},
        {"empty_lines", STR("\n\n"), "\r\n\r\n"},
        {"seventy_six_fit",
            STR("0123456789012345678901234567890123456789012345678901234567890123456789012345"),
            "0123456789012345678901234567890123456789012345678901234567890123456789012345"},
        {"seventy_seven_do_not",
            STR("01234567890123456789012345678901234567890123456789012345678901234567890123456"),
            "012345678901234567890123456789012345678901234567890123456789012345678901234=\r\n56"},
        {"a_dot_after_a_soft_break",
            STR("012345678901234567890123456789012345678901234567890123456789012345678901234.x"),
            "012345678901234567890123456789012345678901234567890123456789012345678901234=\r\n"
            "=2Ex"},
        {"from_after_a_soft_break",
            STR("012345678901234567890123456789012345678901234567890123456789012345678901234From "
                "x"),
            "012345678901234567890123456789012345678901234567890123456789012345678901234=\r\n"
            "=46rom x"},
        {"a_character_is_not_split",
            STR("01234567890123456789012345678901234567890123456789012345678901234567\xe4\xbd\xa0"),
            "01234567890123456789012345678901234567890123456789012345678901234567=\r\n=E4=BD=A0"},
    };

    (void)state;
    EACH(c, cases)
    {
        AUTO(buf_close) struct buf out = {0};

        qp_add(&out, c->text);
        expect_str(c->name, buf_str(&out), str_of(c->want));
    }
}

static void base64_has_lines_of_76(void **state)
{
    AUTO(buf_close) struct buf out = {0};
    AUTO(buf_close) struct buf bytes = {0};

    (void)state;
    for (int i = 0; i < 58; i++)
        buf_add_char(&bytes, 'a');
    base64_lines_add(&out, buf_str(&bytes));
    expect_int("line", (int64_t)str_find(buf_str(&out), STR("\r\n"), 0), 76);
    expect_str("rest", str_slice(buf_str(&out), 78, out.n), STR("YQ==\r\n"));
}

/* A small generator of our own, so that a failure can be had again. */
static uint64_t step(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return *seed >> 33;
}

static void add_random_text(struct buf *out, uint64_t *seed)
{
    static const char *const pieces[] = {"a", " ", "\t", "\n", "\r\n", "\r", "=", ".", "From ", "ü",
        "你", "😀", "\x80", "\xff", "word ", "a longer run of plain text that goes on ", "--", "=_"};
    size_t n = step(seed) % 60;

    for (size_t i = 0; i < n; i++) {
        const char *piece = pieces[step(seed) % COUNT_OF(pieces)];
        size_t times = step(seed) % 8 == 0 ? step(seed) % 90 : 1;

        for (size_t k = 0; k < times; k++)
            buf_add_text(out, piece);
    }
}

static void python_decodes_random_texts_to_what_they_were(void **state)
{
    const char *argv[] = {"/usr/bin/python3", "tests/mailer/mime/check_qp.py", NULL, NULL};
    AUTO(buf_close) struct buf pairs = {0};
    char folder[SCRATCH_SIZE], path[96];
    uint64_t seed = 1;
    int rc;

    (void)state;
    scratch_folder("qp", folder);
    for (int i = 0; i < 3000; i++) {
        AUTO(buf_close) struct buf text = {0};
        AUTO(buf_close) struct buf out = {0};

        add_random_text(&text, &seed);
        qp_add(&out, buf_str(&text));
        buf_addf(&pairs, "%zu %zu\n", text.n, out.n);
        buf_add(&pairs, buf_str(&text));
        buf_add(&pairs, buf_str(&out));
    }
    file_write(folder, "pairs", buf_str(&pairs));
    snprintf(path, sizeof path, "%s/pairs", folder);
    argv[2] = path;
    rc = peer_run(argv);
    folder_remove(folder);
    expect_int("check_qp.py", rc, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(single_cases),
        cmocka_unit_test(base64_has_lines_of_76),
        cmocka_unit_test(python_decodes_random_texts_to_what_they_were),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

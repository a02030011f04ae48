/* str, buf, arena, fault and err: the bytes that everything else is made of. */
#include "base/err.h"
#include "base/fault.h"
#include "tests/base/expect.h"

#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

static void utf8_is_well_formed_only(void **state)
{
    static const struct {
        const char *name;
        struct str text;
        bool right;
    } cases[] = {
        {"empty_is_right", {"", 0}, true},
        {"ascii_is_right", {"abc\x7f", 4}, true},
        {"a_nul_is_a_character", {"a\0b", 3}, true},
        {"lowest_of_two_bytes", {"\xc2\x80", 2}, true},
        {"overlong_slash_in_two_bytes", {"\xc0\xaf", 2}, false},
        {"overlong_c1", {"\xc1\xbf", 2}, false},
        {"lowest_of_three_bytes", {"\xe0\xa0\x80", 3}, true},
        {"overlong_in_three_bytes", {"\xe0\x9f\xbf", 3}, false},
        {"last_before_surrogates", {"\xed\x9f\xbf", 3}, true},
        {"first_surrogate", {"\xed\xa0\x80", 3}, false},
        {"last_surrogate", {"\xed\xbf\xbf", 3}, false},
        {"first_after_surrogates", {"\xee\x80\x80", 3}, true},
        {"a_noncharacter_is_well_formed", {"\xef\xbf\xbf", 3}, true},
        {"lowest_of_four_bytes", {"\xf0\x90\x80\x80", 4}, true},
        {"overlong_in_four_bytes", {"\xf0\x8f\xbf\xbf", 4}, false},
        {"highest_of_all", {"\xf4\x8f\xbf\xbf", 4}, true},
        {"above_10ffff", {"\xf4\x90\x80\x80", 4}, false},
        {"f5_never_occurs", {"\xf5\x80\x80\x80", 4}, false},
        {"five_bytes_never_occur", {"\xf8\x88\x80\x80\x80", 5}, false},
        {"a_lone_tail", {"\x80", 1}, false},
        {"cut_after_the_first", {"\xe2\x82", 2}, false},
        {"cut_before_ascii", {"\xe2\x82z", 3}, false},
        {"ff_never_occurs", {"\xff", 1}, false},
    };

    (void)state;
    EACH(c, cases)
    expect_int(c->name, str_is_utf8(c->text), c->right);
}

static void numbers_are_whole_or_refused(void **state)
{
    static const struct {
        const char *name, *text;
        bool right;
        int64_t value;
    } cases[] = {
        {"zero", "0", true, 0},
        {"leading_zeros", "007", true, 7},
        {"negative", "-42", true, -42},
        {"largest", "9223372036854775807", true, INT64_MAX},
        {"one_above_the_largest", "9223372036854775808", false, 0},
        {"smallest", "-9223372036854775808", true, INT64_MIN},
        {"one_below_the_smallest", "-9223372036854775809", false, 0},
        {"far_too_long", "99999999999999999999999", false, 0},
        {"empty", "", false, 0},
        {"a_sign_alone", "-", false, 0},
        {"two_signs", "--1", false, 0},
        {"a_plus", "+1", false, 0},
        {"a_space", " 1", false, 0},
        {"a_letter_behind", "1a", false, 0},
    };
    uint64_t u;

    (void)state;
    EACH(c, cases)
    {
        int64_t value = 0;
        expect_int(c->name, str_to_i64(str_of(c->text), &value), c->right);
        expect_int(c->name, value, c->value);
    }
    assert_true(str_to_u64(STR("18446744073709551615"), &u));
    assert_true(u == UINT64_MAX);
    assert_false(str_to_u64(STR("18446744073709551616"), &u));
    assert_false(str_to_u64(STR("-1"), &u));
}

static void pieces_end_at_separators(void **state)
{
    static const struct {
        const char *name, *text, *pieces; /* joined by | */
    } cases[] = {
        {"nothing_gives_nothing", "", ""},
        {"one_piece", "a", "a|"},
        {"an_empty_piece_between", "a,,b", "a||b|"},
        {"a_separator_ends_its_piece", "a,", "a|"},
        {"a_separator_first", ",a", "|a|"},
    };

    (void)state;
    EACH(c, cases)
    {
        AUTO(buf_close) struct buf got = {0};
        struct str piece, rest = str_of(c->text);
        while (str_next(&rest, ',', &piece)) {
            buf_add(&got, piece);
            buf_add_char(&got, '|');
        }
        expect_str(c->name, buf_str(&got), str_of(c->pieces));
    }
}

static void searching_and_cutting_stay_within(void **state)
{
    struct str s = STR("hello hello");

    (void)state;
    assert_int_equal(str_find(s, STR("lo"), 0), 3);
    assert_int_equal(str_find(s, STR("lo"), 4), 9);
    assert_int_equal(str_find(s, STR("xx"), 0), s.n);
    assert_int_equal(str_find(s, STR("hello hello!"), 0), s.n);
    assert_int_equal(str_find(s, STR(""), 5), 5);
    assert_int_equal(str_find(s, STR("h"), 99), s.n);
    assert_int_equal(str_find_char(s, 'o', 5), 10);
    assert_int_equal(str_find_char(s, 'o', 99), s.n);
    assert_true(str_is(str_slice(s, 6, 99), "hello"));
    assert_int_equal(str_slice(s, 9, 3).n, 0);
    assert_true(str_is(str_trim(STR(" \t\r\n a b \n")), "a b"));
    assert_int_equal(str_trim(STR(" \t ")).n, 0);
    assert_true(str_is(str_trim_blanks(STR(" \t\r a b \n\t ")), "\r a b \n"));
    assert_int_equal(str_trim_blanks(STR(" \t ")).n, 0);
    assert_int_equal(str_trim_blanks(STR("")).n, 0);
    assert_true(str_starts_nocase(s, STR("HELLO")));
    assert_false(str_starts(s, STR("HELLO")) || str_ends(s, STR("HELLO")));
    assert_false(str_starts(STR("he"), s) || str_ends(STR("lo"), s));
    assert_true(str_is_nocase(STR("MiXeD[{"), "mIxEd[{"));
    assert_false(str_is_nocase(STR("["), "{")); /* they differ by the case bit only */
    assert_true(str_compare(STR("a"), STR("ab")) < 0 && str_compare(STR("\xff"), STR("a")) > 0);
    assert_int_equal(str_compare(STR("ab"), STR("ab")), 0);
}

static void controls_and_copies_are_strict(void **state)
{
    char out[4];

    (void)state;
    assert_true(str_has_control(STR("a\rb")) && str_has_control(STR("\x7f")));
    assert_true(str_has_control(STR("a\0b")));
    assert_false(str_has_control(STR("a b~\xc3\xa4")));
    assert_true(str_is_ascii(STR("a\x7f")) && !str_is_ascii(STR("\x80")));
    assert_true(str_copy(STR("abc"), out, sizeof out));
    assert_string_equal(out, "abc");
    assert_false(str_copy(STR("abcd"), out, sizeof out));
    assert_false(str_copy(STR("a\0b"), out, sizeof out));
    assert_true(str_copy(STR(""), out, sizeof out));
}

static void pieces_are_put_behind_each_other(void **state)
{
    char room[6] = "......", *at = room;
    struct str one = str_put(STR("ab"), &at), none = str_put((struct str){NULL, 0}, &at),
               two = str_put(STR("c\0"), &at);

    (void)state;
    assert_true(one.p == room && one.n == 2);
    assert_true(none.p == room + 2 && none.n == 0);
    assert_true(two.p == room + 2 && two.n == 2);
    assert_true(at == room + 4);
    assert_memory_equal(room, "abc\0..", sizeof room);
}

static void a_buf_grows_and_ends_in_nul(void **state)
{
    AUTO(buf_close) struct buf b = {0};

    (void)state;
    assert_string_equal(buf_text(&b), "");
    for (int i = 0; i < 1000; i++) {
        buf_add_char(&b, (char)('a' + i % 26));
        assert_int_equal(b.p[b.n], 0);
    }
    buf_clear(&b);
    buf_add_u64(&b, UINT64_MAX);
    buf_add_char(&b, ' ');
    buf_add_i64(&b, INT64_MIN);
    buf_addf(&b, " %s-%d", "x", 7);
    assert_string_equal(b.p, "18446744073709551615 -9223372036854775808 x-7");
    buf_cut(&b, 4);
    buf_cut(&b, 100);
    buf_insert(&b, 2, STR("__"));
    buf_insert(&b, 99, STR("!"));
    buf_insert(&b, 0, STR(""));
    assert_string_equal(b.p, "18__44!");
}

static void a_buf_may_be_added_to_itself(void **state)
{
    AUTO(buf_close) struct buf b = {0};

    (void)state;
    buf_add_text(&b, "0123456789");
    for (int i = 0; i < 6; i++)
        buf_add(&b, buf_str(&b));
    assert_int_equal(b.n, 640);
    assert_true(str_ends(buf_str(&b), STR("01234567890123456789")));
}

/* Where there is room for all but the end, and for the end. */
static void what_is_printed_is_whole_at_each_length(void **state)
{
    static const char digits[] = "0123456789";

    (void)state;
    for (size_t before = 0; before < 70; before++)
        for (size_t length = 0; length < 200; length += length < 70 ? 1 : 43) {
            AUTO(buf_close) struct buf b = {0}, want = {0};
            for (size_t i = 0; i < before + length; i++)
                buf_add_char(&want, digits[i % 10]);
            buf_add(&b, str_slice(buf_str(&want), 0, before));
            buf_addf(&b, "%.*s", (int)length, buf_text(&want) + before);
            assert_int_equal(b.n, want.n);
            assert_string_equal(buf_text(&b), buf_text(&want));
        }
}

static void an_arena_aligns_zeroes_and_forgets(void **state)
{
    AUTO(arena_close) struct arena *a = arena_open();

    (void)state;
    for (int round = 0; round < 3; round++) {
        for (size_t n = 0; n < 40000; n = n * 3 + 1) {
            char *p = arena_alloc(a, n);
            assert_int_equal((uintptr_t)p % _Alignof(max_align_t), 0);
            for (size_t i = 0; i < n; i++)
                assert_int_equal(p[i], 0);
            memset(p, 0x55, n);
        }
        arena_clear(a);
        char *kept = arena_alloc(a, 1);
        arena_clear(a);
        assert_ptr_equal(arena_alloc(a, 1), kept);
    }
    assert_string_equal(arena_printf(a, "%d %s", 5, "five"), "5 five");
    assert_string_equal(arena_text(a, STR("")), "");
    assert_true(str_is(arena_str(a, STR("abc")), "abc"));
}

static void an_arena_keeps_each_piece_apart(void **state)
{
    static const size_t first[] = {0, 960, 16384, 24576};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(first); i++) {
        AUTO(arena_close) struct arena *a = arena_open_for(first[i]);
        for (int round = 0; round < 2; round++) {
            struct str pieces[100];
            for (size_t n = 0; n < COUNT_OF(pieces); n++) {
                size_t size = n % 7 == 6 ? 5000 : n * 29 % 1000;
                pieces[n] = str_bytes(memset(arena_alloc(a, size), (int)n + 1, size), size);
            }
            for (size_t n = 0; n < COUNT_OF(pieces); n++)
                for (size_t k = 0; k < pieces[n].n; k++)
                    assert_int_equal(pieces[n].p[k], n + 1);
            arena_clear(a);
        }
    }
}

static void an_arena_takes_at_once_what_it_is_opened_for(void **state)
{
    AUTO(arena_close) struct arena *a = arena_open_for(30000);
    char *first = arena_alloc(a, 16000);

    (void)state;
    assert_ptr_equal(arena_alloc(a, 14000), first + 16000);
    arena_alloc(a, 5000);
    arena_clear(a);
    assert_ptr_equal(arena_alloc(a, 1), first);
}

static void faults_count_on_above_their_limit(void **state)
{
    AUTO(arena_close) struct arena *a = arena_open();
    struct faults f;
    size_t kept = 0;

    (void)state;
    faults_init(&f, a);
    for (int i = 0; i < FAULTS_MAX + 50; i++)
        faults_add(&f, "bad-value", STR("/a"), "number %d", i);
    for (struct fault *one = f.first; one; one = one->next)
        kept++;
    assert_int_equal(f.n, FAULTS_MAX + 50);
    assert_int_equal(kept, FAULTS_MAX);
    assert_string_equal(f.first->detail, "number 0");
    assert_string_equal(f.last->detail, "number 99");
    assert_string_equal(fault_pointer(a, STR("/a"), STR("b~c/d")).p, "/a/b~0c~1d");
    assert_string_equal(fault_pointer(a, STR(""), STR("")).p, "/");
}

static void an_error_keeps_its_code_and_is_cut_at_its_size(void **state)
{
    struct err e = {0};
    char longer[2000];

    (void)state;
    assert_false(err_set(&e, ERR_BUSY, "wait %d s", 3));
    assert_false(err_prefix(&e, "queue %s", "x"));
    assert_int_equal(e.code, ERR_BUSY);
    assert_string_equal(e.text, "queue x: wait 3 s");
    errno = ENOENT;
    assert_false(err_system(&e, "open %s", "f"));
    assert_int_equal(e.code, ERR_IO);
    assert_string_equal(e.text, "open f: No such file or directory");
    errno = ENOSPC;
    err_system(&e, "write");
    assert_int_equal(e.code, ERR_FULL);
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = 0;
    err_prefix(&e, "%s", longer);
    assert_int_equal(strlen(e.text), sizeof e.text - 1);
    err_system(&e, "%s", longer);
    assert_int_equal(strlen(e.text), sizeof e.text - 1);
    assert_string_equal(err_name(ERR_NEWER), "newer");
    assert_string_equal(err_name((enum err_code)999), "unknown");
}

static void out_of_memory_says_so_and_exits_with_71(void **state)
{
    char line[200] = "";
    int ends[2], status;

    (void)state;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        err_out_of_memory();
    }
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 71);
    assert_true(read(ends[0], line, sizeof line - 1) > 0);
    expect_in("the last line", str_of(line), " error out-of-memory\n");
    close(ends[0]);
    close(ends[1]);
}

static void what_a_buf_gives_to_an_arena_lives_with_it(void **state)
{
    static const size_t lengths[] = {0, 1, 1023, 1024, 100000};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(lengths); i++) {
        AUTO(arena_close) struct arena *a = arena_open();
        struct buf b = {0};
        struct str parts[3], given;

        for (size_t at = 0; at < lengths[i]; at++)
            buf_add_char(&b, (char)('a' + at % 26));
        given = buf_give(&b, a);
        assert_null(b.p);
        assert_int_equal(b.n + b.cap, 0);
        assert_int_equal(given.n, lengths[i]);
        assert_int_equal(given.p[given.n], 0);
        for (size_t at = 0; at < given.n; at++)
            assert_int_equal(given.p[at], 'a' + at % 26);
        parts[0] = parts[2] = given;
        parts[1] = STR("-");
        given = arena_join(a, parts, 3);
        assert_int_equal(given.n, 2 * lengths[i] + 1);
        assert_int_equal(given.p[lengths[i]], '-');
        assert_int_equal(given.p[given.n], 0);
        assert_memory_equal(given.p + lengths[i] + 1, parts[0].p, parts[0].n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(utf8_is_well_formed_only),
        cmocka_unit_test(what_a_buf_gives_to_an_arena_lives_with_it),
        cmocka_unit_test(numbers_are_whole_or_refused),
        cmocka_unit_test(pieces_end_at_separators),
        cmocka_unit_test(searching_and_cutting_stay_within),
        cmocka_unit_test(controls_and_copies_are_strict),
        cmocka_unit_test(a_buf_grows_and_ends_in_nul),
        cmocka_unit_test(a_buf_may_be_added_to_itself),
        cmocka_unit_test(what_is_printed_is_whole_at_each_length),
        cmocka_unit_test(an_arena_aligns_zeroes_and_forgets),
        cmocka_unit_test(an_arena_keeps_each_piece_apart),
        cmocka_unit_test(an_arena_takes_at_once_what_it_is_opened_for),
        cmocka_unit_test(faults_count_on_above_their_limit),
        cmocka_unit_test(out_of_memory_says_so_and_exits_with_71),
        cmocka_unit_test(an_error_keeps_its_code_and_is_cut_at_its_size),
        cmocka_unit_test(pieces_are_put_behind_each_other),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Our hash of a body is the library's, and it is what the library signs. */
#include "mailer/mime/body_hash.h"
#include "mailer/mime/hash_seam.h"
#include "mailer/mime/opendkim.h"
#include "tests/base/expect.h"
#include "tests/mailer/mime/signing.h"

/* What the library puts into bh=, with our hash or with its own. */
static void find_bh(struct signing *s, struct str body, bool ours, struct buf *out)
{
    AUTO(buf_close) struct buf mail = {0};
    AUTO(buf_close) struct buf signature = {0};
    const struct dkim_key *keys[] = {s->ed25519};
    struct err e = {0};

    buf_add(&mail, STR("From: a@shop.example\r\nSubject: s\r\n\r\n"));
    buf_add(&mail, body);
    s->dkim->takes_hashes = ours;
    uint64_t before = hash_seam_answers();
    assert_true(dkim_sign(s->dkim, keys, 1, buf_str(&mail), &signature, &e));
    assert_int_equal(hash_seam_answers() - before, ours);
    struct str text = buf_str(&signature);
    size_t at = str_find(text, STR("bh="), 0);
    buf_add(out, str_slice(text, at, str_find_char(text, ';', at)));
}

static void compare(struct signing *s, struct str body)
{
    AUTO(buf_close) struct buf ours = {0};
    AUTO(buf_close) struct buf theirs = {0};

    find_bh(s, body, true, &ours);
    find_bh(s, body, false, &theirs);
    expect_str(body.p, buf_str(&ours), buf_str(&theirs));
}

#define TEXT(literal)                                                                              \
    {                                                                                              \
        literal, sizeof(literal) - 1                                                               \
    }

static const struct str proper[] = {
    TEXT(""),
    TEXT("\r\n"),
    TEXT("\r\n\r\n"),
    TEXT(" \t\r\n\r\n \r\n"),
    TEXT("a\r\n"),
    TEXT(" \r\na\r\n"),
    TEXT("\r\n\r\na\r\n\r\nb\r\n\r\n\r\n"),
    TEXT("a b\tc  d \t e\r\n"),
    TEXT(" leading\r\n\tleading\r\n"),
    TEXT("trailing \r\ntrailing\t\t\r\n"),
    TEXT("a line of more than sixteen bytes, with one space each\r\nand another one of them\r\n"),
    TEXT("0123456789abcde  two spaces over the edge of a step\r\n"),
    TEXT("0123456789abcdef\r\n0123456789abcde\r\n0123456789abcd\r\n0123456789abc\r\n"),
    TEXT("gr\xc3\xbc\xc3\x9f \xff\x00 bytes\r\n"),
};

static void proper_bodies_have_the_librarys_hash(void **state)
{
    (void)state;
    for (int simple = 0; simple < 2; simple++) {
        struct signing s;
        signing_open(&s, simple);
        EACH(body, proper)
        {
            struct digest d;
            expect(body->p, body_hash(*body, simple, &d), "a hash");
            compare(&s, *body);
        }
        signing_close(&s);
    }
}

static void half_line_ends_are_left_to_the_library(void **state)
{
    static const struct str cases[] = {
        TEXT("a"),
        TEXT("a\n"),
        TEXT("a\r"),
        TEXT("\n\r\n"),
        TEXT("a\nb\r\n"),
        TEXT("a\rb\r\n"),
        TEXT("a\r\r\n"),
        TEXT("a \nb\r\n"),
        TEXT("a  \nb\r\n"),
        TEXT("a  \rb\r\n"),
        TEXT("a\n \r\n"),
        TEXT("a\n\r\n"),
        TEXT("sixteen bytes and then\nsome, which is no proper line\r\n"),
    };

    (void)state;
    EACH(body, cases)
    {
        struct digest d;
        expect(body->p, !body_hash(*body, false, &d), "relaxed to leave it");
        expect(body->p, !body_hash(*body, true, &d), "simple to leave it");
    }
}

static uint32_t draw(uint64_t *seed, uint32_t below)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*seed >> 33) % below;
}

static void bodies_of_any_shape_have_the_librarys_hash(void **state)
{
    static const char *const pieces[] = {
        " ", "\t", "\r\n", "\r\n", "a", "bcdefgh", "0123456789abcdef"};
    uint64_t seed = 7;

    (void)state;
    for (int simple = 0; simple < 2; simple++) {
        struct signing s;
        signing_open(&s, simple);
        for (int round = 0; round < 400; round++) {
            AUTO(buf_close) struct buf body = {0};
            struct digest d;
            for (uint32_t n = draw(&seed, 30); n > 0; n--)
                buf_add_text(&body, pieces[draw(&seed, COUNT_OF(pieces))]);
            buf_add_text(&body, "\r\n");
            expect(body.p, body_hash(buf_str(&body), simple, &d), "a hash");
            compare(&s, buf_str(&body));
        }
        signing_close(&s);
    }
}

static void the_seam_is_in_force_and_answers_once(void **state)
{
    AUTO(buf_close) struct buf bh = {0};
    struct signing s;
    struct digest d;

    (void)state;
    assert_true(hash_seam_is_in_force());
    signing_open(&s, false);
    assert_true(s.dkim->takes_hashes);
    signing_close(&s);
    hash_seam_offer(&d);
    assert_false(hash_seam_withdraw());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(proper_bodies_have_the_librarys_hash),
        cmocka_unit_test(half_line_ends_are_left_to_the_library),
        cmocka_unit_test(bodies_of_any_shape_have_the_librarys_hash),
        cmocka_unit_test(the_seam_is_in_force_and_answers_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* One DKIM key takes another's place: each step by facts and time alone, and the state on disk. */
#include "base/file.h"
#include "mailer/mime/rotation.h"
#include "tests/support/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <sys/stat.h>
#include <unistd.h>

#define EACH(c, table) for (__typeof__(&(table)[0]) c = (table); c < (table) + COUNT_OF(table); c++)

#define NOW INT64_C(1795219200000)
#define KEEP INT64_C(432000000)
#define ALL ROTATION_EVERYWHERE
#define NONE ROTATION_NOWHERE
#define SOME ROTATION_PARTLY
#define DARK ROTATION_UNKNOWN

static struct rotation at(enum rotation_step step)
{
    struct rotation r = {.domain = "shop.example",
        .old_selector = "pp1",
        .new_selector = "pp2",
        .old_record = "v=DKIM1; k=rsa; p=AAAA",
        .new_record = "v=DKIM1; k=rsa; p=BBBB",
        .old_key_file = "/etc/parcelpost/pp1.pem",
        .step = step,
        .started_ms = NOW - 1000000};
    r.wait_until_ms = step >= ROTATION_PUBLISHED ? NOW : 0;
    r.keep_until_ms = step >= ROTATION_RETIRING ? NOW : 0;
    return r;
}

static const struct step_case {
    const char *name;
    enum rotation_step from;
    struct rotation_facts facts;
    int64_t later_ms; /* than the time that is waited for */
    enum rotation_step to;
    enum rotation_wait wait;
} cases[] = {
    {"nobody_shows_it", ROTATION_PENDING, {.fresh = NONE}, 0, ROTATION_PENDING,
        ROTATION_WAITS_FOR_RECORD},
    {"one_server_lags", ROTATION_PENDING, {.fresh = SOME}, 0, ROTATION_PENDING,
        ROTATION_WAITS_FOR_RECORD},
    {"one_server_is_silent", ROTATION_PENDING, {.fresh = DARK}, 0, ROTATION_PENDING,
        ROTATION_CANNOT_TELL},
    {"every_server_shows_it", ROTATION_PENDING, {.fresh = ALL}, 0, ROTATION_PUBLISHED,
        ROTATION_GOES_ON},
    {"caches_still_hold_its_absence", ROTATION_PUBLISHED, {.fresh = ALL}, -1, ROTATION_PUBLISHED,
        ROTATION_WAITS_FOR_CACHES},
    {"caches_have_run_out", ROTATION_PUBLISHED, {.fresh = ALL}, 0, ROTATION_ACTIVE,
        ROTATION_GOES_ON},
    {"it_vanished_again", ROTATION_PUBLISHED, {.fresh = SOME}, 0, ROTATION_PENDING,
        ROTATION_WAITS_FOR_RECORD},
    {"a_silent_server_takes_nothing_back", ROTATION_PUBLISHED, {.fresh = DARK}, 0,
        ROTATION_PUBLISHED, ROTATION_CANNOT_TELL},
    {"the_service_signs_with_the_old_key", ROTATION_ACTIVE, {.fresh = ALL, .old_signs = true}, 0,
        ROTATION_ACTIVE, ROTATION_WAITS_FOR_SERVICE},
    {"the_new_record_is_lost_after_activation", ROTATION_ACTIVE, {.fresh = NONE}, 0,
        ROTATION_ACTIVE, ROTATION_WAITS_FOR_RECORD},
    {"the_service_signs_with_the_new_key", ROTATION_ACTIVE, {.fresh = ALL, .keep_ms = KEEP}, 0,
        ROTATION_RETIRING, ROTATION_GOES_ON},
    {"mails_are_under_way", ROTATION_RETIRING, {.fresh = ALL}, -1, ROTATION_RETIRING,
        ROTATION_WAITS_FOR_MAIL},
    {"the_old_key_is_kept_while_the_new_record_is_lost", ROTATION_RETIRING, {.fresh = SOME}, 0,
        ROTATION_RETIRING, ROTATION_WAITS_FOR_RECORD},
    {"a_lost_record_is_told_at_once", ROTATION_RETIRING, {.fresh = SOME}, -1, ROTATION_RETIRING,
        ROTATION_WAITS_FOR_RECORD},
    {"a_service_of_old_keys_came_back", ROTATION_RETIRING, {.fresh = ALL, .old_signs = true}, 0,
        ROTATION_RETIRING, ROTATION_WAITS_FOR_SERVICE},
    {"no_mail_is_under_way", ROTATION_RETIRING, {.fresh = ALL}, 0, ROTATION_RETIRED,
        ROTATION_GOES_ON},
    {"the_old_record_stands", ROTATION_RETIRED, {.old = ALL}, 0, ROTATION_RETIRED,
        ROTATION_WAITS_FOR_REVOKING},
    {"the_old_record_stands_somewhere", ROTATION_RETIRED, {.old = SOME}, 0, ROTATION_RETIRED,
        ROTATION_WAITS_FOR_REVOKING},
    {"nobody_says_whether_the_old_record_stands", ROTATION_RETIRED, {.old = DARK}, 0,
        ROTATION_RETIRED, ROTATION_CANNOT_TELL},
    {"the_old_record_is_revoked", ROTATION_RETIRED, {.old = NONE}, 0, ROTATION_DONE,
        ROTATION_GOES_ON},
    {"it_is_over", ROTATION_DONE, {.fresh = NONE}, 0, ROTATION_DONE, ROTATION_IS_OVER},
    {"after_going_back_nothing_moves_by_itself", ROTATION_BACK, {.fresh = ALL}, 1, ROTATION_BACK,
        ROTATION_WAITS_FOR_PERSON},
    {"after_going_back_mails_are_under_way", ROTATION_BACK, {.fresh = ALL}, -1, ROTATION_BACK,
        ROTATION_WAITS_FOR_MAIL},
};

static void each_step_has_its_condition(void **state)
{
    (void)state;
    EACH(c, cases)
    {
        struct rotation r = at(c->from);
        enum rotation_wait wait = rotation_next(&r, &c->facts, NOW + c->later_ms);
        if (r.step != c->to || wait != c->wait)
            fail_msg("%s: %s, wait %d", c->name, rotation_step_name(r.step), (int)wait);
    }
}

/* What was seen while the record was not there everywhere decides how long caches are waited for. */
static void the_longest_ttl_seen_is_waited_for(void **state)
{
    struct rotation r = at(ROTATION_PENDING);
    (void)state;
    rotation_next(&r, &(struct rotation_facts){.fresh = NONE, .stale_ttl_s = 900}, NOW);
    rotation_next(&r, &(struct rotation_facts){.fresh = SOME, .stale_ttl_s = 7200}, NOW + 1);
    rotation_next(&r, &(struct rotation_facts){.fresh = ALL, .stale_ttl_s = 60}, NOW + 2);
    assert_int_equal(r.step, ROTATION_PUBLISHED);
    assert_int_equal(r.wait_until_ms, NOW + 2 + 7200000);
    r.step = ROTATION_ACTIVE;
    rotation_next(&r, &(struct rotation_facts){.fresh = ALL, .keep_ms = KEEP}, NOW + 3);
    assert_int_equal(r.keep_until_ms, NOW + 3 + KEEP);
}

static const struct {
    enum rotation_step step;
    const char *signs;
    bool cancel_early, cancel_late, back;
} wishes[] = {
    {ROTATION_PENDING, "pp1", true, true, false},
    {ROTATION_PUBLISHED, "pp1", true, true, false},
    {ROTATION_ACTIVE, "pp2", false, false, true},
    {ROTATION_RETIRING, "pp2", false, false, true},
    {ROTATION_RETIRED, "pp2", false, false, false},
    {ROTATION_DONE, "pp2", false, false, false},
    {ROTATION_BACK, "pp1", false, true, true},
};

static void what_may_be_asked_for_depends_on_who_signs(void **state)
{
    (void)state;
    EACH(w, wishes)
    {
        struct err e;
        struct rotation r = at(w->step);
        assert_string_equal(rotation_signing_selector(&r), w->signs);
        assert_int_equal(rotation_may_cancel(&r, NOW - 1, &e), w->cancel_early);
        assert_int_equal(rotation_may_cancel(&r, NOW, &e), w->cancel_late);
        assert_int_equal(rotation_go_back(&r, NOW, KEEP, &e), w->back);
        if (w->back)
            assert_string_equal(rotation_signing_selector(&r), "pp1");
    }
}

/* ---- on disk --------------------------------------------------------------------------------- */

struct shelf {
    char folder[SCRATCH_SIZE];
    struct arena *arena;
    const char *key, *path;
};

static int open_shelf(void **state)
{
    static struct shelf s;
    scratch_folder("rotation", s.folder);
    s.arena = arena_open();
    s.key = arena_printf(s.arena, "%s/pp1.pem", s.folder);
    s.path = rotation_file(s.key, "pp1", "shop.example", s.arena);
    *state = &s;
    return 0;
}

static int close_shelf(void **state)
{
    struct shelf *s = *state;
    unlink(s->path);
    unlink(s->key);
    assert_int_equal(rmdir(s->folder), 0); /* no draft stays behind */
    arena_close(&s->arena);
    return 0;
}

static void a_state_reads_back_as_it_was_written(void **state)
{
    struct shelf *s = *state;
    struct err e = {0};
    for (int step = ROTATION_PENDING; step <= ROTATION_BACK; step++) {
        struct rotation in = at((enum rotation_step)step), out;
        in.stale_ttl_s = 900;
        in.ended_ms = NOW;
        assert_true(rotation_save(s->path, &in, NULL, &e));
        assert_true(rotation_load(s->path, &out, &e));
        assert_int_equal(out.step, in.step);
        assert_string_equal(out.domain, in.domain);
        assert_string_equal(out.new_record, in.new_record);
        assert_string_equal(out.old_key_file, in.old_key_file);
        assert_int_equal(out.stale_ttl_s, 900);
        assert_int_equal(out.ended_ms, NOW);
        assert_int_equal(out.started_ms, in.started_ms);
    }
}

/* A zone may say in its SOA whatever it likes. */
static void a_state_that_could_not_be_read_again_is_not_written(void **state)
{
    struct shelf *s = *state;
    struct err e = {0};
    struct rotation r = at(ROTATION_PENDING), out;
    rotation_next(&r, &(struct rotation_facts){.fresh = NONE, .stale_ttl_s = UINT32_MAX}, NOW);
    assert_true(rotation_save(s->path, &r, NULL, &e));
    assert_true(rotation_load(s->path, &out, &e));
    r.new_selector[0] = '/';
    assert_false(rotation_save(s->path, &r, NULL, &e));
    assert_int_equal(e.code, ERR_INPUT);
    assert_true(rotation_load(s->path, &out, &e));
}

static void the_service_finds_the_key_that_signs(void **state)
{
    struct shelf *s = *state;
    struct err e = {0};
    struct rotation_signer signer;
    assert_true(rotation_signer_find(s->key, "pp1", "shop.example", s->arena, &signer, &e));
    assert_false(signer.rotating);
    EACH(w, wishes)
    {
        struct rotation r = at(w->step);
        assert_true(rotation_save(s->path, &r, NULL, &e));
        assert_true(rotation_signer_find(s->key, "pp1", "shop.example", s->arena, &signer, &e));
        assert_string_equal(signer.selector, w->signs);
        const char *file =
            strcmp(w->signs, "pp1") == 0
                ? s->key
                : arena_printf(s->arena, "%s/pp2._domainkey.shop.example.pem", s->folder);
        assert_string_equal(signer.key_file, file);
    }
    /* Other selectors and domains of the folder are not touched. */
    assert_true(rotation_signer_find(s->key, "pp1", "other.example", s->arena, &signer, &e));
    assert_string_equal(signer.selector, "pp1");
}

static const struct {
    const char *name, *from, *to;
    int code;
} spoilt[] = {
    {"a later format", "\"format\": 1", "\"format\": 2", ERR_NEWER},
    {"no format", "\"format\"", "\"was\"", ERR_CORRUPT},
    {"an unknown step", "\"active\"", "\"resting\"", ERR_CORRUPT},
    {"a time as text", "\"active_ms\": 0", "\"active_ms\": \"0\"", ERR_CORRUPT},
    {"a time before the epoch", "\"active_ms\": 0", "\"active_ms\": -1", ERR_CORRUPT},
    {"no new selector", "\"new_selector\"", "\"other\"", ERR_CORRUPT},
    {"an empty selector", "\"new_selector\": \"pp2\"", "\"new_selector\": \"\"", ERR_CORRUPT},
    {"half of it", "\"old_record\"", "", ERR_CORRUPT},
    {"a selector with a path", "\"new_selector\": \"pp2\"", "\"new_selector\": \"sub/pp2\"",
        ERR_CORRUPT},
    {"a selector with an escape", "\"new_selector\": \"pp2\"", "\"new_selector\": \"p\\u001bp\"",
        ERR_CORRUPT},
    {"the old selector as the new one", "\"new_selector\": \"pp2\"", "\"new_selector\": \"pp1\"",
        ERR_CORRUPT},
    {"another selector than the file's name has", "\"old_selector\": \"pp1\"",
        "\"old_selector\": \"pp3\"", ERR_CORRUPT},
    {"another domain than the file's name has", "\"shop.example\"", "\"other.example\"",
        ERR_CORRUPT},
    {"a domain with a path", "\"shop.example\"", "\"../shop.example\"", ERR_CORRUPT},
    {"a record that ends its string", "p=BBBB", "p=BBBB\\\" ) evil. MX 0 x. ; (", ERR_CORRUPT},
    {"a record with an escape", "p=BBBB", "p=\\u001b[2J", ERR_CORRUPT},
    {"a record of another kind", "v=DKIM1; k=rsa; p=BBBB", "v=DKIM1; p=BBBB", ERR_CORRUPT},
    {"a record without a key", "p=BBBB", "p=", ERR_CORRUPT},
    {"a path with an escape", "/etc/parcelpost/pp1.pem", "/etc/\\u001b]0;x", ERR_CORRUPT},
    {"a time that overflows", "\"active_ms\": 0", "\"active_ms\": 9223372036854775807",
        ERR_CORRUPT},
    {"a TTL that overflows", "\"stale_ttl_s\": 0", "\"stale_ttl_s\": 2147483648", ERR_CORRUPT},
};

static void a_spoilt_state_signs_with_nothing_by_guess(void **state)
{
    struct shelf *s = *state;
    EACH(c, spoilt)
    {
        struct err e = {0};
        struct rotation r = at(ROTATION_ACTIVE), out;
        struct rotation_signer signer;
        AUTO(buf_close) struct buf text = {0}, bad = {0};
        assert_true(rotation_save(s->path, &r, NULL, &e));
        assert_true(file_read("state", s->path, 16384, &text, &e));
        size_t place = str_find(buf_str(&text), str_of(c->from), 0);
        if (place == text.n)
            fail_msg("%s: %s is not there", c->name, c->from);
        buf_add(&bad, str_slice(buf_str(&text), 0, place));
        buf_add_text(&bad, c->to);
        if (c->to[0])
            buf_add(&bad, str_slice(buf_str(&text), place + strlen(c->from), text.n));
        assert_true(file_replace("state", s->path, buf_str(&bad), NULL, &e));
        assert_false(rotation_load(s->path, &out, &e));
        if ((int)e.code != c->code)
            fail_msg("%s: %s", c->name, e.text);
        assert_false(rotation_signer_find(s->key, "pp1", "shop.example", s->arena, &signer, &e));
    }
}

static void the_state_can_be_read_by_whoever_reads_the_key(void **state)
{
    struct shelf *s = *state;
    struct err e = {0};
    struct stat st;
    struct rotation r = at(ROTATION_PENDING);
    assert_true(file_create("key", s->key, STR("x"), &e));
    assert_int_equal(chmod(s->key, 0640), 0);
    assert_true(rotation_save(s->path, &r, s->key, &e));
    assert_int_equal(stat(s->path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0640);
    assert_int_equal(chmod(s->key, 0600), 0);
    assert_true(rotation_save(s->path, &r, s->key, &e));
    assert_int_equal(stat(s->path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

static void what_a_crash_left_is_swept_and_nothing_else(void **state)
{
    static const char *const ends[] = {".aB3xYz", ".aB3xY", ".aB3xYzz", "XaB3xYz"};
    struct shelf *s = *state;
    for (size_t i = 0; i < COUNT_OF(ends); i++) {
        struct err e = {0};
        const char *path = arena_printf(s->arena, "%s%s", s->key, ends[i]);
        assert_true(file_create("draft", path, STR("x"), &e));
        rotation_sweep(s->key);
        assert_int_equal(access(path, F_OK) == 0, i > 0);
        unlink(path);
    }
}

static void one_at_a_time_changes_states(void **state)
{
    struct shelf *s = *state;
    struct err e = {0};
    AUTO(file_close) int first = -1;
    AUTO(file_close) int second = -1;
    assert_true(rotation_lock(s->key, &first, &e));
    assert_false(rotation_lock(s->key, &second, &e));
    assert_int_equal(e.code, ERR_BUSY);
    file_close(&first);
    assert_true(rotation_lock(s->key, &second, &e));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_step_has_its_condition),
        cmocka_unit_test(the_longest_ttl_seen_is_waited_for),
        cmocka_unit_test(what_may_be_asked_for_depends_on_who_signs),
        cmocka_unit_test_setup_teardown(
            a_state_reads_back_as_it_was_written, open_shelf, close_shelf),
        cmocka_unit_test_setup_teardown(
            a_state_that_could_not_be_read_again_is_not_written, open_shelf, close_shelf),
        cmocka_unit_test_setup_teardown(
            the_service_finds_the_key_that_signs, open_shelf, close_shelf),
        cmocka_unit_test_setup_teardown(
            a_spoilt_state_signs_with_nothing_by_guess, open_shelf, close_shelf),
        cmocka_unit_test_setup_teardown(
            the_state_can_be_read_by_whoever_reads_the_key, open_shelf, close_shelf),
        cmocka_unit_test_setup_teardown(
            what_a_crash_left_is_swept_and_nothing_else, open_shelf, close_shelf),
        cmocka_unit_test_setup_teardown(one_at_a_time_changes_states, open_shelf, close_shelf),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

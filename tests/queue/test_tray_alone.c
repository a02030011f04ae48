/* The tray by itself: what it has room for, what goes with which row, and the key that it lends. */
#include "queue/locker.h"
#include "queue/tray.h"
#include "tests/queue/parcel.h"

#include <sanitizer/asan_interface.h>
#include <stdio.h>

static struct store_lease lease_of(const struct submission *s)
{
    return (struct store_lease){.id = s->id, .fence = 1, .person_mark = 7};
}

static bool put(struct tray *t, const struct submission *s)
{
    struct tray_item *i = tray_item_new(t, s, T0);

    if (!i)
        return false;
    tray_put(t, &i, &(struct store_placed){.person_mark = 7});
    return true;
}

static bool take(struct tray *t, const struct submission *s)
{
    struct store_lease l = lease_of(s);
    struct tray_item *i = tray_take(t, SHOP, s->destination, &l);
    bool found = i != NULL;

    tray_item_close(&i);
    return found;
}

static void who_was_erased_while_a_submit_was_under_way_is_not_kept(void **state)
{
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    struct submission s = a_mail(p, "ada@example.com");
    struct tray *t = tray_open(4, NULL);
    struct tray_item *i;
    atomic_int gone = 0;

    (void)state;
    tray_mind_erasures(t, 4);
    s.handover = parcel_new(&gone, 100);
    i = tray_item_new(t, &s, T0); /* its key is asked for behind this, perhaps before the erasure */
    tray_mind_erasures(t, 5);     /* another claim's look */
    tray_put(t, &i, &(struct store_placed){.person_mark = 7});
    assert_false(take(t, &s));
    tray_mind_erasures(t, 4); /* a look that came late takes nothing back */
    assert_true(put(t, &s));
    tray_mind_erasures(t, 5);
    assert_true(take(t, &s));
    handover_drop(&s.handover);
    tray_close(&t);
    assert_int_equal(gone, 1);
}

static size_t held_bytes(struct metrics *m)
{
    AUTO(buf_close) struct buf text = {0};
    size_t n = 0;
    const char *at;

    metrics_print(m, &text);
    at = strstr(buf_text(&text), "\nparcelpost_queue_memory_bytes ");
    assert_non_null(at);
    assert_int_equal(sscanf(at, " %*s %zu", &n), 1);
    return n;
}

static void a_full_tray_keeps_what_is_older(void **state)
{
    enum { PIECE = 512 << 10, FIT = (int)(TRAY_LEAST_BYTES / PIECE) - 1 };
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    struct metrics *m = metrics_open();
    struct tray *t = tray_open(100000, m);
    struct submission s[FIT + 8];
    atomic_int gone = 0;
    size_t kept = 0;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(s); i++) {
        s[i] = a_mail(p, "ada@example.com");
        s[i].handover = parcel_new(&gone, PIECE);
        kept += put(t, &s[i]);
    }
    assert_true(kept == FIT);
    assert_false(tray_has_room(t, &s[0], T0));
    assert_true(held_bytes(m) > FIT * PIECE && held_bytes(m) <= TRAY_LEAST_BYTES);
    assert_false(take(t, &s[FIT])); /* what came later was turned away */
    assert_true(take(t, &s[0]));
    assert_true(put(t, &s[FIT])); /* room again */
    p->time.ms += TRAY_KEPT_MS;
    tray_sweep(t, T0 + TRAY_KEPT_MS);
    assert_int_equal(held_bytes(m), 0);
    assert_true(tray_has_room(t, &s[0], T0));
    for (size_t i = 0; i < COUNT_OF(s); i++)
        handover_drop(&s[i].handover);
    assert_int_equal(gone, COUNT_OF(s));
    tray_close(&t);
    metrics_close(&m);
}

/* As intake does. */
static bool hand_over(struct tray *t, struct submission *s, atomic_int *gone, size_t bytes)
{
    s->handover = tray_handover_new(t, s, bytes, T0);
    if (s->handover)
        parcel_tells(s->handover, gone);
    return s->handover != NULL;
}

static void a_handover_in_the_tray_is_counted_once(void **state)
{
    enum { PIECE = 512 << 10, FIT = (int)(TRAY_LEAST_BYTES / PIECE) };
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    struct metrics *m = metrics_open();
    struct tray *t = tray_open(100000, m);
    struct submission s[FIT + 1];
    atomic_int gone = 0;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(s); i++) {
        s[i] = a_mail(p, "ada@example.com");
        assert_int_equal(hand_over(t, &s[i], &gone, PIECE), i < FIT);
    }
    assert_int_equal(held_bytes(m), TRAY_LEAST_BYTES);
    assert_false(put(t, &s[0])); /* for the rest of it there is no room */
    handover_drop(&s[1].handover);
    assert_int_equal(held_bytes(m), TRAY_LEAST_BYTES - PIECE);
    assert_true(put(t, &s[0]));
    assert_true(held_bytes(m) < TRAY_LEAST_BYTES);
    handover_drop(&s[0].handover);
    assert_int_equal(gone, 1);
    assert_true(take(t, &s[0]));
    assert_int_equal(held_bytes(m), TRAY_LEAST_BYTES - 2 * PIECE);
    tray_close(&t); /* what is left of it lives as long as they do */
    for (size_t i = 2; i < FIT; i++)
        handover_drop(&s[i].handover);
    assert_int_equal(gone, FIT);
    metrics_close(&m);
}

/* Of what was given back, to look at it; else this says nothing. */
static const char *open_again(const void *p, size_t n)
{
    ASAN_UNPOISON_MEMORY_REGION(p, n);
    return p;
}

static void an_item_is_overwritten_when_it_goes_and_later_the_system_has_its_memory(void **state)
{
    static const char nothing[sizeof(struct seal_key)];
    const struct vault_key key = {.id = "twelve bytes", .key.b = "secret"};
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    struct tray *t = tray_open(4, NULL);
    struct submission s = a_mail(p, "ada@example.com");
    struct store_lease l = lease_of(&s);
    atomic_int gone = 0;

    (void)state;
    s.handover = parcel_new(&gone, 100);
    struct tray_item *i = tray_item_new(t, &s, T0);
    tray_item_keep_key(i, &key);
    const struct job *j = tray_item_job(i, &l, T0);
    const void *secret = &j->key->key.key;
    struct str address = j->address;
    assert_memory_equal(secret, &key.key, sizeof key.key);
    assert_memory_equal(address.p, s.address.p, s.address.n);
    tray_item_close(&i);
    assert_memory_equal(open_again(secret, sizeof key.key), nothing, sizeof key.key);
    for (size_t at = 0; at < address.n; at++)
        assert_int_equal(open_again(address.p, address.n)[at], 0);
    memset((char *)(uintptr_t)address.p, 'x', address.n);
    for (int sweeps = 0; sweeps < LOCKER_KEPT_SWEEPS; sweeps++)
        tray_sweep(t, T0);
    assert_int_equal(*address.p, 0);
    handover_drop(&s.handover);
    tray_close(&t);
}

/* More of them than the tray could hold at once. */
static void all_that_comes_and_goes_is_given_back(void **state)
{
    enum { TIMES = 200 };
    static char label[900 << 10];
    const struct attachment attached = {
        .filename = "label.pdf", .content_type = "application/pdf", .bytes = {label, sizeof label}};
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    struct metrics *m = metrics_open();
    struct tray *t = tray_open(100000, m);
    struct submission s = a_mail(p, "ada@example.com");
    atomic_int gone = 0;

    (void)state;
    s.attachments = &attached;
    s.attachments_n = 1;
    for (int i = 0; i < TIMES; i++) {
        assert_true(hand_over(t, &s, &gone, 1500));
        assert_true(put(t, &s));
        assert_true(take(t, &s));
        handover_drop(&s.handover);
        assert_int_equal(held_bytes(m), 0);
    }
    assert_int_equal(gone, TIMES);
    tray_close(&t);
    metrics_close(&m);
}

static void lanes_have_their_memory_from_the_trays(void **state)
{
    static const struct {
        size_t lanes, bytes;
    } trays[] = {
        {0, TRAY_BYTES}, {100, TRAY_BYTES - 100 * TRAY_LANE_BYTES}, {SIZE_MAX, TRAY_LEAST_BYTES}};
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    struct submission s = a_mail(p, "ada@example.com");
    atomic_int gone = 0;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(trays); i++) {
        struct tray *t = tray_open(trays[i].lanes, NULL);
        struct handover *all[TRAY_BYTES / (64 << 10)];
        size_t n = 0;

        while (hand_over(t, &s, &gone, 64 << 10))
            all[n++] = s.handover;
        assert_int_equal(n * (64 << 10), trays[i].bytes);
        while (n > 0)
            handover_drop(&all[--n]);
        tray_close(&t);
    }
}

static void only_what_may_be_kept_has_room(void **state)
{
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    struct tray *t = tray_open(4, NULL);
    struct submission s = a_mail(p, "ada@example.com");

    (void)state;
    assert_null(tray_handover_new(t, &s, TRAY_ITEM_BYTES, T0));
    s.due_ms = T0 + 1;
    assert_false(tray_handover_new(t, &s, 100, T0) || tray_has_room(t, &s, T0));
    s.due_ms = T0;
    s.state = MSG_SUPPRESSED;
    assert_false(tray_handover_new(t, &s, 100, T0) || tray_has_room(t, &s, T0));
    tray_close(&t);
}

static void what_is_too_old_gives_way_when_room_is_wanted(void **state)
{
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    struct tray *t = tray_open(100000, NULL);
    atomic_int gone = 0;
    struct submission s = a_mail(p, "ada@example.com");
    size_t n = 0;

    (void)state;
    for (;; n++) {
        s = a_mail(p, "ada@example.com");
        s.handover = parcel_new(&gone, 1000 << 10);
        bool kept = put(t, &s);
        if (!kept)
            break;
        handover_drop(&s.handover);
    }
    assert_int_equal(gone, 0);
    struct tray_item *i = tray_item_new(t, &s, T0 + TRAY_KEPT_MS);
    assert_null(i); /* they go, outside of the lock; the next one finds the room */
    assert_int_equal(gone, n);
    i = tray_item_new(t, &s, T0 + TRAY_KEPT_MS);
    assert_non_null(i);
    tray_item_close(&i);
    handover_drop(&s.handover);
    tray_close(&t);
}

static const struct {
    const char *name;
    struct store_lease lease;
} other_rows[] = {
    {"another_person", {.person_mark = 8}},
    {"tried_before", {.person_mark = 7, .attempts = 1}},
    {"waited_before", {.person_mark = 7, .waits = 1}},
    {"unsure", {.person_mark = 7, .unsure = true}},
};

static void an_item_goes_with_its_own_row_alone(void **state)
{
    AUTO(post_close) struct post *p = post_open(&backend_sqlite);
    struct tray *t = tray_open(4, NULL);
    atomic_int gone = 0;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(other_rows); i++) {
        struct submission s = a_mail(p, "ada@example.com");
        struct store_lease l = other_rows[i].lease;

        l.id = s.id;
        s.handover = parcel_new(&gone, 100);
        assert_true(put(t, &s));
        if (tray_take(t, SHOP, "example.com", &l) || take(t, &s))
            fail_msg("%s: taken", other_rows[i].name);
        assert_true(put(t, &s));
        assert_null(tray_take(
            t, OTHER_SHOP, "example.com", &(struct store_lease){.id = s.id, .person_mark = 7}));
        assert_true(take(t, &s));
        handover_drop(&s.handover);
    }
    tray_close(&t);
}

static void a_copy_of_a_jobs_key_is_overwritten_when_its_arena_goes(void **state)
{
    static const struct seal_key nothing;
    const struct job_key key = {.key.id = "twelve bytes", .key.key.b = "secret", .erasures = 7};
    AUTO(arena_close) struct arena *a = arena_open();
    const struct job_key *copy = job_key_copy(&key, a);

    (void)state;
    assert_null(job_key_copy(NULL, a));
    assert_memory_equal(&copy->key, &key.key, sizeof key.key);
    assert_int_equal(copy->erasures, 7);
    arena_clear(a); /* which keeps the block for what comes next */
    assert_memory_equal(&copy->key.key, &nothing, sizeof nothing);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_copy_of_a_jobs_key_is_overwritten_when_its_arena_goes),
        cmocka_unit_test(who_was_erased_while_a_submit_was_under_way_is_not_kept),
        cmocka_unit_test(a_full_tray_keeps_what_is_older),
        cmocka_unit_test(a_handover_in_the_tray_is_counted_once),
        cmocka_unit_test(an_item_is_overwritten_when_it_goes_and_later_the_system_has_its_memory),
        cmocka_unit_test(all_that_comes_and_goes_is_given_back),
        cmocka_unit_test(lanes_have_their_memory_from_the_trays),
        cmocka_unit_test(only_what_may_be_kept_has_room),
        cmocka_unit_test(what_is_too_old_gives_way_when_room_is_wanted),
        cmocka_unit_test(an_item_goes_with_its_own_row_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "tests/base/expect.h"
#include "tests/mailer/intake/one_room.h"

#include <pthread.h>
#include <stdatomic.h>

static void a_shop_is_ready_for_work(void **state)
{
    AUTO(snapshot_close) struct snapshot *s = room_snapshot(&room);
    const struct shop *acme = snapshot_shop(s, "acme");

    (void)state;
    assert_non_null(acme);
    expect_str("from", acme->from.spec, STR("orders@shop.example"));
    expect_text("return path", acme->return_path_domain, "shop.example");
    assert_int_equal(acme->keys_n, 1);
    expect_text("d=", dkim_key_domain(acme->keys[0]), "shop.example");
    assert_null(snapshot_shop(s, "nobody"));
}

static void a_bundle_is_pinned_in_the_queue(void **state)
{
    AUTO(snapshot_close) struct snapshot *s = room_snapshot(&room);
    AUTO(snapshot_close) struct snapshot *later = room_snapshot(&room);
    AUTO(arena_close) struct arena *a = arena_open();
    const struct mail *mail, *again, *found;
    struct digest one, two;
    struct str bytes;
    struct err e = {0};

    (void)state;
    assert_true(snapshot_bundle(s, snapshot_shop(s, "acme"), "note", "de-CH", &one, &mail, &e));
    expect_text("locale", mail_locale(mail), "de-CH");
    assert_true(
        snapshot_bundle(s, snapshot_shop(s, "acme"), "note", "de-Latn-CH", &two, &again, &e));
    assert_ptr_equal(mail, again);
    assert_true(queue_content_get(room.queue, "acme", &one, a, &bytes, &e));
    assert_true(snapshot_mail(later, "acme", &one, &found, &e));
    expect_text("brand", mail_brand(found)->name, "acme");
    assert_false(snapshot_mail(later, "bold", &one, &found, &e));
    assert_int_equal(e.code, ERR_MISSING);
}

static void an_unknown_mail_has_no_bundle(void **state)
{
    AUTO(snapshot_close) struct snapshot *s = room_snapshot(&room);
    const struct mail *mail;
    struct digest hash;
    struct err e = {0};

    (void)state;
    assert_false(snapshot_bundle(s, snapshot_shop(s, "acme"), "nope", "en", &hash, &mail, &e));
}

/* ---- faults ---------------------------------------------------------------------------------- */

#define HEAD                                                                                       \
    "node = \"n1\"\ndata_dir = \"data\"\nkeyring_file = \"keyring\"\ntemplates_dir = "             \
    "\"templates\"\n"                                                                              \
    "public_url = \"https://post.shop.example\"\nhostname = \"post.shop.example\"\n"
#define SHOP(rest) HEAD "storefront \"acme\" {\n  from = \"orders@shop.example\"\n" rest "}\n"
#define DKIM(file) "  dkim \"s1\" {\n    key_file = \"" file "\"\n  }\n"
#define LOGO(file) "  brand {\n    logo_file = \"" file "\"\n  }\n"

static const struct {
    const char *name, *settings, *pointer, *code;
} wrong[] = {
    {"no key at all", SHOP(""), "/storefront/acme/dkim", "no-dkim-key"},
    {"a key file that is not there", SHOP(DKIM("gone.pem")), "/storefront/acme/dkim/s1/key_file",
        "unreadable"},
    {"a key file that holds no key", SHOP(DKIM("settings.conf")),
        "/storefront/acme/dkim/s1/key_file", "invalid-key"},
    {"a logo that is not there", SHOP(DKIM("s1.pem") LOGO("gone.png")),
        "/storefront/acme/brand/logo_file", "unreadable"},
    {"a logo that is no picture", SHOP(DKIM("s1.pem") LOGO("s1.pem")),
        "/storefront/acme/brand/logo_file", "wrong-type"},
    {"templates that do not compile", SHOP(DKIM("s1.pem") "  templates_dir = \"broken\"\n"),
        "/storefront/acme/templates_dir", "invalid-templates"},
};

static void each_wrong_setting_is_named(void **state)
{
    (void)state;
    room_write(&room, "broken/mails/note/mail.json", "{", 0600);
    EACH(row, wrong)
    {
        struct snapshot *s = NULL;
        struct faults faults;
        struct err e = {0};
        room_write(&room, "wrong.conf", row->settings, 0600);
        AUTO(conf_close) const struct conf *c = room_conf(&room, "wrong.conf");
        faults_init(&faults, room.arena);
        expect(row->name, !snapshot_open(c, room.queue, &faults, &s, &e), "refused");
        expect_int(row->name, e.code, ERR_INPUT);
        expect_int(row->name, (int64_t)faults.n, 1);
        expect_text(row->name, faults.first->pointer, row->pointer);
        expect_text(row->name, faults.first->code, row->code);
    }
}

static void several_wrong_settings_come_at_once(void **state)
{
    struct snapshot *s = NULL;
    struct faults faults;
    struct err e = {0};

    (void)state;
    room_write(&room, "wrong.conf", SHOP(DKIM("gone.pem") LOGO("gone.png")), 0600);
    AUTO(conf_close) const struct conf *c = room_conf(&room, "wrong.conf");
    faults_init(&faults, room.arena);
    assert_false(snapshot_open(c, room.queue, &faults, &s, &e));
    assert_int_equal(faults.n, 2);
}

static void a_logo_travels_with_the_brand(void **state)
{
    AUTO(snapshot_close) struct snapshot *s = NULL;
    AUTO(arena_close) struct arena *a = arena_open();
    struct faults faults;
    struct digest hash;
    struct str bytes;
    struct err e = {0};

    (void)state;
    room_write(&room, "logo.png", "\x89PNG\r\n\x1a\nrest", 0600);
    room_write(&room, "logo.conf", SHOP(DKIM("s1.pem") LOGO("logo.png")), 0600);
    AUTO(conf_close) const struct conf *c = room_conf(&room, "logo.conf");
    faults_init(&faults, room.arena);
    assert_true(snapshot_open(c, room.queue, &faults, &s, &e));
    const struct shop *acme = snapshot_shop(s, "acme");
    expect_text("type", acme->brand.logo_content_type, "image/png");
    hash_sha256(acme->logo, &hash);
    assert_true(queue_content_get(room.queue, "acme", &hash, a, &bytes, &e));
    expect_str("stored", bytes, acme->logo);
    assert_int_equal(strlen(acme->brand.logo.s), 64);
}

static void without_a_queue_mails_still_compile(void **state)
{
    AUTO(snapshot_close) struct snapshot *s = NULL;
    const struct mail *mail;
    struct faults faults;
    struct digest hash;
    struct err e = {0};

    (void)state;
    faults_init(&faults, room.arena);
    assert_true(snapshot_open(room.conf, NULL, &faults, &s, &e));
    assert_true(snapshot_bundle(s, snapshot_shop(s, "acme"), "note", "en", &hash, &mail, &e));
    hash.b[0] ^= 1;
    assert_false(snapshot_mail(s, "acme", &hash, &mail, &e));
}

/* ---- swapping under load --------------------------------------------------------------------- */

#define WORKERS 4
#define SWAPS 60

struct load {
    struct snapshot_holder *holder;
    atomic_bool stop;
    atomic_size_t rendered, failed;
};

static void work_once(struct load *l, const char *template_name, const char *locale)
{
    AUTO(snapshot_close) struct snapshot *s = snapshot_current(l->holder);
    const struct mail *mail, *same;
    struct digest hash;
    struct err e;

    bool good =
        snapshot_bundle(s, snapshot_shop(s, "acme"), template_name, locale, &hash, &mail, &e) &&
        snapshot_mail(s, "acme", &hash, &same, &e) && mail == same &&
        strcmp(mail_locale(mail), locale) == 0;
    atomic_fetch_add(good ? &l->rendered : &l->failed, 1);
}

static void *work(void *context)
{
    struct load *l = context;

    while (!atomic_load(&l->stop)) {
        work_once(l, "note", "en");
        work_once(l, "offer", "de");
    }
    return NULL;
}

static void a_swap_under_load_disturbs_nobody(void **state)
{
    struct load l = {.holder = snapshot_holder_open(room_snapshot(&room))};
    pthread_t threads[WORKERS];

    (void)state;
    for (size_t i = 0; i < WORKERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, work, &l), 0);
    for (size_t i = 0; i < SWAPS; i++) {
        size_t seen = atomic_load(&l.rendered);
        snapshot_swap(l.holder, room_snapshot(&room));
        while (atomic_load(&l.rendered) == seen && atomic_load(&l.failed) == 0)
            sched_yield(); /* each generation does some work */
    }
    atomic_store(&l.stop, true);
    for (size_t i = 0; i < WORKERS; i++)
        pthread_join(threads[i], NULL);
    snapshot_holder_close(&l.holder);
    assert_null(l.holder);
    assert_int_equal(atomic_load(&l.failed), 0);
    assert_true(atomic_load(&l.rendered) >= SWAPS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_shop_is_ready_for_work),
        cmocka_unit_test(a_bundle_is_pinned_in_the_queue),
        cmocka_unit_test(an_unknown_mail_has_no_bundle),
        cmocka_unit_test(each_wrong_setting_is_named),
        cmocka_unit_test(several_wrong_settings_come_at_once),
        cmocka_unit_test(a_logo_travels_with_the_brand),
        cmocka_unit_test(without_a_queue_mails_still_compile),
        cmocka_unit_test(a_swap_under_load_disturbs_nobody),
    };
    return cmocka_run_group_tests(tests, one_room_open, one_room_close);
}

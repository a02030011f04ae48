/* Settings that are taken: where each value goes, and what is printed and kept of them. */
#include "base/conf_reload.h"
#include "tests/base/settings.h"
#include "tests/base/threads.h"

static void an_empty_file_gives_the_defaults(void **state)
{
    const struct conf *c = settings_right("empty", STR(""));

    (void)state;
    assert_string_equal(c->node, "main");
    assert_string_equal(c->data_dir, "/var/lib/parcelpost");
    assert_string_equal(c->keyring_file, "/etc/parcelpost/keyring");
    assert_string_equal(c->templates_dir, "/usr/share/parcelpost/templates");
    assert_string_equal(c->log_level, "info");
    assert_string_equal(c->tls_ca_file, "");
    assert_string_equal(c->listen_address, "127.0.0.1");
    assert_int_equal(c->listen_port, 8025);
    assert_int_equal(c->resolvers_n, 1);
    assert_string_equal(c->resolvers[0], "127.0.0.1");
    assert_int_equal(c->zone_files_n + c->trusted_proxies_n + c->public_addresses_n, 0);
    assert_int_equal(c->max_attachment_bytes, 10 << 20);
    assert_int_equal(c->requests_per_minute, 600000);
    assert_int_equal(c->smtp_port, 25);
    assert_int_equal(c->lanes, 64);
    assert_int_equal(c->connect_timeout_ms, 30000);
    assert_int_equal(c->transfer_timeout_ms, 300000);
    assert_int_equal(c->attempt_timeout_ms, 600000);
    assert_int_equal(c->lease_ms, 900000);
    assert_int_equal(c->retry_first_ms, 300000);
    assert_int_equal(c->retry_max_ms, 14400000);
    assert_int_equal(c->expire_after_ms, 432000000);
    assert_int_equal(c->messages_per_connection, 100);
    assert_true(
        c->gate_hold && c->smtp_pipelining && !c->body_8bit && !c->allow_private_destinations);
    assert_true(strlen(c->hostname) > 0);
    assert_int_equal(c->storefronts_n + c->smart_hosts_n, 0);
    conf_close(&c);
}

#define FULL                                                                                       \
    "# a comment\n"                                                                                \
    "public_url = https://post.shop.example/base/ // another\n"                                    \
    "/* over two\n lines */ lanes = 8\n"                                                           \
    "resolvers = { \"127.0.0.1:5300\", # within a list\n \"[::1]:53\", ::1 }\n"                    \
    "zone_files = { a.zone, /b.zone } trusted_proxies = {}\n"                                      \
    "lease_ms = 900001 attempt_timeout_ms = 90s retry_first_ms = 500ms\n"                          \
    "hostname =\n# on its own line\npost.example node\n=\nstream\n"                                \
    "max_request_bytes = 512KiB data_dir = data captured_dir = brand listen_port = 0 gate_hold = " \
    "no\n"                                                                                         \
    "smart_host relay { host = smtp.relay.example user = 'u ${HOME} \"q\\\\' password_file = pw "  \
    "}\n"                                                                                          \
    "storefront \"acme\" {\n" FROM "smart_host = relay\n"                                          \
    "brand { colour = \"#AAbb00\" support_url = mailto:help@shop.example }\n"                      \
    "dkim s1 { key_file = \"s1.pem\" }\n dkim s2 { key_file = '/k/s2.pem' domain = shop.example "  \
    "}\n"                                                                                          \
    "stream news { }\n stream offers { class = transactional }\n}\n"                               \
    "storefront second { from = \"a@second.example\" return_path_domain = b.second.example\n"      \
    "brand { name = \"Z\xc3\xbcrich\" } stream marketing { } }\n"

static void every_form_of_value_finds_its_place(void **state)
{
    const struct conf *c = settings_right("full", STR(FULL));
    const struct conf_storefront *s = conf_storefront(c, "acme");
    AUTO(buf_close) struct buf path = {0};

    (void)state;
    assert_string_equal(c->public_url, "https://post.shop.example/base");
    assert_int_equal(c->lanes, 8);
    assert_string_equal(c->hostname, "post.example");
    assert_string_equal(c->node, "stream");
    assert_int_equal(c->resolvers_n, 3);
    assert_string_equal(c->resolvers[2], "::1");
    assert_string_equal(c->zone_files[0], folder_file(&settings_folder, "a.zone", &path));
    assert_string_equal(c->zone_files[1], "/b.zone");
    assert_string_equal(c->data_dir, folder_file(&settings_folder, "data", &path));
    assert_string_equal(c->captured_dir, folder_file(&settings_folder, "brand", &path));
    assert_int_equal(c->lease_ms, 900001);
    assert_int_equal(c->attempt_timeout_ms, 90000);
    assert_int_equal(c->retry_first_ms, 500);
    assert_int_equal(c->max_request_bytes, 512 << 10);
    assert_int_equal(c->listen_port, 0);
    assert_false(c->gate_hold);
    assert_int_equal(c->storefronts_n, 2);
    assert_null(conf_storefront(c, "none"));
    assert_string_equal(s->return_path_domain, "shop.example");
    assert_string_equal(s->locale, "en");
    assert_string_equal(s->brand.name, "acme");
    assert_string_equal(s->brand.colour, "#AAbb00");
    assert_int_equal(s->dkim_n, 2);
    assert_string_equal(s->dkim[0].selector, "s1");
    assert_string_equal(s->dkim[0].domain, "");
    assert_string_equal(s->dkim[1].key_file, "/k/s2.pem");
    assert_int_equal(s->streams_n, 4);
    assert_int_equal(conf_stream(s, "news")->class, STREAM_MARKETING);
    assert_int_equal(conf_stream(s, "offers")->class, STREAM_TRANSACTIONAL);
    assert_int_equal(conf_stream(s, "transactional")->class, STREAM_TRANSACTIONAL);
    assert_int_equal(conf_stream(s, "marketing")->class, STREAM_MARKETING);
    assert_null(conf_stream(s, "none"));
    assert_string_equal(conf_smart_host(c, s->smart_host)->user, "u ${HOME} \"q\\");
    assert_int_equal(conf_smart_host(c, "relay")->port, 587);
    assert_int_equal(conf_smart_host(c, "relay")->tls, CONF_TLS_VERIFIED);
    s = conf_storefront(c, "second");
    assert_string_equal(s->return_path_domain, "b.second.example");
    assert_string_equal(s->brand.name, "Z\xc3\xbcrich");
    assert_int_equal(s->streams_n, 2);
    conf_close(&c);
}

static void what_is_printed_loads_as_the_same(void **state)
{
    const struct conf *c = settings_right("full", STR(FULL));
    AUTO(buf_close) struct buf once = {0};
    AUTO(buf_close) struct buf twice = {0};

    (void)state;
    conf_print(c, &once);
    conf_close(&c);
    c = settings_right("printed", buf_str(&once));
    conf_print(c, &twice);
    conf_close(&c);
    assert_string_equal(once.p, twice.p);
    expect_in("spans in their unit", buf_str(&once), "attempt_timeout_ms = 90s\n");
    expect_in("spans of no unit", buf_str(&once), "lease_ms = 900001ms\n");
    expect_in("sizes in their unit", buf_str(&once), "max_request_bytes = 512KiB\n");
}

static void the_environment_fills_in(void **state)
{
    const struct conf *c;

    (void)state;
    setenv("PARCELPOST_TEST_FOLDER", "/from/environment", 1);
    c = settings_right(
        "environment", STR("data_dir = \"${PARCELPOST_TEST_FOLDER}/data\"\nlanes = ${NONE:-3}\n"));
    assert_string_equal(c->data_dir, "/from/environment/data");
    assert_int_equal(c->lanes, 3);
    conf_close(&c);
}

static void a_snapshot_lives_as_long_as_its_last_reader(void **state)
{
    const struct conf *c = settings_right("refs", STR(SHOP("")));
    const struct conf *mine = conf_ref(c);

    (void)state;
    conf_close(&c);
    assert_null(c);
    assert_string_equal(mine->storefronts[0].name, "acme");
    conf_close(&mine);
    conf_close(&mine);
}

static void the_document_names_every_setting_that_is_printed(void **state)
{
    const struct conf *c = settings_right("full", STR(FULL));
    AUTO(buf_close) struct buf printed = {0};
    AUTO(buf_close) struct buf document = {0};
    struct str line, rest;

    (void)state;
    conf_print(c, &printed);
    conf_close(&c);
    conf_document(&document);
    for (rest = buf_str(&printed); str_next(&rest, '\n', &line);) {
        AUTO(buf_close) struct buf row = {0};
        size_t equals = str_find(line, STR(" = "), 0);
        if (equals == line.n)
            continue;
        buf_addf(&row, "\n| `" STR_FMT "` |", STR_ARG(str_trim(str_slice(line, 0, equals))));
        expect_in("a_row", buf_str(&document), row.p);
    }
    expect_in("default", buf_str(&document), "| `lanes` | number 1 to 1024 | `64` |");
    expect_in("required", buf_str(&document), "| `from` | text | **must be given** |");
}

static void *load_often(void *mistakes)
{
    AUTO(buf_close) struct buf path = {0};

    folder_file(&settings_folder, "shared.conf", &path);
    for (int i = 0; i < 20; i++) {
        const struct conf *c = NULL;
        struct err e;
        if (!conf_load(path.p, NULL, &c, &e) || c->storefronts_n != 2)
            ++*(int *)mistakes;
        conf_close(&c);
    }
    return NULL;
}

static void threads_may_load_at_the_same_time(void **state)
{
    AUTO(buf_close) struct buf path = {0};

    (void)state;
    folder_write(folder_file(&settings_folder, "shared.conf", &path), STR(FULL), 0600);
    expect_no_mistakes(load_often, 4);
    unlink(path.p);
}

/* Faults in files that the settings name are told by pointers. */
static void a_pointer_leads_to_the_line_in_the_file(void **state)
{
    static const struct {
        const char *pointer;
        const char *end;
    } table[] = {
        {"/lanes", "parcelpost.conf:1"},
        {"/templates_dir", "parcelpost.conf"},
        {"/storefront/b", "parcelpost.conf:4"},
        {"/storefront/b/from", "parcelpost.conf:5"},
        {"/storefront/b/templates_dir", "parcelpost.conf:4"},
        {"/storefront/b/brand/logo_file", "parcelpost.conf:6"},
        {"/storefront/b/dkim", "parcelpost.conf:4"},
        {"/storefront/b/dkim/s2", "parcelpost.conf:8"},
        {"/storefront/b/dkim/s2/domain", "parcelpost.conf:8"},
        {"/storefront/b/dkim/s2/key_file", "parcelpost.conf:9"},
        {"/storefront/c", "parcelpost.conf"},
        {"storefront", "parcelpost.conf"},
    };
    AUTO(arena_close) struct arena *a = arena_open();
    AUTO(buf_close) struct buf kept = {0};
    AUTO(conf_close)
    const struct conf *file = settings_right(
        "where", STR("lanes = 2\npublic_url = https://p.example\n"
                     "storefront a { from = a@b.example }\nstorefront b {\n  from = a@b.example\n"
                     "  brand { logo_file = l.png }\n  dkim s1 { key_file = k }\n  dkim s2 {\n"
                     "    key_file = k\n  }\n}\n"));
    AUTO(conf_close) const struct conf *sandbox = conf_sandbox(file, "127.0.0.1", 25, NULL, 0);
    AUTO(conf_close) const struct conf *next = conf_reload(sandbox, file, &kept);

    (void)state;
    EACH(row, table)
    {
        AUTO(buf_close) struct buf place = {0};
        buf_addf(&place, "%s/%s", settings_folder.path, row->end);
        expect_text(row->pointer, conf_where(file, row->pointer, a), place.p);
        expect_text(row->pointer, conf_where(next, row->pointer, a), place.p);
    }
}

/* What was read once at the start stays, and is named; the rest is new. */
static void a_reload_keeps_what_only_a_restart_changes(void **state)
{
    const struct conf *old = settings_right(
        "old", STR("lanes = 4\nnode = one\nresolvers = {\"127.0.0.1:53\"}\nhostname = a.example\n"
                   "gate_hold = true\n"));
    const struct conf *next = settings_right(
        "next", STR("lanes = 5\nnode = two\nresolvers = {\"127.0.0.2\", \"127.0.0.3\"}\nhostname = "
                    "b.example\ngate_hold = false\nlease_ms = \"20m\"\n"));
    AUTO(buf_close) struct buf kept = {0}, again = {0};
    const struct conf *c = conf_reload(next, old, &kept), *same;
    (void)state;

    same = conf_reload(old, old, &again);
    expect_int("nothing to name", (int64_t)again.n, 0);
    conf_close(&same);
    conf_close(&old);
    conf_close(&next);
    expect_str("named", buf_str(&kept), STR("node\nresolvers\ngate_hold\nlanes\n"));
    expect_int("lanes", c->lanes, 4);
    assert_string_equal(c->node, "one");
    expect_int("resolvers", (int64_t)c->resolvers_n, 1);
    assert_string_equal(c->resolvers[0], "127.0.0.1:53");
    assert_true(c->gate_hold);
    assert_string_equal(c->hostname, "b.example");
    expect_int("lease", c->lease_ms, 20 * 60 * 1000);
    conf_close(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_file_gives_the_defaults),
        cmocka_unit_test(every_form_of_value_finds_its_place),
        cmocka_unit_test(what_is_printed_loads_as_the_same),
        cmocka_unit_test(the_environment_fills_in),
        cmocka_unit_test(a_snapshot_lives_as_long_as_its_last_reader),
        cmocka_unit_test(the_document_names_every_setting_that_is_printed),
        cmocka_unit_test(threads_may_load_at_the_same_time),
        cmocka_unit_test(a_pointer_leads_to_the_line_in_the_file),
        cmocka_unit_test(a_reload_keeps_what_only_a_restart_changes),
    };

    return cmocka_run_group_tests(tests, settings_enter, settings_leave);
}

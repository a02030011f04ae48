#include "base/conf_reload.h"
#include "tests/base/expect.h"
#include "tests/base/folder.h"

#include <pthread.h>

#define FROM "from = \"Acme Shop <orders@shop.example>\"\n"
#define URL "public_url = \"https://post.shop.example\"\n"
#define SHOP(inside) URL "storefront \"acme\" {\n" FROM inside "}\n"
#define RELAY(inside) "smart_host \"relay\" {\nhost = smtp.relay.example\n" inside "}\n"

static struct folder folder;

static int open_folder(void **state)
{
    (void)state;
    return folder_open(&folder);
}

static int remove_folder(void **state)
{
    (void)state;
    return rmdir(folder.path);
}

/* Loads `text` as a file of its own, which is gone again afterwards. */
static bool load(struct str text, struct faults *faults, const struct conf **out, struct err *e)
{
    AUTO(buf_close) struct buf path = {0};

    folder_file(&folder, "parcelpost.conf", &path);
    folder_write(path.p, text, 0600);
    bool loaded = conf_load(path.p, faults, out, e);
    unlink(path.p);
    return loaded;
}

static const struct conf *load_right(const char *name, struct str text)
{
    const struct conf *c = NULL;
    struct err e = {0};

    if (!load(text, NULL, &c, &e))
        fail_msg("%s: %s", name, e.text);
    return c;
}

/* Each row has one fault only, at a line, with a code, in words that name the setting. */
static void every_kind_of_fault_names_line_and_setting(void **state)
{
    static const struct {
        const char *name, *text;
        int line;
        const char *code, *says;
    } cases[] = {
        {"unknown_setting", "lanes = 4\nlans = 3\n", 2, "unknown-setting",
            "lans: there is no such"},
        {"unknown_in_a_section", SHOP("\nnope = 1\n"), 5, "unknown-setting", "nope"},
        {"unknown_section", "shop \"a\" { }\n", 1, "unknown-setting", "shop"},
        {"a_setting_of_another_section", SHOP("lanes = 1\n"), 4, "unknown-setting", "lanes"},
        {"scalar_twice", "lanes = 4\n\nlanes = 5\n", 3, "duplicate", "lanes: stands here a second"},
        {"scalar_twice_in_a_section", SHOP("locale = de\nlocale = de\n"), 5, "duplicate", "locale"},
        {"list_twice", "resolvers = {\"127.0.0.1\"}\nresolvers = {\"127.0.0.2\"}\n", 2, "duplicate",
            "resolvers"},
        {"section_twice", SHOP("brand { }\nbrand { }\n"), 5, "duplicate", "brand"},
        {"title_twice", SHOP("dkim s { key_file = a }\ndkim s { key_file = b }\n"), 5, "duplicate",
            "\"s\""},
        {"brace_missing_at_the_end", URL "\nstorefront \"a\" {\n" FROM, 3, "syntax", "not closed"},
        {"inner_brace_missing", SHOP("brand {\n"), 2, "syntax", "not closed"},
        {"list_not_closed", "lanes = 1\nresolvers = { \"127.0.0.1\"\n", 2, "syntax", "not closed"},
        {"brace_too_many", "lanes = 1\n}\n", 2, "syntax", "closes nothing"},
        {"string_not_closed", "lanes = 1\nnode = \"a\n\n", 2, "syntax", "string"},
        {"single_quotes_not_closed", "node = 'a\n", 1, "syntax", "string"},
        {"comment_not_closed", "\n/* a\n\n", 2, "syntax", "comment"},
        {"variable_not_closed", "node = \"${A\"\n", 1, "syntax", "${"},
        {"variable_not_set", "\nnode = \"${PARCELPOST_NOWHERE}\"\n", 2, "missing",
            "${PARCELPOST_NOWHERE} is not in the environment"},
        {"variable_not_set_in_a_section", SHOP("reply_to = ${PARCELPOST_NOWHERE}\n"), 4, "missing",
            "${PARCELPOST_NOWHERE} is not in the environment"},
        {"variable_not_set_on_a_later_line", "node = \"\n\n${PARCELPOST_NOWHERE}\"\n", 3, "missing",
            "${PARCELPOST_NOWHERE}"},
        {"variable_without_a_name", "node = ${}\n", 1, "missing", "${} is not"},
        {"variable_with_a_colon_alone", "node = ${PARCELPOST_NOWHERE:x}\n", 1, "missing",
            "${PARCELPOST_NOWHERE:x}"},
        {"control_characters_in_a_variable", "node = ${\x1b[2J}\n", 1, "missing", "${?[2J}"},
        {"value_missing", "lanes = # four\n\n", 1, "syntax", "lanes: a value has to stand"},
        {"value_missing_before_another", "\nlanes =\nnode = a\n", 2, "syntax",
            "lanes: a value has to stand"},
        {"value_missing_in_a_section", SHOP("locale = }\n"), 4, "syntax", "locale"},
        {"name_alone_at_the_end", "lanes = 1\n\nnode\n\n\n", 3, "syntax", "is complete"},
        {"list_for_a_number", "\nlanes = {1, 2}\n", 2, "syntax",
            "lanes: takes one value (number), not a list"},
        {"list_for_a_text_on_the_next_line", SHOP("locale =\n{de}\n"), 5, "syntax",
            "locale: takes one value (text), not a list"},
        {"equals_missing", "\nlanes 4\n", 2, "syntax", "lanes"},
        {"title_missing", URL "storefront {\n" FROM "}\n", 2, "syntax",
            "storefront: it needs a name, such as storefront \"acme\" { ... }"},
        {"title_missing_deeper", SHOP("dkim { key_file = a }\n"), 4, "syntax",
            "dkim: it needs a name, such as dkim \"s1\" { ... }"},
        {"nesting_without_end", "{{{{{{{{{{{{{{{{{{{{", 1, "syntax", "too deeply"},
        {"must_be_given", URL "\nstorefront \"acme\" {\n}\n", 3, "missing",
            "storefront \"acme\" from"},
        {"must_be_given_deeper", SHOP("\ndkim \"s1\" {\n}\n"), 5, "missing",
            "storefront \"acme\" dkim \"s1\" key_file"},
        {"host_must_be_given", "smart_host \"r\" { }\n", 1, "missing", "smart_host \"r\" host"},
        {"url_must_be_given_with_a_storefront", "storefront \"a\" {\n" FROM "}\n", 1, "missing",
            "public_url"},
        {"url_given_but_empty", "public_url = \"\"\nstorefront \"a\" {\n" FROM "}\n", 1, "missing",
            "public_url"},
        {"number_in_letters", "\nlanes = many\n", 2, "bad-value",
            "lanes: must be a whole number, not \"many\""},
        {"number_with_a_unit", "lanes = 4k\n", 1, "bad-value", "lanes"},
        {"negative_number", "lanes = -4\n", 1, "bad-value", "lanes"},
        {"no_lanes", "lanes = 0\n", 1, "bad-value", "within 1 to 1024"},
        {"too_many_lanes", "lanes = 1025\n", 1, "bad-value", "within 1 to 1024"},
        {"listen_port_too_high", "listen_port = 65536\n", 1, "bad-value", "within 0 to 65535"},
        {"smtp_port_zero", "smtp_port = 0\n", 1, "bad-value", "within 1 to 65535"},
        {"number_too_long", "lanes = 99999999999999999999\n", 1, "bad-value", "lanes"},
        {"time_without_number", "lease_ms = m\n", 1, "bad-value", "90s, 15m"},
        {"time_with_a_strange_unit", "lease_ms = 15w\n", 1, "bad-value", "90s, 15m"},
        {"time_too_long", "expire_after_ms = 31d\n", 1, "bad-value", "within 1s to 30d"},
        {"time_that_overflows", "lease_ms = 9223372036854775807d\n", 1, "bad-value", "lease_ms"},
        {"size_with_a_decimal_unit", "max_request_bytes = 10MB\n", 1, "bad-value", "10MiB"},
        {"switch_in_between", "gate_hold = maybe\n", 1, "bad-value",
            "gate_hold: must be true or false"},
        {"choice_of_none", "log_level = loud\n", 1, "bad-value",
            "one of debug, info, warning, error"},
        {"class_of_none", SHOP("stream news { class = spam }\n"), 4, "bad-value",
            "one of transactional, marketing"},
        {"tls_of_none", RELAY("tls = maybe\n"), 3, "bad-value", "smart_host \"relay\" tls"},
        {"node_in_capitals", "node = Main\n", 1, "bad-value", "node"},
        {"node_too_long", "node = abcdefghijklmnopqrstuvwxyz0123456\n", 1, "bad-value", "1 to 32"},
        {"storefront_in_capitals", URL "\nstorefront \"Acme\" {\n" FROM "}\n", 3, "bad-value",
            "storefront \"Acme\": its name"},
        {"a_title_with_control_characters", URL "storefront \"a\\e[2J\xff\" {\n" FROM "}\n", 2,
            "bad-value", "storefront \"a?[2J?\": its name"},
        {"storefront_without_a_name", URL "storefront \"\" {\n" FROM "}\n", 2, "bad-value",
            "its name"},
        {"from_without_a_domain", URL "storefront \"a\" {\nfrom = \"Acme <orders>\"\n}\n", 3,
            "bad-value", "storefront \"a\" from"},
        {"from_with_an_empty_domain", URL "storefront \"a\" {\nfrom = \"orders@\"\n}\n", 3,
            "bad-value", "from"},
        {"from_with_a_line_break", URL "storefront \"a\" {\nfrom = \"a@b.c\\r\\nBcc: x@y.z\"\n}\n",
            3, "bad-value", "control characters"},
        {"from_is_not_closed", URL "storefront \"a\" {\nfrom = \"Acme <a@b.c\"\n}\n", 3,
            "bad-value", "from"},
        {"reply_to_is_no_mailbox", SHOP("reply_to = nobody\n"), 4, "bad-value", "reply_to"},
        {"return_path_is_no_domain", SHOP("return_path_domain = \"a b\"\n"), 4, "bad-value",
            "return_path_domain"},
        {"locale_of_none", SHOP("locale = \"de_DE!\"\n"), 4, "bad-value", "locale"},
        {"colour_of_none", SHOP("brand { colour = red }\n"), 4, "bad-value", "brand colour"},
        {"invalid_utf8", SHOP("brand { name = \"\xff\" }\n"), 4, "bad-value", "UTF-8"},
        {"selector_with_a_space", SHOP("dkim \"a b\" { key_file = k }\n"), 4, "bad-value",
            "selector"},
        {"plain_http", "public_url = http://shop.example\n", 1, "bad-value", "https://"},
        {"http_that_only_begins_like_loopback", "public_url = http://127.0.0.1.evil.example\n", 1,
            "bad-value", "https://"},
        {"url_without_host", "public_url = https://\n", 1, "bad-value", "https://"},
        {"url_with_a_user", "public_url = https://a@shop.example\n", 1, "bad-value", "https://"},
        {"url_with_a_query", "public_url = \"https://shop.example/?a\"\n", 1, "bad-value", "?"},
        {"listen_address_is_a_name", "listen_address = localhost\n", 1, "bad-value",
            "listen_address"},
        {"resolver_is_a_name", "resolvers = {\"127.0.0.1\",\n\"dns.example\"}\n", 2, "bad-value",
            "resolvers: must be an address"},
        {"resolver_port_zero", "resolvers = {\"127.0.0.1:0\"}\n", 1, "bad-value", "resolvers"},
        {"resolver_port_too_high", "resolvers = {\"[::1]:65536\"}\n", 1, "bad-value", "resolvers"},
        {"resolver_without_its_port", "resolvers = {\"127.0.0.1:\"}\n", 1, "bad-value",
            "resolvers"},
        {"proxy_is_a_network", "trusted_proxies = {\"10.0.0.0/8\"}\n", 1, "bad-value",
            "trusted_proxies"},
        {"hostname_with_underscore", "hostname = a_b.example\n", 1, "bad-value", "hostname"},
        {"lease_as_long_as_an_attempt", "attempt_timeout_ms = 10m\nlease_ms = 10m\n", 2, "conflict",
            "lease_ms: must be longer than attempt_timeout_ms"},
        {"attempt_above_the_default_lease", "\nattempt_timeout_ms = 20m\n", 2, "conflict",
            "attempt_timeout_ms: must be shorter than lease_ms, which is 15m, or a message"},
        {"retries_that_shrink", "retry_first_ms = 1h\nretry_max_ms = 30m\n", 2, "conflict",
            "retry_max_ms: must not be shorter than retry_first_ms"},
        {"a_first_retry_behind_the_default_of_the_last", "\nretry_first_ms = 5h\n", 2, "conflict",
            "retry_first_ms: must not be longer than retry_max_ms, which is 4h"},
        {"smart_host_of_none", SHOP("smart_host = relay\n"), 4, "conflict",
            "storefront \"acme\": smart_host \"relay\""},
        {"password_over_plain_text", RELAY("user = u\npassword_file = p\ntls = required\n"), 5,
            "conflict", "smart_host \"relay\": tls must be verified"},
        {"user_without_password", RELAY("user = u\n"), 3, "conflict", "password_file"},
        {"password_without_user", RELAY("password_file = p\n"), 3, "conflict", "user"},
        {"a_fixed_class", SHOP("stream transactional { class = marketing }\n"), 4, "conflict",
            "stream \"transactional\""},
    };

    (void)state;
    EACH(c, cases)
    {
        AUTO(arena_close) struct arena *a = arena_open();
        AUTO(buf_close) struct buf pointer = {0};
        struct faults faults;
        const struct conf *conf = NULL;
        struct err e = {0};
        faults_init(&faults, a);
        expect(c->name, !load(str_of(c->text), &faults, &conf, &e), "a refusal");
        expect_int(c->name, e.code, ERR_INPUT);
        expect_int(c->name, (int64_t)faults.n, 1);
        buf_addf(&pointer, "%s/parcelpost.conf:%d", folder.path, c->line);
        expect_text(c->name, faults.first->pointer, pointer.p);
        expect_text(c->name, faults.first->code, c->code);
        expect_in(c->name, str_of(faults.first->detail), c->says);
        expect_in(c->name, str_of(e.text), pointer.p);
        expect_in(c->name, str_of(e.text), c->says);
    }
}

static void all_wrong_values_come_at_once_in_the_order_of_the_file(void **state)
{
    static const int lines[] = {1, 2, 4, 6, 7, 9, 12};
    AUTO(arena_close) struct arena *a = arena_open();
    struct faults faults;
    const struct conf *conf = NULL;
    struct err e = {0};
    size_t i = 0;

    (void)state;
    faults_init(&faults, a);
    assert_false(load(STR("smtp_port = x\n"
                          "lanes = 0\n"
                          "public_url = https://p.example\n"
                          "storefront \"A\" {\n"
                          "    from = a@b.example\n"
                          "    reply_to = nobody\n"
                          "    brand { colour = blue }\n"
                          "}\n"
                          "node = \"N\"\n"
                          "smart_host \"r\" {\n"
                          "    host = r.example\n"
                          "    port = 0\n"
                          "}\n"),
        &faults, &conf, &e));
    assert_int_equal(faults.n, COUNT_OF(lines));
    for (struct fault *f = faults.first; f; f = f->next)
        expect_int(f->detail, strtol(strrchr(f->pointer, ':') + 1, NULL, 10), lines[i++]);
    expect_in("the error is the first fault", str_of(e.text), "smtp_port");
}

static void a_syntax_error_stands_alone(void **state)
{
    AUTO(arena_close) struct arena *a = arena_open();
    struct faults faults;
    const struct conf *conf = NULL;
    struct err e = {0};

    (void)state;
    faults_init(&faults, a);
    assert_false(
        load(STR("lanes = 0\nlanes = 0\nnode = \"N\"\nlanes lanes\n"), &faults, &conf, &e));
    assert_int_equal(faults.n, 1);
    assert_string_equal(faults.first->code, "syntax");
    assert_false(load(STR("lanes = \"1\0\"\n"), &faults, &conf, &e));
    expect_in("a_nul_byte", str_of(e.text), "NUL");
}

static void unset_variables_are_told_together_and_without_what_follows_from_them(void **state)
{
    AUTO(arena_close) struct arena *a = arena_open();
    struct faults faults;
    const struct conf *conf = NULL;
    struct err e = {0};

    (void)state;
    faults_init(&faults, a);
    assert_false(
        load(STR("# ${NOPE0}\nnode = '${NOPE1}'\nhostname = \"\\${NOPE2}\"\n"
                 "public_url = \"${NOPE3}\"\nlanes = ${NOPE4}\nlog_level = ${NOPE5:-info}\n"
                 "storefront \"a\" { from = a@b.c }\n"),
            &faults, &conf, &e));
    assert_int_equal(faults.n, 2);
    expect_in("the first", str_of(faults.first->pointer), ":4");
    expect_in("the first", str_of(faults.first->detail), "${NOPE3} is not in the environment");
    expect_in("the second", str_of(faults.first->next->pointer), ":5");
    faults_init(&faults, a);
    assert_false(load(STR("node = \"${NOPE1}\"\nlanes = {\n"), &faults, &conf, &e));
    assert_int_equal(faults.n, 1);
    assert_string_equal(faults.first->code, "syntax");
}

static void what_was_not_closed_does_not_reach_the_next_file(void **state)
{
    static const char *const broken[] = {
        "node = \"a", "node = 'a", "/* a", "storefront \"a\" {", "node = \"${x"};

    (void)state;
    EACH(text, broken)
    {
        const struct conf *c = NULL;
        struct err e = {0};
        assert_false(load(str_of(*text), NULL, &c, &e));
        c = load_right(*text, STR("lanes = 7\n"));
        assert_int_equal(c->lanes, 7);
        conf_close(&c);
    }
}

static void an_empty_file_gives_the_defaults(void **state)
{
    const struct conf *c = load_right("empty", STR(""));

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
    "max_request_bytes = 512KiB data_dir = data listen_port = 0 gate_hold = no\n"                  \
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
    const struct conf *c = load_right("full", STR(FULL));
    const struct conf_storefront *s = conf_storefront(c, "acme");
    AUTO(buf_close) struct buf path = {0};

    (void)state;
    assert_string_equal(c->public_url, "https://post.shop.example/base");
    assert_int_equal(c->lanes, 8);
    assert_int_equal(c->resolvers_n, 3);
    assert_string_equal(c->resolvers[2], "::1");
    assert_string_equal(c->zone_files[0], folder_file(&folder, "a.zone", &path));
    assert_string_equal(c->zone_files[1], "/b.zone");
    assert_string_equal(c->data_dir, folder_file(&folder, "data", &path));
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
    const struct conf *c = load_right("full", STR(FULL));
    AUTO(buf_close) struct buf once = {0};
    AUTO(buf_close) struct buf twice = {0};

    (void)state;
    conf_print(c, &once);
    conf_close(&c);
    c = load_right("printed", buf_str(&once));
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
    c = load_right(
        "environment", STR("data_dir = \"${PARCELPOST_TEST_FOLDER}/data\"\nlanes = ${NONE:-3}\n"));
    assert_string_equal(c->data_dir, "/from/environment/data");
    assert_int_equal(c->lanes, 3);
    conf_close(&c);
}

static void a_snapshot_lives_as_long_as_its_last_reader(void **state)
{
    const struct conf *c = load_right("refs", STR(SHOP("")));
    const struct conf *mine = conf_ref(c);

    (void)state;
    conf_close(&c);
    assert_null(c);
    assert_string_equal(mine->storefronts[0].name, "acme");
    conf_close(&mine);
    conf_close(&mine);
}

static void files_that_cannot_be_read_are_told_apart(void **state)
{
    AUTO(buf_close) struct buf large = {0};
    const struct conf *c = NULL;
    struct err e = {0};

    (void)state;
    assert_false(conf_load("/nonexistent/parcelpost.conf", NULL, &c, &e));
    assert_int_equal(e.code, ERR_MISSING);
    assert_false(conf_load(folder.path, NULL, &c, &e));
    assert_int_equal(e.code, ERR_IO);
    while (large.n <= 1 << 20)
        buf_add_text(&large, "# filler filler filler filler filler filler filler filler filler\n");
    assert_false(load(buf_str(&large), NULL, &c, &e));
    assert_int_equal(e.code, ERR_LIMIT);
}

static void the_document_names_every_setting_that_is_printed(void **state)
{
    const struct conf *c = load_right("full", STR(FULL));
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

    folder_file(&folder, "shared.conf", &path);
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
    pthread_t threads[4];
    int mistakes[4] = {0};

    (void)state;
    folder_write(folder_file(&folder, "shared.conf", &path), STR(FULL), 0600);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, load_often, &mistakes[i]), 0);
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(mistakes[i], 0);
    }
    unlink(path.p);
}

/* What was read once at the start stays, and is named; the rest is new. */
static void a_reload_keeps_what_only_a_restart_changes(void **state)
{
    const struct conf *old = load_right(
        "old", STR("lanes = 4\nnode = one\nresolvers = {\"127.0.0.1:53\"}\nhostname = a.example\n"
                   "gate_hold = true\n"));
    const struct conf *next = load_right(
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
        cmocka_unit_test(every_kind_of_fault_names_line_and_setting),
        cmocka_unit_test(all_wrong_values_come_at_once_in_the_order_of_the_file),
        cmocka_unit_test(a_syntax_error_stands_alone),
        cmocka_unit_test(unset_variables_are_told_together_and_without_what_follows_from_them),
        cmocka_unit_test(what_was_not_closed_does_not_reach_the_next_file),
        cmocka_unit_test(an_empty_file_gives_the_defaults),
        cmocka_unit_test(every_form_of_value_finds_its_place),
        cmocka_unit_test(what_is_printed_loads_as_the_same),
        cmocka_unit_test(the_environment_fills_in),
        cmocka_unit_test(a_snapshot_lives_as_long_as_its_last_reader),
        cmocka_unit_test(files_that_cannot_be_read_are_told_apart),
        cmocka_unit_test(the_document_names_every_setting_that_is_printed),
        cmocka_unit_test(threads_may_load_at_the_same_time),
        cmocka_unit_test(a_reload_keeps_what_only_a_restart_changes),
    };

    return cmocka_run_group_tests(tests, open_folder, remove_folder);
}

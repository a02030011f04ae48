/* Settings that are refused: each fault with its line, its setting and what would be right. */
#include "tests/base/settings.h"

#define RELAY(inside) "smart_host \"relay\" {\nhost = smtp.relay.example\n" inside "}\n"

/* Each row has one fault only, at a line, with a code, in words that name the setting. */
static void every_kind_of_fault_names_line_and_setting(void **state)
{
    static const struct {
        const char *name, *text;
        int line;
        const char *code, *says;
    } cases[] = {
        {"unknown_setting", "lanes = 4\nlans = 3\n", 2, "unknown-setting",
            "lans: there is no such setting here; is lanes meant?"},
        {"letters_swapped", "listen_prot = 1\n", 1, "unknown-setting", "; is listen_port meant?"},
        {"slip_in_a_section", SHOP("lokale = de\n"), 4, "unknown-setting", "; is locale meant?"},
        {"slip_in_a_section_s_name", "storefornt \"a\" { }\n", 1, "unknown-setting",
            "; is storefront meant?"},
        {"colon_as_in_yaml", "hostname: mx.shop.example\n", 1, "unknown-setting",
            "; is hostname meant?"},
        {"unit_apart", "node = a\nretry_first_ms = 2 seconds\n", 2, "unknown-setting",
            "seconds: there is no such setting here; if it belongs to the value of retry_first_ms, "
            "put"},
        {"words_without_quotes", SHOP("brand { name = Acme Outdoor }\n"), 4, "unknown-setting",
            "Outdoor: there is no such setting here; if it belongs to the value of name, put"},
        {"value_of_three_words", "node = a b c\n", 1, "unknown-setting",
            "b: there is no such setting here; if"},
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
        {"value_missing_before_a_section", "lanes =\n\nstorefront \"acme\" {\n}\n", 1, "syntax",
            "lanes: a value has to stand"},
        {"value_missing_before_a_bare_title", "lanes =\nsmart_host relay {\n}\n", 1, "syntax",
            "lanes: a value has to stand"},
        {"value_missing_before_a_section_within", SHOP("locale =\nbrand { }\n"), 4, "syntax",
            "locale: a value has to stand"},
        {"name_alone_at_the_end", "lanes = 1\n\nnode\n\n\n", 3, "syntax", "is complete"},
        {"list_for_a_number", "\nlanes = {1, 2}\n", 2, "syntax",
            "lanes: takes one value (number), not a list"},
        {"list_for_a_text_on_the_next_line", SHOP("locale =\n{de}\n"), 5, "syntax",
            "locale: takes one value (text), not a list"},
        {"list_for_a_number_added", "lanes += {1}\n", 1, "syntax", "lanes: takes one value"},
        {"two_values", "lanes = 4 = 5\n", 1, "syntax", "unexpected"},
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
        expect(c->name, !settings_load(str_of(c->text), &faults, &conf, &e), "a refusal");
        expect_int(c->name, e.code, ERR_INPUT);
        expect_int(c->name, (int64_t)faults.n, 1);
        buf_addf(&pointer, "%s/parcelpost.conf:%d", settings_folder.path, c->line);
        expect_text(c->name, faults.first->pointer, pointer.p);
        expect_text(c->name, faults.first->code, c->code);
        expect_in(c->name, str_of(faults.first->detail), c->says);
        expect_in(c->name, str_of(e.text), pointer.p);
        expect_in(c->name, str_of(e.text), c->says);
    }
}

/* Quotes would be no help. */
static void a_word_with_an_equals_sign_is_no_rest_of_the_value_before(void **state)
{
    static const char *const texts[] = {
        "lanes = 2 xyzzy = 3\n", "lanes = 2\nxyzzy\n", "lanes = 2 /*\n*/ xyzzy 3\n"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        AUTO(arena_close) struct arena *a = arena_open();
        struct faults faults;
        const struct conf *conf = NULL;
        struct err e = {0};
        faults_init(&faults, a);
        assert_false(settings_load(str_of(texts[i]), &faults, &conf, &e));
        expect_text(texts[i], faults.first->detail, "xyzzy: there is no such setting here");
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
    assert_false(settings_load(STR("smtp_port = x\n"
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
    assert_false(settings_load(
        STR("lanes = 0\nlanes = 0\nnode = \"N\"\nlanes lanes\n"), &faults, &conf, &e));
    assert_int_equal(faults.n, 1);
    assert_string_equal(faults.first->code, "syntax");
    assert_false(settings_load(STR("lanes = \"1\0\"\n"), &faults, &conf, &e));
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
    assert_false(settings_load(
        STR("# ${NOPE0}\nnode = '${NOPE1}'\nhostname = \"\\${NOPE2}\"\n"
            "public_url = \"${NOPE3}\"\nlanes = ${NOPE4}\nlog_level = ${NOPE5:-info}\n"
            "storefront \"a\" { from = a@b.c }\n"),
        &faults, &conf, &e));
    assert_int_equal(faults.n, 2);
    expect_in("the first", str_of(faults.first->pointer), ":4");
    expect_in("the first", str_of(faults.first->detail), "${NOPE3} is not in the environment");
    expect_in("the second", str_of(faults.first->next->pointer), ":5");
    faults_init(&faults, a);
    assert_false(settings_load(STR("node = \"${NOPE1}\"\nlanes = {\n"), &faults, &conf, &e));
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
        assert_false(settings_load(str_of(*text), NULL, &c, &e));
        c = settings_right(*text, STR("lanes = 7\n"));
        assert_int_equal(c->lanes, 7);
        conf_close(&c);
    }
}

static void files_that_cannot_be_read_are_told_apart(void **state)
{
    AUTO(buf_close) struct buf large = {0};
    const struct conf *c = NULL;
    struct err e = {0};

    (void)state;
    assert_false(conf_load("/nonexistent/parcelpost.conf", NULL, &c, &e));
    assert_int_equal(e.code, ERR_MISSING);
    assert_false(conf_load(settings_folder.path, NULL, &c, &e));
    assert_int_equal(e.code, ERR_IO);
    while (large.n <= 1 << 20)
        buf_add_text(&large, "# filler filler filler filler filler filler filler filler filler\n");
    assert_false(settings_load(buf_str(&large), NULL, &c, &e));
    assert_int_equal(e.code, ERR_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_fault_names_line_and_setting),
        cmocka_unit_test(a_word_with_an_equals_sign_is_no_rest_of_the_value_before),
        cmocka_unit_test(all_wrong_values_come_at_once_in_the_order_of_the_file),
        cmocka_unit_test(a_syntax_error_stands_alone),
        cmocka_unit_test(unset_variables_are_told_together_and_without_what_follows_from_them),
        cmocka_unit_test(what_was_not_closed_does_not_reach_the_next_file),
        cmocka_unit_test(files_that_cannot_be_read_are_told_apart),
    };

    return cmocka_run_group_tests(tests, settings_enter, settings_leave);
}

/* tongue: which language the environment asks for, which catalog serves it, and what is said where none is there. */
#include "mailer/cli/tongue.h"

#include "tests/base/expect.h"
#include "tests/base/folder.h"

#include <stdlib.h>

static void the_environment_is_read_in_the_order_of_gettext(void **state)
{
    static const struct {
        const char *name;
        struct tongue_environment e;
        const char *wishes;
    } cases[] = {
        {"nothing_is_set", {NULL, NULL, NULL, NULL}, ""},
        {"everything_is_empty", {"", "", "", ""}, ""},
        {"lang_alone", {"", "", "zh_CN.UTF-8", ""}, "zh-CN"},
        {"messages_before_lang", {"", "zh_CN.UTF-8", "de_DE.UTF-8", ""}, "zh-CN"},
        {"all_before_messages", {"en_US.UTF-8", "zh_CN.UTF-8", "zh_CN", ""}, "en-US"},
        {"an_empty_one_is_not_set", {"", NULL, "zh_CN", NULL}, "zh-CN"},
        {"language_before_all", {"de_DE.UTF-8", "", "", "zh_CN:en"}, "zh-CN en"},
        {"language_under_c_utf8", {"", "", "C.UTF-8", "zh_CN"}, "zh-CN"},
        {"language_is_nothing_in_c", {"C", "", "zh_CN.UTF-8", "zh_CN"}, ""},
        {"language_is_nothing_in_posix", {"", "POSIX", "zh_CN.UTF-8", "zh_CN"}, ""},
        {"language_is_nothing_without_a_locale", {"", "", "", "zh_CN"}, ""},
        {"c_before_lang", {"C", "", "zh_CN.UTF-8", ""}, ""},
        {"a_modifier", {"", "", "zh_CN@pinyin", ""}, "zh-CN"},
        {"a_script", {"", "", "zh_Hans_CN.UTF-8", ""}, "zh-Hans-CN"},
        {"what_is_no_language", {"", "", "../../etc", ""}, ""},
        {"empty_ones_in_a_list", {"", "", "de_DE", "::zh_CN:"}, "zh-CN"},
    };
    (void)state;
    EACH(c, cases)
    {
        AUTO(arena_close) struct arena *a = arena_open();
        const char *wishes[TONGUE_WISHES], *all = "";
        size_t n = tongue_wishes(&c->e, a, wishes);
        for (size_t i = 0; i < n; i++)
            all = arena_printf(a, "%s%s%s", all, i > 0 ? " " : "", wishes[i]);
        expect_text(c->name, all, c->wishes);
    }
}

/* A folder of templates with one catalog for the command "probe". */
struct shelf {
    struct folder folder;
    struct conf conf;
};

static const char *path_in(const struct shelf *s, struct arena *a, const char *name)
{
    return arena_printf(a, "%s%s", s->folder.path, name);
}

static void shelf_begin(struct shelf *s, const char *file, const char *text)
{
    AUTO(arena_close) struct arena *a = arena_open();
    assert_int_equal(folder_open(&s->folder), 0);
    mkdir(path_in(s, a, "/locales"), 0700);
    mkdir(path_in(s, a, "/locales/probe"), 0700);
    folder_write(path_in(s, a, arena_printf(a, "/locales/probe/%s", file)), str_of(text), 0600);
    s->conf = (struct conf){.templates_dir = s->folder.path};
}

static void shelf_end(struct shelf *s, const char *file)
{
    AUTO(arena_close) struct arena *a = arena_open();
    unlink(path_in(s, a, arena_printf(a, "/locales/probe/%s", file)));
    rmdir(path_in(s, a, "/locales/probe"));
    rmdir(path_in(s, a, "/locales"));
    assert_int_equal(rmdir(s->folder.path), 0);
}

static const struct command probe = {.name = "probe"};

/* What is told in the language given, or the environment's where that is NULL; *out is its tag. */
static int tell(
    const struct conf *conf, const char *lang, struct arena *a, const char **tag, const char **text)
{
    AUTO(tongue_close) struct tongue *t = NULL;
    struct cli c = {.command = &probe, .arena = a};
    int code = CLI_FINE;
    *tag = *text = "";
    if (lang) {
        c.given[0].name = "lang";
        c.given[0].value = lang;
        c.given_n = 1;
    }
    if (!tongue_open(&c, conf, &t, &code))
        return code;
    struct said s = SAY(a, "greeting", "hello {{name}}", {"name", "Ann"});
    *tag = arena_text(a, str_of(tongue_tag(t)));
    *text = arena_text(a, str_of(tongue_tell(t, s)));
    return code;
}

static void a_language_is_served_by_the_nearest_catalog(void **state)
{
    static const struct {
        const char *name, *file, *lang, *tag, *text;
    } cases[] = {
        {"itself", "zh-CN.json", "zh-CN", "zh-CN", "Ann 您好"},
        {"as_locales_are_written", "zh-CN.json", "zh_CN.UTF-8", "zh-CN", "Ann 您好"},
        {"the_language_alone", "zh-CN.json", "zh", "zh-CN", "Ann 您好"},
        {"its_script", "zh-CN.json", "zh-Hans", "zh-CN", "Ann 您好"},
        {"another_region_of_the_script", "zh-CN.json", "zh-SG", "zh-CN", "Ann 您好"},
        {"another_script", "zh-CN.json", "zh-TW", "en", "hello Ann"},
        {"a_catalog_named_by_script", "zh-Hans.json", "zh-CN", "zh-Hans", "Ann 您好"},
        {"a_catalog_of_the_whole_language", "fr.json", "fr-CA", "fr", "Ann 您好"},
        {"english_is_built_in", "zh-CN.json", "en-GB", "en", "hello Ann"},
        {"none", "zh-CN.json", "fr", "en", "hello Ann"},
    };
    (void)state;
    EACH(c, cases)
    {
        AUTO(arena_close) struct arena *a = arena_open();
        struct shelf s;
        const char *tag, *text;
        shelf_begin(&s, c->file, "{\"greeting\": \"{{name}} 您好\"}");
        expect_int(c->name, tell(&s.conf, c->lang, a, &tag, &text), CLI_FINE);
        expect_text(c->name, tag, c->tag);
        expect_text(c->name, text, c->text);
        shelf_end(&s, c->file);
    }
}

static void a_bad_catalog_is_none(void **state)
{
    static const struct {
        const char *name, *text;
    } cases[] = {
        {"no_json", "{\"greeting\""},
        {"no_object", "[]"},
        {"no_text", "{\"greeting\": 1}"},
        {"an_open_tag", "{\"greeting\": \"{{name\"}"},
        {"without_the_key", "{\"other\": \"x\"}"},
    };
    (void)state;
    EACH(c, cases)
    {
        AUTO(arena_close) struct arena *a = arena_open();
        struct shelf s;
        const char *tag, *text;
        shelf_begin(&s, "zh-CN.json", c->text);
        expect_int(c->name, tell(&s.conf, "zh-CN", a, &tag, &text), CLI_FINE);
        expect_text(c->name, text, "hello Ann");
        shelf_end(&s, "zh-CN.json");
    }
}

static void what_is_no_tag_is_wrong_usage(void **state)
{
    static const char *const given[] = {"", "../../../etc/passwd", "zh-CN/..", "a b", "C"};
    (void)state;
    EACH(lang, given)
    {
        AUTO(arena_close) struct arena *a = arena_open();
        const char *tag, *text;
        expect_int(*lang, tell(NULL, *lang, a, &tag, &text), EX_USAGE);
    }
}

static void the_environment_counts_without_the_option(void **state)
{
    AUTO(arena_close) struct arena *a = arena_open();
    struct shelf s;
    const char *tag, *text;
    (void)state;
    shelf_begin(&s, "zh-CN.json", "{\"greeting\": \"{{name}} 您好\"}");
    unsetenv("LC_MESSAGES");
    unsetenv("LANGUAGE");
    setenv("LANG", "C", 1);
    setenv("LC_ALL", "zh_CN.UTF-8", 1);
    tell(&s.conf, NULL, a, &tag, &text);
    expect_text("by LC_ALL", text, "Ann 您好");
    tell(&s.conf, "en", a, &tag, &text);
    expect_text("the option counts before it", text, "hello Ann");
    unsetenv("LC_ALL");
    tell(&s.conf, NULL, a, &tag, &text);
    expect_text("by LANG", text, "hello Ann");
    shelf_end(&s, "zh-CN.json");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_environment_is_read_in_the_order_of_gettext),
        cmocka_unit_test(a_language_is_served_by_the_nearest_catalog),
        cmocka_unit_test(a_bad_catalog_is_none),
        cmocka_unit_test(what_is_no_tag_is_wrong_usage),
        cmocka_unit_test(the_environment_counts_without_the_option),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The newsletter of docs/templates.md, built from the page's own text: what is shown there works. */
#include "tests/templates/shelf_case.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static const char *const files[] = {"mails/winter_news/mail.json",
    "mails/winter_news/subject.mustache", "mails/winter_news/preheader.mustache",
    "mails/winter_news/html.mustache", "mails/winter_news/text.mustache", "locales/en.json",
    "locales/de.json", "news.json"};

static void read_page(struct buf *out)
{
    char text[4096];
    FILE *f = fopen("docs/templates.md", "r");
    assert_non_null(f);
    for (size_t n; (n = fread(text, 1, sizeof text, f)) > 0;)
        buf_add(out, str_bytes(text, n));
    fclose(f);
}

/* What the page says of a file: the block that follows the line which begins with its name. */
static struct str block_of(struct str page, const char *file)
{
    char head[80];
    snprintf(head, sizeof head, "\n\n`%s`", file);
    size_t at = str_find(page, str_of(head), 0);
    size_t from = str_find_char(page, '\n', str_find(page, STR("\n\n```"), at + 2) + 2) + 1;
    if (at == page.n || from > page.n)
        fail_msg("docs/templates.md does not show %s", file);
    return str_slice(page, from, str_find(page, STR("\n```"), from) + 1);
}

static void build(const struct folder *f, struct str page)
{
    folder_make(f, "mails");
    folder_make(f, "mails/winter_news");
    folder_make(f, "locales");
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        AUTO(buf_close) struct buf text = {0};
        buf_add(&text, block_of(page, files[i]));
        write_file(f->path, files[i], buf_text(&text));
    }
}

static const struct {
    const char *locale;
    const char *subject, *why, *leave, *until;
} languages[] = {
    {"en-GB", "New for the winter at Nordwind",
        "You receive this message because you agreed to hear from Nordwind.", "Unsubscribe",
        "until 24 December 2026."},
    {"de", "Neu für den Winter bei Nordwind",
        "Sie erhalten diese Nachricht, weil Sie eingewilligt haben, Nachrichten von Nordwind zu "
        "erhalten.",
        "Abbestellen", "bis zum 24. Dezember 2026."},
};

static void check_language(const struct mails *m, struct str data_text, size_t i)
{
    AUTO(mail_close) struct mail *mail = compile_mail(m, "winter_news", languages[i].locale);
    AUTO(arena_close) struct arena *a = arena_open();
    AUTO(js_close) struct js *data = parse_json(arena_text(a, data_text));
    AUTO(mail_parts_close) struct mail_parts parts = {0};
    const struct mail_links links = {STR("https://mail.nordwind.example/u/t0ken")};
    struct faults faults;
    faults_init(&faults, a);
    mail_check(mail, data, STR(""), &faults);
    assert_int_equal(faults.n, 0);
    render_mail(mail, data, &links, &parts);
    assert_string_equal(buf_text(&parts.subject), languages[i].subject);
    const char *const shown[] = {buf_text(&parts.html), buf_text(&parts.text)};
    for (size_t k = 0; k < 2; k++) {
        assert_non_null(strstr(shown[k], languages[i].why));
        assert_non_null(strstr(shown[k], languages[i].leave));
        assert_non_null(strstr(shown[k], languages[i].until));
        assert_non_null(strstr(shown[k], "https://mail.nordwind.example/u/t0ken"));
        assert_non_null(strstr(shown[k], "https://shop.example/wool"));
    }
}

static void the_newsletter_of_the_page_renders(void **state)
{
    (void)state;
    AUTO(folder_remove) struct folder f = {""};
    AUTO(buf_close) struct buf page = {0};
    AUTO(mails_close) struct mails *m = NULL;
    struct err e;
    read_page(&page);
    folder_open(&f);
    build(&f, buf_str(&page));
    const char *const dirs[] = {f.path, "templates"};
    if (!mails_open(dirs, 2, &m, &e))
        fail_msg("%s", e.text);
    for (size_t i = 0; i < COUNT_OF(languages); i++)
        check_language(m, block_of(buf_str(&page), "news.json"), i);
}

/* The layout asks no order of it, so none may be handed in; of the shipped mails it still does. */
static void the_newsletter_knows_no_order(void **state)
{
    (void)state;
    AUTO(folder_remove) struct folder f = {""};
    AUTO(buf_close) struct buf page = {0};
    AUTO(mails_close) struct mails *m = NULL;
    struct err e = {0};
    read_page(&page);
    folder_open(&f);
    build(&f, buf_str(&page));
    write_file(f.path, "mails/winter_news/mail.json",
        "{\"stream\":\"transactional\",\"variables\":{\"customer.name\":{\"type\":\"text\"},"
        "\"products\":{\"type\":\"list\",\"of\":{\"name\":{\"type\":\"text\"},\"url\":{\"type\":"
        "\"url\"},\"price\":{\"type\":\"money\"}}},\"ends\":{\"type\":\"date\"}}}");
    const char *const dirs[] = {f.path, "templates"};
    assert_false(mails_open(dirs, 2, &m, &e));
    assert_non_null(strstr(e.text,
        "locales/de.json, \"footer.why\": \"order.number\" is not declared by mail winter_news"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_newsletter_of_the_page_renders),
        cmocka_unit_test(the_newsletter_knows_no_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "tests/mailer/mime/mails.h"

#define ADDRESS(name, mailbox)                                                                     \
    {                                                                                              \
        .display = {"" name, sizeof(name) - 1}, .spec = { "" mailbox, sizeof(mailbox) - 1 }        \
    }
#define TEXT(s)                                                                                    \
    {                                                                                              \
        "" s, sizeof(s) - 1                                                                        \
    }

#define LONG_10 "0123456789"
#define LONG_100 LONG_10 LONG_10 LONG_10 LONG_10 LONG_10 LONG_10 LONG_10 LONG_10 LONG_10 LONG_10
#define LONG_1000                                                                                  \
    LONG_100 LONG_100 LONG_100 LONG_100 LONG_100 LONG_100 LONG_100 LONG_100 LONG_100 LONG_100

static const char every_byte[256] = {
#define ROW(n) n, n + 1, n + 2, n + 3, n + 4, n + 5, n + 6, n + 7
    ROW(0), ROW(8), ROW(16), ROW(24), ROW(32), ROW(40), ROW(48), ROW(56), ROW(64), ROW(72), ROW(80),
    ROW(88), ROW(96), ROW(104), ROW(112), ROW(120), ROW(-128), ROW(-120), ROW(-112), ROW(-104),
    ROW(-96), ROW(-88), ROW(-80), ROW(-72), ROW(-64), ROW(-56), ROW(-48), ROW(-40), ROW(-32),
    ROW(-24), ROW(-16), ROW(-8)};

static const struct mime_part pdf[] = {
    {TEXT("invoice.pdf"), TEXT("application/pdf"), TEXT(""), {every_byte, sizeof every_byte}},
};
static const struct mime_part logo[] = {
    {TEXT("logo.png"), TEXT("image/png"), TEXT("logo@shop.example"), TEXT("\x89PNG\r\n\x1a\n")},
};
static const struct mime_part logo_and_files[] = {
    {TEXT("Rechnung für Müller.pdf"), TEXT("application/pdf"), TEXT(""),
        {every_byte, sizeof every_byte}},
    {TEXT(""), TEXT("image/png"), TEXT("logo@shop.example"), TEXT("\x89PNG\r\n\x1a\n")},
    {TEXT("发票-一个很长的文件名-一个很长的文件名-一个很长的文件名 (终).csv"),
        TEXT("text/csv; charset=utf-8"), TEXT(""), TEXT("a,b\r\n1,2\r\n")},
    {TEXT("it's \"quoted\"; 100% \\ .txt"), TEXT("text/plain"), TEXT(""), TEXT("")},
    {TEXT(LONG_100 LONG_100 ".txt"), TEXT("text/plain"), TEXT(""), TEXT("x")},
};
static const struct header further[] = {
    {TEXT("Auto-Submitted"), TEXT("auto-generated")},
    {TEXT("Feedback-ID"), TEXT("shipping:shop-1:parcelpost")},
    {TEXT("X-Note"), TEXT("Grüße aus dem Lager, Regal 4")},
    {TEXT("X-A-Name-That-Is-As-Long-As-A-Name-Can-Be-In-Mails"), TEXT("😀 Grüße 你好")},
    {TEXT("X-Long"), TEXT(LONG_100 LONG_100 " " LONG_100)},
};

const struct mail_case mail_cases[] = {
    {"text_only", "text/plain", {.text = TEXT("It is on its way.\n")}},
    {"html_only", "text/html",
        {.text = TEXT(""), .html = TEXT("<p style=\"x\">Hi &amp; bye</p>\n")}},
    {"text_and_html", "multipart/alternative(text/plain,text/html)", {.html = TEXT("<p>Hi</p>\n")}},
    {"an_inline_image", "multipart/related(text/html,image/png)",
        {.text = TEXT(""),
            .html = TEXT("<img src=\"cid:logo@shop.example\">"),
            .parts = logo,
            .parts_n = 1}},
    {"text_html_and_an_inline_image",
        "multipart/related(multipart/alternative(text/plain,text/html),image/png)",
        {.html = TEXT("<img src=\"cid:logo@shop.example\">"), .parts = logo, .parts_n = 1}},
    {"text_and_an_attachment", "multipart/mixed(text/plain,application/pdf)",
        {.parts = pdf, .parts_n = 1}},
    {"text_html_and_an_attachment",
        "multipart/mixed(multipart/alternative(text/plain,text/html),application/pdf)",
        {.html = TEXT("<p>Hi</p>"), .parts = pdf, .parts_n = 1}},
    {"everything_at_once",
        "multipart/mixed(multipart/related(multipart/alternative(text/plain,text/html),image/png),"
        "application/pdf,text/csv,text/plain,text/plain)",
        {.html = TEXT("<p>Hi</p>"),
            .parts = logo_and_files,
            .parts_n = COUNT_OF(logo_and_files),
            .more = further,
            .more_n = COUNT_OF(further)}},
    {"names_that_need_quotes", "text/plain",
        {.from = ADDRESS("Shop, Inc. (\"the\" <shop>) \\o/", "shop@shop.example"),
            .to = ADDRESS("Berg, Anna", "\"anna b\"@mail.example"),
            .reply_to = ADDRESS("A. B.", "help@shop.example")}},
    {"names_in_german_and_chinese", "text/plain",
        {.from = ADDRESS("Müller & Söhne GmbH", "info@xn--mller-kva.example"),
            .to = ADDRESS("欢迎光临我们的跨境电商独立站客户服务中心欢迎光临我们的跨境电商独立站",
                "anna@mail.example"),
            .reply_to = ADDRESS("Kundenservice – Grüße", "help@shop.example")}},
    {"a_very_long_name", "text/plain",
        {.from = ADDRESS(LONG_10 " and " LONG_10 " and " LONG_10 " and " LONG_10 " and " LONG_10
                                 " and " LONG_10 ", Inc.",
             "shop@shop.example")}},
    {"a_name_that_looks_encoded", "text/plain",
        {.from = ADDRESS("=?utf-8?q?bank?=", "shop@shop.example"),
            .subject = TEXT("=?utf-8?q?not_what_it_seems?=")}},
    {"an_empty_subject", "text/plain", {.subject = TEXT("")}},
    {"a_german_subject", "text/plain",
        {.subject = TEXT("Ihre Bestellung Nr. 10432 wurde heute verschickt – schöne Grüße "
                         "aus München und bis bald in unserem Laden am Viktualienmarkt")}},
    {"a_chinese_subject", "text/plain",
        {.subject = TEXT("您的订单已经发货，预计三到五个工作日内送达，请注意查收，感谢您对我们的"
                         "支持与信任，欢迎再次光临我们的网站")}},
    {"an_emoji_subject", "text/plain",
        {.subject = TEXT("🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉 "
                         "👨‍👩‍👧‍👦 "
                         "done")}},
    {"an_arabic_subject", "text/plain",
        {.subject = TEXT("تم شحن طلبك رقم 10432 وسيصل خلال ثلاثة أيام عمل إن شاء الله")}},
    {"a_long_ascii_subject", "text/plain",
        {.subject = TEXT("one two three four five six seven eight nine ten eleven twelve "
                         "thirteen fourteen fifteen sixteen seventeen eighteen nineteen")}},
    {"a_subject_of_one_long_word", "text/plain", {.subject = TEXT("x" LONG_100 LONG_100)}},
    {"a_subject_too_long_for_a_line", "text/plain", {.subject = TEXT("x " LONG_1000)}},
    {"spaces_around_and_inside_a_subject", "text/plain",
        {.subject = TEXT("  two  spaces   here  ")}},
    {"spaces_beside_encoded_words", "text/plain", {.subject = TEXT("plain ü plain ü  ü plain")}},
    {"only_a_space", "text/plain", {.subject = TEXT(" ")}},
    {"marketing_links", "text/plain",
        {.list_unsubscribe_url = TEXT("https://shop.example/u/" LONG_100 LONG_100),
            .list_unsubscribe_mailto = TEXT("u@shop.example?subject=" LONG_100)}},
    {"a_body_full_of_traps", "multipart/alternative(text/plain,text/html)",
        {.text = TEXT(
             ".\n..\nFrom here\nspace \ntab\t\n=3D=\n--=_\n\nGrüße 你好 😀\n" LONG_1000 "\r\nend"),
            .html = TEXT("<p>" LONG_1000 " ü " LONG_1000 "</p>")}},
};
const size_t mail_cases_n = COUNT_OF(mail_cases);

static void fill(struct str *field, struct str by_default)
{
    if (!field->p)
        *field = by_default;
}

static void fill_address(struct address *a, struct str display, struct str spec)
{
    fill(&a->display, display);
    fill(&a->spec, spec);
}

struct message mail_case_message(size_t i)
{
    struct message m = mail_cases[i].m;

    fill_address(&m.from, STR("Shop"), STR("shop@shop.example"));
    fill_address(&m.to, STR(""), STR("anna@mail.example"));
    fill_address(&m.reply_to, STR(""), STR(""));
    fill(&m.subject, STR("Your parcel"));
    fill(&m.text, STR("It is on its way.\n"));
    fill(&m.html, STR(""));
    fill(&m.message_id, STR("msg_1@shop.example"));
    fill(&m.seed, STR("seed"));
    fill(&m.list_unsubscribe_url, STR(""));
    fill(&m.list_unsubscribe_mailto, STR(""));
    m.date_ms = 1795252150000;
    return m;
}

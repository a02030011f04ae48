#include "mailer/http/page.h"

#include "base/encode.h"

static const char style[] =
    "body{margin:0;font:1.1rem/1.5 system-ui,sans-serif;color:#1b1b1b;background:#f4f4f2}"
    "main{max-width:34rem;margin:10vh auto;padding:2rem;background:#fff;border-radius:.5rem}"
    "h1{font-size:1.5rem;margin-top:0}"
    "button{font:inherit;display:block;width:100%;margin:1rem 0 0;padding:.8rem;border-radius:"
    ".4rem;border:2px solid #14477a;background:#14477a;color:#fff;cursor:pointer}"
    "button+button{background:#fff;color:#14477a}"
    "button:focus-visible{outline:3px solid #e08a00;outline-offset:2px}"
    "@media(prefers-color-scheme:dark){body{background:#191919;color:#eee}"
    "main{background:#262626}button+button{background:#262626;color:#9cc8f5;border-color:#9cc8f5}}";

struct words {
    const char *title, *text;
};

static const struct language {
    const char *tag, *only_this, *all;
    struct words pages[PAGES];
} languages[] = {
    {"en", "Unsubscribe", "Stop all marketing mail",
        {[PAGE_ASK] = {"Unsubscribe?",
             "If you unsubscribe, this shop sends you no more mail of this kind. Mail about your "
             "orders, such as shipping notices and refunds, still comes. Nothing has changed yet."},
            [PAGE_DONE] = {"You are unsubscribed",
                "It is stored and holds from now on. You can close this page."},
            [PAGE_UNCLEAR] = {"Nothing was changed", "Please use one of the buttons."},
            [PAGE_FAILED] = {"That did not work",
                "Your wish could not be stored just now. Please try again in a minute."}}},
    {"de", "Abbestellen", "Alle Werbemails abbestellen",
        {[PAGE_ASK] = {"Abbestellen?",
             "Wenn Sie abbestellen, schickt Ihnen dieser Shop keine Mails dieser Art mehr. Mails "
             "zu Ihren Bestellungen, etwa Versandmitteilungen und Erstattungen, kommen weiterhin. "
             "Noch ist nichts geändert."},
            [PAGE_DONE] = {"Die Mails sind abbestellt",
                "Das ist gespeichert und gilt ab sofort. Sie können diese Seite schließen."},
            [PAGE_UNCLEAR] = {"Es wurde nichts geändert",
                "Bitte benutzen Sie eine der Schaltflächen."},
            [PAGE_FAILED] = {"Das hat nicht geklappt", "Ihr Wunsch konnte gerade nicht gespeichert "
                                                       "werden. Bitte versuchen Sie es in einer "
                                                       "Minute noch einmal."}}},
};

/* q=0.8 as 800; 1000 where none is given, 0 where it cannot be read. */
static unsigned weight_of(struct str parameters)
{
    struct str q = str_trim(parameters);
    unsigned weight = 0, unit = 1000;

    if (q.n == 0)
        return 1000;
    if (!str_starts_nocase(q, STR("q=")))
        return 0;
    for (size_t i = 2; i < q.n && unit > 0; i++) {
        if (q.p[i] == '.')
            continue;
        if (q.p[i] < '0' || q.p[i] > '9')
            return 0;
        weight += (unsigned)(q.p[i] - '0') * unit;
        unit /= 10;
    }
    return weight;
}

const char *page_language(struct str accept_language)
{
    const char *best = languages[0].tag;
    unsigned heaviest = 0;
    struct str range;

    while (str_next(&accept_language, ',', &range)) {
        size_t semicolon = str_find_char(range, ';', 0);
        struct str tag = str_trim(str_slice(range, 0, semicolon));
        unsigned weight = weight_of(str_slice(range, semicolon + 1, range.n));
        tag = str_slice(tag, 0, str_find_char(tag, '-', 0));
        for (size_t i = 0; i < COUNT_OF(languages) && weight > heaviest; i++) {
            if (str_is_nocase(tag, languages[i].tag)) {
                best = languages[i].tag;
                heaviest = weight;
            }
        }
    }
    return best;
}

static const char *policy(struct exchange *x)
{
    AUTO(buf_close) struct buf hash = {0};
    struct digest digest;

    hash_sha256(str_of(style), &digest);
    encode_base64(&hash, digest_str(&digest));
    return arena_printf(x->arena,
        "default-src 'none'; style-src 'sha256-%s'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'",
        buf_text(&hash));
}

static void write_page(struct buf *out, const struct language *l, enum page page)
{
    buf_addf(out,
        "<!doctype html>\n<html lang=\"%s\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
        "<meta name=\"robots\" content=\"noindex\">\n<title>%s</title>\n<style>",
        l->tag, l->pages[page].title);
    buf_add_text(out, style);
    buf_addf(out, "</style>\n</head>\n<body>\n<main>\n<h1>%s</h1>\n<p>%s</p>\n",
        l->pages[page].title, l->pages[page].text);
    if (page != PAGE_DONE)
        buf_addf(out,
            "<form method=\"post\">\n<button name=\"confirm\" value=\"stream\">%s</button>\n"
            "<button name=\"confirm\" value=\"all\">%s</button>\n</form>\n",
            l->only_this, l->all);
    buf_add_text(out, "</main>\n</body>\n</html>\n");
}

void page_answer(struct exchange *x, unsigned status, enum page page)
{
    const char *tag = page_language(exchange_header(x, "Accept-Language"));
    AUTO(buf_close) struct buf html = {0};

    for (size_t i = 0; i < COUNT_OF(languages); i++)
        if (strcmp(languages[i].tag, tag) == 0)
            write_page(&html, &languages[i], page);
    answer_header(x, "Content-Security-Policy", policy(x));
    answer_header(x, "X-Frame-Options", "DENY");
    answer_header(x, "Content-Language", tag);
    answer_header(x, "Vary", "Accept-Language");
    answer_text(x, status, "text/html; charset=utf-8", buf_str(&html));
}

#include "tests/dns/audit/audit_world.h"

#include "base/encode.h"
#include "tests/dns/audit/audit_words.h"

/* Strings of TXT have at most 255 characters: the key comes in two. */
static const char *const healthy[] = {
    "shop.example. A 198.51.100.80",
    "shop.example. MX 10 mx.shop.example.",
    "shop.example. TXT \"v=spf1 mx -all\"",
    "mx.shop.example. A 198.51.100.7",
    "mail.shop.example. A 198.51.100.8",
    "bounce.shop.example. MX 10 mx.shop.example.",
    "bounce.shop.example. TXT \"v=spf1 ip4:198.51.100.7 include:spf.esp.example -all\"",
    "spf.esp.example. TXT \"v=spf1 ip4:203.0.113.0/24 ip6:2001:db8:1::/48 ~all\"",
    "_dmarc.shop.example. TXT \"v=DMARC1; p=reject; rua=mailto:dmarc@shop.example\"",
    "7.100.51.198.in-addr.arpa. PTR mx.shop.example.",
    "other.example. A 203.0.113.9",
};

struct str shop_public_key(struct shop *s, const char *base64)
{
    struct buf bytes = {0};
    assert_true(decode_base64(&bytes, str_of(base64)));
    struct str out = arena_str(s->world.arena, buf_str(&bytes));
    buf_close(&bytes);
    return out;
}

static void get_page(void *state, const char *url, const struct web_limits *limits, struct arena *a,
    struct fetch_answer *out)
{
    const struct shop *s = state;
    (void)limits;
    *out = (struct fetch_answer){.status = s->page[0] ? FETCH_OK : FETCH_NO_CONNECTION,
        .why = s->page[0] ? "" : "the connection was refused",
        .http_status = s->page[0] ? 200 : 0,
        .content_type = "text/plain",
        .url = arena_text(a, str_of(url)),
        .location = "",
        .body = str_of(s->page)};
}

void shop_begin(struct shop *s)
{
    *s = (struct shop){.page = "", .web = {get_page, s}};
    world_begin(&s->world);
    for (size_t i = 0; i < COUNT_OF(healthy); i++)
        s->lines[s->lines_n++] = healthy[i];
    const struct audit_record key = {
        "s1._domainkey.shop.example", "TXT", 300, "v=DKIM1; k=rsa; p=" RSA_2048};
    shop_add(s, &key);
    s->keys[0] = (struct audit_key){"shop.example", "s1", "rsa", shop_public_key(s, RSA_2048)};
    assert_true(ip_parse(STR("198.51.100.7"), &s->addresses[0]));
    s->setup = (struct audit_setup){
        .clock = &s->world.clock,
        .web = &s->web,
        .domain = "shop.example",
        .keys = s->keys,
        .keys_n = 1,
        .keys_are_all = true,
        .addresses = s->addresses,
        .addresses_n = 1,
        .mail_from = "bounce.shop.example",
        .helo = "mx.shop.example",
        .links = "mail.shop.example",
    };
}

void shop_end(struct shop *s)
{
    world_end(&s->world);
}

/* "name type" begins the line, whatever TTL and class it has. */
static bool is_of(const char *line, struct str name, struct str type)
{
    struct str rest = str_of(line), word;
    if (!str_next(&rest, ' ', &word) || !str_eq_nocase(word, name))
        return false;
    while (str_next(&rest, ' ', &word))
        if (str_eq(word, type))
            return true;
        else if (!str_is(word, "300") && !str_is(word, "IN") && word.n > 0 &&
                 !str_starts(word, STR("(")))
            return false;
    return false;
}

void shop_change(struct shop *s, const char *remove, const char *add)
{
    struct str removals = str_of(remove), additions = str_of(add), one;
    while (str_next(&removals, ',', &one)) {
        size_t blank = str_find_char(one, ' ', 0), kept = 0;
        for (size_t i = 0; i < s->lines_n; i++)
            if (!is_of(s->lines[i], str_slice(one, 0, blank), str_slice(one, blank + 1, one.n)))
                s->lines[kept++] = s->lines[i];
        s->lines_n = kept;
    }
    while (str_next(&additions, '\n', &one)) {
        assert_true(s->lines_n < SHOP_LINES);
        s->lines[s->lines_n++] = arena_text(s->world.arena, one);
    }
}

void shop_add(struct shop *s, const struct audit_record *r)
{
    struct buf line = {0};
    assert_true(s->lines_n < SHOP_LINES);
    audit_record_line(r, s->lines_n % 2 == 0 ? 0 : 60, &line);
    s->lines[s->lines_n++] = arena_text(s->world.arena, buf_str(&line));
    buf_close(&line);
}

void shop_publish(struct shop *s, const struct audit_finding *f)
{
    for (size_t i = 0; i < f->publish_n; i++)
        shop_change(
            s, arena_printf(s->world.arena, "%s. %s", f->publish[i].name, f->publish[i].type), "");
    for (size_t i = 0; i < f->publish_n; i++)
        shop_add(s, &f->publish[i]);
}

void shop_audit(struct shop *s, struct audit_report *out)
{
    struct buf text = {0};
    buf_add_text(&text, "$ORIGIN .\n$TTL 300\n. IN SOA ns.root. host.root. 1 2 3 4 60\n");
    for (size_t i = 0; i < s->lines_n; i++)
        buf_addf(&text, "%s\n", s->lines[i]);
    world_zone(&s->world, 0, buf_text(&text));
    buf_close(&text);
    world_resolver(&s->world, NULL, 1000);
    s->setup.resolver = s->world.resolver;
    audit_run(&s->setup, s->world.arena, out);
    words_check(out);
}

const struct audit_finding *shop_finding(const struct audit_report *r, const char *code)
{
    for (size_t i = 0; i < r->findings_n; i++)
        if (strcmp(r->findings[i].code, code) == 0)
            return &r->findings[i];
    return NULL;
}

const struct audit_finding *shop_same(const struct audit_report *r, const struct audit_finding *f)
{
    for (size_t i = 0; i < r->findings_n; i++)
        if (strcmp(r->findings[i].code, f->code) == 0 && strcmp(r->findings[i].name, f->name) == 0)
            return &r->findings[i];
    return NULL;
}

const struct audit_gap *shop_gap(const struct audit_report *r, const char *code)
{
    for (size_t i = 0; i < r->gaps_n; i++)
        for (size_t j = 0; j < r->gaps[i].codes_n; j++)
            if (strcmp(r->gaps[i].codes[j], code) == 0)
                return &r->gaps[i];
    return NULL;
}

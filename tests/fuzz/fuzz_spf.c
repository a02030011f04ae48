/* SPF records and explanations from strangers: whatever stands in them, what is read lies within them and has only
 * values that exist; whatever they expand to is bounded; names that come out can be asked for. Links: dns, base. */
#include <stdlib.h>

#include "dns/spf_record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool condition)
{
    if (!condition)
        abort();
}

static struct str nobody(void *state)
{
    (void)state;
    return STR("unknown");
}

static const struct spf_values values = {
    .sender = {"strong--bad@shop.example", 24},
    .local = {"strong--bad", 11},
    .sender_domain = {"shop.example", 12},
    .domain = {"a..b.shop.example", 17},
    .helo = {"[192.0.2.1]", 11},
    .receiver = {"unknown", 7},
    .ip = {.family = 6, .b = {0x20, 1, 0xd, 0xb8}},
    .now_ms = 1795219200000,
    .validated_name = nobody,
};

/* What needs no escapes can be asked for; what needs some may grow too long by them. */
static void check_name(const char *name)
{
    char escaped[NAME_SIZE], again[NAME_SIZE];
    bool plain = true;
    for (const char *c = name; *c; c++)
        plain = plain && *c > ' ' && *c < 0x7f && *c != '\\';
    if (!name_from_bytes(str_of(name), escaped))
        must(!plain);
    else
        must(name_canonical(str_of(escaped), again) && strcmp(escaped, again) == 0);
}

static void check_term(const struct spf_record *r, const struct spf_term *t)
{
    char name[NAME_SIZE];
    struct spf_place place;
    must(t->kind <= SPF_UNKNOWN_MODIFIER && t->text.n > 0);
    must(t->at + t->text.n <= r->text.n && r->text.p + t->at == t->text.p);
    must((t->qualifier == 0) == (t->kind >= SPF_REDIRECT));
    must(t->bits4 >= 0 && t->bits4 <= 32 && t->bits6 >= 0 && t->bits6 <= 128);
    must((t->network.family != 0) == (t->kind == SPF_IP4 || t->kind == SPF_IP6));
    must(str_is_ascii(t->text) && !str_has_control(t->text));
    if (t->domain_spec.n == 0)
        return;
    must(spf_domain_spec_is_valid(t->domain_spec, &place));
    if (spf_expand_name(t->domain_spec, &values, name))
        check_name(name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(arena_close) struct arena *a = arena_open();
    AUTO(buf_close) struct buf out = {0};
    struct str text = str_bytes(data, size);
    struct spf_place place = {0};
    struct spf_record r;

    if (!spf_macro_is_valid(text, SPF_MACRO_IN_EXPLANATION, &place))
        must(place.at <= text.n && place.why.text);
    else if (spf_expand(text, &values, &out))
        must(out.n <= SPF_EXPANSION_MAX);
    if (!spf_is_record(text))
        return 0;
    spf_record_parse(text, a, &r);
    for (size_t i = 0; i < r.n; i++)
        check_term(&r, &r.terms[i]);
    must(r.valid || (r.fault.at <= text.n && r.fault.why.text && r.fault.term == r.n));
    return 0;
}

#include "tests/dns/audit/audit_words.h"
#include "tests/dns/world.h"

static bool is_key(const char *key)
{
    size_t n = strspn(key, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");
    return n > 0 && key[n] == 0 && strchr(key, '.');
}

static void check(const struct said *s)
{
    if (!is_key(s->key))
        fail_msg("\"%s\" has no key", s->text);
    if (strstr(s->text, "{{"))
        fail_msg("%s: a value is missing in \"%s\"", s->key, s->text);
    for (size_t i = 0; i < s->values_n; i++)
        if (!strstr(s->text, s->values[i].text))
            fail_msg("%s: \"%s\" does not say {{%s}}", s->key, s->text, s->values[i].name);
    if (!s->inner)
        return;
    check(s->inner);
    if (!strstr(s->text, s->inner->text))
        fail_msg("%s: \"%s\" does not say {{said}}", s->key, s->text);
}

void words_check(const struct audit_report *r)
{
    check(&r->sentence);
    if (!said_is_nothing(&r->dnssec.reason))
        check(&r->dnssec.reason);
    for (size_t i = 0; i < r->dnssec.chain_n; i++)
        if (!said_is_nothing(&r->dnssec.chain[i].why))
            check(&r->dnssec.chain[i].why);
    for (size_t i = 0; i < r->findings_n; i++)
        check(&r->findings[i].detail);
    for (size_t i = 0; i < r->gaps_n; i++)
        check(&r->gaps[i].reason);
    for (size_t i = 0; i < r->providers_n; i++)
        for (size_t j = 0; j < r->providers[i].rules_n; j++)
            check(&r->providers[i].rules[j].detail);
}

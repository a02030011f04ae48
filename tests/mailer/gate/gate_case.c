#include "tests/mailer/gate/gate_case.h"

static struct dkim_key *make_key(
    enum dkim_algorithm algorithm, const char *domain, const char *selector)
{
    struct buf pem = {0};
    struct dkim_key *key = NULL;
    struct err e;
    if (!dkim_key_new(algorithm, 2048, &pem, &e) ||
        !dkim_key_open(domain, selector, buf_str(&pem), &key, &e))
        fail_msg("%s", e.text);
    buf_close(&pem);
    return key;
}

int make_keys(void **state)
{
    static struct key_set keys;
    keys.rsa = make_key(DKIM_RSA_SHA256, "shop.example", "rsa");
    keys.ed = make_key(DKIM_ED25519_SHA256, "shop.example", "ed");
    keys.sub = make_key(DKIM_ED25519_SHA256, "mail.shop.example", "sub");
    keys.esp = make_key(DKIM_ED25519_SHA256, "esp.example", "esp");
    keys.other_rsa = make_key(DKIM_RSA_SHA256, "shop.example", "rsa");
    *state = &keys;
    return 0;
}

int close_keys(void **state)
{
    struct key_set *k = *state;
    dkim_key_close(&k->rsa);
    dkim_key_close(&k->ed);
    dkim_key_close(&k->sub);
    dkim_key_close(&k->esp);
    dkim_key_close(&k->other_rsa);
    return 0;
}

const char *key_line(struct world *w, const struct dkim_key *k, const char *edit)
{
    struct buf record = {0};
    dkim_key_record(k, &record);
    size_t p = str_find(buf_str(&record), STR("p="), 0);
    const char *text = edit ? arena_printf(w->arena, "%.*s%s", (int)p, record.p, edit)
                            : arena_text(w->arena, buf_str(&record));
    size_t half = strlen(text) / 2; /* RSA needs two strings */
    const char *line = arena_printf(w->arena, "%s._domainkey.%s. 300 TXT \"%.*s\" \"%s\"\n",
        dkim_key_selector(k), dkim_key_domain(k), (int)half, text, text + half);
    buf_close(&record);
    return line;
}

const char *zone_text(struct world *w, const char *records)
{
    return arena_printf(
        w->arena, "$ORIGIN example.\n$TTL 300\n@ IN SOA ns host 1 2 3 4 60\n%s", records);
}

const char *spf_line(struct world *w, const char *return_path, const char *result)
{
    static const struct {
        const char *result, *record;
    } records[] = {
        {"pass", "v=spf1 ip4:" OUR_ADDRESS " -all"},
        {"fail", "v=spf1 -all"},
        {"temperror", "v=spf1 include:elsewhere.test -all"},
    };
    EACH(r, records)
    {
        if (strcmp(r->result, result) == 0)
            return arena_printf(w->arena, "%s. 300 TXT \"%s\"\n", return_path, r->record);
    }
    return "";
}

static const char *const our_addresses[] = {OUR_ADDRESS};

struct gate_question question(
    const char *return_path, const struct dkim_key *const *keys, size_t keys_n, bool with_address)
{
    return (struct gate_question){.from_domain = "shop.example",
        .return_path_domain = return_path,
        .keys = keys,
        .keys_n = keys_n,
        .hostname = "mx.shop.example",
        .public_addresses = our_addresses,
        .public_addresses_n = with_address};
}

struct gate *open_gate(struct world *w, bool only_warn)
{
    struct gate_setup s = {
        .resolver = w->resolver, .clock = &w->clock, .metrics = w->metrics, .only_warn = only_warn};
    return gate_open(&s);
}

const char *answer_text(struct world *w, const struct gate_verdict *v)
{
    static const char *const words[] = {"send", "warn", "hold", "defer"};
    return arena_printf(w->arena, "%s %s", words[v->answer], v->code);
}

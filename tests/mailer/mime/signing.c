#include "tests/mailer/mime/signing.h"

#include <stdio.h>

#include "tests/base/expect.h"
#include "tests/mailer/mime/mails.h"

static enum dkim_lookup look_up(void *context, const char *name, struct buf *out)
{
    struct zone *z = context;

    z->lookups++;
    for (size_t i = 0; i < z->n; i++) {
        if (strcmp(z->records[i].name, name) != 0)
            continue;
        buf_add(out, buf_str(&z->records[i].text));
        return z->records[i].answer;
    }
    return DKIM_KEY_NONE;
}

void zone_add(struct zone *z, const char *name, enum dkim_lookup answer, struct str text)
{
    struct zone_record *r = &z->records[z->n++];

    if (z->n > ZONE_MAX)
        fail_msg("the zone is full");
    *r = (struct zone_record){.answer = answer};
    snprintf(r->name, sizeof r->name, "%s", name);
    buf_add(&r->text, text);
}

void zone_close(struct zone *z)
{
    for (size_t i = 0; i < z->n; i++)
        buf_close(&z->records[i].text);
    *z = (struct zone){.n = 0};
}

struct dkim_source zone_source(struct zone *z)
{
    return (struct dkim_source){.record = look_up, .context = z};
}

static struct dkim_key *make_key(struct signing *s, enum dkim_algorithm kind, const char *selector)
{
    AUTO(buf_wipe) struct buf pem = {0};
    AUTO(buf_close) struct buf record = {0};
    char name[128];
    struct dkim_key *k = NULL;
    struct err e = {0};

    if (!dkim_key_new(kind, 2048, &pem, &e) ||
        !dkim_key_open("shop.example", selector, buf_str(&pem), &k, &e))
        fail_msg("key: %s", e.text);
    snprintf(name, sizeof name, "%s._domainkey.shop.example", selector);
    dkim_key_record(k, &record);
    zone_add(&s->zone, name, DKIM_KEY_FOUND, buf_str(&record));
    return k;
}

void signing_open(struct signing *s, bool body_simple)
{
    struct dkim_setup setup = {.body_simple = body_simple};
    struct err e = {0};

    *s = (struct signing){0};
    if (!dkim_open(&setup, &s->dkim, &e))
        fail_msg("dkim_open: %s", e.text);
    s->rsa = make_key(s, DKIM_RSA_SHA256, "rsa");
    s->ed25519 = make_key(s, DKIM_ED25519_SHA256, "ed");
    s->source = zone_source(&s->zone);
}

void signing_close(struct signing *s)
{
    dkim_key_close(&s->rsa);
    dkim_key_close(&s->ed25519);
    dkim_close(&s->dkim);
    zone_close(&s->zone);
}

void signing_mail(struct signing *s, size_t mail_case, struct buf *out)
{
    AUTO(buf_close) struct buf mail = {0};
    const struct dkim_key *keys[] = {s->rsa, s->ed25519};
    struct message m = mail_case_message(mail_case);
    struct err e = {0};

    if (!compose(&m, &mail, &e) || !dkim_sign(s->dkim, keys, 2, buf_str(&mail), out, &e))
        fail_msg("%s: %s", mail_cases[mail_case].name, e.text);
    buf_add(out, buf_str(&mail));
}

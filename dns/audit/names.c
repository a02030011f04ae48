/* What checks say about names as such: the From domain itself, wildcards, sizes, aliases to nowhere. */
#include "dns/audit/inside.h"
#include "dns/suffix.h"

/* What a UDP answer holds without a second question over TCP (wire.h), less header and question. */
#define TXT_BYTES_MAX 1100

/* Providers of mailboxes for everybody, whose DMARC policy or whose own receivers refuse their domain
 * in From when another's server sends it. Those of one company's many country domains by prefix: what follows is then a
 * registry's, as com or co.uk. */
static const char *const free_mail[] = {"126.com", "163.com", "aol.com", "bol.com.br", "daum.net",
    "foxmail.com", "free.fr", "gmail.com", "gmx.at", "gmx.ch", "gmx.com", "gmx.de", "gmx.net",
    "googlemail.com", "icloud.com", "laposte.net", "libero.it", "mac.com", "mail.ru", "me.com",
    "msn.com", "naver.com", "orange.fr", "proton.me", "protonmail.com", "qq.com", "rediffmail.com",
    "sfr.fr", "sina.com", "t-online.de", "terra.com.br", "uol.com.br", "wanadoo.fr", "web.de",
    "yandex.com", "yandex.ru", "yeah.net", "zoho.com"};
static const char *const free_mail_families[] = {
    "hotmail.", "live.", "outlook.", "yahoo.", "ymail."};

void check_domain_absent(struct audit_case *c, const struct audit_check *k)
{
    const struct dns_answer *a = &c->from.self.a.answer;
    if (audit_is_failure(a->status))
        audit_skip_failed(c, k, c->domain, a->status);
    else if (a->status == DNS_NXDOMAIN && strcmp(a->canonical, c->domain) == 0)
        audit_add(
            c, k, c->domain, SAID("domain.absent", "the DNS says that this name does not exist"));
}

static bool is_free_mail(const char *domain)
{
    char own[NAME_SIZE];
    for (size_t i = 0; i < COUNT_OF(free_mail); i++)
        if (strcmp(domain, free_mail[i]) == 0)
            return true;
    for (size_t i = 0; i < COUNT_OF(free_mail_families); i++)
        if (str_starts(str_of(domain), str_of(free_mail_families[i])) &&
            suffix_registrable(domain, own) && strcmp(own, domain) == 0 && !suffix_is_hosted(own))
            return true;
    return false;
}

void check_free_mail(struct audit_case *c, const struct audit_check *k)
{
    if (is_free_mail(c->domain))
        audit_add(c, k, c->domain, SAID("domain.free_mail", "send from a domain of your own"));
}

static void check_wildcard_at(
    struct audit_case *c, const struct audit_check *k, const struct audit_question *q)
{
    const struct dns_answer *a = &q->answer;
    if (audit_is_failure(a->status)) {
        audit_skip_failed(c, k, q->name, a->status);
    } else if (a->status == DNS_FOUND) {
        struct audit_finding *f = audit_add(c, k, q->name,
            SAID("wildcard.found",
                "a name that nobody published has a TXT record: delete the wildcard, or give it no "
                "TXT"));
        audit_evidence(c, f, a->records[0].data, STR(""));
    }
}

void check_wildcard(struct audit_case *c, const struct audit_check *k)
{
    check_wildcard_at(c, k, &c->probe);
    check_wildcard_at(c, k, &c->apex_probe);
}

static void check_size_at(
    struct audit_case *c, const struct audit_check *k, const struct audit_question *q)
{
    size_t bytes = 0;
    for (size_t i = 0; i < q->answer.n; i++)
        bytes += q->answer.records[i].data.n + q->answer.records[i].data.n / 255 + 13;
    if (audit_is_failure(q->answer.status))
        audit_skip_failed(c, k, q->name, q->answer.status);
    else if (bytes > TXT_BYTES_MAX)
        audit_add(c, k, q->name,
            SAY(c->arena, "txt.too_long",
                "{{count}} TXT records with {{bytes}} bytes: delete verification texts that nobody "
                "needs any more",
                {"count", arena_printf(c->arena, "%zu", q->answer.n)},
                {"bytes", arena_printf(c->arena, "%zu", bytes)}));
}

void check_txt_size(struct audit_case *c, const struct audit_check *k)
{
    check_size_at(c, k, &c->txt);
    if (!c->mail_from_assumed)
        check_size_at(c, k, &c->back_txt);
}

/* ---- aliases to nowhere ---------------------------------------------------------------------- */

static size_t add_hosts(
    const struct audit_mail_domain *d, const struct audit_question **out, size_t n)
{
    out[n++] = &d->self.a;
    for (size_t i = 0; i < d->hosts_n; i++)
        out[n++] = &d->hosts[i].a;
    return n;
}

size_t audit_alias_questions(const struct audit_case *c, const struct audit_question **out)
{
    size_t n = 0;
    out[n++] = &c->dmarc;
    for (size_t i = 0; i < c->keys_n; i++)
        out[n++] = &c->keys[i].txt;
    n = add_hosts(&c->from, out, n);
    if (!c->mail_from_assumed)
        n = add_hosts(&c->back, out, n);
    if (strcmp(c->setup->helo, c->domain) != 0)
        out[n++] = &c->helo.a;
    out[n++] = &c->links.a;
    out[n++] = &c->around.sts_host.a;
    return n;
}

bool audit_alias_dangles(const struct audit_question *q)
{
    char name[NAME_SIZE];
    return q->name && q->answer.status == DNS_NXDOMAIN && name_canonical(str_of(q->name), name) &&
           strcmp(q->answer.canonical, name) != 0;
}

void check_dangling(struct audit_case *c, const struct audit_check *k)
{
    const struct audit_question *aliases[AUDIT_MAX_ALIASES];
    size_t n = audit_alias_questions(c, aliases);
    for (size_t i = 0; i < n; i++) {
        const struct audit_question *q = aliases[i];
        if (audit_is_failure(q->answer.status))
            audit_skip_failed(c, k, q->name, q->answer.status);
        if (!audit_alias_dangles(q))
            continue;
        const char *target = q->answer.canonical;
        struct audit_finding *f = audit_add(c, k, q->name,
            SAY(c->arena, "cname.dangling",
                "{{target}} does not exist: point the alias elsewhere, or delete it",
                {"target", target}));
        audit_evidence(c, f, str_of(arena_printf(c->arena, "%s. CNAME ... %s.", q->name, target)),
            str_of(target));
    }
}

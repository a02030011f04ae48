/* What checks say about hosts that work, and will hurt: private and repeated MX hosts, names of the sending host that
 * look rented, unsubscribe hosts. Source: RFC 5321 s2.3.5, s4.1.1.1, RFC 1918; M3AAWG Sender Best Practices. */
#include "dns/audit/inside.h"
#include "dns/suffix.h"

/* ---- MX -------------------------------------------------------------------------------------- */

static bool has_inside(const struct audit_question *q, uint8_t family)
{
    for (size_t i = 0; i < q->answer.n; i++) {
        struct ip ip = {.family = family};
        memcpy(ip.b, q->answer.records[i].data.p, family == 4 ? 4 : 16);
        if (ip_is_inside(&ip))
            return true;
    }
    return false;
}

bool audit_host_is_inside(const struct audit_host *h)
{
    return has_inside(&h->a, 4) || has_inside(&h->aaaa, 6);
}

static const char *mx_text(struct audit_case *c, const struct audit_host *h)
{
    return arena_printf(c->arena, "MX %d %s.", h->mx->number, h->name);
}

static void check_inside(
    struct audit_case *c, const struct audit_check *k, const struct audit_mail_domain *d)
{
    bool any_outside = false;
    for (size_t i = 0; i < d->hosts_n; i++)
        any_outside =
            any_outside || (audit_host_exists(&d->hosts[i]) && !audit_host_is_inside(&d->hosts[i]));
    for (size_t i = 0; i < d->hosts_n; i++) {
        if (!audit_host_is_inside(&d->hosts[i]))
            continue;
        struct audit_finding *f = audit_add(c, k, d->name,
            SAY(c->arena, "mx.private", "its MX host {{host}} has a private or loopback address",
                {"host", d->hosts[i].name}));
        audit_evidence(c, f, str_of(mx_text(c, &d->hosts[i])), str_of(d->hosts[i].name));
        audit_publish_mx(c, f, d);
        if (any_outside)
            f->severity = AUDIT_WARNING;
    }
}

void check_mx_private(struct audit_case *c, const struct audit_check *k)
{
    check_inside(c, k, &c->from);
    if (!c->mail_from_assumed)
        check_inside(c, k, &c->back);
}

static void check_repeated(
    struct audit_case *c, const struct audit_check *k, const struct audit_mail_domain *d)
{
    for (size_t i = 0; i < d->hosts_n; i++)
        for (size_t j = 0; j < i; j++) {
            if (strcmp(d->hosts[i].name, d->hosts[j].name) != 0)
                continue;
            struct audit_finding *f = audit_add(c, k, d->name,
                SAY(c->arena, "mx.twice", "{{host}} stands twice: one of them does nothing",
                    {"host", d->hosts[i].name}));
            audit_evidence(c, f, str_of(mx_text(c, &d->hosts[i])), str_of(d->hosts[i].name));
            audit_publish_mx(c, f, d);
            return;
        }
}

void check_mx_duplicate(struct audit_case *c, const struct audit_check *k)
{
    check_repeated(c, k, &c->from);
    if (!c->mail_from_assumed)
        check_repeated(c, k, &c->back);
}

/* ---- HELO ------------------------------------------------------------------------------------ */

static bool is_numeric(const char *label)
{
    return label[0] && label[strspn(label, "0123456789")] == 0;
}

bool audit_is_no_public_name(const char *name)
{
    static const char *const inner[] = {
        "localhost", "local", "localdomain", "internal", "lan", "home", "invalid"};
    const char *top = name_last_labels(name, 1);
    if (name_labels(name) < 2 || is_numeric(top) || strchr(name, '[') || strchr(name, ':'))
        return true;
    for (size_t i = 0; i < COUNT_OF(inner); i++)
        if (strcmp(top, inner[i]) == 0)
            return true;
    return false;
}

void check_helo_name(struct audit_case *c, const struct audit_check *k)
{
    const char *helo = c->setup->helo;
    if (helo[0] && audit_is_no_public_name(helo))
        audit_add(c, k, helo,
            SAID("helo.no_name",
                "say a full name of your own, as mail.shop.example, which has your "
                "address and stands in its PTR record"));
}

/* ---- PTR ------------------------------------------------------------------------------------- */

static bool helo_has(const struct audit_case *c, const struct ip *ip)
{
    const struct dns_answer *a = ip->family == 4 ? &c->helo.a.answer : &c->helo.aaaa.answer;
    for (size_t i = 0; i < a->n; i++)
        if (str_eq(a->records[i].data, str_bytes(ip->b, ip->family == 4 ? 4 : 16)))
            return true;
    return false;
}

static void propose_helo(
    struct audit_case *c, struct audit_finding *f, const struct audit_address *a)
{
    if (c->setup->helo[0] && helo_has(c, &a->ip))
        audit_publish(
            c, f, audit_place(&a->ptr), "PTR", arena_printf(c->arena, "%s.", c->setup->helo));
}

#define NUMBERS_MAX 16

/* The numbers of a name, zeros before them left out. */
static size_t numbers_of(struct str name, uint64_t out[NUMBERS_MAX])
{
    size_t n = 0;
    for (size_t i = 0; i < name.n && n < NUMBERS_MAX;) {
        size_t end = i;
        while (end < name.n && name.p[end] >= '0' && name.p[end] <= '9')
            end++;
        n += end > i && str_to_u64(str_slice(name, i, end), &out[n]);
        i = end + 1;
    }
    return n;
}

/* How many octets of the address stand in the name, each number taken for one of them. */
static int octets_in(const struct ip *ip, struct str name)
{
    uint64_t numbers[NUMBERS_MAX];
    size_t n = numbers_of(name, numbers);
    int found = 0;
    for (size_t i = 0; i < 4 && ip->family == 4; i++)
        for (size_t k = 0; k < n; k++)
            if (numbers[k] == ip->b[i]) {
                numbers[k] = UINT64_MAX;
                found++;
                break;
            }
    return found;
}

static bool is_letter(struct str s, size_t i)
{
    return i < s.n && s.p[i] >= 'a' && s.p[i] <= 'z';
}

/* Between what are no letters: "ppp-7", not "apppel". */
static bool has_word(struct str name, const char *word)
{
    for (size_t at = 0; (at = str_find(name, str_of(word), at)) < name.n; at++)
        if ((at == 0 || !is_letter(name, at - 1)) && !is_letter(name, at + strlen(word)))
            return true;
    return false;
}

/* "198-51-100-7.dyn.hoster.example": made of the address, as for machines that send no mail. What its owner has
 * registered is no word about the machine. */
static bool is_generic(const struct ip *ip, struct str name)
{
    static const char *const words[] = {"dynamic", "dyn", "dhcp", "dialup", "adsl", "pool", "ppp"};
    char text[NAME_SIZE], own[NAME_SIZE];
    if (str_copy(name, text, sizeof text) && suffix_registrable(text, own))
        name.n -= strlen(own);
    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (has_word(name, words[i]))
            return true;
    return octets_in(ip, name) >= 3;
}

void check_ptr_generic(struct audit_case *c, const struct audit_check *k)
{
    for (size_t i = 0; i < c->addresses_n; i++) {
        const struct audit_address *a = &c->addresses[i];
        bool all = a->ptr.answer.n > 0;
        for (size_t j = 0; j < a->ptr.answer.n; j++)
            all = all && is_generic(&a->ip, a->ptr.answer.records[j].data);
        if (!all)
            continue;
        struct str name = a->ptr.answer.records[0].data;
        struct audit_finding *f = audit_add(c, k, a->text,
            SAID("ptr.generic", "have it name your sending host, with a name of your own domain"));
        audit_evidence(c, f,
            str_of(arena_printf(c->arena, "%s. PTR " STR_FMT ".", a->ptr.name, STR_ARG(name))),
            name);
        if (!is_generic(&a->ip, str_of(c->setup->helo)))
            propose_helo(c, f, a);
    }
}

void check_helo_ptr(struct audit_case *c, const struct audit_check *k)
{
    for (size_t i = 0; c->setup->helo[0] && i < c->addresses_n; i++) {
        const struct audit_address *a = &c->addresses[i];
        bool named = a->ptr.answer.n == 0;
        for (size_t j = 0; j < a->ptr.answer.n; j++)
            named = named || str_is(a->ptr.answer.records[j].data, c->setup->helo);
        if (named)
            continue;
        const char *name = arena_text(c->arena, a->ptr.answer.records[0].data);
        struct audit_finding *f = audit_add(c, k, a->text,
            SAY(c->arena, "helo.ptr", "it calls itself {{helo}}, its PTR record {{ptr}}",
                {"helo", c->setup->helo}, {"ptr", name}));
        propose_helo(c, f, a);
    }
}

/* ---- unsubscribe links ----------------------------------------------------------------------- */

void check_links(struct audit_case *c, const struct audit_check *k)
{
    const struct audit_host *h = &c->links;
    if (!c->setup->links[0] || audit_is_no_public_name(c->setup->links))
        return;
    if (audit_host_is_unsure(h))
        audit_skip_failed(c, k, h->name, audit_host_failure(h));
    else if (!audit_host_exists(h))
        audit_add(c, k, h->name,
            SAID("links.no_address", "the host of unsubscribe links has no address"));
}

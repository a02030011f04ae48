/* One SPF record that mends the present one: terms that break it, find nothing, count for nothing or
 * stand twice are left out, our addresses come in, and where it still asks too much, includes are
 * replaced by the addresses behind them. */
#include "dns/audit/inside.h"

#define MAX_TERMS 128
#define MAX_TEXT                                                                                   \
    450 /* with the other records of its name it should fit one answer (RFC 7208 s3.4) */

struct piece {
    struct str text;
    size_t lookups;                      /* it and what is below it */
    const struct audit_spf_node *target; /* of an include that may be flattened */
};

enum plainness { UNJUDGED, BEING_JUDGED, PLAIN, NOT_PLAIN };

struct mend {
    struct audit_case *c;
    enum plainness plainness[AUDIT_MAX_SPF_NODES]; /* strangers choose how often a node is met */
    bool taken[AUDIT_MAX_SPF_NODES];
    struct piece pieces[MAX_TERMS];
    size_t n;
    char all; /* qualifier, 0 = none */
    bool redirected, flattened, overfull;
    bool names_senders; /* a present record does, well or badly */
};

static bool is_there(const struct mend *m, struct str text)
{
    for (size_t i = 0; i < m->n; i++)
        if (str_eq_nocase(m->pieces[i].text, text))
            return true;
    return false;
}

static void add_piece(struct mend *m, struct piece p)
{
    if (m->n == MAX_TERMS)
        m->overfull = true;
    else if (!is_there(m, p.text))
        m->pieces[m->n++] = p;
}

/* "+a" says no more than "a". */
static struct str without_plus(const struct spf_term *t)
{
    return str_starts(t->text, STR("+")) ? str_slice(t->text, 1, t->text.n) : t->text;
}

static bool is_useless(struct mend *m, const struct spf_record *r, const struct spf_term *t)
{
    const struct audit_spf_host *h = audit_spf_host_of(m->c, &m->c->spf[0], t);
    const struct audit_spf_node *target = audit_spf_target(m->c, t);
    struct said dead = audit_spf_dead(m->c, t);
    return t->kind == SPF_PTR || !audit_spf_counts(r, t) || (h && audit_spf_host_is_void(h)) ||
           !said_is_nothing(&dead) || target == &m->c->spf[0] || (h && audit_spf_has_too_many(h)) ||
           audit_spf_is_in_another(m->c, r, t) ||
           (audit_spf_is_inside(t) && !audit_spf_is_ours(m->c, t));
}

static void take_term(struct mend *m, const struct spf_record *r, const struct spf_term *t)
{
    if (t->kind == SPF_ALL) {
        if (!m->all)
            m->all = t->qualifier;
        return;
    }
    if (is_useless(m, r, t))
        return;
    const struct audit_spf_node *target = audit_spf_target(m->c, t);
    struct piece p = {.text = without_plus(t), .lookups = spf_kind_asks(t->kind)};
    if (target)
        p.lookups += audit_spf_lookups(m->c, target);
    if (t->kind == SPF_INCLUDE && t->qualifier == '+')
        p.target = target;
    m->redirected = m->redirected || t->kind == SPF_REDIRECT;
    add_piece(m, p);
}

/* Any word but "all", right or wrong; the version and modifiers that change nothing aside. */
static bool has_senders(struct str text)
{
    struct str word;
    bool first = true, found = false;
    for (; str_next(&text, ' ', &word); first = false) {
        if (word.n > 0 && strchr("+-~?", word.p[0]))
            word = str_slice(word, 1, word.n);
        found = found || (!first && word.n > 0 && !str_eq_nocase(word, STR("all")) &&
                             !str_starts_nocase(word, STR("exp=")));
    }
    return found;
}
static void take_record(struct mend *m, struct str text)
{
    struct spf_record r;
    m->names_senders = m->names_senders || has_senders(text);
    audit_spf_cut_faults(m->c, text, &r);
    for (size_t i = 0; i < r.n; i++)
        take_term(m, &r, &r.terms[i]);
}

static void take_addresses(struct mend *m)
{
    struct audit_case *c = m->c;
    for (size_t i = 0; i < c->addresses_n; i++)
        if (c->addresses[i].spf.result != SPF_PASS)
            add_piece(m, (struct piece){.text = str_of(arena_printf(c->arena, "ip%d:%s",
                                            c->addresses[i].ip.family, c->addresses[i].text))});
}

/* ---- flattening ------------------------------------------------------------------------------ */

static size_t lookups(const struct mend *m)
{
    size_t n = 0;
    for (size_t i = 0; i < m->n; i++)
        n += m->pieces[i].lookups;
    return n;
}

static bool is_plain(struct mend *m, const struct audit_spf_node *n);

static bool is_plain_term(struct mend *m, const struct spf_term *t)
{
    const struct audit_spf_node *next = audit_spf_target(m->c, t);
    if (t->qualifier && t->qualifier != '+' && t->kind != SPF_ALL)
        return false;
    return t->kind == SPF_IP4 || t->kind == SPF_IP6 || t->kind == SPF_ALL || t->kind == SPF_EXP ||
           t->kind == SPF_UNKNOWN_MODIFIER || (next && is_plain(m, next));
}

/* Whether all that lets mail pass below here is written as addresses. */
static bool is_plain(struct mend *m, const struct audit_spf_node *n)
{
    enum plainness *known = &m->plainness[n - m->c->spf];
    if (*known != UNJUDGED)
        return *known == PLAIN; /* being judged: it leads back to itself */
    *known = BEING_JUDGED;
    bool plain =
        n->records_n == 1 && n->record.valid && !(n->record.all && n->record.all->qualifier == '+');
    for (size_t i = 0; plain && i < n->record.n; i++)
        plain = is_plain_term(m, &n->record.terms[i]);
    *known = plain ? PLAIN : NOT_PLAIN;
    return plain;
}

static void take_networks(struct mend *m, const struct audit_spf_node *n)
{
    bool *taken = &m->taken[n - m->c->spf];
    if (*taken)
        return;
    *taken = true;
    for (size_t i = 0; i < n->record.n && !m->overfull; i++) {
        const struct spf_term *t = &n->record.terms[i];
        const struct audit_spf_node *next = audit_spf_target(m->c, t);
        if (t->kind == SPF_IP4 || t->kind == SPF_IP6)
            add_piece(m, (struct piece){.text = without_plus(t)});
        else if (next)
            take_networks(m, next);
    }
}

/* The include that asks most; NULL: none can be flattened. */
static struct piece *dearest(struct mend *m)
{
    struct piece *found = NULL;
    for (size_t i = 0; i < m->n; i++) {
        struct piece *p = &m->pieces[i];
        if (p->target && (!found || p->lookups > found->lookups) && is_plain(m, p->target))
            found = p;
    }
    return found;
}

static void flatten(struct mend *m)
{
    struct piece *p;
    while (lookups(m) > AUDIT_SPF_LOOKUPS && (p = dearest(m))) {
        const struct audit_spf_node *target = p->target;
        memmove(p, p + 1, (size_t)(m->pieces + m->n - (p + 1)) * sizeof *p);
        m->n--;
        take_networks(m, target);
        m->flattened = true;
    }
}

/* ---- the whole ------------------------------------------------------------------------------- */

static const char *write_record(struct mend *m)
{
    AUTO(buf_close) struct buf out = {0};
    buf_add_text(&out, "v=spf1");
    for (size_t i = 0; i < m->n; i++)
        buf_addf(&out, " " STR_FMT, STR_ARG(m->pieces[i].text));
    if (m->all == '-' || m->all == '~')
        buf_addf(&out, " %call", m->all);
    else if (m->all || !m->redirected)
        buf_add_text(
            &out, m->c->addresses_n > 0 && m->c->spf[0].records_n == 0 ? " -all" : " ~all");
    return out.n > MAX_TEXT && m->flattened ? "" : arena_text(m->c->arena, buf_str(&out));
}

static void mend(struct mend *m)
{
    struct audit_case *c = m->c;
    const struct audit_spf_node *root = &c->spf[0];
    take_addresses(m);
    for (size_t i = 0; i < root->txt.answer.n; i++)
        if (spf_is_record(root->txt.answer.records[i].data))
            take_record(m, root->txt.answer.records[i].data);
    struct str almost = audit_spf_almost(c);
    if (almost.n > 0)
        take_record(m, str_of(audit_spf_meant(c, almost)));
    if (root->records_n == 0 && almost.n == 0 && c->addresses_n == 0) {
        if (c->back.hosts_n == 0 || c->setup->smart_host)
            return; /* who sends is not known */
        add_piece(m, (struct piece){.text = STR("mx"), .lookups = 1});
    }
    if (m->n == 0 && m->names_senders)
        return; /* what is left of it would forbid all mail */
    flatten(m);
    c->spf_mended.flattened = m->flattened;
    if (!m->overfull && lookups(m) <= AUDIT_SPF_LOOKUPS)
        c->spf_mended.record = write_record(m);
}

const char *audit_wanted_spf(struct audit_case *c, bool *flattened)
{
    if (!c->spf_mended.record) {
        struct mend *m = ARENA_NEW(c->arena, struct mend);
        m->c = c;
        c->spf_mended.record = "";
        mend(m);
    }
    *flattened = c->spf_mended.flattened;
    return c->spf_mended.record;
}

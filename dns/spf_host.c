#include "dns/spf_host.h"

#include "dns/spf_record.h"

#include <stdarg.h>
#include <stdio.h>

/* One record under evaluation. */
struct frame {
    char domain[NAME_SIZE];    /* as given: %{d} */
    char canonical[NAME_SIZE]; /* in lower case, to ask for */
    bool included; /* its explanation and mechanism are not the verdict's (s5.2, s6.2) */
    struct spf_record record;
};

/* ---- what is told -------------------------------------------------------------------------------- */

const char *spf_printable(struct spf_check *c, struct str s)
{
    char *text = arena_text(c->asker.arena, s);
    for (size_t i = 0; i < s.n; i++)
        if (text[i] < ' ' || text[i] >= 0x7f)
            text[i] = '?';
    return text;
}

static void PRINTF(2, 3) tell(struct spf_check *c, const char *format, ...)
{
    char line[1024];
    va_list args;
    if (c->out->path_n == SPF_PATH_MAX)
        return;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    c->path[c->out->path_n++] = spf_printable(c, str_of(line));
}

/* The deepest sentence is the one that tells most, so a later one does not replace it. */
static void explain_problem(struct spf_check *c, const char *problem)
{
    if (!c->out->problem[0])
        c->out->problem = problem;
}

static enum spf_result permerror(struct spf_check *c, const char *problem)
{
    explain_problem(c, problem);
    return SPF_PERMERROR;
}

/* The asker's own error as a result of the evaluation. */
static enum spf_result ended(struct spf_check *c, enum spf_match m)
{
    explain_problem(c, c->asker.problem);
    return m == SPF_MATCH_TEMPERROR ? SPF_TEMPERROR : SPF_PERMERROR;
}

/* ---- explanation (s6.2) -------------------------------------------------------------------------- */

static bool is_printable(struct str s)
{
    return str_is_ascii(s) && !str_has_control(s);
}

/* No error here changes the result: then there is no explanation. */
static void explain(struct spf_check *c, const struct frame *f)
{
    AUTO(buf_close) struct buf text = {0};
    char target[NAME_SIZE], name[NAME_SIZE];
    struct dns_answer txt;
    if (!f->record.exp)
        return;
    c->asker.uncounted = true;
    if (!spf_expand_name(f->record.exp->domain_spec, &c->values, target) ||
        !name_from_bytes(str_of(target), name) ||
        spf_ask(&c->asker, name, DNS_TXT, &txt) != SPF_NO_MATCH || txt.n != 1)
        return;
    struct str published = txt.records[0].data;
    if (!spf_expand(published, &c->values, &text) || !is_printable(buf_str(&text)))
        return;
    c->out->explanation = arena_text(c->asker.arena, buf_str(&text));
    tell(c, "%s %.*s: %s", f->domain, STR_ARG(f->record.exp->text), c->out->explanation);
}

/* ---- terms (s4.6.2, s5) -------------------------------------------------------------------------- */

/* The target-name of a term (s4.8). False: it is no domain name, and so nothing is there. */
static bool target_of(
    const struct spf_check *c, const struct frame *f, const struct spf_term *t, char out[NAME_SIZE])
{
    if (t->domain_spec.n > 0)
        return spf_expand_name(t->domain_spec, &c->values, out);
    memcpy(out, f->domain, NAME_SIZE);
    return true;
}

static enum spf_match match_exists(struct spf_check *c, const char *name)
{
    struct dns_answer answer;
    enum spf_match m = spf_ask(&c->asker, name, DNS_A, &answer); /* also for IPv6 clients (s5.7) */
    return answer.n > 0 ? SPF_MATCH : m;
}

/* The domain of the record under way; macros follow it. */
static void enter(struct spf_check *c, const struct frame *f)
{
    c->values.domain = str_of(f->domain);
    c->names_for = f->canonical;
}

/* Table in s5.2: only a pass matches, and no record at all is a fault of the including one. */
static enum spf_match match_include(struct spf_check *c, const struct frame *f, const char *name)
{
    enum spf_result r = spf_check_host(c, str_of(name), true);
    enter(c, f);
    switch (r) {
    case SPF_PASS:
        return SPF_MATCH;
    case SPF_FAIL:
    case SPF_SOFTFAIL:
    case SPF_NEUTRAL:
        return SPF_NO_MATCH;
    case SPF_TEMPERROR:
        return SPF_MATCH_TEMPERROR;
    default:
        return SPF_MATCH_PERMERROR;
    }
}

/* A mechanism that asks the DNS. */
static enum spf_match match_asking(
    struct spf_check *c, const struct frame *f, const struct spf_term *t, const char *name)
{
    char canonical[NAME_SIZE];
    if (!name_from_bytes(str_of(name), canonical))
        return SPF_NO_MATCH;
    switch (t->kind) {
    case SPF_A:
        return spf_match_hosts(&c->asker, canonical, t->bits4, t->bits6);
    case SPF_MX:
        return spf_match_mx(&c->asker, canonical, t->bits4, t->bits6);
    case SPF_PTR:
        return spf_match_ptr(&c->asker, canonical);
    case SPF_INCLUDE:
        return match_include(c, f, name);
    default:
        return match_exists(c, canonical);
    }
}

static const char *match_name(enum spf_match m)
{
    static const char *const names[] = {
        [SPF_NO_MATCH] = "no match",
        [SPF_MATCH] = "match",
        [SPF_MATCH_TEMPERROR] = "temperror",
        [SPF_MATCH_PERMERROR] = "permerror",
    };
    return names[m];
}

static enum spf_match evaluate_asking(
    struct spf_check *c, const struct frame *f, const struct spf_term *t)
{
    char name[NAME_SIZE];
    enum spf_match m = spf_begin_term(&c->asker);
    const char *aside = "";
    if (m == SPF_NO_MATCH) {
        bool named = target_of(c, f, t, name);
        if (c->asker.ended != SPF_NO_MATCH) /* by %{p} */
            m = c->asker.ended;
        else if (named)
            m = match_asking(c, f, t, name);
        else if (t->kind == SPF_INCLUDE) /* check_host() would say none (s4.3) */
            m = SPF_MATCH_PERMERROR;
        aside = named ? "" : " (what it expands to is no domain name)";
    }
    if (m == SPF_MATCH_PERMERROR && c->asker.ended == SPF_NO_MATCH)
        explain_problem(c, arena_printf(c->asker.arena, "%.*s of %s leads to no SPF record",
                               STR_ARG(t->text), f->domain));
    tell(c, "%s %.*s: %s%s", f->domain, STR_ARG(t->text), match_name(m), aside);
    return m;
}

static enum spf_match evaluate(struct spf_check *c, const struct frame *f, const struct spf_term *t)
{
    const struct ip *ip = &c->asker.ip;
    if (spf_kind_asks(t->kind))
        return evaluate_asking(c, f, t);
    bool matches = true; /* "all" */
    if (t->kind == SPF_IP4 || t->kind == SPF_IP6)
        matches = spf_in_network(ip, &t->network, ip->family == 4 ? t->bits4 : t->bits6);
    if (matches)
        tell(c, "%s %.*s: match", f->domain, STR_ARG(t->text));
    return matches ? SPF_MATCH : SPF_NO_MATCH;
}

static enum spf_result result_of(char qualifier)
{
    return qualifier == '-'   ? SPF_FAIL
           : qualifier == '~' ? SPF_SOFTFAIL
           : qualifier == '?' ? SPF_NEUTRAL
                              : SPF_PASS;
}

static enum spf_result decide(struct spf_check *c, const struct frame *f, const struct spf_term *t)
{
    enum spf_result r = result_of(t->qualifier);
    if (f->included)
        return r;
    c->out->domain = arena_text(c->asker.arena, str_of(f->domain));
    c->out->mechanism = arena_text(c->asker.arena, t->text);
    if (r == SPF_FAIL)
        explain(c, f);
    return r;
}

/* ---- records (s4.3 to s4.7, s6.1) ----------------------------------------------------------------- */

/* Nothing matched: another record instead, and having none is an error of this one. */
static enum spf_result redirect(struct spf_check *c, const struct frame *f)
{
    const struct spf_term *t = f->record.redirect;
    char name[NAME_SIZE];
    spf_begin_term(&c->asker);
    bool named = target_of(c, f, t, name);
    if (c->asker.ended != SPF_NO_MATCH)
        return ended(c, c->asker.ended);
    tell(c, "%s %.*s: %s", f->domain, STR_ARG(t->text), named ? "goes on there" : "no domain name");
    enum spf_result r = named ? spf_check_host(c, str_of(name), f->included) : SPF_NONE;
    return r != SPF_NONE
               ? r
               : permerror(c, arena_printf(c->asker.arena, "%.*s of %s leads to no SPF record",
                                  STR_ARG(t->text), f->domain));
}

static enum spf_result evaluate_record(struct spf_check *c, const struct frame *f)
{
    for (size_t i = 0; i < f->record.n; i++) {
        const struct spf_term *t = &f->record.terms[i];
        enum spf_match m = t->qualifier ? evaluate(c, f, t) : SPF_NO_MATCH;
        if (m == SPF_MATCH)
            return decide(c, f, t);
        if (m != SPF_NO_MATCH)
            return ended(c, m);
    }
    if (f->record.redirect)
        return redirect(c, f);
    tell(c, "%s: nothing matched", f->domain);
    if (!f->included) {
        c->out->domain = arena_text(c->asker.arena, str_of(f->domain));
        c->out->mechanism = "default";
    }
    return SPF_NEUTRAL;
}

/* Fully qualified, of several labels, and ending in something that can be a top-level domain: no address
 * literal and no bare IPv4 address (s4.3, s4.8). */
static bool is_checkable(struct str domain, char canonical[NAME_SIZE])
{
    if (str_find_char(domain, '\\', 0) < domain.n || !name_canonical(domain, canonical) ||
        name_labels(canonical) < 2)
        return false;
    return spf_is_toplabel(str_of(name_last_labels(canonical, 1)));
}

/* The one SPF record among the TXT records (s4.5). False: *result says why there is none. */
static bool select_record(struct spf_check *c, const struct frame *f, const struct dns_answer *txt,
    struct str *out, enum spf_result *result)
{
    size_t n = 0;
    for (size_t i = 0; i < txt->n; i++)
        if (spf_is_record(txt->records[i].data) && n++ == 0)
            *out = txt->records[i].data;
    if (n == 1)
        return true;
    *result = SPF_NONE;
    tell(c, "%s has %s SPF record", f->domain, n == 0 ? "no" : "more than one");
    if (n > 1)
        *result = permerror(
            c, arena_printf(c->asker.arena, "%s has more than one SPF record", f->domain));
    return false;
}

/* Whole before any of it is evaluated (s4.6): a fault behind a match counts, too. */
static bool read_record(
    struct spf_check *c, struct frame *f, struct str text, enum spf_result *result)
{
    struct spf_record *r = &f->record;
    tell(c, "%s has %.*s", f->domain, STR_ARG(text));
    spf_record_parse(text, c->asker.arena, r);
    if (r->valid)
        return true;
    tell(c, "%s %.*s: %s", f->domain, STR_ARG(r->fault.text), r->fault.why.text);
    *result = permerror(
        c, arena_printf(c->asker.arena, "the SPF record of %s breaks at \"%s\" (byte %zu): %s",
               f->domain, spf_printable(c, r->fault.text), r->fault.at, r->fault.why.text));
    return false;
}

/* s4.1: also what include and redirect do, for another domain. */
enum spf_result spf_check_host(struct spf_check *c, struct str domain, bool included)
{
    struct frame *f = ARENA_NEW(c->asker.arena, struct frame);
    struct dns_answer txt;
    struct str text = STR("");
    enum spf_result result;
    f->included = included;
    if (!is_checkable(domain, f->canonical)) {
        tell(c, "\"%.*s\" is no domain that could have an SPF record", STR_ARG(domain));
        return SPF_NONE;
    }
    str_copy(str_slice(domain, 0, strlen(f->canonical)), f->domain, sizeof f->domain);
    enter(c, f);
    enum spf_match m = spf_ask(&c->asker, f->canonical, DNS_TXT, &txt);
    if (m != SPF_NO_MATCH)
        return ended(c, m);
    if (!select_record(c, f, &txt, &text, &result) || !read_record(c, f, text, &result))
        return result;
    return evaluate_record(c, f);
}

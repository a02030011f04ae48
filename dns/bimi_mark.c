#include "dns/bimi_mark.h"

#include "dns/name.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <time.h>

#define LOGOTYPE_OID "1.3.6.1.5.5.7.1.12" /* RFC 3709 s4.1 */
#define BIMI_PURPOSE_OID "1.3.6.1.5.5.7.3.31"
#define MAX_CHAIN 10
#define MAX_FAULTS 8
#define PAGE_TIMEOUT_MS 30000
#define PAGE_REDIRECTS 3

struct look {
    struct bimi_mark *out;
    struct arena *arena;
    struct said *details;
};

static void fault(struct look *l, enum bimi_mark_fault f, struct said sentence)
{
    l->out->faults |= f;
    if (l->out->details_n < MAX_FAULTS)
        l->details[l->out->details_n++] = sentence;
}

static void free_bio(BIO **b)
{
    BIO_free(*b);
}

static void free_cert(X509 **x)
{
    X509_free(*x);
}

static void free_names(GENERAL_NAMES **n)
{
    GENERAL_NAMES_free(*n);
}

static void free_oids(EXTENDED_KEY_USAGE **u)
{
    EXTENDED_KEY_USAGE_free(*u);
}

static void free_oid(ASN1_OBJECT **o)
{
    ASN1_OBJECT_free(*o);
}

/* The first certificate is the mark's own, the others lead to its authority. A passphrase is never asked for. */
static X509 *read_chain(struct str pem, size_t *n)
{
    static char no_passphrase[] = "";
    AUTO(free_bio) BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
    X509 *first = NULL;
    for (*n = 0; bio && *n < MAX_CHAIN; (*n)++) {
        X509 *x = PEM_read_bio_X509(bio, NULL, NULL, no_passphrase);
        if (!x)
            break;
        if (first)
            X509_free(x);
        else
            first = x;
    }
    return first;
}

static bool time_ms(const ASN1_TIME *t, int64_t *out)
{
    struct tm tm;
    if (!t || ASN1_TIME_to_tm(t, &tm) != 1)
        return false;
    *out = (int64_t)timegm(&tm) * 1000;
    return true;
}

static const char *day(struct arena *a, int64_t ms)
{
    char text[CLOCK_RFC3339_SIZE];
    clock_rfc3339(ms, text);
    return arena_printf(a, "%.10s", text);
}

static void judge_dates(struct look *l, const X509 *x, int64_t now_ms)
{
    struct bimi_mark *out = l->out;
    if (!time_ms(X509_get0_notBefore(x), &out->not_before_ms) ||
        !time_ms(X509_get0_notAfter(x), &out->not_after_ms))
        fault(l, BIMI_MARK_EXPIRED, SAID("mark.dates", "its dates cannot be read"));
    else if (now_ms > out->not_after_ms)
        fault(l, BIMI_MARK_EXPIRED,
            SAY(l->arena, "mark.ended", "it ended on {{day}}",
                {"day", day(l->arena, out->not_after_ms)}));
    else if (now_ms < out->not_before_ms)
        fault(l, BIMI_MARK_NOT_YET,
            SAY(l->arena, "mark.begins", "it begins on {{day}}",
                {"day", day(l->arena, out->not_before_ms)}));
}

static void judge_end(struct look *l, int64_t now_ms)
{
    if (!(l->out->faults & (BIMI_MARK_EXPIRED | BIMI_MARK_NOT_YET)) &&
        l->out->not_after_ms - now_ms < BIMI_MARK_SOON_MS)
        fault(l, BIMI_MARK_SOON,
            SAY(l->arena, "mark.ends", "it ends on {{day}}",
                {"day", day(l->arena, l->out->not_after_ms)}));
}

/* ---- names ------------------------------------------------------------------------------------------- */

static void read_names(struct look *l, const X509 *x)
{
    const char **names = arena_array(l->arena, BIMI_MARK_MAX_NAMES, sizeof *names);
    AUTO(free_names) GENERAL_NAMES *all = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
    l->out->names = names;
    for (int i = 0; i < sk_GENERAL_NAME_num(all) && l->out->names_n < BIMI_MARK_MAX_NAMES; i++) {
        const GENERAL_NAME *g = sk_GENERAL_NAME_value(all, i);
        char name[NAME_SIZE];
        if (g->type != GEN_DNS)
            continue;
        struct str text = str_bytes(
            ASN1_STRING_get0_data(g->d.dNSName), (size_t)ASN1_STRING_length(g->d.dNSName));
        if (name_canonical(text, name))
            names[l->out->names_n++] = arena_text(l->arena, str_of(name));
    }
}

static bool has_name(const struct bimi_mark *m, const char *wanted)
{
    for (size_t i = 0; i < m->names_n; i++)
        if (str_is_nocase(str_of(wanted), m->names[i]))
            return true;
    return false;
}

/* The domain itself, or the very name of the BIMI record; a certificate for the organizational domain serves all
 * names below it. */
static bool is_for(
    const struct bimi_mark *m, const char *domain, const char *selector, struct arena *a)
{
    return domain[0] &&
           (has_name(m, domain) || has_name(m, arena_printf(a, "%s._bimi.%s", selector, domain)));
}

static void judge_names(struct look *l, const struct bimi_mark_owner *owner)
{
    if (is_for(l->out, owner->domain, owner->selector, l->arena) ||
        is_for(l->out, owner->org_domain, owner->selector, l->arena))
        return;
    fault(l, BIMI_MARK_WRONG_NAME,
        l->out->names_n == 0 ? SAID("mark.no_name", "it names no domain")
        : l->out->names_n == 1
            ? SAY(l->arena, "mark.wrong_name", "it is not for {{domain}}, but for {{other}}",
                  {"domain", owner->domain}, {"other", l->out->names[0]})
            : SAY(l->arena, "mark.wrong_names",
                  "it is not for {{domain}}, but for {{other}} and others",
                  {"domain", owner->domain}, {"other", l->out->names[0]}));
}

/* Organisation and common name, one line, whatever stands in them. */
static const char *subject_line(struct arena *a, const X509_NAME *name)
{
    static const int parts[] = {NID_organizationName, NID_commonName};
    char text[2][128];
    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        if (X509_NAME_get_text_by_NID(
                (X509_NAME *)(uintptr_t)name, parts[i], text[i], sizeof text[i]) < 0)
            text[i][0] = 0;
        for (char *c = text[i]; *c; c++)
            if ((unsigned char)*c < ' ' || *c == 0x7f)
                *c = '?';
    }
    return arena_printf(a, "%s%s%s", text[0], text[0][0] && text[1][0] ? ", " : "", text[1]);
}

/* ---- extensions -------------------------------------------------------------------------------------- */

static bool has_extension(const X509 *x, const char *oid)
{
    AUTO(free_oid) ASN1_OBJECT *wanted = OBJ_txt2obj(oid, 1);
    return X509_get_ext_by_OBJ(x, wanted, -1) >= 0;
}

static bool has_purpose(const X509 *x, const char *oid)
{
    AUTO(free_oid) ASN1_OBJECT *wanted = OBJ_txt2obj(oid, 1);
    AUTO(free_oids) EXTENDED_KEY_USAGE *all = X509_get_ext_d2i(x, NID_ext_key_usage, NULL, NULL);
    for (int i = 0; i < sk_ASN1_OBJECT_num(all); i++)
        if (OBJ_cmp(sk_ASN1_OBJECT_value(all, i), wanted) == 0)
            return true;
    return false;
}

static void judge_extensions(struct look *l, const X509 *x)
{
    if (!has_extension(x, LOGOTYPE_OID))
        fault(l, BIMI_MARK_NO_LOGOTYPE,
            SAID("mark.no_logotype",
                "it has no logotype extension, so that it vouches for no logo"));
    if (!has_purpose(x, BIMI_PURPOSE_OID))
        fault(l, BIMI_MARK_NO_PURPOSE,
            SAID("mark.no_purpose",
                "its extended key usage has no BIMI: it is another kind of certificate"));
}

/* ---- the whole --------------------------------------------------------------------------------------- */

static void judge(
    struct look *l, const X509 *x, const struct bimi_mark_owner *owner, int64_t now_ms)
{
    l->out->subject = subject_line(l->arena, X509_get_subject_name(x));
    l->out->issuer = subject_line(l->arena, X509_get_issuer_name(x));
    read_names(l, x);
    judge_dates(l, x, now_ms);
    judge_names(l, owner);
    judge_extensions(l, x);
    judge_end(l, now_ms);
}

void bimi_mark_check(struct str pem, const struct bimi_mark_owner *owner, int64_t now_ms,
    struct arena *a, struct bimi_mark *out)
{
    *out = (struct bimi_mark){.why = SAID_NOTHING, .subject = "", .issuer = "", .url = ""};
    struct look l = {
        .out = out, .arena = a, .details = arena_array(a, MAX_FAULTS, sizeof *l.details)};
    out->details = l.details;
    if (pem.n > BIMI_MARK_MAX_BYTES) {
        out->status = BIMI_MARK_NOT_CHECKED;
        out->why = SAID("mark.large", "it has more than 256 KiB, and is not looked into");
        return;
    }
    ERR_set_mark();
    AUTO(free_cert) X509 *x = read_chain(pem, &out->chain_n);
    ERR_pop_to_mark(); /* the end of the file is one: the thread's next TLS session would trip over it */
    if (x)
        judge(&l, x, owner, now_ms);
    else
        fault(&l, BIMI_MARK_NOT_PEM, SAID("mark.not_pem", "it holds no certificate in PEM form"));
    out->status = out->faults & ~(unsigned)BIMI_MARK_SOON ? BIMI_MARK_FAULTY : BIMI_MARK_GOOD;
    out->why = out->details_n > 0 ? out->details[0] : SAID_NOTHING;
}

void bimi_mark_fetch(const struct web *w, const char *url, const struct bimi_mark_owner *owner,
    int64_t now_ms, struct arena *a, struct bimi_mark *out)
{
    static const struct web_limits limits = {.max_bytes = BIMI_MARK_MAX_BYTES,
        .max_redirects = PAGE_REDIRECTS,
        .timeout_ms = PAGE_TIMEOUT_MS};
    struct fetch_answer page;
    web_get(w, url, &limits, a, &page);
    if (page.status == FETCH_OK) {
        bimi_mark_check(page.body, owner, now_ms, a, out);
    } else {
        bool unknown = page.status == FETCH_DNS_FAILED || page.status == FETCH_TOO_LARGE;
        *out = (struct bimi_mark){.status = unknown ? BIMI_MARK_NOT_CHECKED : BIMI_MARK_UNREACHABLE,
            .why = web_why(&page, a),
            .subject = "",
            .issuer = ""};
    }
    out->url = url;
    out->page = page.status;
    out->http_status = page.http_status;
}

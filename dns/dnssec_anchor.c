/* What is trusted without proof: the keys of the root, or those that a file names. */
#include "base/file.h"
#include "dns/dnssec_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define FILE_BYTES_MAX (256 * 1024)
#define RECORDS_MAX 64
#define FLAG_REVOKED 0x80 /* RFC 5011 s2.1 */
#define FLAG_ZONE 0x100

/* KSK-2017 and KSK-2024, as IANA publishes them (root-anchors.xml) and Debian's dns-root-data has them. */
static const char known[] =
    ". IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D\n"
    ". IN DS 38696 8 2 683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16\n";

struct str dnssec_anchors_known(void)
{
    return str_of(known);
}

void dnssec_anchors_close(struct dnssec_anchors **owner)
{
    struct dnssec_anchors *t = *owner;
    if (!t)
        return;
    ldns_rr_list_deep_free(t->records);
    free(t);
    *owner = NULL;
}

static void close_rr(ldns_rr **rr)
{
    ldns_rr_free(*rr);
}

static void close_file(FILE **f)
{
    if (*f)
        fclose(*f);
}

static bool is_anchor(const ldns_rr *rr)
{
    if (ldns_rr_get_class(rr) != LDNS_RR_CLASS_IN || ldns_rr_rd_count(rr) != 4)
        return false;
    return ldns_rr_get_type(rr) == LDNS_RR_TYPE_DS ||
           (ldns_rr_get_type(rr) == LDNS_RR_TYPE_DNSKEY && (dnssec_u16(rr, 0) & FLAG_ZONE));
}

static bool is_revoked(const ldns_rr *rr)
{
    return ldns_rr_get_type(rr) == LDNS_RR_TYPE_DNSKEY && (dnssec_u16(rr, 0) & FLAG_REVOKED);
}

/* The next record of the text, if any is left. */
static bool take_record(
    struct dnssec_anchors *t, FILE *f, int *line, const char *what, struct err *e)
{
    AUTO(close_rr) ldns_rr *rr = NULL;
    ldns_rdf *origin = NULL, *previous = NULL;
    uint32_t ttl = 0;
    ldns_status s = ldns_rr_new_frm_fp_l(&rr, f, &ttl, &origin, &previous, line);
    ldns_rdf_deep_free(origin);
    ldns_rdf_deep_free(previous);
    if (s == LDNS_STATUS_SYNTAX_EMPTY || s == LDNS_STATUS_SYNTAX_TTL ||
        s == LDNS_STATUS_SYNTAX_ORIGIN)
        return true;
    if (s != LDNS_STATUS_OK || !is_anchor(rr))
        return err_set(e, ERR_INPUT,
            "%s line %d: not a DS or DNSKEY record such as \". IN DS 20326 8 2 E06D...\"", what,
            *line);
    if (ldns_rr_list_rr_count(t->records) == RECORDS_MAX)
        return err_set(e, ERR_LIMIT, "%s: more than %d records", what, RECORDS_MAX);
    if (is_revoked(rr))
        return true;
    ldns_rr_list_push_rr(t->records, rr);
    rr = NULL;
    return true;
}

bool dnssec_anchors_parse(
    struct str text, const char *what, struct dnssec_anchors **out, struct err *e)
{
    AUTO(dnssec_anchors_close) struct dnssec_anchors *t = calloc(1, sizeof *t);
    AUTO(close_file)
    FILE *f = text.n > 0 ? fmemopen((void *)(uintptr_t)text.p, text.n, "r") : NULL;
    int line = 0;
    if (!t || !(t->records = ldns_rr_list_new()) || (text.n > 0 && !f))
        err_out_of_memory();
    while (f && !feof(f))
        if (!take_record(t, f, &line, what, e))
            return false;
    if (ldns_rr_list_rr_count(t->records) == 0)
        return err_set(e, ERR_INPUT, "%s: no DS or DNSKEY record in it", what);
    *out = t;
    t = NULL;
    return true;
}

bool dnssec_anchors_open(const char *path, struct dnssec_anchors **out, struct err *e)
{
    AUTO(buf_close) struct buf text = {0};
    if (!path[0] && access(DNSSEC_ROOT_KEY, R_OK) != 0)
        return dnssec_anchors_parse(dnssec_anchors_known(), "the root's keys", out, e);
    path = path[0] ? path : DNSSEC_ROOT_KEY;
    return file_read("trust anchor", path, FILE_BYTES_MAX, &text, e) &&
           dnssec_anchors_parse(buf_str(&text), path, out, e);
}

bool dnssec_anchor_zone(
    const struct dnssec_anchors *t, const char *name, struct arena *a, const char **zone)
{
    *zone = NULL;
    for (size_t i = 0; i < ldns_rr_list_rr_count(t->records); i++) {
        const char *owner = dnssec_owner(ldns_rr_list_rr(t->records, i), a);
        if (owner && name_is_at_or_below(name, owner) && (!*zone || strlen(owner) > strlen(*zone)))
            *zone = owner;
    }
    return *zone != NULL;
}

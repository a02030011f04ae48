#include "dns/zone_read.h"

#include "base/file.h"
#include "dns/name.h"
#include "dns/zone_text.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define FILE_BYTES_MAX (64 * 1024 * 1024)
#define DEFAULT_TTL_S 3600
#define WORD_BYTES 32 /* longer than the name of any type */

struct zone_stamp zone_stamp_of(const struct stat *st)
{
    return (struct zone_stamp){st->st_mtim, st->st_size, st->st_ino};
}

bool zone_stamp_equal(const struct zone_stamp *a, const struct zone_stamp *b)
{
    return a->modified.tv_sec == b->modified.tv_sec && a->modified.tv_nsec == b->modified.tv_nsec &&
           a->size == b->size && a->inode == b->inode;
}

int zone_name_order(const char *a, const char *b)
{
    size_t i = strlen(a), j = strlen(b);
    while (i > 0 && j > 0) {
        /* The dot sorts before everything: "x.y" and its children stand before "zx.y". */
        int x = a[--i] == '.' ? 0 : (uint8_t)a[i], y = b[--j] == '.' ? 0 : (uint8_t)b[j];
        if (x != y)
            return x - y;
    }
    return i > 0 ? 1 : j > 0 ? -1 : 0;
}

void zone_content_close(struct zone_content **owner)
{
    struct zone_content *c = *owner;
    *owner = NULL;
    if (!c || atomic_fetch_sub(&c->users, 1) > 1)
        return;
    free(c->rrs);
    free(c->apexes);
    arena_close(&c->arena);
    free(c);
}

/* What holds from entry to entry. */
struct reading {
    const char *path;
    struct zone_text text;
    ldns_rdf *origin, *previous; /* NULL: not said yet; owner of the entry before */
    bool has_default_ttl;        /* by $TTL, which goes before the last one stated (RFC 2308 s4) */
    uint32_t ttl_s;
    size_t cap, apexes_cap;
};

static void reading_close(struct reading *r)
{
    zone_text_close(&r->text);
    ldns_rdf_deep_free(r->origin);
    ldns_rdf_deep_free(r->previous);
}

static void close_rr(ldns_rr **rr)
{
    ldns_rr_free(*rr);
}

static bool fault(const struct reading *r, struct err *e, const char *what, const char *name)
{
    return err_set(e, ERR_INPUT, "%s line %d: %s%s", r->path, r->text.line, what, name);
}

static void *grown(void *list, size_t n, size_t *cap, size_t size)
{
    if (n < *cap)
        return list;
    *cap = *cap > 0 ? *cap * 2 : 8;
    list = reallocarray(list, *cap, size);
    if (!list)
        err_out_of_memory();
    return list;
}

/* ---- the words before the data: [owner] [TTL] [class] type, TTL and class in either order ------------ */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* "3600", and "1h30m" as servers write it. */
static bool read_ttl(const struct zone_token *t, uint32_t *out_s)
{
    static const char letters[] = "smhdw";
    static const uint32_t seconds[] = {1, 60, 3600, 86400, 604800};
    uint64_t sum = 0, n = 0;
    bool digits = false;
    if (t->quoted || t->text.n == 0 || t->text.n > 20 || !is_digit(t->text.p[0]))
        return false;
    for (size_t i = 0; i < t->text.n; i++) {
        char c = t->text.p[i];
        const char *unit = c ? strchr(letters, c | 0x20) : NULL;
        digits = is_digit(c);
        if (digits) {
            n = n * 10 + (uint64_t)(c - '0');
        } else if (unit && i > 0 && is_digit(t->text.p[i - 1])) {
            sum += n * seconds[unit - letters];
            n = 0;
        } else {
            return false;
        }
        if (n > UINT32_MAX || sum > UINT32_MAX)
            return false;
    }
    sum += n;
    *out_s = (uint32_t)sum;
    return sum <= UINT32_MAX;
}

/* A name that the file writes, relative to the origin; NULL: no name, or nothing to be relative to. */
static ldns_rdf *read_name(const struct reading *r, const struct zone_token *t)
{
    char text[1024];
    ldns_rdf *name = NULL;
    if (str_is(t->text, "@"))
        return r->origin ? ldns_rdf_clone(r->origin) : NULL;
    if (!str_copy(t->text, text, sizeof text) || !(name = ldns_dname_new_frm_str(text)))
        return NULL;
    if (ldns_dname_str_absolute(text))
        return name;
    if (!r->origin || ldns_dname_cat(name, r->origin) != LDNS_STATUS_OK) {
        ldns_rdf_deep_free(name);
        return NULL;
    }
    return name;
}

static bool take_directive(struct reading *r, struct err *e)
{
    const struct zone_token *t = r->text.tokens;
    char name[40] = "";
    str_copy(str_slice(t->text, 0, sizeof name - 1), name, sizeof name);
    if (str_is_nocase(t->text, "$TTL")) {
        r->has_default_ttl = r->text.n == 2 && read_ttl(&t[1], &r->ttl_s);
        return r->has_default_ttl || fault(r, e, "$TTL takes seconds, or a time like 1h30m", "");
    }
    if (!str_is_nocase(t->text, "$ORIGIN"))
        return fault(r, e, name, " is not supported");
    ldns_rdf *origin = r->text.n == 2 ? read_name(r, &t[1]) : NULL;
    if (!origin)
        return fault(r, e, "$ORIGIN takes a domain name that ends in a dot", "");
    ldns_rdf_deep_free(r->origin);
    r->origin = origin;
    return true;
}

/* The owner as ldns text: what the rest of the entry is about. */
static bool take_owner(struct reading *r, bool is_soa, struct err *e)
{
    if (r->text.begins_blank)
        return r->previous || fault(r, e, "the first record leaves its owner out", "");
    const struct zone_token *t = r->text.tokens;
    ldns_rdf *owner = read_name(r, t);
    if (!owner) {
        bool relative = !r->origin && (t->text.n == 0 || t->text.p[t->text.n - 1] != '.');
        /* A file that forgot its $ORIGIN must not claim the whole DNS. */
        return relative && is_soa
                   ? fault(r, e, "the SOA stands at the root: begin with $ORIGIN", "")
               : relative ? fault(r, e, "a relative name, and no $ORIGIN before it", "")
                          : fault(r, e, "the owner is no domain name", "");
    }
    ldns_rdf_deep_free(r->previous);
    r->previous = owner;
    if (!r->origin && is_soa) /* as if the zone were loaded under this name */
        r->origin = ldns_rdf_clone(owner);
    return true;
}

/* Reads TTL and class; *at comes to stand at the type. */
static bool take_ttl_and_class(struct reading *r, size_t *at, uint32_t *ttl_s, struct err *e)
{
    bool have_ttl = false, have_class = false;
    *ttl_s = r->ttl_s;
    for (; *at < r->text.n; ++*at) {
        const struct zone_token *t = &r->text.tokens[*at];
        if (!have_ttl && read_ttl(t, ttl_s))
            have_ttl = true;
        else if (!have_class && !t->quoted && str_is_nocase(t->text, "IN"))
            have_class = true;
        else if (str_is_nocase(t->text, "CH") || str_is_nocase(t->text, "HS"))
            return fault(r, e, "not a record of class IN", "");
        else
            break;
    }
    if (have_ttl && !r->has_default_ttl)
        r->ttl_s = *ttl_s;
    return true;
}

/* ---- records --------------------------------------------------------------------------------------- */

static bool take_soa(struct zone_content *c, struct reading *r, const ldns_rr *in,
    const struct rr *rr, struct err *e)
{
    for (size_t i = 0; i < c->apexes_n; i++)
        if (strcmp(c->apexes[i].name, rr->owner) == 0)
            return str_eq(c->apexes[i].soa, rr->rdata) ||
                   fault(r, e, "a second SOA at ", rr->owner);
    c->apexes = grown(c->apexes, c->apexes_n, &r->apexes_cap, sizeof *c->apexes);
    struct zone_apex *apex = &c->apexes[c->apexes_n];
    *apex = (struct zone_apex){.name = rr->owner, .soa = rr->rdata};
    if (!rr_negative_ttl(in, &apex->negative_ttl_s))
        return fault(r, e, "the SOA is not complete", "");
    c->apexes_n++;
    return true;
}

static bool take_record(struct zone_content *c, struct reading *r, const ldns_rr *in, struct err *e)
{
    c->rrs = grown(c->rrs, c->n, &r->cap, sizeof *c->rrs);
    struct rr *out = &c->rrs[c->n];
    if (!rr_read(in, c->arena, out))
        return fault(r, e, "not a record of class IN that its type allows", "");
    out->line = r->text.line;
    out->rdata = rr_rdata(in, c->arena);
    if (out->type == LDNS_RR_TYPE_SOA && !take_soa(c, r, in, out, e))
        return false;
    out->place = c->n++;
    return true;
}

static bool is_text_type(struct str type)
{
    return str_is_nocase(type, "TXT") || str_is_nocase(type, "SPF");
}

/* A word of the file where it is fit to be shown. */
static const char *shown(struct str word, char out[WORD_BYTES])
{
    bool fits = str_is_ascii(word) && !str_has_control(word) && str_copy(word, out, WORD_BYTES);
    return fits ? out : "...";
}

/* ldns has one status for most faults that people make with data: what would be right depends on the type. */
static bool refuse_data(const struct reading *r, struct str type, ldns_status s, struct err *e)
{
    static const char *const wanted[][2] = {
        {"A", "it takes one IPv4 address, such as 192.0.2.1"},
        {"AAAA", "it takes one IPv6 address, such as 2001:db8::1"},
        {"MX", "it takes a number and a host, such as 10 mail"},
        {"TXT", "it takes strings of at most 255 characters, with \\DDD at most \\255"},
    };
    char word[WORD_BYTES], what[WORD_BYTES + 40];
    const char *right = ldns_get_errorstr_by_id(s);
    for (size_t i = 0; i < COUNT_OF(wanted); i++)
        if (str_is_nocase(type, wanted[i][0]))
            right = wanted[i][1];
    snprintf(what, sizeof what, "cannot read this %s record: ", shown(type, word));
    return fault(r, e, what, right);
}

/* The record as one line for ldns, which knows the types. Strings of TXT get quotes where they have none, so that
 * their escapes are read alike. */
static void write_line(const struct reading *r, size_t at, uint32_t ttl_s, struct buf *out)
{
    const struct zone_token *t = r->text.tokens;
    bool quotes = is_text_type(t[at].text);
    buf_addf(out, " %u IN ", ttl_s); /* a blank: the owner is r->previous */
    buf_add(out, t[at].text);
    while (++at < r->text.n) {
        const char *quote = quotes || t[at].quoted ? "\"" : "";
        buf_addf(out, " %s", quote);
        buf_add(out, t[at].text); /* with any NUL, which the reader refuses */
        buf_add_text(out, quote);
    }
}

/* Of a type that nobody asks for only that it is there counts: its owner exists. */
static ldns_rr *without_data(const struct reading *r, ldns_rr_type type, uint32_t ttl_s)
{
    ldns_rr *rr = ldns_rr_new();
    if (!rr)
        err_out_of_memory();
    ldns_rr_set_owner(rr, ldns_rdf_clone(r->previous));
    ldns_rr_set_ttl(rr, ttl_s);
    ldns_rr_set_type(rr, type);
    ldns_rr_set_class(rr, LDNS_RR_CLASS_IN);
    return rr;
}

/* 0: there is no such type. */
static ldns_rr_type type_of(struct str word)
{
    char name[WORD_BYTES];
    return str_copy(word, name, sizeof name) ? ldns_get_rr_type_by_name(name) : 0;
}

static bool take_entry(struct zone_content *c, struct reading *r, struct err *e)
{
    const struct zone_token *t = r->text.tokens;
    size_t at = r->text.begins_blank ? 0 : 1;
    uint32_t ttl_s;
    char word[WORD_BYTES];
    AUTO(buf_close) struct buf line = {0};
    AUTO(close_rr) ldns_rr *rr = NULL;
    if (!r->text.begins_blank && !t->quoted && str_starts(t->text, STR("$")))
        return take_directive(r, e);
    if (!take_ttl_and_class(r, &at, &ttl_s, e))
        return false;
    if (at == r->text.n)
        return fault(r, e, "a record without type", "");
    if (!take_owner(r, str_is_nocase(t[at].text, "SOA"), e))
        return false;
    ldns_rr_type type = type_of(t[at].text);
    if (type == 0) /* for ldns it is one without data */
        return fault(r, e, "there is no type of records called ", shown(t[at].text, word));
    if (!rr_type_is_read((uint16_t)type)) {
        rr = without_data(r, type, ttl_s);
        return take_record(c, r, rr, e);
    }
    write_line(r, at, ttl_s, &line);
    if (str_find_char(buf_str(&line), 0, 0) < line.n)
        return fault(r, e, "a NUL: write \\000", "");
    ldns_status s = ldns_rr_new_frm_str(&rr, buf_text(&line), ttl_s, r->origin, &r->previous);
    return s == LDNS_STATUS_OK ? take_record(c, r, rr, e) : refuse_data(r, t[at].text, s, e);
}

/* ---- the whole ------------------------------------------------------------------------------------- */

static int compare_rrs(const void *left, const void *right)
{
    const struct rr *a = left, *b = right;
    int order = zone_name_order(a->owner, b->owner);
    return order != 0 ? order : (a->place > b->place) - (a->place < b->place);
}

/* RFC 2181 s5: a set has no two equal records, and servers drop the second. They stand in one owner's
 * run of the sorted table. */
static void drop_repeated(struct zone_content *c)
{
    size_t kept = 0, run = 0; /* where the owner of the latest one kept begins */
    for (size_t i = 0; i < c->n; i++) {
        bool seen = false;
        if (kept > 0 && strcmp(c->rrs[kept - 1].owner, c->rrs[i].owner) != 0)
            run = kept;
        for (size_t j = run; j < kept && !seen; j++)
            seen = c->rrs[j].type == c->rrs[i].type && str_eq(c->rrs[j].rdata, c->rrs[i].rdata);
        if (!seen)
            c->rrs[kept++] = c->rrs[i];
    }
    c->n = kept;
}

static bool stands_beside_cname(uint16_t type)
{
    return type == LDNS_RR_TYPE_RRSIG || type == LDNS_RR_TYPE_NSEC;
}

/* RFC 1034 s3.6.2: a server would refuse the zone, so it could not be published. */
static bool check_cnames(const struct zone_content *c, const char *path, struct err *e)
{
    const struct rr *a = NULL; /* the latest that counts, of the owner whose run this is */
    for (size_t i = 0; i < c->n; i++) {
        const struct rr *b = &c->rrs[i];
        if (stands_beside_cname(b->type))
            continue;
        bool alias = a && (a->type == LDNS_RR_TYPE_CNAME || b->type == LDNS_RR_TYPE_CNAME);
        if (alias && strcmp(a->owner, b->owner) == 0)
            return err_set(e, ERR_INPUT, "%s: %s has a CNAME and other records", path, a->owner);
        a = b;
    }
    return true;
}

const struct zone_apex *zone_apex_of(const struct zone_content *c, const char *name)
{
    const struct zone_apex *best = NULL;
    for (size_t i = 0; i < c->apexes_n; i++)
        if (name_is_at_or_below(name, c->apexes[i].name) &&
            (!best || strlen(c->apexes[i].name) > strlen(best->name)))
            best = &c->apexes[i];
    return best;
}

/* SOAs may come after other records, so that only now is known what lies outside. */
static bool check_places(const struct zone_content *c, const struct reading *r, struct err *e)
{
    if (c->apexes_n == 0)
        return err_set(
            e, ERR_INPUT, "%s: no SOA record, so it is not known what zone this is", r->path);
    for (size_t i = 0; i < c->n; i++)
        if (!zone_apex_of(c, c->rrs[i].owner))
            return err_set(e, ERR_INPUT, "%s line %d: %s lies outside of the zone %s", r->path,
                c->rrs[i].line, c->rrs[i].owner, c->apexes[0].name);
    return true;
}

static bool read_entries(struct zone_content *c, struct reading *r, struct err *e)
{
    while (zone_text_next(&r->text))
        if (!take_entry(c, r, e))
            return false;
    if (r->text.fault)
        return fault(r, e, r->text.fault, "");
    if (!check_places(c, r, e))
        return false;
    qsort(c->rrs, c->n, sizeof *c->rrs, compare_rrs);
    drop_repeated(c);
    return check_cnames(c, r->path, e);
}

static bool read_bytes(const char *path, struct buf *out, struct zone_stamp *stamp, struct err *e)
{
    /* Without O_NONBLOCK, opening a named pipe would wait for its writer. */
    AUTO(file_close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat st;
    *stamp = (struct zone_stamp){0};
    if (fd < 0 || fstat(fd, &st) != 0)
        return err_system(e, "zone file %s", path);
    *stamp = zone_stamp_of(&st);
    if (!S_ISREG(st.st_mode) || st.st_size > FILE_BYTES_MAX)
        return err_set(e, ERR_INPUT, "zone file %s: not a regular file of at most 64 MiB", path);
    return file_read_open(fd, "zone file", path, FILE_BYTES_MAX, out, e);
}

bool zone_read(const char *path, struct zone_content **out, struct zone_stamp *stamp, struct err *e)
{
    AUTO(buf_close) struct buf bytes = {0};
    if (!read_bytes(path, &bytes, stamp, e))
        return false;
    AUTO(zone_content_close) struct zone_content *c = calloc(1, sizeof *c);
    if (!c)
        err_out_of_memory();
    c->users = 1;
    c->arena = arena_open();
    AUTO(reading_close)
    struct reading r = {
        .path = path, .text = zone_text_of(buf_str(&bytes)), .ttl_s = DEFAULT_TTL_S};
    if (!read_entries(c, &r, e))
        return false;
    *out = c;
    c = NULL;
    return true;
}

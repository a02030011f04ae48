#include "dns/zone_read.h"

#include "dns/name.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define FILE_BYTES_MAX (64 * 1024 * 1024)
#define DEFAULT_TTL_S 3600

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
    arena_close(&c->arena);
    free(c);
}

static void close_file(FILE **f)
{
    if (*f)
        fclose(*f);
}

/* What ldns carries from line to line. */
struct reading {
    const char *path;
    FILE *file;
    ldns_rdf *origin, *previous;
    uint32_t ttl_s;
    int line;
    size_t cap;
};

static void reading_close(struct reading *r)
{
    ldns_rdf_deep_free(r->origin);
    ldns_rdf_deep_free(r->previous);
}

static void close_rr(ldns_rr **rr)
{
    ldns_rr_free(*rr);
}

static bool fault(const struct reading *r, struct err *e, const char *what, const char *name)
{
    return err_set(e, ERR_INPUT, "%s line %d: %s%s", r->path, r->line, what, name);
}

static struct rr *next_rr(struct zone_content *c, struct reading *r)
{
    if (c->n == r->cap) {
        r->cap = r->cap > 0 ? r->cap * 2 : 64;
        c->rrs = reallocarray(c->rrs, r->cap, sizeof *c->rrs);
        if (!c->rrs)
            err_out_of_memory();
    }
    return &c->rrs[c->n];
}

static bool take_soa(struct zone_content *c, const struct reading *r, const ldns_rr *in,
    const char *owner, struct err *e)
{
    if (c->origin)
        return strcmp(c->origin, owner) == 0 || fault(r, e, "a second SOA, at ", owner);
    /* A file that forgot its $ORIGIN would claim the whole DNS; one that says "$ORIGIN ." means it. */
    if (!owner[0] && !r->origin)
        return fault(r, e, "the SOA stands at the root: begin with $ORIGIN", "");
    if (!rr_negative_ttl(in, &c->negative_ttl_s))
        return fault(r, e, "the SOA is not complete", "");
    c->origin = owner;
    return true;
}

static bool take_record(struct zone_content *c, struct reading *r, const ldns_rr *in, struct err *e)
{
    struct rr *out = next_rr(c, r);
    if (!rr_read(in, c->arena, out))
        return fault(r, e, "not a record of class IN that its type allows", "");
    if (out->type == LDNS_RR_TYPE_SOA && !take_soa(c, r, in, out->owner, e))
        return false;
    if (out->type == LDNS_RR_TYPE_DNAME)
        return fault(r, e, "DNAME is not supported: ", out->owner);
    if (c->origin && !name_is_at_or_below(out->owner, c->origin))
        return fault(r, e, "lies outside of the zone: ", out->owner);
    out->rdata = rr_rdata(in, c->arena);
    out->place = c->n++;
    return true;
}

/* The two faults that people meet most have one status for all. */
static const char *reason(ldns_status s)
{
    if (s == LDNS_STATUS_SYNTAX_RDATA_ERR)
        return "cannot read the record (a string of TXT holds at most 255 characters; the TTL "
               "stands "
               "before the class)";
    return ldns_get_errorstr_by_id(s);
}

static bool take_line(struct zone_content *c, struct reading *r, struct err *e)
{
    AUTO(close_rr) ldns_rr *rr = NULL;
    ldns_status s =
        ldns_rr_new_frm_fp_l(&rr, r->file, &r->ttl_s, &r->origin, &r->previous, &r->line);
    switch (s) {
    case LDNS_STATUS_OK:
        return take_record(c, r, rr, e);
    case LDNS_STATUS_SYNTAX_EMPTY:
    case LDNS_STATUS_SYNTAX_TTL:
    case LDNS_STATUS_SYNTAX_ORIGIN:
        return true;
    case LDNS_STATUS_SYNTAX_INCLUDE:
        return fault(r, e, "$INCLUDE is not supported", "");
    default:
        return fault(r, e, reason(s), "");
    }
}

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
    for (size_t i = 1; i < c->n; i++) {
        const struct rr *a = &c->rrs[i - 1], *b = &c->rrs[i];
        bool alias = a->type == LDNS_RR_TYPE_CNAME || b->type == LDNS_RR_TYPE_CNAME;
        if (alias && !stands_beside_cname(a->type) && !stands_beside_cname(b->type) &&
            strcmp(a->owner, b->owner) == 0)
            return err_set(e, ERR_INPUT, "%s: %s has a CNAME and other records", path, a->owner);
    }
    return true;
}

static bool read_lines(struct zone_content *c, struct reading *r, struct err *e)
{
    while (!feof(r->file))
        if (!take_line(c, r, e))
            return false;
    if (!c->origin)
        return err_set(
            e, ERR_INPUT, "%s: no SOA record, so it is not known what zone this is", r->path);
    for (size_t i = 0; i < c->n; i++)
        if (!name_is_at_or_below(c->rrs[i].owner, c->origin))
            return err_set(e, ERR_INPUT, "%s: %s lies outside of the zone %s", r->path,
                c->rrs[i].owner, c->origin);
    qsort(c->rrs, c->n, sizeof *c->rrs, compare_rrs);
    drop_repeated(c);
    return check_cnames(c, r->path, e);
}

bool zone_read(const char *path, struct zone_content **out, struct zone_stamp *stamp, struct err *e)
{
    /* Without O_NONBLOCK, opening a named pipe would wait for its writer. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    AUTO(close_file) FILE *file = fd >= 0 ? fdopen(fd, "r") : NULL;
    struct stat st;

    *stamp = (struct zone_stamp){0};
    if (!file || fstat(fd, &st) != 0)
        return err_system(e, "zone file %s", path);
    *stamp = zone_stamp_of(&st);
    if (!S_ISREG(st.st_mode) || st.st_size > FILE_BYTES_MAX)
        return err_set(e, ERR_INPUT, "zone file %s: not a regular file of at most 64 MiB", path);
    AUTO(zone_content_close) struct zone_content *c = calloc(1, sizeof *c);
    if (!c)
        err_out_of_memory();
    c->users = 1;
    c->arena = arena_open();
    AUTO(reading_close) struct reading r = {.path = path, .file = file, .ttl_s = DEFAULT_TTL_S};
    if (!read_lines(c, &r, e))
        return false;
    *out = c;
    c = NULL;
    return true;
}

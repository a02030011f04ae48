#include "tests/fuzz/small_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define LINES_MAX 64
#define TEXT_MAX 2000
#define BEGIN_MS 1795219200000

/* The letters of the owners, from 'a' on. */
static const char *const names[] = {"shop.example", "_dmarc.shop.example", "bounce.shop.example",
    "_dmarc.bounce.shop.example", "s1._domainkey.shop.example", "mx.shop.example", "x.shop.example",
    "y.shop.example", "e.shop.example", "_mta-sts.shop.example", "_smtp._tls.shop.example",
    "default._bimi.shop.example", "_25._tcp.mx.shop.example", "7.100.51.198.in-addr.arpa",
    "*.shop.example", "example", "_dmarc.example", "other.example",
    "shop.example._report._dmarc.other.example", "_domainkey.shop.example", "mail.shop.example",
    "198.51.100.7.z.shop.example", "mta-sts.shop.example", "d.c.b.a.shop.example"};

static const char *name_of(char letter)
{
    return names[(uint8_t)(letter - 'a') % COUNT_OF(names)];
}

static void add_text(struct buf *zone, struct str text)
{
    text = str_slice(text, 0, TEXT_MAX);
    buf_add_text(zone, "TXT ");
    for (size_t i = 0; i < text.n || i == 0; i++) {
        if (i % 255 == 0)
            buf_add_text(zone, i == 0 ? "\"" : "\" \"");
        if (i < text.n)
            buf_addf(zone, "\\%03d", (uint8_t)text.p[i]);
    }
    buf_add_text(zone, "\"\n");
}

static int byte_at(struct str s, size_t i)
{
    return i < s.n ? (uint8_t)s.p[i] : 0;
}

static void add_data(struct buf *zone, char type, struct str rest)
{
    const char *host = name_of((char)byte_at(rest, type == 'm'));
    if (type == 'm') {
        buf_addf(zone, "MX %d %s.\n", byte_at(rest, 0), rest.n < 2 ? "" : host);
    } else if (type == 'c' || type == 'p') {
        buf_addf(zone, "%s %s.\n", type == 'c' ? "CNAME" : "PTR", host);
    } else if (type == '4') {
        buf_addf(zone, "A %d.%d.%d.%d\n", byte_at(rest, 0), byte_at(rest, 1), byte_at(rest, 2),
            byte_at(rest, 3));
    } else if (type == '6') {
        buf_addf(zone, "AAAA 2001:db8::%x:%x\n", byte_at(rest, 0), byte_at(rest, 1));
    } else if (type == 'l') {
        buf_addf(zone, "TLSA %d %d %d 00", byte_at(rest, 0) % 5, byte_at(rest, 1) % 3,
            byte_at(rest, 2) % 4);
        for (size_t i = 3; i < rest.n && i < TEXT_MAX; i++)
            buf_addf(zone, "%02x", byte_at(rest, i));
        buf_add_text(zone, "\n");
    } else {
        add_text(zone, rest);
    }
}

/* An alias stands alone at its name, or the zone would be refused. */
static void write_zone(struct buf *zone, struct str bytes)
{
    bool silent = str_starts(bytes, STR("!"));
    bool has_alias[COUNT_OF(names)] = {false}, has_other[COUNT_OF(names)] = {false};
    struct str line;
    buf_addf(zone, "$ORIGIN .\n$TTL 300\n%s IN SOA ns.root. host.root. 1 2 3 4 60\n",
        silent ? "shop.example." : ".");
    for (int n = 0; n < LINES_MAX && str_next(&bytes, '\n', &line); n++) {
        size_t owner = (uint8_t)(byte_at(line, 0) - 'a') % COUNT_OF(names);
        bool alias = byte_at(line, 1) == 'c', below = strstr(names[owner], "shop.example") != NULL;
        if (line.n < 2 || has_alias[owner] || (alias && (has_other[owner] || owner == 0)) ||
            (silent && (!below || str_starts(str_of(names[owner]), STR("shop.example.")))))
            continue;
        *(alias ? &has_alias[owner] : &has_other[owner]) = true;
        buf_addf(zone, "%s. ", names[owner]);
        add_data(zone, line.p[1], str_slice(line, 2, line.n));
    }
}

void small_world_open(struct small_world *w, struct str bytes)
{
    AUTO(buf_close) struct buf zone = {0};
    char path[64];
    const char *paths[] = {path};
    struct err e = {0};
    *w = (struct small_world){.arena = arena_open(), .fake = {.ms = BEGIN_MS}};
    w->clock = clock_of_fake(&w->fake);
    w->file = memfd_create("zone", MFD_CLOEXEC);
    write_zone(&zone, bytes);
    if (w->file < 0 || write(w->file, zone.p, zone.n) != (ssize_t)zone.n)
        abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", w->file);
    struct resolver_setup setup = {
        .zone_files = paths, .zone_files_n = 1, .timeout_ms = 1, .clock = &w->clock};
    if (!resolver_open(&setup, &w->resolver, &e)) {
        fprintf(stderr, "%s\n%s", e.text, buf_text(&zone));
        abort();
    }
}

void small_world_close(struct small_world *w)
{
    resolver_close(&w->resolver);
    arena_close(&w->arena);
    close(w->file);
}

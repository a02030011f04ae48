#include "tests/dns/world.h"
#include "tests/support/scratch.h"

#include "base/encode.h"
#include "dns/mx.h"

#include <stdlib.h>
#include <unistd.h>

#define BEGIN_MS 1795219200000

void world_begin(struct world *w)
{
    *w = (struct world){.fake = {.ms = BEGIN_MS}};
    w->clock = clock_of_fake(&w->fake);
    w->arena = arena_open();
    w->metrics = metrics_open();
    scratch_folder("dns", w->folder);
}

void world_end(struct world *w)
{
    resolver_close(&w->resolver);
    for (size_t i = 0; i < w->zones_n; i++)
        unlink(w->paths[i]);
    assert_int_equal(rmdir(w->folder), 0);
    metrics_close(&w->metrics);
    arena_close(&w->arena);
}

void world_zone(struct world *w, size_t i, const char *text)
{
    assert_true(i < WORLD_ZONES_MAX && i <= w->zones_n);
    w->paths[i] = arena_printf(w->arena, "%s/%zu.zone", w->folder, i);
    const char *fresh = arena_printf(w->arena, "%s.new", w->paths[i]);
    FILE *f = fopen(fresh, "w");
    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(rename(fresh, w->paths[i]), 0);
    if (i == w->zones_n)
        w->zones_n++;
}

void world_resolver(struct world *w, const char *const *servers, int64_t timeout_ms)
{
    size_t servers_n = 0;
    struct err e;
    while (servers && servers[servers_n])
        servers_n++;
    struct resolver_setup s = {
        .servers = servers,
        .servers_n = servers_n,
        .zone_files = w->paths,
        .zone_files_n = w->zones_n,
        .timeout_ms = timeout_ms,
        .clock = &w->clock,
        .metrics = w->metrics,
    };
    resolver_close(&w->resolver);
    if (!resolver_open(&s, &w->resolver, &e))
        fail_msg("%s", e.text);
}

void world_begin_on(struct world *w, const char *head, const char *rest)
{
    world_begin(w);
    world_zone(w, 0, arena_printf(w->arena, "%s%s", head, rest));
    world_resolver(w, NULL, 1000);
}

int world_of_group(void **state, const char *zone)
{
    static struct world w;

    world_begin(&w);
    if (zone) {
        world_zone(&w, 0, zone);
        world_resolver(&w, NULL, 100);
    }
    *state = &w;
    return 0;
}

int world_of_group_ends(void **state)
{
    world_end(*state);
    return 0;
}

void world_pass_ms(struct world *w, int64_t ms)
{
    w->fake.ms += ms;
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static const char *record_text(struct world *w, enum dns_type type, const struct dns_record *r)
{
    char text[IP_TEXT_SIZE];
    struct ip ip = {.family = type == DNS_A ? 4 : 6};
    struct buf hex = {0};
    const char *out;
    switch (type) {
    case DNS_A:
    case DNS_AAAA:
        assert_int_equal(r->data.n, type == DNS_A ? 4 : 16);
        memcpy(ip.b, r->data.p, r->data.n);
        ip_text(&ip, text);
        return arena_text(w->arena, str_of(text));
    case DNS_MX:
        return arena_printf(w->arena, "%d:" STR_FMT, r->number, STR_ARG(r->data));
    case DNS_TXT:
        return arena_printf(w->arena, "\"" STR_FMT "\"", STR_ARG(r->data));
    case DNS_SOA:
    case DNS_TLSA:
        encode_hex(&hex, r->data);
        out = arena_text(w->arena, buf_str(&hex));
        buf_close(&hex);
        return out;
    default:
        return arena_text(w->arena, r->data);
    }
}

const char *world_describe(
    struct world *w, const char *name, enum dns_type type, const struct dns_answer *a)
{
    const char **texts = arena_array(w->arena, a->n + 1, sizeof *texts);
    struct buf b = {0};
    for (size_t i = 0; i < a->n; i++)
        texts[i] = record_text(w, type, &a->records[i]);
    qsort(texts, a->n, sizeof *texts, compare_texts);
    buf_add_text(&b, dns_status_name(a->status));
    for (size_t i = 0; i < a->n; i++)
        buf_addf(&b, " %s", texts[i]);
    if (a->canonical[0] && !str_is_nocase(str_of(name), a->canonical))
        buf_addf(&b, " at %s", a->canonical);
    const char *out = arena_text(w->arena, buf_str(&b));
    buf_close(&b);
    return out;
}

const char *world_ask(struct world *w, const char *name, enum dns_type type)
{
    struct dns_answer a;
    resolver_ask(w->resolver, name, type, w->arena, &a);
    return world_describe(w, name, type, &a);
}

void expect_text(const char *name, const char *have, const char *want)
{
    if (strcmp(have, want) != 0)
        fail_msg("%s:\n  have %s\n  want %s", name, have, want);
}

void expect_number(const char *name, int64_t have, int64_t want)
{
    if (have != want)
        fail_msg("%s: have %lld, want %lld", name, (long long)have, (long long)want);
}

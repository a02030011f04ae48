/* A rotation as it stands, for people and for programs. */
#include "base/clock.h"
#include "mailer/cli/shift.h"
#include "mailer/cli/zone.h"

const char shift_none[] = "no key rotation is under way: `dkim rotate start` begins one";

void shift_print_servers(const struct dkim_spread *s, enum dkim_seen fine)
{
    if (s->why[0])
        printf("    %s\n", s->why);
    for (size_t i = 0; i < s->n; i++)
        if (s->servers[i].seen != fine)
            printf("    %s%s%s: %s\n", s->servers[i].host, s->servers[i].address[0] ? " " : "",
                s->servers[i].address,
                s->servers[i].seen == DKIM_SEEN_OURS ? "shows the record" : s->servers[i].why);
}

/* "2026-11-28T18:10:00.000Z" without its fraction */
static const char *when(struct shift *s, int64_t ms)
{
    char text[CLOCK_RFC3339_SIZE];
    clock_rfc3339(ms / 1000 * 1000, text);
    return arena_printf(s->cli->arena, "%.19sZ", text);
}

void shift_print_record(struct shift *s, const char *selector, const char *domain, const char *text)
{
    AUTO(buf_close) struct buf zone = {0};
    zone_add_txt(
        &zone, arena_printf(s->cli->arena, "%s._domainkey.%s", selector, domain), str_of(text));
    printf("%s", buf_text(&zone));
}

static const char *wait_name(enum rotation_wait w)
{
    static const char *const names[] = {
        [ROTATION_GOES_ON] = "",
        [ROTATION_WAITS_FOR_RECORD] = "record",
        [ROTATION_WAITS_FOR_CACHES] = "caches",
        [ROTATION_WAITS_FOR_SERVICE] = "service",
        [ROTATION_WAITS_FOR_MAIL] = "mail",
        [ROTATION_WAITS_FOR_REVOKING] = "revoking",
        [ROTATION_WAITS_FOR_PERSON] = "cancel",
        [ROTATION_CANNOT_TELL] = "dns",
        [ROTATION_IS_OVER] = "",
    };
    return names[w];
}

static int64_t until_ms(const struct rotation *r, enum rotation_wait w)
{
    return w == ROTATION_WAITS_FOR_CACHES ? r->wait_until_ms
           : w == ROTATION_WAITS_FOR_MAIL ? r->keep_until_ms
                                          : 0;
}

static void print_wait(struct shift *s, const struct rotation *r, enum rotation_wait w,
    const struct dkim_spread *spread)
{
    int64_t left_s = (until_ms(r, w) - s->now_ms + 999) / 1000;
    switch (w) {
    case ROTATION_GOES_ON:
        break;
    case ROTATION_WAITS_FOR_RECORD:
        puts("  waits until every server of the zone shows the new record:");
        shift_print_servers(spread, DKIM_SEEN_OURS);
        puts("  publish:");
        shift_print_record(s, r->new_selector, r->domain, r->new_record);
        break;
    case ROTATION_WAITS_FOR_CACHES:
        printf("  waits until caches have forgotten what stood there before: until %s, %lld s\n",
            when(s, r->wait_until_ms), (long long)left_s);
        break;
    case ROTATION_WAITS_FOR_SERVICE:
        printf("  waits for the service, which signs with %s until it has looked: it does every "
               "ten seconds\n"
               "    (if it goes on so, its log says why; where it was killed, start it, or remove\n"
               "    %s/dkim-signing)\n",
            r->old_selector, s->conf->data_dir);
        break;
    case ROTATION_WAITS_FOR_MAIL:
        printf("  waits while mails signed with %s are under way: until %s, %lld s\n"
               "    its record must stay until then\n",
            r->step == ROTATION_BACK ? r->new_selector : r->old_selector, when(s, r->keep_until_ms),
            (long long)left_s);
        break;
    case ROTATION_WAITS_FOR_REVOKING:
        puts(
            "  revoke the old key: publish this record in its place, and delete it a month later:");
        shift_print_record(s, r->old_selector, r->domain, "v=DKIM1; p=");
        shift_print_servers(spread, DKIM_SEEN_ABSENT);
        break;
    case ROTATION_WAITS_FOR_PERSON:
        puts("  nothing holds the new key any more: `dkim rotate cancel` takes it away");
        break;
    case ROTATION_CANNOT_TELL:
        puts("  could not tell what every server of the zone shows:");
        shift_print_servers(spread, DKIM_SEEN_OURS);
        break;
    case ROTATION_IS_OVER:
        printf("  over. The settings may say dkim \"%s\" { key_file = \"...\" } now, with the new "
               "key's "
               "file\n",
            r->new_selector);
        break;
    }
}

static struct js *servers_json(const struct dkim_spread *spread)
{
    static const char *const names[] = {[DKIM_SEEN_OURS] = "ours",
        [DKIM_SEEN_ABSENT] = "absent",
        [DKIM_SEEN_REVOKED] = "revoked",
        [DKIM_SEEN_OTHER] = "other",
        [DKIM_SEEN_UNKNOWN] = "unknown"};
    struct js *all = js_array();
    for (size_t i = 0; i < spread->n; i++) {
        struct js *one = js_object();
        js_set_cstr(one, "host", spread->servers[i].host);
        js_set_cstr(one, "address", spread->servers[i].address);
        js_set_cstr(one, "shows", names[spread->servers[i].seen]);
        js_set_cstr(one, "why", spread->servers[i].why);
        js_push(all, one);
    }
    return all;
}

void shift_add_json(struct shift *s, const struct rotation_found *f, const char *step,
    enum rotation_wait w, bool moved, const struct dkim_spread *spread)
{
    const struct rotation *r = &f->rotation;
    struct js *o = js_object();
    int64_t until = until_ms(r, w);
    js_set_cstr(o, "storefront", f->storefront);
    js_set_cstr(o, "domain", r->domain);
    js_set_cstr(o, "old_selector", r->old_selector);
    js_set_cstr(o, "new_selector", r->new_selector);
    js_set_cstr(o, "step", step);
    js_set_cstr(o, "signs", rotation_signing_selector(r));
    js_set_bool(o, "moved", moved);
    js_set_cstr(o, "waits_for", wait_name(w));
    js_set_cstr(o, "until", until ? when(s, until) : "");
    js_set_int(o, "seconds_left", until > s->now_ms ? (until - s->now_ms + 999) / 1000 : 0);
    js_set_cstr(o, "new_record", r->new_record);
    js_set(o, "servers", servers_json(spread));
    js_set_cstr(o, "dns_failure", spread->why ? spread->why : "");
    js_push(s->json, o);
}

void shift_say(struct shift *s, const struct rotation_found *f, enum rotation_wait w, bool moved,
    const struct dkim_spread *spread)
{
    const struct rotation *r = &f->rotation;
    if (s->json) {
        shift_add_json(s, f, rotation_step_name(r->step), w, moved, spread);
        return;
    }
    printf("%s -> %s of %s: %s%s; %s signs%s\n", r->old_selector, r->new_selector, r->domain,
        moved ? "now " : "", rotation_step_name(r->step), rotation_signing_selector(r),
        w == ROTATION_WAITS_FOR_SERVICE ? " once the service has read it" : "");
    print_wait(s, r, w, spread);
}

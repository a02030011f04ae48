#include "dns/web.h"

#include "dns/mx.h"
#include "dns/name.h"

static size_t addresses_of(
    void *state, const char *host, struct arena *a, const char *const **out, bool *failed)
{
    struct web_live *l = state;
    char name[NAME_SIZE], text[IP_TEXT_SIZE];
    struct ip *ips;
    *failed = false;
    if (!name_canonical(str_of(host), name))
        return 0;
    size_t n = mx_addresses(l->resolver, name, a, &ips, failed);
    const char **texts = arena_array(a, n + 1, sizeof *texts);
    for (size_t i = 0; i < n; i++) {
        ip_text(&ips[i], text);
        texts[i] = arena_text(a, str_of(text));
    }
    *out = texts;
    return n;
}

static void get(void *state, const char *url, const struct web_limits *limits, struct arena *a,
    struct fetch_answer *out)
{
    struct web_live *l = state;
    bool ours_is_less = l->timeout_ms > 0 && l->timeout_ms < limits->timeout_ms;
    struct fetch_rules rules = {
        .timeout_ms = ours_is_less ? l->timeout_ms : limits->timeout_ms,
        .max_bytes = limits->max_bytes,
        .max_redirects = limits->max_redirects,
        .addresses_of = addresses_of,
        .addresses_state = l,
        .authority_file = l->authority_file,
        .allow_loopback = l->allow_loopback,
        .port = l->port,
    };
    fetch_get(url, &rules, a, out);
}

struct said web_why(const struct fetch_answer *page, struct arena *a)
{
    const char *key = arena_printf(a, "page.%s", fetch_status_name(page->status));
    if (page->status == FETCH_OK)
        return SAID_NOTHING;
    return (struct said){.key = key, .text = page->why};
}

struct web web_of_live(struct web_live *l)
{
    return (struct web){.get = get, .state = l};
}

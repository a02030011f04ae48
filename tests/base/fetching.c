#include "tests/base/fetching.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

int fetching_enter(void **state)
{
    struct room *r = calloc(1, sizeof *r);
    signal(SIGPIPE, SIG_IGN);
    r->certs = certs_open();
    r->good = certs_server(r->certs, HOST, 1);
    r->arena = arena_open();
    close(scratch_file("fetch", r->authority));
    certs_write_authority(r->certs, r->authority);
    *state = r;
    return 0;
}

int fetching_leave(void **state)
{
    struct room *r = *state;
    unlink(r->authority);
    SSL_CTX_free(r->good);
    certs_close(&r->certs);
    arena_close(&r->arena);
    free(r);
    return 0;
}

static size_t addresses_of(
    void *state, const char *host, struct arena *a, const char *const **out, bool *failed)
{
    struct names *names = state;
    names->asked = arena_text(a, str_of(host));
    *out = names->addresses;
    *failed = names->failed;
    return names->n;
}

const char *const fetching_here[] = {"127.0.0.1"};
struct names fetching_names = {.addresses = fetching_here, .n = 1};

struct fetch_rules rules_for(const struct room *r, const struct peer *p)
{
    return (struct fetch_rules){
        .timeout_ms = PLENTY_MS,
        .max_bytes = 100,
        .addresses_of = addresses_of,
        .addresses_state = &fetching_names,
        .authority_file = r->authority,
        .allow_loopback = true,
        .port = (uint16_t)(p ? peer_port(p) : 9),
    };
}

void expect_status(const char *name, const struct fetch_answer *got, enum fetch_status want)
{
    if (got->status != want)
        fail_msg("%s: got %s (%s), want %s", name, fetch_status_name(got->status), got->why,
            fetch_status_name(want));
    expect(name, (want == FETCH_OK) == (got->why[0] == 0), "a sentence exactly when not ok");
    expect(name, want == FETCH_OK || got->body.n == 0, "a body only when ok");
}

const char fetching_page[] =
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"
    "6\r\nhello \r\n5\r\nworld\r\n0\r\n\r\n";

bool take_request(struct line *c)
{
    char line[1024];
    while (hear_line(c, line, sizeof line))
        if (str_trim(str_of(line)).n == 0)
            return true;
    return false;
}

void fetching_answer(struct line *c, void *text)
{
    if (take_tls(c) && take_request(c)) {
        say(c, text);
        stall_for(c, PLENTY_MS); /* the client has what it needs, or waits in vain */
    }
}

#include "mailer/mime/body_hash.h"

#define STEP 16
#define GATHERED_BYTES 512

typedef uint8_t octets __attribute__((vector_size(STEP)));

static bool is_space(char c)
{
    return c == ' ' || c == '\t';
}

/* Does canonicalising stop at this byte? `next` stands behind it. Half a line end stops both kinds. */
static bool stops(char c, char next, bool simple)
{
    if ((c == '\r') != (next == '\n'))
        return true;
    return !simple && (c == '\t' || (c == ' ' && (is_space(next) || next == '\r')));
}

static octets load(const char *p)
{
    octets o;

    memcpy(&o, p, sizeof o);
    return o;
}

static bool any(octets o)
{
    uint64_t halves[2];

    memcpy(halves, &o, sizeof halves);
    return (halves[0] | halves[1]) != 0;
}

/* stops() for STEP bytes at once; one more must follow them. */
static bool stops_within(const char *p, bool simple)
{
    octets c = load(p), next = load(p + 1);
    octets stop = (octets)(c == '\r') ^ (octets)(next == '\n');

    if (!simple)
        stop |= (octets)(c == '\t') |
                ((octets)(c == ' ') &
                    ((octets)(next == ' ') | (octets)(next == '\t') | (octets)(next == '\r')));
    return any(stop);
}

/* The first byte from `at` on at which canonicalising stops; its length less one where none does. */
static size_t find_stop(struct str body, size_t at, bool simple)
{
    while (at + STEP < body.n && !stops_within(body.p + at, simple))
        at += STEP;
    while (at + 1 < body.n && !stops(body.p[at], body.p[at + 1], simple))
        at++;
    return at;
}

/* Without the lines at its end that count as empty. */
static struct str without_empty_lines(struct str body, bool simple)
{
    while (str_ends(body, STR("\r\n"))) {
        size_t end = body.n - 2;

        while (!simple && end > 0 && is_space(body.p[end - 1]))
            end--;
        if (end > 0 && body.p[end - 1] != '\n')
            break;
        body.n = end;
    }
    return body;
}

/* Behind the white space here; a line end follows at the latest. */
static size_t skip_space(struct str body, size_t at)
{
    while (is_space(body.p[at]))
        at++;
    return at;
}

/* Bytes on their way into the hash. */
struct gathered {
    char bytes[GATHERED_BYTES];
    size_t n;
};

static void pass_on(struct gathered *g)
{
    hash_sha256_add(str_bytes(g->bytes, g->n));
    g->n = 0;
}

/* A long run is hashed where it lies. */
static void add_run(struct gathered *g, struct str run)
{
    if (run.n >= GATHERED_BYTES - g->n)
        pass_on(g);
    if (run.n >= GATHERED_BYTES) {
        hash_sha256_add(run);
        return;
    }
    memcpy(g->bytes + g->n, run.p, run.n);
    g->n += run.n;
}

static bool add_canonical(struct gathered *g, struct str body, bool simple)
{
    size_t from = 0, at = 0;

    for (;;) {
        at = find_stop(body, at, simple);
        if (at + 1 == body.n)
            break;
        if (simple || !is_space(body.p[at]))
            return false;
        add_run(g, str_slice(body, from, at));
        from = at = skip_space(body, at);
        if (body.p[at] == '\n')
            return false;
        if (body.p[at] != '\r') /* before a line's end there is none, elsewhere one */
            add_run(g, STR(" "));
    }
    add_run(g, str_slice(body, from, body.n));
    return true;
}

bool body_hash(struct str body, bool simple, struct digest *out)
{
    struct gathered g;

    if (body.n > 0 && (!str_ends(body, STR("\r\n")) || body.p[0] == '\n'))
        return false;
    body = without_empty_lines(body, simple);
    if (body.n == 0) {
        hash_sha256(simple ? STR("\r\n") : STR(""), out);
        return true;
    }
    g.n = 0;
    hash_sha256_begin();
    if (!add_canonical(&g, body, simple))
        return false;
    pass_on(&g);
    hash_sha256_end(out);
    return true;
}

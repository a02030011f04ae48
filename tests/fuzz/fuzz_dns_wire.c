/* Answers from strangers: any bytes, or (first byte odd) any bytes behind a header and question that fit ours, so that
 * the record parser is reached. What is read keeps its promises. Links: dns, base. */
#include <stdlib.h>

#include "dns/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char header[] = "\x12\x34\x81\x80\0\1\0\3\0\1\0\0";

/* What is asked for, as text and as bytes: a name with nothing to escape, and such as strangers choose. */
static const struct {
    const char *name;
    struct str wire;
} asked[] = {
    {"a.test", STR("\1a\4test\0")},
    {"a\\032b.test", STR("\3a b\4test\0")},
    {"a\\046b\\092.\\000\\255", STR("\4a.b\\\2\0\377\0")},
    {"", STR("\0")},
};

static void check_step(const struct dns_step *s, enum dns_type type)
{
    if (s->status != DNS_FOUND && s->status != DNS_NODATA && s->status != DNS_NXDOMAIN &&
        s->status != DNS_BAD)
        abort();
    if (s->n > DNS_MAX_RECORDS || s->ttl_s > INT32_MAX)
        abort();
    for (size_t i = 0; i < s->n; i++)
        if ((type == DNS_A && s->records[i].data.n != 4) ||
            (type == DNS_AAAA && s->records[i].data.n != 16))
            abort();
}

/* An answer repeats the question byte for byte, or may not have to. */
static void check_case(const struct wire_question *q, size_t name_bytes, struct str packet)
{
    uint8_t sent[WIRE_QUESTION_MAX];
    size_t begin = sizeof header - 1, end = begin + name_bytes + 4;
    if (wire_write(q, sent) < end || packet.n < end)
        abort();
    if (!q->any_case && memcmp(sent + begin, packet.p + begin, end - begin) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum dns_type types[] = {
        DNS_A, DNS_AAAA, DNS_MX, DNS_TXT, DNS_CNAME, DNS_PTR, DNS_NS, DNS_SOA, DNS_TLSA};
    static const char numbers[] = {1, 28, 15, 16, 5, 12, 2, 6, 52};
    AUTO(arena_close) struct arena *a = arena_open();
    AUTO(buf_close) struct buf packet = {0};
    const struct wire_answer *answer = NULL;
    struct dns_step step;

    if (size < 1)
        return 0;
    size_t which = (data[0] >> 1) % COUNT_OF(types);
    size_t name_i = (data[0] >> 4) % COUNT_OF(asked);
    struct wire_question q = {.name = asked[name_i].name,
        .type = types[which],
        .id = 0x1234,
        .edns = true,
        .dnssec = data[0] & 0x80,
        .any_case = data[0] & 0x40};
    if (data[0] & 1) {
        buf_add(&packet, str_bytes(header, sizeof header - 1));
        buf_add(&packet, asked[name_i].wire);
        buf_add_char(&packet, 0);
        buf_add_char(&packet, numbers[which]);
        buf_add(&packet, STR("\0\1"));
    } else if (size > 1) {
        q.mix[0] = data[1]; /* a question in a case that the packet may keep or not */
    }
    buf_add(&packet, str_bytes(data + 1, size - 1));
    enum wire_kind kind = wire_read(&q, buf_str(&packet), a, &answer);
    if (kind == WIRE_FOLDED && q.any_case)
        abort();
    if (kind != WIRE_ANSWER)
        return 0;
    check_case(&q, asked[name_i].wire.n, buf_str(&packet));
    const char *name = q.name;
    for (int i = 0; i < 10 && wire_step(answer, name, a, &step); i++) {
        check_step(&step, q.type);
        if (!step.alias[0])
            break;
        name = step.alias;
    }
    return 0;
}

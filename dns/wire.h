/* wire -- questions to bytes and bytes to answers (through ldns), with every check that says "this
 * answer is to this question". Knows no sockets and no time. Results lie in the arena. Any thread.
 *
 * The letters of a question's name go out in the case that `mix` says. Servers copy the question
 * section into the answer, so that its case is a secret which a forger must guess beside ID and
 * port. All other names are compared and handed on without case.
 * Source: RFC 1035 s4, 6891 (EDNS), 6840 s5.7 (AD in questions), 5452 s9 (matching answers),
 * draft-vixie-dnsext-dns0x20. */
#ifndef DNS_WIRE_H
#define DNS_WIRE_H

#include "dns/step.h"

#define WIRE_QUESTION_MAX 512
#define WIRE_MIX_BYTES 32 /* a bit for each byte of a name */
#define WIRE_UDP_MAX 1232 /* EDNS buffer that fits any path unfragmented (DNS Flag Day 2020) */

struct wire_question {
    const char *name; /* canonical, "" is the root */
    enum dns_type type;
    uint16_t id;
    bool edns;
    bool direct;   /* to an authoritative server: without RD and AD */
    bool dnssec;   /* with EDNS: signatures too, and unchecked (DO, CD: RFC 4035 s3.2.2) */
    bool any_case; /* the answer may have another case than the question */
    uint8_t mix
        [WIRE_MIX_BYTES]; /* bit i: upper case for byte i of the wire name, first length left out */
};

/* Bytes written to out, 0 when the name cannot be asked. */
size_t wire_write(const struct wire_question *q, uint8_t out[WIRE_QUESTION_MAX]);

enum wire_kind {
    WIRE_NOT_OURS,  /* other ID, other question, no answer at all: keep waiting       */
    WIRE_FOLDED,    /* to our question, in another case: forged, or the server folds it  */
    WIRE_TRUNCATED, /* ask again over TCP                                             */
    WIRE_NO_EDNS,   /* the server trips over EDNS: ask again without                  */
    WIRE_SERVFAIL,  /* this server cannot say, or not with its signatures             */
    WIRE_REFUSED,   /* this server does not want to say, or has never heard of DNS    */
    WIRE_GARBAGE,   /* to our question, but not readable                              */
    WIRE_ANSWER,    /* NOERROR or NXDOMAIN                                            */
};

void wire_mark_truncated(uint8_t *bytes); /* of a header and more */

struct wire_answer; /* the answer section, in an arena */

enum wire_kind wire_read(const struct wire_question *q, struct str bytes, struct arena *a,
    const struct wire_answer **out);

/* What the answer says about `name`, which is the question's own or one that its CNAMEs led to.
 * False: nothing, so that `name` must be asked for by itself (an authoritative server does not
 * follow CNAMEs out of its zones). DNS_BAD in out->status: more than DNS_MAX_RECORDS records.
 * secure is the AD bit as received. Any threads may read one answer; its bytes stay in its arena. */
bool wire_step(
    const struct wire_answer *answer, const char *name, struct arena *a, struct dns_step *out);

bool wire_is_authoritative(const struct wire_answer *answer); /* the AA bit */

#endif

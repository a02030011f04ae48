/* spf_record -- the syntax of one SPF record: its terms in order, or the first place where it breaks the
 * grammar. Nothing is asked of the DNS; an audit reads the same structure as the evaluation.
 * Shapes: texts are slices of the record given, which must outlive the result; arrays lie in the arena.
 * Pure, any thread. Cannot fail: a broken record is a result.
 * Source: RFC 7208 s4.5, s4.6, s5, s6, s12. */
#ifndef DNS_SPF_RECORD_H
#define DNS_SPF_RECORD_H

#include "dns/spf_macro.h"

enum spf_kind {
    SPF_ALL,
    SPF_INCLUDE,
    SPF_A,
    SPF_MX,
    SPF_PTR,
    SPF_IP4,
    SPF_IP6,
    SPF_EXISTS,
    SPF_REDIRECT,
    SPF_EXP,
    SPF_UNKNOWN_MODIFIER,
};

struct spf_term {
    enum spf_kind kind;
    char qualifier;         /* '+', '-', '~' or '?'; 0 for modifiers */
    struct str text;        /* as published */
    size_t at;              /* bytes from the beginning of the record */
    struct str domain_spec; /* before expansion; "" = none */
    struct ip network;      /* of ip4 and ip6 */
    int bits4, bits6;       /* prefix lengths; 32 and 128 where none is given */
};

struct spf_record {
    struct str text;
    bool valid;
    const struct spf_term *terms; /* up to the fault when not valid */
    size_t n;
    const struct spf_term *all, *redirect, *exp; /* the first of its kind; NULL = none */
    struct {                                     /* when not valid */
        size_t term;                             /* its index, counted from 0 */
        struct str text;                         /* the whole term */
        size_t at;                               /* bytes from the beginning of the record */
        struct said why;                         /* one sentence: what would be right */
    } fault;
};

/* "v=spf1" and then a blank or the end, in letters of any case: what makes a TXT record SPF (s4.5). */
bool spf_is_record(struct str text);

/* The text must be such a record. */
void spf_record_parse(struct str text, struct arena *a, struct spf_record *out);

/* Whether evaluating it counts toward the ten terms that ask the DNS (s4.6.4). */
bool spf_kind_asks(enum spf_kind k);

#endif

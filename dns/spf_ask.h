/* spf_ask -- the questions of one SPF evaluation to the DNS, counted and bounded; spf.c decides on them.
 * Ownership: everything lies in the evaluation's arena. One evaluation is one thread's.
 * Source: RFC 7208 s4.6.4, s5. */
#ifndef DNS_SPF_ASK_H
#define DNS_SPF_ASK_H

#include "dns/name.h"
#include "dns/spf.h"

#define SPF_LOOKUPS_MAX 10
#define SPF_VOIDS_MAX 2
#define SPF_NAMES_MAX 10 /* MX or PTR names of one look-up */

/* What a mechanism says of the address (s5): the errors end the whole evaluation. */
enum spf_match { SPF_NO_MATCH, SPF_MATCH, SPF_MATCH_TEMPERROR, SPF_MATCH_PERMERROR };

/* Names of the address that lead back to it (s5.5); found once for an evaluation. */
struct spf_names {
    bool known, failed, is_void;
    char names[SPF_NAMES_MAX][NAME_SIZE];
    size_t n;
};

/* What all records of one evaluation share. */
struct spf_asker {
    struct resolver *resolver;
    struct arena *arena;
    const struct clock *clock;
    int64_t deadline_ms;
    struct ip ip;
    unsigned lookups, voids;
    bool term_is_void, term_has_names; /* what of the term under way has been counted */
    bool uncounted; /* an explanation is fetched: no limit but the time (s4.6.4) */
    uint32_t ttl_s;
    enum spf_match ended; /* the first error; SPF_NO_MATCH: there was none */
    const char *problem;  /* and its sentence */
    struct spf_names validated;
};

/* Begins a term that asks; it may be one too many, which is a permerror. */
enum spf_match spf_begin_term(struct spf_asker *k);

/* NO_MATCH: answered, perhaps with nothing (n == 0). Else an error that ends the evaluation. */
enum spf_match spf_ask(
    struct spf_asker *k, const char *name, enum dns_type type, struct dns_answer *out);

/* The mechanisms a and mx: whether the client's address is in one of these networks. */
enum spf_match spf_match_hosts(struct spf_asker *k, const char *name, int bits4, int bits6);
enum spf_match spf_match_mx(struct spf_asker *k, const char *name, int bits4, int bits6);
bool spf_in_network(const struct ip *ip, const struct ip *network, int bits);

/* The mechanism ptr: whether a validated name is `name` or below it. */
enum spf_match spf_match_ptr(struct spf_asker *k, const char *name);

/* %{p} (s7.3): the validated name that suits this domain best, "unknown" without any. Its PTR question
 * counts toward the ten, once for a term (s4.6.4); look at `ended` afterwards. */
struct str spf_validated_name(struct spf_asker *k, const char *domain);

#endif

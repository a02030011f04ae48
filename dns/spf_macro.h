/* spf_macro -- the macro strings of SPF: their grammar, and what they expand to.
 * Ownership: texts are borrowed; expansions are appended to the caller's buf.
 * Pure but for `validated_name`, which asks the DNS. Any thread.
 * Limits: an expansion that would pass SPF_EXPANSION_MAX bytes fails.
 * Source: RFC 7208 s7. */
#ifndef DNS_SPF_MACRO_H
#define DNS_SPF_MACRO_H

#include "base/buf.h"
#include "dns/mx.h"
#include "dns/name.h"

#define SPF_EXPANSION_MAX 65536

/* Where a text breaks the grammar, and what would be right. */
struct spf_place {
    size_t at; /* bytes from its beginning */
    struct said why;
};

/* What may stand in it: c, r and t only in an explanation (s7.2), blanks too (s7.1). In a modifier that
 * nobody knows only the grammar counts, since it is never expanded. */
enum spf_macro_use { SPF_MACRO_IN_TERM, SPF_MACRO_IN_EXPLANATION, SPF_MACRO_IN_UNKNOWN };

bool spf_macro_is_valid(struct str s, enum spf_macro_use use, struct spf_place *out);

/* domain-spec: a macro string that ends in ".toplabel" or in a macro. */
bool spf_domain_spec_is_valid(struct str s, struct spf_place *out);

/* Letters, digits and hyphens, none at either end, and not digits alone. */
bool spf_is_toplabel(struct str s);

struct spf_values {
    struct str sender, local, sender_domain, domain, helo, receiver;
    struct ip ip;
    int64_t now_ms;
    struct str (*validated_name)(void *state); /* %{p}; asked only where it stands */
    void *state;
};

/* False: a macro in it breaks the grammar, or it grows too long; *out then holds a part. */
bool spf_expand(struct str s, const struct spf_values *v, struct buf *out) MUST_CHECK;

/* A domain-spec as a name to ask for (name_from_bytes): without final dot, and cut from the left to 253
 * characters by whole labels. False: what it expands to is no fully qualified domain name, so that nothing can be
 * there. Letters keep their case. */
bool spf_expand_name(
    struct str domain_spec, const struct spf_values *v, char out[NAME_SIZE]) MUST_CHECK;

#endif

/* fields -- what the records of MTA-STS and TLS-RPT have in common: a version that must come first, letter for
 * letter, then "name=value" fields between semicolons; of several TXT records at the name, those that do not begin
 * with the version are somebody else's, and two that do are as bad as none.
 * Results lie in the arena. Any thread. field_next is pure.
 * Source: RFC 8461 s3.1, RFC 8460 s3. */
#ifndef DNS_FIELDS_H
#define DNS_FIELDS_H

#include "dns/resolver.h"

struct field {
    struct str name, value;
    struct str whole;
    bool
        well_formed; /* as the ABNF of both RFCs has extensions: a short name, "=", a value without blanks */
};

/* Whether the record is one of ours: `version` ("v=STSv1"), perhaps blanks, and ";". */
bool fields_begin(struct str text, const char *version);

/* Cuts the next field off *rest (which begins behind the version); empty pieces are passed over. False at the end. */
bool field_next(struct str *rest, struct field *out);

enum fields_found {
    FIELDS_ONE,
    FIELDS_NONE,    /* the name is not there, or has nothing of ours */
    FIELDS_SEVERAL, /* text is the first */
    FIELDS_FAILED,  /* the DNS did not answer */
};

/* Asks for TXT at `name` and picks the one record of this version. *why is one sentence unless FIELDS_ONE. */
enum fields_found fields_find(struct resolver *r, const char *name, const char *version,
    struct arena *a, struct str *text, struct said *why, uint32_t *ttl_s);

/* Sentences about a record, as many as `max`; further ones are dropped. */
struct notes {
    struct arena *arena;
    const char **list;
    size_t n, max;
};
struct notes notes_open(struct arena *a, size_t max);
void notes_add(struct notes *n, const char *format, ...) PRINTF(2, 3);

#endif

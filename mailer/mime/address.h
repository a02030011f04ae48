/* address -- mail addresses, as a header shows them and as an envelope carries them.
 * Accepts RFC 5322 addr-spec with a dot-atom or quoted local part in ASCII, at most 64 octets, and
 * a domain of at most 253 octets after conversion to A-labels (IDNA 2008, libidn2); no domain
 * literals, no comments, no control characters anywhere. SMTPUTF8 is not spoken, so a non-ASCII
 * local part is refused, saying so.
 * Results lie in the arena.
 * Errors: ERR_INPUT says what is wrong and what would be right. Any thread. */
#ifndef MAILER_MIME_ADDRESS_H
#define MAILER_MIME_ADDRESS_H

#include "base/arena.h"
#include "base/err.h"

struct address {
    struct str display; /* UTF-8, decoded, "" = none */
    struct str local;   /* as given, without needless quotes */
    struct str domain;  /* lower-case A-labels */
    struct str spec;    /* local@domain, quoted where needed: for envelopes, and who a person is */
};

/* One mailbox: "a@b.example" or "Name <a@b.example>"; two, or a group, are refused. */
bool address_parse(struct str text, struct arena *a, struct address *out, struct err *e);

/* A host or mail domain in lower-case A-labels; checks lengths and letters (RFC 5890, RFC 1035). */
bool address_domain(struct str text, struct arena *a, struct str *out, struct err *e);
/* The same as a person gives it: one final dot says what is meant anyway. */
bool address_domain_given(struct str text, struct arena *a, struct str *out, struct err *e);
/* The same domain as people write it, in UTF-8; as it is where that is not the same. To be shown beside
 * the A-labels, never in their place: other letters may look alike. */
struct str address_domain_for_people(struct str domain, struct arena *a);

#endif

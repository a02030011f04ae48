/* spf_host -- check_host(): one domain's record, and the records that it includes or redirects to.
 * What it finds goes into the verdict of the evaluation. One evaluation is one thread's.
 * Source: RFC 7208 s4.3 to s4.7, s5, s6. */
#ifndef DNS_SPF_HOST_H
#define DNS_SPF_HOST_H

#include "dns/spf_ask.h"
#include "dns/spf_macro.h"

#define SPF_PATH_MAX 64 /* eleven records, ten terms that ask, as many that match, with room */

/* One evaluation, over all its records. */
struct spf_check {
    struct spf_asker asker;
    struct spf_values values; /* of the macros; `domain` follows the record */
    const char *names_for; /* the domain of the record under way, in lower case: %{p} prefers it */
    const char **path;     /* SPF_PATH_MAX lines; the verdict counts them */
    struct spf_verdict *out;
};

/* `included`: the record's mechanism and explanation are not the verdict's (s5.2, s6.2). */
enum spf_result spf_check_host(struct spf_check *c, struct str domain, bool included);

/* A copy for terminals and JSON: bytes that a stranger's record may hold are replaced. */
const char *spf_printable(struct spf_check *c, struct str s);

#endif

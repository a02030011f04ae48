/* TLS reporting records from strangers: what is called good has somebody to report to. Links: dns, base. */
#include <stdlib.h>

#include "dns/tls_rpt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(arena_close) struct arena *a = arena_open();
    struct tls_rpt_record r;

    tls_rpt_parse(str_bytes(data, size), a, &r);
    bool good = r.status == TLS_RPT_GOOD;
    if (good != (said_is_nothing(&r.why)) || (good && r.uris_n == 0))
        abort();
    if (r.uris_n > TLS_RPT_MAX_URIS || r.notes_n > TLS_RPT_MAX_NOTES)
        abort();
    for (size_t i = 0; i < r.uris_n; i++)
        if (r.uris[i].host[0] == 0 || r.uris[i].uri.n == 0)
            abort();
    return 0;
}

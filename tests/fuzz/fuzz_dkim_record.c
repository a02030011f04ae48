/* DKIM key records from strangers. What is called good has a key of a known type that equals itself. Links: dns,
 * base. */
#include <stdlib.h>

#include "dns/dkim_record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(arena_close) struct arena *a = arena_open();
    struct dkim_record r;

    dkim_record_parse(str_bytes(data, size), a, &r);
    bool good = r.status == DKIM_RECORD_GOOD;
    if (good != (said_is_nothing(&r.why)))
        abort();
    if (good && (r.bits <= 0 || r.public_key.n == 0 || !dkim_record_holds(&r, r.public_key)))
        abort();
    if (!good && dkim_record_holds(&r, r.public_key))
        abort();
    return 0;
}

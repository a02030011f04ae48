/* DMARC records from strangers: whatever stands in them, the parsed record has only values that exist. Links: dns,
 * base. */
#include <stdlib.h>

#include "dns/dmarc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(arena_close) struct arena *a = arena_open();
    struct dmarc_record r;

    dmarc_parse(str_bytes(data, size), a, &r);
    if ((r.adkim != 'r' && r.adkim != 's') || (r.aspf != 'r' && r.aspf != 's') ||
        !strchr("ynu", r.psd) || !r.psd)
        abort();
    if (r.p > DMARC_REJECT || r.sp > DMARC_REJECT || r.np > DMARC_REJECT || (r.bad_p && r.p) ||
        r.notes_n > 16)
        abort();
    for (size_t i = 0; i < r.notes_n; i++)
        if (!r.notes[i].text[0] || strlen(r.notes[i].text) > 400)
            abort();
    if (!r.valid && (r.p || r.notes_n || r.has_valid_rua))
        abort();
    return 0;
}

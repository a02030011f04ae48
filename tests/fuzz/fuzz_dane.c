/* TLSA records from strangers: what is called usable has a form that a sender can use, and is shown as it was. Links:
 * dns, base. */
#include <stdlib.h>

#include "dns/dane.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(arena_close) struct arena *a = arena_open();
    struct dane_record r;

    if (dane_parse(str_bytes(data, size), a, &r) != (size >= 3))
        abort();
    if (r.usable != (r.why.text[0] == 0))
        abort();
    if (size < 3)
        return 0;
    if (r.data.n != size - 3 || strlen(strrchr(r.text, ' ') + 1) != 2 * r.data.n)
        abort();
    if (r.usable && (r.usage < 2 || r.usage > 3 || r.selector > 1 || r.matching > 2))
        abort();
    if (r.usable && r.matching > 0 && r.data.n != (r.matching == 1 ? 32 : 64))
        abort();
    return 0;
}

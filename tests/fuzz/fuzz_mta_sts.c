/* MTA-STS records and policies from strangers: what is called good has all that a sender needs. Links: dns, base. */
#include <stdlib.h>

#include "dns/mta_sts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool truth)
{
    if (!truth)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(arena_close) struct arena *a = arena_open();
    struct str text = str_bytes(data, size);
    struct mta_sts_record r;
    struct mta_sts_policy p;

    mta_sts_parse_record(text, a, &r);
    require((r.status == MTA_STS_GOOD) == (said_is_nothing(&r.why)));
    require(r.status != MTA_STS_GOOD || (r.id.n >= 1 && r.id.n <= 32));
    require(r.notes_n <= MTA_STS_MAX_NOTES);

    mta_sts_parse_policy(text, a, &p);
    bool good = p.status == MTA_STS_POLICY_GOOD;
    require(good == (said_is_nothing(&p.why)));
    require(p.mx_n <= MTA_STS_MAX_MX && p.notes_n <= MTA_STS_MAX_NOTES);
    require(
        !good || (p.max_age_s <= MTA_STS_MAX_AGE_S && (p.mode == MTA_STS_MODE_NONE || p.mx_n > 0)));
    for (size_t i = 0; i < p.mx_n; i++) {
        bool star = p.mx[i][0] == '*';
        struct mta_sts_policy one = {.mx = &p.mx[i], .mx_n = 1};
        require(mta_sts_covers(&one, star ? p.mx[i] + 2 : p.mx[i]) == !star);
    }
    return 0;
}

/* BIMI records, logos and certificates from strangers, the same bytes as each of them. Links: dns, base. */
#include <stdlib.h>

#include "dns/bimi.h"
#include "dns/bimi_mark.h"
#include "dns/bimi_svg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool truth)
{
    if (!truth)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(arena_close) struct arena *a = arena_open();
    const struct bimi_mark_owner owner = {"news.shop.example", "shop.example", "default"};
    struct str text = str_bytes(data, size);
    struct bimi_record r;
    struct bimi_svg svg;
    struct bimi_mark mark;

    bimi_parse(text, a, &r);
    require((r.status == BIMI_GOOD) == (said_is_nothing(&r.why)));
    require(r.status != BIMI_GOOD || str_starts_nocase(str_of(r.logo), STR("https://")));

    bimi_svg_check(text, a, &svg);
    require((svg.status == BIMI_SVG_GOOD) == (said_is_nothing(&svg.why)));
    require((size_t)__builtin_popcount(svg.faults) == svg.details_n);
    require(svg.status != BIMI_SVG_GOOD || svg.title.n > 0);

    bimi_mark_check(text, &owner, 1795219200000, a, &mark);
    require((mark.faults == 0) == (said_is_nothing(&mark.why)));
    require(mark.names_n <= BIMI_MARK_MAX_NAMES);
    return 0;
}

/* Mailboxes and domains from strangers. What is accepted keeps its promises: ASCII without controls in the
 * envelope form, and reading that form again gives the same. Links: mime, base. */
#include <stdlib.h>

#include "mailer/mime/address.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(arena_close) struct arena *a = arena_open();
    struct address first, again;
    struct str domain;
    struct err e;

    (void)address_domain(str_bytes(data, size), a, &domain, &e);
    if (!address_parse(str_bytes(data, size), a, &first, &e))
        return 0;
    if (!str_is_ascii(first.spec) || str_has_control(first.spec) || first.spec.n > 254 ||
        str_has_control(first.display) || !str_is_utf8(first.display))
        abort();
    if (!address_parse(first.spec, a, &again, &e) || !str_eq(first.spec, again.spec))
        abort();
    return 0;
}

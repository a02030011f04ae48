/* Zone files with anything in them: read or refused with a reason; what is read answers with what a zone may say.
 * Links: dns, base. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dns/zone.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ask(struct zones *z, const char *name, struct arena *a)
{
    for (enum dns_type type = DNS_A; type <= DNS_TLSA; type++) {
        struct dns_step s;
        if (!zones_step(z, name, type, a, &s))
            continue;
        if (s.status == DNS_SERVFAIL || s.status == DNS_TIMEOUT || s.n > DNS_MAX_RECORDS)
            abort();
        if ((s.status == DNS_FOUND) != (s.n > 0 || s.alias[0] != 0))
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"s.example", "a.s.example", "x.y.s.example",
        "_dmarc.s.example", "*.s.example", "other.test", "example"};
    AUTO(arena_close) struct arena *a = arena_open();
    AUTO(zones_close) struct zones *z = NULL;
    char path[64];
    struct err e = {0};

    int fd = memfd_create("zone", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    const char *paths[] = {path};
    if (zones_open(paths, 1, 0, &z, &e)) {
        for (size_t i = 0; i < COUNT_OF(names); i++)
            ask(z, names[i], a);
    } else if (e.code == ERR_NONE || !e.text[0]) {
        abort();
    }
    close(fd);
    return 0;
}

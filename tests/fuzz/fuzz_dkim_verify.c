/* Mails with signatures from strangers, and key records from them too: the record is the mail's first
 * line. No signature passes here, since no one holds a key. Links: mime, base. */
#include <stdlib.h>

#include "mailer/mime/dkim.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum dkim_lookup first_line(void *context, const char *name, struct buf *out)
{
    const struct str *record = context;

    (void)name;
    buf_add(out, *record);
    return record->n > 0 ? DKIM_KEY_FOUND : DKIM_KEY_NONE;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct dkim *dkim; /* opened once; the process ends with it */
    AUTO(arena_close) struct arena *a = arena_open();
    struct str input = str_bytes(data, size);
    size_t line = str_find_char(input, '\n', 0);
    struct str record = str_slice(input, 0, line);
    struct dkim_source source = {.record = first_line, .context = &record};
    struct dkim_setup setup = {.body_simple = false};
    struct dkim_result *results;
    struct err e;
    size_t n;

    if (!dkim && !dkim_open(&setup, &dkim, &e))
        abort();
    if (!dkim_verify(dkim, str_slice(input, line + 1, size), &source, a, &results, &n, &e))
        return 0;
    if (n > DKIM_MAX_SIGNATURES)
        abort();
    for (size_t i = 0; i < n; i++)
        if (!results[i].domain || !results[i].selector || !results[i].algorithm ||
            !results[i].result || !results[i].reason)
            abort();
    return 0;
}

/* Tokens from links and reverse-paths: none opens, since the fuzzer does not know the keys. The keyring is
 * made anew for each run. Links: mime, base. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "mailer/mime/token.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct keyring *fresh_keyring(void)
{
    char folder[] = "/tmp/parcelpost-fuzz-XXXXXX", path[64];
    struct keyring *k = NULL;
    struct err e;

    if (!mkdtemp(folder))
        abort();
    snprintf(path, sizeof path, "%s/keys", folder);
    if (!keyring_create(path, &e) || !keyring_open(path, &k, &e))
        abort();
    unlink(path);
    rmdir(folder);
    return k;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct keyring *keys; /* opened once; the process ends with it */
    struct unsubscribe_token token;
    unsigned version;
    char id[40];

    if (!keys)
        keys = fresh_keyring();
    if (token_unsubscribe_open(keys, str_bytes(data, size), &token, &version) ||
        token_return_path_open(keys, str_bytes(data, size), id))
        abort();
    return 0;
}

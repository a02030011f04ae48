#include "base/sum.h"

#include "base/file.h"

#include <errno.h>
#include <openssl/evp.h>
#include <unistd.h>

#define PIECE_BYTES 65536

static void close_context(EVP_MD_CTX **c)
{
    EVP_MD_CTX_free(*c);
}

static void must(int done)
{
    if (done != 1)
        err_out_of_memory();
}

bool sum_file(
    const char *what, const char *path, struct digest *out, uint64_t *bytes, struct err *e)
{
    AUTO(file_close) int fd = -1;
    AUTO(close_context) EVP_MD_CTX *context = EVP_MD_CTX_new();
    char piece[PIECE_BYTES];

    must(context && EVP_DigestInit_ex(context, EVP_sha256(), NULL));
    *bytes = 0;
    if (!file_open(what, path, &fd, e))
        return false;
    for (ssize_t n; (n = read(fd, piece, sizeof piece)) != 0;) {
        if (n < 0 && errno != EINTR)
            return err_system(e, "%s %s", what, path);
        if (n > 0) {
            must(EVP_DigestUpdate(context, piece, (size_t)n));
            *bytes += (uint64_t)n;
        }
    }
    must(EVP_DigestFinal_ex(context, out->b, NULL));
    return true;
}

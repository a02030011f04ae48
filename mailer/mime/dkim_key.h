/* dkim_key -- the inside of a private key, for dkim_keys.c and dkim_sign.c alone.
 * Immutable once open. */
#ifndef MAILER_MIME_DKIM_KEY_H
#define MAILER_MIME_DKIM_KEY_H

#include <openssl/evp.h>

#include "mailer/mime/dkim.h"

struct dkim_key {
    char domain[256]; /* A-labels, lower case */
    char selector[64];
    struct buf pem; /* secret; PKCS 8 as OpenSSL writes it, NUL-terminated for libopendkim */
    EVP_PKEY *pkey;
    enum dkim_algorithm algorithm;
    int bits;
    struct buf public_half;
};

#endif

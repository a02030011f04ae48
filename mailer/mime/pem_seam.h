/* pem_seam -- a decoded private key for libopendkim, which asks OpenSSL to decode the PEM text anew
 * for every message: that costs several times what the signature itself does. The program defines
 * PEM_read_bio_PrivateKey() itself, so that libopendkim's call arrives here instead of in OpenSSL.
 * While a thread has a key on offer and asks for exactly that key's text, it gets the decoded key;
 * every other call goes on to OpenSSL. This works in programs that export their symbols
 * (ENABLE_EXPORTS); in others the library decodes as before: slower, never wrong.
 * Ownership: an offer borrows key and text until it is withdrawn.
 * Threads: an offer is the thread's own. docs/decisions/0031-pem-seam.md has the reasons and the
 * measurements. */
#ifndef MAILER_MIME_PEM_SEAM_H
#define MAILER_MIME_PEM_SEAM_H

#include <openssl/evp.h>

#include "base/str.h"

struct pem_offer {
    struct str pem;
    EVP_PKEY *key;
    bool takes_reference; /* the asker frees what it gets; libopendkim does so with RSA keys only */
};

void pem_seam_offer(const struct pem_offer *offer);
void pem_seam_withdraw(void);

/* Answers given from offers since the program began: shows that the seam is in force. */
uint64_t pem_seam_answers(void);

#endif

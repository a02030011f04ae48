/* The interposer. Nothing but libopendkim, called by dkim_sign, ever meets an offer: other users of
 * OpenSSL in the process (TLS, libcurl) run outside of one and pass through. */
#include "mailer/mime/pem_seam.h"

#include <openssl/pem.h>
#include <stdatomic.h>

static _Thread_local const struct pem_offer *current;
static atomic_uint_fast64_t answers;

void pem_seam_offer(const struct pem_offer *offer)
{
    current = offer;
}

void pem_seam_withdraw(void)
{
    current = NULL;
}

uint64_t pem_seam_answers(void)
{
    return atomic_load_explicit(&answers, memory_order_relaxed);
}

static bool asks_for(BIO *in, struct str pem)
{
    const char *p = NULL;
    long n;

    if (BIO_method_type(in) != BIO_TYPE_MEM)
        return false;
    n = BIO_get_mem_data(in, &p);
    return n >= 0 && str_eq(str_bytes(p, (size_t)n), pem);
}

/* OpenSSL's PEM_read_bio_PrivateKey is its _ex with no library context: calling that is the way on,
 * with no need to find the covered name. Exported whatever the visibility of the rest. */
__attribute__((visibility("default"))) EVP_PKEY *PEM_read_bio_PrivateKey(
    BIO *in, EVP_PKEY **x, pem_password_cb *callback, void *u)
{
    const struct pem_offer *offer = current;

    if (!offer || !in || x || !asks_for(in, offer->pem))
        return PEM_read_bio_PrivateKey_ex(in, x, callback, u, NULL, NULL);
    if (offer->takes_reference && EVP_PKEY_up_ref(offer->key) != 1)
        return NULL;
    atomic_fetch_add_explicit(&answers, 1, memory_order_relaxed);
    return offer->key;
}

/* The interposer. Nothing but libopendkim, called by dkim_sign, ever meets an offer. */
#define OPENSSL_SUPPRESS_DEPRECATED /* libopendkim calls what OpenSSL 3.0 would rather forget */
#include "mailer/mime/hash_seam.h"

#include <dlfcn.h>
#include <openssl/sha.h>
#include <stdatomic.h>
#include <stdlib.h>

#define EMPTY_BITS                                                                                 \
    16 /* of nothing, or of the line end that simple puts there: less than any header has */

static _Thread_local const struct digest *current;
static _Thread_local uint64_t answers, answers_before; /* the offer */

typedef int final(unsigned char *out, SHA256_CTX *c);

/* Found once; whoever comes first finds the same. */
static final *next_final(void)
{
    static _Atomic(final *) known;
    final *f = atomic_load_explicit(&known, memory_order_relaxed);

    if (f)
        return f;
    *(void **)&f = dlsym(RTLD_NEXT, "SHA256_Final");
    if (!f)
        abort(); /* libcrypto without it: libopendkim could not be there */
    atomic_store_explicit(&known, f, memory_order_relaxed);
    return f;
}

bool hash_seam_is_in_force(void)
{
    return dlsym(RTLD_DEFAULT, "SHA256_Final") == (void *)SHA256_Final;
}

void hash_seam_offer(const struct digest *offer)
{
    current = offer;
    answers_before = answers;
}

bool hash_seam_withdraw(void)
{
    current = NULL;
    return answers == answers_before + 1;
}

uint64_t hash_seam_answers(void)
{
    return answers;
}

/* Exported whatever the visibility of the rest. */
__attribute__((visibility("default"))) int SHA256_Final(unsigned char *out, SHA256_CTX *c)
{
    if (!current || c->Nh != 0 || c->Nl > EMPTY_BITS)
        return next_final()(out, c);
    memcpy(out, current->b, sizeof current->b);
    answers++;
    return 1;
}

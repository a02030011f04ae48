/* hash_seam -- a body's hash for libopendkim, which would canonicalise the body one byte at a time and anew for each
 * signature. The program defines SHA256_Final() itself, so that libopendkim's call arrives here instead of in OpenSSL.
 * While a thread has a hash on offer, and a hash of nothing is asked for (of the body, which was kept from the library),
 * it gets the one on offer; every other call goes on to OpenSSL.
 * Ownership: an offer borrows the hash until it is withdrawn. Threads: an offer is the thread's own. */
#ifndef MAILER_MIME_HASH_SEAM_H
#define MAILER_MIME_HASH_SEAM_H

#include "base/hash.h"

/* Do calls arrive here? Only in programs that export their symbols (ENABLE_EXPORTS). */
bool hash_seam_is_in_force(void);

void hash_seam_offer(const struct digest *offer);
/* Was it taken, once? If not, what was made meanwhile has another hash. */
bool hash_seam_withdraw(void);

/* Answers given from this thread's offers since it began. */
uint64_t hash_seam_answers(void);

#endif

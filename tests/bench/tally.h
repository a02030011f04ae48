/* tally -- what a receiver has taken: how many mails, how many of them signed, for how many different recipients.
 *
 * A mail counts as signed when its header has a DKIM-Signature; whether it verifies is for those who read the samples,
 * which are the first `samples` mails as they came, in folder/0.eml and so on. A mail has one recipient here.
 * tally_take runs on one thread; the counters may be read from any. A sample that cannot be written ends the program. */
#ifndef TESTS_BENCH_TALLY_H
#define TESTS_BENCH_TALLY_H

#include "base/str.h"

#include <stdatomic.h>

struct tally {
    _Atomic uint64_t bytes, with_signature, recipients;
    const char *folder;
    uint64_t samples, sampled;
    uint64_t *seen; /* hashes of recipients, an open table; 0 is a free place */
    size_t cap;
};

void tally_take(struct tally *t, struct str recipient, struct str mail);
void tally_close(struct tally *t);

#endif

/* sieve -- "surely not there": which keyed hashes a set does not hold, in memory of a fixed size (Bloom 1970).
 * What was put in is never denied; of what was not, one in a hundred passes at two bytes of the sieve for each entry, more
 * when it is fuller, and in the end all. The hashes are HMACs under a secret key, so nobody can choose ones that meet.
 * Owns its memory, cannot fail. The owner locks. */
#ifndef QUEUE_SIEVE_H
#define QUEUE_SIEVE_H

#include "queue/keyed.h"

struct sieve;

struct sieve *sieve_open(size_t bytes); /* a power of two */
void sieve_close(struct sieve **s);
void sieve_put(struct sieve *s, const struct digest *d);
bool sieve_may_hold(const struct sieve *s, const struct keyed *who); /* under any of its hashes */

#endif

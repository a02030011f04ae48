/* quota -- how much one API key may ask for: so many requests in any minute, of batches their messages, as one bucket per key
 * that fills evenly. A whole bucket may be spent at once.
 *
 * Bounded: QUOTA_KEYS buckets. A full bucket is as good as none and makes room first; beyond that the fullest one of a
 * key's neighbours goes, in its favour.
 * Units: *_ms are milliseconds of any clock; one that is set back only makes buckets wait. Any thread. Cannot fail. */
#ifndef MAILER_HTTP_QUOTA_H
#define MAILER_HTTP_QUOTA_H

#include "base/err.h"

#define QUOTA_KEYS 1024
#define QUOTA_WINDOW_S 60

struct quota;

struct quota_level {
    bool granted;
    int64_t left;    /* what may be asked for at once */
    int64_t full_s;  /* seconds until the bucket is full */
    int64_t retry_s; /* seconds until as much as was refused is there; 0 when granted */
};

struct quota *quota_open(void);
void quota_close(struct quota **q);

/* Takes n out of the key's bucket of `limit`, or nothing. n above the limit counts as the limit. */
struct quota_level quota_take(
    struct quota *q, const char *key, int64_t limit, int64_t n, int64_t now_ms);

#endif

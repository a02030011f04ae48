#include "mailer/deliver/backoff.h"

#define SPREAD_STEPS 401 /* factors 0.800 ... 1.200 in thousandths */

/* FNV-1a: spreads ids that differ in few characters; nobody gains by choosing one. */
static uint64_t mix(const char *id, int attempts)
{
    uint64_t h = UINT64_C(14695981039346656037) ^ (uint64_t)attempts;

    for (; *id; id++)
        h = (h ^ (unsigned char)*id) * UINT64_C(1099511628211);
    return h ^ (h >> 32);
}

static int64_t span(const struct backoff *b, const char *id, int attempts)
{
    int64_t ms = b->first_ms;

    for (int i = 1; i < attempts && ms < b->max_ms; i++)
        ms = ms > b->max_ms / 2 ? b->max_ms : ms * 2;
    if (ms > b->max_ms)
        ms = b->max_ms;
    return ms * (int64_t)(800 + mix(id, attempts) % SPREAD_STEPS) / 1000;
}

bool backoff_next(const struct backoff *b, const char *id, int attempts, int64_t now_ms,
    int64_t expires_ms, int64_t *due_ms)
{
    int64_t next = now_ms + span(b, id, attempts);
    int64_t last = expires_ms - b->first_ms / 2;

    if (next < expires_ms) {
        *due_ms = next;
        return true;
    }
    *due_ms = last;
    return last >= now_ms + b->first_ms / 2;
}

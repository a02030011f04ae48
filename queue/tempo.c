#include "queue/tempo.h"

#define BRISK_IN_A_GAP 2
#define LANES_PER_CLAIM 16 /* one lane of so many may wait and is not missed */
#define CLAIMS_MAX 4       /* however many lanes there are, few of them may be busy */

struct tempo tempo_for(size_t lanes)
{
    size_t claims = lanes / LANES_PER_CLAIM;

    return (struct tempo){.enough = {.outcomes = lanes / 2,
                              .claims = claims < 1            ? 1
                                        : claims > CLAIMS_MAX ? CLAIMS_MAX
                                                              : claims}};
}

void tempo_begin(struct tempo *t, size_t outcomes, int64_t now_ns)
{
    int64_t counted_ns = now_ns - t->window_ns;

    t->began_ns = now_ns;
    t->outcomes += outcomes;
    if (counted_ns < TEMPO_WINDOW_NS)
        return;
    t->is_brisk = (int64_t)t->outcomes * TEMPO_GAP_NS >= BRISK_IN_A_GAP * counted_ns;
    t->outcomes = 0;
    t->window_ns = now_ns;
}

bool tempo_is_pressed(const struct tempo *t, struct tempo_line line)
{
    return line.outcomes >= t->enough.outcomes || line.claims >= t->enough.claims;
}

int64_t tempo_due_ns(const struct tempo *t, struct tempo_line line)
{
    return t->began_ns + (t->is_brisk && !tempo_is_pressed(t, line) ? TEMPO_GAP_NS : 0);
}

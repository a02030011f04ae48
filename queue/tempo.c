#include "queue/tempo.h"

#define BRISK_IN_A_GAP 2

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

int64_t tempo_due_ns(const struct tempo *t, size_t outcomes)
{
    return t->began_ns + (t->is_brisk && outcomes < t->enough ? TEMPO_GAP_NS : 0);
}

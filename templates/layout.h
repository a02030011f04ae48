/* layout -- how a locale writes decimals, learned from what was written of some: what stands before and behind them, where
 * the groups part, which point. Digits 0 to 9 only: other digits, and whatever else it cannot express, are not learned.
 * Shapes: a decimal is an optional minus, digits, and perhaps a point with decimals: "-12.5". A minus before zero stays.
 * Errors: false; then whoever knows the locale must be asked for each value.
 * Threads: what was learned is immutable. */
#ifndef TEMPLATES_LAYOUT_H
#define TEMPLATES_LAYOUT_H

#include "base/buf.h"

#define LAYOUT_WHOLE_MAX 19 /* digits before the point, as of the largest int64 */
#define LAYOUT_TEXT_BYTES 23

struct layout_text {
    uint8_t n;
    char p[LAYOUT_TEXT_BYTES];
};

struct layout {
    unsigned decimals;
    struct layout_text before[2], behind[2]; /* of those without and with a minus */
    struct layout_text separator, point;
    /* By the number of whole digits: bit i says that a separator stands before the last i of them. */
    uint32_t separated[LAYOUT_WHOLE_MAX + 1];
};

/* Appends what the locale makes of a decimal. */
typedef bool layout_ask(void *context, struct str decimal, struct buf *out);

/* Always `decimals` decimals, and 10 to `whole_max` whole digits at most. Learned is only what comes out right for both signs and
 * each number of digits. */
bool layout_learn(
    struct layout *out, unsigned decimals, unsigned whole_max, layout_ask *ask, void *context);
/* Leading zeros go; decimals that are more than the layout has must be zeros. */
void layout_write(const struct layout *l, struct str decimal, struct buf *out);

#endif

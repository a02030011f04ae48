/* bimi_svg -- may receivers show this SVG as a BIMI logo? The profile is SVG Tiny Portable/Secure.
 * Every fault is found, not the first alone. Results lie in the arena. Any thread. bimi_svg_check is pure.
 * Limits: nothing is parsed above BIMI_SVG_MAX_BYTES.
 * Source: draft-svg-tiny-ps-abrotman; BIMI draft s5; the 32 KB are the mailbox providers' advice there. */
#ifndef DNS_BIMI_SVG_H
#define DNS_BIMI_SVG_H

#include "dns/web.h"

#define BIMI_SVG_ADVISED_BYTES 32768
#define BIMI_SVG_MAX_BYTES (1 << 20)

enum bimi_svg_status {
    BIMI_SVG_GOOD,
    BIMI_SVG_FAULTY,      /* at least one fault                                     */
    BIMI_SVG_NOT_CHECKED, /* compressed (.svgz), too large to look at, DNS failed   */
    BIMI_SVG_UNREACHABLE, /* no page: `page` says whether TLS, HTTP status, timeout */
};

/* Bits, so that a reader of codes need not read sentences; the worst first. */
enum bimi_svg_fault {
    BIMI_SVG_NOT_SVG = 1 << 0,    /* no XML, or its root is not <svg> of the SVG namespace */
    BIMI_SVG_SCRIPT = 1 << 1,     /* script, event attributes, animation, foreign content */
    BIMI_SVG_EXTERNAL = 1 << 2,   /* references that leave the document, images and media */
    BIMI_SVG_DOCTYPE = 1 << 3,    /* a DTD: entities could hold anything                  */
    BIMI_SVG_PROFILE = 1 << 4,    /* baseProfile is not "tiny-ps"                         */
    BIMI_SVG_VERSION = 1 << 5,    /* version is not "1.2"                                 */
    BIMI_SVG_TITLE = 1 << 6,      /* no <title> right below the root, or an empty one     */
    BIMI_SVG_X_Y = 1 << 7,        /* x= or y= on the root                                 */
    BIMI_SVG_VIEW_BOX = 1 << 8,   /* no viewBox of four numbers                           */
    BIMI_SVG_NOT_SQUARE = 1 << 9, /* the viewBox is not square: advice                    */
    BIMI_SVG_TOO_LARGE = 1 << 10, /* above 32 KB: advice                                  */
};
#define BIMI_SVG_FAULTS 11

struct bimi_svg {
    enum bimi_svg_status status;
    struct said why;            /* one sentence when not good: the worst fault */
    unsigned faults;            /* enum bimi_svg_fault */
    const struct said *details; /* one sentence for each fault, the worst first */
    size_t details_n;
    size_t bytes;
    struct str title;
    const char *url;        /* "" when only checked */
    enum fetch_status page; /* FETCH_OK when only checked */
    int http_status;
};

void bimi_svg_check(struct str bytes, struct arena *a, struct bimi_svg *out);
void bimi_svg_fetch(const struct web *w, const char *url, struct arena *a, struct bimi_svg *out);

#endif

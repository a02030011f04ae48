/* page -- the few pages that a recipient sees, in the language of the browser (English, German).
 * One HTML file each: no script, nothing from elsewhere, no cookie; works at any width, with a keyboard and
 * with a screen reader. The content security policy allows the page's own style and posting back to us. */
#ifndef MAILER_HTTP_PAGE_H
#define MAILER_HTTP_PAGE_H

#include "mailer/http/exchange.h"

enum page {
    PAGE_ASK, /* two buttons: this kind of mail, all marketing */
    PAGE_DONE,
    PAGE_UNCLEAR, /* the form said nothing known: nothing changed, the buttons again */
    PAGE_FAILED,  /* not stored: nothing changed, the buttons again */
    PAGES
};

void page_answer(struct exchange *x, unsigned status, enum page page);
/* "en" or "de" from an Accept-Language header (RFC 9110 s12.5.4); English where neither is wanted. */
const char *page_language(struct str accept_language);

#endif

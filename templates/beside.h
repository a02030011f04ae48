/* beside -- what stands beside a mail's data: its brand, the mail and its links, and what Mustache cannot ask of data.
 *
 *   brand.name ...               of the bundle
 *   mail.locale, dir, is_marketing; mail.subject, mail.preheader once they are rendered
 *   links.unsubscribe_url        of the sending
 *   has.LIST, some.LIST.MEMBER, same.OBJECT.DATE.DATE
 *
 * Flat templates (template.h) get them as slots: only those that a mail asks for, of which most are known for every
 * sending. Other templates get them as JSON.
 * Ownership: a beside lives in the mail's arena, beside_close frees what is not of it. A sending is one render's.
 * Threads: a beside is immutable once the mail is compiled. */
#ifndef TEMPLATES_BESIDE_H
#define TEMPLATES_BESIDE_H

#include "templates/template.h"
#include "templates/variables.h"

#define BESIDE_MAX 64 /* names that one mail asks for */

struct beside;

/* `brand` is brand_for_templates', `root` the declared variables; both outlive the beside. */
struct beside *beside_open(struct arena *a, const struct variable *root, const struct js *brand,
    const char *locale, bool is_marketing);
void beside_close(struct beside **b);

/* A name's standing; one of ours that is not answered is STANDS_UNKNOWN. Only while the mail is compiled. */
struct standing beside_stand(struct beside *b, struct str name);
bool beside_is_sent(struct str name);         /* is or begins with one of ours, besides brand */
bool beside_is_hidden(const struct js *data); /* its own object has one of our names */

struct sending {
    const struct beside *beside;
    struct js *all;   /* not as slots */
    struct js *texts; /* of the slots */
    const struct js *slots[BESIDE_MAX];
};

void sending_open(struct sending *s, const struct beside *b, const struct js *data,
    struct str unsubscribe_url, bool as_slots);
void sending_add_lines(struct sending *s, struct str subject, struct str preheader);
void sending_close(struct sending *s);

#endif

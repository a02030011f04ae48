/* snapshot -- one generation of what the service works with: settings, mails, brands and DKIM keys, checked.
 *
 * Immutable and counted: a reload makes a new one, a job or request keeps the one it began with. Inside are two
 * caches that only grow towards what exists (compiled mails by bundle hash), guarded by one lock.
 * Ownership: snapshot_open gives one reference; what it returns lives as long as the reference.
 * Errors: snapshot_open reports every fault at once (keys that do not load, templates that do not compile, From
 * domains without key...). Any thread. */
#ifndef MAILER_INTAKE_SNAPSHOT_H
#define MAILER_INTAKE_SNAPSHOT_H

#include "base/conf.h"
#include "mailer/mime/address.h"
#include "mailer/mime/dkim.h"
#include "queue/queue.h"
#include "templates/mails.h"

struct snapshot;

struct shop { /* a storefront ready for work */
    const struct conf_storefront *conf;
    struct address from;
    struct address reply_to;        /* spec "" = none */
    const char *return_path_domain; /* lower-case A-labels */
    struct brand brand;
    struct str logo; /* bytes of the inline logo, "" = none */
    const struct dkim_key *const *keys;
    const struct conf_dkim *const
        *sections; /* of each key: another selector where keys change places */
    size_t keys_n;
};

/* q may be NULL (`config check`, `render`): then nothing is stored, and snapshot_mail knows this generation only. */
bool snapshot_open(const struct conf *c, struct queue *q, struct faults *faults,
    struct snapshot **out, struct err *e);
/* One more in this gauge for as long as it lives; before others have references. */
void snapshot_count(struct snapshot *s, struct gauge *alive);
struct snapshot *snapshot_ref(struct snapshot *s);
void snapshot_close(struct snapshot **s);

const struct conf *snapshot_conf(const struct snapshot *s);
/* The storefront's own mails before the shipped ones. */
const struct mails *snapshot_shop_mails(const struct snapshot *s, const struct shop *shop);
const struct shop *snapshot_shop(const struct snapshot *s, const char *storefront); /* or NULL */

/* The mail that this generation would send: its bundle is in the queue's content and compiled. */
bool snapshot_bundle(struct snapshot *s, const struct shop *shop, const char *template_name,
    const char *locale, struct digest *bundle, const struct mail **mail, struct err *e);
/* The mail that a message was pinned to, perhaps long ago. */
bool snapshot_mail(struct snapshot *s, const char *storefront, const struct digest *bundle,
    const struct mail **mail, struct err *e);

/* The current snapshot of a running service. */
struct snapshot_holder;
struct snapshot_holder *snapshot_holder_open(struct snapshot *first); /* takes the reference over */
void snapshot_holder_close(struct snapshot_holder **h);
struct snapshot *snapshot_current(struct snapshot_holder *h); /* a reference of the caller's own */
void snapshot_swap(struct snapshot_holder *h, struct snapshot *next); /* takes next over */

#endif

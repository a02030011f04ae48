/* resources -- the functions that the table of routes names, one file per resource. */
#ifndef MAILER_HTTP_RESOURCES_H
#define MAILER_HTTP_RESOURCES_H

#include "mailer/http/exchange.h"

/* messages.c, view.c */
void messages_post(struct exchange *x);
void messages_get(struct exchange *x);
void messages_cancel(struct exchange *x);

/* batch.c */
void messages_post_batch(struct exchange *x);

/* suppressions.c */
void suppressions_get(struct exchange *x);
void suppressions_post(struct exchange *x);
void suppressions_lift(struct exchange *x);

/* events.c */
void events_get(struct exchange *x);

/* domains.c */
void domains_get(struct exchange *x);

/* unsubscribe.c */
void unsubscribe_get(struct exchange *x);
void unsubscribe_post(struct exchange *x);

/* health.c */
void health_get(struct exchange *x);
void ready_get(struct exchange *x);
void metrics_get(struct exchange *x);

#endif

#include "mailer/intake/request.h"

#define REFERENCE_BYTES 128
#define EVENT_BYTES 40
#define SEQ_MAX 9007199254740991 /* 2^53 - 1: what every JSON library keeps exactly */
#define DAY_MS (24 * 3600 * INT64_C(1000))
#define OLDEST_MS INT64_C(946684800000) /* 2000-01-01 */

void request_check_order(struct request *r, const struct js *v, struct str at)
{
    request_text(r, v, at, REFERENCE_BYTES, &r->out->order.order);
}

static void needs_order(struct request *r, struct str at)
{
    if (r->out->order.order.n == 0)
        faults_add(
            r->faults, "order-missing", at, "means nothing without \"order\"; give that as well");
}

void request_check_parcel(struct request *r, const struct js *v, struct str at)
{
    if (v)
        needs_order(r, at);
    request_text(r, v, at, REFERENCE_BYTES, &r->out->order.parcel);
}

static struct str first_word(const char *words)
{
    struct str rest = str_of(words), word = STR("");

    str_next(&rest, ' ', &word);
    return word;
}

static bool has_word(const char *words, struct str wanted)
{
    struct str rest = str_of(words), word;

    while (str_next(&rest, ' ', &word))
        if (str_eq(word, wanted))
            return true;
    return false;
}

/* What a mail supersedes hangs on its event, so an event that the mail does not know would be told
 * as one thing and act as another. */
void request_check_event(struct request *r, const struct js *v, struct str at)
{
    struct str event;

    if (r->has_template) {
        r->out->order.event = arena_text(r->a, first_word(r->info.events));
        r->out->order.supersedes = r->info.supersedes;
    }
    if (!request_token(r, v, at, EVENT_BYTES, &event))
        return;
    if (r->has_template && r->info.events[0] != 0 && !has_word(r->info.events, event))
        faults_add(r->faults, "unknown-event", at, "the mail %s is for the events: %s",
            r->info.name, r->info.events);
    r->out->order.event = event.p;
}

void request_check_seq(struct request *r, const struct js *v, struct str at)
{
    if (v)
        needs_order(r, at);
    request_integer(r, v, at, 1, SEQ_MAX, &r->out->order.seq);
}

void request_check_occurred_at(struct request *r, const struct js *v, struct str at)
{
    int64_t ms;

    if (!request_time(r, v, at, &ms))
        return;
    if (ms < OLDEST_MS || ms > r->now_ms + DAY_MS)
        faults_add(r->faults, "out-of-range", at,
            "must lie after 2000-01-01 and not in the future: it is when the event happened");
    r->out->order.occurred_ms = ms;
}

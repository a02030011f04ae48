/* What happens next, decided without asking anybody. */
#include "mailer/mime/rotation.h"

#define SECOND_MS 1000

const char *rotation_step_name(enum rotation_step s)
{
    static const char *const names[] = {
        [ROTATION_PENDING] = "pending",
        [ROTATION_PUBLISHED] = "published",
        [ROTATION_ACTIVE] = "active",
        [ROTATION_RETIRING] = "retiring",
        [ROTATION_RETIRED] = "retired",
        [ROTATION_DONE] = "done",
        [ROTATION_BACK] = "back",
    };
    return names[s];
}

bool rotation_signs_new(const struct rotation *r)
{
    return r->step >= ROTATION_ACTIVE && r->step <= ROTATION_DONE;
}

const char *rotation_signing_selector(const struct rotation *r)
{
    return rotation_signs_new(r) ? r->new_selector : r->old_selector;
}

/* ---- one step -------------------------------------------------------------------------------- */

static enum rotation_wait lacking(enum rotation_spread s)
{
    return s == ROTATION_UNKNOWN ? ROTATION_CANNOT_TELL : ROTATION_WAITS_FOR_RECORD;
}

static enum rotation_wait leave_pending(
    struct rotation *r, const struct rotation_facts *f, int64_t now_ms)
{
    if (f->stale_ttl_s > r->stale_ttl_s)
        r->stale_ttl_s = f->stale_ttl_s < ROTATION_MAX_TTL_S ? f->stale_ttl_s : ROTATION_MAX_TTL_S;
    if (f->fresh != ROTATION_EVERYWHERE)
        return lacking(f->fresh);
    r->step = ROTATION_PUBLISHED;
    r->seen_ms = now_ms;
    r->wait_until_ms = now_ms + r->stale_ttl_s * SECOND_MS;
    return ROTATION_GOES_ON;
}

/* A record that vanished again is waited for anew: caches may hold its absence once more. */
static enum rotation_wait leave_published(
    struct rotation *r, const struct rotation_facts *f, int64_t now_ms)
{
    if (f->fresh == ROTATION_UNKNOWN)
        return ROTATION_CANNOT_TELL;
    if (f->fresh != ROTATION_EVERYWHERE) {
        r->step = ROTATION_PENDING;
        r->seen_ms = r->wait_until_ms = 0;
        return ROTATION_WAITS_FOR_RECORD;
    }
    if (now_ms < r->wait_until_ms)
        return ROTATION_WAITS_FOR_CACHES;
    r->step = ROTATION_ACTIVE;
    r->active_ms = now_ms;
    return ROTATION_GOES_ON;
}

/* The time for mails under way begins when nobody signs with the old key any more. */
static enum rotation_wait leave_active(
    struct rotation *r, const struct rotation_facts *f, int64_t now_ms)
{
    if (f->old_signs)
        return ROTATION_WAITS_FOR_SERVICE;
    if (f->fresh != ROTATION_EVERYWHERE)
        return lacking(f->fresh);
    r->step = ROTATION_RETIRING;
    r->keep_until_ms = now_ms + f->keep_ms;
    return ROTATION_GOES_ON;
}

/* The old record is the way back: it is not given up while the new one is not there. */
static enum rotation_wait leave_retiring(
    struct rotation *r, const struct rotation_facts *f, int64_t now_ms)
{
    if (now_ms < r->keep_until_ms)
        return f->fresh == ROTATION_EVERYWHERE || f->fresh == ROTATION_UNKNOWN
                   ? ROTATION_WAITS_FOR_MAIL
                   : ROTATION_WAITS_FOR_RECORD;
    if (f->old_signs)
        return ROTATION_WAITS_FOR_SERVICE;
    if (f->fresh != ROTATION_EVERYWHERE)
        return lacking(f->fresh);
    r->step = ROTATION_RETIRED;
    return ROTATION_GOES_ON;
}

static enum rotation_wait leave_retired(
    struct rotation *r, const struct rotation_facts *f, int64_t now_ms)
{
    if (f->old != ROTATION_NOWHERE)
        return f->old == ROTATION_UNKNOWN ? ROTATION_CANNOT_TELL : ROTATION_WAITS_FOR_REVOKING;
    r->step = ROTATION_DONE;
    r->ended_ms = now_ms;
    return ROTATION_GOES_ON;
}

enum rotation_wait rotation_next(struct rotation *r, const struct rotation_facts *f, int64_t now_ms)
{
    switch (r->step) {
    case ROTATION_PENDING:
        return leave_pending(r, f, now_ms);
    case ROTATION_PUBLISHED:
        return leave_published(r, f, now_ms);
    case ROTATION_ACTIVE:
        return leave_active(r, f, now_ms);
    case ROTATION_RETIRING:
        return leave_retiring(r, f, now_ms);
    case ROTATION_RETIRED:
        return leave_retired(r, f, now_ms);
    case ROTATION_DONE:
        return ROTATION_IS_OVER;
    case ROTATION_BACK:
        return now_ms < r->keep_until_ms ? ROTATION_WAITS_FOR_MAIL : ROTATION_WAITS_FOR_PERSON;
    }
    return ROTATION_CANNOT_TELL;
}

/* ---- what an operator asks for --------------------------------------------------------------- */

bool rotation_may_cancel(const struct rotation *r, int64_t now_ms, struct err *e)
{
    if (r->step == ROTATION_PENDING || r->step == ROTATION_PUBLISHED)
        return true;
    if (r->step == ROTATION_BACK && now_ms >= r->keep_until_ms)
        return true;
    if (r->step == ROTATION_BACK)
        return err_set(e, ERR_CONFLICT,
            "mails signed with %s are still under way: its record must stay, cancel later",
            r->new_selector);
    return err_set(e, ERR_CONFLICT, "%s signs already: `dkim rotate back` returns to %s",
        r->new_selector, r->old_selector);
}

bool rotation_go_back(struct rotation *r, int64_t now_ms, int64_t keep_ms, struct err *e)
{
    if (r->step == ROTATION_BACK)
        return true;
    if (r->step != ROTATION_ACTIVE && r->step != ROTATION_RETIRING)
        return err_set(e, ERR_CONFLICT,
            rotation_signs_new(r)
                ? "%s is %s, and its record no longer counts: start a new rotation"
                : "%s signs, and the rotation is %s: there is nothing to go back to",
            r->old_selector, rotation_step_name(r->step));
    r->step = ROTATION_BACK;
    r->keep_until_ms = now_ms + keep_ms;
    return true;
}

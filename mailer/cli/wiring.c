#include "mailer/cli/wiring.h"

#include "mailer/comply/comply.h"

static bool ask_comply(void *context, const char *storefront, const char *stream,
    enum stream_class class, struct str address, struct intake_permission *out, struct err *e)
{
    struct comply_answer answer;
    if (!comply_ask(context, storefront, stream, class, address, &answer, e))
        return false;
    out->allowed = answer.allowed;
    str_copy(str_of(answer.reason), out->reason, sizeof out->reason);
    out->facts = comply_facts(&answer);
    return true;
}

struct intake_setup wiring_intake(
    struct queue *q, struct ids *ids, const struct clock *clock, struct metrics *m)
{
    return (struct intake_setup){
        .queue = q, .ids = ids, .clock = clock, .metrics = m, .ask = ask_comply, .context = q};
}

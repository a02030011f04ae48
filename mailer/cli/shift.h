/* shift -- one invocation of `dkim rotate`, and what its parts share: what the DNS and the service show (shift_facts.c),
 * what is said of it (shift_words.c), beginning (shift_start.c) and ending (shift_end.c). Going on is dkim_rotate.c.
 * Units: *_ms since the epoch UTC. Texts lie in the invocation's arena. Verbs return exit codes. One thread. */
#ifndef MAILER_CLI_SHIFT_H
#define MAILER_CLI_SHIFT_H

#include "base/json.h"
#include "dns/dkim_spread.h"
#include "mailer/cli/dkim_rotate.h"

struct shift {
    struct cli *cli;
    const struct conf *conf;
    struct authority_setup authority;
    int64_t now_ms;
    bool looks_only;                  /* status */
    struct js *json;                  /* an array; NULL: text */
    bool moved, waits, unknown, kept; /* kept: an old key that was to be deleted */
};

/* ---- facts ----------------------------------------------------------------------------------- */

void shift_find_spread(struct shift *s, const char *domain, const char *selector,
    const char *record, struct dkim_spread *out);
/* How long the record of a key has to stay once it signs no more. */
int64_t shift_keep_ms(const struct shift *s, uint32_t ttl_s);
void shift_gather(struct shift *s, const struct rotation *r, struct dkim_spread *fresh,
    struct dkim_spread *old, struct rotation_facts *out);

/* ---- words ----------------------------------------------------------------------------------- */

/* A rotation as it stands, in the form that was asked for. */
void shift_say(struct shift *s, const struct rotation_found *f, enum rotation_wait w, bool moved,
    const struct dkim_spread *spread);
/* `step` is its own, or what became of it. */
void shift_add_json(struct shift *s, const struct rotation_found *f, const char *step,
    enum rotation_wait w, bool moved, const struct dkim_spread *spread);
extern const char shift_none[];
void shift_print_servers(const struct dkim_spread *s, enum dkim_seen fine); /* the others */
void shift_print_record(
    struct shift *s, const char *selector, const char *domain, const char *text);

/* ---- verbs ----------------------------------------------------------------------------------- */

int shift_start(struct shift *s);
int shift_cancel(struct shift *s);
int shift_back(struct shift *s);
bool shift_delete_old(struct shift *s, const struct rotation_found *f, struct err *e);

#endif

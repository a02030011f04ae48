/* gate_case -- the keys, zones and questions of the gate's tests: mail from shop.example. */
#ifndef TESTS_MAILER_GATE_GATE_CASE_H
#define TESTS_MAILER_GATE_GATE_CASE_H

#include "mailer/gate/gate.h"
#include "tests/dns/world.h"

#define DMARC "_dmarc.shop 300 TXT \"v=DMARC1; p=reject\"\n"
#define DMARC_AGAIN "_dmarc.shop 300 TXT \"v=DMARC1; p=none\"\n"
#define KEYS_MAX 3
#define OUR_ADDRESS "198.51.100.7"

/* Keys cost time to make: one set for the whole suite. "rsa" and "ed" sign for shop.example, "sub" for
 * mail.shop.example, "esp" for another organization. */
struct key_set {
    struct dkim_key *rsa, *ed, *sub, *esp, *other_rsa;
};

int make_keys(void **state); /* a struct key_set, for the whole suite */
int close_keys(void **state);

/* One key as a zone line; `edit` NULL: as it is; else "p=" is replaced by this text ("" revokes). */
const char *key_line(struct world *w, const struct dkim_key *k, const char *edit);
const char *zone_text(struct world *w, const char *records);
/* A return path's SPF record that comes to this result for OUR_ADDRESS; "" = none, and no address of ours is known. */
const char *spf_line(struct world *w, const char *return_path, const char *result);
struct gate_question question(
    const char *return_path, const struct dkim_key *const *keys, size_t keys_n, bool with_address);
struct gate *open_gate(struct world *w, bool only_warn);
const char *answer_text(struct world *w, const struct gate_verdict *v);

#endif

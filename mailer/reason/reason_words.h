/* reason_words -- how rules look at a reply: text folded to one plain form, and patterns found in it.
 * Folded: ASCII lower case, white space and control bytes as single spaces, an address as a lone "@" (so that no local
 * part speaks for the server), the basic code and the enhanced code that lines repeat left out.
 * A pattern is literal text; "*" stands for at most 60 bytes of anything, "~" at the start or end of a literal for the
 * edge of a word. Alternatives are separated by "|". Pieces after a "*" are taken at their first place.
 * Pure, any thread. Work is bounded: text of 4 KiB, each pattern one pass per place of its first piece. */
#ifndef MAILER_REASON_REASON_WORDS_H
#define MAILER_REASON_REASON_WORDS_H

#include "base/str.h"

#define REASON_TEXT_MAX 4096
#define REASON_STATUS_SIZE 12

struct reason_text {
    char bytes[REASON_TEXT_MAX];
    size_t n;
    char status[REASON_STATUS_SIZE]; /* the enhanced code, "" = none */
    uint64_t pairs[1024]; /* bit set of the pairs of bytes that occur: most patterns fail here */
};

/* Of several enhanced codes the first counts that agrees with the basic code (its first digit), else the first. */
void reason_fold(struct str text, int code, struct reason_text *out);

bool reason_has(const struct reason_text *text, const char *patterns);

/* "5.7.1" against "x.7.1|5.7.500-699": x is 4 or 5, the last number may be a range or "*". */
bool reason_status_fits(const char *status, const char *patterns);

#endif

/* fuzz_reason -- any text as a reply: no crash, a name, a rule, and the invariants of reason.h.
 * The first byte chooses the phase, the next two the code, the rest is the text. Links: reason, base. */
#include "mailer/reason/reason.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3)
        return 0;
    enum smtp_phase phase = (enum smtp_phase)(data[0] % (AT_BODY + 1));
    int code = (data[1] << 8 | data[2]) % 600;
    struct reason r = reason_of_reply(phase, code, str_bytes(data + 3, size - 3));
    bool has_status_end = memchr(r.status, 0, sizeof r.status) != NULL;
    if (!r.name || !r.name[0] || !r.rule || !r.rule[0] || !has_status_end)
        abort();
    /* What is hard is the recipient's doing and for good: nothing else suppresses. */
    if (r.hard && (r.fault != FAULT_RECIPIENT || !r.permanent))
        abort();
    return 0;
}

/* fuzz_intake -- any bytes as a send request: intake answers with faults or a submission, never otherwise.
 * The post room is made once in a temporary folder; nothing is submitted, so it does not grow. The first byte
 * chooses the storefront and whether the rest is also the Idempotency-Key. */
#include "mailer/intake/intake.h"
#include "tests/mailer/intake/room.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static struct room room;
static struct snapshot *snapshot;

static void remove_room(void)
{
    snapshot_close(&snapshot);
    room_close(&room);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct str body = str_bytes(data, n);
    struct submission s;
    struct faults faults;
    struct err e = {0};

    if (!snapshot) {
        room_open(&room);
        snapshot = room_snapshot(&room);
        atexit(remove_room);
    }
    unsigned choice = n > 0 ? data[0] : 0;
    if (n > 0 && data[0] != '{')
        body = str_slice(body, 1, n);
    AUTO(arena_close) struct arena *a = arena_open();
    struct intake_setup setup = room_intake(&room);
    struct intake_call call = {choice & 1 ? "acme" : "bold", "key_1",
        choice & 2 ? str_slice(body, 0, 300) : STR(""), body};
    faults_init(&faults, a);
    if (!intake_prepare(&setup, snapshot, &call, a, &s, &faults, &e))
        abort();
    if (faults.n == 0 && (s.address.n == 0 || str_has_control(s.address) || s.id[0] == 0))
        abort();
    return 0;
}

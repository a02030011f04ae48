"""plain_rsa -- the same beside Postfix with OpenDKIM where two cores sign some 4,000 times a second, for which the goals were set.

A processor that multiplies in vectors (AVX512-IFMA: Zen 4, Ice Lake and what came after) signs with RSA-2048 twice as fast as one before
it, and what is compared by it changes: of a mail's time less is signature. OPENSSL_ia32cap tells OpenSSL to leave these
instructions alone, and those of ADX; everybody who signs here is started with it. Where a processor has none of them, this is measured
a second time as it was."""

import contextlib
import os

import peers
import race
from machine import CORES, openssl_speed
from report import Findings
from stage import KB_20

TITLE = "Where a signature costs more"
PLAIN = "~0x0:~0x280000"  # of CPUID 7, EBX: bit 19 is ADX, 21 is AVX512-IFMA; see OPENSSL_ia32cap(3)

ROWS = [row for row in peers.COMPARISONS if row[3] == KB_20 and (row[1:3] == ("ours", "opendkim") or row[2].startswith("ours"))]
QUICK = ROWS[:1]


@contextlib.contextmanager
def plain_arithmetic():
    """Of whatever is started meanwhile."""
    before = os.environ.get("OPENSSL_ia32cap")
    os.environ["OPENSSL_ia32cap"] = PLAIN
    try:
        yield
    finally:
        del os.environ["OPENSSL_ia32cap"]
        if before is not None:
            os.environ["OPENSSL_ia32cap"] = before


def measure(run):
    found = Findings()
    with plain_arithmetic():
        laps = peers.measure_rows(run, found, run.pick(QUICK, ROWS), "plain-")
        signatures = openssl_speed(run.pick(1, 2), "rsa2048", CORES, PLAIN)
    found.row("signatures, RSA-2048, by cores that do nothing else", signatures, peers.NAMES["opendkim"],
              race.rate(laps[KB_20, "opendkim"]))
    peers.tell_laps(found, laps)
    return found

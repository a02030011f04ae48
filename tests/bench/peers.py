"""peers -- Parcelpost beside Postfix (with OpenDKIM, and alone) and Haraka: the same mails, the same key, a receiver each.

Parcelpost takes its work over HTTP, the peers by SMTP; each from 64 clients on open connections, as fast as it answers, a mail
at a time; one of the rows shows what it does where storefronts post their mails in batches, which no peer's protocol has.
The contestants run in turns, in several rounds, so that a drift of the machine meets all of them; the others stand idle.
All of them flush a mail to the disk before they answer for it. Samples of what arrived are verified. The last row is what no
signer could exceed here: the cheaper RSA is on a processor, the more of the difference between two of them can be seen."""

import json
import subprocess

import house
import peer_haraka
import peer_postfix
import race
from machine import CORES, openssl_speed
from report import Findings
from stage import CLIENTS, KB_20

TITLE = "Beside other mail servers"
KB_100 = 102400
ROUNDS = 3
BATCH = 16  # messages in one request: what a storefront gathers in a moment
SIMPLE = 'dkim_canonicalization = "relaxed/simple"\n'

NAMES = {
    "ours": "Parcelpost, relaxed/relaxed, RSA-2048",
    "ours-batched": "Parcelpost, relaxed/relaxed, posted in batches of %d" % BATCH,
    "ours-simple": "Parcelpost, relaxed/simple",
    "ours-ed25519": "Parcelpost, relaxed/relaxed, Ed25519 alone",
    "ours-ed25519-batched": "Parcelpost, relaxed/relaxed, Ed25519 alone, posted in batches of %d" % BATCH,
    "opendkim": "Postfix + OpenDKIM, relaxed/relaxed",
    "opendkim-simple": "Postfix + OpenDKIM, relaxed/simple",
    "opendkim-ed25519": "Postfix + OpenDKIM, relaxed/relaxed, Ed25519 alone",
    "postfix": "Postfix alone, unsigned",
    "haraka": "Haraka, relaxed/simple",
}

COMPARISONS = [  # figure, ours, beside, size, goal
    ("delivered, 20 KB, relaxed/relaxed", "ours", "opendkim", KB_20, 8),
    ("delivered, 20 KB, relaxed/relaxed, posted in batches of %d" % BATCH, "ours-batched", "opendkim", KB_20, 0),
    ("delivered, 20 KB, relaxed/simple", "ours-simple", "opendkim-simple", KB_20, 0),
    ("delivered, 20 KB, relaxed/relaxed", "ours", "haraka", KB_20, 0),
    ("delivered, 20 KB, relaxed/simple", "ours-simple", "haraka", KB_20, 0),
    ("delivered, 20 KB, relaxed/relaxed", "ours", "postfix", KB_20, 0),
    ("delivered, 100 KB, relaxed/simple", "ours-simple", "opendkim-simple", KB_100, 4),
    ("delivered, 100 KB, relaxed/relaxed", "ours", "opendkim", KB_100, 3),
    ("delivered, 100 KB, relaxed/simple", "ours-simple", "haraka", KB_100, 0),
    ("delivered, 20 KB, relaxed/relaxed, Ed25519 alone", "ours-ed25519", "ours", KB_20, 1.5),
    ("delivered, 20 KB, relaxed/relaxed, Ed25519 alone, posted in batches of %d" % BATCH, "ours-ed25519-batched", "ours-batched", KB_20,
     1.5),
    ("delivered, 20 KB, relaxed/relaxed, Ed25519 alone", "ours-ed25519", "opendkim-ed25519", KB_20, 0),
]
QUICK = [row for row in COMPARISONS if row[1] == "ours" and row[3] == KB_20]


def measure(run):
    found = Findings()
    left_out = set() if peer_haraka.is_installed() else {"haraka"}
    rows = [row for row in COMPARISONS if not left_out & {row[1], row[2]} and (not run.quick or row in QUICK)]
    laps = measure_rows(run, found, rows)
    found.row("signatures, RSA-2048, by cores that do nothing else", openssl_speed(run.pick(1, 2), "rsa2048", CORES), NAMES["opendkim"],
              race.rate(laps[KB_20, "opendkim"]))
    tell_laps(found, laps)
    for name in sorted(left_out):
        found.note("%s is not installed (script/bench installs it): not measured" % NAMES[name].split(",")[0])
    return found


def measure_rows(run, found, rows, group=""):
    """The laps of what these rows compare, {(size, name): lap}, and a row of `found` for each. group: begins the names of the folders,
    another one for each call of a run."""
    letters = {size: write_letter(run, size, group) for size in sorted({row[3] for row in rows})}
    contestants = {name: enter(run, name, letters, group) for name in NAMES if any(name in row for row in rows)}
    plan = [(size, name) for size in letters for name in contestants if any(row[3] == size and name in row for row in rows)]
    laps = run_laps(run, contestants, plan)
    for name, contestant in contestants.items():
        contestant.stop()
        verify_samples(run, name, group)
    for row in rows:
        compare(found, laps, *row)
    return laps


def tell_laps(found, laps):
    for (size, name), lap in laps.items():
        found.note("%s, %d KB: %s mails of %s bytes at %.0f/s; %s" % (
            NAMES[name], size // 1024, "{:,}".format(lap.mails), "{:,.0f}".format(lap.mail_bytes), race.rate(lap), race.told(lap)))


# ---- who takes part ------------------------------------------------------------------------------------------------------

def write_letter(run, size, group):
    """A mail as Parcelpost sends it: the peers are given the like, unsigned."""
    scribe = race.Parcelpost(run, "%sscribe-%d" % (group, size))
    race.lap(run, scribe, 1, size, "sample")
    scribe.stop()
    with open(race.samples(run.house, scribe.name)[0], "rb") as f:
        return f.read()


def enter(run, name, letters, group):
    """The contestant, started, with its own receiver."""
    h, kind, called = run.house, kind_of_key(name), group + name
    if name.startswith("ours"):
        return race.Parcelpost(run, called, SIMPLE if name == "ours-simple" else "", (kind,), BATCH if name.endswith("-batched") else 0)
    key = h.path(kind + ".pem")  # Parcelpost has made it: the scribes, and ours-ed25519, which enters before
    sink = race.receiver(run, called)
    if name == "haraka":
        peer = h.keep(peer_haraka.Haraka(h, called, sink.port, key))
    elif name == "postfix":
        peer = h.keep(peer_postfix.Postfix(h, called, sink.port))
    else:
        canonicalization = "relaxed/simple" if name.endswith("simple") else "relaxed/relaxed"
        milter = h.keep(peer_postfix.OpenDkim(h, called.replace("open", ""), kind, key, canonicalization))
        peer = h.keep(peer_postfix.Postfix(h, called, sink.port, milter))
    return race.Peer(called, peer, sink, letters, signs=name != "postfix")


def kind_of_key(name):
    return "ed25519" if "ed25519" in name else "rsa"


def verify_samples(run, name, group):
    """What arrived first must carry one signature, and it must hold; the domain's zone has the key."""
    if name == "postfix":
        return
    zone = run.house.path("shop-%s.zone" % kind_of_key(name))
    for path in race.samples(run.house, group + name):
        done = subprocess.run([house.PROGRAM, "dkim", "verify", path, "--zone", zone, "--resolver", "none", "--json"],
                              capture_output=True, text=True, check=False)
        results = [signature["result"] for signature in json.loads(done.stdout)["signatures"]]
        if results != ["pass"]:
            raise AssertionError("%s: the signatures of %s are %s" % (NAMES[name], path, results))


# ---- the laps ------------------------------------------------------------------------------------------------------------

def mails_of(run, size, name):
    """In one lap: some seconds' worth."""
    if run.quick:
        return 2 * CLIENTS
    return {KB_20: 6000 if name.startswith("ours") else 1500, KB_100: 2000 if name.startswith("ours") else 600}[size]


def run_laps(run, contestants, plan):
    """{(size, name): lap} for a plan of such pairs; a first, shorter lap starts processes, opens connections and fills caches."""
    laps = {pair: [] for pair in plan}
    for name, contestant in contestants.items():
        race.lap(run, contestant, max(CLIENTS, mails_of(run, KB_20, name) // 3), KB_20, "warm")
    for number in range(run.pick(1, ROUNDS)):
        for size, name in plan:
            laps[size, name].append(race.lap(run, contestants[name], mails_of(run, size, name), size, "b%d-%d-" % (number, size)))
    return {pair: race.together(found) for pair, found in laps.items()}


def compare(found, laps, figure, ours, beside, size, goal):
    lap, other = laps[size, ours], laps[size, beside]
    found.row(figure, race.rate(lap), NAMES[beside], race.rate(other), goal=goal)
    if goal:
        found.row("the same by CPU time", race.rate_by_cpu(lap), NAMES[beside], race.rate_by_cpu(other))

"""depth -- what a claim, a settle and a delivery cost while a thousand to a million messages wait, due now; how much memory
that takes and how long a start; and whether a hundred thousand that fall due again at once stall new ones.

One queue grows from point to point, by deep.c, through the queue's own verbs. What the deepest is compared with is another
one that stays short: both take turns, because the speed of machines drifts; of each figure the turn with the median ratio counts."""

import contextlib
import json
import os
import sqlite3
import subprocess
import time

import house
import plot
import stage
from machine import Usage
from report import Findings

TITLE = "Deep queues"
MB_WANTED, START_MS_WANTED, RATIO_WANTED = 200, 2000, 0.9
TURNS = 9
AGAIN, NEW = 100000, 200
HOUR = 3600


def deep(run, service, verb, count, ago=0):
    h = service.house
    done = subprocess.run([run.programs["deep"], verb, h.path(service.name + "-data"), h.path("keyring"), str(count), str(ago),
                           str(stage.DOMAINS)], capture_output=True, text=True)
    if done.returncode != 0:
        raise AssertionError("deep %s: %s" % (verb, done.stderr))
    return json.loads(done.stdout)


def seed(run, sink, name, conf=""):
    """A stopped service whose queue has delivered one message, for deep.c to copy."""
    service = stage.service(run, sink, name, conf).start()
    before = sink.counts().mails
    path = stage.request_file(run.house, name + ".json", who="first")
    with open(path, encoding="utf-8") as f:
        service.post(service.key(), json.loads(f.read().replace("@@", "1").replace("##", "1")))
    house.wait_for("the first mail", lambda: sink.counts().mails > before, 30)
    service.stop()
    return service


def memory_mb(service):
    """The most that the process had at once."""
    with open("/proc/%d/status" % service.process.child.pid, encoding="ascii") as f:
        return next(int(line.split()[1]) / 1024 for line in f if line.startswith("VmHWM"))


def start_ms(service):
    """From the start to the first yes of /readyz."""
    begin = time.perf_counter()
    service.start()
    house.wait_for("readiness", lambda: service.call("GET", "/readyz")[0] == 200, 30, 0.005)
    return (time.perf_counter() - begin) * 1000


def point(run, sink, service, depth, taken):
    """Fills the queue up and measures while the last messages above `depth` go, of both the verbs and the service the first ones
    uncounted: {"claim_us", "settle_us", "cpu_us", "rate", "mail_us" (CPU of a delivery), "start_ms", "mb"}"""
    waiting = json.loads(service.run("queue", "stats", "--json").stdout)["queued"]
    deep(run, service, "fill", max(0, depth + 4 * taken - waiting))
    seen = deep(run, service, "take", taken)
    began = sink.counts().mails
    seen["start_ms"] = start_ms(service)
    house.wait_for("the first mails", lambda: sink.counts().mails >= began + taken, 60, 0.005)
    usage = Usage(service=[service.process.child.pid])
    first, at = sink.counts().mails, time.perf_counter()
    house.wait_for("%d mails" % taken, lambda: sink.counts().mails >= began + 2 * taken, 120, 0.005)
    mails = sink.counts().mails - first
    seen["rate"] = mails / (time.perf_counter() - at)
    seen["mail_us"] = usage.end()[0]["service"] * 1e6 / mails
    seen["mb"] = memory_mb(service)
    service.stop()
    return seen


def measure(run):
    found = Findings()
    depths = run.pick([1000, 10000], [1000, 10000, 100000, 1000000])
    taken = run.pick(1000, 4000)
    sink = run.house.keep(stage.Sink(run.programs["sink"]))
    short, service = seed(run, sink, "short"), seed(run, sink, "depth")
    points = {depth: point(run, sink, service, depth, taken) for depth in depths}
    turns = [(point(run, sink, short, depths[0], taken), point(run, sink, service, depths[-1], taken)) for _ in range(TURNS)]
    points[depths[0]], points[depths[-1]] = middle(turns)
    tell(found, points, depths, taken)
    measure_fairness(run, sink, found)
    return found


def middle(turns):
    """Of each figure the pair of the turn with the median ratio: a machine that drifts does so from turn to turn, less within one."""
    short, long = {}, {}
    for key in turns[0][0]:
        pairs = sorted(((a[key], b[key]) for a, b in turns), key=lambda pair: pair[1] / pair[0])
        short[key], long[key] = pairs[len(pairs) // 2]
    return short, long


def tell(found, points, depths, taken):
    short, long = points[depths[0]], points[depths[-1]]
    deepest = "{:,}".format(depths[-1])
    beside = "the same, {:,} queued".format(depths[0])
    found.row("delivered, %s queued" % deepest, long["rate"], beside, short["rate"], goal=RATIO_WANTED)
    for what, name in (("claim", "claim of one message"), ("settle", "settle of one message")):
        found.row("%s, %s queued" % (name, deepest), long[what + "_us"], beside, short[what + "_us"], unit=" us",
                  less_is_better=True, goal=RATIO_WANTED)
    for key, name in (("cpu_us", "CPU of claim and settle"), ("mail_us", "CPU of a delivery")):
        found.row("%s, %s queued" % (name, deepest), long[key], beside, short[key], unit=" us", less_is_better=True,
                  goal=RATIO_WANTED)
    found.row("memory, %s queued" % deepest, long["mb"], "wanted", MB_WANTED, unit=" MB", less_is_better=True, goal=1)
    found.row("ready after the start, %s queued" % deepest, long["start_ms"], "wanted", START_MS_WANTED, unit=" ms",
              less_is_better=True, goal=1)
    found.note("%d mails at each point after as many uncounted, claimed eight at a time as a lane does, by one caller; of a short and "
               "the deepest queue in %d turns, of each figure the one with the median ratio" % (taken, TURNS))
    series = lambda key: [(d, points[d][key]) for d in depths]
    found.picture("throughput-over-depth", plot.chart([
        plot.Panel("delivered, mails a second (goal: 90 % of the shortest queue's)", [("", series("rate"))], dots=True,
                   goals=[(RATIO_WANTED * short["rate"], "goal")]),
        plot.Panel("claim and settle of one message, us", [("claim", series("claim_us")), ("settle", series("settle_us"))],
                   dots=True),
        plot.Panel("memory of the service, MB", [("", series("mb"))], dots=True, goals=[(MB_WANTED, "goal")])],
        "messages that wait, due now", log_x=True))


def measure_fairness(run, sink, found):
    """After an outage: all of `again` have been due for long when the new ones come."""
    again = run.pick(AGAIN // 20, AGAIN)
    service = seed(run, sink, "again")
    deep(run, service, "fill", again, ago=2 * HOUR)
    deep(run, service, "defer", again, ago=HOUR)
    deep(run, service, "fill", NEW)
    before = sink.counts().mails
    service.start()
    house.wait_for("the new ones", lambda: sink.counts().mails >= before + again // 4, 120, 0.05)
    service.stop()
    place = last_new_one(service)
    found.row("last of %d new mails, {:,} due again at once".format(again) % NEW, place, "oldest due first", again + NEW,
              unit="th mail", less_is_better=True, goal=run.pick(2, 20))


def last_new_one(service):
    """At which place among the deliveries the last message went that was delivered at its first attempt."""
    path = os.path.join(service.house.path(service.name + "-data"), "queue.db")
    with contextlib.closing(sqlite3.connect("file:%s?mode=ro" % path, uri=True)) as db:
        rows = db.execute("SELECT m.attempts FROM journal j JOIN message m ON m.storefront = j.storefront AND m.id = j.message_id"
                          " WHERE j.event = 'delivered' ORDER BY j.n LIMIT -1 OFFSET 1").fetchall()
    fresh = [i + 1 for i, (attempts,) in enumerate(rows) if attempts == 1]
    if len(fresh) != NEW:
        raise AssertionError("%d of %d new ones are delivered after %d mails" % (len(fresh), NEW, len(rows)))
    return fresh[-1]

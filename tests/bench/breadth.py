"""breadth -- mails a second over one to a thousand connections of one process, when the receiver holds every reply 100 ms.

A mail waits for the receiver twice on an open connection (MAIL, RCPT and DATA; the dot), so one connection carries 5 a second.
The receiver offers PIPELINING, as nearly all do; one that does not is waited for four times. The queue is filled before
(deep.c): what is measured is delivery alone."""

import re
import time

import depth
import house
import plot
import stage
from report import Findings

TITLE = "Many connections"
HOLD_MS, WAITS = 100, 2
MB_WANTED, RATE_WANTED = 300, 1000


def open_connections(service):
    _, _, text = service.call("GET", "/metrics", service.metrics_key)
    return int(re.search(r"^parcelpost_smtp_connections_open (\d+)", text, re.MULTILINE).group(1))


def point(run, sink, lanes, mails, seconds):
    """{"rate", "open", "mb"} with so many lanes: after all of them are connected, or half the time has gone by."""
    service = depth.seed(run, sink, "breadth-%d" % lanes, "lanes = %d\n" % lanes)
    depth.deep(run, service, "fill", mails)
    service.start()
    service.metrics_key = service.key("read")
    until, most = time.monotonic() + 15, 0
    while time.monotonic() < until and most < lanes:
        most = max(most, open_connections(service))
        time.sleep(0.1)
    first, at = sink.counts().mails, time.perf_counter()
    while time.perf_counter() - at < seconds:
        time.sleep(0.5)
        most = max(most, open_connections(service))
    rate = (sink.counts().mails - first) / (time.perf_counter() - at)
    seen = {"rate": rate, "open": most, "mb": depth.memory_mb(service)}
    service.stop()
    return seen


def measure(run):
    found = Findings()
    widths = run.pick([1, 50], [1, 10, 100, 300, 1000])
    seconds = run.pick(3, 8)
    sink = run.house.keep(stage.Sink(run.programs["sink"], HOLD_MS))
    points = {n: point(run, sink, n, 2000 if n < 100 else 10000 + 40 * n, seconds) for n in widths}
    for n in widths[:-1]:
        found.row("delivered over %d connection%s, replies held %d ms" % (n, "s"[:n - 1], HOLD_MS), points[n]["rate"],
                  "%d waits a mail" % WAITS, n * 1000 / HOLD_MS / WAITS)
    widest, goals = points[widths[-1]], {} if run.quick else {"goal": 1}
    found.row("delivered over {:,} connections, replies held %d ms".format(widths[-1]) % HOLD_MS, widest["rate"],
              "wanted", RATE_WANTED, **goals)
    found.row("connections open at once", widest["open"], "lanes", widths[-1], unit="", **goals)
    found.row("memory with {:,} connections".format(widths[-1]), widest["mb"], "wanted", MB_WANTED, unit=" MB",
              less_is_better=True, goal=1)
    found.note("%d domains; a lane is a thread with a stack of 256 KB, of which about 30 are used" % stage.DOMAINS)
    series = lambda key: [(n, points[n][key]) for n in widths]
    found.picture("throughput-over-connections", plot.chart([
        plot.Panel("delivered, mails a second", [("", series("rate"))], dots=True, goals=[(RATE_WANTED, "goal")]),
        plot.Panel("memory of the service, MB", [("", series("mb"))], dots=True, goals=[(MB_WANTED, "goal")])],
        "connections, every reply held %d ms" % HOLD_MS, log_x=True))
    return found

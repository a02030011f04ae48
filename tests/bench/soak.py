"""soak -- ten minutes under load: memory, descriptors, threads and the queue's depth, sampled every two seconds.

Mails come in rounds, as fast as they are answered, and go to a receiver that puts each tenth off with 451, so that retries
happen all the time; customers come again with new orders; settings are read anew every twenty seconds. Memory is flat when the line through its samples, behind
a warm-up of a third of the time (caches of the databases fill to their bounds), rises by less than 5 % of its mean over
the rest; threads and descriptors must not become more than they were then."""

import json
import os
import re
import signal
import threading
import time

import house
import plot
import stage
from report import Findings

TITLE = "Ten minutes under load"
LANES = 16
READERS = 8  # of a database, more than ever before at once: each keeps a connection (two descriptors) from then on
TELL_S = 60  # how often it says how far it is
SAMPLE_S, RELOAD_S, WARM_UP = 2, 20, 1 / 3
RISE_MAX = 0.05
ROUND = 2000
PUT_OFF = 10  # each so-manyth mail
CUSTOMERS = 10 * ROUND  # who come again and again, with new orders: else the cache of keys.db would grow to its 32 MB all the time


class Watch(threading.Thread):
    """Samples a service until told to stop."""

    def __init__(self, service):
        super().__init__(daemon=True)
        self.service, self.pid = service, service.process.child.pid
        self.samples, self.ending = [], threading.Event()  # (seconds, MB, descriptors, threads, waiting messages)
        self.begin = time.monotonic()

    def run(self):
        while not self.ending.wait(SAMPLE_S):
            self.samples.append(self.sample())

    def sample(self):
        with open("/proc/%d/status" % self.pid) as f:
            status = dict(line.split(":", 1) for line in f)
        _, _, metrics = self.service.call("GET", "/metrics")
        waiting = sum(int(n) for n in re.findall(r'^parcelpost_messages\{state="(?:queued|leased|deferred)"\} (\d+)$', metrics, re.M))
        return (time.monotonic() - self.begin, int(status["VmRSS"].split()[0]) / 1024, len(os.listdir("/proc/%d/fd" % self.pid)),
                int(status["Threads"]), waiting)

    def stop(self):
        self.ending.set()
        self.join()


def rise(points):
    """By how much the line through the points rises from their first to their last, and their mean."""
    n = len(points)
    mean_x, mean_y = sum(x for x, _ in points) / n, sum(y for _, y in points) / n
    slope = sum((x - mean_x) * (y - mean_y) for x, y in points) / sum((x - mean_x) ** 2 for x, _ in points)
    return slope * (points[-1][0] - points[0][0]), mean_y


def load(run, service, key, seconds, attachment):
    """Rounds of mails until the time is over; how many were accepted, and how often settings were read."""
    accepted = reloads = 0
    begin = told = time.monotonic()
    while time.monotonic() < begin + seconds:
        path = stage.request_file(run.house, "soak.json", attachment, who="r%dn" % (accepted % CUSTOMERS), order="r%dn" % accepted)
        stage.Load(run.programs["load"], service, key, ROUND, path).result()
        accepted += ROUND
        if time.monotonic() >= begin + RELOAD_S * (reloads + 1):
            service.process.child.send_signal(signal.SIGHUP)
            reloads += 1
        if time.monotonic() >= told + TELL_S:
            told = time.monotonic()
            print("    %.0f of %d s: %d accepted, %d reloads" % (told - begin, seconds, accepted, reloads), flush=True)
        house.wait_for("the queue to get shorter", lambda: delivered(service) > accepted - 2 * ROUND, 120, 0.5)
    return accepted, reloads


def delivered(service):
    _, _, metrics = service.call("GET", "/metrics")
    return int(re.search(r'^parcelpost_messages\{state="delivered"\} (\d+)$', metrics, re.M).group(1))


def judge(found, samples, is_short):
    """Is it flat? A short run is a warm-up all through."""
    warm = samples[int(len(samples) * WARM_UP):]
    up, mean = rise([(s[0], s[1]) for s in warm])
    found.row("memory after warm-up, mean", mean, unit=" MB")
    found.note("memory rises by %+.1f MB, %+.1f %% of its mean, in %.0f s behind the warm-up (flat: below %.0f %%)" % (
        up, 100 * up / mean, warm[-1][0] - warm[0][0], 100 * RISE_MAX))
    found.note("at most %d descriptors and %d threads; at most %s messages waiting" % (
        max(s[2] for s in samples), max(s[3] for s in samples), "{:,}".format(max(s[4] for s in samples))))
    quarter = len(warm) // 4
    for name, at, more in (("descriptors", 2, 2 * READERS), ("threads", 3, LANES // 4)):
        first, last = max(s[at] for s in warm[:quarter]), max(s[at] for s in warm[-quarter:])
        if last > first + more:
            raise AssertionError("%s became more: %d, then %d" % (name, first, last))
    if up > RISE_MAX * mean and not is_short:
        raise AssertionError("memory is not flat: +%.1f MB of %.1f" % (up, mean))


def picture(samples):
    column = lambda at: [("", [(s[0], s[at]) for s in samples])]
    return plot.chart([plot.Panel("resident memory, MB", column(1)), plot.Panel("descriptors", column(2)),
                       plot.Panel("threads", column(3)), plot.Panel("messages waiting", column(4))], "seconds")


def measure(run):
    found = Findings()
    seconds, attachment = run.pick(30, 600), stage.attachment_bytes(run)
    sink = run.house.keep(stage.Sink(run.programs["sink"], put_off=PUT_OFF))
    service = stage.service(run, sink, "soak", 'lanes = %d\nretry_first_ms = "1s"\nretry_max_ms = "5s"\n' % LANES).start()
    key = service.key()
    watch = Watch(service)
    watch.start()
    accepted, reloads = load(run, service, key, seconds, attachment)
    count = lambda: json.loads(service.run("queue", "stats", "--json").stdout)
    house.wait_for("the last mails", lambda: count()["delivered"] == accepted, 120, 0.5)
    watch.stop()
    taken = sink.counts()
    if (taken.mails, taken.recipients) != (accepted, min(accepted, CUSTOMERS)):
        raise AssertionError("accepted %d, the receiver took %d for %d recipients" % (accepted, taken.mails, taken.recipients))
    verified = service.run("journal", "verify").stdout
    service.stop()
    if "whole" not in verified:
        raise AssertionError(verified)
    found.row("delivered meanwhile", accepted / watch.samples[-1][0])
    found.note("%s mails of 20 KB to %s customers, each %dth put off with 451 and tried again; %d reloads; every one arrived once" % (
        "{:,}".format(accepted), "{:,}".format(taken.recipients), PUT_OFF, reloads))
    found.picture("soak", picture(watch.samples))
    judge(found, watch.samples, run.quick)
    return found

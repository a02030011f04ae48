"""intake -- how many requests a second are accepted, each fsync'd before its 202, beside a loop that writes the same rows."""

import contextlib
import datetime
import json
import os
import sqlite3
import subprocess

import stage
from machine import Usage, share
from report import Findings
from stage import CLIENTS

TITLE = "Accepting"


def measure(run):
    """Nothing is delivered meanwhile: every message is to go out tomorrow."""
    found = Findings()
    count = run.pick(4000, 30000)
    sink = run.house.keep(stage.Sink(run.programs["sink"]))
    service = stage.service(run, sink, "intake").start()
    key = service.key()
    tomorrow = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    stage.warm_up(run, service, key, send_at=tomorrow)
    path = stage.request_file(run.house, "intake.json", send_at=tomorrow)
    usage = Usage(service=[service.process.child.pid])
    seen, load_cpu = stage.Load(run.programs["load"], service, key, count, path).result()
    used, others = usage.end(load=load_cpu)
    sizes = stored_sizes(service)
    service.stop()
    alone = []
    for per_commit in (CLIENTS, 1000):
        rows = write_rows(run, count, per_commit, sizes)
        found.row("accepted, %d clients, durable" % CLIENTS, seen["per_second"], "rows by one loop, %d a commit" % per_commit,
                  rows["per_second"])
        alone.append("%.0f us at %d a commit" % (rows["cpu_us"], per_commit))
    found.note("%s requests of %d bytes; answered after %.1f ms (median), %.1f ms (99 %%)" % (
        "{:,}".format(seen["accepted"]), os.path.getsize(path), seen["median_ms"], seen["p99_ms"]))
    found.note(share(used, seen["accepted"], others))
    found.note("CPU of the rows alone: " + ", ".join(alone))
    return found


def stored_sizes(service):
    """What a submit put into the store: averages of the sealed columns, for the loop that writes rows alone."""
    path = os.path.join(service.house.path(service.name + "-data"), "queue.db")
    with contextlib.closing(sqlite3.connect("file:%s?mode=ro" % path, uri=True)) as db:
        one = lambda text: round(db.execute(text).fetchone()[0] or 0)
        return (one("SELECT avg(length(sealed)) FROM payload"), one("SELECT avg(length(sealed)) FROM attachment"),
                one("SELECT avg(length(facts)) FROM journal WHERE event = 'accepted'"))


def write_rows(run, count, per_commit, sizes):
    """tests/bench/rows.c: {"per_second", "cpu_us"}."""
    folder = run.house.path("rows-%d" % per_commit)
    os.makedirs(folder)
    done = subprocess.run([run.programs["rows"], folder, str(count), str(per_commit), *map(str, sizes)],
                          capture_output=True, text=True, check=True)
    for name in os.listdir(folder):
        os.unlink(os.path.join(folder, name))
    return json.loads(done.stdout)

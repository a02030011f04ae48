"""intake -- how many requests a second are accepted, each fsync'd before its 202, beside a loop that writes the same rows."""

import collections
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
BATCH = 1000        # messages in one request, and in one commit
BATCH_CLIENTS = 4   # connections that send batches
GOAL = 0.6


def measure(run):
    """Nothing is delivered meanwhile: every message is to go out tomorrow. Single requests and batches go to services of
    their own, so that both begin with empty files, as the loop does."""
    found = Findings()
    count = run.pick(4000, 30000)
    sink = run.house.keep(stage.Sink(run.programs["sink"]))
    single = post(run, found, sink, "singly", count, CLIENTS, 0)
    batched = post(run, found, sink, "in batches", count, BATCH_CLIENTS, BATCH)
    few, many = (write_rows(run, count, per_commit, single.sizes) for per_commit in (CLIENTS, BATCH))
    compare(found, single, few, CLIENTS, "accepted, %d clients, durable" % CLIENTS, GOAL)
    compare(found, single, many, BATCH, "accepted, %d clients, durable" % CLIENTS)
    compare(found, batched, many, BATCH, "accepted in batches of %d, durable" % BATCH, GOAL)
    found.note("CPU of the rows alone: %.0f us at %d a commit, %.0f us at %d a commit" % (
        few["cpu_us"], CLIENTS, many["cpu_us"], BATCH))
    return found


def compare(found, posted, rows, per_commit, figure, goal=0.0):
    found.row(figure, posted.per_second, "rows by one loop, %d a commit" % per_commit, rows["per_second"], goal=goal)


Posted = collections.namedtuple("Posted", "per_second sizes")


def post(run, found, sink, name, count, clients, batch):
    service = stage.service(run, sink, "intake-%d" % batch).start()
    key = service.key()
    tomorrow = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    stage.warm_up(run, service, key, send_at=tomorrow)
    path = stage.request_file(run.house, "intake.json", send_at=tomorrow)
    usage = Usage(service=[service.process.child.pid])
    seen, load_cpu = stage.Load(run.programs["load"], service, key, count, path, clients, batch).result()
    used, rest = usage.end(load=load_cpu)
    sizes = stored_sizes(service)
    service.stop()
    found.note("%s: %s requests of %d bytes over %d connections; answered after %.1f ms (median), %.1f ms (99 %%); %s" % (
        name, "{:,}".format(seen["accepted"]), os.path.getsize(path), clients, seen["median_ms"], seen["p99_ms"],
        share(used, seen["accepted"], rest)))
    return Posted(seen["per_second"], sizes)


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

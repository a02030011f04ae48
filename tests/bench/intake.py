"""intake -- how many requests a second are accepted, each fsync'd before its 202, beside a loop that writes the same rows."""

import collections
import contextlib
import datetime
import json
import os
import shutil
import sqlite3
import statistics
import subprocess

import stage
from machine import Usage, share
from report import Findings
from stage import CLIENTS

TITLE = "Accepting"
BATCH = 1000        # messages in one request, and in one commit
BATCH_CLIENTS = 4   # connections that send batches
GOAL = 0.6
TURNS = 5           # an odd number


def measure(run):
    """Nothing is delivered meanwhile: every message is to go out tomorrow. Each turn begins with fresh files, those of the services
    and those of the loops."""
    found = Findings()
    count = run.pick(4000, 30000)
    sink = run.house.keep(stage.Sink(run.programs["sink"]))
    turns = [take_turn(run, sink, count, turn) for turn in range(run.pick(1, TURNS))]
    single, batched, few, many = zip(*turns)
    compare(found, single, few, CLIENTS, "accepted, %d clients, durable" % CLIENTS, GOAL)
    compare(found, single, many, BATCH, "accepted, %d clients, durable" % CLIENTS)
    compare(found, batched, many, BATCH, "accepted in batches of %d, durable" % BATCH, GOAL)
    if len(turns) > 1:
        found.note("%d turns, of each comparison the one with the median ratio; posted singly beside rows at %d a commit: %s" % (len(turns), CLIENTS, ", ".join(
            "%.2f" % (posted.per_second / rows["per_second"]) for posted, rows in zip(single, few))))
    found.note("singly, in the turn of the median: " + middle(single, few)[0].how)
    found.note("in batches, in the turn of the median: " + middle(batched, many)[0].how)
    found.note("CPU of the rows alone: %.0f us at %d a commit, %.0f us at %d a commit" % (
        statistics.median(rows["cpu_us"] for rows in few), CLIENTS, statistics.median(rows["cpu_us"] for rows in many), BATCH))
    return found


def take_turn(run, sink, count, turn):
    """(posted singly, posted in batches, rows at few a commit, rows at many)"""
    single = post(run, sink, turn, count, CLIENTS, 0)
    few = write_rows(run, count, CLIENTS, single.sizes)
    batched = post(run, sink, turn, count, BATCH_CLIENTS, BATCH)
    return single, batched, few, write_rows(run, count, BATCH, single.sizes)


def middle(posted, rows):
    """(posted, rows) of the turn with the median ratio: what drifts between turns meets both. An odd number of turns."""
    return sorted(zip(posted, rows), key=lambda pair: pair[0].per_second / pair[1]["per_second"])[len(posted) // 2]


def compare(found, posted, rows, per_commit, figure, goal=0.0):
    ours, beside = middle(posted, rows)
    found.row(figure, ours.per_second, "rows by one loop, %d a commit" % per_commit, beside["per_second"], goal=goal)


Posted = collections.namedtuple("Posted", "per_second sizes how")


def post(run, sink, turn, count, clients, batch):
    service = stage.service(run, sink, "intake-%d-%d" % (batch, turn)).start()
    key = service.key()
    tomorrow = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    stage.warm_up(run, service, key, send_at=tomorrow)
    path = stage.request_file(run.house, "intake.json", send_at=tomorrow)
    usage = Usage(service=[service.process.child.pid])
    seen, load_cpu = stage.Load(run.programs["load"], service, key, count, path, clients, batch).result()
    used, rest = usage.end(load=load_cpu)
    sizes = stored_sizes(service)
    service.stop()
    return Posted(seen["per_second"], sizes, "%s requests of %d bytes over %d connections; answered after %.1f ms (median), %.1f ms (99 %%); %s" % (
        "{:,}".format(seen["accepted"]), os.path.getsize(path), clients, seen["median_ms"], seen["p99_ms"],
        share(used, seen["accepted"], rest)))


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
    shutil.rmtree(folder)
    return json.loads(done.stdout)

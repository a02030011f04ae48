"""delivery -- how many mails a second the receiver takes, from the first post to the last mail, beside what the cores could
sign if they did nothing else. Requests come in meanwhile, as fast as they are answered."""

import json
import time

import house
import stage
from machine import CORES, Usage, openssl_speed, share, undisturbed
from report import Findings
from stage import CLIENTS

TITLE = "Delivering"


def measure(run):
    found = Findings()
    count, attachment = run.pick(3000, 20000), stage.attachment_bytes(run)
    limit = openssl_speed(run.pick(1, 2), "rsa2048", CORES)
    sink = run.house.keep(stage.Sink(run.programs["sink"]))
    service = stage.service(run, sink, "delivery").start()
    done = deliver(run, service, sink, count, attachment)
    service.stop()
    found.row("delivered end to end, %d cores, RSA-2048" % CORES, count / done["seconds"],
              "openssl speed rsa2048, %d" % CORES, limit)
    found.row("the same by CPU time, were the cores its own", undisturbed(done["used"], count),
              "openssl speed rsa2048, %d" % CORES, limit)
    found.note("%s mails of %s bytes over %d connections, 16 lanes; posted at %s/s meanwhile" % (
        "{:,}".format(count), "{:,.0f}".format(done["mail_bytes"]), done["connections"], "{:,.0f}".format(done["posted"])))
    found.note(share(done["used"], count, done["others"]))
    return found


def deliver(run, service, sink, count, attachment):
    """Posts count mails to a started service and waits until the sink has taken as many; checks that the queue agrees.
    {"seconds", "used", "others" (see machine.Usage), "mail_bytes" (of one), "connections", "posted" (a second)}"""
    key = service.key()
    stage.warm_up(run, service, key, attachment)
    warm = CLIENTS * 4
    house.wait_for("the first mails", lambda: sink.counts().mails == warm, 60)
    path = stage.request_file(run.house, "%s.json" % service.name, attachment)
    before = sink.counts()
    usage = Usage(service=service.process.child.pid, sink=sink.child.pid)
    begin = time.perf_counter()
    load = stage.Load(run.programs["load"], service, key, count, path)
    goal = before.mails + count
    house.wait_for("%d mails at the receiver" % count, lambda: sink.counts().mails >= goal, 240, 0.02)
    seconds = time.perf_counter() - begin
    seen, load_cpu = load.result()
    used, others = usage.end(load=load_cpu)
    now = sink.counts()
    check_all_delivered(service, goal, now)
    return {"seconds": seconds, "used": used, "others": others, "mail_bytes": (now.bytes - before.bytes) / count,
            "connections": now.connections - before.connections, "posted": seen["per_second"]}


def check_all_delivered(service, goal, taken):
    """Every mail once, to its own recipient, signed: by the receiver's account and by the queue's."""
    count = lambda: json.loads(service.run("queue", "stats", "--json").stdout)["delivered"]
    house.wait_for("the queue to say the same", lambda: count() == goal, 30, 0.2)
    if (taken.mails, taken.recipients, taken.signed) != (goal, goal, goal):
        raise AssertionError("the receiver took %d mails, %d of them signed, for %d recipients; %d were due" % (
            taken.mails, taken.signed, taken.recipients, goal))

"""stage -- what the subjects share: the service as installed, its clients, its receiver, and the mails that they exchange.

Keys and zone come from the program itself; the customers' domains from a zone file, so that no DNS server is needed."""

import base64
import collections
import functools
import json
import os
import subprocess
import time

import house

CLIENTS = 64
DOMAINS = 50  # as in marks.h
KB_20 = 20480  # as in micro.c
WORLD = """$ORIGIN customers.example.
$TTL 3600
@ IN SOA ns hostmaster 1 3600 600 86400 60
mx IN A 127.0.0.1
"""


Taken = collections.namedtuple("Taken", "mails connections bytes signed recipients")  # recipients: different ones


class Sink:
    """tests/bench/sink.c. hold_ms: how long it holds each reply; folder: where its first mails are kept, samples of them;
    put_off: each so-manyth body gets 451."""

    def __init__(self, program, hold_ms=0, folder="", samples=0, put_off=0):
        self.child = subprocess.Popen([program, str(hold_ms), folder, str(samples), str(put_off)],
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        self.port = int(self.child.stdout.readline())

    def counts(self):
        self.child.stdin.write("\n")
        return Taken(*(int(x) for x in self.child.stdout.readline().split()))

    def stop(self):
        self.child.stdin.close()
        self.child.wait(10)
        self.child.stdout.close()


class Child:
    """A load generator (crowd.h) while it runs."""

    def __init__(self, arguments):
        self.begin = time.perf_counter()
        self.child = subprocess.Popen([str(argument) for argument in arguments], stdout=subprocess.PIPE, text=True)

    def seconds(self):
        """Since it began."""
        return time.perf_counter() - self.begin

    def failed(self):
        """True when it has ended, and not well: wait for nothing more."""
        if self.child.returncode is None:
            pid, status, self.usage = os.wait4(self.child.pid, os.WNOHANG)
            if pid:
                self.child.returncode = os.waitstatus_to_exitcode(status)
        return bool(self.child.returncode)

    def stop(self):
        self.child.kill()
        self.child.wait()
        self.child.stdout.close()

    def result(self):
        """(what it printed, CPU seconds)"""
        text = self.child.stdout.read()
        self.child.stdout.close()
        if self.child.returncode is None:
            _, status, self.usage = os.wait4(self.child.pid, 0)
            self.child.returncode = os.waitstatus_to_exitcode(status)
        if self.child.returncode != 0:
            raise AssertionError("the load ended with %d: %s" % (self.child.returncode, text))
        return json.loads(text), self.usage.ru_utime + self.usage.ru_stime


class Load(Child):
    """tests/bench/load.c. count: messages; batch: how many of them go out in one request, 0 for single ones."""

    def __init__(self, program, service, key, count, path, clients=CLIENTS, batch=0):
        self.each = batch or 1
        super().__init__([program, service.port, key, clients, count // self.each, path] + ([batch] if batch else []))

    def result(self):
        """The same, in messages."""
        seen, cpu = super().result()
        for field in ("accepted", "refused", "per_second"):
            seen[field] *= self.each
        return seen, cpu


class SmtpLoad(Child):
    """tests/bench/smtp_load.c"""

    def __init__(self, program, port, count, path, clients):
        super().__init__([program, port, clients, count, path])


def service(run, sink, name, conf="", storefront="", keys=("rsa",)):
    """A service of its own whose customers' mails go to the sink; not started. conf, storefront, keys: as house.Service."""
    h = run.house
    zone = h.write("world.zone", WORLD + "".join("d%d IN MX 10 mx\n" % i for i in range(DOMAINS)))
    own = h.path("shop-%s.zone" % "-".join(keys))
    if not os.path.exists(own):
        paper = house.Service(h, keys=keys, name="paper")
        h.write(os.path.basename(own), paper.run("dkim", "zone").stdout)
    roads = ('resolvers = {"127.0.0.1:9"}\nzone_files = {"%s", "%s"}\nsmtp_port = %d\nallow_private_destinations = true\n' %
             (own, zone, sink.port))
    return h.keep(house.Service(h, roads + conf, storefront, keys=keys, name=name))


def request_file(h, name, attachment=0, send_at=None, who="buyer", order=None):
    """docs/examples/shipping_notice.json for a new customer, order and parcel each time (see marks.h)."""
    body = house.example("shipping_notice.json")
    body["to"] = {"email": who + "@@@d##.customers.example", "name": "Ada Winters"}
    body.update(order=(order or who) + "-o@@", parcel=(order or who) + "-p@@")
    if send_at:
        body["send_at"] = send_at
    if attachment:
        body["attachments"] = [{"filename": "label.pdf", "content_type": "application/pdf",
                                "content": base64.b64encode(os.urandom(attachment)).decode()}]
    return h.write(name, json.dumps(body, separators=(",", ":")))


def warm_up(run, served, key, attachment=0, send_at=None):
    """The first of everything: compiled mails, connections, memory. For other customers than those that count."""
    path = request_file(run.house, "warm-up.json", attachment, send_at, who="warm")
    Load(run.programs["load"], served, key, CLIENTS * 4, path).result()


@functools.lru_cache(maxsize=None)
def attachment_of_20_kb(micro):
    done = subprocess.run([micro, "0"], capture_output=True, text=True, check=True, cwd=house.TOP)
    return json.loads(done.stdout)["attachment_bytes"]


def attachment_bytes(run, mail_bytes=KB_20):
    """The size of the attachment that makes the example a mail of so many bytes; base64 writes 57 bytes in a line of 78."""
    return attachment_of_20_kb(run.programs["micro"]) + (mail_bytes - KB_20) * 57 // 78


def check_all_delivered(served, count):
    """The queue of a started service must come to say that it has delivered so many."""
    delivered = lambda: json.loads(served.run("queue", "stats", "--json").stdout)["delivered"]
    house.wait_for("the queue to say that %d are delivered" % count, lambda: delivered() == count, 30, 0.2)

"""bench -- what Parcelpost does in a second, each figure beside its limit measured in the same run.

    bench.py BUILD-FOLDER [--quick] [--write FILE]

Everything runs on this machine: the service as installed, a load generator (tests/bench/load.c) and a receiver
(tests/bench/sink.c). Keys and zone come from the program itself; the customers' domains from a zone file, so that no
DNS server is needed. Figures count what arrived: accepted is a 202 (fsync'd), delivered is a mail that the receiver has
taken. The script runs from the top of the tree."""

import argparse
import base64
import collections
import contextlib
import datetime
import json
import os
import platform
import re
import sqlite3
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
import audit  # noqa: E402
import house  # noqa: E402

CLIENTS = 64
DOMAINS = 50  # as in load.c
CORES = len(os.sched_getaffinity(0))
TICKS = os.sysconf("SC_CLK_TCK")


class Size:
    """How much is done: a whole run stays below five minutes, a quick one below a minute."""

    def __init__(self, quick):
        self.seconds = 0.3 if quick else 2  # for each figure of micro, of CPU time
        self.openssl = 1 if quick else 2
        self.intake = 4000 if quick else 30000
        self.rows = 4000 if quick else 30000
        self.mails = 3000 if quick else 20000
        self.audits = 3 if quick else 9


Row = collections.namedtuple("Row", "figure value limit_name limit ratio format")


class Table:
    """The figures, printed as they come and kept for the page."""

    def __init__(self):
        self.rows = []
        self.notes = []

    def add(self, figure, value, limit_name="", limit=0.0):
        self.show(Row(figure, value, limit_name, limit, value / limit if limit else 0.0, "{:,.0f}/s"))

    def add_time(self, figure, milliseconds, limit_name, limit):
        """Less is better; the ratio is still 1 where nothing is lost."""
        self.show(Row(figure, milliseconds, limit_name, limit, limit / milliseconds, "{:,.0f} ms"))

    def show(self, row):
        self.rows.append(row)
        print("%-46s %11s   %s" % (row.figure, row.format.format(row.value),
              "%.2f of %s: %s" % (row.ratio, row.format.format(row.limit), row.limit_name) if row.limit else ""), flush=True)

    def note(self, text):
        self.notes.append(text)
        print("    " + text, flush=True)


# ---- the machine ---------------------------------------------------------------------------------------------------------

def first_line(command):
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[0].strip()
    except (OSError, subprocess.CalledProcessError, IndexError):
        return "unknown"


def fdatasync_ms(folder, times=200):
    path = os.path.join(folder, "fdatasync")
    fd = os.open(path, os.O_CREAT | os.O_WRONLY, 0o600)
    try:
        begin = time.perf_counter()
        for _ in range(times):
            os.write(fd, bytes(4096))
            os.fdatasync(fd)
        return (time.perf_counter() - begin) * 1000 / times
    finally:
        os.close(fd)
        os.unlink(path)


def describe_machine(h, commit):
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        model = re.search(r"model name\s*: (.*)", f.read())
    file_system = first_line(["findmnt", "-n", "-o", "FSTYPE", "-T", h.dir])
    return [
        "%d cores (%s), Linux %s" % (CORES, model.group(1) if model else platform.machine(), platform.release().split("-")[0]),
        "SQLite %s, WAL, synchronous=FULL, on %s; one fdatasync of 4 KB takes %.2f ms" % (
            sqlite3.sqlite_version, file_system, fdatasync_ms(h.dir)),
        "%s; Parcelpost at commit %s" % (first_line(["openssl", "version"]).split(" (")[0].rsplit(" ", 3)[0], commit),
    ]


def cpu_seconds(pid):
    with open("/proc/%d/stat" % pid, encoding="ascii", errors="replace") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def machine_seconds():
    """(all, idle) CPU seconds of the machine since it started."""
    with open("/proc/stat", encoding="ascii") as f:
        fields = [int(x) / TICKS for x in f.readline().split()[1:9]]
    return sum(fields), fields[3] + fields[4]


class Usage:
    """Who used the CPU while something ran: ours by name, the rest of the machine as a share."""

    def __init__(self, **pids):
        self.pids = pids
        self.before = {name: cpu_seconds(pid) for name, pid in pids.items()}
        self.machine = machine_seconds()

    def end(self, **known):
        """known: CPU seconds of processes that have ended by now."""
        used = {name: cpu_seconds(pid) - self.before[name] for name, pid in self.pids.items()}
        used.update(known)
        total, idle = (now - then for now, then in zip(machine_seconds(), self.machine))
        others = max(0.0, total - idle - sum(used.values()))
        return used, others / total if total else 0.0


# ---- the limits ----------------------------------------------------------------------------------------------------------

def openssl_speed(size, algorithm, processes):
    """Signatures a second, summed over processes that run at once. openssl divides by its CPU time, so that other work on
    the machine counts little; its own -multi divides by the clock on the wall."""
    command = ["openssl", "speed", "-mr", "-seconds", str(size.openssl), algorithm]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) for _ in range(processes)]
    return sum(signatures_in(child.communicate()[0]) for child in running)


def signatures_in(text):
    """+F2:2:2048:SIGN:VERIFY for RSA, +F6:0:253:Ed25519:SIGN:VERIFY"""
    fields = re.search(r"^\+F[26]:.*$", text, re.MULTILINE).group(0).split(":")
    return float(fields[-2])


def write_rows(h, programs, size, per_commit, private, attachment, facts):
    folder = h.path("rows-%d" % per_commit)
    os.makedirs(folder)
    done = subprocess.run([programs["rows"], folder, str(size.rows), str(per_commit), str(private), str(attachment), str(facts)],
                          capture_output=True, text=True, check=True)
    for name in os.listdir(folder):
        os.unlink(os.path.join(folder, name))
    return json.loads(done.stdout)


# ---- one core, one mail --------------------------------------------------------------------------------------------------

def measure_micro(programs, size, table):
    """Requests, renders, composes and signatures; returns the attachment's size for a 20 KB mail and the limit of delivery."""
    lines = subprocess.run([programs["micro"], str(size.seconds)], capture_output=True, text=True, check=True, cwd=house.TOP)
    first, *figures = [json.loads(line) for line in lines.stdout.splitlines()]
    rates = {(f["what"], f["threads"]): f["per_second"] for f in figures}
    limits = {(a, t): openssl_speed(size, a, t) for a in ("rsa2048", "ed25519") for t in (1, 2)}
    for (what, threads), rate in rates.items():
        if what.endswith(" by one loop"):
            continue
        if what.startswith("sign "):
            algorithm = what.split()[1]
            table.add("%s, %d thread%s" % (what, threads, "s"[:threads - 1]), rate, "openssl speed %s, %d" % (algorithm, threads),
                      limits[algorithm, threads])
        else:
            table.add(what, rate, "its bytes through one loop", rates[what + " by one loop", threads])
    return first["attachment_bytes"], openssl_speed(size, "rsa2048", CORES)


# ---- senders -------------------------------------------------------------------------------------------------------------

def measure_senders(h, programs, size, table):
    """SPF and the gate: each figure is followed by its limit, whose name goes on with "by"."""
    lines = subprocess.run([programs["dns"], h.path("senders.zone"), str(size.seconds)], stdout=subprocess.PIPE, text=True,
                           check=True)
    figures = [json.loads(line) for line in lines.stdout.splitlines()]
    limits = {"SPF": "its questions asked of the same zone file", "gate": "SHA-256 of its question"}
    for real, limit in zip(figures[::2], figures[1::2]):
        threads = ", %d thread%s" % (real["threads"], "s"[:real["threads"] - 1]) if real["what"].startswith("gate") else ""
        table.add(real["what"] + threads, real["per_second"], limits[real["what"].split(",")[0]], limit["per_second"])


# ---- the service ---------------------------------------------------------------------------------------------------------

WORLD = """$ORIGIN customers.example.
$TTL 3600
@ IN SOA ns hostmaster 1 3600 600 86400 60
mx IN A 127.0.0.1
"""


class Sink:
    """tests/bench/sink.c: mails, connections and bytes taken so far."""

    def __init__(self, program):
        self.child = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        self.port = int(self.child.stdout.readline())

    def counts(self):
        self.child.stdin.write("\n")
        return [int(x) for x in self.child.stdout.readline().split()]

    def stop(self):
        self.child.stdin.close()
        self.child.wait(10)


def start_service(h, sink, name):
    zone = h.write("world.zone", WORLD + "".join("d%d IN MX 10 mx\n" % i for i in range(DOMAINS)))
    own = h.path("shop.zone")
    conf = 'resolvers = {"127.0.0.1:9"}\nzone_files = {"%s", "%s"}\nsmtp_port = %d\nallow_private_destinations = true\n' % (own, zone, sink.port)
    if not os.path.exists(own):
        paper = house.Service(h, name="paper")
        h.write("shop.zone", paper.run("dkim", "zone").stdout)
    return house.Service(h, conf, name=name)


def request_file(h, name, attachment=0, send_at=None, who="buyer"):
    """docs/examples/shipping_notice.json for a new customer, order and parcel each time (see load.c for the marks)."""
    body = house.example("shipping_notice.json")
    body["to"] = {"email": who + "@@@d##.customers.example", "name": "Ada Winters"}
    body.update(order=who + "-o@@", parcel=who + "-p@@")
    if send_at:
        body["send_at"] = send_at
    if attachment:
        body["attachments"] = [{"filename": "label.pdf", "content_type": "application/pdf",
                                "content": base64.b64encode(os.urandom(attachment)).decode()}]
    return h.write(name, json.dumps(body, separators=(",", ":")))


class Load:
    """tests/bench/load.c while it runs."""

    def __init__(self, program, service, key, count, path):
        self.child = subprocess.Popen([program, str(service.port), key, str(CLIENTS), str(count), path],
                                      stdout=subprocess.PIPE, text=True)

    def result(self):
        """(what it printed, CPU seconds)"""
        text = self.child.stdout.read()
        self.child.stdout.close()
        _, status, usage = os.wait4(self.child.pid, 0)
        self.child.returncode = os.waitstatus_to_exitcode(status)
        if self.child.returncode != 0:
            raise AssertionError("load ended with %d: %s" % (self.child.returncode, text))
        return json.loads(text), usage.ru_utime + usage.ru_stime


def warm_up(h, programs, service, key, attachment, send_at=None):
    """The first of everything: compiled mails, connections, memory. For other customers than those that count."""
    path = request_file(h, "warm-up.json", attachment, send_at, who="warm")
    Load(programs["load"], service, key, CLIENTS * 4, path).result()


def share(used, n, others):
    return "CPU a message: %s; other processes had %.0f %% of the machine" % (
        ", ".join("%s %.0f us" % (name, seconds * 1e6 / n) for name, seconds in used.items()), 100 * others)


def undisturbed(used, n):
    """Messages a second if the cores did nothing else: what the CPU time allows."""
    return CORES * n / sum(used.values())


def stored_sizes(service):
    """What a submit put into the store: averages of the sealed columns, for the loop that writes rows alone."""
    path = os.path.join(service.house.path(service.name + "-data"), "queue.db")
    with contextlib.closing(sqlite3.connect("file:%s?mode=ro" % path, uri=True)) as db:
        one = lambda text: round(db.execute(text).fetchone()[0] or 0)
        return (one("SELECT avg(length(sealed)) FROM payload"), one("SELECT avg(length(sealed)) FROM attachment"),
                one("SELECT avg(length(facts)) FROM journal WHERE event = 'accepted'"))


def measure_intake(h, programs, size, sink, table):
    """Nothing is delivered meanwhile: every message is to go out tomorrow."""
    service = h.keep(start_service(h, sink, "intake"))
    service.start()
    key = service.key()
    tomorrow = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    warm_up(h, programs, service, key, 0, tomorrow)
    path = request_file(h, "intake.json", send_at=tomorrow)
    usage = Usage(service=service.process.child.pid)
    seen, load_cpu = Load(programs["load"], service, key, size.intake, path).result()
    used, others = usage.end(load=load_cpu)
    private, attachment, facts = stored_sizes(service)
    service.stop()
    alone = []
    for per_commit in (CLIENTS, 1000):
        rows = write_rows(h, programs, size, per_commit, private, attachment, facts)
        table.add("accepted, %d clients, durable" % CLIENTS, seen["per_second"], "rows by one loop, %d a commit" % per_commit,
                  rows["per_second"])
        alone.append("%.0f us at %d a commit" % (rows["cpu_us"], per_commit))
    table.note("%s requests of %d bytes; answered after %.1f ms (median), %.1f ms (99 %%)" % (
        "{:,}".format(seen["accepted"]), os.path.getsize(path), seen["median_ms"], seen["p99_ms"]))
    table.note(share(used, seen["accepted"], others))
    table.note("CPU of the rows alone: " + ", ".join(alone))


def measure_delivery(h, programs, size, sink, table, attachment, limit):
    """From the first post to the last mail at the receiver, while requests come in as fast as they are answered."""
    service = h.keep(start_service(h, sink, "delivery"))
    service.start()
    key = service.key()
    warm_up(h, programs, service, key, attachment)
    house.wait_for("the first mails", lambda: sink.counts()[0] == CLIENTS * 4, 60)
    path = request_file(h, "delivery.json", attachment)
    mails, connections, taken = sink.counts()
    usage = Usage(service=service.process.child.pid, sink=sink.child.pid)
    begin = time.perf_counter()
    load = Load(programs["load"], service, key, size.mails, path)
    goal = mails + size.mails
    house.wait_for("%d mails at the receiver" % size.mails, lambda: sink.counts()[0] >= goal, 240, 0.02)
    seconds = time.perf_counter() - begin
    seen, load_cpu = load.result()
    used, others = usage.end(load=load_cpu)
    table.add("delivered end to end, %d cores, RSA-2048" % CORES, size.mails / seconds,
              "openssl speed rsa2048, %d" % CORES, limit)
    table.add("the same by CPU time, were the cores its own", undisturbed(used, size.mails),
              "openssl speed rsa2048, %d" % CORES, limit)
    now = sink.counts()
    table.note("%s mails of %s bytes over %d connections, 16 lanes; posted at %s/s meanwhile" % (
        "{:,}".format(size.mails), "{:,.0f}".format((now[2] - taken) / size.mails), now[1] - connections,
        "{:,.0f}".format(seen["per_second"])))
    table.note(share(used, size.mails, others))
    check_all_delivered(service, goal, now[0])


def check_all_delivered(service, goal, taken):
    count = lambda: json.loads(service.run("queue", "stats", "--json").stdout)["delivered"]
    house.wait_for("the queue to say the same", lambda: count() == goal, 30, 0.2)
    if taken != goal:
        raise AssertionError("the receiver took %d mails for %d messages" % (taken, goal))
    service.stop()


# ---- the page ------------------------------------------------------------------------------------------------------------

PAGE = """# Performance

`script/bench` measures Parcelpost on the machine at hand and puts each figure beside its limit, measured in the same run.
Machines differ and their speed drifts, so the ratio is what to compare; figures of different runs are not comparable.

| figure | ratio | measured | limit |
|---|---|---|---|
%s

%s

Measured %s at commit %s by `%s`:

%s

## What each figure means

- **accepted**: 202 answers a second to clients on keep-alive connections, each message of a new customer, order and parcel,
  on disk before its answer. Deliveries wait meanwhile (`send_at` tomorrow). The limit is a loop that writes the same rows
  through the same indexes with nothing to read, check, hash or seal (`tests/bench/rows.c`).
- **delivered**: mails that the receiver has taken, from the first post to the last mail, requests coming in as fast as they
  are answered. Client, service and receiver share the machine's cores; SMTP goes in
  clear over loopback to 50 domains. The limit is what the cores could sign if they did nothing else. `openssl speed` counts
  its own CPU time, so on a machine that others use too the second line is the one to compare.
- **render, compose, parse**: on one core. The limit is a loop that copies the bytes (the result's; of a request, its own) and
  looks at each once.
- **sign**: a mail of 20 KB, hashing and canonicalising included; the limit is the bare signature.
- **SPF**: evaluations on one core, asked of a zone file: one `ip4`, and a record with three includes, `a` and `mx`, the last of
  which matches. The limit is the same names looked up with nothing to parse or decide. **gate**: verdicts that it has at hand,
  all threads asking the same question.
- **check-dns**: one audit from start to exit, all caches empty, of a healthy domain with three includes and external reports,
  against a DNS server that holds each reply 100 ms (`tests/bench/relay.py`); the median of several. The limit is what its
  questions take when each goes out as soon as its name can be known.

[decisions/0070](decisions/0070-where-the-time-goes.md) says where a message's time goes.
"""


def write_page(path, table, machine, commit, command):
    rows = "\n".join("| %s | %s | %s | %s |" % (
        row.figure, "%.2f" % row.ratio if row.limit else "", row.format.format(row.value),
        "%s, %s" % (row.format.format(row.limit), row.limit_name) if row.limit else "") for row in table.rows)
    lists = ["\n".join("- %s" % text for text in texts) for texts in (table.notes, machine)]
    with open(path, "w", encoding="utf-8") as f:
        f.write(PAGE % (rows, lists[0], datetime.date.today().isoformat(), commit, command, lists[1]))


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("build")
    arguments.add_argument("--quick", action="store_true")
    arguments.add_argument("--write")
    a = arguments.parse_args()
    programs = {name: os.path.join(a.build, "tests", "bench", name) for name in ("load", "sink", "micro", "rows", "dns")}
    size, table = Size(a.quick), Table()
    commit = first_line(["git", "-C", house.TOP, "describe", "--always", "--dirty"])
    with house.House("bench") as h:
        machine = describe_machine(h, commit)
        print("\n".join("    " + line for line in machine), flush=True)
        attachment, limit = measure_micro(programs, size, table)
        measure_senders(h, programs, size, table)
        audit.measure(h, size.audits, table)
        sink = h.keep(Sink(programs["sink"]))
        measure_intake(h, programs, size, sink, table)
        measure_delivery(h, programs, size, sink, table, attachment, limit)
    if a.write:
        write_page(a.write, table, machine, commit, "script/bench --write" + (" --quick" if a.quick else ""))
    accepted, delivered, alone = (next(row for row in table.rows if row.figure.startswith(figure))
                                  for figure in ("accepted", "delivered", "the same by CPU time"))
    print("bench: %s accepted/s, %s delivered/s; %s delivered/s were the cores its own (%.2f of what %d cores can sign)" % (
        "{:,.0f}".format(accepted.value), "{:,.0f}".format(delivered.value), "{:,.0f}".format(alone.value), alone.ratio, CORES))


if __name__ == "__main__":
    main()

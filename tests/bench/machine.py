"""machine -- the machine that the bench runs on: what it is, who used its CPU, and how fast it signs and syncs."""

import collections
import functools
import os
import platform
import re
import sqlite3
import subprocess
import time

CORES = len(os.sched_getaffinity(0))
TICKS = os.sysconf("SC_CLK_TCK")
PARENT, CPU, STARTED = 1, slice(11, 15), 19  # fields of processes(); CPU with that of children that have ended


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


def describe(folder, commit):
    """Lines of text; folder: where the bench writes."""
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        model = re.search(r"model name\s*: (.*)", f.read())
    file_system = first_line(["findmnt", "-n", "-o", "FSTYPE", "-T", folder])
    return [
        "%d cores (%s), Linux %s" % (CORES, model.group(1) if model else platform.machine(), platform.release().split("-")[0]),
        "SQLite %s, WAL, synchronous=FULL, on %s; one fdatasync of 4 KB takes %.2f ms" % (
            sqlite3.sqlite_version, file_system, fdatasync_ms(folder)),
        "%s; Parcelpost at commit %s" % (first_line(["openssl", "version"]).split(" (")[0].rsplit(" ", 3)[0], commit),
    ]


# ---- CPU time ------------------------------------------------------------------------------------------------------------

def processes():
    """{pid: fields of /proc/PID/stat from the state on}"""
    found = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/stat" % name, encoding="ascii", errors="replace") as f:
                found[int(name)] = f.read().rsplit(")", 1)[1].split()
        except OSError:
            pass  # it has ended
    return found


def subtree(pids, known):
    """Those of these processes that are there, and all below them. known: processes()"""
    found, more = set(), {pid for pid in pids if pid in known}
    while more:
        found |= more
        more = {pid for pid, fields in known.items() if int(fields[PARENT]) in more}
    return found


def tree_seconds(pids, known):
    """CPU seconds of these processes and of all below them, with those that have ended."""
    return sum(int(x) for pid in subtree(pids, known) for x in known[pid][CPU]) / TICKS


def machine_seconds():
    """(all, idle) CPU seconds of the machine since it started."""
    with open("/proc/stat", encoding="ascii") as f:
        fields = [int(x) / TICKS for x in f.readline().split()[1:9]]
    return sum(fields), fields[3] + fields[4]


Rest = collections.namedtuple("Rest", "others idle")  # shares of the machine's time: what was not ours


class Usage:
    """Who used the CPU while something ran: ours by name, the rest of the machine as a share. trees: name=[pid, ...], each
    with all processes below it."""

    def __init__(self, **trees):
        self.trees = trees
        self.before = self.now()
        self.machine = machine_seconds()

    def now(self):
        known = processes()
        return {name: tree_seconds(pids, known) for name, pids in self.trees.items()}

    def end(self, **known):
        """({name: CPU seconds}, Rest). known: CPU seconds of processes that have ended by now."""
        total, idle = (now - then for now, then in zip(machine_seconds(), self.machine))
        used = {name: seconds - self.before[name] for name, seconds in self.now().items()}
        used.update(known)
        others = max(0.0, total - idle - sum(used.values()))
        return used, Rest(others / total, idle / total) if total else Rest(0.0, 0.0)


def share(used, n, rest):
    """One line about Usage.end() after n messages."""
    return "CPU a message: %s; other processes had %.0f %% of the machine, %.0f %% was idle" % (
        ", ".join("%s %.0f us" % (name, seconds * 1e6 / n) for name, seconds in used.items()), 100 * rest.others, 100 * rest.idle)


def undisturbed(used, n):
    """Messages a second if the cores did nothing else: what the CPU time allows."""
    return CORES * n / sum(used.values())


# ---- signatures ----------------------------------------------------------------------------------------------------------

@functools.lru_cache(maxsize=None)
def openssl_speed(seconds, algorithm, processes, instructions=""):
    """Signatures a second, summed over processes that run at once. instructions: OPENSSL_ia32cap(3), "" for all. openssl divides by its CPU time, so that other work on
    the machine counts little; its own -multi divides by the clock on the wall. Measured once a run."""
    command = ["openssl", "speed", "-mr", "-seconds", str(seconds), algorithm]
    environment = dict(os.environ, **({"OPENSSL_ia32cap": instructions} if instructions else {}))
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment)
               for _ in range(processes)]
    return sum(signatures_in(child.communicate()[0]) for child in running)


def signatures_in(text):
    """+F2:2:2048:SIGN:VERIFY for RSA, +F6:0:253:Ed25519:SIGN:VERIFY"""
    fields = re.search(r"^\+F[26]:.*$", text, re.MULTILINE).group(0).split(":")
    return float(fields[-2])
